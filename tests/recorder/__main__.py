"""Records official SDKs: `python -m tests.recorder {requests,reactions} [--place DIRECTORY] [SLUG ...]`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.recorder.reactions import ANSWERS, observe_reaction
from tests.recorder.recording_server import recording_server
from tests.recorder.sdk_packages import SDK_PACKAGES

if TYPE_CHECKING:
    from tests.recorder.sdk_packages import SdkPackage

PARALLEL_SDKS = 3


def main() -> None:
    """Records what is asked for and prints it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorder", description=__doc__)
    parser.add_argument("what", choices=("requests", "reactions"))
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="all when left out")
    parser.add_argument("--place", type=Path, help="where SDKs are, or go")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for kit in SDK_PACKAGES:
            if arguments.slugs and kit.slug not in arguments.slugs:
                continue
            place = (arguments.place or Path(scratch)) / kit.slug
            if not place.exists():
                kit.install(place)
            recording = requests(kit, place) if arguments.what == "requests" else reactions(kit, place)
            sys.stdout.write(json.dumps({kit.slug: recording}, indent=1) + "\n")
            sys.stdout.flush()


def requests(kit: SdkPackage, place: Path) -> list[dict[str, Any]]:
    """Every request that an SDK sends for one event of each kind."""
    recorded = []
    for extent in kit.event_sets:
        with recording_server() as ear:
            kit.send_events(place, ear.url, extent)
        recorded += [
            {"method": request.method, "path": request.path, "headers": dict(request.headers), "body": request.json()}
            for request in ear.requests
        ]
    return recorded


def reactions(kit: SdkPackage, place: Path) -> dict[str, str]:
    """What an SDK makes of every answer."""
    with ThreadPoolExecutor(PARALLEL_SDKS) as pool:
        observed = pool.map(lambda said: observe_reaction(kit, place, said), ANSWERS.values())
        return dict(zip(ANSWERS, (reaction.summary for reaction in observed), strict=True))


main()
