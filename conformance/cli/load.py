"""`conformance load`: the contract under load, on Locust."""

from __future__ import annotations

import re
import secrets
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.cli import output
from conformance.cli.consoles import progress_console
from conformance.cli.execution import INTERRUPTED_CODE, create_console
from conformance.cli.options_to_settings import require_profile, resolve_settings
from conformance.contract import Contract
from conformance.core import interruption
from conformance.core.errors import InconclusiveError, UsageError
from conformance.core.user_files import read_bytes
from conformance.profile import load as load_profile
from conformance.redaction import learn
from conformance.redaction.header_secrets import secrets_of_headers
from conformance.requests import Keys
from conformance.run.permissions import permit_load
from conformance.wire import parse_target
from conformance.wire.addresses import AddressScope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.loadtest import LoadPlan
    from conformance.loadtest.restart import RestartCommand
    from conformance.wire import TargetAddress

_RENDERERS = {
    "json": ("document", "dump_json"),
    "html": ("load_report", "render_html_load"),
    "markdown": ("load_report", "render_markdown_load"),
    "junit": ("load_report", "render_junit_load"),
}
DEFAULT_RATE, DEFAULT_DURATION_S, DEFAULT_HOLD_S, DEFAULT_RECOVER_S = 50.0, 30.0, 30.0, 10.0
DEFAULT_HIGHEST = 100_000.0
_BUDGETS = ("max_requests", "max_events", "max_bytes")
_MISSING = "loads are sent by Locust, which is not installed: pip install 'ingest-conformance[load]'"


def load(options: Mapping[str, Any]) -> int:
    """Puts a target under load and returns the exit code: 1 for a broken promise, 3 if nothing can be said."""
    if any(find_spec(name) is None for name in ("locust", "psutil")):
        raise InconclusiveError(_MISSING)
    from conformance.loadtest.fleet import LOCUSTFILE

    if options["locustfile"]:
        sys.stdout.write(f"{LOCUSTFILE}\n")
        return 0
    outputs = output.Outputs.requested(options, _RENDERERS, (options["profile"], options["mix"]))
    settings = resolve_settings(options)
    require_profile(settings)
    contract = Contract(load_profile(settings["profile"]), settings["include"], settings["exclude"])
    target = _target(settings)
    permit_load(target, contract.profile, settings, _number(options, "max-rate"))
    plan = _plan(options, settings, contract, target)
    if options["prepare"]:
        return _prepare(plan, options["prepare"])
    outputs.clear()
    from conformance.loadtest.document import build_document
    from conformance.loadtest.execution import run_load

    progress = progress_console(is_quiet=options["quiet"])
    result = run_load(plan, lambda text: progress.print(text, soft_wrap=True))
    profile = {"name": contract.profile.name, "title": contract.profile.title}
    recover_s = _number(options, "recover-within") or DEFAULT_RECOVER_S
    document = build_document(result, profile, target.url, recover_s)
    outputs.publish_texts(lambda name: output.render(name, document, _RENDERERS), lambda: _show(document))
    return INTERRUPTED_CODE if interruption.has_come() else int(document["load"]["exit_code"])


def _show(document: Mapping[str, Any]) -> None:
    """Prints the result in a few lines."""
    from conformance.redaction import redact_document
    from conformance.report.load_report import summary_lines

    console = create_console()
    for line in summary_lines(redact_document(document)):
        console.print(line, markup=False, soft_wrap=True)


def _target(settings: Mapping[str, Any]) -> TargetAddress:
    if not settings["url"]:
        raise UsageError("a URL is needed: a load has no embedded server")
    if not settings["write_key"]:
        raise UsageError("a write key is needed: set CONFORMANCE_WRITE_KEY, or pass --write-key KEY")
    headers = (*settings["header"], *settings["plain_header"])
    target = parse_target(
        settings["url"], headers=headers, ca_bundle=settings["ca_bundle"], insecure=settings["insecure"]
    )
    secret_headers = target.headers[: len(settings["header"])]
    learn({**secrets_of_headers(secret_headers), **Keys.of_settings(settings).placeholders_by_secret()})
    if target.resolution_error:
        raise InconclusiveError(target.resolution_error)
    return target


def _plan(
    options: Mapping[str, Any], settings: Mapping[str, Any], contract: Contract, target: TargetAddress
) -> LoadPlan:
    """The plan of a load. Raises UsageError for a wrong option."""
    from conformance.loadtest.execution import LoadPlan

    is_search = options["find_limit"]
    traffic = _traffic(options, settings, contract, target)
    budget = tuple(settings[name] or -1 for name in _BUDGETS)
    max_rate = _number(options, "max-rate")
    workers = _whole(options, "workers", 2)
    rate = settings["rate"] or (10.0 if is_search else DEFAULT_RATE)
    if max_rate and rate > max_rate:
        raise UsageError(f"--rate {rate:g}: the highest rate named is {max_rate:g}")
    levels = {name: _seconds(options[name], name) for name in ("p50", "p95", "p99") if options[name]}
    if options["max_error_rate"] is not None:
        levels["error_rate"] = _share(options["max_error_rate"], "max-error-rate", 0.0)
    return LoadPlan(
        traffic=traffic,
        shape=_shape(options, rate, max_rate),
        shape_name="find-limit" if is_search else options["shape"],
        rate=rate,
        workers=workers,
        users=max(workers, _whole(options, "clients", 2 * workers)),
        gate=settings["gate"],
        max_rate=max_rate,
        budget=(budget[0], budget[1], budget[2]),
        service_levels=levels,
        server_pid=_whole(options, "pid", 0) or None,
        **_sink(settings, contract),
        restart=_restart(options, target),
    )


def _sink(settings: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """The sink of the settings, and the levels of what is promised of it. Raises UsageError for a wrong file."""
    if not settings["sink"]:
        return {}
    from conformance.loadtest.fates import FACTS
    from conformance.sinks import load as load_sink

    levels = {name: contract.fact(fact).level.value for name, fact in FACTS.items() if contract.has_fact(fact)}
    return {"sink": load_sink(Path(settings["sink"])), "delivery_levels": levels}


def _traffic(
    options: Mapping[str, Any], settings: Mapping[str, Any], contract: Contract, target: TargetAddress
) -> dict[str, Any]:
    """What workers are given: the requests, the rules, the target. Raises UsageError for a wrong option."""
    from conformance.loadtest.mix import SINGLE_EVENTS, Mix, read_mix
    from conformance.loadtest.traffic import build_traffic

    is_search, bundle = options["find_limit"], settings["ca_bundle"]
    mix = read_mix(options["mix"]) if options["mix"] else SINGLE_EVENTS if is_search else Mix()
    bad_share = _share(options["bad"], "bad", 0.02)
    keys = Keys.of_settings(settings)
    return {
        **build_traffic(contract, keys, target, mix, bad_share, settings["run_id"]),
        "target": {
            "addresses": [*target.addresses], "port": target.port, "host": target.host, "scheme": target.scheme,
            "insecure": settings["insecure"],
            "authorities": read_bytes(bundle).decode("ascii", "ignore") if bundle else None,
        },
        "run": secrets.token_hex(4), "retry": not is_search, "deadline_s": settings["deadline"],
        "has_budget": any(settings[name] for name in _BUDGETS), "max_rate": _number(options, "max-rate"),
    }  # fmt: skip


def _shape(options: Mapping[str, Any], rate: float, max_rate: float | None) -> Callable[[], Any]:
    from conformance.loadtest import shapes

    duration_s = _number(options, "duration") or DEFAULT_DURATION_S
    if options["find_limit"]:
        hold_s = _number(options, "hold") or DEFAULT_HOLD_S
        return lambda: shapes.find_limit(rate, max_rate or DEFAULT_HIGHEST, hold_s)
    if options["shape"] == "ramp":
        last = _number(options, "to") or max_rate or 10 * rate
        return lambda: shapes.ramp(rate, last, duration_s)
    if options["shape"] == "spike":
        return lambda: shapes.spike(rate, duration_s, max_rate)
    if options["shape"] == "restart":
        return lambda: shapes.restart(rate, duration_s, _number(options, "recover-within") or DEFAULT_RECOVER_S)
    return lambda: shapes.steady(rate, duration_s)


def _restart(options: Mapping[str, Any], target: TargetAddress) -> RestartCommand | None:
    """The command that restarts the target. Raises UsageError without one, for another machine, or without need."""
    from conformance.loadtest.restart import RestartCommand

    text, is_wanted = options["restart_command"], options["shape"] == "restart" and not options["find_limit"]
    if not is_wanted and text is None:
        return None
    if not is_wanted or text is None:
        raise UsageError("--shape restart and --restart-command COMMAND belong together")
    if any(scope is not AddressScope.LOOPBACK for _, scope in target.scopes_by_name()):
        raise UsageError("--restart-command: only a server on this machine is restarted")
    return RestartCommand(text, _number(options, "recover-within") or DEFAULT_RECOVER_S)


def _prepare(plan: LoadPlan, place: str) -> int:
    """Writes what workers on other machines need."""
    from conformance.loadtest.execution import write_traffic

    directory = Path(place)
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(f"--prepare {place}: the directory is not empty")
    write_traffic(plan, directory)
    sys.stdout.write(f"prepared: {place} holds the write key; nobody else should read it\n")
    return 0


def _number(options: Mapping[str, Any], name: str) -> float | None:
    """The number of an option above 0; None if it is not given. Raises UsageError."""
    from conformance.settings.setting import parse_positive_float

    text = options[name.replace("-", "_")]
    if text is None:
        return None
    try:
        return parse_positive_float(str(text))
    except ValueError:
        raise UsageError(f"--{name}: expected a number above 0") from None


def _whole(options: Mapping[str, Any], name: str, default: int) -> int:
    number = _number(options, name)
    if number is None:
        return default
    if number != int(number):
        raise UsageError(f"--{name}: expected a whole number")
    return int(number)


def _share(text: str | None, name: str, default: float) -> float:
    """A share, such as `2%` or `0.02`. Raises UsageError."""
    if text is None:
        return default
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text.strip())
    value = float(match[1]) / (100 if match[2] else 1) if match else 2.0
    if not 0 <= value <= 1 or (name == "bad" and value > 0.9):
        raise UsageError(f"--{name}: expected a share such as 2% or 0.02")
    return value


def _seconds(text: str, name: str) -> float:
    """A time, such as `200ms` or `1.5s`, in seconds. Raises UsageError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text.strip())
    if not match or not float(match[1]):
        raise UsageError(f"--{name}: expected a time such as 200ms or 1.5s")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"load": load}
