"""Holes in the check of credentials, and wrong answers of it."""

from collections.abc import Callable, Iterator

from tests.targets import credentials
from tests.targets.dialects import DIALECTS, Dialect, Level, Route
from tests.targets.faults.base import (
    Fault,
    accepting_keys,
    answering,
    at_levels,
    authorising,
    has_no_credentials,
    make_fault,
    must,
)
from tests.targets.messages import Call
from tests.targets.options import Options

CHECKED = must("rs", "mr", "ss")

COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "unknown-key-accepted": lambda _, shown: shown != "",
    "key-with-suffix-accepted": lambda own, shown: shown.startswith(own),
    "key-with-prefix-accepted": lambda own, shown: shown.endswith(own),
    "key-inside-accepted": lambda own, shown: own in shown,
    "truncated-key-accepted": lambda own, shown: shown != "" and own.startswith(shown),
    "key-in-any-case-accepted": lambda own, shown: own.lower() == shown.lower(),
    "padded-key-accepted": lambda own, shown: own == shown.strip(),
    "empty-user-accepted": lambda _, shown: shown == "",
}


def other_scheme(call: Call, options: Options) -> bool:
    """Hold for the right pair behind a scheme that is not Basic."""
    scheme, rest = credentials.authorization(call)
    pair = credentials.decoded(rest) or rest
    user = credentials.user_of(pair, colonless=True)
    return scheme not in {"", "basic"} and user == options.key


def not_base64(call: Call, _options: Options) -> bool:
    """Hold for a Basic header that cannot be decoded."""
    scheme, rest = credentials.authorization(call)
    return scheme == "basic" and credentials.decoded(rest) is None


def raw_pair(call: Call, options: Options) -> bool:
    """Hold for the right key in a Basic header without base64."""
    scheme, rest = credentials.authorization(call)
    return scheme == "basic" and credentials.user_of(rest, colonless=True) == options.key


def key_as_password(call: Call, options: Options) -> bool:
    """Hold for the right key in the place of the password."""
    scheme, rest = credentials.authorization(call)
    pair = (credentials.decoded(rest) or "") if scheme == "basic" else ""
    return pair.partition(":")[2] == options.key


def any_body_key(call: Call, _options: Options) -> bool:
    """Hold for any key in the body of a call without a header."""
    return "authorization" not in call.request.headers and bool(credentials.body_keys(call))


def everywhere_faults() -> Iterator[Fault]:
    """List holes on every path."""
    for name, matches in COMPARISONS.items():
        yield make_fault(name, "auth", CHECKED, accepting_keys(matches))
    nothing = authorising(lambda call, _: has_no_credentials(call))
    yield make_fault("no-credentials-accepted", "auth", CHECKED, nothing)
    yield make_fault("wrong-scheme-accepted", "auth", CHECKED, authorising(other_scheme))
    yield make_fault("not-base64-accepted", "auth", CHECKED, authorising(not_base64))
    yield make_fault("raw-key-accepted", "auth", CHECKED, authorising(raw_pair))
    yield make_fault("key-as-password-accepted", "auth", CHECKED, authorising(key_as_password))
    yield make_fault("body-key-unchecked", "auth", must("mr"), authorising(any_body_key))


def path_fault(dialect: Dialect, route: Route, *, nothing: bool) -> Fault:
    """Make a hole on one path: for calls without credentials, or with unknown ones."""
    word = "no-credentials" if nothing else "unknown-key"
    opens = authorising(lambda call, _: call.route == route and has_no_credentials(call) == nothing)
    areas = "auth batch" if route.kind == "batch" else "auth"
    name = f"{word}-accepted-at{route.path.replace('/', '-')}"
    return make_fault(name, areas, must_in(dialect), opens, path=route.path)


def must_in(dialect: Dialect) -> dict[str, Level]:
    """Name one dialect in which the promise is a MUST."""
    return {dialect.name: "must"}


def path_faults() -> Iterator[Fault]:
    """List one hole for each path, of two kinds by turns."""
    for dialect in DIALECTS.values():
        if len(dialect.routes) == 1 or dialect.statuses["auth"] is None:
            continue
        for index, route in enumerate(dialect.routes):
            yield path_fault(dialect, route, nothing=index % 2 == 0)


def status_faults() -> Iterator[Fault]:
    """List wrong statuses for missing and unknown credentials."""
    levels = at_levels(seg="should", rs="must", mr="must", ss="must")
    for name, when in (("missing", has_no_credentials), ("unknown", lambda call: not has_no_credentials(call))):
        for status in (403, 404, 500):
            yield make_fault(f"{name}-credentials-{status}", "auth", levels, answering({"auth"}, status, when))
    yield make_fault("credentials-400", "auth", must("ss"), answering({"auth"}, 400))
    garbled = answering({"auth"}, 500, lambda call: not_base64(call, Options()))
    yield make_fault("garbled-credentials-500", "auth errors", levels, garbled)


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from everywhere_faults()
    yield from path_faults()
    yield from status_faults()
