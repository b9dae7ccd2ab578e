"""Records official SDKs: `python -m tests.recorder {requests,reactions} [--place DIRECTORY] [SLUG ...]`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.recorder.kits import KITS
from tests.recorder.reactions import ANSWERS, react
from tests.recorder.server import listening

if TYPE_CHECKING:
    from tests.recorder.kits import Kit

AT_A_TIME = 3


def main() -> None:
    """Records what is asked for and prints it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorder", description=__doc__)
    parser.add_argument("what", choices=("requests", "reactions"))
    parser.add_argument("slugs", nargs="*", metavar="SLUG", help="all when left out")
    parser.add_argument("--place", type=Path, help="where SDKs are, or go")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for kit in KITS:
            if given.slugs and kit.slug not in given.slugs:
                continue
            place = (given.place or Path(scratch)) / kit.slug
            if not place.exists():
                kit.install(place)
            found = requests(kit, place) if given.what == "requests" else reactions(kit, place)
            sys.stdout.write(json.dumps({kit.slug: found}, indent=1) + "\n")
            sys.stdout.flush()


def requests(kit: Kit, place: Path) -> list[dict[str, Any]]:
    """Every request that an SDK sends for one event of each kind."""
    found = []
    for extent in kit.extents:
        with listening() as ear:
            kit.speak(place, ear.url, extent)
        found += [
            {"method": heard.method, "path": heard.path, "headers": dict(heard.headers), "body": heard.json()}
            for heard in ear.heard
        ]
    return found


def reactions(kit: Kit, place: Path) -> dict[str, str]:
    """What an SDK makes of every answer."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        seen = pool.map(lambda said: react(kit, place, said), ANSWERS.values())
        return dict(zip(ANSWERS, (reaction.words for reaction in seen), strict=True))


main()
