"""The bodies of the dialects' answers."""

import base64
import json

from tests.targets.dialects import Dialect
from tests.targets.messages import Answer, Call, RefusalError
from tests.targets.options import Options

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"
REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 207: "Multi-Status", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    410: "Gone", 411: "Length Required", 417: "Expectation Failed", 429: "Too Many Requests",
    501: "Not Implemented", 503: "Service Unavailable", 505: "HTTP Version Not Supported",
    413: "Request Entity Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Entity",
    431: "Request Header Fields Too Large", 500: "Internal Server Error",
}  # fmt: skip
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def json_answer(status: int, value: object) -> Answer:
    """Answer with a JSON body."""
    return Answer(status, {"Content-Type": JSON_TYPE}, json.dumps(value).encode())


def details(status: int, refusal: RefusalError) -> dict[str, str]:
    """Write one MetaRouter error object."""
    return {"Error": REASONS[status], "Message": refusal.message, "Details": ""}


def partly_bad_answer(failures: list[RefusalError]) -> Answer:
    """Answer a batch of which some events failed."""
    return json_answer(207, {"Success": False, "Errors": [details(400, failure) for failure in failures]})


def success_answer(dialect: Dialect, options: Options, call: Call) -> Answer:
    """Answer an accepted call; a pixel gets its picture."""
    if call.route.kind == "pixel":
        return Answer(dialect.accepted, {"Content-Type": "image/gif"}, GIF)
    body = dialect.success_body if options.success_body is None else options.success_body
    return Answer(dialect.accepted, {"Content-Type": dialect.success_type} if body else {}, body)


def error_answer(dialect: Dialect, options: Options, call: Call, status: int, refusal: RefusalError) -> Answer:
    """Answer a refused call in the dialect's style."""
    answer = _error_body(dialect, options, call, status, refusal)
    extra = {401: ("WWW-Authenticate", 'Basic realm="events"'), 405: ("Allow", call.route.method)}
    headers = dict([*answer.headers.items(), extra[status]]) if status in extra else answer.headers
    return Answer(status, headers, answer.body)


def _error_body(dialect: Dialect, options: Options, call: Call, status: int, refusal: RefusalError) -> Answer:
    """Write the error as details, as plain JSON or as text."""
    if options.empty_errors:
        return Answer(status)
    if dialect.error_style == "text" or options.text_errors:
        return Answer(status, {"Content-Type": TEXT_TYPE}, refusal.message.encode())
    if dialect.error_style == "json":
        return json_answer(status, {"success": False, "message": refusal.message})
    if call.route.kind != "batch":
        return json_answer(status, details(status, refusal))
    parts = refusal.parts or (refusal,)
    return json_answer(status, {"Success": False, "Errors": [details(status, part) for part in parts]})
