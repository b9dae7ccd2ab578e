"""Profiles, known deviations and settings with a wrong value at each key: refused, or taken for what they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from conformance.contract import Contract
from conformance.contract.openapi import render
from conformance.core.errors import ProfileError, UsageError
from conformance.fuzz.oracle import Oracle
from conformance.profile import base_openapi, common_facts, parse, validation, yaml_document
from conformance.profile.parser import ProfileParser
from conformance.refserver.responder import Responder
from conformance.run import known_deviations
from conformance.settings.file import find_configuration
from conformance.settings.table import SETTINGS, resolve
from tests.support.mutations import WRONG_VALUES, Place, places, put, without
from tests.support.paths import ACME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROFILE: Any = yaml_document.read(ACME).value
SOME_WRONG_VALUES: tuple[Any, ...] = (None, True, 10**18, "x" * 5_000, [None], {"x": [1]})
DEVIATION = {"check": "c", "call": "POST /x", "reason": "r", "link": "l", "owner": "o", "expires": "2027-01-31"}
MAX_MESSAGE = 3_000


def one_place_for_each_key() -> Iterator[Place]:
    """The first place of each key, below each kind of parent."""
    seen: set[tuple[str, ...]] = set()
    for place in places(PROFILE):
        kind = tuple("#" if isinstance(step, int) else step for step in place[-2:])
        if kind not in seen and "schema" not in place[:-1]:
            seen.add(kind)
            yield place


def use(value: Any) -> None:  # noqa: ANN401 - any JSON
    """Reads a profile and makes everything of it that does not take long. Raises ProfileError."""
    document = yaml_document.YamlDocument("acme.yaml", value)
    validation.validate(document, "profile.schema.json")
    profile = ProfileParser(document, base_openapi()["components"]["schemas"]).profile(common_facts())
    document.raise_for_problems()
    contract = Contract(profile, {route.group for route in profile.routes if route.group})
    render(contract)
    Oracle(contract)
    Responder(contract, "key")


@pytest.mark.parametrize("top_key", sorted(PROFILE))
def test_a_profile_with_a_wrong_value_is_refused_or_can_be_used(top_key: str) -> None:
    """A mistake is a mistake when the profile is read, and never a traceback later."""
    for place in one_place_for_each_key():
        if place[:1] != (top_key,):
            continue
        changes = [put(PROFILE, place, wrong) for wrong in SOME_WRONG_VALUES]
        changes += [without(PROFILE, place)] if isinstance(place[-1], str) else []
        for changed in changes:
            try:
                use(changed)
            except ProfileError as error:
                message = str(error)
                assert message.startswith("acme.yaml:")
                assert len(message) < MAX_MESSAGE * len(error.problems)  # noqa: PT017 - as above


@pytest.mark.parametrize(
    ("place", "wrong", "said"),
    [
        (("name",), "a" * 5_000, "must not have more than 64 characters"),
        (("limits", "event", "size"), 10**15, "more than 104,857,600 can't be tested"),
        (("limits", "event", "size"), "999999999MB", "more than 104,857,600 can't be tested"),
        (("limits", "event", "size"), "9" * 5_000 + "KB", "is not a size; write 32KB or a number of bytes"),
        (("message_id", "max_length"), 10**15, "is not a number of characters from 1 to 1,000,000"),
        (("events", "order", "schema"), {"type": "string"}, "type: an event is an object"),
    ],
)
def test_what_can_not_be_made_is_refused(place: Place, wrong: object, said: str) -> None:
    """Before a check tries to."""
    with pytest.raises(ProfileError) as caught:
        parse(json.dumps(put(PROFILE, place, wrong)), "acme.yaml")
    assert said in str(caught.value)
    assert len(str(caught.value)) < MAX_MESSAGE


def test_known_deviations_with_a_wrong_value_are_refused(tmp_path: Path) -> None:
    """Only a text in place of a text is taken, if it is no page; dates have one form, in which they are compared."""
    file, document = tmp_path / "known.yaml", {"deviations": [DEVIATION]}
    for place in places(document):
        for wrong in (*WRONG_VALUES, "20270131", "2027-W04-7", "2027-02-30"):
            file.write_text(json.dumps(put(document, place, wrong)))
            is_text = isinstance(wrong, str) and len(wrong) < 2_000
            is_text_key = len(place) == 3 and (place[-1] != "expires" or not wrong)
            if is_text and is_text_key and (wrong or place[-1] in {"link", "owner", "expires"}):
                assert len(known_deviations.read(str(file)).entries) == 1
            elif place == ("deviations",) and wrong == []:
                assert known_deviations.read(str(file)).entries == ()
            else:
                with pytest.raises(ProfileError) as caught:
                    known_deviations.read(str(file))
                assert len(str(caught.value)) < MAX_MESSAGE


TOML_VALUES = (
    "true", "-1", "0", "1.5", "inf", "nan", "9" * 30, '""', '"x"', '"\\u0000"', '"' + "x" * 5_000 + '"', "[]", "[1]",
    '[["x"]]', "{}", "{x = 1}", "1979-05-27", "07:32:00",
)  # fmt: skip


def test_settings_with_a_wrong_value_are_refused(tmp_path: Path) -> None:
    """Each key takes values of its type alone, and what is taken can be resolved."""
    file = tmp_path / "conformance.toml"
    for setting in SETTINGS:
        for value in TOML_VALUES:
            file.write_text(f"{setting.name} = {value}\n")
            try:
                values = find_configuration(tmp_path).values
                resolve({"write_key": "k"}, values)
            except UsageError as error:
                assert len(str(error)) < MAX_MESSAGE  # noqa: PT017 - most are refused, some are fine
            else:
                kind = bool if setting.is_flag else list if setting.is_list else str
                assert isinstance(values[setting.key], kind)
                is_text = not (setting.is_number or setting.is_list or setting.is_flag)
                assert value.startswith('"') or not is_text, (setting.name, value)


def test_a_long_word_makes_a_short_message(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the option: the beginning and the end of the message are shown."""
    word = "x" * 5_000
    base = ["run", "http://127.0.0.1:9", "--profile", str(ACME), "--write-key", "k", "--dry-run"]
    for option in (
        "--include",
        "--select",
        "--allow",
        "--tier",
        "--run-id",
        "--known-deviations",
        "--gate",
        "--profile",
    ):
        assert main([*base, option, word]) == 2, option
        assert len(capsys.readouterr().err) < 1_000, option
    assert main(["explain", word]) == 2
    assert len(capsys.readouterr().err) < 1_000
