"""The correct behaviour of a dialect, in steps that a broken server overrides one at a time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.targets import credentials
from tests.targets.answers import error_answer, partly_bad_answer, success_answer
from tests.targets.body_decoding import compact, parse, read_pixel, read_plain
from tests.targets.dialects import TYPES, Dialect, Kind, Route, Scope
from tests.targets.fields import fields_of_wrong_type, holder_of, inner, is_given
from tests.targets.messages import Answer, Call, RefusalError, Request
from tests.targets.options import Options
from tests.targets.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from tests.targets.http_connection import HttpConnection

REQUIRED = {"track": "event", "group": "groupId", "alias": "previousId"}
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Retry-Count, AnonymousId, SentAt",
    "Access-Control-Expose-Headers": "Retry-After",
}


class Application:
    """A correct server of one dialect, without its HTTP."""

    connection_type: "type[HttpConnection] | None" = None
    """How the server speaks HTTP, if not as a correct one does."""

    def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
        self.dialect = dialect
        self.options = options or Options()
        self.limiter = None if self.options.rate is None else RateLimiter(self.options.rate)

    async def handle(self, request: Request) -> Answer:
        """Answer one request, while others may be in flight."""
        return self.answer(request)

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        call = Call(request, self.find_route(request), request.body)
        try:
            answer = self.answer_accepted(call, self.check(call))
        except RefusalError as refusal:
            answer = self.answer_refused(call, refusal)
        except RecursionError:
            answer = self.answer_refused(call, RefusalError("json", "JSON is nested too deeply"))
        return self.with_cors_headers(call, answer)

    def with_cors_headers(self, call: Call, answer: Answer) -> Answer:
        """Let pages of other origins read an answer."""
        if "origin" not in call.request.headers or not self.options.cors:
            return answer
        return replace(answer, headers={**answer.headers, **CORS})

    def answer_to_head(self, request: Request) -> Answer | None:
        """Refuse a request for its head alone, or give None."""
        call = Call(request, self.find_route(request))
        try:
            self.check_head(call)
        except RefusalError as refusal:
            return self.with_cors_headers(call, self.answer_refused(call, refusal))
        return None

    def find_route(self, request: Request) -> Route:
        """Find what the path takes."""
        return self.dialect.route(request.path)

    def check(self, call: Call) -> list[RefusalError]:
        """Run every check in its order and list the bad events of a partly good batch."""
        self.check_rate()
        self.check_head(call)
        if self.is_preflight(call):
            return []
        call.body = self.read_body(call)
        self.check_size(call)
        call.text = self.decode(call)
        call.value = self.load(call)
        if self.dialect.body_key:
            self.check_credentials(call)
        return self.check_value(call)

    def check_rate(self) -> None:
        """Refuse what is over the rate."""
        if self.limiter is not None and not self.limiter.admits():
            raise RefusalError("rate", "Too many requests")

    def check_head(self, call: Call) -> None:
        """Check what the head of a request tells."""
        self.check_route(call)
        if self.is_preflight(call):
            return
        if not self.dialect.body_key:
            self.check_credentials(call)
        self.check_size(call)

    def is_preflight(self, call: Call) -> bool:
        """Tell whether a browser asks for permission, and is given it."""
        return self.options.cors and call.request.method == "OPTIONS" and "origin" in call.request.headers

    def check_route(self, call: Call) -> None:
        """Refuse unknown paths and wrong methods."""
        if call.route.kind == "unknown":
            raise RefusalError("path", "Not found")
        if call.request.method != call.route.method and not self.is_preflight(call):
            raise RefusalError("method", "Method not allowed")

    def check_credentials(self, call: Call) -> None:
        """Refuse a call that shows no known key."""
        if not self.is_authorised(call):
            self.refuse_if_documented("auth", "Invalid or missing writekey")

    def is_authorised(self, call: Call) -> bool:
        """Tell whether one of the call's credentials is known."""
        key_groups = credentials.key_groups(self.dialect, self.options.token, call)
        return any(all(self.is_known_key(key) for key in group) for group in key_groups)

    def is_known_key(self, key: str) -> bool:
        """Tell whether a key is the server's own."""
        return key == self.options.key

    def limit(self, scope: Scope, _call: Call) -> int | None:
        """Give the limit of an event, a batch or an event inside a batch, in bytes."""
        size = self.dialect.sizes.get(scope)
        return None if size is None else size.in_bytes(self.options.kilobyte)

    def wire_limit(self, request: Request) -> int | None:
        """Give the limit of a request that has only begun to arrive."""
        route = self.find_route(request)
        if route.kind in {"unknown", "pixel"}:
            return None
        return self.limit(scope_of(route), Call(request, route))

    def measure(self, call: Call) -> int:
        """Count the bytes of the body, as received or as unpacked, whichever is more."""
        return max(call.request.length, len(call.body) // self.options.inflation)

    def measure_item(self, item: object) -> int:
        """Count the bytes of an event inside a batch."""
        return int(len(compact(item)) * self.options.item_weight)

    def check_size(self, call: Call) -> None:
        """Refuse a body over its limit."""
        limit = self.limit(scope_of(call.route), call)
        if limit is not None and self.measure(call) > limit:
            self.refuse_if_documented("size", "Request size too large")

    def read_body(self, call: Call) -> bytes:
        """Unpack the body, or the payload of a pixel."""
        if call.route.kind == "pixel":
            return read_pixel(call)
        return read_plain(call, self.options)

    def decode(self, call: Call) -> str:
        """Decode the body, which must be UTF-8."""
        try:
            return call.body.decode()
        except UnicodeDecodeError:
            raise RefusalError("utf8", "Body is not UTF-8") from None

    def load(self, call: Call) -> object:
        """Parse the body as strict JSON."""
        return parse(call.text, self.options)

    def check_value(self, call: Call) -> list[RefusalError]:
        """Check what the JSON says."""
        if not isinstance(call.value, dict):
            self.refuse_if_documented("shape", "Body is not an object")
            return []
        if call.route.kind == "batch":
            return self.check_batch(call, call.value)
        self.check_event(call.value, call.route.type or str(call.value.get("type")))
        return []

    def check_event(self, event: dict[str, object], kind: str) -> None:
        """Check the identity and the required fields of one event."""
        self.check_identity(event, kind)
        self.check_fields(event, kind)
        self.check_values(event, kind)

    def check_identity(self, event: dict[str, object], kind: str) -> None:
        """Refuse an event of nobody."""
        if kind == "stream" and not isinstance(event.get("event"), dict):
            return
        holder = inner(event.get("user")) if self.options.user_beside_event else holder_of(event, kind)
        if not (is_given(holder.get("userId")) or is_given(holder.get("anonymousId"))):
            self.refuse_if_documented("identity", "A userId or an anonymousId is required")

    def check_fields(self, event: dict[str, object], kind: str) -> None:
        """Refuse an event without a required field."""
        if kind == "stream" and not isinstance(event.get("event"), dict):
            self.refuse_if_documented("field", "event is required")
        needed = [REQUIRED[kind]] if kind in REQUIRED else []
        if self.options.require_name and kind in {"page", "screen"}:
            needed.append("name")
        if self.options.require_message_id:
            needed.append("messageId")
        for name in needed:
            if not is_given(event.get(name)):
                self.refuse_if_documented("field", f"{name} is required")

    def check_values(self, event: dict[str, object], kind: str) -> None:
        """Refuse wrong types and long ids, where the server looks at them."""
        wrong = next(fields_of_wrong_type(event, kind), None) if self.options.strict_types else None
        if wrong is not None:
            raise RefusalError("field", f"{wrong} has a wrong type")
        text = event.get("messageId")
        maximum = self.options.message_id_maximum
        if maximum is not None and isinstance(text, str) and len(text) > maximum:
            raise RefusalError("field", "messageId is too long")

    def check_batch(self, call: Call, value: dict[str, object]) -> list[RefusalError]:
        """Check every event of a batch."""
        items = value.get("batch")
        if not isinstance(items, list):
            self.refuse_if_documented("batch", "batch must be an array")
            return []
        if not items and self.options.refuse_empty_batch:
            raise RefusalError("batch", "batch is empty")
        failures = [failure for item in items if (failure := self.item_failure(call, item))]
        return self.refuse_bad_batch(failures, len(items))

    def item_failure(self, call: Call, item: object) -> RefusalError | None:
        """Find what is wrong with one event of a batch, unless that refuses the whole batch."""
        try:
            self.check_item(call, item)
        except RefusalError as refusal:
            if refusal.kind in {"size"} | self.dialect.whole_batch | self.options.whole_batch:
                raise
            return refusal
        return None

    def check_item(self, call: Call, item: object) -> None:
        """Check one event of a batch."""
        if not isinstance(item, dict):
            self.refuse_if_documented("item", "Event is not an object")
            return
        self.check_item_size(call, item)
        kind = item.get("type")
        if kind not in TYPES:
            self.refuse_if_documented("type", "Missing or unknown type")
        self.check_event(item, str(kind))

    def check_item_size(self, call: Call, item: dict[str, object]) -> None:
        """Refuse an event of a batch over its limit."""
        limit = self.limit("item", call)
        if limit is not None and self.measure_item(item) > limit:
            self.refuse_if_documented("size", "HTTP request too large")

    def refuse_bad_batch(self, failures: list[RefusalError], count: int) -> list[RefusalError]:
        """Refuse a batch that is bad altogether, or partly where that refuses it."""
        if failures and (len(failures) == count or self.partly_bad_status() >= 400):
            raise RefusalError(failures[0].kind, failures[0].message, tuple(failures))
        return failures

    def partly_bad_status(self) -> int:
        """Give the status of a batch that is partly bad."""
        return self.options.partly_bad or self.dialect.partly_bad

    def status(self, kind: Kind) -> int | None:
        """Give the status of a kind of refusal, or None where the server accepts it."""
        return self.options.statuses.get(kind, self.dialect.statuses[kind])

    def refuse_if_documented(self, kind: Kind, message: str) -> None:
        """Refuse, where this kind of fault is refused at all."""
        if self.status(kind) is not None:
            raise RefusalError(kind, message)

    def answer_accepted(self, call: Call, failures: list[RefusalError]) -> Answer:
        """Answer a call that is accepted, wholly or partly."""
        if self.is_preflight(call):
            return Answer(204)
        if failures and self.partly_bad_status() == 207:
            return partly_bad_answer(failures)
        return success_answer(self.dialect, self.options, call)

    def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
        """Answer a call that is refused."""
        answer = self.answer_error(call, self.status(refusal.kind) or 400, refusal)
        if refusal.kind != "rate":
            return answer
        return replace(answer, headers={**answer.headers, **self.retry_headers()})

    def retry_headers(self) -> Mapping[str, str]:
        """Say when to come back, in seconds."""
        return {"Retry-After": "1", "X-RateLimit-Reset": "1"}

    def answer_error(self, call: Call, status: int, refusal: RefusalError) -> Answer:
        """Write an error in the dialect's words."""
        return error_answer(self.dialect, self.options, call, status, refusal)


def scope_of(route: Route) -> Scope:
    """Tell which limit a path has."""
    return "batch" if route.kind == "batch" else "event"
