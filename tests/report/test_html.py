"""The HTML report: what it says, that it is always the same, and that nothing in it is more than text."""

from __future__ import annotations

import copy
import itertools
from html.parser import HTMLParser
from typing import Any

import pytest

from conformance.report.html import render_html
from conformance.report.html.gauges import SCALE, build_gauge
from tests.regenerate import hint
from tests.support import paths, sample_reports

GOLDEN = paths.GOLDEN / "report.html.txt"
SHOULD_REPORT = sample_reports.report(
    sample_reports.check("auth.key.unknown", level="should"),
    run=sample_reports.report()["run"] | {"gate": "should"},
    verdict="conforms",
)
_VOID_ELEMENTS = {"meta", "link", "br", "input", "rect", "path"}
_UNREAD_ELEMENTS = {"style", "script"}


class HtmlTextReader(HTMLParser):
    """What a page says, a line for each text, and the links and ids that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.lines: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element, with what is in its attributes."""
        self.tags.add(tag)
        attributes = dict(attrs)
        self.links += [attributes["href"] or ""] if "href" in attributes else []
        self.ids += [attributes["id"] or ""] if "id" in attributes else []
        self.lines += [attributes["aria-label"] or ""] if "aria-label" in attributes else []
        if tag not in _VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every element ends where it should."""
        if tag not in _VOID_ELEMENTS:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Notes what a reader sees."""
        if not _UNREAD_ELEMENTS & set(self.open):
            self.lines += [line for line in (" ".join(part.split()) for part in data.splitlines()) if line]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines) + "\n"


def golden_text() -> str:
    """What the page of the sample says."""
    return HtmlTextReader(render_html(sample_reports.full_report())).text


def test_the_page_says_what_it_said() -> None:
    """The words of the sample's page are pinned."""
    assert GOLDEN.read_text(encoding="utf-8") == golden_text(), hint("goldens")


def test_the_same_report_gives_the_same_page() -> None:
    """The page is a function of the report, which it leaves as it was."""
    first, second = sample_reports.full_report(), copy.deepcopy(sample_reports.full_report())
    assert render_html(first) == render_html(second)
    assert first == second


def test_elements_are_closed_and_ids_are_unique() -> None:
    """Every element ends where it should, and no id comes twice."""
    page = HtmlTextReader(render_html(sample_reports.full_report()))
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_all_of_the_report_is_there() -> None:
    """Every check, promise, call, answer, source, request and curl line is on the page."""
    sample = sample_reports.full_report()
    page = HtmlTextReader(render_html(sample))
    expected_texts = [sample["target"]["url"], sample["profile"]["title"], sample["run"]["started"], "1,234 requests"]
    for item in sample["checks"]:
        expected_texts += [item["id"], item["operation"]]
        if item["outcome"] in {"pass", "fail"}:
            expected_texts.append(item["title"])
        if item["outcome"] == "fail":
            expected_texts += [item["message"], item["expected"], item["received"], item["curl"]]
    expected_texts += ["/v1/track", '{"userId":"someone else"}', "sent in chunks", "it was closed", "acme-python 1.2"]
    expected_texts += [
        "counts as delivered anyway",
        "refused from 32,769",
        "fuzzing is off",
        sample_reports.SOURCE["section"],
    ]
    assert [text for text in expected_texts if text not in page.text] == []
    assert sample_reports.SOURCE["url"] in page.links
    assert {item["id"] for item in sample["checks"]} <= set(page.ids)


def test_the_verdict_is_one_line() -> None:
    """How many promises at the gate are not kept, of how many, and of whose; what is below comes after."""
    lines = HtmlTextReader(render_html(sample_reports.full_report())).lines
    assert lines[0] == "http://127.0.0.1:8080 does not keep 6 of 9 promises at MUST of Acme HTTP API"
    assert "3 broken: auth 3." in lines
    assert "2 untestable: json 2." in lines
    assert "1 not judged: errors 1." in lines
    assert "Below the gate: 1 broken." in lines


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (sample_reports.conforming_report(), "keeps all 2 promises at MUST of Acme HTTP API"),
        (sample_reports.report(verdict="unjudged"), "could not be judged by Acme HTTP API"),
        (SHOULD_REPORT, "keeps the only promise at MUST or SHOULD of Acme HTTP API"),
    ],
)
def test_other_verdicts(document: dict[str, Any], line: str) -> None:
    """A target that conforms, and one of which nothing can be said."""
    assert HtmlTextReader(render_html(document)).lines[0] == f"http://127.0.0.1:8080 {line}"


def test_the_same_failure_on_several_calls_is_one_finding() -> None:
    """It is told once, with its calls; another answer, and another level, are findings of their own."""
    page = render_html(sample_reports.full_report())
    assert page.count('<details class="finding fail"') == 3
    assert 'data-calls="POST /v1/page|POST /v1/track"' in page
    assert page.count('<details class="finding untestable"') == 1


def test_a_link_leads_to_the_worst_that_a_check_came_to() -> None:
    """Of a check that was broken here and kept there, the broken one has the id."""
    page = render_html(sample_reports.full_report())
    place = page.index('id="size.event.over"')
    assert page.rindex("<details", 0, place) == page.rindex('<details class="finding fail"', 0, place)


def test_only_addresses_of_the_web_are_links() -> None:
    """A source's address that is a script is no link."""
    source = sample_reports.SOURCE | {"url": "javascript:alert(1)"}
    page = HtmlTextReader(
        render_html(sample_reports.report(sample_reports.failed_check("auth.key.unknown", sources=[source])))
    )
    assert not [link for link in page.links if not link.startswith("#")]


def test_styles_and_scripts_of_strangers_are_forbidden() -> None:
    """The policy allows the two inline texts of ours, by their digests, and nothing else."""
    page = render_html(sample_reports.full_report())
    policy = page.split('Content-Security-Policy" content="')[1].partition('"')[0]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.replace("&#39;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["style-src"].startswith("'sha256-")
    assert rules["script-src"].startswith("'sha256-")
    assert set(rules) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    assert " style=" not in page


@pytest.mark.parametrize("outcome", ["pass", "fail", "untestable", "error", "observed", "not-applicable"])
def test_a_page_of_600_checks_is_small(outcome: str) -> None:
    """Below 1.5 MB, even where every check is a finding of its own with transcripts of full length."""
    page = render_html(sample_reports.large_report(600, outcome))
    assert len(page.encode()) < 1_500_000
    assert "auth.key.n0599" in page


def test_what_is_left_out_is_told() -> None:
    """Transcripts beyond the page's room are named as left out; the strongest findings keep theirs."""
    page = HtmlTextReader(render_html(sample_reports.large_report(600))).text
    assert "it was left out here to keep this page small" in page
    assert page.index("Transcript: 2 requests") < page.index("it was left out here")


def test_an_endless_text_is_cut() -> None:
    """A text of a megabyte is cut, and the page says how long it was."""
    body = "y" * 1_000_000
    page = render_html(
        sample_reports.report(
            sample_reports.failed_check("auth.key.unknown", exchanges=[sample_reports.exchange(answer=body)])
        )
    )
    assert "(cut here, of 1,000,000 characters)" in page
    assert len(page) < 100_000


@pytest.mark.parametrize(
    ("band", "accepted", "refused", "says"),
    [
        ((32000, 32768), 32000, 32769, "as documented"),
        ((32000, 32768), 32768, 32769, "as documented"),
        ((32000, 32768), 10_000_000, None, "accepts what must be refused"),
        ((32000, 32768), 1000, 1001, "refuses what must be accepted"),
        ((32000, 32768), 20000, 1000, "refuses what must be accepted"),
        ((500, 500), None, 501, "not measured on both sides"),
        ((500, 500), None, None, "not measured on both sides"),
        ((0, 1), 0, 2, "as documented"),
    ],
)
def test_a_limit_is_drawn(band: tuple[int, int], accepted: int | None, refused: int | None, says: str) -> None:
    """Marks stay on the scale, in order; labels keep out of each other's way; the judgement is in words."""
    drawing = build_gauge(sample_reports.limit("one", accepted, refused, at_least=band[0], at_most=band[1]))
    marks = [drawing.at_least, drawing.at_most, *(mark for mark in (drawing.accepted, drawing.refused) if mark)]
    left, right, width = SCALE
    assert all(left <= mark.x <= right for mark in marks)
    assert drawing.at_least.x <= drawing.at_most.x
    assert drawing.judgement == says
    for labels in (drawing.documented_labels, drawing.measured_labels):
        ends = []
        for label in labels:
            length = 6.5 * len(label.label)
            ends.append((label.x - length, label.x) if label.is_label_left else (label.x, label.x + length))
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(sorted(ends)))
        assert all(-left <= first and last <= width for first, last in ends)


def test_the_readme_shows_a_page() -> None:
    """The picture is a PNG below 200 kB. To take it again: python -m tests.regenerate screenshot."""
    root = paths.ROOT
    assert "(docs/report.png)" in (root / "README.md").read_text("utf-8")
    picture = (root / "docs" / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 200_000
