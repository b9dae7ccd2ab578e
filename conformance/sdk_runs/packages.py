"""The SDKs that can be installed and driven, from `specs/sdk_runs/packages.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.core.errors import UsageError
from conformance.core.text import nearest_hint
from conformance.profile import validation, yaml_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkPackage:
    """One version of an SDK: what to install, and the driver that makes it send.

    `slug` is the name of the same SDK in `specs/sdks`, `requires` are the packages to install, in the words of their
    registry, `driver` is a file in `specs/sdk_runs/drivers`, `module` an argument for it, and `config` are settings
    that this SDK needs beside those of a script. `recorded_as` is that name, if the slug is another.
    `scripts` are those that make it send in all of its ways.
    """

    slug: str
    title: str
    version: str
    language: str
    profile: str
    requires: tuple[str, ...]
    driver: str
    module: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    scripts: tuple[str, ...] = ("all",)
    is_older: bool = False
    recorded_as: str = ""

    @property
    def driver_path(self) -> Path:
        """The path of the driver."""
        return resources.specs_dir() / "sdk_runs" / "drivers" / self.driver


@cache
def load_packages() -> tuple[SdkPackage, ...]:
    """Every SDK that can be driven, in the order of the file. Raises ProfileError if the file is not valid."""
    document = yaml_document.read(resources.specs_dir() / "sdk_runs" / "packages.yaml", "a list of packages")
    validation.validate(document, "sdk_runs/packages.schema.json")
    data: Any = document.value
    return tuple(_parse_package(item) for item in data["packages"])


def _parse_package(item: Any) -> SdkPackage:  # noqa: ANN401 - data that its JSON Schema has checked
    tuples = {key: tuple(item[key]) for key in ("requires", "scripts") if key in item}
    return SdkPackage(**{**item, **tuples})


def package_named(slug: str) -> SdkPackage:
    """The SDK with a name. Raises UsageError, with the nearest one, if there is none."""
    packages = {package.slug: package for package in load_packages()}
    if slug not in packages:
        raise UsageError(f"no SDK is called {slug}{nearest_hint(slug, packages)}")
    return packages[slug]
