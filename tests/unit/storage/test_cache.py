import os
from pathlib import Path

import pytest

from ktrace.storage.cache import cache_folder, find_untrusted, keep, open_cached

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a file of another user's is made by root")


def kept(path: Path) -> bytes | None:
    file = open_cached(path)
    if file is None:
        return None
    with file:
        return file.read()


def test_kept_and_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    keep(path, (b"one ", b"two"))
    assert kept(path) == b"one two" and [p.name for p in path.parent.iterdir()] == ["file"]
    keep(path, (b"again",))
    assert kept(path) == b"again" and kept(tmp_path / "none") is None


def test_what_others_could_write_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0o666)
    assert kept(path) is None
    path.chmod(0o644)
    assert kept(path) == b"x"
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo", "."):
        assert kept(tmp_path / name) is None


@needs_root
def test_a_file_of_another_users(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    os.chown(path, 1234, -1)
    assert kept(path) is None


def test_a_planted_link_is_not_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may come back as often as it is removed."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"theirs")
    planted = tmp_path / f"file.{os.getpid()}"
    planted.symlink_to(victim)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    keep(tmp_path / "file", (b"x",))
    assert victim.read_bytes() == b"theirs" and not (tmp_path / "file").exists()


def test_a_folder_with_all_that_is_in_it(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "c").write_bytes(b"")
    (inner / "d").symlink_to("/nowhere")
    assert find_untrusted(tmp_path / "a") is None
    for path in (inner / "c", inner, tmp_path / "a"):
        mode = path.stat().st_mode
        path.chmod(mode | 0o002)
        assert find_untrusted(tmp_path / "a") == path
        path.chmod(mode)


def test_where_the_cache_is() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/ktrace")
    assert cache_folder({"XDG_CACHE_HOME": "relative", "HOME": "/h"}) == Path("/h/.cache/ktrace")
    assert cache_folder({"HOME": ""}) is None
