import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.errors import Damaged
from ktrace.tracedat import unfinished
from tests.unit.tracedat.build import PAGE, contents, page, write
from tests.unit.tracedat.test_reader import read

MANY = {0: [page(n) for n in range(40)], 2: [page(n) for n in range(100, 117)]}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A recording of two CPUs out of three, in the middle; pieces are three pages."""
    monkeypatch.setattr(unfinished, "PIECE", 3 * PAGE)
    made = str(tmp_path / "a.dat")
    unfinished.begin(made, contents(cmdlines=b""), [0, 1, 2])
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
    size = unfinished.assemble(path, made, [0, 1, 2])
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
@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
def test_killed_at_any_step_of_the_assembly(
    path: str, monkeypatch: pytest.MonkeyPatch, call: str, behind: bool
) -> None:
    """However far it came, all pages are read."""
    owner = Path if call == "unlink" else os
    real = getattr(owner, call)
    step, reached = 0, 0

    def deadly(*args: object, **options: object) -> object:
        nonlocal reached
        reached += 1
        if reached == step and not behind:
            raise Killed
        result = real(*args, **options)
        if reached == step:
            raise Killed
        return result

    for step in range(1, 40):
        reached = 0
        fresh = Path(path).with_name(f"{step}.dat")
        unfinished.begin(str(fresh), contents(cmdlines=b""), [0, 1, 2])
        for cpu, pages in MANY.items():
            Path(unfinished.part_path(str(fresh), cpu)).write_bytes(b"".join(pages))
        with monkeypatch.context() as patch:
            patch.setattr(owner, call, deadly)
            try:
                unfinished.assemble(str(fresh), contents(), [0, 1, 2])
            except Killed:
                pass
            else:
                return
        if unfinished.is_unfinished(str(fresh)):
            assert is_all_there(str(fresh)), step
        else:
            _, pages, _ = read(str(fresh))
            assert pages == {0: b"".join(MANY[0]), 1: b"", 2: b"".join(MANY[2])}
    raise AssertionError("it never came to an end")


def test_where_the_file_system_cannot_copy_by_itself(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "no")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    unfinished.assemble(path, contents(), [0, 1, 2])
    assert read(path)[1][0] == b"".join(MANY[0])


def test_the_start_cannot_be_written(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(OSError, match="full"):
        unfinished.assemble(path, contents(), [0, 1, 2])
    assert is_all_there(path)


def test_what_an_earlier_recording_left_goes_and_nothing_else(path: str, tmp_path: Path) -> None:
    others = ["a.dat.cpux", "b.dat.cpu0", "a.dat.cpu0.bak"]
    for name in others:
        (tmp_path / name).write_text("mine")
    unfinished.begin(path, contents(), [0])
    assert not unfinished.find_parts(path) and all((tmp_path / name).exists() for name in others)


def test_parts_of_another_program_do_not_make_it_unfinished(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", {0: [page(1)]})
    (tmp_path / "a.dat.cpu0").write_bytes(page(2))
    assert read(path)[1][0] == page(1)
