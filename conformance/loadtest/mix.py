"""The mix of a load: which calls, types, batches, SDKs and sizes, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from conformance.core.errors import UsageError
from conformance.profile import validation, yaml_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEFAULT_TYPES = {"identify": 10, "track": 60, "page": 20, "screen": 5, "group": 3, "alias": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The shares of a load, as weights, and its sizes.

    `sources` are the weights of single events, batches, SDKs, pixels and webhooks; `types` those of event types (others
    have 1); `batch_events` those of the numbers of events in a batch. Sizes in bytes have a median and a spread (the
    standard deviation of their logarithm); `largest` is the share of the limit that one in two hundred requests has.
    """

    sources: Mapping[str, float] = field(
        default_factory=lambda: {"events": 45, "batches": 15, "sdks": 40, "pixels": 5, "webhooks": 5}
    )
    types: Mapping[str, float] = field(default_factory=lambda: dict(_DEFAULT_TYPES))
    batch_events: Mapping[int, float] = field(default_factory=lambda: {1: 20, 5: 40, 20: 40})
    median_bytes: float = 800.0
    spread: float = 1.0
    largest: float = 0.97

    def sizes(self, count: int) -> Iterator[int]:
        """The sizes of so many equally likely bodies, in bytes."""
        normal = NormalDist(math.log(self.median_bytes), max(self.spread, 1e-9))
        return (round(math.exp(normal.inv_cdf((number + 0.5) / count))) for number in range(count))

    def type_weight(self, name: str) -> float:
        """The weight of an event type."""
        return float(self.types.get(name, 1))


SINGLE_EVENTS = Mix(sources={"events": 1, "batches": 0, "sdks": 0, "pixels": 0, "webhooks": 0})
"""One event a request: limits in requests and in events are then the same."""


def read_mix(path: str) -> Mix:
    """The mix in a YAML file. Raises ProfileError with the line of each mistake, or UsageError."""
    document = yaml_document.read(Path(path), "a mix")
    validation.validate(document, "load-mix.schema.json")
    data: Any = document.value
    given = {name: data[name] for name in ("sources", "types") if name in data}
    if "sources" in given and not any(given["sources"].values()):
        raise UsageError(f"{path}: sources: every weight is 0")
    if "batch_events" in data:
        given["batch_events"] = {int(name): weight for name, weight in data["batch_events"].items()}
    sizes = {{"median": "median_bytes"}.get(name, name): value for name, value in data.get("sizes", {}).items()}
    return Mix(**{"sources": dict.fromkeys(Mix().sources, 0.0) | given.pop("sources")} if "sources" in given else {},
               **given, **sizes)  # fmt: skip
