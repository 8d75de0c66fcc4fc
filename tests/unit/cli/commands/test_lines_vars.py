import json
from pathlib import Path

import pytest

from ktrace.cli.commands.lines import lines
from ktrace.cli.commands.vars import vars_
from ktrace.errors import NotFound, UsageError
from tests.unit.symbols.dwarf.dwarf_writer import Dwarf


@pytest.fixture
def vmlinux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "vmlinux"
    path.write_bytes(Dwarf(5).elf().build())
    return path


def test_lines_of_a_function(vmlinux: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines("outer", vmlinux=vmlinux, force=True) == 0
    assert capsys.readouterr().out == (
        "outer  demo.c:20\n      0 * outer\n      2 * outer+8\n      3 * outer+32\n      4 * outer+96\n"
    )


def test_lines_with_source(vmlinux: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo.c").write_text("".join(f"line {n}\n" for n in range(1, 50)))
    lines("outer:3-4", source=tmp_path, vmlinux=vmlinux, force=True)
    assert capsys.readouterr().out == "outer  demo.c:20\n      3 * line 23\n      4 * line 24\n"


def test_lines_of_a_file_as_json(vmlinux: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines("demo.c:5-22", vmlinux=vmlinux, force=True, as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert [(one["line"], one["places"][0]["place"]) for one in record["lines"]] == [
        (7, "outer+64"),
        (20, "outer"),
        (22, "outer+8"),
    ]


def test_every_function_of_the_name(vmlinux: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines("twice", vmlinux=vmlinux, force=True, as_json=True)
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["declared"] for record in records] == [30, 40]


@pytest.mark.parametrize("what", ["nothing", "other.c:1", "nothing:3"])
def test_lines_that_are_not_there(vmlinux: Path, what: str) -> None:
    with pytest.raises(NotFound):
        lines(what, vmlinux=vmlinux, force=True)


def test_other_kernels_file_is_refused(vmlinux: Path) -> None:
    with pytest.raises(UsageError, match="another kernel"):
        lines("outer", vmlinux=vmlinux)
    with pytest.raises(UsageError):
        lines(":demo*", vmlinux=vmlinux, force=True)


def test_variables(vmlinux: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vars_("outer:3", vmlinux=vmlinux, force=True) == 0
    text = capsys.readouterr().out
    assert text.startswith("outer+32  outer  demo.c:23\n")
    assert "long v              %ax" in text
    vars_("demo.c:7", vmlinux=vmlinux, force=True)
    assert "VARIABLE (inlined inner)" in capsys.readouterr().out
    vars_("outer+32", vmlinux=vmlinux, force=True, as_json=True)
    record = json.loads(capsys.readouterr().out)
    assert (record["from"], record["place"]) == ("dwarf", "outer+32")


def test_variables_of_a_line_without_code(vmlinux: Path) -> None:
    with pytest.raises(NotFound) as caught:
        vars_("outer:5", vmlinux=vmlinux, force=True)
    assert caught.value.hint == "near: outer:4, outer:3, outer:2, outer:0"
