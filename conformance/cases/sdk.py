"""Official SDKs: their requests are accepted, and their reactions to the answers are reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, Tier
from conformance.core.errors import NotApplicable
from conformance.core.model import Level, Parameter
from conformance.core.statuses import MULTI_STATUS
from conformance.profile.facts import Condition
from conformance.requests.sdk_requests import SdkRequest
from conformance.sdks import effective_reaction
from conformance.sdks.outcomes import ACCEPTED_CONDITION, SdkOutcome, build_note

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Steps
    from conformance.sdks import Sdk

_REDIRECT = 300


@dataclass(frozen=True, slots=True)
class SdkParameter(Parameter):
    """An SDK, as the parameter of its checks."""

    sdk: Sdk

    @property
    def fact(self) -> str:
        """The fact that the vendor's servers support it."""
        return f"sdks.{self.sdk.name}"

    def requests(self, call: Call) -> list[SdkRequest]:
        """Its requests to an operation, the longest last. Raises NotApplicable if none of its events is documented."""
        requests = [SdkRequest.for_call(call, shape) for shape in self.sdk.requests_to(call.operation.path)]
        documented = [request for request in requests if request.documented_only().events]
        if not documented:
            raise NotApplicable(f"{self.description} sends no documented event to {call.operation}")
        return sorted(documented, key=lambda request: len(request.events))


SDK_PARAMETERS = tuple(SdkParameter(sdk.name, sdk.title, sdk, paths=sdk.paths) for sdk in sdks.load_all())


@check(
    "sdk.{slug}.accepted",
    "The requests of {description} are accepted.",
    fact=FACT_OF_PARAMETER,
    parameters=SDK_PARAMETERS,
    tier=Tier.GENTLE,
)
def accepted(call: Call, sdk_parameter: SdkParameter) -> Steps:
    """A replacement for a vendor's server receives requests of that vendor's SDKs, exactly as they send them."""
    for sdk_request in sdk_parameter.requests(call):
        draft = sdk_request.documented_only().to_draft()
        expect.accepted((yield draft), f"a request of {sdk_parameter.description}")
        if sdk_request.shape.retry_headers:
            expect.accepted((yield sdk_request.as_retry(draft)), f"a repeated request of {sdk_parameter.description}")
    return None


@dataclass(frozen=True, slots=True)
class SdkScenario(Parameter):
    """A kind of request that an SDK may send, with the documented answer to it."""

    make: Callable[[SdkRequest], Draft]
    answer: Callable[[SdkRequest], ExpectedResponse] | None = None
    is_batch_only: bool = False

    def build_draft(self, sdk_request: SdkRequest) -> Draft | None:
        """The request; None where the SDK sends no such request to the operation."""
        if self.is_batch_only and not sdk_request.call.is_batch:
            return None
        try:
            return self.make(sdk_request).allowing_no_answer()
        except NotApplicable:
            return None

    def is_documented_refusal(self, sdk_request: SdkRequest) -> bool:
        """Whether an answer other than a plain success is documented."""
        try:
            statuses = self.answer(sdk_request).statuses if self.answer else ()
        except NotApplicable:
            return False
        return any(status == MULTI_STATUS or status >= _REDIRECT for status in statuses)


def _documented_answer(condition: Condition) -> Callable[[SdkRequest], ExpectedResponse]:
    return lambda request: request.call.contract.expected_response(condition)


def _undocumented_draft(sdk_request: SdkRequest) -> Draft:
    undocumented_request = sdk_request.undocumented_only()
    if not undocumented_request.events:
        raise NotApplicable("all its events are documented")
    return undocumented_request.to_draft()


SDK_SCENARIOS = (
    SdkScenario(ACCEPTED_CONDITION, "acceptable", lambda request: request.documented_only().to_draft()),
    SdkScenario("undocumented", "not in the documents", _undocumented_draft),
    SdkScenario(
        "unknown-key",
        "unknown key",
        lambda request: request.documented_only().with_unknown_key().to_draft(),
        _documented_answer(Condition.CREDENTIALS_UNKNOWN),
    ),
    SdkScenario(
        "no-identity",
        "no user",
        lambda request: request.documented_only().first_event_without_user().to_draft(),
        _documented_answer(Condition.IDENTITY_MISSING),
    ),
    SdkScenario(
        "too-large",
        "too large",
        lambda request: request.documented_only().first_event_too_large().to_draft(),
        lambda request: request.event_limit,
    ),
    SdkScenario(
        "invalid-json",
        "invalid JSON",
        lambda request: request.documented_only().to_draft(is_truncated=True),
        _documented_answer(Condition.JSON_INVALID),
    ),
    SdkScenario(
        "partly-bad",
        "partly bad",
        lambda request: request.documented_only().middle_event_without_user().to_draft(),
        _documented_answer(Condition.BATCH_PARTLY_BAD),
        is_batch_only=True,
    ),
)


@check(
    "sdk.{slug}.reactions",
    "The reactions of {description} to the answers are reported.",
    fact="rules.sdk-reactions",
    max_level=Level.MAY,
    observes=True,
    parameters=SDK_PARAMETERS,
)
def reactions(call: Call, sdk_parameter: SdkParameter) -> Steps:
    """An answer that an SDK misinterprets makes it lose events, or send them twice."""
    sdk_request = sdk_parameter.requests(call)[-1]
    outcomes = []
    for scenario in SDK_SCENARIOS:
        draft = scenario.build_draft(sdk_request)
        if draft is not None:
            exchange = yield draft
            reaction = effective_reaction(
                sdk_parameter.sdk, exchange, is_invalid=scenario.is_documented_refusal(sdk_request)
            )
            outcomes.append(
                SdkOutcome(
                    condition=scenario.slug, description=scenario.description, status=exchange.status, reaction=reaction
                )
            )
            if scenario is SDK_SCENARIOS[0] and not expect.is_accepted(exchange):
                break  # the target refuses everything, so that further answers would mean nothing
    return build_note(sdk_parameter.sdk, outcomes, is_supported=call.contract.has_fact(sdk_parameter.fact))
