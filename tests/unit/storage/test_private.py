"""Cache files that nobody else can have written."""

import errno
import os
from pathlib import Path

import pytest

from ktrace.storage import private
from ktrace.storage.private import read_private, write_private

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a file of another user's is made by root")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_private(tmp_path / "new" / "scripts", "x", b"text")
    return tmp_path / "new" / "scripts"


def test_written_and_read_by_one_user_alone(folder: Path) -> None:
    assert read_private(folder, "x") == b"text"
    assert folder.stat().st_mode & 0o777 == 0o700 and (folder / "x").stat().st_mode & 0o777 == 0o600
    write_private(folder, "x", b"again")
    assert read_private(folder, "x") == b"again"
    assert [one.name for one in folder.iterdir()] == ["x"]


def test_what_is_not_there_is_none(folder: Path) -> None:
    assert read_private(folder, "y") is None and read_private(folder / "none", "x") is None


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o666])
def test_a_file_that_others_have_a_right_to(folder: Path, mode: int) -> None:
    (folder / "x").chmod(mode)
    assert read_private(folder, "x") is None
    write_private(folder, "x", b"mine")  # replaces it
    assert read_private(folder, "x") == b"mine"


@pytest.mark.parametrize("mode", [0o750, 0o770, 0o707, 0o777])
def test_a_folder_that_others_have_a_right_to(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    assert read_private(folder, "x") is None
    write_private(folder, "y", b"text")
    assert not (folder / "y").exists()


@needs_root
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_another_user(folder: Path, what: str) -> None:
    os.chown(folder / "x" if what == "file" else folder, 12345, -1)
    assert read_private(folder, "x") is None


def test_links_and_pipes(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert read_private(tmp_path / "link", "x") is None
    (folder / "link").symlink_to(folder / "x")
    os.mkfifo(folder / "pipe", 0o600)
    assert read_private(folder, "link") is None and read_private(folder, "pipe") is None
    write_private(folder, "link", b"mine")
    assert read_private(folder, "x") == b"text" and read_private(folder, "link") == b"mine"


def test_a_full_disk_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(private.os, "rename", full)
    write_private(folder, "x", b"more")
    assert read_private(folder, "x") == b"text" and [one.name for one in folder.iterdir()] == ["x"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    write_private(tmp_path / "file" / "scripts", "x", b"text")
    assert read_private(tmp_path / "file" / "scripts", "x") is None


def test_too_large_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "_SIZE_MAX", 3)
    assert read_private(folder, "x") is None
    write_private(folder, "y", b"text")
    assert not (folder / "y").exists()


def test_the_oldest_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "_FILES_MAX", 4)
    for number in range(3):
        write_private(folder, f"f{number}", b"text")
        os.utime(folder / f"f{number}", (number + 10, number + 10))
    (folder / f"f0.1{private._NEW}").touch()  # left by a killed process
    os.utime(folder / f"f0.1{private._NEW}", (1, 1))
    write_private(folder, "last", b"text")
    assert {one.name for one in folder.iterdir()} == {"x", "f2", "last"}
