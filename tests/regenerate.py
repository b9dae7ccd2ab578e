"""Makes again what is made from the code and kept in the repository.

    python -m tests.regenerate                  everything but the screenshot; takes some ten minutes
    python -m tests.regenerate catalogue costs  only these steps
    python -m tests.regenerate --list           the steps, and what each makes

Look at the difference before you commit it: it is what users of the suite will notice.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.core.text import nearest_hint
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Step:
    """A step by what it makes. `is_default` says whether it is part of a call without names."""

    makes: str
    run: Callable[[], None]
    is_default: bool = True


def hint(name: str) -> str:
    """What a test says if a kept file is out of date. Raises KeyError for a step that does not exist."""
    return f"out of date: run `python -m tests.regenerate {name}`, and look at what changed in {STEPS[name].makes}"


def main(names: Sequence[str]) -> int:
    """Runs the steps and returns the exit code."""
    if names == ["--list"]:
        sys.stdout.writelines(f"{name:12} {step.makes}\n" for name, step in STEPS.items())
        return 0
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        sys.stderr.write(f"{unknown[0]}: no such step{nearest_hint(unknown[0], STEPS)}; see --list\n")
        return 2
    for name in names or [name for name, step in STEPS.items() if step.is_default]:
        sys.stdout.write(f"{name}: {STEPS[name].makes}\n")
        sys.stdout.flush()
        STEPS[name].run()
    return 0


def _make_catalogue() -> None:
    from tests.checks.test_catalogue import GOLDEN, catalogue_text

    GOLDEN.write_text(catalogue_text(), encoding="utf-8")


def _make_sdks() -> None:
    from tests.sdks.test_sdks import GOLDEN, all_request_lines

    GOLDEN.write_text(all_request_lines(), encoding="utf-8")


def _make_goldens() -> None:
    from tests.report.test_html import GOLDEN, golden_text
    from tests.support.golden_files import DIRECTORY, golden_texts

    GOLDEN.write_text(golden_text(), encoding="utf-8")
    for name, content in golden_texts().items():
        (DIRECTORY / name).write_text(content, encoding="utf-8")


def _make_costs() -> None:
    from tests.run.test_estimate import COSTS, costs_text

    COSTS.write_text(costs_text(), encoding="utf-8")


def _make_requests() -> None:
    from conformance.contract import Contract
    from conformance.core.resources import profile_names
    from conformance.fuzz.corpus import shipped_path, write_shipped
    from conformance.profile import load

    best = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 8 * 1024 * 1024}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.jsonl"
        for name in profile_names():
            for contract in (whole := Contract(load(name)), *whole.readings):
                write_shipped(contract, path)
                shipped_path(contract).write_bytes(lzma.compress(path.read_bytes(), filters=[best]))


def _make_reference_pages() -> None:
    import_module("tests.support.reference_pages").main()


def _make_sample() -> None:
    import_module("tests.support.readme_sample").main()


def _make_reports() -> None:
    from reports.__main__ import make_all

    make_all()


def _make_numbers() -> None:
    from tests.support.self_check_numbers import FILES, with_totals

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "self-check.json"
        subprocess.run([sys.executable, "-m", "conformance", "self-check", "--json", str(report)], check=True)
        totals = json.loads(report.read_text("utf-8"))["totals"]
    for name in FILES:
        path = paths.ROOT / name
        path.write_text(with_totals(name, path.read_text("utf-8"), totals), encoding="utf-8")


def _make_screenshot() -> None:
    from tests.support import screenshot

    screenshot.main()


STEPS = {
    "catalogue": Step("tests/golden/catalogue.txt: ids, tiers and levels of all checks", _make_catalogue),
    "sdks": Step("tests/golden/sdks.txt: the requests of official SDKs", _make_sdks),
    "goldens": Step("tests/golden: each kind of report of a small sample", _make_goldens),
    "reference": Step("docs/reference: pages of options, checks and profile keys", _make_reference_pages),
    "sample": Step("README.md: the sample of a failure", _make_sample),
    "requests": Step("specs/requests: the generated requests that come with the suite", _make_requests),
    "costs": Step("specs/costs.json: what each check sends", _make_costs),
    "reports": Step("reports: the reference servers, by their own profile and by all others", _make_reports),
    "numbers": Step("README.md and docs/self-check.md: the numbers of the self-check", _make_numbers),
    "screenshot": Step("docs/report.png: the picture of the HTML report", _make_screenshot, is_default=False),
}
"""The steps in the order in which they run: quick ones first."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
