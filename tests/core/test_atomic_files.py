"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from conformance.core.atomic_files import replacing, write_text

BEFORE, AFTER = "before\n", "after é\n"


def test_the_place_keeps_what_it_has_until_all_is_written(tmp_path: Path) -> None:
    """Nobody sees half of a file."""
    place = tmp_path / "report"
    write_text(place, BEFORE)
    with replacing(place) as file:
        file.write(AFTER)
        file.flush()
        assert place.read_text() == BEFORE
    assert place.read_text(encoding="utf-8") == AFTER
    assert os.listdir(tmp_path) == ["report"]  # noqa: PTH208 - hidden names, too


def break_off(place: Path, reason: BaseException) -> None:
    """Fails in the middle of a file."""
    with replacing(place) as file:
        file.write(AFTER)
        raise reason


@pytest.mark.parametrize("reason", [OSError("no space left"), KeyboardInterrupt(), SystemExit(1)], ids=str)
def test_what_was_broken_off_is_gone(reason: BaseException, tmp_path: Path) -> None:
    """And the file of before is there."""
    place = tmp_path / "report"
    write_text(place, BEFORE)
    with pytest.raises(type(reason)):
        break_off(place, reason)
    assert place.read_text() == BEFORE
    assert os.listdir(tmp_path) == ["report"]  # noqa: PTH208 - hidden names, too


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Who may write beside a report can't choose another file to be overwritten."""
    other = tmp_path / "other"
    other.write_text(BEFORE)
    place = tmp_path / "report"
    for target in (other, tmp_path / "missing"):
        place.unlink(missing_ok=True)
        place.symlink_to(target)
        write_text(place, AFTER)
        assert not place.is_symlink()
        assert place.read_text(encoding="utf-8") == AFTER
    assert other.read_text() == BEFORE
    assert not (tmp_path / "missing").exists()


def test_permissions_are_kept_and_new_files_get_those_of_the_process(tmp_path: Path) -> None:
    """A report that others read stays readable, a secret one secret."""
    place, ordinary = tmp_path / "report", tmp_path / "ordinary"
    ordinary.write_text(BEFORE)
    write_text(place, BEFORE)
    assert place.stat().st_mode == ordinary.stat().st_mode
    place.chmod(0o600)
    write_text(place, AFTER)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_pipe_and_a_device_are_written_to(tmp_path: Path) -> None:
    """They stay what they are."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, AFTER)
        assert os.read(reader, 100) == AFTER.encode()
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    write_text("/dev/null", AFTER)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_what_stands_for_an_open_file_is_written_to(tmp_path: Path) -> None:
    """`/dev/stdout` is a link to a file if the output goes to one, and must not become another file."""
    with (tmp_path / "output").open("w") as output:
        write_text(f"/dev/fd/{output.fileno()}", AFTER)
    assert (tmp_path / "output").read_text(encoding="utf-8") == AFTER


@pytest.mark.parametrize("name", ["missing/report", "a" * 256, ""], ids=["no directory", "too long", "empty"])
def test_a_place_that_can_not_be_written_is_an_error(name: str, tmp_path: Path) -> None:
    """And nothing is left behind."""
    with pytest.raises(OSError, match=r"\w"):
        write_text(tmp_path / name, AFTER)
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_is_no_reason_to_fail(tmp_path: Path) -> None:
    """The name beside is not made of it."""
    write_text(tmp_path / ("a" * 255), AFTER)
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]
