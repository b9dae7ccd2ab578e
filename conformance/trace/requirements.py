"""Requirements: the statements of a vendor's documents, one YAML file for each vendor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.core.errors import UsageError
from conformance.profile import validation, yaml_document

if TYPE_CHECKING:
    from conformance.profile.profile import Profile

_SCHEMA_FILE = "requirements.schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One statement of a document: its lines there, what it says, and what judges it.

    `check_globs` are the checks that judge it, and `fact_globs` the facts of the profile whose checks do. Without any,
    either `kept_by` names the part of the suite that keeps it, or `excluded` says why nothing can judge it.
    """

    id: str
    document: str
    lines: str
    says: str
    check_globs: tuple[str, ...] = ()
    fact_globs: tuple[str, ...] = ()
    kept_by: str = ""
    excluded: str = ""


def has_requirements(profile: Profile) -> bool:
    """Whether the requirements of a profile come with the suite."""
    return _shipped_file(profile).is_file()


def _shipped_file(profile: Profile) -> Path:
    return resources.specs_dir() / "requirements" / f"{profile.name}.yaml"


def load_requirements(profile: Profile, path: str | None = None) -> tuple[Requirement, ...]:
    """The requirements of a profile's documents: those that come with the suite, or those in a file.

    Raises ProfileError, with file, line and key, if the file is not valid, and UsageError if the suite has none for the
    profile, or the file is for another one.
    """
    place = Path(path) if path else _shipped_file(profile)
    if not path and not has_requirements(profile):
        raise UsageError(
            f"no requirements come with the suite for the profile {profile.name}: pass --requirements FILE"
        )
    document = yaml_document.read(place, "requirements")
    validation.validate(document, _SCHEMA_FILE)
    data: Any = document.value
    if data["profile"] != profile.name:
        raise UsageError(f"{place}: these are the requirements of {data['profile']}, not of {profile.name}")
    seen: set[str] = set()
    for index, item in enumerate(data["requirements"]):
        if item["id"] in seen:
            document.add_problem(("requirements", index, "id"), f"{item['id']} is there twice")
        seen.add(item["id"])
        if len({"checks", "kept_by", "excluded"} & item.keys()) != 1:
            document.add_problem(("requirements", index), "needs exactly one of checks, kept_by and excluded")
    document.raise_for_problems()
    return tuple(
        Requirement(
            id=item["id"],
            document=item["document"],
            lines=item["lines"],
            says=item["says"],
            check_globs=tuple(item.get("checks", ())),
            fact_globs=tuple(item.get("facts", ())),
            kept_by=item.get("kept_by", ""),
            excluded=item.get("excluded", ""),
        )
        for item in data["requirements"]
    )
