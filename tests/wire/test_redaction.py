"""Redaction: whatever a key is made of, and however it is written down, no report shows it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conformance.core.model import Exchange, Request, Response, TransportFailure
from conformance.requests import Keys
from conformance.requests.credentials import REDACTED_BEARER, REDACTED_WRITE_KEY
from conformance.wire import Redactor, Wire, parse_target
from tests.support.scripted_server import ClientConnection, ConnectionScript, scripted_server

SETTINGS = settings(derandomize=True, deadline=None, max_examples=150, database=None)
BEFORE, AFTER = "<", ">"
"""What stands around a key in these tests; no key has them."""

KEYS = st.text(
    alphabet=st.one_of(
        st.sampled_from("""aZ09-_"'\\%/+=&?:#$ .~é日😀ſß"""),
        st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="<>"),
    ),
    min_size=4,
    max_size=24,
)


def secrets_of(keys: Keys) -> dict[str, str]:
    """The secrets of a run that are long enough to be redacted."""
    return {secret: shown for secret, shown in keys.placeholders_by_secret().items() if len(secret) >= 4}


def base64_core(secret: bytes, shift: int) -> str:
    """The characters of base64 that are a secret's own, with `shift` bytes before it: found by trial."""
    low, high = (base64.b64encode(b * shift + secret + b * 3).decode() for b in (b"\x00", b"\xff"))
    return "".join(one for one, other in zip(low, high, strict=True) if one == other)


def encodings_of(secret: str) -> set[str]:
    """A secret as it is, in JSON with and without escapes, and in URLs."""
    jsons = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    urls = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {
        secret,
        *jsons,
        *(item.replace("/", "\\/") for item in jsons),
        *urls,
        *(re.sub("%..", lambda found: found[0].lower(), item) for item in urls),
    }


def base64_forms(secret: str) -> set[str]:
    """What base64 of anything with a secret in it can't hide, in both alphabets."""
    raw = secret.encode()
    cores = {base64_core(raw, shift) for shift in range(3)}
    return cores | {item.translate(str.maketrans("+/", "-_")) for item in cores}


def assume_no_stand_in(secrets: dict[str, str]) -> None:
    """Leaves out keys that are part of what stands in for them."""
    shown = " ".join(secrets.values())
    assume(not any(form in shown for secret in secrets for form in encodings_of(secret) | base64_forms(secret)))


def texts_containing(secret: str, prefix: str, suffix: str) -> list[str]:
    """Texts that carry a secret, in every spelling."""
    whole = f"{prefix}{secret}{suffix}".encode()
    return [
        *(f"{BEFORE}{form}{AFTER}" for form in encodings_of(secret)),
        base64.b64encode(whole).decode(),
        base64.urlsafe_b64encode(whole).decode(),
        base64.b64encode(whole).decode().rstrip("="),
    ]


def leaked_forms(shown: str, secret: str) -> list[str]:
    """The spellings of a secret that a text still has."""
    return [form for form in encodings_of(secret) | base64_forms(secret) if form in shown]


@SETTINGS
@given(write_key=KEYS, prefix=st.text(max_size=4), suffix=st.text(max_size=4))
def test_no_spelling_survives_in_texts_and_bodies(write_key: str, prefix: str, suffix: str) -> None:
    """Neither of the right key nor of the wrong keys that are made from it, alone or all together."""
    secrets = secrets_of(Keys(write_key=write_key))
    assume_no_stand_in(secrets)
    redactor = Redactor(secrets)
    for secret in secrets:
        for text in texts_containing(secret, prefix, suffix):
            assert leaked_forms(redactor.redact_text(text), secret) == []
            assert leaked_forms(redactor.redact_body(text.encode()).decode(), secret) == []


@SETTINGS
@given(write_key=KEYS, suffix=st.text(alphabet="ab:é", max_size=4))
def test_no_spelling_survives_in_a_request(write_key: str, suffix: str) -> None:
    """Basic credentials, headers, query and body, whatever the length of the key."""
    secrets = secrets_of(Keys(write_key=write_key))
    assume_no_stand_in(secrets)
    for secret, shown in secrets.items():
        token = base64.b64encode(f"{secret}{suffix}".encode()).decode()
        request = Redactor(secrets).redact_request(
            Request(
                method="POST",
                path="/v1/track",
                query=(("k", secret), ("data", token)),
                headers=(("Authorization", f"Basic {token}"), ("X-Key", secret)),
                body=json.dumps({"writeKey": secret}).encode(),
            )
        )
        values = [value for _, value in (*request.query, *request.headers)]
        assert [leaked_forms(value, secret) for value in (*values, request.body.decode())] == [[]] * 5
        assert not any(token in value for value in values)
        assert shown in values[0]
        assert values[2].startswith(("Basic base64(", "Basic $"))


@SETTINGS
@given(write_key=KEYS)
def test_no_spelling_survives_in_a_response(write_key: str) -> None:
    """A server may say back what it was sent, anywhere in its answer."""
    secrets = secrets_of(Keys(write_key=write_key))
    assume_no_stand_in(secrets)
    redactor = Redactor(secrets)
    for secret in secrets:
        for text in texts_containing(secret, "", ":"):
            redacted = redactor.redact_response(
                Response(status=400, headers=((text, "1"), ("X-Echo", text)), body=text.encode())
            )
            values = [part for pair in redacted.headers for part in pair]
            assert [leaked_forms(value, secret) for value in (*values, redacted.body.decode())] == [[]] * 5


@SETTINGS
@given(text=st.text(), write_key=KEYS)
def test_what_holds_no_secret_is_left_alone(text: str, write_key: str) -> None:
    """Texts and bodies without a secret come out as they went in."""
    secrets = secrets_of(Keys(write_key=write_key))
    assume(not any(leaked_forms(text, secret) for secret in secrets))
    assert Redactor(secrets).redact_text(text) == text
    assert Redactor(secrets).redact_body(text.encode()) == text.encode()


def test_the_keys_of_a_run_have_their_stand_ins() -> None:
    """The right key, the wrong ones that would give it away, and the bearer token."""
    keys = Keys(write_key="Key-12345", bearer="token-67890")
    assert keys.placeholders_by_secret() == {
        "Key-12345": REDACTED_WRITE_KEY,
        "Key-1234": f"truncated({REDACTED_WRITE_KEY})",
        "kEY-12345": f"swapcase({REDACTED_WRITE_KEY})",
        "token-67890": REDACTED_BEARER,
    }


def test_a_key_without_letters_is_shown_as_itself() -> None:
    """Its other case is no other key."""
    assert Keys(write_key="12345").placeholders_by_secret() == {
        "12345": REDACTED_WRITE_KEY,
        "1234": f"truncated({REDACTED_WRITE_KEY})",
    }


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Key-12345", "$CONFORMANCE_WRITE_KEY"),
        ("Key-12345x", "$CONFORMANCE_WRITE_KEYx"),
        ("xKey-12345", "x$CONFORMANCE_WRITE_KEY"),
        ("Key-1234", "truncated($CONFORMANCE_WRITE_KEY)"),
        ("kEY-12345", "swapcase($CONFORMANCE_WRITE_KEY)"),
        ("Bearer token-67890", "Bearer $CONFORMANCE_BEARER"),
        ("Basic S2V5LTEyMzQ1Og==", "Basic base64($CONFORMANCE_WRITE_KEY:)"),
        ("Basic S2V5LTEyMzR4Og==", "Basic base64(truncated($CONFORMANCE_WRITE_KEY)x:)"),
        ("Digest S2V5LTEyMzQ1Og==", "Digest base64($CONFORMANCE_WRITE_KEY:)"),
        ("Basic b3RoZXI6", "Basic b3RoZXI6"),
    ],
)
def test_a_header_shows_how_its_key_was_wrong(sent: str, shown: str) -> None:
    """Who reads a report sees what was sent, with a variable in place of the key."""
    redactor = Redactor(Keys(write_key="Key-12345", bearer="token-67890").placeholders_by_secret())
    request = redactor.redact_request(Request(method="POST", path="/", headers=(("Authorization", sent),)))
    assert request.headers == (("Authorization", shown),)


@pytest.mark.parametrize("write_key", ["a", "abc"])
def test_a_key_too_short_to_be_secret_is_left_alone(write_key: str) -> None:
    """Else every text would become unreadable."""
    assert Redactor(Keys(write_key=write_key).placeholders_by_secret()).redact_text("abc and more") == "abc and more"


def test_a_header_in_utf_8_is_known_again() -> None:
    """HTTP reads headers as latin-1, whatever the server meant."""
    redactor = Redactor(Keys(write_key="Schlüssel-日本").placeholders_by_secret())
    header = ("X-Echo", "Schlüssel-日本".encode().decode("latin-1"))
    redacted = redactor.redact_response(Response(status=400, headers=(header,)))
    assert redacted.headers == (("X-Echo", REDACTED_WRITE_KEY),)


def echo(peer: ClientConnection) -> None:
    """Says everything back that it was sent: in its headers and in its body."""
    request = peer.read_request()
    echoed_headers = "".join(f"X-Echo-{name}: {value}\r\n" for name, value in request.headers)
    body = f"{request.target} {request.headers} {request.body.decode('latin-1')}".encode("latin-1")
    peer.send(f"HTTP/1.1 400 No\r\n{echoed_headers}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)


def answer_without_http(peer: ClientConnection) -> None:
    """Says the body back in place of a status line."""
    peer.send(b"HTTP/9 " + peer.read_request().body + b"\r\n\r\n")


def exchange_with(script: ConnectionScript, keys: Keys) -> Exchange:
    """A request that carries the key everywhere, and what a server made of it."""
    token = base64.b64encode(f"{keys.write_key}:".encode()).decode()
    request = Request(
        method="POST",
        path="/v1/track",
        query=(("key", keys.write_key),),
        headers=(("Authorization", f"Basic {token}"), ("X-Key", keys.suffixed)),
        body=f"{token} {keys.write_key} {keys.truncated} {keys.other_case}".encode(),
    )

    async def send(url: str) -> Exchange:
        async with Wire(target=parse_target(url), redactor=Redactor(keys.placeholders_by_secret())) as wire:
            return await wire.exchange(request)

    with scripted_server(script) as server:
        return asyncio.run(send(server.url))


@pytest.mark.parametrize("write_key", ["Key-12345", """it's/a=k%y+&""", 'say"so"', "back\\slash", "$HOME`id`"])
def test_an_exchange_shows_no_key(write_key: str) -> None:
    """Through a real server that says everything back, nothing in the whole exchange shows a key."""
    keys = Keys(write_key=write_key)
    exchange = exchange_with(echo, keys)
    assert exchange.status == 400
    assert [leaked_forms(repr(exchange), secret) for secret in keys.placeholders_by_secret()] == [[]] * len(
        keys.placeholders_by_secret()
    )
    assert REDACTED_WRITE_KEY in repr(exchange.response)


@pytest.mark.parametrize("write_key", ["Key-12345", 'say"so"', "back\\slash", "it's", "Schlüssel-日本"])
def test_a_mishap_shows_no_key(write_key: str) -> None:
    """What is not HTTP is quoted in the detail, without the key in it."""
    keys = Keys(write_key=write_key)
    exchange = exchange_with(answer_without_http, keys)
    assert exchange.failure is TransportFailure.NOT_HTTP
    assert re.search(r"illegal status line.*CONFORMANCE_WRITE_KEY", exchange.failure_detail)
    assert [leaked_forms(exchange.failure_detail, secret) for secret in keys.placeholders_by_secret()] == [[]] * len(
        keys.placeholders_by_secret()
    )
