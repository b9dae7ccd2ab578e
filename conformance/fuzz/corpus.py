"""Corpora: generated once, stored as lines of JSON, and read as a stream ever after."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import __version__
from conformance.fuzz.case import Case, Reader, line
from conformance.fuzz.mutator import mutations
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.series import series
from conformance.resources import cache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract

FORMAT = 2
_BUFFER_BYTES = 1 << 20
LEAST, _MOST_FILES = 10_000, 12
"""A corpus is stored with at least so many cases, and no more than so many corpora are kept."""
_SHARES = (2, 1, 1)
"""How many cases of the series, of the schema's and of the strategies' come in turn."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The cases of one contract and seed; `is_fresh` if they were generated just now."""

    place: Path | None
    contract: Contract
    seed: int
    is_fresh: bool = False

    def cases(self, count: int) -> Iterator[Case]:
        """The first so many cases."""
        if self.place is None:
            yield from itertools.islice(generate(self.contract, self.seed), count)
            return
        with self.place.open("rb", buffering=_BUFFER_BYTES) as file:
            next(file)
            yield from map(Reader().read, itertools.islice(file, count))


def corpus(contract: Contract, seed: int, count: int, *, refresh: bool = False) -> Corpus:
    """A stored corpus of at least so many cases; generated if there is none, or too small a one."""
    place = _place(contract, seed)
    if not refresh and is_stored(contract, seed, count):
        return Corpus(place, contract, seed)
    try:
        _store(place, contract, seed, max(count, LEAST))
        _tidy(place.parent)
    except OSError:
        return Corpus(None, contract, seed, is_fresh=True)
    return Corpus(place, contract, seed, is_fresh=True)


def is_stored(contract: Contract, seed: int, count: int) -> bool:
    """Whether so many cases need not be generated."""
    return _stored(_place(contract, seed)) >= count


def _place(contract: Contract, seed: int) -> Path:
    """Where a corpus is stored."""
    return cache() / "corpora" / f"{contract.profile.name}-{digest(contract)[:16]}-{seed}.jsonl"


def digest(contract: Contract) -> str:
    """What a corpus depends on, in a word: the contract, and the versions of what generates."""
    profile = replace(contract.profile, file="")
    parts = [
        str(FORMAT), __version__, version("schemathesis"), version("hypothesis"), repr(profile),
        " ".join(map(str, contract.operations)),
    ]  # fmt: skip
    found = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass"))
    for module in sorted(Path(__file__).parent.glob("*.py")):
        found.update(module.read_bytes())
    return found.hexdigest()


def generate(contract: Contract, seed: int) -> Iterator[Case]:
    """Cases without end, each once, from all generators, with what the oracle says of them."""
    from conformance.fuzz.generated import generated
    from conformance.fuzz.strategies import examples

    oracle = Oracle(contract)
    seen: set[bytes] = set()
    queues = (series(contract), generated(contract, seed), examples(contract, seed))
    for case in itertools.chain(_in_turn(queues), mutations(contract, seed)):
        mark = _mark(case)
        if mark not in seen:
            seen.add(mark)
            yield case._replace(expect=oracle.expect(case))


def _in_turn(queues: tuple[Iterator[Case], ...]) -> Iterator[Case]:
    """Some of each queue in turn, until all are empty."""
    alive = list(zip(queues, _SHARES, strict=True))
    while alive:
        for queue, share in list(alive):
            found = list(itertools.islice(queue, share))
            if not found:
                alive.remove((queue, share))
            yield from found


def _mark(case: Case) -> bytes:
    """What makes two cases the same."""
    head = f"{case.call}\n{case.auth}\n{case.content_type}\n{case.coding}\n".encode()
    return hashlib.blake2b(head + case.body, digest_size=8).digest()


def _stored(place: Path) -> int:
    """How many cases a stored corpus has; -1 if there is none."""
    try:
        with place.open(encoding="utf-8") as file:
            head = json.loads(next(file))
            return int(head["cases"]) if head["format"] == FORMAT else -1
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return -1


def _store(place: Path, contract: Contract, seed: int, count: int) -> None:
    """Generates and writes a corpus, whole or not at all. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(_head(contract, seed, count)) + "\n")
            for case in itertools.islice(generate(contract, seed), count):
                file.write(line(case) + "\n")
        Path(name).replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _tidy(place: Path) -> None:
    """Removes the corpora that have not been written for longest. Raises OSError."""
    corpora = sorted(place.glob("*.jsonl"), key=lambda item: item.stat().st_mtime, reverse=True)
    for old in corpora[_MOST_FILES:]:
        old.unlink(missing_ok=True)


def _head(contract: Contract, seed: int, count: int) -> dict[str, object]:
    """The first line of a corpus: what it is."""
    return {
        "format": FORMAT,
        "profile": contract.profile.name,
        "contract": digest(contract),
        "schemathesis": version("schemathesis"),
        "hypothesis": version("hypothesis"),
        "seed": seed,
        "cases": count,
    }
