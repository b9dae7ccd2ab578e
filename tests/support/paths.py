"""Where things of the project are: one place says so, and no test counts directories."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
GOLDEN = TESTS / "golden"
SCHEMAS = TESTS / "schemas"
ACME = TESTS / "support" / "acme.yaml"
"""A profile of a vendor that does not exist, unlike the four in every respect that a profile can state."""
