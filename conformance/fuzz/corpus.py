"""Corpora: cases that are generated once, stored as lines of JSON, and read as a stream."""

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
from conformance.core.resources import cache_dir
from conformance.fuzz.case import Case, CaseReader, case_to_line
from conformance.fuzz.interleave import interleave
from conformance.fuzz.mutated_cases import mutated_cases
from conformance.fuzz.oracle import Oracle
from conformance.fuzz.systematic_cases import systematic_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract

FORMAT_VERSION = 2
_BUFFER_BYTES = 1 << 20
MIN_STORED_CASES, _MAX_STORED_CORPORA = 10_000, 12
"""The least number of cases in a stored corpus, and the most corpora that are kept."""
_GENERATOR_SHARES = (2, 1, 1)
"""How many systematic, schema and strategy cases are taken in turn."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The cases of one contract and seed; `is_fresh` if they were generated just now. `path` is None if not stored."""

    path: Path | None
    contract: Contract
    seed: int
    is_fresh: bool = False

    def cases(self, count: int) -> Iterator[Case]:
        """The first `count` cases."""
        if self.path is None:
            yield from itertools.islice(generate_cases(self.contract, self.seed), count)
            return
        with self.path.open("rb", buffering=_BUFFER_BYTES) as file:
            next(file)
            yield from map(CaseReader().read, itertools.islice(file, count))


def load_or_generate(contract: Contract, seed: int, count: int, *, refresh: bool = False, spare: bool = True) -> Corpus:
    """A corpus of at least `count` cases: the stored one, or a new one if there is none that large.

    A new one has more cases than asked for, so that it serves larger runs too, unless `spare` is false.
    """
    path = _corpus_path(contract, seed)
    if not refresh and is_stored(contract, seed, count):
        return Corpus(path, contract, seed)
    try:
        _write_corpus(path, contract, seed, max(count, MIN_STORED_CASES if spare else 0))
        _delete_oldest(path.parent)
    except OSError:
        return Corpus(None, contract, seed, is_fresh=True)
    return Corpus(path, contract, seed, is_fresh=True)


def is_stored(contract: Contract, seed: int, count: int) -> bool:
    """Whether a corpus of at least `count` cases is stored."""
    return _count_stored(_corpus_path(contract, seed)) >= count


def _corpus_path(contract: Contract, seed: int) -> Path:
    """Where a corpus is stored."""
    return cache_dir() / "corpora" / f"{contract.profile.name}-{contract_digest(contract)[:16]}-{seed}.jsonl"


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
    from conformance.fuzz.schema_cases import schema_cases
    from conformance.fuzz.strategy_cases import strategy_cases

    oracle = Oracle(contract)
    seen: set[bytes] = set()
    generators = (systematic_cases(contract), schema_cases(contract, seed), strategy_cases(contract, seed))
    for case in itertools.chain(interleave(generators, _GENERATOR_SHARES), mutated_cases(contract, seed)):
        case_hash = _hash_case(case)
        if case_hash not in seen:
            seen.add(case_hash)
            yield case._replace(expected_facts=oracle.expected_facts(case))


def _hash_case(case: Case) -> bytes:
    """A hash that equal requests share."""
    headers = f"{case.call}\n{case.auth}\n{case.content_type}\n{case.coding}\n".encode()
    return hashlib.blake2b(headers + case.body, digest_size=8).digest()


def _count_stored(path: Path) -> int:
    """The number of cases in a stored corpus; -1 if there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            header = json.loads(next(file))
            return int(header["cases"]) if header["format"] == FORMAT_VERSION else -1
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return -1


def _write_corpus(path: Path, contract: Contract, seed: int, count: int) -> None:
    """Generates and writes a corpus, atomically. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary_path = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(_corpus_header(contract, seed, count)) + "\n")
            for case in itertools.islice(generate_cases(contract, seed), count):
                file.write(case_to_line(case) + "\n")
        Path(temporary_path).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary_path).unlink()
        raise


def _delete_oldest(directory: Path) -> None:
    """Deletes the oldest corpora. Raises OSError."""
    corpora = sorted(directory.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)
    for oldest in corpora[_MAX_STORED_CORPORA:]:
        oldest.unlink(missing_ok=True)


def _corpus_header(contract: Contract, seed: int, count: int) -> dict[str, object]:
    """The first line of a corpus."""
    return {
        "format": FORMAT_VERSION,
        "profile": contract.profile.name,
        "contract": contract_digest(contract),
        "schemathesis": version("schemathesis"),
        "hypothesis": version("hypothesis"),
        "seed": seed,
        "cases": count,
    }
