"""The catalogue: ids and levels are promises to users, pinned by a golden list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance import resources
from conformance.cases import CHECKS, MODULES
from conformance.catalogue import Check, check, select, trials
from conformance.contract import Contract
from conformance.payloads import Keys
from conformance.profile import load

GOLDEN = Path(__file__).parent / "catalogue.txt"
KEYS = Keys(write_key="conformance-key", bearer="conformance-token")


def line(item: Check, contracts: list[Contract]) -> str:
    """An id, its tier, and its strongest level in each profile; a dot where the profile is silent."""
    words = []
    for contract in contracts:
        levels = [t.level for t in trials(contract, KEYS, [item]) if t.operation and t.facts]
        words.append(min(levels, key=lambda level: level.rank, default="."))
    return " ".join([item.id, item.tier, *words])


def catalogue() -> str:
    """The golden list as the code has it."""
    names = resources.profile_names()
    contracts = [Contract(load(name)) for name in names]
    return "\n".join([" ".join(["id", "tier", *names]), *(line(item, contracts) for item in CHECKS)]) + "\n"


def test_ids_and_levels_are_pinned() -> None:
    """A changed id or level is a changed promise. To renew the list: python -m tests.test_catalogue."""
    assert GOLDEN.read_text(encoding="utf-8") == catalogue()


@pytest.mark.parametrize("item", CHECKS, ids=lambda item: item.id)
def test_a_check_says_what_it_is_about(item: Check) -> None:
    """Its id is a slug of its area, its title a sentence, its docstring the reason."""
    assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+){2}", item.id)
    assert item.title[0].isupper()
    assert item.title.endswith(".")
    assert item.why
    assert item.module in {module.__name__ for module in MODULES}


@pytest.mark.parametrize("name", resources.profile_names())
def test_every_stated_fact_has_a_check(name: str) -> None:
    """A promise that nothing tests would look as if it were kept."""
    tested = {item.fact for item in CHECKS} | {item.needs for item in CHECKS}
    tested |= {"credentials.query", "bodies.error-batch"}
    stated = {fact for fact in load(name).facts if not fact.startswith(("rate.headers.", "sdks."))}
    assert stated <= tested


def test_one_fact_speaks_for_one_area_of_checks() -> None:
    """Selecting by area and by glob finds the checks that their ids promise."""
    assert {item.area for item in select(CHECKS, "size")} == {"size"}
    assert [item.id for item in select(CHECKS, "json.top-level.n*")] == [
        "json.top-level.null",
        "json.top-level.number",
    ]
    assert select(CHECKS, "nothing.*") == []


def test_an_id_is_never_given_twice() -> None:
    """Entering a second check under a known id is refused."""
    with pytest.raises(ValueError, match="two checks are called"):
        check(CHECKS[0].id, "Again.", fact=CHECKS[0].fact)(CHECKS[0].steps)


if __name__ == "__main__":
    GOLDEN.write_text(catalogue(), encoding="utf-8")
