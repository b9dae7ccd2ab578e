"""Generated requests for the commands that send them, with their progress while they are generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cli.progress import CountDisplay, print_damage
from conformance.core.model import Area
from conformance.fuzz.corpus import load_or_generate

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.fuzz.corpus import Corpus
    from conformance.run.plan import Plan


def load_corpus(plan: Plan, count: int, console: Console, *, refresh: bool = False) -> Corpus:
    """The stored corpus of a plan with at least `count` requests, generated first if none is there, whole and sound."""
    name = plan.contract.profile.name
    with CountDisplay(console, f"{name}: generating requests, once") as display:

        def announce(damage: str) -> None:
            print_damage(damage, console)
            display.start()

        return load_or_generate(
            plan.contract, plan.fuzz_seed, count, refresh=refresh, on_generate=announce, on_case=display.update
        )


def load_corpus_of_run(plan: Plan, console: Console) -> Corpus | None:
    """The generated requests that a run will send, before it starts; None if it sends none."""
    if not plan.fuzz_requests or all(trial.check.area is not Area.FUZZ for trial in plan.trials):
        return None
    return load_corpus(plan, plan.fuzz_requests, console)
