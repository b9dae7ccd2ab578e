"""Comparisons for tests: of servers of another hand, with few checks and cases that take no generators."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.cli.diffing import plans
from conformance.difference import Effort, compare, redactor
from conformance.resources import specs
from tests.targets.faults import cases
from tests.targets.options import BEARER, KEY, Options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.fuzz.case import Case
    from tests.targets.judge import Judge

SMALL = "segmentstream"
"""The dialect with one path."""
QUICK = "accept,auth,json,size,payload,content-type,errors"


def compared(
    first: str, second: str, profile: str, *, fuzzed: Iterable[Case] = (), **given: object
) -> dict[str, Any]:
    """The document of a comparison."""
    options = {"url": first, "url_b": second, "profile": profile, "write_key": KEY, "bearer": BEARER,
               "select": QUICK, "deadline": "3", "fuzz": "0", **given}  # fmt: skip
    one, other = plans(options)
    effort = Effort(cases=fuzzed, max_time_s=10, strict=bool(given.get("strict")))
    return asyncio.run(compare(one, other, effort)).as_json(redactor(one, other).text)


def valid(document: dict[str, Any]) -> bool:
    """Whether a document fits the schema."""
    schema = json.loads((specs() / "diff.schema.json").read_text(encoding="utf-8"))
    return bool(jsonschema_rs.is_valid(schema, document))


def fault(dialect: str, name: str) -> Judge:
    """A broken server of another hand."""
    found = next(case for case in cases() if case.dialect.name == dialect and case.fault.name == name)
    return found.judge(Options())
