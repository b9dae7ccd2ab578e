"""The options of `sink`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.settings.setting import parse_positive_float

if TYPE_CHECKING:
    import argparse

ACTIONS = ("init", "check")


def add_sink_options(command: argparse.ArgumentParser) -> None:
    """Adds what to do, and with which template or file."""
    command.add_argument("action", choices=ACTIONS, help="print a template, or read a sink until an event comes")
    command.add_argument("name", metavar="NAME|FILE", help="the name of a template for init, a sink file for check")
    command.add_argument(
        "--wait",
        type=parse_positive_float,
        default=30.0,
        metavar="SECONDS",
        help="how long check waits for an event (default: 30)",
    )
