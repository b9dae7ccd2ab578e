"""Every kind of report: what it says of one small document, and that public schemas know it."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from referencing import Registry, Resource
from xmlschema import XMLSchema10

from conformance import resources
from conformance.model import Outcome
from conformance.report.badge import badge
from conformance.report.junit import junit
from conformance.report.loading import load
from conformance.report.markdown import markdown, markdown_matrix
from conformance.report.markdown.markup import code, fenced, link, plain, table
from conformance.report.sarif import sarif
from tests import pages
from tests.goldens import NASTY, PLACE, goldens, hostile, later

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = PLACE.parent / "schemas"
JUNIT = XMLSchema10(str(SCHEMAS / "junit-10.xsd"))
SARIF = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
RENDERERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "markdown": markdown, "junit": junit, "sarif": sarif, "badge": badge,
}  # fmt: skip
DOCUMENTS = {
    "sample": pages.sample(),
    "conforming": pages.conforming(),
    "empty": pages.document(verdict="unjudged"),
    "hostile": hostile(),
    "large": pages.large(600),
}
BARE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def spec(name: str) -> Draft202012Validator:
    """A schema of ours, which may speak of that of the JSON report."""
    report, wanted = (
        json.loads((resources.specs() / f"{item}.schema.json").read_text("utf-8"))
        for item in ("report", name)
    )
    registry: Any = Registry().with_resource(report["$id"], Resource.from_contents(report))
    return Draft202012Validator(wanted, registry=registry)


@pytest.mark.parametrize("name", goldens())
def test_golden(name: str) -> None:
    """The small report looks as it did; `python -m tests.goldens` shows in a diff what a change does."""
    assert goldens()[name] == (PLACE / name).read_text("utf-8")


def test_the_small_report_has_everything() -> None:
    """It is a report that loads, with every outcome, limits and SDKs in it."""
    found = load(str(PLACE / "report.json"))
    assert {item["outcome"] for item in found["checks"]} == set(Outcome)
    assert found["limits"]
    assert found["sdks"]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("kind", RENDERERS)
def test_a_report_is_a_function_of_its_document(kind: str, document: str) -> None:
    """The same document gives the same text, and is left as it was."""
    given = copy.deepcopy(DOCUMENTS[document])
    first = RENDERERS[kind](given)
    assert given == DOCUMENTS[document]
    assert RENDERERS[kind](json.loads(json.dumps(given))) == first


def test_the_machine_leaves_no_trace() -> None:
    """Another locale and another time zone change nothing."""
    script = (
        "import sys; from tests.goldens import goldens; sys.stdout.buffer.write(repr(goldens()).encode())"
    )
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, env=environment, cwd=PLACE.parents[1]
    )
    assert done.stdout.decode() == repr(goldens())


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("kind", ["markdown", "sarif", "badge"])
def test_nothing_bare_is_written(kind: str, document: str) -> None:
    """No control character and none that turns text around gets into a file."""
    assert not BARE.search(RENDERERS[kind](DOCUMENTS[document]))


# JUnit


@pytest.mark.parametrize("document", DOCUMENTS)
def test_junit_fits_its_public_schema(document: str) -> None:
    """The XML is what the schema of Jenkins' plugin knows."""
    JUNIT.validate(junit(DOCUMENTS[document]))


def test_the_public_schema_of_junit_refuses() -> None:
    """The schema is no rubber stamp."""
    assert not JUNIT.is_valid(junit(pages.sample()).replace("testcase", "test-case"))
    assert not JUNIT.is_valid(junit(pages.sample()).replace(' failures="', ' broken="'))


# SARIF


def run_of(document: dict[str, Any]) -> dict[str, Any]:
    """The one run of a log."""
    (found,) = json.loads(sarif(document))["runs"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_sarif_fits_its_public_schema(document: str) -> None:
    """The log is SARIF 2.1.0."""
    Draft4Validator(SARIF).validate(json.loads(sarif(DOCUMENTS[document])))


def test_the_public_schema_of_sarif_refuses() -> None:
    """The schema is no rubber stamp."""
    log = json.loads(sarif(pages.sample()))
    log["runs"][0]["results"][0]["level"] = "must"
    assert not Draft4Validator(SARIF).is_valid(log)


def test_sarif_has_what_is_broken() -> None:
    """A result for each broken check and call, with its rule, level, call and document."""
    found = run_of(pages.sample())
    rules = {rule["id"]: rule for rule in found["tool"]["driver"]["rules"]}
    told = {
        (item["ruleId"], item["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]): item["level"]
        for item in found["results"]
    }
    broken = [item for item in pages.sample()["checks"] if item["outcome"] in {"fail", "untestable"}]
    levels = {"must": "error", "should": "warning", "may": "note"}
    assert told == {(item["id"], item["operation"]): levels[item["level"]] for item in broken}
    assert set(rules) == {item["id"] for item in broken}
    for item in found["results"]:
        assert found["tool"]["driver"]["rules"][item["ruleIndex"]]["id"] == item["ruleId"]
    assert rules["auth.key.unknown"]["helpUri"] == pages.SOURCE["url"]
    (silent,) = found["invocations"][0]["toolExecutionNotifications"]
    assert "errors.body.json" in silent["message"]["text"]


def test_sarif_names_a_file_that_is_there() -> None:
    """The file of a result is the profile's, relative to a repository's root."""
    profile = {"name": resources.profile_names()[0], "title": "A vendor"}
    places = [
        {
            item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for item in run_of(document)["results"]
        }
        for document in (pages.sample() | {"profile": profile}, pages.sample())
    ]
    assert places == [{f"specs/profiles/{profile['name']}.yaml"}, {"acme.yaml"}]
    assert resources.profile_path(profile["name"]).is_file()


def test_fingerprints_are_stable() -> None:
    """A finding keeps its fingerprint whatever else changes, and shares it with none."""
    first, second = (
        {
            item["ruleId"] + str(item["locations"]): item["partialFingerprints"]
            for item in run_of(found)["results"]
        }
        for found in (pages.sample(), {**hostile(), "target": {"url": "http://elsewhere"}})
    )
    assert first == second
    assert len({json.dumps(item) for item in first.values()}) == len(first)


def test_nothing_in_a_message_is_a_link_or_a_placeholder() -> None:
    """Braces are doubled, and what would be a link is escaped."""
    texts = [item["message"]["text"] for item in run_of(hostile())["results"]]
    assert all(r"\[x](http://e)" in text and "{{0}}" in text for text in texts)


# The badge


@pytest.mark.parametrize(
    ("kept", "judged", "says"),
    [(97, 100, "97 % of must"), (999, 1000, "99 % of must"), (1, 1, "100 % of must"), (0, 3, "0 % of must"),
     (0, 0, "not judged")],
)  # fmt: skip
def test_the_badge_never_rounds_up(kept: int, judged: int, says: str) -> None:
    """A share is rounded down; 100 % is all."""
    outcomes = ["pass"] * kept + ["fail"] * (judged - kept)
    checks = [pages.check(f"auth.key.n{number}", outcome) for number, outcome in enumerate(outcomes)]
    below = pages.check("auth.key.below", "fail", level="should")
    root = ET.fromstring(badge(pages.document(*checks, below)))  # noqa: S314 - our own picture
    assert root.get("aria-label") == f"acme: {says}"
    assert root.get("role") == "img"
    assert [item.text for item in root.iter() if item.tag.endswith(("}title", "}text"))] == [
        f"acme: {says}", "acme", says,
    ]  # fmt: skip


def test_badges_stand_side_by_side() -> None:
    """A page may hold several: none has an id that another could take for its own."""
    assert " id=" not in badge(pages.sample())


def test_the_badge_fits_its_text() -> None:
    """The picture grows with the name, and a strange or endless name breaks nothing."""
    widths = []
    for name in ("i", "acme", "segmentstream", NASTY, "x" * 5000):
        document = pages.sample() | {"profile": {"name": name, "title": ""}}
        root = ET.fromstring(badge(document))  # noqa: S314 - our own picture
        widths.append(int(root.get("width", "0")))
        assert (
            sum(int(item.get("textLength", "0")) + 12 for item in root.iter() if item.get("textLength"))
            == widths[-1]
        )
    assert widths == sorted(widths)
    assert widths[-1] < 500


# Markdown


@pytest.mark.parametrize("document", DOCUMENTS)
def test_markdown_is_short_enough_for_a_comment(document: str) -> None:
    """A page has at most 60,000 bytes, and its last line; what is left out is counted."""
    text = markdown(DOCUMENTS[document])
    assert len(text.encode()) <= 60_000
    assert text.endswith("ingest-conformance 0\\.1.0.\n")
    left = re.search(r"\*\*([\d,]+) more findings are left out here", text)
    told = text.count("<details>")
    assert (told + int(left[1].replace(",", "")) if left else told) >= (600 if document == "large" else 0)
    assert bool(left) == (document == "large")


def test_a_matrix_is_short_enough_for_a_summary() -> None:
    """Many reports of many broken checks stay below 1 MiB."""
    text = markdown_matrix([pages.large(3000)] * 40)
    assert len(text.encode()) < 1_000_000
    assert "*and more*" in text


@pytest.mark.parametrize("run", ["`", "``", "a`b", "```` x", "`" * 50])
def test_code_ends_where_it_should(run: str) -> None:
    """A fence is longer than any run of backticks inside."""
    longest = max(len(found) for found in re.findall("`+", run))
    assert re.fullmatch("`" * (longest + 1) + "( ?).*\\1" + "`" * (longest + 1), code(run))
    assert fenced(run).splitlines()[0].count("`") > longest


def test_plain_text_is_plain() -> None:
    """Nothing in a text is markup, a mention, a reference, a link, a list or a heading."""
    assert plain("*a* _b_ `c` <d> [e]") == r"\*a\* \_b\_ \`c\` \<d\> \[e\]"
    assert plain("@all #1 http://e www.e") == "@<!-- -->all #<!-- -->1 http:<!-- -->//e w<!-- -->ww.e"
    assert (plain("- a"), plain("1. a"), plain("1.2.3"), plain("===")) == (
        r"\- a",
        r"1\. a",
        r"1\.2.3",
        r"\===",
    )
    assert plain("a\n\n# b\x1b[1m") == "a #<!-- --> b\\\\x1b\\[1m"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "http://e> x", "http://e\n", "data:text/html,x"])
def test_no_other_link_is_made(url: str) -> None:
    """Only web addresses without breaks become links."""
    assert link("words", url) == "words"


def test_a_cell_stays_a_cell() -> None:
    """A bar in a cell begins no other."""
    assert table(["a"], [["b|c"]]).splitlines()[2] == "| b&#124;c |"


def test_an_endless_line_to_send_again_is_left_out() -> None:
    """Half of a shell line would be of no use."""
    text = markdown(pages.document(pages.failure("auth.key.unknown", curl="curl " + "x" * 5000)))
    assert "it has 5,005 characters" in text
    assert "xxx" not in text


# Ours


def test_our_own_schemas() -> None:
    """What is written together, and what changed, fits the schemas that describe it."""
    spec("reports").validate({"format": 1, "reports": [pages.sample(), later()], "complete": True})
    spec("changes").validate(json.loads(goldens()["changes.json"]))
    spec("report").validate(pages.sample() | {"run": pages.sample()["run"] | {"failure": "nobody is there"}})
