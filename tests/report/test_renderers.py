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

from conformance.core import resources
from conformance.core.model import Outcome
from conformance.report.annotations import render_annotations
from conformance.report.badge import render_badge
from conformance.report.code_quality import render_code_quality
from conformance.report.har import render_har
from conformance.report.junit import render_junit
from conformance.report.loading import load
from conformance.report.markdown import render_markdown, render_markdown_matrix
from conformance.report.markdown.markup import (
    code_block,
    escape_markdown,
    inline_code,
    markdown_link,
    markdown_table,
)
from conformance.report.sarif import render_sarif
from tests.regenerate import hint
from tests.support import sample_reports
from tests.support.golden_files import DIRECTORY, HOSTILE_TEXT, golden_texts, hostile_report, later_report

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = DIRECTORY.parent / "schemas"
JUNIT = XMLSchema10(str(SCHEMAS / "junit-10.xsd"))
SARIF = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
RENDERERS: dict[str, Callable[[dict[str, Any]], str]] = {
    "markdown": render_markdown, "junit": render_junit, "sarif": render_sarif, "badge": render_badge,
    "code quality": render_code_quality, "annotations": render_annotations, "har": render_har,
}  # fmt: skip
DOCUMENTS = {
    "sample": sample_reports.full_report(),
    "conforming": sample_reports.conforming_report(),
    "causes": sample_reports.report_with_causes(),
    "empty": sample_reports.report(verdict="unjudged"),
    "hostile": hostile_report(),
    "large": sample_reports.large_report(600),
}
CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def schema_validator(name: str) -> Draft202012Validator:
    """A schema of ours, which may speak of that of the JSON report."""
    report, wanted = (
        json.loads((resources.specs_dir() / f"{item}.schema.json").read_text("utf-8")) for item in ("report", name)
    )
    registry: Any = Registry().with_resource(report["$id"], Resource.from_contents(report))
    return Draft202012Validator(wanted, registry=registry)


@pytest.mark.parametrize("name", golden_texts())
def test_golden(name: str) -> None:
    """The reports of the sample are pinned, so that a difference shows what a change does."""
    assert golden_texts()[name] == (DIRECTORY / name).read_text("utf-8"), hint("goldens")


def test_the_small_report_has_everything() -> None:
    """It is a report that loads, with every outcome, limits and SDKs in it."""
    document = load(str(DIRECTORY / "report.json"))
    assert {item["outcome"] for item in document["checks"]} == set(Outcome)
    assert document["limits"]
    assert document["sdks"]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("kind", RENDERERS)
def test_a_report_is_a_function_of_its_document(kind: str, document: str) -> None:
    """The same document gives the same text, and is left as it was."""
    copied = copy.deepcopy(DOCUMENTS[document])
    first = RENDERERS[kind](copied)
    assert copied == DOCUMENTS[document]
    assert RENDERERS[kind](json.loads(json.dumps(copied))) == first


def test_the_machine_leaves_no_trace() -> None:
    """Another locale and another time zone change nothing."""
    script = (
        "import sys; from tests.support.golden_files import golden_texts as texts; "
        "sys.stdout.buffer.write(repr(texts()).encode())"
    )
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    completed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, env=environment, cwd=DIRECTORY.parents[1]
    )
    assert completed.stdout.decode() == repr(golden_texts())


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("kind", ["markdown", "sarif", "badge"])
def test_nothing_bare_is_written(kind: str, document: str) -> None:
    """No control character and none that turns text around gets into a file."""
    assert not CONTROL_CHARACTERS.search(RENDERERS[kind](DOCUMENTS[document]))


# JUnit


@pytest.mark.parametrize("document", DOCUMENTS)
def test_junit_fits_its_public_schema(document: str) -> None:
    """The XML is what the schema of Jenkins' plugin knows."""
    JUNIT.validate(render_junit(DOCUMENTS[document]))


def test_the_public_schema_of_junit_refuses() -> None:
    """The schema is no rubber stamp."""
    assert not JUNIT.is_valid(render_junit(sample_reports.full_report()).replace("testcase", "test-case"))
    assert not JUNIT.is_valid(render_junit(sample_reports.full_report()).replace(' failures="', ' broken="'))


# SARIF


def sarif_run(document: dict[str, Any]) -> dict[str, Any]:
    """The one run of a log."""
    (loaded,) = json.loads(render_sarif(document))["runs"]
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("document", DOCUMENTS)
def test_sarif_fits_its_public_schema(document: str) -> None:
    """The log is SARIF 2.1.0."""
    Draft4Validator(SARIF).validate(json.loads(render_sarif(DOCUMENTS[document])))


def test_the_public_schema_of_sarif_refuses() -> None:
    """The schema is no rubber stamp."""
    log = json.loads(render_sarif(sample_reports.full_report()))
    log["runs"][0]["results"][0]["level"] = "must"
    assert not Draft4Validator(SARIF).is_valid(log)


def test_sarif_has_what_is_broken() -> None:
    """A result for each broken check and call, with its rule, level, call and document."""
    first_run = sarif_run(sample_reports.full_report())
    rules = {rule["id"]: rule for rule in first_run["tool"]["driver"]["rules"]}
    fields = {
        (item["ruleId"], item["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]): item["level"]
        for item in first_run["results"]
    }
    broken = [item for item in sample_reports.full_report()["checks"] if item["outcome"] in {"fail", "untestable"}]
    levels = {"must": "error", "should": "warning", "may": "note"}
    assert fields == {(item["id"], item["operation"]): levels[item["level"]] for item in broken}
    assert set(rules) == {item["id"] for item in broken}
    for item in first_run["results"]:
        assert first_run["tool"]["driver"]["rules"][item["ruleIndex"]]["id"] == item["ruleId"]
    assert rules["auth.key.unknown"]["helpUri"] == sample_reports.SOURCE["url"]
    (silent,) = first_run["invocations"][0]["toolExecutionNotifications"]
    assert "errors.body.json" in silent["message"]["text"]


def test_sarif_names_a_file_that_is_there() -> None:
    """The file of a result is the profile's, relative to a repository's root."""
    profile = {"name": resources.profile_names()[0], "title": "A vendor"}
    places = [
        {item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in sarif_run(document)["results"]}
        for document in (sample_reports.full_report() | {"profile": profile}, sample_reports.full_report())
    ]
    assert places == [{f"specs/profiles/{profile['name']}.yaml"}, {"acme.yaml"}]
    assert resources.profile_path(profile["name"]).is_file()


def test_fingerprints_are_stable() -> None:
    """A finding keeps its fingerprint whatever else changes, and shares it with none."""
    first, second = (
        {item["ruleId"] + str(item["locations"]): item["partialFingerprints"] for item in sarif_run(report)["results"]}
        for report in (sample_reports.full_report(), {**hostile_report(), "target": {"url": "http://elsewhere"}})
    )
    assert first == second
    assert len({json.dumps(item) for item in first.values()}) == len(first)


def test_nothing_in_a_message_is_a_link_or_a_placeholder() -> None:
    """Braces are doubled, and what would be a link is escaped."""
    texts = [item["message"]["text"] for item in sarif_run(hostile_report())["results"]]
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
    checks = [sample_reports.check(f"auth.key.n{number}", outcome) for number, outcome in enumerate(outcomes)]
    below = sample_reports.check("auth.key.below", "fail", level="should")
    root = ET.fromstring(render_badge(sample_reports.report(*checks, below)))  # noqa: S314 - our own picture
    assert root.get("aria-label") == f"acme: {says}"
    assert root.get("role") == "img"
    assert [item.text for item in root.iter() if item.tag.endswith(("}title", "}text"))] == [
        f"acme: {says}", "acme", says,
    ]  # fmt: skip


def test_badges_stand_side_by_side() -> None:
    """A page may hold several: none has an id that another could take for its own."""
    assert " id=" not in render_badge(sample_reports.full_report())


def test_the_badge_fits_its_text() -> None:
    """The picture grows with the name, and a strange or endless name breaks nothing."""
    widths = []
    for name in ("i", "acme", "segmentstream", HOSTILE_TEXT, "x" * 5000):
        document = sample_reports.full_report() | {"profile": {"name": name, "title": ""}}
        root = ET.fromstring(render_badge(document))  # noqa: S314 - our own picture
        widths.append(int(root.get("width", "0")))
        assert (
            sum(int(item.get("textLength", "0")) + 12 for item in root.iter() if item.get("textLength")) == widths[-1]
        )
    assert widths == sorted(widths)
    assert widths[-1] < 500


# Markdown


@pytest.mark.parametrize("document", DOCUMENTS)
def test_markdown_is_short_enough_for_a_comment(document: str) -> None:
    """A page has at most 60,000 bytes, and its last line; what is left out is counted."""
    text = render_markdown(DOCUMENTS[document])
    assert len(text.encode()) <= 60_000
    assert text.endswith("ingest-conformance 0\\.1.0.\n")
    left = re.search(r"\*\*([\d,]+) more findings are left out here", text)
    details_count = text.count("<details>")
    assert (details_count + int(left[1].replace(",", "")) if left else details_count) >= (
        600 if document == "large" else 0
    )
    assert bool(left) == (document == "large")


def test_a_matrix_is_short_enough_for_a_summary() -> None:
    """Many reports of many broken checks stay below 1 MiB."""
    text = render_markdown_matrix([sample_reports.large_report(3000)] * 40)
    assert len(text.encode()) < 1_000_000
    assert "*and more*" in text


@pytest.mark.parametrize("run", ["`", "``", "a`b", "```` x", "`" * 50])
def test_code_ends_where_it_should(run: str) -> None:
    """A fence is longer than any run of backticks inside."""
    longest = max(len(fence) for fence in re.findall("`+", run))
    assert re.fullmatch("`" * (longest + 1) + "( ?).*\\1" + "`" * (longest + 1), inline_code(run))
    assert code_block(run).splitlines()[0].count("`") > longest


def test_plain_text_is_plain() -> None:
    """Nothing in a text is markup, a mention, a reference, a link, a list or a heading."""
    assert escape_markdown("*a* _b_ `c` <d> [e]") == r"\*a\* \_b\_ \`c\` \<d\> \[e\]"
    assert escape_markdown("@all #1 http://e www.e") == "@<!-- -->all #<!-- -->1 http:<!-- -->//e w<!-- -->ww.e"
    assert (escape_markdown("- a"), escape_markdown("1. a"), escape_markdown("1.2.3"), escape_markdown("===")) == (
        r"\- a",
        r"1\. a",
        r"1\.2.3",
        r"\===",
    )
    assert escape_markdown("a\n\n# b\x1b[1m") == "a #<!-- --> b\\\\x1b\\[1m"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "http://e> x", "http://e\n", "data:text/html,x"])
def test_no_other_link_is_made(url: str) -> None:
    """Only web addresses without breaks become links."""
    assert markdown_link("words", url) == "words"


def test_a_cell_stays_a_cell() -> None:
    """A bar in a cell begins no other."""
    assert markdown_table(["a"], [["b|c"]]).splitlines()[2] == "| b&#124;c |"


def test_an_endless_line_to_send_again_is_left_out() -> None:
    """Half of a shell line would be of no use."""
    text = render_markdown(
        sample_reports.report(sample_reports.failed_check("auth.key.unknown", curl="curl " + "x" * 5000))
    )
    assert "it has 5,005 characters" in text
    assert "xxx" not in text


# Ours


def test_our_own_schemas() -> None:
    """What is written together, and what changed, fits the schemas that describe it."""
    schema_validator("reports").validate(
        {"format": 1, "reports": [sample_reports.full_report(), later_report()], "complete": True}
    )
    schema_validator("changes").validate(json.loads(golden_texts()["changes.json"]))
    schema_validator("report").validate(
        sample_reports.full_report() | {"run": sample_reports.full_report()["run"] | {"failure": "nobody is there"}}
    )
