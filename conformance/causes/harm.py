"""Harm: what a cause costs the people whose events the server gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.causes.naming import is_refusal
from conformance.causes.normalized_answers import TRAILING_BYTES
from conformance.causes.sdk_effects import compare_sdk_effects
from conformance.checks import expect
from conformance.core.model import Area
from conformance.profile.facts import Rule
from conformance.report.cause import Harm, SdkLoss
from conformance.sdks import Reaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.causes.sdk_effects import SdkEffect
    from conformance.causes.step_difference import StepDifference
    from conformance.contract import Contract

_UNSAFE_RULES = frozenset(
    f"rules.{name}"
    for name in (
        Rule.NO_STACK_TRACE, Rule.NO_HTML_REFLECTION, Rule.PREFLIGHT_ORIGIN, Rule.FRAMING, Rule.LENGTH_CONFLICT,
        Rule.LENGTH_WITH_CHUNKS, Rule.INCOMPLETE_BODY, Rule.INFLATED_SIZE, Rule.MALFORMED_REQUEST,
    )
)  # fmt: skip
"""Rules whose breach an attacker can use, if a request is accepted that must not be."""
_SENT_BY_SDKS = frozenset({Area.SIZE, Area.PAYLOAD, Area.BATCH, Area.RATE_LIMIT, Area.SDK})
"""Areas of refusals that official SDKs run into by themselves."""
_HARM_BY_REACTION = {
    Reaction.GIVE_UP: Harm.LOST, Reaction.SEND_AGAIN: Harm.DOUBLED, Reaction.RETRY: Harm.RETRIED,
}  # fmt: skip


def harm_of(differences: Iterable[StepDifference], contract: Contract) -> Harm:
    """The worst harm that any of the differences does."""
    return min((_harm_of_one(item, contract) for item in differences), key=lambda item: item.rank, default=Harm.LETTER)


def _harm_of_one(difference: StepDifference, contract: Contract) -> Harm:
    check = difference.trial.check
    right, wrong = difference.exchanges
    if check.area is Area.RATE_LIMIT:
        return Harm.RETRIED
    if wrong is None:
        return Harm.LETTER
    if right is not None and expect.is_accepted(right):
        return _harm_to_valid(difference, contract)
    if expect.is_server_error(wrong):
        return Harm.RETRIED if check.area in _SENT_BY_SDKS else Harm.CRASH
    is_taken = expect.is_accepted(wrong)
    is_unsafe = check.fact in _UNSAFE_RULES or (is_taken and _is_about_credentials(difference))
    return Harm.UNSAFE if is_unsafe or difference.change.facet == TRAILING_BYTES else Harm.LETTER


def _harm_to_valid(difference: StepDifference, contract: Contract) -> Harm:
    """The harm to a request that is to be accepted."""
    right, wrong = difference.exchanges
    if right is None or wrong is None or not expect.is_accepted(wrong):
        return Harm.LOST
    if difference.trial.check.fact in _UNSAFE_RULES or difference.change.facet == TRAILING_BYTES:
        return Harm.UNSAFE
    reactions = {item.second for item in _effects(difference, contract) if item.is_noticed}
    harms = [harm for reaction, harm in _HARM_BY_REACTION.items() if reaction in reactions]
    return min(harms, key=lambda item: item.rank, default=Harm.LETTER)


def _is_about_credentials(difference: StepDifference) -> bool:
    """Whether the check is about who may send."""
    check = difference.trial.check
    is_key = check.fact.partition(".")[2].startswith(("credentials", "pixel-key", "webhook-key"))
    return check.area is Area.AUTH or is_key


def sdk_losses(difference: StepDifference, contract: Contract) -> tuple[SdkLoss, ...]:
    """What official SDKs of the profile do after the answer, where it is not what they do after the right one."""
    return tuple(
        SdkLoss(title=item.title, does=item.second.verb)
        for item in _effects(difference, contract)
        if item.is_supported and item.is_noticed
    )


def _effects(difference: StepDifference, contract: Contract) -> Sequence[SdkEffect]:
    operation = difference.trial.asked_operation
    right, wrong = difference.exchanges
    if operation is None or right is None or wrong is None:
        return ()
    is_invalid = not expect.is_accepted(right) or any(map(is_refusal, difference.trial.facts))
    return compare_sdk_effects(contract, [operation.path], right, wrong, is_invalid=is_invalid)
