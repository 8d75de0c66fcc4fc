import errno
import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.errors import Busy, Damaged, KtraceError
from ktrace.tracedat import unfinished
from ktrace.tracedat.contents import Contents
from ktrace.tracedat.reader import TraceDat
from tests.unit.tracedat.build import PAGE, contents, page, write
from tests.unit.tracedat.test_reader import read

MANY = {0: [page(n) for n in range(40)], 2: [page(n) for n in range(100, 117)]}


LOCKS: dict[str, int] = {}


def begin(path: str, cpus: list[int], **changes: object) -> None:
    LOCKS[path] = unfinished.begin(path, contents(**changes), cpus)


def assemble(path: str, made: Contents, cpus: list[int]) -> int:
    return unfinished.assemble(path, made, cpus, LOCKS[path])


@pytest.fixture(autouse=True)
def unlocked() -> Iterator[None]:
    yield
    for lock in LOCKS.values():
        os.close(lock)
    LOCKS.clear()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A recording of two CPUs out of three, in the middle; pieces are three pages."""
    monkeypatch.setattr(unfinished, "PIECE", 3 * PAGE)
    made = str(tmp_path / "a.dat")
    begin(made, [0, 1, 2], cmdlines=b"")
    for cpu, pages in MANY.items():
        Path(unfinished.part_path(made, cpu)).write_bytes(b"".join(pages))
    return made


def is_all_there(path: str) -> bool:
    _, pages, problems = read(path, recover=True)
    return pages == {0: b"".join(MANY[0]), 1: b"", 2: b"".join(MANY[2])} and len(problems) == 1


def test_an_unfinished_recording(path: str) -> None:
    with pytest.raises(Damaged, match="was not ended") as error:
        read(path)
    assert error.value.hint == f"ktrace report --recover {path}"
    assert is_all_there(path)


def test_its_names_and_a_page_that_is_not_whole(path: str) -> None:
    unfinished.save_names(path, b"7 my prog\n")
    with Path(unfinished.part_path(path, 2)).open("ab") as file:
        file.write(b"half a page")
    found, _, _ = read(path, recover=True)
    assert found.cmdlines == b"7 my prog\n" and is_all_there(path)


def test_assembled(path: str, tmp_path: Path) -> None:
    made = contents(cmdlines=b"1 init\n")
    size = assemble(path, made, [0, 1, 2])
    assert [p.name for p in tmp_path.iterdir()] == ["a.dat"] and Path(path).stat().st_size == size
    found, pages, problems = read(path)
    assert pages == {0: b"".join(MANY[0]), 1: b"", 2: b"".join(MANY[2])} and not problems
    assert replace(found, buffers=()) == made
    # The same as if it had been written at once.
    assert (
        Path(path).read_bytes()
        == Path(write(tmp_path / "b.dat", {**MANY, 1: []}, cmdlines=b"1 init\n")).read_bytes()
    )


class Killed(BaseException):
    pass


@pytest.mark.parametrize("call", ["copy_file_range", "ftruncate", "unlink"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_step_of_the_assembly(
    path: str, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    """However far it came, all pages are read."""
    owner = Path if call == "unlink" else os
    real = getattr(owner, call)
    step, reached = 0, 0

    def deadly(*args: object, **options: object) -> object:
        nonlocal reached
        reached += 1
        if reached == step and not after:
            raise Killed
        result = real(*args, **options)
        if reached == step:
            raise Killed
        return result

    for step in range(1, 40):
        reached = 0
        fresh = Path(path).with_name(f"{step}.dat")
        begin(str(fresh), [0, 1, 2], cmdlines=b"")
        for cpu, pages in MANY.items():
            Path(unfinished.part_path(str(fresh), cpu)).write_bytes(b"".join(pages))
        with monkeypatch.context() as patch:
            patch.setattr(owner, call, deadly)
            try:
                assemble(str(fresh), contents(), [0, 1, 2])
            except Killed:
                pass
            else:
                return
        if not fresh.exists():
            assert is_all_there(str(fresh)), step
        else:
            _, pages, _ = read(str(fresh))
            assert pages == {0: b"".join(MANY[0]), 1: b"", 2: b"".join(MANY[2])}
    raise AssertionError("it never came to an end")


def test_where_the_file_system_cannot_copy_by_itself(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "no")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    assemble(path, contents(), [0, 1, 2])
    assert read(path)[1][0] == b"".join(MANY[0])


def test_the_start_cannot_be_written(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(unfinished, "_write_all", refuse)
    with pytest.raises(OSError, match="full"):
        assemble(path, contents(), [0, 1, 2])
    assert is_all_there(path)


def end(path: str) -> None:
    """Leave the files of a recording that was killed."""
    os.close(LOCKS.pop(path))


def test_what_a_killed_recording_left_goes_and_nothing_else(path: str, tmp_path: Path) -> None:
    others = ["a.dat.cpux", "b.dat.cpu0", "a.dat.cpu0.bak"]
    for name in others:
        (tmp_path / name).write_text("mine")
    end(path)
    begin(path, [0])
    assert {cpu: Path(part).read_bytes() for cpu, part in unfinished.find_parts(path).items()} == {0: b""}
    assert all((tmp_path / name).exists() for name in others)


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", {0: [page(1)]})
    Path(path).chmod(0o640)
    before = Path(path).read_bytes()
    begin(path, [0])
    Path(unfinished.part_path(path, 0)).write_bytes(page(2))
    assert Path(path).read_bytes() == before and read(path)[1][0] == page(1)
    assert read(path, recover=True)[1][0] == page(2)
    with TraceDat(path) as file:
        assert "--recover" in file.notes[0]
    old = Path(path).stat()
    unfinished.assemble(path, contents(), [0], LOCKS[path], old)
    assert read(path)[1][0] == page(2) and Path(path).stat().st_mode == old.st_mode
    with TraceDat(path) as file:
        assert file.notes == []


def test_two_at_once(path: str) -> None:
    with pytest.raises(Busy, match="is being recorded by another ktrace"):
        begin(path, [0])
    assert is_all_there(path)


def test_no_room_at_the_start(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one before it, be it whole or killed, is still there, and nothing else."""
    Path(path).write_bytes(b"an earlier one")
    end(path)
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()}

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    for call in ("posix_fallocate", "write"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
            patch.setattr(os, call, refuse)
            begin(path, [0])
        assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["cpu1", "new", "room", "cmdlines", "cmdlines.new"])
@pytest.mark.parametrize("planted", ["link", "dangling", "file", "fifo"])
@pytest.mark.parametrize("other", ["nothing", "killed"])
def test_what_somebody_else_has_put_there_is_not_written(
    path: str, tmp_path: Path, name: str, planted: str, other: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    place = tmp_path / f"a.dat.{name}"
    if other == "nothing":
        unfinished.remove_parts(path)
    end(path)
    place.unlink(missing_ok=True)
    match planted:
        case "link":
            place.symlink_to("victim")
        case "dangling":
            place.symlink_to("made")
        case "fifo":
            os.mkfifo(place)
        case _:
            place.write_text("theirs")
            if os.geteuid() == 0:
                os.chown(place, 1234, -1)
            elif other == "killed" or name.startswith("cmdlines"):
                pytest.skip("a file of another user's is made by root")
    before = os.lstat(place)
    with pytest.raises(KtraceError, match="in the way"):
        begin(path, [0, 1])
    assert os.path.samestat(before, os.lstat(place))
    assert victim.read_text() == "theirs" and not (tmp_path / "made").exists()
    if planted == "file":
        assert place.read_text() == "theirs"


def test_hints_can_be_pasted(tmp_path: Path) -> None:
    """A name with blanks or more is quoted, as a shell reads it."""
    path = write(tmp_path / "it's a; b.dat", {0: [page(1)]})
    Path(f"{path}.room").touch()
    with pytest.raises(KtraceError, match="in the way") as error:
        begin(path, [0])
    command = (error.value.hint or "").splitlines()[-1]
    assert shlex.split(command) == ["rm", f"{path}.room"]
    Path(f"{path}.room").unlink()
    begin(path, [0])
    with TraceDat(path) as file:
        assert shlex.split(file.notes[0].split("`")[1]) == ["ktrace", "report", "--recover", path]
    Path(path).unlink()
    with pytest.raises(Damaged) as damaged:
        TraceDat(path)
    assert shlex.split(damaged.value.hint or "") == ["ktrace", "report", "--recover", path]


def test_parts_of_another_program_do_not_make_it_unfinished(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", {0: [page(1)]})
    (tmp_path / "a.dat.cpu0").write_bytes(page(2))
    assert read(path)[1][0] == page(1)
