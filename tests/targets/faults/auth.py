"""Holes in the check of credentials, and wrong answers of it."""

from collections.abc import Callable, Iterator

from tests.targets import credentials
from tests.targets.dialects import DIALECTS, Dialect, Level, Route
from tests.targets.faults.base import (
    Fault,
    answering,
    at_levels,
    fault,
    hole,
    hole_when,
    must,
    shows_nothing,
)
from tests.targets.options import Options
from tests.targets.wire import Call

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


def global_holes() -> Iterator[Fault]:
    """List holes on every path."""
    for name, matches in COMPARISONS.items():
        yield fault(name, "auth", CHECKED, hole(matches))
    nothing = hole_when(lambda call, _: shows_nothing(call))
    yield fault("no-credentials-accepted", "auth", CHECKED, nothing)
    yield fault("wrong-scheme-accepted", "auth", CHECKED, hole_when(other_scheme))
    yield fault("not-base64-accepted", "auth", CHECKED, hole_when(not_base64))
    yield fault("raw-key-accepted", "auth", CHECKED, hole_when(raw_pair))
    yield fault("key-as-password-accepted", "auth", CHECKED, hole_when(key_as_password))
    yield fault("body-key-unchecked", "auth", must("mr"), hole_when(any_body_key))


def path_hole(dialect: Dialect, route: Route, *, nothing: bool) -> Fault:
    """Make a hole on one path: for calls without credentials, or with unknown ones."""
    word = "no-credentials" if nothing else "unknown-key"
    opens = hole_when(lambda call, _: call.route == route and shows_nothing(call) == nothing)
    areas = "auth batch" if route.kind == "batch" else "auth"
    name = f"{word}-accepted-at{route.path.replace('/', '-')}"
    return fault(name, areas, must_in(dialect), opens, path=route.path)


def must_in(dialect: Dialect) -> dict[str, Level]:
    """Name one dialect in which the promise is a MUST."""
    return {dialect.name: "must"}


def path_holes() -> Iterator[Fault]:
    """List one hole for each path, of two kinds by turns."""
    for dialect in DIALECTS.values():
        if len(dialect.routes) == 1 or dialect.statuses["auth"] is None:
            continue
        for index, route in enumerate(dialect.routes):
            yield path_hole(dialect, route, nothing=index % 2 == 0)


def status_faults() -> Iterator[Fault]:
    """List wrong statuses for missing and unknown credentials."""
    levels = at_levels(seg="should", rs="must", mr="must", ss="must")
    for name, when in (("missing", shows_nothing), ("unknown", lambda call: not shows_nothing(call))):
        for status in (403, 404, 500):
            yield fault(f"{name}-credentials-{status}", "auth", levels, answering({"auth"}, status, when))
    yield fault("credentials-400", "auth", must("ss"), answering({"auth"}, 400))
    garbled = answering({"auth"}, 500, lambda call: not_base64(call, Options()))
    yield fault("garbled-credentials-500", "auth errors", levels, garbled)


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from global_holes()
    yield from path_holes()
    yield from status_faults()
