"""Known deviations: broken promises that a team lives with for now, listed with reasons in a YAML file."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core.known_deviation import KnownDeviation, StaleEntry
from conformance.core.model import DEVIATING_OUTCOMES, PROBLEM_OUTCOMES, Outcome, Verdict
from conformance.core.text import escape_controls, nearest_hint
from conformance.profile import validation, yaml_document
from conformance.profile.yaml_writer import modeline

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from conformance.core.model import Json, Level
    from conformance.report.cause import Cause, FoundCauses

_KEPT_OUTCOMES = frozenset({Outcome.PASS, Outcome.OBSERVED})
_DRAFTED = "TODO"
_REASON_PLACEHOLDER = f"{_DRAFTED}: why this is accepted for now"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationEntry:
    """An entry of the list: a check or a cause, on some operations or on all, and why it is accepted.

    Lines count from 1.
    """

    check_id: str
    operation_pattern: str
    known_deviation: KnownDeviation
    line: int
    last_line: int
    cause_id: str = ""

    def matches(self, verdict: Verdict, cause_ids: Collection[str] = ()) -> bool:
        """Whether the entry is about a verdict, which these causes explain."""
        is_meant = self.cause_id in cause_ids if self.cause_id else verdict.id == self.check_id
        return is_meant and (
            not self.operation_pattern or fnmatch.fnmatchcase(verdict.operation, self.operation_pattern)
        )

    @property
    def name(self) -> str:
        """The check or the cause, and the operation if there is one."""
        subject = f"cause {self.cause_id}" if self.cause_id else self.check_id
        return f"{subject} on {self.operation_pattern}" if self.operation_pattern else subject


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationList:
    """The entries of a file of known deviations; empty if there is no file."""

    file: str = ""
    entries: tuple[DeviationEntry, ...] = ()

    def mark_known(self, verdicts: Iterable[Verdict], causes: FoundCauses | None = None) -> list[Verdict]:
        """The verdicts, with those that deviate and are listed marked as known.

        What several causes explain is known by its causes only if all of them are listed.
        """
        explaining = causes.all_ids_by_check() if causes else {}
        listed = {entry.cause_id for entry in self.entries}
        known = {name: ids for name, ids in explaining.items() if ids <= listed}
        return [self._mark_known(item, known.get(item.name, ())) for item in verdicts]

    def _mark_known(self, verdict: Verdict, cause_ids: Collection[str]) -> Verdict:
        if verdict.outcome not in DEVIATING_OUTCOMES:
            return verdict
        known_deviation = next(
            (entry.known_deviation for entry in self.entries if entry.matches(verdict, cause_ids)), None
        )
        return replace(verdict, known_deviation=known_deviation)

    def stale_entries(
        self,
        verdicts: Sequence[Verdict],
        check_ids: Collection[str],
        today: date,
        *,
        is_full_run: bool,
        causes: FoundCauses | None = None,
    ) -> tuple[StaleEntry, ...]:
        """The entries to delete: expired, about no existing check, or about something that passes now.

        `check_ids` are those of all checks. Unless `is_full_run`, an entry without a verdict stays, since its
        check may have been deselected; so does one of a cause, if nobody has looked for `causes`.
        """
        stale_entries = []
        explaining = causes.all_ids_by_check() if causes else {}
        for entry in self.entries:
            reason = _stale_reason(
                entry,
                [item for item in verdicts if entry.matches(item, explaining.get(item.name, ()))],
                check_ids,
                today,
                is_full_run=is_full_run and not (entry.cause_id and causes is None),
            )
            if reason:
                stale_entries.append(
                    StaleEntry(
                        file=self.file, line=entry.line, last_line=entry.last_line, name=entry.name, reason=reason
                    )
                )
        return tuple(stale_entries)


def _stale_reason(
    entry: DeviationEntry, matching: Sequence[Verdict], check_ids: Collection[str], today: date, *, is_full_run: bool
) -> str:
    """Why an entry must be deleted; empty if it may stay."""
    if not entry.cause_id and entry.check_id not in check_ids:
        return f"there is no check {entry.check_id}{nearest_hint(entry.check_id, check_ids)}"
    if entry.known_deviation.expires and entry.known_deviation.expires < today.isoformat():
        return f"expired on {entry.known_deviation.expires}"
    if not matching:
        gone = "nothing fails because of it" if entry.cause_id else "the profile has no such operation"
        return gone if is_full_run else ""
    if any(item.outcome in PROBLEM_OUTCOMES for item in matching):
        return ""
    return "passes now" if any(item.outcome in _KEPT_OUTCOMES for item in matching) else ""


def read(path: str) -> DeviationList:
    """Reads a file of known deviations. Raises ProfileError with every mistake and its line."""
    parsed = yaml_document.read(Path(path), "a list of known deviations")
    validation.validate(parsed, "deviations.schema.json")
    value: Any = parsed.value
    entries = []
    for index, item in enumerate(value["deviations"]):
        expires = item.get("expires", "")
        if expires and not _is_date(expires):
            parsed.add_problem(("deviations", index, "expires"), f"{expires!r} is no date, such as 2027-03-31")
        if item["reason"].strip().upper().startswith(_DRAFTED):
            parsed.add_problem(("deviations", index, "reason"), "this is a draft; say why the deviation is accepted")
        if ("check" in item) == ("cause" in item):
            parsed.add_problem(("deviations", index), "write either the id of a check or that of a cause")
        lines = [line for place, line in parsed.lines.items() if place[:2] == ("deviations", index)]
        known_deviation = KnownDeviation(**{key: item.get(key, "") for key in ("reason", "link", "owner", "expires")})
        entries.append(
            DeviationEntry(
                check_id=item.get("check", ""),
                cause_id=item.get("cause", ""),
                operation_pattern=item.get("call", ""),
                known_deviation=known_deviation,
                line=min(lines),
                last_line=max(lines),
            )
        )
    parsed.raise_for_problems()
    return DeviationList(file=path, entries=tuple(entries))


def _is_date(text: str) -> bool:
    """Whether a text is a date as expiry compares them; Python takes other forms, too."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def render_template(
    verdicts: Sequence[Verdict], gate: Level, previous: DeviationList, causes: FoundCauses | None = None
) -> str:
    """The text of a file that lists what deviates at a gate, with placeholders for the reasons.

    A check that deviates on every operation becomes one entry. Reasons of the `previous` list are kept. Entries of one
    cause stand together, below a comment that names it.
    """
    lines = [
        f"# {modeline('deviations.schema.json')}",
        "# Known deviations: each needs a reason, and better has an owner and a date of expiry, too.",
        "",
    ]
    entries = list(_template_entries(verdicts, gate, previous, causes))
    return "\n".join([*lines, "deviations:" if entries else "deviations: []", *entries, ""])


def _template_entries(
    verdicts: Sequence[Verdict], gate: Level, previous: DeviationList, found: FoundCauses | None
) -> Iterator[str]:
    """The entries of the template by their causes, each with a comment that says what deviates."""
    causes = {cause.id: cause for cause in found.causes} if found else {}
    cause_ids, order = found.ids_by_check() if found else {}, list(causes)
    broken = sorted(
        (item for item in verdicts if item.outcome in DEVIATING_OUTCOMES and item.level.is_at_least(gate)),
        key=lambda item: order.index(cause_ids[item.name]) if item.name in cause_ids else len(order),
    )
    current: str | None = None
    kept_check_ids = {item.id for item in verdicts if item.outcome in _KEPT_OUTCOMES}
    listed_check_ids: set[str] = set()
    for item in broken:
        call = item.operation if item.id in kept_check_ids else ""
        if item.id in listed_check_ids and not call:
            continue
        listed_check_ids.add(item.id)
        if found and (cause_id := cause_ids.get(item.name, "")) != current:
            current = cause_id
            yield f"  # {_cause_heading(causes.get(cause_id))}"
        known_deviation = next(
            (
                entry.known_deviation
                for entry in previous.entries
                if entry.matches(item, {cause_ids.get(item.name, "")})
            ),
            KnownDeviation(reason=_REASON_PLACEHOLDER),
        )
        comment = f"{item.title} Expected {item.expected}, received {item.received}."
        yield f"  # {escape_controls(' '.join(comment.split()))}"
        fields = {"check": item.id, "call": call, **known_deviation.as_json()}
        first, *rest = [f"{key}: {_quoted(value)}" for key, value in fields.items() if value]
        yield f"  - {first}"
        yield from (f"    {pair}" for pair in rest)


def _cause_heading(cause: Cause | None) -> str:
    """The comment above the entries of a cause, in one line."""
    if cause is None:
        return "Without a common cause:"
    return escape_controls(" ".join(f"Cause {cause.id} ({cause.harm}): {cause.sentence}:".split()))


def _quoted(value: Json) -> str:
    """A text in double quotes, as YAML reads it."""
    return json.dumps(value, ensure_ascii=True)
