"""Renders cases as requests: the only place that adds keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.core import pointers
from conformance.core.model import DEFAULT_RUN_ID, ID_PREFIX, OperationKind, Request
from conformance.fuzz.case import JSON_MEDIA_TYPE, Auth, Case, compact_json
from conformance.profile.facts import AuthScheme
from conformance.requests.credentials import NO_CREDENTIALS, UNKNOWN_KEY, authorization, credentials_for_scheme
from conformance.requests.draft import encode_standard_base64
from conformance.requests.raw_writers import start_line, write_request
from conformance.wire import USER_AGENT

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation
    from conformance.requests import Keys, PreflightResult
    from conformance.requests.credentials import Credentials
    from conformance.wire import TargetAddress

LARGE_BYTES = 12_000
"""Larger bodies are sent while reading, since a server may respond before it has read the whole body."""

_MAX_TAGGED_BYTES = 8_000


class PreparedCase(NamedTuple):
    """A case as bytes, ready to be sent; `events` is the most events that it can hold."""

    case: Case
    data: bytes
    method: str
    events: int = 1


class RequestRenderer:
    """Renders cases as requests to one target."""

    def __init__(self, contract: Contract, keys: Keys, target: TargetAddress, preflight: PreflightResult) -> None:
        self.operations = {str(operation): operation for operation in contract.operations}
        self._contract = contract
        self._keys = keys
        self._target = target
        self._baselines = preflight.baselines
        self._run_id_member = None if preflight.run_id == DEFAULT_RUN_ID else _run_id_member(preflight.run_id)
        self._head_cache: dict[tuple[str, str, str, str], tuple[bytes, bytes]] = {}

    def render(self, case: Case) -> Request:
        """A case as a request, with its credentials."""
        operation = self.operations[case.call]
        credentials = self._credentials(operation, case.auth)
        body = self._render_body(case, self._key_member(credentials))
        query = credentials.query
        headers = [*self._target.headers, *credentials.headers]
        if operation.kind is OperationKind.PIXEL:
            query = (*query, (self._contract.pixel_parameter, encode_standard_base64(body)))
            body = b""
        else:
            headers.append(("Content-Type", self._content_type(operation, case)))
            if case.coding:
                headers.append(("Content-Encoding", case.coding))
        return Request(
            method=operation.method,
            path=operation.path,
            query=query,
            headers=tuple(headers),
            body=body,
            event_count=_max_events(operation, case),
        )

    def prepare(self, case: Case) -> PreparedCase:
        """A case as bytes; request heads are cached."""
        operation = self.operations[case.call]
        if operation.kind is OperationKind.PIXEL:
            return PreparedCase(case, self._to_bytes(self.render(case)), operation.method)
        key = (case.call, case.auth, case.content_type, case.coding)
        head_and_key = self._head_cache.get(key)
        if head_and_key is None:
            head_and_key = self._head_cache[key] = self._render_head(case)
        head, key_member = head_and_key
        body = self._render_body(case, key_member)
        data = b"%b%d\r\n\r\n%b" % (head, len(body), body)
        return PreparedCase(case, data, operation.method, _max_events(operation, case))

    def _render_body(self, case: Case, key_member: bytes) -> bytes:
        """A body with the key and the run id; a large body gets no run id, since its size may matter to the byte."""
        body = case.body
        if self._run_id_member is not None and len(body) < _MAX_TAGGED_BYTES:
            body = body.replace(_run_id_member(DEFAULT_RUN_ID), self._run_id_member)
        return _insert_key(body, key_member)

    def _render_head(self, case: Case) -> tuple[bytes, bytes]:
        """The bytes of a case up to the value of its Content-Length, and the key that goes into its body."""
        request_bytes = self._to_bytes(self.render(case.with_body(b"")))
        key_member = self._key_member(self._credentials(self.operations[case.call], case.auth))
        return request_bytes.removesuffix(b"0\r\n\r\n"), key_member

    def _to_bytes(self, request: Request) -> bytes:
        """A request as bytes, with the headers of a client."""
        headers = [
            ("Host", self._target.authority),
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            *request.headers,
        ]
        if request.method != "GET":
            headers.append(("Content-Length", str(len(request.body))))
        return write_request(start_line(request, self._target.prefix), headers, request.body)

    def _content_type(self, operation: Operation, case: Case) -> str:
        """The content type of a case; in place of the usual one, that of the baseline."""
        baseline = self._baselines.get(operation)
        return baseline.content_type if baseline and case.content_type == JSON_MEDIA_TYPE else case.content_type

    def _credentials(self, operation: Operation, auth: Auth) -> Credentials:
        """The credentials of a case."""
        baseline, contract = self._baselines.get(operation), self._contract.for_operation(operation)
        usual_scheme = (baseline.scheme if baseline else None) or contract.default_scheme
        scheme = {OperationKind.PIXEL: AuthScheme.BODY, OperationKind.WEBHOOK: AuthScheme.QUERY}.get(
            operation.kind, usual_scheme
        )
        match auth:
            case Auth.NONE:
                return NO_CREDENTIALS
            case Auth.MALFORMED:
                return authorization("Basic !conformance!")
            case Auth.UNKNOWN:
                return credentials_for_scheme(contract, scheme, self._keys, UNKNOWN_KEY)
            case Auth.VALID:
                return credentials_for_scheme(contract, scheme, self._keys.for_path(self._contract, contract))

    def _key_member(self, credentials: Credentials) -> bytes:
        """The member of a JSON object that carries the key; empty if the key is elsewhere."""
        if credentials.body_key is None or not self._contract.has_fact(f"credentials.{AuthScheme.BODY}"):
            return b""
        key = self._contract.credential_carrier(AuthScheme.BODY)
        return compact_json(pointers.put({}, key, credentials.body_key))[1:-1]


def _run_id_member(run_id: str) -> bytes:
    """The member of a context that names a run."""
    return compact_json({ID_PREFIX: {"run": run_id}})[1:-1]


def _max_events(operation: Operation, case: Case) -> int:
    """How many events a body holds at most: in a batch, each event has an opening brace, and so has the batch.

    A compressed body is counted as one event per byte.
    """
    if operation.kind is not OperationKind.BATCH:
        return 1
    return len(case.body) if case.coding else max(1, case.body.count(b"{") - 1)


def _insert_key(body: bytes, key_member: bytes) -> bytes:
    """A body with the key as its first member, if it begins like an object."""
    brace = len(body) - len(body.lstrip(b" \t\r\n"))
    if not key_member or body[brace : brace + 1] != b"{":
        return body
    rest = body[brace + 1 :]
    return body[:brace] + b"{" + key_member + (b"" if rest.lstrip().startswith(b"}") else b",") + rest
