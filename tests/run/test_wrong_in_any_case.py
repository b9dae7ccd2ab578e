"""What is wrong in any case is not wrong because of something else: one mistake, and only the checks about it."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

import pytest

from tests.selfcheck.test_independent_servers import report_of_run
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.options import Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from tests.targets.messages import Answer, Call, RefusalError

SELECT = "json,robustness,size,payload,batch,auth"


class TakesAnyJson(Application):
    """A server that answers a success first, and parses later."""

    def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
        """Take what can't be read."""
        if refusal.kind in {"json", "utf8", "shape"}:
            return self.answer_accepted(call, [])
        return super().answer_refused(call, refusal)


class TakesAnySize(Application):
    """A server without limits."""

    def check_size(self, _call: Call) -> None:
        """Refuse nothing."""

    def check_item_size(self, _call: Call, _item: dict[str, object]) -> None:
        """Refuse nothing."""


class TakesAnyKey(Application):
    """A server that never looks at keys."""

    def check_credentials(self, _call: Call) -> None:
        """Refuse nothing."""


class TakesAnonymousEvents(Application):
    """A server that never looks for a user."""

    def check_identity(self, _event: dict[str, object], _kind: str) -> None:
        """Refuse nothing."""


def with_json_status(status: int) -> Options:
    """A server with another answer to invalid JSON."""
    return Options(statuses={"json": status})


MISTAKES: dict[str, tuple[type[Application], Options, str]] = {
    "any-json": (TakesAnyJson, Options(), "json.*"),
    "any-size": (TakesAnySize, Options(), "size.*.over"),
    "any-key": (TakesAnyKey, Options(), "auth.*"),
    "no-identity": (TakesAnonymousEvents, Options(), "payload.identity.missing batch.partly-bad.*"),
    "json-422": (Application, with_json_status(422), "json.*"),
    "json-500": (Application, with_json_status(500), "json.* robustness.* errors.*"),
}


@pytest.mark.parametrize(
    ("mistake", "dialect"),
    [*((mistake, "segmentstream") for mistake in MISTAKES), ("any-json", "rudderstack"), ("any-size", "rudderstack")],
)
def test_only_the_checks_about_a_mistake_fail(mistake: str, dialect: str) -> None:
    """Checks that compare look at what is answered alone, too."""
    application, options, globs = MISTAKES[mistake]
    with serve(application(DIALECTS[dialect], options)) as url:
        report = report_of_run(url, dialect, SELECT)
    failed = {item.id for item in report.problems()}
    assert failed
    assert {name for name in failed if not any(fnmatch.fnmatch(name, glob) for glob in globs.split())} == set()
    assert not failed & {"robustness.concurrency.matched", "robustness.pipelining.order", "robustness.recovery.json"}
