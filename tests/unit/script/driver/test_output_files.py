"""The files of `-o FILE` and `switch_file()`."""

import pytest

from ktrace.cli.main import main

SCRIPT = """
probe begin { println("one") switch_file() println("two") }
probe end { println("still two") switch_file() println("three") }
probe timer.ms(1) { exit() }
"""


def test_each_file_gets_its_part(tmp_path):
    out = tmp_path / "out"
    (tmp_path / "out.1").write_text("old")
    assert main(["run", "-o", str(out), "-e", SCRIPT]) == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "out": "one\n",
        "out.1": "two\nstill two\n",
        "out.2": "three\n",
    }


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path, capfd):
    out = tmp_path / "out"
    (tmp_path / "out.1").mkdir()
    assert main(["run", "-o", str(out), "-e", SCRIPT]) != 0
    assert "out.1" in capfd.readouterr().err and out.read_text() == "one\n"


def test_a_next_file_that_is_read_is_refused(tmp_path, capfd):
    script = tmp_path / "out.1"
    script.write_text(SCRIPT)
    assert main(["run", "-o", str(tmp_path / "out"), str(script)]) == 2
    assert "also read" in capfd.readouterr().err and script.read_text() == SCRIPT


@pytest.mark.parametrize("name", ["/dev/null", "/dev/fd/2", "-"])
def test_other_outputs(name, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    script = 'probe begin { println("one") switch_file() println("two") exit() }'
    status = main(["run", "-o", name, "-e", script])
    assert (status, [path.name for path in tmp_path.iterdir()], capfd.readouterr().out) == (
        0,
        [],
        "one\ntwo\n" if name == "-" else "",
    )
