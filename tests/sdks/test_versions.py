"""Versions of recorded SDKs beside those of their registries; no registry is asked here."""

from __future__ import annotations

from conformance import sdks
from tests.recorder.versions import KnownVersion, check_versions, numbers

PHP, KOTLIN = "segment-analytics-php-3-8-2", "segment-analytics-kotlin-1-25-0"
SDKS = {sdk.name: sdk for sdk in sdks.load_all()}


def test_versions_are_compared_by_their_numbers() -> None:
    """As numbers, not as texts; what follows a hyphen does not count."""
    assert numbers("1.27.0") > numbers("1.9.4")
    assert numbers("3.0.0-beta.2") == numbers("3.0.0")


def test_a_recorded_version_is_older_or_not() -> None:
    """A registry with a newer version makes it older; a registry that is silent does not."""
    older = KnownVersion(sdk=SDKS[KOTLIN], newest="1.27.0")
    assert (older.is_older, older.sentence.split()[0]) == (True, "older")
    assert not KnownVersion(sdk=SDKS[KOTLIN], newest="1.25.0").is_older
    silent = KnownVersion(sdk=SDKS[KOTLIN], reason="no answer within 180 s")
    assert (silent.is_older, silent.sentence[:9]) == (False, "not known")


def test_what_no_registry_has_is_not_asked_for() -> None:
    """Such an SDK is named as not known, in place of being left out."""
    (known,) = check_versions([SDKS[PHP]])
    assert "no registry has it" in known.sentence
