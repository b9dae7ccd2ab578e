"""Corpora: cases that are generated once, stored as lines of JSON, and read as a stream."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import __version__
from conformance.core.atomic_files import PART_PREFIX, PART_SUFFIX
from conformance.core.resources import cache_dir, profile_names, stored_requests_path
from conformance.fuzz.case import Case, CaseReader, case_to_line
from conformance.fuzz.corpus_file import (
    FORMAT_VERSION,
    CorpusKey,
    DamagedCorpus,
    count_stored,
    read_lines,
    write_corpus,
)
from conformance.fuzz.facts_digest import facts_digest
from conformance.fuzz.interleave import interleave
from conformance.fuzz.mutated_cases import mutated_cases
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.systematic_cases import systematic_cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.contract import Contract

MIN_STORED_CASES, _MAX_STORED_CORPORA = 10_000, 12
"""The least number of cases in a stored corpus, and the most corpora that are kept."""
SHIPPED_SEED = 1
"""The seed of the requests that come with the suite: that of runs for which the user sets none."""
_MAX_PART_AGE_S = 86_400.0
"""A file that is not in its place after so long never will be."""
_GENERATOR_SHARES = (2, 1, 1)
"""How many systematic, schema and strategy cases are taken in turn."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The cases of one contract and seed; `is_fresh` if they were generated just now. `path` is None if not stored.

    `damage` says why what was stored before could not be used; it is empty if it could, or if nothing was stored.
    """

    path: Path | None
    contract: Contract
    seed: int
    is_fresh: bool = False
    damage: str = ""

    def cases(self, count: int) -> Iterator[Case]:
        """The first `count` cases."""
        if self.path is None:
            yield from itertools.islice(generate_cases(self.contract, self.seed), count)
            return
        yield from map(CaseReader().read, read_lines(self.path, count))


def load_or_generate(  # noqa: PLR0913 - each is a choice of its own
    contract: Contract,
    seed: int,
    count: int,
    *,
    refresh: bool = False,
    spare: bool = True,
    on_generate: Callable[[str], None] = lambda _: None,
    on_case: Callable[[int, int], None] = lambda *_: None,
) -> Corpus:
    """A corpus of at least `count` cases: a stored one, or a new one if there is none that large, or it is damaged.

    The one that comes with the suite counts as stored, after that in the cache.

    A new one has more cases than asked for, so that it serves larger runs too, unless `spare` is false. Before it is
    generated, `on_generate` is called with what is wrong with the stored one, or with an empty text; then `on_case`
    after each case, with how many there are, and how many there will be.
    """
    path, key, damage = _corpus_path(contract, seed), _corpus_key(contract, seed), ""
    places = [] if refresh else [(path, key), *_shipped(contract, seed)]
    for place, key_there in places:
        try:
            if count_stored(place, key_there) >= count:
                return Corpus(place, contract, seed)
        except DamagedCorpus as problem:
            damage = damage or str(problem)
    on_generate(damage)
    total = max(count, MIN_STORED_CASES if spare else 0)
    try:
        write_corpus(path, key, _lines(contract, seed, total, on_case))
    except OSError:
        return Corpus(None, contract, seed, is_fresh=True, damage=damage)
    with contextlib.suppress(OSError):
        _delete_oldest(path.parent)
    return Corpus(path, contract, seed, is_fresh=True, damage=damage)


def _lines(contract: Contract, seed: int, total: int, on_case: Callable[[int, int], None]) -> Iterator[str]:
    """New cases as lines."""
    for number, case in enumerate(itertools.islice(generate_cases(contract, seed), total), 1):
        yield case_to_line(case)
        on_case(number, total)


def _shipped(contract: Contract, seed: int) -> Iterator[tuple[Path, CorpusKey]]:
    """Where the requests of a contract are that come with the suite, and what they are of, if there can be any."""
    if seed == SHIPPED_SEED and contract.profile.name in profile_names():
        yield shipped_path(contract), _shipped_key(contract)


def shipped_path(contract: Contract) -> Path:
    """Where the requests of a contract are that come with the suite: each reading of the documents has its own."""
    profile = contract.profile
    return stored_requests_path(f"{profile.name}.{profile.reading.name}" if profile.reading else profile.name)


def _shipped_key(contract: Contract) -> CorpusKey:
    """What a corpus that comes with the suite is of: the versions of the generators do not matter to it."""
    return CorpusKey(profile=contract.profile.name, contract=facts_digest(contract), seed=SHIPPED_SEED)


def write_shipped(contract: Contract, path: Path) -> None:
    """Generates the requests that come with the suite for a contract; they are compressed later."""
    write_corpus(path, _shipped_key(contract), _lines(contract, SHIPPED_SEED, MIN_STORED_CASES, lambda *_: None))


def _corpus_path(contract: Contract, seed: int) -> Path:
    """Where a corpus is stored."""
    return cache_dir() / "corpora" / f"{contract.profile.name}-{contract_digest(contract)[:16]}-{seed}.jsonl"


def _corpus_key(contract: Contract, seed: int) -> CorpusKey:
    """What a corpus is of."""
    return CorpusKey(profile=contract.profile.name, contract=contract_digest(contract), seed=seed)


def contract_digest(contract: Contract) -> str:
    """A hash of everything a corpus depends on: the contract and the versions of the generators."""
    profile = replace(contract.profile, file="")
    parts = [
        str(FORMAT_VERSION), __version__, version("schemathesis"), version("hypothesis"), repr(profile),
        " ".join(map(str, contract.operations)),
    ]  # fmt: skip
    hasher = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass"))
    for module in sorted(Path(__file__).parent.glob("*.py")):
        hasher.update(module.read_bytes())
    return hasher.hexdigest()


def generate_cases(contract: Contract, seed: int) -> Iterator[Case]:
    """An endless stream of cases from all generators, each once, labelled by the oracle."""
    from conformance.fuzz.hypothesis_files import in_cache_directory
    from conformance.fuzz.schema_cases import schema_cases
    from conformance.fuzz.strategy_cases import strategy_cases

    oracle = Oracle(contract)
    seen: set[bytes] = set()
    generators = (systematic_cases(contract), schema_cases(contract, seed), strategy_cases(contract, seed))
    with in_cache_directory():
        for case in itertools.chain(interleave(generators, _GENERATOR_SHARES), mutated_cases(contract, seed)):
            case_hash = _hash_case(case)
            if case_hash not in seen:
                seen.add(case_hash)
                yield case._replace(expected_facts=oracle.expected_facts(case))


def _hash_case(case: Case) -> bytes:
    """A hash that equal requests share."""
    headers = f"{case.call}\n{case.auth}\n{case.content_type}\n{case.coding}\n".encode()
    return hashlib.blake2b(headers + case.body, digest_size=8).digest()


def _delete_oldest(directory: Path) -> None:
    """Deletes the oldest corpora, and what killed processes left of theirs. Raises OSError."""
    corpora = sorted(directory.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)
    now_s = time.time()
    parts = directory.glob(f"{PART_PREFIX}*{PART_SUFFIX}")
    abandoned = [path for path in parts if now_s - path.stat().st_mtime > _MAX_PART_AGE_S]
    for oldest in (*corpora[_MAX_STORED_CORPORA:], *abandoned):
        oldest.unlink(missing_ok=True)
