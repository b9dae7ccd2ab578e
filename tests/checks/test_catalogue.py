"""The catalogue: ids and levels are promises to users, pinned by a golden list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from conformance.cases import CHECKS, MODULES, SINK_CHECKS
from conformance.checks.catalogue import check
from conformance.checks.selection import select_trials
from conformance.checks.trial import Trial, make_trials
from conformance.contract import Contract
from conformance.core import resources
from conformance.core.errors import UsageError
from conformance.core.model import Level
from conformance.profile import load
from conformance.requests import Keys
from tests.regenerate import hint
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.checks.check import Check

GOLDEN = paths.GOLDEN / "catalogue.txt"
KEYS = Keys(write_key="conformance-key", bearer="conformance-token")


def catalogue_line(item: Check, contracts: list[Contract]) -> str:
    """An id, its tier, and its strongest level in each profile; a dot where the profile is silent."""
    words = []
    for contract in contracts:
        levels = [t.level for t in make_trials(contract, KEYS, [item]) if t.operation and t.facts]
        words.append(min(levels, key=lambda level: level.rank, default="."))
    return " ".join([item.id, item.tier, *words])


def catalogue_text() -> str:
    """The golden list as the code has it."""
    names = resources.profile_names()
    contracts = [Contract(load(name)) for name in names]
    return "\n".join([" ".join(["id", "tier", *names]), *(catalogue_line(item, contracts) for item in CHECKS)]) + "\n"


def test_ids_and_levels_are_pinned() -> None:
    """A changed id or level is a changed promise."""
    assert GOLDEN.read_text(encoding="utf-8") == catalogue_text(), hint("catalogue")


@pytest.mark.parametrize("item", CHECKS, ids=lambda item: item.id)
def test_a_check_says_what_it_is_about(item: Check) -> None:
    """Its id is a slug of its area, its title a sentence, its docstring the reason."""
    assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+){2}", item.id)
    assert item.title[0].isupper()
    assert item.title.endswith(".")
    assert not item.title.startswith(("What ", "Whether ", "Where ", "Which ", "Who "))
    assert not set(re.findall(r"\w+", item.title.lower())) & {"nobody", "somebody", "whatever", "spoilt"}
    assert item.why
    assert item.module in {module.__name__ for module in MODULES}


@pytest.mark.parametrize("name", resources.profile_names())
def test_every_stated_fact_has_a_check(name: str) -> None:
    """A promise without a check would look kept."""
    tested = {fact for item in (*CHECKS, *SINK_CHECKS) for fact in (item.fact, item.needs)}
    tested |= {"rules.delivered-once"}  # of the same checks as rules.delivered
    tested |= {"credentials.query", "bodies.error-batch", "rules.success-means-taken", "rules.overload"}
    stated = {fact for fact in load(name).facts if not fact.startswith(("rate.headers.", "sdks."))}
    assert stated <= tested


def test_one_fact_speaks_for_one_area_of_checks() -> None:
    """Selecting by area and by glob finds the checks that their ids promise."""
    assert {item.check.area for item in selected_trials(["size"])} == {"size"}
    assert {item.check.id for item in selected_trials(["json.top-level.n*"])} == {
        "json.top-level.null",
        "json.top-level.number",
    }


def selected_trials(select: list[str], deselect: Iterable[str] = ()) -> list[Trial]:
    """The selected trials of one profile."""
    every = make_trials(Contract(load("rudderstack")), Keys(write_key="key"), CHECKS)
    return select_trials(every, select, deselect)


def test_expressions_narrow_each_other() -> None:
    """Terms of one expression add trials, further expressions narrow the selection, deselected trials are left out."""
    both = selected_trials(["size,json"])
    assert {item.check.area for item in both} == {"size", "json"}
    on_track = selected_trials(["size,json", "POST /v1/track"])
    assert {str(item.operation) for item in on_track} == {"POST /v1/track"}
    assert {str(item.operation) for item in selected_trials(["/v1/[tp]*"])} == {"POST /v1/track", "POST /v1/page"}
    assert {item.level for item in selected_trials(["may"])} == {Level.MAY}
    rest = selected_trials(["size,json"], ["json", "size.event.*"])
    assert rest
    assert all(item.check.id.startswith("size.") for item in rest)
    assert not any(item.check.id.startswith("size.event.") for item in rest)


@pytest.mark.parametrize(
    ("select", "deselect", "words"),
    [
        (["nothing.*"], [], r"--select nothing\.\*: no check matches 'nothing\.\*'"),
        (["sise"], [], "did you mean 'size'"),
        (["size,jsom"], [], "no check matches 'jsom'"),
        ([], ["sizes"], "--deselect sizes: no check matches"),
        ([","], [], "no check is named"),
        (["size"], ["size"], "leave no check"),
        (["size", "json"], [], "leave no check"),
    ],
)
def test_a_selection_of_nothing_is_refused(select: list[str], deselect: list[str], words: str) -> None:
    """A term without a match is most likely misspelt, and must not let a gate pass."""
    with pytest.raises(UsageError, match=words):
        selected_trials(select, deselect)


def test_an_id_is_never_given_twice() -> None:
    """A second check with the id of another is refused."""
    with pytest.raises(ValueError, match="two checks have the id"):
        check(CHECKS[0].id, "Again.", fact=CHECKS[0].fact)(CHECKS[0].steps)
