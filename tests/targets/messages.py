"""What passes between the HTTP layer and a judge."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.targets.dialects import Kind, Route


@dataclass(frozen=True)
class Request:
    """One request as received; `length` may exceed the body that an early refusal has read.

    `connection` counts the server's connections, from 1. `announced` tells whether the body's length was, and
    `extended` whether its chunks had extensions; `repeated` names the headers that came more than once.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    length: int = 0
    chunked: bool = False
    version: str = "HTTP/1.1"
    announced: bool = True
    extended: bool = False
    repeated: frozenset[str] = frozenset()
    connection: int = 0


@dataclass(frozen=True)
class Answer:
    """One answer; a dropped one closes the connection without a byte."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    dropped: bool = False


@dataclass
class Call:
    """A request on its way through a judge, with what is known of it so far."""

    request: Request
    route: Route
    body: bytes = b""
    text: str = ""
    value: object = None


class RefusalError(Exception):
    """A reason to refuse a call, perhaps one per event of a batch."""

    def __init__(self, kind: Kind, message: str, parts: tuple["RefusalError", ...] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.parts = parts
