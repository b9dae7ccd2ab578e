"""Preflight: a valid request to each operation first, to find out which variant each accepts.

If the target accepts none, it says whether the key, the path or the address looks wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.checks import expect
from conformance.core.errors import InconclusiveError, NotApplicable, Unanswered
from conformance.core.model import DEFAULT_RUN_ID, Exchange, OperationKind, TransportFailure
from conformance.core.statuses import ABSENT_STATUSES, SERVER_ERROR, UNAUTHORIZED
from conformance.profile.facts import AuthScheme
from conformance.requests import Baseline, Call, Draft, PreflightResult
from conformance.requests.wrong_routes import UNKNOWN_PATH
from conformance.wire.foreign_protocols import USE_HTTP1

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from conformance.contract import Contract, Operation
    from conformance.requests import Keys
    from conformance.run.sender import Sender
    from conformance.wire import Wire

_CREDENTIAL_WORDS = re.compile(
    r"write.?key|unauthor|authori[sz]ation|authenticat|credential|api.?key|(access|auth|invalid|missing|bearer).token",
    re.IGNORECASE,
)
_WANTS_TLS = re.compile(r"HTTP request[^.]{0,40}HTTPS|plain HTTP[^.]{0,40}(?:HTTPS|SSL|TLS)", re.IGNORECASE)
"""How servers say that the port speaks TLS: Go, nginx, Apache and those that copy them."""
_WANTS_HTTP2 = re.compile(r"ALPN protocol, expected|HTTP/2[ -](?:only|required)", re.IGNORECASE)
"""How Node.js and ASP.NET Core say that they speak HTTP/2 alone."""
_FIRST_REQUESTS = 4
"""The number of requests sent first; if none gets a response, no more are sent."""


class _AllRefused(InconclusiveError):
    """The target answers, and accepts no valid request by one reading of the documents."""


async def run_preflight(
    contract: Contract, keys: Keys, sender: Sender, run_id: str = DEFAULT_RUN_ID, nonce: str = ""
) -> PreflightResult:
    """Sends a valid request to each operation, and other variants where it is refused.

    If none is accepted, the other readings of documents that contradict themselves are tried in their order. Raises
    InconclusiveError if the target accepts nothing by any of them, and NoResponse if it keeps asking to wait.
    """
    try:
        return await _try_reading(contract, keys, sender, run_id, nonce)
    except _AllRefused:
        for other in contract.readings:
            with contextlib.suppress(_AllRefused):
                return replace(await _try_reading(other, keys, sender, run_id, nonce), contract=other)
        raise


async def _try_reading(contract: Contract, keys: Keys, sender: Sender, run_id: str, nonce: str) -> PreflightResult:
    """Sends a valid request to each operation, by one reading of the documents. Raises as `run_preflight`."""
    calls = [
        Call(
            contract=contract,
            operation=operation,
            keys=keys,
            label=f"preflight[{operation}]",
            run_id=run_id,
            nonce=nonce,
        )
        for operation in contract.operations
    ]
    wire = sender.wire
    fatal: set[Operation] = set()
    send = _limited(sender, fatal)
    exchanges = await asyncio.gather(*(send(call.acceptable_request()) for call in calls[:_FIRST_REQUESTS]))
    if all(exchange.response is None for exchange in exchanges):
        raise InconclusiveError(_diagnose(exchanges, wire))
    exchanges += await asyncio.gather(*(send(call.acceptable_request()) for call in calls[_FIRST_REQUESTS:]))
    refused = [(call, item) for call, item in zip(calls, exchanges, strict=True) if not _is_clean_success(item)]
    answers = {call.operation: [item] for call, item in refused}
    baselines = await asyncio.gather(*(_find_baseline(call, send, answers[call.operation]) for call, _ in refused))
    if not any(map(expect.is_accepted, exchanges)) and not any(baselines):
        raise _AllRefused(_diagnose(exchanges, wire))
    outcomes = [(call.operation, item, found) for (call, item), found in zip(refused, baselines, strict=True)]
    accepted = {call.operation: item for call, item in zip(calls, exchanges, strict=True) if expect.is_accepted(item)}
    silent = {operation for operation, item, _ in outcomes if item.response is None} - fatal
    dead = {operation: item for operation, item, found in outcomes if not (found or operation in {*accepted, *silent})}
    absent = [call.operation for call in calls if call.operation in dead and await _is_absent(call, answers, send)]
    return PreflightResult(
        baselines={operation: found.baseline for operation, _, found in outcomes if found},
        successes={**accepted, **{operation: found.exchange for operation, _, found in outcomes if found}},
        dead=dead,
        absent=frozenset(absent),
        shared_exchanges=sender.shared_exchanges,
        run_id=run_id,
        nonce=nonce,
        kept=wire.kept,
    )


def _limited(sender: Sender, fatal: set[Operation]) -> Callable[[Draft], Awaitable[Exchange]]:
    """Sends acceptable drafts, as many at once as the wire allows; adds operations whose drafts go unanswered alone.

    Raises InconclusiveError if a draft makes the target go away for good.
    """
    semaphore = asyncio.Semaphore(sender.wire.connections)

    async def send(draft: Draft) -> Exchange:
        async with semaphore:
            try:
                return await sender.send_acceptable(draft)
            except Unanswered as failure:
                if sender.outages.gone:
                    raise InconclusiveError(f"{sender.wire.target.url} can't be judged: {failure}") from None
                fatal.add(draft.operation)
                return failure.unanswered

    return send


@dataclass(frozen=True, slots=True, kw_only=True)
class _AcceptedVariant:
    """A variant of a valid request that an operation accepts, and the answer to it."""

    baseline: Baseline
    exchange: Exchange


async def _find_baseline(
    call: Call, send: Callable[[Draft], Awaitable[Exchange]], answers: list[Exchange]
) -> _AcceptedVariant | None:
    """The first variant of a valid request that an operation accepts; None if it accepts none.

    One that is accepted by a body that says otherwise counts if there is no better one. All answers are added to
    `answers`.
    """
    second_choice: _AcceptedVariant | None = None
    for baseline in _baseline_candidates(call):
        with contextlib.suppress(NotApplicable):
            exchange = await send(replace(call, baseline=baseline).acceptable_request())
            answers.append(exchange)
            if expect.is_accepted(exchange):
                variant = _AcceptedVariant(baseline=baseline, exchange=exchange)
                if _is_clean_success(exchange):
                    return variant
                second_choice = second_choice or variant
    return second_choice


async def _is_absent(
    call: Call,
    answers_by_operation: Mapping[Operation, Sequence[Exchange]],
    send: Callable[[Draft], Awaitable[Exchange]],
) -> bool:
    """Whether a path that refuses all requests is not there.

    Its answers say so, or they are all the same as that of an unknown path, and not about the credentials.
    """
    refusals = answers_by_operation[call.operation]
    if all(item.status in ABSENT_STATUSES for item in refusals):
        return True
    answers = {(item.status, item.response.body if item.response else b"") for item in refusals}
    status = refusals[0].status
    if len(answers) > 1 or not UNAUTHORIZED < status < SERVER_ERROR:
        return False
    unknown = await send(call.acceptable_request().with_path(UNKNOWN_PATH))
    return unknown.response is not None and (unknown.status, unknown.response.body) in answers


def _is_clean_success(exchange: Exchange) -> bool:
    """Whether a request was accepted, by its status and by the body of the answer."""
    return expect.is_accepted(exchange) and not expect.says_refused(exchange)


def _baseline_candidates(call: Call) -> Iterator[Baseline]:
    """Variants of a valid request. The first is the smallest one again, which may have been refused by chance."""
    yield Baseline()
    yield Baseline(has_all_fields=True)
    yield Baseline(content_type="application/json; charset=utf-8")
    if call.operation.kind in {OperationKind.EVENT, OperationKind.BATCH}:
        for scheme in AuthScheme:
            if call.contract.has_fact(f"credentials.{scheme}"):
                yield Baseline(scheme=scheme)


def _diagnose(exchanges: Sequence[Exchange], wire: Wire) -> str:
    """What looks wrong if no valid request is accepted."""
    (failure, status), _ = Counter((item.failure, item.status) for item in exchanges).most_common(1)[0]
    typical = next(item for item in exchanges if (item.failure, item.status) == (failure, status))
    if failure is not None:
        return _diagnose_no_response(typical, wire)
    requests = f"all {len(exchanges)} valid requests" if len(exchanges) > 1 else "the only valid request"
    reason = _diagnose_protocol(typical, wire) or _diagnose_refusal(typical, wire)
    return f"{wire.target.url} refused {requests} ({typical.summary}): {reason}"


def _diagnose_no_response(exchange: Exchange, wire: Wire) -> str:
    """What looks wrong if no request gets a response."""
    url, detail = wire.target.url, exchange.failure_detail
    match exchange.failure:
        case TransportFailure.NOT_HTTP:
            return f"{url} does not speak HTTP/1.1: {detail}"
        case TransportFailure.TLS:
            return f"{url} can't be reached: {detail}"
        case TransportFailure.TIMEOUT:
            return f"{url} does not answer: {detail}"
        case TransportFailure.CLOSED:
            return f"{url} does not answer: {detail}; does it speak HTTP, and is TLS on both sides or none?"
        case _:
            return f"{url} can't be reached: {detail}"


def _diagnose_protocol(exchange: Exchange, wire: Wire) -> str:
    """Whether a refusal says that the server wants TLS, or another version of HTTP; nothing if not."""
    text = exchange.response.text if exchange.response else ""
    if wire.target.tls is None and _WANTS_TLS.search(text):
        return "the port speaks TLS; write https:// in the URL"
    if exchange.status in {426, 505} or _WANTS_HTTP2.search(text):
        return f"the server wants another version of HTTP; {USE_HTTP1}"
    return ""


def _diagnose_refusal(exchange: Exchange, wire: Wire) -> str:
    """Whether the key, the path or the server looks wrong, from a typical refusal."""
    status, response = exchange.status, exchange.response
    if _looks_like_credential_error(exchange):
        return "the write key looks wrong; check --write-key or CONFORMANCE_WRITE_KEY"
    if status in {404, 405, 410}:
        has_doubled_prefix = wire.target.prefix.endswith("/v1") and exchange.request.path.startswith("/v1/")
        hint = "; the paths begin with /v1 themselves, so drop it from the URL" if has_doubled_prefix else ""
        return f"the path looks wrong: nothing is at {wire.target.prefix}{exchange.request.path}{hint}"
    if 300 <= status < 400:
        location = (response.header("location") if response else None) or "nowhere"
        return f"the address looks wrong: it redirects to {location}, and redirects are not followed"
    if status >= SERVER_ERROR:
        return "the server looks wrong: it fails on valid events"
    return "the server looks wrong, or it speaks another vendor's dialect than the profile"


def _looks_like_credential_error(exchange: Exchange) -> bool:
    """Whether a refusal is about the credentials: by its status, or by words in its body."""
    text = exchange.response.text if exchange.response else ""
    return exchange.status in {401, 403} or (
        exchange.status < SERVER_ERROR and _CREDENTIAL_WORDS.search(text) is not None
    )
