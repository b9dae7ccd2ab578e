"""Known deviations: broken promises that a team accepts for now, and entries for them that are out of date."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDeviation:
    """Why a broken promise is accepted for now; `expires` is the last day of that, in ISO 8601, or empty."""

    reason: str
    link: str = ""
    owner: str = ""
    expires: str = ""

    def as_json(self) -> dict[str, str]:
        """Returns a JSON-serializable dict."""
        return {"reason": self.reason, "link": self.link, "owner": self.owner, "expires": self.expires}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleEntry:
    """An entry in a list of known deviations that is no longer needed: its lines (from 1), and the reason."""

    file: str
    line: int
    last_line: int
    name: str
    reason: str

    def __str__(self) -> str:
        lines = f"line {self.line}" if self.line == self.last_line else f"lines {self.line} to {self.last_line}"
        return f"{self.file}:{self.line}: {self.name}: {self.reason}; delete {lines}"
