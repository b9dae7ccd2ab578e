"""How a payload is wrapped on its way: gzip, base64 and the text of JSON."""

import base64
import binascii
import json
import zlib
from collections.abc import Callable
from typing import NoReturn

from tests.targets.messages import Call, RefusalError
from tests.targets.options import Options

UNPACKED_MAXIMUM = 64 * 1024 * 1024
GZIP = {"gzip", "x-gzip"}
MEMBER = b"\x1f\x8b"

Pairs = list[tuple[str, object]]


def compact(value: object) -> bytes:
    """Write a value as compact UTF-8 JSON, the measure of an event inside a batch."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def coding(call: Call) -> str:
    """Name the coding of a body, or give nothing for a plain one."""
    name = call.request.headers.get("content-encoding", "").strip().lower()
    return "" if name == "identity" else name


def read_plain(call: Call, options: Options) -> bytes:
    """Undo the coding of a body, as far as the server knows codings."""
    name = coding(call)
    choice = options.gzip if name in GZIP else "ignored" if options.unknown_coding_ignored else "refused"
    if not name or choice == "ignored":
        return call.request.body
    if choice == "refused":
        raise RefusalError("coding", "Unsupported Content-Encoding")
    return unpack(call.request.body)


def unpack(body: bytes) -> bytes:
    """Unpack gzip, member after member, or refuse what is none."""
    plain, rest = b"", body
    while not plain or rest.startswith(MEMBER):
        engine = zlib.decompressobj(wbits=31)
        try:
            plain += engine.decompress(rest, UNPACKED_MAXIMUM)
        except zlib.error:
            raise RefusalError("encoding", "Body is not gzip") from None
        if engine.unconsumed_tail or len(plain) > UNPACKED_MAXIMUM:
            raise RefusalError("size", "Body is too large when unpacked")
        if not engine.eof:
            raise RefusalError("encoding", "Body is not whole gzip")
        rest = engine.unused_data
        if not rest:
            break
    return plain


def read_pixel(call: Call) -> bytes:
    """Decode the `data` of a pixel, of either base64 alphabet and with a lost plus restored."""
    text = call.request.query.get("data", "")
    text = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        body = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise RefusalError("pixel", "data is not base64") from None
    if not body:
        raise RefusalError("pixel", "data is missing")
    return body


def parse(text: str, options: Options) -> object:
    """Parse strict JSON, or refuse it; the choices are those that RFC 8259 leaves open."""
    pairs = without_duplicate_keys if options.duplicate_keys_refused else None
    try:
        value: object = load(text.removeprefix("\ufeff") if options.bom_ignored else text, pairs)
    except (ValueError, RecursionError):
        raise RefusalError("json", "Invalid JSON") from None
    if options.depth_maximum is not None and is_nested_deeper(value, options.depth_maximum):
        raise RefusalError("json", "JSON is nested too deeply")
    return value


def load(text: str, pairs: Callable[[Pairs], object] | None) -> object:
    """Parse JSON without the constants that only Python knows."""
    value: object = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=pairs)
    return value


def refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(f"{name} is not JSON")


def without_duplicate_keys(pairs: Pairs) -> dict[str, object]:
    """Make an object of pairs whose names differ."""
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("duplicate name")
    return mapping


def is_nested_deeper(value: object, maximum: int) -> bool:
    """Tell whether arrays and objects are nested more than so many levels deep."""
    level = [value]
    for _ in range(maximum):
        level = [each for holder in level for each in contents(holder)]
    return any(isinstance(each, dict | list) for each in level)


def contents(value: object) -> list[object]:
    """List what is directly inside an array or an object."""
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
