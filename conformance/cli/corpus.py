"""Generated requests for `fuzz` and `diff`, with a message while they are generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cli.progress import print_damage
from conformance.fuzz.corpus import load_or_generate

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.fuzz.corpus import Corpus
    from conformance.run.plan import Plan


def load_corpus(plan: Plan, count: int, console: Console, *, refresh: bool = False) -> Corpus:
    """The stored corpus of a plan with at least `count` requests, generated first if none is there, whole and sound."""

    def announce(damage: str) -> None:
        print_damage(damage, console)
        console.print("generating requests, which takes a few seconds; the next run finds them stored")

    return load_or_generate(plan.contract, plan.fuzz_seed, count, refresh=refresh, on_generate=announce)
