"""Faults of the paths that carry their data or their key in the query."""

from collections.abc import Iterator

from tests.targets import credentials
from tests.targets.application import Application
from tests.targets.faults.base import Fault, Predicate, accepting, make_fault, may, must, refusing, should
from tests.targets.messages import Call


def on_pixel(when: Predicate) -> Predicate:
    """Narrow a predicate to pixels."""
    return lambda call: call.route.kind == "pixel" and when(call)


def data_of(call: Call) -> str:
    """Give the data of a pixel, as the query has it."""
    return call.request.query.get("data", "")


def has_any(letters: str) -> Predicate:
    """Hold for a pixel whose data has one of these letters."""
    return on_pixel(lambda call: any(letter in data_of(call) for letter in letters))


def is_unpadded(call: Call) -> bool:
    """Tell whether the data lost its padding."""
    return len(data_of(call)) % 4 != 0


def is_padded(call: Call) -> bool:
    """Tell whether the data is padded."""
    return data_of(call).endswith("=")


def lacks_data(call: Call) -> bool:
    """Tell whether there is no data."""
    return data_of(call) == ""


def has_data(call: Call) -> bool:
    """Tell whether there is data, be it good or bad."""
    return data_of(call) != ""


class BodyKeyFirst(Application):
    """A server whose webhooks prefer the key in the body."""

    def is_authorised(self, call: Call) -> bool:
        """Tell whether the key in the body is known, or else that in the query."""
        keys = credentials.body_keys(call)
        if call.route.kind == "webhook" and keys:
            return all(self.is_known_key(key) for key in keys)
        return super().is_authorised(call)


class BodyKeyToo(Application):
    """A server whose webhooks are content with the key in the body."""

    def is_authorised(self, call: Call) -> bool:
        """Tell whether the key in the body or in the query is known."""
        keys = credentials.body_keys(call)
        known = call.route.kind == "webhook" and bool(keys) and all(self.is_known_key(key) for key in keys)
        return known or super().is_authorised(call)


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield make_fault("pixel-url-safe-refused", "pixel", may("mr"), refusing(has_any("-_")))
    yield make_fault("pixel-unpadded-refused", "pixel", may("mr"), refusing(on_pixel(is_unpadded)))
    yield make_fault("pixel-padded-refused", "pixel accept", must("mr"), refusing(on_pixel(is_padded)))
    yield make_fault("pixel-standard-refused", "pixel accept", must("mr"), refusing(has_any("+/ ")))
    missing = accepting({"pixel"}, lacks_data)
    yield make_fault("pixel-missing-data-accepted", "pixel", must("mr"), missing)
    yield make_fault("pixel-bad-base64-accepted", "pixel", must("mr"), accepting({"pixel"}, has_data))
    no_json = accepting({"json", "utf8"}, on_pixel(has_data))
    yield make_fault("pixel-invalid-json-accepted", "pixel json", must("mr"), no_json)
    nobody = accepting({"identity"}, on_pixel(has_data))
    yield make_fault("pixel-identity-unchecked", "pixel payload", should("mr"), nobody)
    wrong = accepting({"auth"}, on_pixel(has_data))
    yield make_fault("pixel-key-unchecked", "pixel auth", must("mr"), wrong)
    yield make_fault("webhook-body-key-first", "webhook auth", must("mr"), BodyKeyFirst)
    yield make_fault("webhook-body-key-enough", "webhook auth", must("mr"), BodyKeyToo)
