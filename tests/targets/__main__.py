"""Run one target by hand: `python -m tests.targets --dialect segment --port 8001`."""

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from threading import Event

from tests.targets.behaviour import BEHAVIOURS
from tests.targets.dialects import DIALECTS
from tests.targets.faults import cases
from tests.targets.judge import Judge
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
    for case in cases():
        areas = ",".join(sorted(case.fault.areas))
        lines.append(f"{case.dialect.name} fault {case.fault.name} {case.level} {areas}")
    return "\n".join(lines) + "\n"


def build(found: argparse.Namespace) -> Judge:
    """Make the judge that the command line asks for, or leave with the reason why not."""
    dialect = DIALECTS[found.dialect]
    if found.variant not in variants(dialect):
        raise SystemExit(f"{dialect.name} has no variant {found.variant}")
    options = replace(variants(dialect)[found.variant], key=found.key, token=found.token)
    if found.fault is None:
        return Judge(dialect, options)
    for case in cases():
        if case.dialect is dialect and case.fault.name == found.fault:
            return case.judge(options)
    raise SystemExit(f"{dialect.name} has no fault {found.fault}")


def main() -> None:
    """Serve until interrupted."""
    found = arguments().parse_args()
    if found.list:
        sys.stdout.write(listing())
        return
    behaviour = BEHAVIOURS[found.behaviour]
    with serve(build(found), behaviour, host=found.host, port=found.port) as url:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            Event().wait()


if __name__ == "__main__":
    main()
