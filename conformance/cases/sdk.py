"""Official SDKs: their requests are accepted, and their reactions to the answers are reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.checks import expect
from conformance.checks.catalogue import check
from conformance.checks.check import FACT_OF_PARAMETER, Tier
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Level, Parameter
from conformance.core.statuses import MULTI_STATUS
from conformance.profile.facts import Condition
from conformance.requests.cors import ORIGIN, cors_preflight
from conformance.requests.sdk_requests import SdkRequest
from conformance.sdks import browser
from conformance.sdks.outcomes import ACCEPTED_CONDITION, SdkOutcome, build_note
from conformance.sdks.plans import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from conformance.core.model import Exchange
    from conformance.profile.facts import ExpectedResponse
    from conformance.requests import Call, Draft
    from conformance.requests.steps import Step, Steps
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
    note = None
    for sdk_request in sdk_parameter.requests(call):
        draft = sdk_request.documented_only().to_draft()
        drafts = [(f"a request of {sdk_parameter.description}", draft)]
        if sdk_request.shape.retry_headers:
            drafts.append((f"a repeated request of {sdk_parameter.description}", sdk_request.as_retry(draft)))
        for subject, sent in drafts:
            if sdk_parameter.sdk.is_browser:
                note = (yield from _expect_permitted(call, subject, sent)) or note
            yield from _expect_delivered(call, subject, sent, is_browser=sdk_parameter.sdk.is_browser)
    return note


def _expect_permitted(call: Call, subject: str, draft: Draft) -> Steps:
    """A browser may send the draft for a page of another site (Fetch Standard, CORS-preflight fetch)."""
    asked = _headers_to_ask_for(draft)
    if not asked:
        return None
    exchange = yield cors_preflight(call, asked=asked).allowing_no_answer()
    problem = browser.find_preflight_problem(exchange, ORIGIN, call.operation.method, asked)
    if problem:
        raise _cors_deviation(f"a browser must be allowed to send {subject}", problem, exchange)
    return browser.find_preflight_remark(exchange, asked) or None


def _expect_delivered(call: Call, subject: str, draft: Draft, *, is_browser: bool) -> Steps:
    """The draft is accepted; in a browser, a page of another site may read the answer (Fetch Standard, CORS check)."""
    exchange = yield from_page(draft) if is_browser else draft
    expect.accepted(exchange, subject)
    problem = browser.find_answer_problem(exchange, ORIGIN) if is_browser else ""
    if problem:
        raise _cors_deviation(f"a browser must be allowed to read the answer to {subject}", problem, exchange)
    expect.taken(exchange, subject, call.contract, call.usual_success)
    return None


def _cors_deviation(promise: str, problem: str, exchange: Exchange) -> Deviation:
    return Deviation(
        promise, f"is not: {problem}", exchange=exchange, expected="permission for any origin, or for the page's own",
        received=f"{exchange.summary}; {problem}",
    )  # fmt: skip


def _headers_to_ask_for(draft: Draft) -> tuple[str, ...]:
    """The headers of a draft for which a browser sends a preflight."""
    request = draft.build_request()
    content_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    return browser.headers_to_ask_for((name for name, _ in request.headers), content_type)


def from_page(draft: Draft) -> Draft:
    """A draft as a browser sends it for a page of another site."""
    return draft.with_header("Origin", ORIGIN)


@dataclass(frozen=True, slots=True)
class SdkScenario(Parameter):
    """A kind of request that an SDK may send, with the documented answer to it."""

    make: Callable[[SdkRequest], Draft]
    answer: Callable[[SdkRequest], ExpectedResponse] | None = None
    is_batch_only: bool = False
    must_be_answered: bool = False

    def build_draft(self, sdk_request: SdkRequest) -> Draft | None:
        """The request; None where the SDK sends no such request to the operation."""
        if self.is_batch_only and not sdk_request.call.is_batch:
            return None
        try:
            draft = self.make(sdk_request)
            return draft if self.must_be_answered else draft.allowing_no_answer()
        except NotApplicable:
            return None

    def is_documented_refusal(self, sdk_request: SdkRequest) -> bool:
        """Whether an answer is documented, and no plain success among them."""
        try:
            statuses = self.answer(sdk_request).statuses if self.answer else ()
        except NotApplicable:
            return False
        return bool(statuses) and all(status == MULTI_STATUS or status >= _REDIRECT for status in statuses)


def _documented_answer(condition: Condition) -> Callable[[SdkRequest], ExpectedResponse]:
    return lambda request: request.call.contract.expected_response(condition)


def _undocumented_draft(sdk_request: SdkRequest) -> Draft:
    undocumented_request = sdk_request.undocumented_only()
    if not undocumented_request.events:
        raise NotApplicable("all its events are documented")
    return undocumented_request.to_draft()


SDK_SCENARIOS = (
    SdkScenario(
        ACCEPTED_CONDITION,
        "acceptable",
        lambda request: request.documented_only().to_draft(),
        must_be_answered=True,
    ),
    SdkScenario("undocumented", "not in the documents", _undocumented_draft, must_be_answered=True),
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
        "beyond the documented limit",
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
    ignores_preflight=True,
    parameters=SDK_PARAMETERS,
)
def reactions(call: Call, sdk_parameter: SdkParameter) -> Steps:
    """What an SDK makes of an answer decides what it does with its events; where they ended is not seen."""
    sdk = sdk_parameter.sdk
    sdk_request = sdk_parameter.requests(call)[-1]
    outcomes: list[SdkOutcome] = []
    if sdk.is_browser:
        outcomes += yield from _blocked_outcome(call, sdk, sdk_request)
    for scenario in SDK_SCENARIOS if not outcomes else ():
        draft = scenario.build_draft(sdk_request)
        if draft is not None:
            exchange = yield from_page(draft) if sdk.is_browser else draft
            refusal = expect.says_refused(exchange, call.usual_success)
            is_invalid = scenario.is_documented_refusal(sdk_request) or bool(refusal)
            blocked = browser.find_answer_problem(exchange, ORIGIN) if sdk.is_browser else ""
            outcomes.append(
                SdkOutcome(
                    condition=scenario.slug,
                    description=scenario.description,
                    status=exchange.status,
                    plan=Plan.for_exchange(sdk, exchange, is_invalid=is_invalid, is_blocked=bool(blocked)),
                    blocked=blocked,
                )
            )
            if scenario is SDK_SCENARIOS[0] and not expect.is_accepted(exchange):
                break  # the target refuses everything, so that further answers would mean nothing
    return build_note(
        sdk,
        outcomes,
        is_supported=call.contract.has_fact(sdk_parameter.fact),
        known_paths={operation.path for operation in call.contract.operations},
    )


def _blocked_outcome(call: Call, sdk: Sdk, sdk_request: SdkRequest) -> Generator[Step, Exchange, list[SdkOutcome]]:
    """The outcome of a valid request that a browser does not send after its preflight; empty if it sends it."""
    asked = _headers_to_ask_for(sdk_request.documented_only().to_draft())
    if not asked:
        return []
    exchange = yield cors_preflight(call, asked=asked).allowing_no_answer()
    problem = browser.find_preflight_problem(exchange, ORIGIN, call.operation.method, asked)
    if not problem:
        return []
    scenario = SDK_SCENARIOS[0]
    return [
        SdkOutcome(
            condition=scenario.slug,
            description=scenario.description,
            status=0,
            plan=Plan.for_exchange(sdk, exchange, is_blocked=True),
            blocked=problem,
        )
    ]
