"""The pytest plugin: options, and nothing else until a target is named.

PYTEST_DONT_REWRITE: there is no assertion here, and a session without a target must not pay for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.settings import SETTINGS

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--conformance-url`, an option for each setting, and `--conformance-json`."""
    group = parser.getgroup("conformance", "conformance of an event-ingestion server")
    group.addoption(
        "--conformance-url", metavar="URL", help="the base URL of the target; without it, nothing is done"
    )
    for setting in SETTINGS:
        action = "store_true" if setting.is_flag else "append" if setting.is_list else "store"
        group.addoption(f"--conformance-{setting.name}", action=action, default=None, help=setting.help)
    group.addoption("--conformance-json", metavar="FILE", help="write the JSON report of the run")


def pytest_configure(config: pytest.Config) -> None:
    """Comes to life if a target is named."""
    if config.getoption("--conformance-url"):
        from conformance.plugin.session import Session

        config.pluginmanager.register(Session(config), "conformance-session")
