"""Judges answers by the table of a load. Answers that were seen before are found in a dictionary."""

from __future__ import annotations

import email.utils
import re
from typing import TYPE_CHECKING, Any

from conformance.checks import expect
from conformance.core.errors import Deviation, NotApplicable
from conformance.core.model import Exchange, Level, Request, Response
from conformance.loadtest.journal import LIMITED
from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import ResponseBody

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.loadtest.answers import Answer

_VARYING = re.compile(rb"[0-9a-fA-F-]{8,}|\d{3,}")
"""Ids and times in bodies: answers that differ in these alone are judged once."""
_OUR_ID = re.compile(rb"conformance-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MAX_KNOWN, _MAX_KEY_BYTES = 4096, 2048
_REQUEST = Request(method="POST", path="/")


class Judge:
    """Judges answers; `note` gets each new broken promise and returns its number in the journal."""

    def __init__(self, traffic: Mapping[str, Any], note: Callable[[dict[str, Any]], int]) -> None:
        self._rules = traffic["rules"]
        self._limited = traffic["limited"]
        self._run = b"conformance-" + traffic["run"].encode()
        self._note = note
        self._known: dict[tuple[int, int, bytes, bytes], int] = {}
        self._codes: dict[tuple[str, str], int] = {}

    def judge(self, rule: int, answer: Answer, own_ids: bytes | None) -> int:
        """The verdict on an answer: 0 if every promise is kept, LIMITED, or the number of a broken promise."""
        if answer.framing:
            return self.fail("robustness.framing.accepted", answer.framing, "should", answer)
        status, body = answer.status, answer.body
        if status in self._limited["statuses"] or (status == 503 and answer.header(b"retry-after")):
            return self._judge_limited(answer)
        if b"conformance-" in body or b"conformance-" in answer.head:
            for found in _OUR_ID.findall(answer.head + body):
                if self._is_of_another(found, own_ids):
                    return self.fail("robustness.concurrency.matched", "the answer to another request", "must", answer)
        if len(body) > _MAX_KEY_BYTES:
            return self._judge_new(rule, answer)
        key = (rule, status, answer.header(b"content-type") or b"", _VARYING.sub(b"#", body) if body else b"")
        verdict = self._known.get(key)
        if verdict is None:
            verdict = self._judge_new(rule, answer)
            if len(self._known) < _MAX_KNOWN:
                self._known[key] = verdict
        return verdict

    def _is_of_another(self, found: bytes, own_ids: bytes | None) -> bool:
        """Whether an id in an answer is that of another request of this load."""
        if own_ids is None:
            return found.startswith(self._run)
        return found[:-17] != own_ids[:-17] or found[-12:] != own_ids[-12:]

    def fail(self, check: str, cause: str, level: str, answer: Answer | None = None) -> int:
        """The number of a broken promise."""
        code = self._codes.get((check, cause))
        if code is None:
            example = None if answer is None else answer.excerpt()
            code = self._note({"check": check, "cause": cause, "level": level, "example": example})
            self._codes[check, cause] = code
        return code

    def _judge_limited(self, answer: Answer) -> int:
        """The verdict on an answer that asks to slow down: its headers are as promised."""
        limited = self._limited
        if answer.status not in limited["statuses"]:
            return LIMITED
        if limited["unlimited_level"]:
            return self.fail(
                "rate-limit.none.promised", "a limit where none is promised", limited["unlimited_level"], answer
            )
        for header in limited["headers"]:
            value = answer.header(header["name"].lower().encode())
            text = (value or b"").decode("latin-1").strip()
            if not (text.isdigit() and int(text) <= 86_400) and not (header["date"] and _is_date(text)):
                cause = f"a 429 without {header['name']}" if value is None else f"a 429 with a wrong {header['name']}"
                return self.fail("rate-limit.refusal.headers", cause, header["level"], answer)
        return LIMITED

    def _judge_new(self, number: int, answer: Answer) -> int:
        rule = self._rules[number]
        status, subject = answer.status, rule["subject"]
        is_good = rule["taken_level"] is not None
        if status not in rule["statuses"]:
            level = rule["server_error_level"] if status >= 500 else rule["level"]
            word = "failed on" if status >= 500 else "refused" if status >= 400 else "answered otherwise to"
            if not is_good and 200 <= status < 300:
                word = "accepted"
            return self.fail(
                rule["check"], f"{subject} was {word.replace(' on', '').replace(' to', '')}: {status}", level, answer
            )
        exchange = Exchange(request=_REQUEST, response=_response(answer))
        try:
            if is_good:
                refusal = expect.says_refused(exchange)
                if refusal:
                    return self.fail(
                        "accept.answer.body", f"a success whose body {refusal}", rule["taken_level"], answer
                    )
            is_refusal = not 200 <= status < 300
            if rule["body"] is not None and is_refusal != is_good:
                expect.body(exchange, _shape(rule["body"]), subject)
        except Deviation as deviation:
            cause = f"the answer to {subject} lacks {deviation.expected}"[:200]
            return self.fail(rule["body_check"], cause, rule["body"]["level"], answer)
        except NotApplicable:
            pass
        return 0


def _shape(body: Mapping[str, Any]) -> ResponseBody:
    return ResponseBody(
        name="body",
        level=Level(body["level"]),
        sources=(),
        body_format=BodyFormat(body["class"]) if "class" in body else None,
        media_type=body.get("media_type"),
        charset=body.get("charset"),
        text=body.get("text"),
        schema=body.get("schema"),
    )


def _response(answer: Answer) -> Response:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers())
    return Response(status=answer.status, headers=headers, body=answer.body)


def _is_date(text: str) -> bool:
    try:
        return bool(email.utils.parsedate_to_datetime(text))
    except ValueError:
        return False
