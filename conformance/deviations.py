"""Known deviations: broken promises that a team lives with for now, listed with reasons in a YAML file."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import resources
from conformance.model import Known, Outcome, Stale, Verdict
from conformance.profile import document, problems
from conformance.text import safe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from conformance.model import Json, Level

_BROKEN = frozenset({Outcome.FAIL, Outcome.UNTESTABLE})
_KEPT = frozenset({Outcome.PASS, Outcome.OBSERVED})
_TODO = "TODO: why this is accepted for now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One entry: a check, on one call or on all, and why its failure is accepted. Lines count from 1."""

    check: str
    call: str
    known: Known
    line: int
    last_line: int

    def covers(self, verdict: Verdict) -> bool:
        """Whether it speaks of a verdict."""
        return verdict.id == self.check and (
            not self.call or fnmatch.fnmatchcase(verdict.operation, self.call)
        )

    @property
    def name(self) -> str:
        """What it is about."""
        return f"{self.check} on {self.call}" if self.call else self.check


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviations:
    """A file of known deviations, or none."""

    file: str = ""
    entries: tuple[Deviation, ...] = ()

    def applied(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        """The verdicts, those of them that are broken and listed marked as known."""
        return [self._marked(item) for item in verdicts]

    def _marked(self, verdict: Verdict) -> Verdict:
        if verdict.outcome not in _BROKEN:
            return verdict
        known = next((entry.known for entry in self.entries if entry.covers(verdict)), None)
        return replace(verdict, known=known)

    def stale(
        self, verdicts: Sequence[Verdict], ids: Collection[str], today: date, *, is_whole: bool
    ) -> tuple[Stale, ...]:
        """The entries that have to go: expired, of no check, or of what is no longer broken.

        `ids` are those of all checks. Where the run was not `is_whole`, an entry of which nothing was judged
        may be about what was left out.
        """
        found = []
        for entry in self.entries:
            why = _staleness(
                entry, [item for item in verdicts if entry.covers(item)], ids, today, is_whole=is_whole
            )
            if why:
                found.append(
                    Stale(
                        file=self.file, line=entry.line, last_line=entry.last_line, name=entry.name, why=why
                    )
                )
        return tuple(found)


def _staleness(
    entry: Deviation, about: Sequence[Verdict], ids: Collection[str], today: date, *, is_whole: bool
) -> str:
    """Why an entry has to go; empty if it may stay."""
    if entry.check not in ids:
        return f"no check is called {entry.check}{problems.nearest(entry.check, ids).partition('; known')[0]}"
    if entry.known.expires and entry.known.expires < today.isoformat():
        return f"expired on {entry.known.expires}"
    if not about:
        return "no such call in this profile" if is_whole else ""
    if any(item.outcome in _BROKEN or item.outcome is Outcome.ERROR for item in about):
        return ""
    return "passes now" if any(item.outcome in _KEPT for item in about) else ""


def read(path: str) -> Deviations:
    """Reads a file of known deviations. Raises ProfileError, with a line for each mistake."""
    found = document.read(Path(path), "a list of known deviations")
    problems.find(
        found, json.loads((resources.specs() / "deviations.schema.json").read_text(encoding="utf-8"))
    )
    found.check()
    value: Any = found.value
    entries = []
    for index, item in enumerate(value["deviations"]):
        expires = item.get("expires", "")
        if expires and not _is_date(expires):
            found.blame(("deviations", index, "expires"), f"{expires!r} is no date, such as 2027-03-31")
        lines = [line for place, line in found.lines.items() if place[:2] == ("deviations", index)]
        known = Known(**{key: item.get(key, "") for key in ("reason", "link", "owner", "expires")})
        entries.append(
            Deviation(
                check=item["check"],
                call=item.get("call", ""),
                known=known,
                line=min(lines),
                last_line=max(lines),
            )
        )
    found.check()
    return Deviations(file=path, entries=tuple(entries))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def draft(verdicts: Sequence[Verdict], gate: Level, former: Deviations) -> str:
    """A file that lists what is broken at a gate, for somebody to write the reasons.

    A check that is broken wherever it was judged is one entry. Reasons that stand in a former file are kept.
    """
    lines = ["# Known deviations: each needs a reason, and is better with an owner and a date of expiry.", ""]
    entries = list(_entries(verdicts, gate, former))
    return "\n".join([*lines, "deviations:" if entries else "deviations: []", *entries, ""])


def _entries(verdicts: Sequence[Verdict], gate: Level, former: Deviations) -> Iterator[str]:
    """The entries of a draft, each with a comment that says what is broken."""
    broken = [item for item in verdicts if item.outcome in _BROKEN and item.level.reaches(gate)]
    well = {item.id for item in verdicts if item.outcome in _KEPT}
    seen: set[str] = set()
    for item in broken:
        call = item.operation if item.id in well else ""
        if item.id in seen and not call:
            continue
        seen.add(item.id)
        known = next((entry.known for entry in former.entries if entry.covers(item)), Known(reason=_TODO))
        says = f"{item.title} Expected {item.expected}, received {item.received}."
        yield f"  # {safe(' '.join(says.split()))}"
        fields = {"check": item.id, "call": call, **known.as_json()}
        first, *rest = [f"{key}: {_quoted(value)}" for key, value in fields.items() if value]
        yield f"  - {first}"
        yield from (f"    {pair}" for pair in rest)


def _quoted(value: Json) -> str:
    """A text as YAML has it, in double quotes."""
    return json.dumps(value, ensure_ascii=True)
