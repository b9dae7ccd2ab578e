"""The way for contributors: the template of a profile, the steps that make files again, and what the guide names."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from conformance import cli
from conformance.contract import Contract
from conformance.core import resources
from conformance.profile import load
from tests import regenerate
from tests.support import paths

if TYPE_CHECKING:
    import pytest

GUIDE = (paths.ROOT / "CONTRIBUTING.md").read_text("utf-8")
TEMPLATE = paths.ROOT / "docs" / "profile-template.yaml"


def test_the_template_is_a_profile_but_no_vendor() -> None:
    """It loads as it is, so that its copy does; nobody is offered it as a vendor."""
    profile = load(str(TEMPLATE))
    assert [str(operation) for operation in Contract(profile).operations] == ["POST /v1/track"]
    assert profile.name not in resources.profile_names()
    assert {"answers.accepted", "answers.json-invalid", "limits.event"} <= set(profile.facts)


def test_the_reference_server_conforms_to_the_template(capsys: pytest.CaptureFixture[str]) -> None:
    """The first thing that an author does with a copy works."""
    assert cli.main(["run", "--profile", str(TEMPLATE), "--quiet", "--select", "json"]) == 0
    assert "conforms at must: " in capsys.readouterr().out


def test_every_step_has_a_test_that_names_it() -> None:
    """Whatever is made again is noticed when it is out of date; the screenshot is looked at by people."""
    sources = "".join(path.read_text("utf-8") for path in paths.TESTS.rglob("test_*.py"))
    hinted = set(re.findall(r"""hint\(["'](\w+)["']\)""", sources))
    assert hinted == set(regenerate.STEPS) - {"screenshot"}
    assert "regenerate screenshot" in sources


def test_the_guide_lists_the_steps() -> None:
    """Its table has every step, and no other."""
    section = GUIDE.partition("## What is made")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(regenerate.STEPS)
    for names in re.findall(r"python -m tests\.regenerate((?: [a-z]+)+)`", GUIDE):
        assert set(names.split()) <= set(regenerate.STEPS)


def test_an_unknown_step_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With the nearest name, and before anything is made."""
    assert regenerate.main(["catalog"]) == 2
    assert "catalog: no such step; did you mean 'catalogue'?" in capsys.readouterr().err
    assert regenerate.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(regenerate.STEPS)


def test_files_that_the_guide_names_exist() -> None:
    """A path or a test that moves is followed here."""
    for path, name in re.findall(r"`((?:tests|docs|specs|conformance)/[\w./-]+)(?:::(\w+))?`", GUIDE):
        if "my" in path:
            continue
        assert (paths.ROOT / path).exists(), path
        if name:
            assert f"def {name}(" in (paths.ROOT / path).read_text("utf-8")


PROGRAM = """
import sys
from conformance.cases import CHECKS, web
from conformance.checks import catalogue
from conformance.checks.check import EVENTS, FirstPer
from conformance.core.model import Level
from conformance.profile.facts import Condition
from conformance.refserver.faults import syntax
from conformance.selfcheck.detection import expected_checks

names = {**vars(syntax), **vars(web), "EVENTS": EVENTS, "FirstPer": FirstPer, "Level": Level, "Condition": Condition}
from conformance.refserver.faults.fault import requires_facts
from conformance.refserver.faults.response_overrides import accept_refused
names |= {"requires_facts": requires_facts, "accept_refused": accept_refused}
*checks, fault = sys.stdin.read().split("#####")
for block in checks:
    exec("from __future__ import annotations\\n" + block, names)
every = catalogue.all_checks()
print(*sorted({item.id for item in every} - {item.id for item in CHECKS}))
print(*(item.id for item in expected_checks(eval(fault.strip(), names), every)))
"""


def test_the_examples_of_the_guide_are_code_of_today() -> None:
    """A reader who copies them gets two checks, and a fault that names one of them."""
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    completed = subprocess.run(
        [sys.executable, "-c", PROGRAM], input="#####".join(blocks), capture_output=True, text=True, check=False
    )
    assert completed.stdout.splitlines() == [
        "json.syntax.hexadecimal robustness.query.unknown", "json.syntax.hexadecimal",
    ], completed.stderr  # fmt: skip
