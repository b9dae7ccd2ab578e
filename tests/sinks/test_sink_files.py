"""Sink files: templates, mistakes, and the command for both."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest

from conformance import cli
from conformance.core import resources
from conformance.core.errors import ProfileError
from conformance.sinks import Normalisation, parse

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATES = sorted(resources.sink_templates())


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_valid(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`sink init` prints a file that can be loaded."""
    assert cli.main(["sink", "init", name]) == 0
    assert parse(capsys.readouterr().out, name).file == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: sqll", "s:1: kind: .*did you mean 'sql'"),
        ("kind: http\nlisen: x", "s:2: lisen: .*did you mean 'listen'"),
        ("kind: files\npath: x\ncursor: id", "s:3: cursor: a sink of kind files has no such key; it is one of sql"),
        ("kind: sql\nurl: sqlite:///x\ncolumn: a\ncursor: b", "needs the key 'table' or 'query'"),
        ("kind: http\nlisten: 127.0.0.1:9000\nsecret: abc", "s:3: secret: .*a secret stands in no file"),
        (
            "kind: kafka\nbrokers: b\ntopics: [t]\noptions: {sasl.password: x}",
            "s:4: options.*: a credential",
        ),
        ("kind: files\npath: x\nevents: batch", "s:3: events: .*a JSON pointer"),
        ("kind: files\npath: x\nnormalise: [{at: /a, as: instnt}]", "s:3: normalise.*did you mean 'instant'"),
    ],
)
def test_mistakes_have_their_line(text: str, message: str) -> None:
    """And the nearest word."""
    with pytest.raises(ProfileError, match=message):
        parse(text, "s")


def test_what_a_file_says() -> None:
    """All keys that are common to the kinds."""
    sink = parse(
        "kind: files\npath: x\nevents: [/a, '']\ndecode: [gzip]\n"
        "match: {by: [content], message_id: /id}\nignore: [/x]\n"
        "set_by_server: [/y]\nnormalise: [{at: '', as: double}]\nsettle: {quiet: 1}\n",
        "s",
    )
    assert (sink.events, sink.ignore, sink.set_by_server) == (("/a", ""), ("/x",), ("/y",))
    assert (sink.match.by, sink.match.message_id) == (("content",), ("/id",))
    assert (sink.normalise[0].kind, sink.settle.quiet_s, sink.settle.poll_s) == (Normalisation.DOUBLE, 1.0, 0.5)


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        ('{"batch":[{"n":1}]}', 0, "with the keys n"),
        ('{"data":1}', 3, "nothing is at '/batch'; the record has the keys"),
    ],
)
def test_check_says_what_came(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], payload: str, code: int, words: str
) -> None:
    """The first event that is sent meanwhile, or what was wrong with the records."""
    store = sqlite3.connect(tmp_path / "s.db", check_same_thread=False)
    store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, payload)")
    file = tmp_path / "sink.yaml"
    url = f"sqlite:///{tmp_path}/s.db"
    file.write_text(f"kind: sql\nurl: {url}\ntable: t\ncursor: id\ncolumn: payload\nevents: /batch\n")

    def send() -> None:
        time.sleep(0.6)
        store.execute("INSERT INTO t (payload) VALUES (?)", [payload])
        store.commit()

    thread = threading.Thread(target=send)
    thread.start()
    assert cli.main(["sink", "check", str(file), "--wait", "1.2"]) == code
    thread.join()
    assert words in capsys.readouterr().out
