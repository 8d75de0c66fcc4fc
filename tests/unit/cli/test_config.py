import json

import pytest

from ktrace.cli.config import read
from ktrace.cli.main import main
from ktrace.cli.registry import find
from ktrace.errors import UsageError

TEXT = """\
color = "never"
[trace]
clock = "boot"
json = true
[alias]
forks = "trace do_fork"
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with a file of settings; /etc has none."""
    path = tmp_path / ".config/ktrace/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return path


def settings(environ, system="/nowhere"):
    return {one.key: (one.value, one.origin) for one in read(environ, find, system).settings.values()}


def test_later_ones_win(home, tmp_path):
    system, named = tmp_path / "system", tmp_path / "named"
    system.write_text('color = "always"\n[trace]\nclock = "mono"\ncpu = "0"\n')
    named.write_text('[trace]\nbuffer-size = "8M"\n')
    environ = {
        "HOME": str(tmp_path), "KTRACE_CONFIG": str(named), "KTRACE_TRACE_BUFFER_SIZE": "4M",
        "KTRACE_TRACE_JSON": "false",
    }  # fmt: skip
    found = settings(environ, str(system))
    assert found["color"] == ("never", str(home))
    assert found["trace.cpu"] == ("0", str(system)) and found["trace.clock"] == ("boot", str(home))
    assert found["trace.buffer-size"] == ("4M", "KTRACE_TRACE_BUFFER_SIZE")
    assert found["trace.json"] == (False, "KTRACE_TRACE_JSON")


def test_a_file_that_others_can_write(home):
    home.chmod(0o666)
    found = read({"HOME": str(home.parents[2])}, find, "/nowhere")
    assert not found.settings and "is ignored" in found.notes[0]


def test_a_link_and_no_file_at_all(home, tmp_path):
    home.rename(tmp_path / "real")
    home.symlink_to(tmp_path / "real")
    assert read({"HOME": str(tmp_path)}, find, "/nowhere").notes
    assert not settings({"HOME": str(tmp_path / "none")}) and not settings({})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("color = ", "config.toml: Invalid value"),
        ("\xff", "config.toml"),
        ("[trace]\nclock = {a = 1}", "trace.clock is neither"),
        ("a = " + "[" * 5000, "config.toml"),
    ],
)
def test_mistakes_name_the_file(home, text, message):
    home.write_text(text, "latin-1")
    with pytest.raises(UsageError, match=message):
        read({"HOME": str(home.parents[2])}, find, "/nowhere")


def test_defaults_and_aliases_of_commands(home, capsys):
    home.write_text('[version]\njson = true\n[alias]\nv = "version"\nvfs_read = "list"\n')
    assert main(["v"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "version"
    home.write_text("[version]\nnothing = 1\n")
    assert main(["version"]) == 2
    assert "version.nothing: ktrace version has no option --nothing" in capsys.readouterr().err
    home.write_text('[alias]\nv = "nonsense"\nw = ""\nversion = "list"\nx = "a \'"\n')
    assert main(["v"]) == main(["w"]) == main(["x"]) == 2 and main(["version"]) == 0


def test_what_is_in_force(home, capsys):
    assert main(["config", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {
        "schema": 1,
        "type": "setting",
        "key": "trace.json",
        "value": True,
        "origin": str(home),
    } in records
    home.write_text("")
    assert main(["config"]) == 0 and "nothing is set" in capsys.readouterr().err


def test_a_mistake_in_a_file_is_told_with_what_was_meant(home, capsys):
    home.write_text('colr = "never"\n[trac]\njson = true\n[trace]\ndurtion = 3\n')
    assert main(["config"]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "colr is ignored: there is no setting 'colr': did you mean color?" in told
    assert "trac.json is ignored: there is no command 'trac': did you mean trace or" in told
    assert "ktrace trace has no option --durtion" in told and "did you mean duration?" in told
    assert main(["version"]) == 0 and "did you mean color?" in capsys.readouterr().err
