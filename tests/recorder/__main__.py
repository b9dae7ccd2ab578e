"""Records official SDKs: `python -m tests.recorder {requests,reactions} [--place DIRECTORY] [SLUG ...]`.

`python -m tests.recorder versions` says which recorded versions are older than the newest in their registries, and
`measure [SLUG ...]` whether SDKs do what reports say of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.sdk_runs import drive, install, load_packages, load_scripts
from tests.recorder.measurement import print_measurement
from tests.recorder.reactions import ANSWERS, observe_reaction
from tests.recorder.recording_server import recording_server
from tests.recorder.versions import print_versions

if TYPE_CHECKING:
    from conformance.sdk_runs import Place

PARALLEL_SDKS = 3


def main() -> None:
    """Records what is asked for and prints it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorder", description=__doc__)
    parser.add_argument("what", choices=("requests", "reactions", "versions", "measure"))
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="all when left out")
    parser.add_argument("--place", type=Path, help="where SDKs are, or go; the cache of the suite when left out")
    arguments = parser.parse_args()
    if arguments.what == "versions":
        sys.exit(print_versions(arguments.slugs))
    if arguments.what == "measure":
        sys.exit(print_measurement(arguments.slugs, arguments.place))
    for package in load_packages():
        if arguments.slugs and package.slug not in arguments.slugs:
            continue
        place = install(package, arguments.place)
        recording = requests(place) if arguments.what == "requests" else reactions(place)
        sys.stdout.write(json.dumps({package.slug: recording}, indent=1) + "\n")
        sys.stdout.flush()


def requests(place: Place) -> list[dict[str, Any]]:
    """Every request that an SDK sends for one event of each kind."""
    recorded = []
    for name in place.package.scripts:
        with recording_server() as ear:
            drive(place, ear.url, load_scripts()[name])
        recorded += [
            {"method": request.method, "path": request.path, "headers": dict(request.headers), "body": request.json()}
            for request in ear.requests
        ]
    return recorded


def reactions(place: Place) -> dict[str, str]:
    """What an SDK makes of every answer."""
    with ThreadPoolExecutor(PARALLEL_SDKS) as pool:
        observed = pool.map(lambda said: observe_reaction(place, said), ANSWERS.values())
        return dict(zip(ANSWERS, (reaction.summary for reaction in observed), strict=True))


main()
