"""One function opens every output: what it refuses, what it writes through, and what it leaves."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.errors import Interrupted, KtraceError, UsageError
from ktrace.storage.destination import open_output, target_of


def put(name: object, text: bytes = b"new", **how: object) -> None:
    with open_output(str(name), **how) as out:
        out.write(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.write_bytes(b"what was there before")
    return path


def test_a_new_file_has_the_mode_that_a_shell_would_give_it(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        put(tmp_path / "out")
    finally:
        os.umask(before)
    assert (tmp_path / "out").read_bytes() == b"new" and names(tmp_path) == ["out"]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


def test_what_was_there_stays_until_the_new_file_is_whole(old: Path) -> None:
    old.chmod(0o604)
    with open_output(str(old)) as out:
        out.write(b"n" * 100_000)
        out.flush()
        assert old.read_bytes() == b"what was there before"
        [temporary] = [path for path in old.parent.iterdir() if path != old]
        assert stat.S_IMODE(temporary.stat().st_mode) & 0o077 == 0
    assert old.read_bytes() == b"n" * 100_000 and names(old.parent) == ["out"]
    assert stat.S_IMODE(old.stat().st_mode) == 0o604


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, Interrupted])
def test_a_failure_leaves_what_was_there_and_nothing_else(old: Path, error: type[BaseException]) -> None:
    fresh = old.parent / "fresh"
    for path in (old, fresh):
        with pytest.raises(error), open_output(str(path)) as out:
            out.write(b"half")
            raise error(15)
    assert old.read_bytes() == b"what was there before" and names(old.parent) == ["out"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_would_end_the_process_leaves_nothing(old: Path, number: int) -> None:
    with pytest.raises(Interrupted) as left, open_output(str(old)) as out:
        out.write(b"half")
        os.kill(os.getpid(), number)
        raise AssertionError("it came too late")
    assert left.value.signum == number and signal.getsignal(number) is signal.SIG_DFL
    assert old.read_bytes() == b"what was there before" and names(old.parent) == ["out"]


def test_no_room_names_the_file(old: Path) -> None:
    program = f"""
import resource, signal
from tests.unit.storage.test_destination import put
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    put({str(old)!r}, bytes(10000))
except OSError as error:
    print(error.filename, error.strerror)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{old} File too large\n", done.stderr
    assert old.read_bytes() == b"what was there before" and names(old.parent) == ["out"]


def test_an_input_is_refused_by_whatever_name(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = old.parent
    (folder / "link").symlink_to("out")
    (folder / "hard").hardlink_to(old)
    (folder / "other").write_text("")
    monkeypatch.chdir(folder)
    for name in ("out", "./out", "link", "hard", str(old)):
        for inputs in (["out"], ["other", "link"], ["other", str(folder / "hard")]):
            with pytest.raises(UsageError, match="also read"):
                put(name, inputs=inputs)
    with old.open("rb") as stdin, pytest.raises(UsageError, match="is standard input"):
        monkeypatch.setattr(os, "fstat", lambda fd, real=os.fstat: real(stdin.fileno() if fd == 0 else fd))
        put("out", inputs=["-"])
    assert old.read_bytes() == b"what was there before"
    put("other", inputs=["out", "missing"])


def test_two_outputs_are_two_files(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(old.parent)
    Path("link").symlink_to("out")
    for one, other in (("out", "link"), ("fresh", "./fresh"), ("-", "/dev/stdout")):
        with target_of(one) as first, pytest.raises(UsageError, match="same file"), target_of(
            other, others=[first]
        ):  # fmt: skip
            pass
    with target_of("/dev/null") as first, target_of("/dev/null", others=[first]):
        pass
    assert names(old.parent) == ["link", "out"]


def test_what_is_standard_output_already_is_not_replaced(tmp_path: Path) -> None:
    """The shell's file would go on to be written, under no name."""
    program = """
import sys
from ktrace.errors import UsageError
from tests.unit.storage.test_destination import put
try:
    put(sys.argv[1])
except UsageError as error:
    print(error.message)
put("/dev/stdout", b"through\\n")
put("-", b"and through\\n")
put("/dev/fd/1", b"again\\n")
print("end")
"""
    path = tmp_path / "log"
    path.write_text("begin\n")
    with path.open("ab") as log:
        subprocess.run([sys.executable, "-c", program, str(path)], stdout=log, check=True)
    first, *rest = path.read_text().splitlines()[1:]
    assert "is also standard output" in first and rest == ["through", "and through", "again", "end"]


def test_links_are_followed_and_stay(old: Path) -> None:
    folder = old.parent
    (folder / "link").symlink_to("out")
    (folder / "dangling").symlink_to("made")
    put(folder / "link")
    assert old.read_bytes() == b"new" and (folder / "link").is_symlink()
    with open_output(str(folder / "dangling")) as out:
        assert not (folder / "made").exists()
        out.write(b"new")
    assert (folder / "made").read_bytes() == b"new" and (folder / "dangling").is_symlink()
    with pytest.raises(ValueError), open_output(str(folder / "dangling")):
        raise ValueError
    (folder / "gone").symlink_to("nothing")
    with pytest.raises(ValueError), open_output(str(folder / "gone")):
        raise ValueError
    assert names(folder) == ["dangling", "gone", "link", "made", "out"]


def test_hard_links_stay_one_file(old: Path) -> None:
    (old.parent / "hard").hardlink_to(old)
    with pytest.raises(ValueError), open_output(str(old)) as out:
        out.write(b"half")
        raise ValueError
    assert old.read_bytes() == b"what was there before"
    for text in (b"x" * 3_000_000, b"short"):
        put(old, text)
        assert old.read_bytes() == (old.parent / "hard").read_bytes() == text
    assert old.stat().st_nlink == 2 and names(old.parent) == ["hard", "out"]


def test_attributes_are_carried_over(old: Path) -> None:
    try:
        os.setxattr(old, "user.ktrace", b"kept")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error.strerror}")
    inode = old.stat().st_ino
    put(old)
    assert os.getxattr(old, "user.ktrace") == b"kept" and old.stat().st_ino != inode


def test_pipes_and_devices_are_written_through(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "to").symlink_to("fifo")
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for name in (fifo, tmp_path / "to"):
            put(name)
            assert os.read(reader, 100) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(fifo.stat().st_mode) and names(tmp_path) == ["fifo", "to"]
    with pytest.raises(OSError) as full:
        put("/dev/full")
    assert full.value.filename == "/dev/full" and Path("/dev/full").is_char_device()
    put("/dev/null")


def test_a_descriptor_is_written_where_it_stands(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb", buffering=0) as file:
        file.write(b"before ")
        put(f"/dev/fd/{file.fileno()}")
        file.write(b" after")
    assert (tmp_path / "out").read_bytes() == b"before new after"
    with pytest.raises(KtraceError, match="/dev/fd/999 cannot be written: Bad file descriptor"):
        put("/dev/fd/999")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".", "Is a directory"),
        ("new/", "Is a directory"),
        ("no/out", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("socket", "No such device or address"),
        ("x" * 300, "File name too long"),
        ("", "No such file or directory"),
    ],
)
def test_a_failure_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    import socket

    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(KtraceError) as error:
            put(name)
    shown = name or "a file without a name"
    assert error.value.message == f"{shown} cannot be written: {why}" and error.value.exit_code == 1
    assert names(tmp_path) == ["loop", "socket"]


def test_a_growing_file_is_seen_if_it_is_new(old: Path) -> None:
    fresh = old.parent / "fresh"
    for path, meanwhile in ((fresh, b"line"), (old, b"what was there before")):
        with open_output(str(path), growing=True) as out:
            out.write(b"line")
            out.flush()
            assert path.read_bytes() == meanwhile
        assert path.read_bytes() == b"line"
    fresh.unlink()
    with pytest.raises(ValueError), open_output(str(fresh), growing=True):
        raise ValueError
    assert names(old.parent) == ["out"]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another owner is made by root")


@needs_root
def test_the_owner_stays(old: Path) -> None:
    os.chown(old, 1234, 2345)
    put(old)
    status = old.stat()
    assert (status.st_uid, status.st_gid, old.read_bytes()) == (1234, 2345, b"new")


@needs_root
def test_a_file_that_may_be_written_in_a_folder_that_may_not(old: Path) -> None:
    """The file is overwritten, as a shell does it."""
    folder = old.parent
    os.chown(old, 1234, -1)
    inode = old.stat().st_ino
    while folder != folder.parent:
        folder.chmod(folder.stat().st_mode | 0o055)
        folder = folder.parent
    child = os.fork()
    if child == 0:
        try:
            os.setuid(1234)
            put(old, b"from nobody's folder")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert old.read_bytes() == b"from nobody's folder" and old.stat().st_ino == inode
    assert names(old.parent) == ["out"]
