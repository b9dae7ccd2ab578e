"""Where a call carries its keys."""

import base64
import binascii

from tests.targets.dialects import Dialect
from tests.targets.messages import Call


def authorization(call: Call) -> tuple[str, str]:
    """Split the Authorization header into its lower-case scheme and the rest."""
    scheme, _, rest = call.request.headers.get("authorization", "").strip().partition(" ")
    return scheme.lower(), rest.strip()


def decoded(text: str) -> str | None:
    """Decode strict base64 of UTF-8, or give None."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def user_of(pair: str, *, colonless: bool) -> str | None:
    """Take the user from `user:password`; without a colon there is one only where that is allowed."""
    user, colon, _ = pair.partition(":")
    return user if colon or colonless else None


def basic_user(call: Call, *, colonless: bool) -> str | None:
    """Read the user of a well-formed Basic header."""
    scheme, rest = authorization(call)
    pair = decoded(rest) if scheme == "basic" else None
    return None if pair is None else user_of(pair, colonless=colonless)


def body_keys(call: Call) -> list[str]:
    """Read `writeKey` at the top of the body, or else in every event of a batch."""
    if not isinstance(call.value, dict):
        return []
    if isinstance(key := call.value.get("writeKey"), str):
        return [key]
    return event_keys(call.value.get("batch"))


def event_keys(items: object) -> list[str]:
    """Read the keys of a batch whose every event has one."""
    if not isinstance(items, list):
        return []
    keys = [item.get("writeKey") for item in items if isinstance(item, dict)]
    texts = [key for key in keys if isinstance(key, str)]
    return texts if len(texts) == len(items) else []


def key_groups(dialect: Dialect, token: str, call: Call) -> list[list[str]]:
    """List what the call shows; one group whose keys are all known lets it in."""
    scheme, rest = authorization(call)
    if dialect.bearer and scheme == "bearer" and rest != token:
        return []
    collected: list[list[str]] = []
    if (user := basic_user(call, colonless=dialect.colonless)) is not None:
        collected.append([user])
    if dialect.body_key:
        collected.append(body_keys(call))
    if call.route.kind == "webhook":
        collected = [[call.request.query["writeKey"]] if "writeKey" in call.request.query else []]
    return [group for group in collected if group]
