"""Access tokens of an issuer: one that is valid, one that it never issued, and one that has expired."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance import cli
from conformance.contract import Contract
from conformance.profile import load
from conformance.refserver.faults.credentials import auth_scheme, auth_token
from conformance.refserver.faults.response_overrides import INTERNAL_ERROR, error_reply
from conformance.refserver.server_change import ServerChange
from conformance.refserver.threaded_server import ThreadedServer, uvicorn_config

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

KEY, NOW_S, LIFETIME_S = "issuers-write-key", 1_000_000, 3_600


class ExpiredToken(Exception):
    """The token was issued here, and its time is over."""


class UnknownToken(Exception):
    """The token was not issued here."""


class Issuer:
    """An authorization server: its tokens say until when they are valid, under its signature."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def issue(self, at_s: int) -> str:
        """A token that is issued at a time."""
        expiry = str(at_s + LIFETIME_S)
        return f"{expiry}.{self._sign(expiry)}"

    def verify(self, token: str) -> None:
        """Raises UnknownToken or ExpiredToken for a token that is not valid now."""
        expiry, _, signature = token.partition(".")
        if not hmac.compare_digest(signature, self._sign(expiry)):
            raise UnknownToken
        if int(expiry) < NOW_S:
            raise ExpiredToken


ISSUER = Issuer(b"a secret of the issuer")
VALID, EXPIRED = ISSUER.issue(NOW_S - 60), ISSUER.issue(NOW_S - 2 * LIFETIME_S)


def by_issuer(view: RequestView, on_expired: ServerReply) -> ServerReply | None:
    """Answers 401 to tokens that the issuer does not know, and as given to those that have expired."""
    if auth_scheme(view) != "Bearer":
        return None
    try:
        ISSUER.verify(auth_token(view))
    except UnknownToken:
        return error_reply(view, 401)
    except ExpiredToken:
        return on_expired
    return None


def refuse(view: RequestView) -> ServerReply | None:
    """A server that refuses what has expired."""
    return by_issuer(view, error_reply(view, 401))


def crash(view: RequestView) -> ServerReply | None:
    """A server that can't say that a token has expired."""
    return by_issuer(view, INTERNAL_ERROR)


@pytest.mark.parametrize(("override", "outcome"), [(refuse, "pass"), (crash, "fail")])
def test_tokens_of_an_issuer(override: Any, outcome: str, tmp_path: Path) -> None:  # noqa: ANN401 - a function
    """Each kind of token has its answer, and a crash on an expired one is named."""
    report = tmp_path / "report.json"
    app = ServerChange.from_part(override).create_application(Contract(load("segment")), KEY, VALID)
    with ThreadedServer(uvicorn_config(app), "the server under test") as server:
        credentials = ["--write-key", KEY, "--bearer", VALID, "--expired-bearer", EXPIRED]
        options = ["--profile", "segment", "--fuzz", "0", "--quiet", "--json", str(report)]
        cli.main(["run", server.url, *credentials, *options, "--select", "auth.bearer.*,accept.credentials.bearer"])
    text = report.read_text("utf-8")
    checks = {item["id"]: item for item in json.loads(text)["checks"] if item["operation"] == "POST /v1/identify"}
    assert {name: item["outcome"] for name, item in checks.items()} == {
        "accept.credentials.bearer": "pass",
        "auth.bearer.expired": outcome,
        "auth.bearer.missing-key": "pass",
        "auth.bearer.unknown-token": "pass",
    }
    assert "401 is tolerated" in checks["auth.bearer.unknown-token"]["message"]
    assert VALID not in text
    assert EXPIRED not in text
