"""What a comparison says of SDKs: what they do after each answer, and nothing about what became of the events."""

from __future__ import annotations

import pytest

from conformance.causes.sdk_effects import compare_sdk_effects, worst_reaction
from conformance.contract import Contract
from conformance.core.model import Exchange, Request, Response
from conformance.profile import load
from conformance.report.diff_summary import describe_reactions
from conformance.sdks import Reaction

CONTRACT = Contract(load("rudderstack"))


def answered(status: int, body: bytes = b"") -> Exchange:
    """An exchange with an answer."""
    return Exchange(request=Request(method="POST", path="/v1/batch"), response=Response(status=status, body=body))


@pytest.mark.parametrize("second", [answered(200), answered(200, b'{"ok": false}')])
def test_a_success_to_what_is_to_be_refused_is_counted_as_delivered_anyway(second: Exchange) -> None:
    """`lost by B` was said of it, which nobody has seen."""
    effects = compare_sdk_effects(CONTRACT, ["/v1/batch"], answered(413), second, is_invalid=True)
    assert worst_reaction(effects, is_invalid=True) is Reaction.DELIVER_ANYWAY
    item = {"sdks": {"usual": False, "effects": [effect.as_json() for effect in effects]}}
    start = "if it sends such a request: given up after the answer of A, counted as delivered anyway after that of B ("
    assert any(line.startswith(start) for line in describe_reactions(item))


def test_a_success_whose_body_says_no_differs_from_one_that_does_not() -> None:
    """The SDK reads neither."""
    effects = compare_sdk_effects(
        CONTRACT, ["/v1/batch"], answered(200, b"ok"), answered(200, b'{"errors": ["no"]}'), is_invalid=False
    )
    supported = [(effect.first, effect.second) for effect in effects if effect.is_supported]
    assert set(supported) == {(Reaction.DELIVER, Reaction.DELIVER_ANYWAY)}
