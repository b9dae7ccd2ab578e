"""The pytest plugin: options and fixtures; all else is imported once a target or a profile is named.

PYTEST_DONT_REWRITE: there is no assertion here, and a session without a target must not pay for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.settings.table import SETTINGS, learn_from_values

if TYPE_CHECKING:
    from collections.abc import Generator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--conformance-url`, an option for each setting, and `--conformance-json`."""
    group = parser.getgroup("conformance", "conformance of an event-ingestion server")
    group.addoption(
        "--conformance-url",
        metavar="URL",
        help="the base URL of the target (default: the value of the fixture conformance_target)",
    )
    for setting in SETTINGS:
        action = "store_true" if setting.is_flag else "append" if setting.is_list else "store"
        group.addoption(f"--conformance-{setting.name}", action=action, default=None, help=setting.help)
    group.addoption("--conformance-json", metavar="FILE", help="write the JSON report of the run")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Opens the gate for output until the session is over, and refuses misspelt options without their values."""
    if not any(word.startswith("--conformance-") for word in args):
        yield
        return
    from conformance.plugin import redacted_output

    redacted_output.open_gate(early_config)
    yield
    redacted_output.refuse_unknown_options(parser, args)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the fixtures, and the checks if a target or a profile is named."""
    from conformance.plugin import fixtures

    config.pluginmanager.register(fixtures, "conformance-fixtures")
    values = {item.key: config.getoption(f"--conformance-{item.name}") for item in SETTINGS}
    is_named = bool(config.getoption("--conformance-url") or values["profile"])
    if is_named or any(value is not None for value in values.values()):
        from conformance.plugin import redacted_output

        redacted_output.open_gate(config)
        learn_from_values(values)
        config.pluginmanager.register(redacted_output, "conformance-redacted-output")
    if is_named:
        from conformance.plugin.session import CheckSession
        from conformance.plugin.workers import is_worker
        from conformance.plugin.xdist_controller import XdistController

        session = CheckSession(config)
        config.pluginmanager.register(session, "conformance-session")
        if not is_worker(config):
            config.pluginmanager.register(XdistController(session), "conformance-controller")
