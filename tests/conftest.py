"""What holds for all tests: nothing is fuzzed unless a test asks for it, and the cache is the tests' own.

All tests together run in several processes, a module in one; tests that are named run in this one.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from conformance.fuzz import corpus
from conformance.report.html import render_html
from tests.support import browser, paths, sample_reports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.support.browser import PageOpener


SLOWEST_MODULES = (
    "selfcheck/test_self_check.py",
    "selfcheck/test_independent_servers.py",
    "probe/test_odd_servers.py",
    "selfcheck/test_hostile_targets.py",
    "probe/test_configured_servers.py",
    "probe/test_known_vendors.py",
    "fuzz/test_names.py",
    "probe/test_correct_servers.py",
    "checks/test_levels.py",
    "diff/test_comparison.py",
    "run/test_whole_runs.py",
    "plugin/test_splitting.py",
    "plugin/test_fixtures.py",
    "plugin/test_session.py",
    "fuzz/test_tolerance.py",
    "project/test_ci_templates.py",
    "hostile/test_json_bodies.py",
    "fuzz/test_verdicts.py",
    "export/test_newman.py",
    "run/test_silence.py",
    "run/test_rate_limits.py",
    "project/test_project.py",
)
"""The modules that take longest go first, so that no process is left alone with one at the end."""
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False  # hundreds of processes are started, and each would compile all modules anew
EXTRA_WORKERS = 2
"""So many processes more than there are processors: many tests wait for a target that takes its time."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes share the tests; none where the user has named some."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else (os.cpu_count() or 1) + EXTRA_WORKERS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest modules first."""
    ranks = {paths.TESTS / name: rank for rank, name in enumerate(SLOWEST_MODULES)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.fixture(autouse=True, scope="session")
def _isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the tests' own, with no more than a test asks for, and runs without fuzzing.

    A hangup is noticed, too: under nohup it would be ignored, as the command would be right to do.
    """
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.getbasetemp()
        shared = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
        patch.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        patch.setenv("CONFORMANCE_FUZZ", "0")
        patch.setattr(corpus, "MIN_STORED_CASES", 0)
        yield


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a module. None outlives it: it would keep asyncio's loop to itself."""
    with browser.launch() as launched:
        yield launched


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> PageOpener:
    """Opens a page at an address in it: that of the sample, unless another is given."""

    def opener(address: str = "", text: str = "", **options: Any) -> Any:  # noqa: ANN401 - playwright's options
        page = text or render_html(sample_reports.full_report())
        return browser.open_page(chromium, tmp_path / "a report.html", page, address, **options)

    return opener
