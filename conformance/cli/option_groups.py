"""How `--help` arranges the settings, and what it says after them: examples and exit codes."""

from __future__ import annotations

from conformance.core.resources import profile_names

GROUPS = {
    "what is judged": (
        "profile", "include", "exclude", "gate", "select", "deselect", "thorough", "known-deviations", "repeat",
        "sink",
    ),
    "credentials": (
        "write-key", "write-key-file", "bearer", "expired-bearer", "source-id", "disabled-write-key", "header",
        "plain-header",
    ),
    "the connection": ("wait", "deadline", "ca-bundle", "insecure"),
    "permission and load": (
        "i-may-test", "tier", "allow", "jobs", "rate", "max-requests", "max-bytes", "max-events", "max-duration",
        "run-id",
    ),
    "generated requests": ("fuzz", "fuzz-seed", "max-time"),
    "reports": ("sarif-location",),
    "the second server": ("write-key-b", "write-key-file-b", "bearer-b", "header-b"),
}  # fmt: skip
"""Every setting, by the title of its group."""
REPORTS_GROUP = "reports"
_USAGE = {2: "wrong usage: an option, a profile, a URL"}
_SENDING = {**_USAGE, 3: "no verdict; the last line says why", 130: "interrupted; the reports hold what there is"}
_CODES = {
    "run": {
        0: "every promise at the gate was kept",
        1: "one was broken, or could not be tested",
        **_SENDING,
        4: "the list of known deviations is out of date",
    },
    "fuzz": {0: "no defect", 1: "a defect at the gate", **_SENDING},
    "replay": {0: "the defect is gone", 1: "it is still there, at the gate", **_SENDING},
    "probe": {0: "a profile could be made", **_SENDING},
    "diff": {0: "both servers answer alike", 1: "they differ", **_SENDING},
    "load": {0: "every promise at the gate and every service level held", 1: "one did not", **_SENDING},
    "sdk": {
        0: "every event was delivered",
        1: "an SDK lost events",
        **_USAGE,
        3: "an SDK could not be run",
        130: "interrupted",
    },
    "client": {0: "no MUST was broken", 1: "one was broken", **_USAGE, 3: "the client sends nothing"},
    "compare": {0: "nothing broke or vanished", 1: "a check broke or vanished", 2: "a file is no complete report"},
    "report": {0: "written", 2: "a file is no complete report", 3: "a report can't be written"},
    "self-check": {0: "perfect", 1: "a fault was missed, or a correct server failed", **_USAGE},
}
_EXAMPLES: dict[str, tuple[str, ...]] = {
    "run": (
        "conformance run --profile NAME",
        "conformance run http://127.0.0.1:8080 --profile NAME --wait 30 --html report.html",
        "conformance run http://127.0.0.1:8080 --profile NAME --select 'size,auth.key.*' --fuzz 0",
        "conformance run http://127.0.0.1:8080 --profile all --json all.json",
    ),
    "fuzz": ("conformance fuzz http://127.0.0.1:8080 --profile NAME --max-time 60",),
    "replay": ("conformance replay 6346e890b5", "conformance replay 6346e890b5 http://127.0.0.1:8081"),
    "probe": ("conformance probe http://127.0.0.1:8080 --out acme.yaml",),
    "diff": ("conformance diff http://127.0.0.1:8080 http://127.0.0.1:8081 --profile NAME",),
    "load": (
        "conformance load http://127.0.0.1:8080 --profile NAME --allow load --rate 200 --p99 200ms",
        "conformance load http://127.0.0.1:8080 --profile NAME --allow load --find-limit --html load.html",
    ),
    "sdk": (
        "conformance sdk http://127.0.0.1:8080 --profile NAME --sdk all",
        "conformance sdk http://127.0.0.1:8080 --profile NAME --sdk all --offline --json sdks.json",
    ),
    "client": (
        "conformance client --profile NAME python examples/client/client.py",
        "conformance client --profile NAME --json client.json java -jar e2e-cli.jar --input {}",
    ),
    "report": ("conformance report run.json --html report.html", "conformance report old.json new.json --markdown -"),
    "compare": ("conformance compare old.json new.json",),
    "list": ("conformance list --profile NAME", "conformance list must 'size.*'"),
    "explain": ("conformance explain auth.key.unknown --profile NAME",),
    "serve": ("conformance serve --profile NAME --port 8080",),
    "export": ("conformance export --profile NAME --format postman --out checks.json",),
    "trace": ("conformance trace --profile NAME --report run.json",),
    "sink": ("conformance sink init webhook > sink.yaml", "conformance sink check sink.yaml"),
    "completion": ("conformance completion bash > ~/.local/share/bash-completion/completions/conformance",),
    "self-check": ("conformance self-check --check 'json.syntax.*'",),
}


def epilog(command: str) -> str:
    """The examples and exit codes of a command; empty if it has none of its own."""
    name = min(profile_names(), key=len)
    parts = [
        _section("examples", [f"  {line}".replace("NAME", name) for line in _EXAMPLES.get(command, ())]),
        _section("exit codes", [f"  {code:<4} {meaning}" for code, meaning in sorted(_CODES.get(command, {}).items())]),
    ]
    return "\n\n".join(filter(None, parts))


def group_of(setting: str) -> str:
    """The title of the group of a setting."""
    return next((title for title, names in GROUPS.items() if setting in names), "further settings")


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *lines]) if lines else ""
