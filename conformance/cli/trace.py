"""`conformance trace`: the statements of a vendor's documents, what judges them, and how they came out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from conformance.cli import output
from conformance.contract import Contract
from conformance.profile import load
from conformance.report.loading import load as load_report
from conformance.trace import load_requirements, render_html, render_json, render_lines, render_markdown, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_RENDERERS = {"json": render_json, "html": render_html, "markdown": render_markdown}


def trace_requirements(options: Mapping[str, Any]) -> int:
    """Prints or writes the trace of a profile, with the outcomes of a report if there is one."""
    inputs = [path for path in (options["profile"], options["report"], options["requirements"]) if path]
    outputs = output.Outputs.requested(options, _RENDERERS, inputs)
    profile = load(options["profile"])
    report = load_report(options["report"]) if options["report"] else None
    shown = trace(
        Contract(profile, options["include"] or ()),
        profile.document_titles,
        load_requirements(profile, options["requirements"]),
        report,
    )
    outputs.publish_texts(
        lambda name: _RENDERERS[name](shown),
        lambda: _print_lines(render_lines(shown)),
    )
    return 0


def _print_lines(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"trace": trace_requirements}
