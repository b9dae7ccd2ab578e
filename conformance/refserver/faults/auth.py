"""Faults in who is let in: holes in the comparison of keys, holes on one path, wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.refserver.faults import keys
from conformance.refserver.faults.fault import Fault, both, has, refuses, states
from conformance.refserver.faults.twists import (
    BATCH,
    EVENT,
    PIXEL,
    WEBHOOK,
    accept,
    accepting,
    answering,
    crashing,
    refuse,
    refusing,
)

if TYPE_CHECKING:
    from conformance.refserver.change import Sight
    from conformance.refserver.replies import Reply

_ANY = "answers.credentials-*"
_MISSING, _MALFORMED, _UNKNOWN = (
    f"answers.credentials-{word}" for word in ("missing", "malformed", "unknown")
)
_REFUSES = refuses(_MISSING, _MALFORMED, _UNKNOWN)


def _posted(sight: Sight) -> bool:
    return EVENT(sight) or BATCH(sight)


def _nothing(sight: Sight) -> bool:
    """Whether no key is shown anywhere."""
    return keys.is_bare(sight) and keys.inside(sight) is None


_suffixed = keys.matching(keys.user, lambda own, shown: shown.startswith(own))
_prefixed = keys.matching(keys.user, lambda own, shown: shown.endswith(own))
_truncated = keys.matching(keys.user, lambda own, shown: bool(shown) and own.startswith(shown))
_cased = keys.matching(keys.user, lambda own, shown: own.lower() == shown.lower())
_swapped = keys.matching(keys.pair, lambda own, shown: shown.endswith(f":{own}"))
_plain = keys.matching(keys.token, lambda own, shown: shown.partition(":")[0] == own)
_other_scheme = keys.matching(
    lambda sight: keys.user(sight) if keys.scheme(sight) != "Basic" else None, lambda own, shown: own == shown
)


def _padded_otherwise(sight: Sight) -> Reply | None:
    """Another answer than the correct one to a key with white space around it."""
    if not keys.matching(keys.user, lambda own, shown: shown != own == shown.strip())(sight):
        return None
    return refuse(sight, 401) if sight.is_accepted else accept(sight)


FAULTS = (
    Fault("unknown-key-accepted", "Takes any key, as long as there is one.",
          "keys are looked up after the answer, if at all: a silent 200 loses every event",
          "auth.key.unknown auth.key.suffixed auth.key.prefixed auth.key.truncated auth.key.other-case",
          accepting(_UNKNOWN, when=lambda sight: _posted(sight) and not keys.is_bare(sight)), _REFUSES),
    Fault("unknown-key-accepted-in-batches", "Looks at the key everywhere but on the path of batches.",
          "a second route is added, and its guard forgotten", "auth.key.unknown",
          accepting(_UNKNOWN, when=lambda sight: BATCH(sight) and keys.user(sight) is not None),
          both(_REFUSES, has(Kind.BATCH)), also=("batch",)),
    Fault("no-credentials-accepted", "Takes events from anybody who shows no key at all.",
          "the guard runs only where the header is there",
          "auth.credentials.missing robustness.connection.credentials",
          accepting(_MISSING, when=lambda sight: _posted(sight) and _nothing(sight)), _REFUSES),
    Fault("no-credentials-accepted-on-one-path", "Takes events without a key on one path of several.",
          "one route of many lacks the guard", "auth.credentials.missing",
          accepting(_MISSING, when=lambda sight: _nothing(sight) and sight.is_further),
          both(_REFUSES, has(Kind.BATCH)), also=("identify",)),
    Fault("suffix-accepted", "Takes a key that begins with the right one.",
          "keys are compared by their prefix", "auth.key.suffixed", accepting(_UNKNOWN, when=_suffixed),
          _REFUSES),
    Fault("prefix-accepted", "Takes a key that ends with the right one.",
          "keys are searched for, not compared", "auth.key.prefixed", accepting(_UNKNOWN, when=_prefixed),
          _REFUSES),
    Fault("truncated-key-accepted", "Takes a key that the right one begins with.",
          "the shorter length decides how much is compared", "auth.key.truncated",
          accepting(_UNKNOWN, when=_truncated), _REFUSES),
    Fault("key-case-ignored", "Takes the key in any case of letters.", "tables that compare without case",
          "auth.key.other-case", accepting(_UNKNOWN, when=_cased), _REFUSES),
    Fault("padded-key-otherwise", "Trims the white space around keys, or refuses them for it.",
          "nobody documents it, and people who paste keys want to know", "auth.key.padded",
          _padded_otherwise),
    Fault("empty-user-accepted", "Takes an empty user name.", "no key is mistaken for any key",
          "auth.user.empty auth.user.swapped",
          accepting(_MALFORMED, when=lambda sight: keys.user(sight) == ""), _REFUSES),
    Fault("password-accepted", "Takes the key as the password.", "other vendors put it there",
          "auth.user.swapped", accepting(_MALFORMED, when=_swapped), _REFUSES),
    Fault("any-scheme-accepted", "Ignores the scheme before the credentials.",
          "the header is split at the space, and the first half thrown away", "auth.scheme.wrong",
          accepting(_MALFORMED, when=_other_scheme), _REFUSES),
    Fault("bad-base64-accepted", "Takes what is not base64 for no credentials, and those for granted.",
          "an exception is swallowed", "auth.base64.invalid auth.base64.plain auth.header.empty",
          accepting(_MALFORMED, when=lambda sight: keys.scheme(sight) == "Basic"
              and keys.pair(sight) is None), _REFUSES),
    Fault("plain-key-accepted", "Takes the key as it is, never encoded.", "a shortcut left from debugging",
          "auth.base64.plain", accepting(_MALFORMED, when=_plain), _REFUSES),
    Fault("garbled-credentials-crash", "Fails on credentials that are not base64.", "a decoder raises",
          "auth.base64.invalid auth.base64.plain errors.status.credentials",
          crashing(_MALFORMED, when=lambda sight: bool(keys.token(sight)) and keys.pair(sight) is None)),
    Fault("empty-credentials-crash", "Fails on a header that names a scheme and nothing else.",
          "the second half of a split is taken for granted", "auth.header.empty errors.status.credentials",
          crashing(_MALFORMED, when=lambda sight: keys.scheme(sight) == "Basic" and not keys.token(sight))),
    Fault("unknown-key-403", "Answers an unknown key with 403.", "SDKs know the documented statuses",
          "auth.key.unknown auth.key.suffixed", answering(403, _UNKNOWN, when=_posted), states(_UNKNOWN)),
    Fault("malformed-credentials-403", "Answers credentials that it can't read with 403.",
          "a gateway in front of the server",
          "auth.base64.invalid auth.base64.plain auth.header.empty auth.scheme.wrong auth.user.empty "
          "auth.user.swapped", answering(403, _MALFORMED, when=_posted), states(_MALFORMED)),
    Fault("missing-credentials-404", "Answers missing credentials with 404.", "sources are looked up by key",
          "auth.credentials.missing robustness.connection.credentials",
          answering(404, _MISSING, when=_posted), states(_MISSING)),
    Fault("unknown-key-crash", "Fails on an unknown key.", "a row that is not there is used",
          "auth.key.unknown auth.key.prefixed errors.status.credentials robustness.headers.key-twice",
          crashing(_UNKNOWN, when=lambda sight: _posted(sight) and not keys.is_bare(sight)),
          states(_UNKNOWN)),
    Fault("any-body-key-accepted", "Takes any key in the body, as long as there is one.",
          "the body is only looked at to find a key, not to compare it",
          "auth.body-key.unknown auth.body-key.suffixed auth.body-key.truncated",
          accepting(_UNKNOWN, when=lambda sight: _posted(sight) and keys.is_bare(sight)),
          both(_REFUSES, states("credentials.body"))),
    Fault("empty-body-key-accepted", "Takes an empty key in the body.", "only its absence is noticed",
          "auth.body-key.empty",
          accepting(_MISSING, when=lambda sight: _posted(sight) and keys.inside(sight) == ""),
          both(_REFUSES, states("credentials.body"))),
    Fault("body-key-crash", "Fails on an unknown or empty key in the body.", "another path to the same table",
          "auth.body-key.unknown auth.body-key.empty auth.body-key.suffixed auth.body-key.truncated "
          "errors.status.credentials",
          crashing(_UNKNOWN, _MISSING, when=lambda sight: keys.inside(sight) is not None and _posted(sight)
              and keys.is_bare(sight)), states("credentials.body")),
    Fault("pixel-key-unchecked", "Takes pixels with any key, and without one.",
          "nobody sees the answer to a pixel, so nobody misses the check",
          "pixel.key.unknown pixel.key.missing", accepting("answers.pixel-key-unknown", when=PIXEL),
          has(Kind.PIXEL)),
    Fault("pixel-header-key-ignored", "Takes the key of a pixel from its data alone, never from a header.",
          "an image has no headers, but a script that loads it may", "pixel.key.elsewhere",
          refusing(lambda sight: PIXEL(sight) and not keys.is_bare(sight)), has(Kind.PIXEL)),
    Fault("webhook-key-unchecked", "Takes webhooks with any key in their address.",
          "the address is secret enough, somebody thought",
          "webhook.key.unknown webhook.key.suffixed webhook.key.overridden",
          accepting("answers.webhook-key-unknown"), has(Kind.WEBHOOK)),
    Fault("webhook-without-key-accepted", "Takes webhooks without a key.",
          "no key is mistaken for the default one", "webhook.key.missing",
          accepting("answers.webhook-key-missing"), has(Kind.WEBHOOK)),
    Fault("webhook-key-prefix-accepted", "Takes a webhook whose key begins with the right one.",
          "addresses are compared by their prefix", "webhook.key.suffixed",
          accepting("answers.webhook-key-unknown", when=keys.matching(keys.asked, lambda own,
              shown: shown.startswith(own))), has(Kind.WEBHOOK)),
    Fault("webhook-body-key-counts", "Prefers the key in a webhook's body to the one in its address.",
          "one guard serves all routes", "webhook.key.overriding",
          refusing(lambda sight: WEBHOOK(sight) and keys.inside(sight) not in {None, keys.asked(sight)}),
          has(Kind.WEBHOOK)),
    Fault("webhook-body-key-suffices",
          "Takes a webhook with a wrong key in its address and the right one inside.",
          "any right key will do", "webhook.key.overridden",
          accepting("answers.webhook-key-unknown", when=keys.matching(keys.inside, lambda own,
              shown: own == shown)), has(Kind.WEBHOOK)),
)  # fmt: skip
