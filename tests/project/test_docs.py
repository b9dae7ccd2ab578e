"""The documentation: it builds, its links lead somewhere, and what it says of options and numbers is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from conformance.cases import CHECKS
from conformance.cli import diff as diff_command
from conformance.cli import fuzz as fuzz_command
from conformance.core import resources
from conformance.fuzz.finding import FAILURE_TITLES
from conformance.fuzz.judge import FailureKind
from conformance.report import diff_summary
from conformance.run import circuit_breaker, plan
from conformance.settings.table import SETTINGS
from tests.project.test_imports import LAYERS
from tests.regenerate import hint
from tests.support import option_page, profile_key_page, readme_sample
from tests.support.paths import ROOT
from tests.support.reference_pages import DIRECTORY, reference_pages

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.settings.setting import Setting

DOCS = ROOT / "docs"
WRITTEN_PAGES = sorted(path for path in DOCS.rglob("*.md") if DIRECTORY not in path.parents)
TOP_PAGES = [
    ROOT / name
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "reports/README.md", "examples/asgi/README.md")
]
PAGES = [path for path in (*TOP_PAGES, *WRITTEN_PAGES) if path.exists()]
PAGE_NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
OPTIONS = option_page.command_options()
PLUGIN_OPTIONS = {f"--conformance-{name}" for name in ("", "url", "json", *(setting.name for setting in SETTINGS))}
FOREIGN_OPTIONS = {
    "--network", "--rm", "--version",
    "--input",
    "--co", "--durations", "--ff", "--lf", "--nf", "--sw",
    "--collect-only", "--delay-request", "--detach", "--dist", "--editable", "--env-var", "--folder", "--junitxml",
    "--list", "--master", "--master-host", "--worker",
    "--pyargs", "--quiet", "--render", "--timeout-request", "--wait", "--yes",
}  # fmt: skip
"""Options of pytest, newman, pip and others that the pages name."""
WITH_DEFAULT = [setting for setting in SETTINGS if setting.default not in (None, False, ())]
TABLE_COMMANDS = {
    "run.md": "run", "reports.md": "run", "probe.md": "probe", "fuzzing.md": "fuzz", "diff.md": "diff",
    "export.md": "export", "self-check.md": "self-check", "sdks.md": "sdk", "client.md": "client",
}  # fmt: skip
"""The command that the options in a page's tables belong to."""


def text_of(name: str) -> str:
    """A page of docs."""
    return (DOCS / name).read_text("utf-8")


def anchor(heading: str) -> str:
    """The anchor that MkDocs and GitHub make of a heading."""
    plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain))


def without_fences(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The built documentation, and how the build went."""
    place = tmp_path_factory.mktemp("site")
    completed = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    return completed, place


def test_the_documentation_builds(site: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Without warnings: every page is in the navigation, every link and anchor leads somewhere."""
    completed, place = site
    assert completed.returncode == 0, completed.stderr
    assert "WARNING" not in completed.stderr
    built = {path.relative_to(place).with_suffix(".md").as_posix() for path in place.rglob("*.html")} - {"404.md"}
    assert built == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


def test_the_site_loads_nothing_from_elsewhere(site: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Styles, scripts, fonts and pictures are its own."""
    for path in site[1].rglob("*.html"):
        tags = re.findall(r"<(?:script|img|link|iframe)\b[^>]*>", path.read_text("utf-8"))
        loaded = [tag for tag in tags if re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag)]
        assert loaded == [], path.name


def test_reference_pages_are_those_of_the_code() -> None:
    """What is kept is what the code says now."""
    pages = reference_pages()
    kept = {path.relative_to(DIRECTORY).as_posix(): path.read_text("utf-8") for path in DIRECTORY.rglob("*.md")}
    stale = sorted(name for name in {*pages, *kept} if pages.get(name) != kept.get(name))
    assert not stale, f"{hint('reference')}: {', '.join(stale)}"


def test_the_reference_is_complete() -> None:
    """Every command, setting and check is on it, and every key of a profile has a description."""
    options = text_of("reference/options.md")
    for command, names in OPTIONS.items():
        assert f"### conformance {command}\n" in options
        usages = [option.usage.replace("|", "\\|") for option in names.values()]
        assert [usage for usage in usages if f"| `{usage}` |" not in options] == []
    listing = text_of("reference/checks.md")
    assert [check.id for check in CHECKS if f"[`{check.id}`]" not in listing] == []
    schema = profile_key_page.schema()
    nodes = {"": schema, **{name: node for name, node in schema["$defs"].items() if name != "common"}}
    bare = [
        f"{name}/{key}"
        for name, node in nodes.items()
        for key, value, _ in profile_key_page.keys(schema, node)
        if not profile_key_page.describe(schema, value)
    ]
    assert bare == []


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_links_lead_somewhere(name: str) -> None:
    """Every relative link is to a file that is there, and every anchor to a heading in it."""
    page = ROOT / name
    for link in re.findall(r"\]\((?!https?://)([^)\s]+)\)", without_fences(page.read_text("utf-8"))):
        file, _, fragment = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        if fragment:
            headings = re.findall(r"^#+ (.+)$", without_fences(target.read_text("utf-8")), re.MULTILINE)
            assert fragment in {anchor(heading) for heading in headings}, link


@pytest.mark.parametrize("name", [name for name in PAGE_NAMES if "internals" in name or name == "ARCHITECTURE.md"])
def test_classes_that_are_named_exist(name: str) -> None:
    """A class that gets another name gets it in the explanations, too."""
    text = (ROOT / name).read_text("utf-8")
    classes = set()
    for path in (ROOT / "conformance").rglob("*.py"):
        classes |= set(re.findall(r"^\s*class (\w+)", path.read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`", text)
    named += re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", "\n".join(re.findall(r"^    .*->.*$", text, re.MULTILINE)))
    assert set(named) - classes == set()


def test_tox_names_tests_that_exist() -> None:
    """A file of tests that moves is followed there, too."""
    named = re.findall(r"tests/[\w/]+(?:\.py)?", (ROOT / "tox.ini").read_text("utf-8"))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_files_and_modules_that_are_named_exist(name: str) -> None:
    """A path in a text is one in the repository, or in the package; `python -m` names a module."""
    text = (ROOT / name).read_text("utf-8")
    places = (ROOT, ROOT / "conformance")
    for path in re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", without_fences(text)):
        known = path.split("/")[0] in {"specs", "tests", "ci", "examples", "docs", "reports", "benchmarks"}
        if known or path.endswith(".py"):
            assert any((place / path).exists() for place in places) or "my" in path, path
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert find_spec(module) is not None, module


def table_rows(text: str) -> list[tuple[str, str, str]]:
    """The rows of option tables: option, metavar, default; the default is empty in tables without that column."""
    rows = []
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        has_default = table.startswith("| option | default |")
        for line in table.splitlines():
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if match := re.fullmatch(r"`(--[\w-]+)(?: (.+))?`", cells[0]):
                rows.append((match[1], match[2] or "", cells[1].strip("`") if has_default else ""))
    return rows


@pytest.mark.parametrize(("page", "command"), TABLE_COMMANDS.items())
def test_option_tables_are_true(page: str, command: str) -> None:
    """An option in a table is one of the command, takes what the table says, and has that default."""
    rows = table_rows(text_of(page))
    assert rows
    for name, metavar, default in rows:
        option = OPTIONS[command][name]
        assert metavar.split("|")[0] in {option.metavar.split("|")[0], "FORMAT"}, name
        if default and re.fullmatch(r"[\w$.]+", option.default) and command != "probe":
            assert default.startswith(option.default), name


@pytest.mark.parametrize("setting", WITH_DEFAULT, ids=lambda setting: setting.name)
def test_the_help_of_a_setting_has_its_default(setting: Setting) -> None:
    """The table has the default, and so has the sentence in `--help`."""
    default = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
    assert f"(default: {default})" in setting.help or f"{default} (default)" in setting.help


def test_the_table_of_run_is_complete() -> None:
    """No option of `run` is left out."""
    assert {row[0] for row in table_rows(text_of("run.md"))} == {name for name in OPTIONS["run"] if name != "URL"}


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_options_that_are_named_exist(name: str) -> None:
    """In prose and in examples; what stands after `conformance COMMAND` is an option of that command."""
    text = (ROOT / name).read_text("utf-8")
    known = {option for options in OPTIONS.values() for option in options} | PLUGIN_OPTIONS | FOREIGN_OPTIONS
    blocks = re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE)
    code = "\n".join([*re.findall(r"`([^`\n]+)`", without_fences(text)), *blocks])
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", code)) - known == set()
    for command, rest in re.findall(r"\bconformance ([a-z-]+)((?: [^\n`|#&;]*)?)", code):
        if command in OPTIONS:
            own = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", rest)) - FOREIGN_OPTIONS
            assert own <= set(OPTIONS[command]), f"conformance {command}{rest}"


def test_numbers_are_those_of_the_code() -> None:
    """Counts of generated requests, the breaker's patience, the profiles and the areas."""
    fuzzing, readme = text_of("fuzzing.md"), (ROOT / "README.md").read_text("utf-8")
    count, seconds = plan.DEFAULT_FUZZ_REQUESTS, plan.DEFAULT_FUZZ_S
    assert f"end with {count:,} generated requests, for at most {seconds:g} s" in fuzzing
    assert f"| `--fuzz N` | {count} on loopback" in text_of("run.md")
    assert f"| `--fuzz N` | {fuzz_command.DEFAULT_REQUESTS} on this machine" in fuzzing
    assert f"| `--fuzz N` | {diff_command.DEFAULT_REQUESTS} on this machine" in text_of("diff.md")
    limit = circuit_breaker.MAX_CONSECUTIVE_FAILURES
    assert f"After {limit} requests in a row without an answer, or {limit} answers" in text_of("safety.md")
    for page in (readme, text_of("profiles.md")):
        assert sorted(re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE)) == resources.profile_names()
    (table,) = re.findall(r"^\| area \| checks \|\n(?:\|.*\n)+", text_of("run.md"), re.MULTILINE)
    areas = re.findall(r"^\| ([a-z, -]*[a-z]) \|", table, re.MULTILINE)[1:]
    assert {word for area in areas for word in area.split(", ")} == {str(check.area) for check in CHECKS}


def test_the_sample_in_the_readme_is_what_a_run_prints() -> None:
    """A server that does not count chunks, judged as the README shows it, up to the line that sends it again."""
    text = (ROOT / "README.md").read_text("utf-8")
    assert readme_sample.with_sample(text) == text, hint("sample")


def test_the_samples_of_fuzz_and_diff_use_the_words_of_the_code() -> None:
    """A title, a promise or a verdict that reads differently is changed in the pages, too."""
    assert f"       what null as /traits: {FAILURE_TITLES[FailureKind.SERVER_ERROR]}\n" in text_of("fuzzing.md")
    title = next(check.title for check in CHECKS if check.id == "accept.event.minimal")
    sample = text_of("diff.md")
    assert f"    promise {title}\n" in sample
    assert f"    verdict {diff_summary.describe_kept_by({'keeps': 'A'})}\n" in sample


def test_the_readme_is_short_and_begins_with_its_two_commands() -> None:
    """At most 1,500 words; the first block runs the suite, the second is what `.ci/run` takes for the tests."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert len(readme.split()) <= 1_500
    run_block, test_block = re.findall(r"^```sh\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)[:2]
    assert "conformance run --profile segment" in run_block
    assert test_block.rstrip().endswith(".venv/bin/python -m pytest")
    awk = """awk '/^```/ { block += 1; next } block == 3' README.md"""
    assert awk in (ROOT / ".ci" / "run").read_text("utf-8")
    completed = subprocess.run(["bash", "-c", awk], cwd=ROOT, capture_output=True, text=True, check=True)
    assert completed.stdout == test_block


def test_the_map_has_every_package_on_its_layer() -> None:
    """ARCHITECTURE.md shows the layers that the test of imports keeps."""
    layers: dict[int, set[str]] = {}
    layer = 0
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for number, names in re.findall(r"^\| (\d*) *\| (`[^|]+`) \|", text, re.MULTILINE):
        layer = int(number or layer)
        layers.setdefault(layer, set()).update(re.findall(r"`(\w+)`", names))
    assert layers == dict(enumerate(LAYERS, 1))


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_nobody_stumbles(name: str) -> None:
    """No sentence has a Who- or What-clause for its subject, and phrases that made readers stumble are gone."""
    prose = re.sub(r"`[^`]*`", "code", without_fences((ROOT / name).read_text("utf-8")))
    sentences = re.split(r"(?<=[.?!:])\s+|\n\s*\n|\||\n- ", prose.replace("**", ""))
    assert [text for text in sentences if re.match(r"(?:Who|Whoever|Whatever|What)\s.*\.$", text, re.DOTALL)] == []
    assert re.findall(r"\b(?:is told|are told|comes to|such that is none)\b", prose) == []
