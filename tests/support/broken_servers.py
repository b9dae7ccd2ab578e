"""Servers that break one promise each, written independently of the package."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.targets.behaviour import STANDARD
from tests.targets.faults import broken_servers
from tests.targets.options import Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.targets.application import Application


def broken_application(dialect: str, fault: str) -> Application:
    """An application of `tests.targets` with a fault."""
    case = next(case for case in broken_servers() if (case.dialect.name, case.fault.name) == (dialect, fault))
    return case.application(Options())


@contextmanager
def broken_server(fault: str, dialect: str = "segmentstream") -> Iterator[str]:
    """Serves an application with a fault; yields its base URL."""
    with serve(broken_application(dialect, fault), STANDARD) as url:
        yield url
