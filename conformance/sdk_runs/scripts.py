"""Scripts: the events that a client is made to send, and the JSON in which it reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.profile import yaml_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.core.model import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a client is made to send: events in sequences, each with a pause before it, and its settings.

    `config` has the keys flushAt (events), flushInterval (ms), maxRetries and waitMs (how long the process stays
    after its last call); a key that is left out is for the client to choose.
    """

    sequences: Sequence[Mapping[str, Any]]
    config: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    @property
    def events(self) -> list[JsonObject]:
        """All events, in their order."""
        return [event for sequence in self.sequences for event in sequence["events"]]

    def to_json(self, url: str, key: str, config: Mapping[str, Any] | None = None) -> str:
        """The script as a client reads it, for a server at `url` and a write key; `config` overrides its own."""
        return json.dumps(
            {
                "writeKey": key,
                "apiHost": url,
                "cdnHost": url,
                "sequences": list(self.sequences),
                "config": {**self.config, **(config or {})},
            }
        )


@cache
def load_scripts() -> dict[str, Script]:
    """The scripts of the suite, by name."""
    document = yaml_document.read(resources.specs_dir() / "sdk_runs" / "scripts.yaml", "scripts")
    data: Any = document.value
    return {
        name: Script(
            sequences=[{"delayMs": 0, "events": item["events"]}],
            config=item["config"],
            description=item["description"],
        )
        for name, item in data["scripts"].items()
    }
