"""Cases as requests: the one place where a key comes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance import pointers
from conformance.fuzz.case import Auth, Case, compact
from conformance.model import PREFIX, RUN_ID, Kind, Request
from conformance.payloads.credentials import NOBODY, UNKNOWN_KEY, authorization, by_scheme
from conformance.payloads.draft import standard
from conformance.payloads.spelling import spell, start_line
from conformance.profile.facts import Scheme
from conformance.wire import USER_AGENT

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation
    from conformance.payloads import Ground, Keys
    from conformance.payloads.credentials import Credentials
    from conformance.wire import Target

LARGE_BYTES = 12_000
"""Larger bodies go the careful way: a server may answer them before it has read them."""

_MARKED_BYTES = 8_000


class Shot(NamedTuple):
    """A case as bytes on the wire."""

    case: Case
    data: bytes
    method: str
    events: int = 1


class Rendering:
    """Makes requests of cases for one target."""

    def __init__(self, contract: Contract, keys: Keys, target: Target, ground: Ground) -> None:
        self.operations = {str(operation): operation for operation in contract.operations}
        self._contract = contract
        self._keys = keys
        self._target = target
        self._footings = ground.footings
        self._mark = None if ground.run_id == RUN_ID else _mark(ground.run_id)
        self._heads: dict[tuple[str, str, str, str], tuple[bytes, bytes]] = {}

    def request(self, case: Case) -> Request:
        """A case with its credentials."""
        operation = self.operations[case.call]
        credentials = self._credentials(operation, case.auth)
        body = self._body(case, self._insertion(credentials))
        query = credentials.query
        headers = [*self._target.headers, *credentials.headers]
        if operation.kind is Kind.PIXEL:
            query = (*query, (self._contract.pixel_parameter, standard(body)))
            body = b""
        else:
            headers.append(("Content-Type", case.content_type))
            if case.coding:
                headers.append(("Content-Encoding", case.coding))
        return Request(
            method=operation.method,
            path=operation.path,
            query=query,
            headers=tuple(headers),
            body=body,
            events=_count(operation, case),
        )

    def shot(self, case: Case) -> Shot:
        """A case as bytes; heads that have come before are not made again."""
        operation = self.operations[case.call]
        if operation.kind is Kind.PIXEL:
            return Shot(case, self._spelled(self.request(case)), operation.method)
        key = (case.call, case.auth, case.content_type, case.coding)
        known = self._heads.get(key)
        if known is None:
            known = self._heads[key] = self._head(case)
        head, insertion = known
        body = self._body(case, insertion)
        data = b"%b%d\r\n\r\n%b" % (head, len(body), body)
        return Shot(case, data, operation.method, _count(operation, case))

    def _body(self, case: Case, insertion: bytes) -> bytes:
        """A body with its key and the name of this run; a large one may be so by a byte, and is left."""
        body = case.body
        if self._mark is not None and len(body) < _MARKED_BYTES:
            body = body.replace(_mark(RUN_ID), self._mark)
        return _keyed(body, insertion)

    def _head(self, case: Case) -> tuple[bytes, bytes]:
        """The bytes of a case up to its length, and what goes into its body."""
        whole = self._spelled(self.request(case.bodied(b"")))
        insertion = self._insertion(self._credentials(self.operations[case.call], case.auth))
        return whole.removesuffix(b"0\r\n\r\n"), insertion

    def _spelled(self, request: Request) -> bytes:
        """A request as a client writes it."""
        headers = [
            ("Host", self._target.authority),
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            *request.headers,
        ]
        if request.method != "GET":
            headers.append(("Content-Length", str(len(request.body))))
        return spell(start_line(request, self._target.prefix), headers, request.body)

    def _credentials(self, operation: Operation, auth: Auth) -> Credentials:
        """What a case says of its sender."""
        footing = self._footings.get(operation)
        own = (footing.scheme if footing else None) or self._contract.first_scheme
        scheme = {Kind.PIXEL: Scheme.BODY, Kind.WEBHOOK: Scheme.QUERY}.get(operation.kind, own)
        match auth:
            case Auth.NONE:
                return NOBODY
            case Auth.MALFORMED:
                return authorization("Basic !conformance!")
            case Auth.UNKNOWN:
                return by_scheme(self._contract, scheme, self._keys, UNKNOWN_KEY)
            case Auth.RIGHT:
                return by_scheme(self._contract, scheme, self._keys)

    def _insertion(self, credentials: Credentials) -> bytes:
        """What carries the key at the start of a JSON object."""
        if credentials.body_key is None or not self._contract.states(f"credentials.{Scheme.BODY}"):
            return b""
        key = self._contract.credential_key(Scheme.BODY)
        return compact(pointers.put({}, key, credentials.body_key))[1:-1]


def _mark(run_id: str) -> bytes:
    """What names a run in a context."""
    return compact({PREFIX: {"run": run_id}})[1:-1]


def _count(operation: Operation, case: Case) -> int:
    """How many events a body holds, at most: each of a batch has a brace of its own, as the batch itself has.

    One that is packed may hold more than can be seen.
    """
    if operation.kind is not Kind.BATCH:
        return 1
    return len(case.body) if case.coding else max(1, case.body.count(b"{") - 1)


def _keyed(body: bytes, insertion: bytes) -> bytes:
    """A body with the key as the first thing in it, if it begins as an object does."""
    start = len(body) - len(body.lstrip(b" \t\r\n"))
    if not insertion or body[start : start + 1] != b"{":
        return body
    rest = body[start + 1 :]
    return body[:start] + b"{" + insertion + (b"" if rest.lstrip().startswith(b"}") else b",") + rest
