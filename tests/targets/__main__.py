"""Run one target by hand: `python -m tests.targets --dialect segment --port 8001`."""

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from threading import Event

from tests.targets.application import Application
from tests.targets.behaviour import BEHAVIOURS
from tests.targets.dialects import DIALECTS
from tests.targets.faults import broken_servers
from tests.targets.options import BEARER, KEY, variants
from tests.targets.server import serve


def arguments() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.targets", description=__doc__)
    parser.add_argument("--dialect", choices=DIALECTS, default="segment")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--variant", default="default", help="a correct server's choices")
    parser.add_argument("--fault", help="break one promise")
    parser.add_argument("--behaviour", choices=BEHAVIOURS, default="plain")
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--token", default=BEARER)
    parser.add_argument("--list", action="store_true", help="list variants, behaviours and faults")
    return parser


def listing() -> str:
    """Write every variant, behaviour and fault as a line."""
    lines = [f"{dialect.name} variant {name}" for dialect in DIALECTS.values() for name in variants(dialect)]
    lines += [f"every behaviour {name}" for name in BEHAVIOURS]
    for case in broken_servers():
        areas = ",".join(sorted(case.fault.areas))
        lines.append(f"{case.dialect.name} fault {case.fault.name} {case.level} {areas}")
    return "\n".join(lines) + "\n"


def build(parsed: argparse.Namespace) -> Application:
    """Make the judge that the command line asks for, or leave with the reason why not."""
    dialect = DIALECTS[parsed.dialect]
    if parsed.variant not in variants(dialect):
        raise SystemExit(f"{dialect.name} has no variant {parsed.variant}")
    options = replace(variants(dialect)[parsed.variant], key=parsed.key, token=parsed.token)
    if parsed.fault is None:
        return Application(dialect, options)
    for case in broken_servers():
        if case.dialect is dialect and case.fault.name == parsed.fault:
            return case.application(options)
    raise SystemExit(f"{dialect.name} has no fault {parsed.fault}")


def main() -> None:
    """Serve until interrupted."""
    options = arguments().parse_args()
    if options.list:
        sys.stdout.write(listing())
        return
    behaviour = BEHAVIOURS[options.behaviour]
    with serve(build(options), behaviour, host=options.host, port=options.port) as url:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            Event().wait()


if __name__ == "__main__":
    main()
