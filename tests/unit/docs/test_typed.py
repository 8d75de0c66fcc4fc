"""Programs that import ktrace pass `mypy --strict`: one here, those of the documentation and of examples/."""

import importlib.util
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from tests.unit.docs.blocks import ROOT, python_blocks

PROGRAM = '''
import ktrace


def largest(path: str) -> dict[str, int]:
    """Return the largest read of each program."""
    found: dict[str, int] = {}
    for batch in ktrace.read(path, events=["vfs_read"]):
        sizes = batch["count"]
        for code, name in enumerate(batch.comm.values):
            mine = batch.comm.codes == code
            if name is not None and mine.any():
                found[name] = max(found.get(name, 0), int(sizes[mine].max()))
    return found


def columns(batch: ktrace.Batch) -> dict[str, ktrace.Column]:
    return dict(batch.columns)


def names(column: ktrace.Column) -> list[str | None]:
    return column.tolist() if isinstance(column, ktrace.Strings) else []


def trace(pid: int) -> int:
    try:
        with ktrace.Session(buffer_kb=1024) as session:
            events: list[str] = session.add("vfs_read", "count=%dx:u64", name="reads")
            session.only_tasks([pid], children=True)
            rows = sum(len(batch.take(batch["count"] > 0)) for batch in session.stream(count=10))
        return rows + session.lost + session.unread + len(events)
    except ktrace.NotFound as error:
        print(error.message, error.hint)
        return 0
'''
WRONG = {
    "a text where there are bytes": "import ktrace\nktrace.Session(buffer_kb='4 MB')\n",
    "a name that is not there": "import ktrace\nktrace.Sesion\n",
    "a name that is not public": "import ktrace\nktrace.TYPE_CHECKING\n",
    "a method that is not public": "import ktrace\nktrace.Session().arm()\n",
}


@pytest.fixture(scope="module")
def mypy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return mypy's output for each program, by the name of its file. It is slow, so it runs once for all."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    folder = tmp_path_factory.mktemp("programs")
    programs = {"program": PROGRAM}
    programs |= {f"wrong_{n}": text for n, text in enumerate(WRONG.values())}
    programs |= {f"page_{n}": text for n, text in enumerate(pages())}
    programs |= {f"example_{n}": path.read_text() for n, path in enumerate(examples())}
    for name, text in programs.items():
        (folder / f"{name}.py").write_text(text)
    # The package as one that is installed: its own modules are not judged here.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir",
         str(ROOT / ".mypy_cache/programs"), "--config-file=", *[f"{name}.py" for name in programs]],
        cwd=folder, env={"MYPYPATH": str(ROOT), "PATH": os.environ["PATH"]}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    said = dict.fromkeys(programs, "")
    for line in done.stdout.splitlines():
        name = line.partition(".py:")[0]
        if name in said:
            said[name] += line + "\n"
    return said


def pages() -> list[str]:
    return [text for where in ("anywhere", "kernel") for _, text in python_blocks(where) if "ktrace" in text]


def examples() -> list[Path]:
    return sorted((ROOT / "examples").glob("*.py"))


def test_a_program(mypy: dict[str, str]) -> None:
    assert mypy["program"] == ""


@pytest.mark.parametrize("what", WRONG)
def test_a_program_that_is_wrong(mypy: dict[str, str], what: str) -> None:
    assert "error" in mypy[f"wrong_{list(WRONG).index(what)}"]


def test_the_documentation(mypy: dict[str, str]) -> None:
    assert len(pages()) >= 4 and all(mypy[f"page_{n}"] == "" for n in range(len(pages()))), mypy


def test_examples(mypy: dict[str, str]) -> None:
    assert len(examples()) >= 2 and all(mypy[f"example_{n}"] == "" for n in range(len(examples()))), mypy


def test_the_marker_of_a_typed_package_is_there() -> None:
    assert files("ktrace").joinpath("py.typed").is_file()
