"""No secret in what pytest prints and writes: the gate of a session, in reports of tests and in `--debug` files."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.core.text import nearest_hint
from conformance.core.user_files import UnreadableFile, read_text
from conformance.redaction import opened, redact
from conformance.settings.table import SETTINGS, learn_from_environment

if TYPE_CHECKING:
    from collections.abc import Generator

_PREFIX = "--conformance-"
_MAX_TRACE_BYTES = 512 * 1024 * 1024
_SETTING_NAMES = [setting.name for setting in SETTINGS]
_IS_OPEN = pytest.StashKey[bool]()


def open_gate(config: pytest.Config) -> None:
    """Opens a gate until the session is over, unless it is open, and lets pytest's trace through it then.

    What is added first is cleaned up last, after pytest has closed the file of its trace.
    """
    if config.stash.get(_IS_OPEN, False):
        return
    config.stash[_IS_OPEN] = True
    stack = ExitStack()
    stack.enter_context(opened())
    config.add_cleanup(stack.close)
    config.add_cleanup(partial(_redact_trace, config))
    learn_from_environment()


def refuse_unknown_options(parser: pytest.Parser, arguments: list[str]) -> None:
    """Raises UsageError for an unknown option of ours: pytest's own message would show its value."""
    unknown = parser.parse_known_and_unknown_args([*arguments])[1]
    names = [word.partition("=")[0] for word in unknown if word.startswith(_PREFIX)]
    if names:
        hint = nearest_hint(names[0], [f"{_PREFIX}{word}" for word in ("url", "json", *_SETTING_NAMES)])
        raise pytest.UsageError(f"unrecognized option {redact(names[0])}{hint}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Takes secrets out of the report of a test: its traceback with local variables, and what was captured."""
    report = yield
    report.longrepr = _redacted_representation(report.longrepr)
    report.sections = [(name, redact(text)) for name, text in report.sections]
    return report


def _redacted_representation(shown: Any) -> Any:  # noqa: ANN401 - pytest's
    """The representation of a failure, as text if it has a secret; a skip has its place and its reason."""
    if isinstance(shown, tuple):
        path, line, reason = shown
        return path, line, redact(reason)
    if shown is None:
        return None
    text = str(shown)
    redacted = redact(text)
    return shown if redacted == text else redacted


def _redact_trace(config: pytest.Config) -> None:
    """Takes secrets out of the file of `--debug`, which begins with the command line."""
    path = config.getoption("debug", None)
    if not path:
        return
    try:
        text = read_text(path, max_bytes=_MAX_TRACE_BYTES)
    except UnreadableFile:
        Path(path).unlink(missing_ok=True)
        return
    Path(path).write_text(redact(text), encoding="utf-8")
