"""Comparisons for tests: of servers of another hand, with few checks and cases that take no generators."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.cli.diff import prepare_plans
from conformance.core.resources import specs_dir
from conformance.diff import DiffOptions, build_redactor, compare
from tests.targets.options import BEARER, KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.fuzz.case import Case

SINGLE_PATH_DIALECT = "segmentstream"
"""The dialect with one path."""
QUICK_SELECTION = "accept,auth,json,size,payload,content-type,errors"


def compare_servers(
    first: str, second: str, profile: str, *, fuzzed: Iterable[Case] = (), **given: object
) -> dict[str, Any]:
    """The document of a comparison."""
    options = {"url": first, "url_b": second, "profile": profile, "write_key": KEY, "bearer": BEARER,
               "select": QUICK_SELECTION, "deadline": "3", "fuzz": "0", **given}  # fmt: skip
    one, other = prepare_plans(options)
    effort = DiffOptions(cases=fuzzed, max_time_s=10, strict=bool(given.get("strict")))
    return asyncio.run(compare(one, other, effort)).as_json(build_redactor(one, other).redact_text)


def fits_schema(document: dict[str, Any]) -> bool:
    """Whether a document fits the schema."""
    schema = json.loads((specs_dir() / "diff.schema.json").read_text(encoding="utf-8"))
    return bool(jsonschema_rs.is_valid(schema, document))
