"""HTML pages from templates. Everything from a report is escaped as text."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.core.text import escape_controls
from conformance.report.curl import variables_of

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TEXT_LENGTH = 8000
"""The characters that a page shows of a longer text, which it marks as cut."""


def render_page(template: str, **values: object) -> str:
    """A page from a template of this package, with its styles and its script inside."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    """The templates. Values are first made visible text, then escaped."""
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_to_visible_text,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    loader = PackageLoader(__package__)
    for name in ("style.css", "script.js"):
        text, _, _ = loader.get_source(environment, name)
        asset = name.partition(".")[0]
        environment.globals[asset] = text
        environment.globals[f"{asset}_digest"] = _csp_digest(text)
    filters: dict[str, Callable[..., Any]] = {
        "number": _format_number,
        "link": _safe_url,
        "counted": _format_count,
        "variables": variables_of,
    }
    environment.filters.update(filters)
    environment.globals["longest"] = MAX_TEXT_LENGTH
    return environment


def _to_visible_text(value: object) -> object:
    """A text without control characters, cut if it is very long. Markup of the templates stays."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    if len(value) > MAX_TEXT_LENGTH:
        shown = escape_controls(value[:MAX_TEXT_LENGTH])
        return f"{shown}\N{HORIZONTAL ELLIPSIS} (cut here, of {len(value):,} characters)"
    return escape_controls(value)


def _csp_digest(text: str) -> str:
    """The digest by which a content security policy allows an inline style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _format_number(value: int) -> str:
    return f"{value:,}"


def _format_count(count: int, word: str, plural: str = "") -> str:
    """A number with its noun."""
    return f"{count:,} {word if count == 1 else plural or f'{word}s'}"


def _safe_url(url: str) -> str:
    """The URL if it is HTTP; empty for any other, such as a script."""
    return url if url.startswith(("https://", "http://")) else ""
