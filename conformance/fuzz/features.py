"""Features of requests that could be the cause of a failure, and how findings name them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ANYWHERE, FREE_FORM, REQUEST, BATCH_EVENT, ENVELOPE = "*", "free form", "request", "an event", "envelope"
"""Places that are no pointers: anywhere in a body, inside the open object of an event, the request as a whole, an event
of a batch that is no object, the body of a batch beside its events."""


class Category(enum.Enum):
    """A kind of content; the value is its text in a finding, with `{}` for the detail of a feature.

    Members are in the order of specificity. The first five are broad: any other category in a place of the same
    depth is preferred to them. The order of the others decides only within one place.
    """

    OBJECT = "an object"
    LIST = "a list"
    TEXT = "a text"
    NUMBER = "a number"
    FRACTION = "a fraction"
    BATCH = "a batch"
    BLANK_TEXT = "a blank text"
    CHUNKED_BODY = "a body in chunks"
    BODY_OF_TYPE = "{} as body"
    NESTED_VALUE = "a list or an object as a property"
    BOOLEAN = "a boolean"
    BYTE_ORDER_MARK = "a byte order mark"
    SPREAD_JSON = "white space in the JSON"
    ADDITIONAL_FIELD = "an additional field"
    LARGE_BODY = "a large body"
    LONE_SURROGATE = "a lone surrogate"
    LONG_NAME = "a long name"
    LONG_TEXT = "a long text"
    NON_ASCII_NAME = "a name beyond ASCII"
    PROTOTYPE_NAME = "a name like __proto__"
    UNDOCUMENTED_NAME = "an undocumented name"
    DUPLICATE_NAME = "a duplicate name"
    NAME_WITH_NUL = "a name with a NUL"
    NAME_WITH_DOT_OR_DOLLAR = "a name with a dot or a dollar"
    INFINITE_NUMBER = "an infinite number"
    UNKNOWN_SIZE = "a size"
    NON_ASCII_TEXT = "a text beyond ASCII"
    ASTRAL_TEXT = "a text beyond U+FFFF, such as an emoji"
    NON_ASCII_BYTES = "text beyond ASCII that is not escaped"
    TIMESTAMP_TEXT = "a text that is a timestamp"
    DATE = "a date {}"
    TEXT_WITH_NUL = "a text with a NUL"
    TEXT_WITH_APOSTROPHE = "a text with an apostrophe"
    TEXT_WITH_MARKUP = "a text with markup"
    NEAR_LIMIT = "near {}"
    EMPTY_NAME = "an empty name"
    EMPTY_TEXT = "an empty text"
    BIG_INTEGER = "an integer beyond 64 bits"
    LARGE_OBJECT = "an object with very many names"
    CREDENTIALS_WITH_KEY = "credentials with the key"
    CREDENTIALS_WITHOUT_KEY = "credentials without the key"
    CREDENTIALS = "credentials: {}"
    DEEP_NESTING = "deep nesting"
    DIGIT_PATTERN = "like {}"
    NOT_JSON = "invalid JSON"
    NOT_UTF8 = "invalid UTF-8"
    NO_BODY = "no body"
    NO_CREDENTIALS_HEADER = "no credentials in the header"
    NO_EVENT = "no event"
    NO_EVENT_LIST = "no list of events"
    NO_USER = "no user"
    NO_IDENTITY = "an event that names nobody"
    MISSING = "no value"
    NULL = "null"
    OVER_LIMIT = "over {}"
    CONTENT_TYPE = "the Content-Type {}"
    CODING = "the coding {}"
    OTHER_CODING = "a coding other than gzip"
    UNREADABLE_GZIP = "gzip that can't be unpacked as a whole"
    GZIP_BOMB = "gzip that unpacks to far more"
    HEADER = "the header {}"
    METHOD = "the method {}"
    PATH = "the path {}"
    QUERY = "the query {}"
    WITHIN_LIMIT = "within {}"


JSON_TYPES = frozenset(
    {Category.NULL, Category.BOOLEAN, Category.NUMBER, Category.TEXT, Category.LIST, Category.OBJECT}
)
_BROAD_CATEGORIES = 5
_SPECIFICITY = {category: number for number, category in enumerate(Category)}


class Feature(NamedTuple):
    """Something in a request that could be the cause of a failure: a place, and what is there."""

    place: str
    category: Category
    detail: str = ""


NOT_JSON = Feature(REQUEST, Category.NOT_JSON)


def most_specific(distinguishing: Iterable[Feature]) -> Feature | None:
    """The most specific feature: in the deepest place, and there of the narrowest category.

    What is nested deeply is in deep places, whatever it is.
    """
    features = [*distinguishing]
    deep = [feature for feature in features if feature.category is Category.DEEP_NESTING]
    return max(deep or features, key=_specificity, default=None)


def _specificity(feature: Feature) -> tuple[bool, int, int, str, int, str]:
    place, category, detail = feature
    is_placed = place not in {ANYWHERE, REQUEST}
    depth = 2 if place == FREE_FORM else place.count("/")
    rank = _SPECIFICITY[category]
    return is_placed, depth, min(rank, _BROAD_CATEGORIES), place, rank, detail


def describe_feature(feature: Feature | None) -> str:
    """A feature in words."""
    return "a valid request" if feature is None else describe_features([feature])


def describe_features(features: Collection[Feature]) -> str:
    """Several features in words; if a JSON type is among the categories, the narrower ones are left out."""
    texts = dict.fromkeys((feature.category, feature.category.value.format(feature.detail)) for feature in features)
    broad = [text for category, text in texts if category in JSON_TYPES] or [text for _, text in texts]
    text = broad[0] if len(broad) == 1 else f"{', '.join(broad[:-1])} or {broad[-1]}"
    places = list(dict.fromkeys(feature.place for feature in features))
    match places:
        case [place] if place == ANYWHERE:
            return f"{text}, anywhere"
        case [place] if place == REQUEST:
            return text
        case [place] if place == BATCH_EVENT:
            return f"{text} as an event of a batch"
        case [place] if place == FREE_FORM:
            return f"{text} in the free form of an event"
        case _:
            return f"{text} as {' or '.join(places)}"
