"""Bodies of answers that JSON parsers, validators and renderers may stumble over, and a server that gives them."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.targets.application import Application

if TYPE_CHECKING:
    from tests.targets.messages import Answer, Request

_TEXTS: dict[str, str | bytes] = {
    "1,200 levels": '{"error": ' + "[" * 1_200 + "]" * 1_200 + "}",
    "100,000 levels": "[" * 100_000 + "]" * 100_000,
    "100,000 levels of objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "100,000 open brackets": "[" * 100_000,
    "100,000 closing brackets": "]" * 100_000,
    "a number of 10,000 digits": '{"code": ' + "9" * 10_000 + "}",
    "a negative number of 10,000 digits": '{"code": -' + "9" * 10_000 + "}",
    "a number of 300 digits": '{"code": ' + "9" * 300 + "}",
    "a fraction of 10,000 digits": '{"code": 0.' + "9" * 10_000 + "}",
    "1e999999": '{"code": 1e999999, "other": -1e999999}',
    "NaN": '{"code": NaN}',
    "Infinity": '{"code": -Infinity}',
    "equal names": '{"code": 1, "code": {"a": 2}}',
    "lone surrogates": r'{"code": "\ud800", "\udfff": ["\ude00\ud83d"]}',
    "NUL": '{"code": "\\u0000\x00"}',
    "an escaped NUL": '{"code": "\\u0000"}',
    "invalid UTF-8": b'{"code": "\xff\xfe\xed\xa0\x80"}',
    "a byte order mark": '\ufeff{"code": 1}',
    "a million values": f"[{','.join(['0'] * 500_000)}]",
    "a list of many objects": f"[{','.join(['{}'] * 40_000)}]",
    "an unterminated text": '["' + '\\"' * 500_000,
    "a text of brackets": json.dumps({"error": "[{" * 100_000}),
    "quotes": '"' * 1_000_000,
    "backslashes": "[" * 100 + '"' + "\\" * 999_999,
    "a coded error of 1,200 levels": '{"code": 400, "message": "no", "errors": ' + "[" * 1_200 + "]" * 1_200 + "}",
    "errors that are too many": json.dumps({"errors": [{"code": 1, "index": 0, "reason": "x"}] * 14_000}),
    "line breaks": "\n" * 1_000_000,
    "nothing": "",
    "spaces": " " * 1_000_000,
}
_MAX_SERVED_BYTES = 250_000
"""Larger ones are read in tests of the parts, so that those of whole commands stay quick."""
HOSTILE_BODIES = {name: text if isinstance(text, bytes) else text.encode() for name, text in _TEXTS.items()}


class HostileBodies(Application):
    """A correct server but for its bodies: each request gets one of the hostile ones, the same request the same."""

    async def handle(self, request: Request) -> Answer:
        """Replaces the body of an answer."""
        answer = await super().handle(request)
        if request.method == "HEAD" or answer.dropped or not answer.status:
            return answer
        bodies = [body for body in HOSTILE_BODIES.values() if len(body) <= _MAX_SERVED_BYTES]
        body = bodies[zlib.crc32(request.path.encode() + request.body) % len(bodies)]
        return replace(answer, headers={**answer.headers, "Content-Type": "application/json"}, body=body)
