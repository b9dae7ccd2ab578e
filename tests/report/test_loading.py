"""Reports read back: whole ones as they were written, all others refused with one clear sentence."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.core.errors import UsageError
from conformance.report.loading import combine_reports, load, load_all
from tests.support import sample_reports

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a report stands."""
    return tmp_path / "a report.json"


def error_message(read: Callable[[str], object], place: Path) -> str:
    """What is said of a file that is refused, in one line that names it."""
    with pytest.raises(UsageError) as caught:
        read(str(place))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{place}: ")
    return message.removeprefix(f"{place}: ")


def report_with(**more: object) -> dict[str, Any]:
    """A report with something else in it; what is None is left out."""
    return {name: value for name, value in (sample_reports.full_report() | more).items() if value is not None}


def test_a_report_is_read_back(place: Path) -> None:
    """A report comes back as it was written, alone or together with others."""
    place.write_text(json.dumps(sample_reports.full_report()), encoding="utf-8")
    assert load(str(place)) == sample_reports.full_report()
    assert load_all(str(place)) == [sample_reports.full_report()]
    both = [sample_reports.full_report(), sample_reports.conforming_report()]
    place.write_text(combine_reports(both), encoding="utf-8")
    assert load_all(str(place)) == both
    assert "holds several reports" in error_message(load, place)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(place: Path, share: float) -> None:
    """A file that breaks off anywhere is called truncated."""
    text = json.dumps(sample_reports.full_report())
    place.write_text(text[: int(len(text) * share)].rstrip("}"), encoding="utf-8")
    assert "truncated" in error_message(load, place)
    assert "truncated" in error_message(load_all, place)


@pytest.mark.parametrize("footer", [None, False, 1, "true"])
def test_a_report_without_its_footer_is_refused(place: Path, footer: object) -> None:
    """JSON that is whole without the footer is truncated too, in company as well."""
    place.write_text(json.dumps(report_with(complete=footer)), encoding="utf-8")
    assert "truncated" in error_message(load, place)
    place.write_text(
        combine_reports([sample_reports.conforming_report(), report_with(complete=footer)]), encoding="utf-8"
    )
    assert "truncated" in error_message(load_all, place)
    place.write_text(json.dumps({"format": 1, "reports": [sample_reports.conforming_report()]}), encoding="utf-8")
    assert "truncated" in error_message(load_all, place)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b'{"format": 1}}', "not JSON"),
        (b"\xff\xfe{}", "it is UTF-16, not UTF-8"),
        (b'{"format": 1, "format": 1, "complete": true}', "a name twice in one object (format)"),
        (b"[" + b"1," * 1_000_001 + b"1]", "too many values"),
        (b"[]", "no format"),
        (b"7", "no format"),
        (b"{}", "no format"),
        (b'{"format": 2, "complete": true}', "format 2"),
        (b'{"format": NaN, "complete": true}', "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"format": 1, "complete": true}', "its top level"),
        (b'{"format": 1, "complete": true, "reports": []}', "/reports"),
        (b'{"format": 1, "complete": true, "reports": [1]}', "/reports"),
    ],
)
def test_anything_else_is_refused(place: Path, content: bytes, said: str) -> None:
    """What is no report is refused with what is wrong with it."""
    place.write_bytes(content)
    assert said in error_message(load_all, place)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file and a directory can't be read."""
    assert "can't be read" in error_message(load, tmp_path / "none.json")
    assert "can't be read" in error_message(load, tmp_path)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("checks", 0, "level"), "strong"),
        (("checks", 0, "outcome"), "broken"),
        (("checks", 0, "id"), "<script>"),
        (("checks", 0, "title"), 7),
        (("limits", 0, "at_least"), "many"),
        (("limits", 0, "refused_from"), 1.5),
        (("run", "gate"), None),
        (("verdict",), "fine"),
        (("counts", "lost"), 1),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(place: Path, where: tuple[Any, ...], value: object) -> None:
    """The place of what does not fit is named."""
    document: Any = copy.deepcopy(sample_reports.full_report())
    *path, last = where
    inner = document
    for part in path:
        inner = inner[part]
    inner[last] = value
    place.write_text(json.dumps(document), encoding="utf-8")
    message = error_message(load, place)
    assert message.startswith("this is no report: at ")
    assert "".join(f"/{part}" for part in (path if last == "lost" else where)) in message
    assert len(message) < 300


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verdict": "conforms"}, "its verdict is 'conforms', and its checks make it 'deviates'"),
        ({"verdict": "unjudged"}, "its verdict is 'unjudged', and its checks make it 'deviates'"),
        ({"counts": {}}, "/counts/pass is 0, and 4 checks have that outcome"),
        ({"checks": []}, "/counts/pass is 4, and 0 checks have that outcome"),
        ({"checks": [], "counts": {}, "verdict": "conforms"}, "its checks make it 'unjudged'"),
    ],
)
def test_conclusions_that_do_not_follow_are_refused(place: Path, changed: dict[str, Any], said: str) -> None:
    """A verdict and counts are computed anew from the checks, in company as well."""
    document = report_with(**changed)
    place.write_text(json.dumps(document), encoding="utf-8")
    assert said in error_message(load, place)
    place.write_text(combine_reports([sample_reports.conforming_report(), document]), encoding="utf-8")
    assert said in error_message(load_all, place)


def test_a_known_deviation_does_not_count_against_a_verdict(place: Path) -> None:
    """What a run leaves out of its verdict, reading leaves out too."""
    known = {"reason": "agreed", "link": "", "owner": "", "expires": ""}
    broken = sample_reports.failed_check("auth.key.unknown")
    weaker = sample_reports.failed_check("size.event.over", level="should")
    passed = sample_reports.check("accept.event.minimal")
    place.write_text(json.dumps(sample_reports.report(broken, weaker, passed)), encoding="utf-8")
    assert load(str(place))["verdict"] == "deviates"
    accepted = sample_reports.report(broken | {"known": known}, weaker, passed, verdict="conforms")
    place.write_text(json.dumps(accepted), encoding="utf-8")
    assert load(str(place)) == accepted
