"""A PostgreSQL server for tests: a temporary cluster of the machine's own PostgreSQL, on a socket in its directory."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPTIONS = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c autovacuum=off -k {directory}"


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a server that is there meanwhile. Fails if PostgreSQL is not installed: see the README."""
    programs = _programs()
    directory = Path(tempfile.mkdtemp(prefix="conformance-pg-", dir="/tmp"))
    user = _user()
    identity = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    if user:
        shutil.chown(directory, user)

    def run(name: str, *arguments: str) -> None:
        command = [str(programs / name), "-D", str(directory / "data"), *arguments]
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=directory, **identity,  # type: ignore[call-overload] # options of Popen
        )  # fmt: skip

    try:
        run("initdb", "--no-sync", "--auth=trust", "--username=tests", "--encoding=UTF8", "--no-locale")
        run("pg_ctl", "start", "--wait", "-l", str(directory / "log"), "-o", _OPTIONS.format(directory=directory))
        try:
            yield f"postgresql://tests@/postgres?host={directory}"
        finally:
            run("pg_ctl", "stop", "--wait", "-m", "immediate")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _programs() -> Path:
    """The directory of the newest PostgreSQL."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: float(path.split("/")[4]))  # noqa: PTH207 - a pattern with a root
    other = shutil.which("initdb")
    assert found or other, "these tests need PostgreSQL: apt-get install postgresql, as the README says"
    return Path(found[-1] if found else str(other)).parent


def _user() -> str | None:
    """Whom PostgreSQL runs as: it refuses root."""
    return "nobody" if os.geteuid() == 0 else None
