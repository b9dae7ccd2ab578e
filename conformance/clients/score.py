"""The score of the judgement of clients: a client with bugs that can be switched on, and none that may be missed."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from conformance.clients.judge import judge
from conformance.clients.run import Client, run_script
from conformance.clients.scripts import load_client_scripts
from conformance.contract import Contract
from conformance.core import resources
from conformance.profile import load, yaml_document
from conformance.refserver.embedded import run_embedded_server
from conformance.requests import Keys
from conformance.sdk_runs.driving import WRITE_KEY
from conformance.wire import parse_target

JOBS = 4
CLIENT = Path(__file__).with_name("faulty_client.py")
"""The client with bugs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFault:
    """A bug of the client, the rule that it breaks, and a script that shows it."""

    name: str
    rule: str
    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientScore:
    """How many bugs were caught, and what is wrong: bugs that were missed, and findings about the correct client."""

    caught: int
    total: int
    scripts: int
    problems: tuple[str, ...]

    @property
    def line(self) -> str:
        """The score in one line."""
        return f"clients: {self.caught}/{self.total} bugs of a client caught, in {self.scripts} scripts of answers"


@cache
def _data() -> Any:  # noqa: ANN401 - data of the suite
    return yaml_document.read(resources.specs_dir() / "client-faults.yaml", "faults").value


def load_client_faults() -> tuple[ClientFault, ...]:
    """The bugs, from `specs/client-faults.yaml`."""
    return tuple(ClientFault(name=name, **item) for name, item in _data()["faults"].items())


def client_score() -> ClientScore:
    """Runs the client with each bug, and without one."""
    scripts = {script.name: script for script in load_client_scripts()}
    faults = load_client_faults()
    contract = Contract(load(_data()["profile"]))
    server = run_embedded_server(_data()["profile"], Keys(write_key=WRITE_KEY))
    with server as url, ThreadPoolExecutor(JOBS) as pool:
        reference = parse_target(url)

        def rules_broken(fault: str, script: str) -> set[str]:
            client = Client(command=(sys.executable, str(CLIENT), fault))
            return {finding.rule for finding in judge(run_script(client, scripts[script], reference), contract)}

        correct = list(pool.map(lambda name: rules_broken("", name), scripts))
        broken = list(pool.map(lambda fault: rules_broken(fault.name, fault.script), faults))
    missed = [fault.name for fault, rules in zip(faults, broken, strict=True) if fault.rule not in rules]
    wrong = [
        f"the correct client breaks {rule} in {name}"
        for name, rules in zip(scripts, correct, strict=True)
        for rule in sorted(rules)
    ]
    return ClientScore(
        caught=len(faults) - len(missed),
        total=len(faults),
        scripts=len(scripts),
        problems=(*(f"the client's bug {name} was missed" for name in missed), *wrong),
    )
