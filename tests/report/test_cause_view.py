"""The order in which a report shows causes."""

from __future__ import annotations

from conformance.report.cause_view import view_causes
from tests.support.sample_reports import cause, report_with_causes


def test_what_no_document_of_the_vendor_promises_comes_last() -> None:
    """Whatever it costs; a report from before that was known keeps its order."""
    document = report_with_causes()
    calls = document["causes"][0]["calls"]
    document["causes"] = [
        cause("json.syntax.nan", "1a", calls, harm="crash", documented=False),
        cause("json.syntax.nan", "2b", calls, harm="letter", documented=True),
        cause("json.syntax.nan", "3c", calls, harm="letter"),
    ]
    overview = view_causes(document)
    assert overview is not None
    assert [(view.data["id"], view.number) for view in overview.gated] == [("2b", 1), ("3c", 2), ("1a", 3)]
