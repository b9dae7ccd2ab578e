"""The reference server as a process: prints its address and serves until standard input is closed.

The write key and the bearer token come from CONFORMANCE_WRITE_KEY and CONFORMANCE_BEARER, and further keys from the
variables of their options; never from the command line, where other users of the machine could read them.
"""

from __future__ import annotations

import os
import sys

from conformance.contract import Contract
from conformance.core.child_process import ending_at_once, wait_for_parent
from conformance.profile import load
from conformance.refserver import FurtherKeys, Server


def main(profile: str, *include: str) -> None:
    """Serves a profile until standard input is closed, which also happens when the parent process ends."""
    contract = Contract(load(profile), include)
    key, bearer = os.environ["CONFORMANCE_WRITE_KEY"], os.environ.get("CONFORMANCE_BEARER")
    with Server(contract, key, bearer, FurtherKeys.from_environment()) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        wait_for_parent()


if __name__ == "__main__":
    with ending_at_once():
        main(*sys.argv[1:])
