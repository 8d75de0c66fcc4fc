"""Mistakes that many make are answered with what is wrong with them, before anything of the machine is."""

import pytest

from ktrace.cli.main import main


@pytest.mark.parametrize(
    ("argv", "told", "status"),
    [
        (["add"], "what to probe?", 2),
        (["trace", "-d", "-1", "vfs_read"], "'-1' is not a length of time", 2),
        (["trace", "vfs_read", "--"], "there is no command after --", 2),
        (["trace", "vfs_read", "-c", "ls", "--", "ls"], "-c and -- together: which command?", 2),
        (["graph"], "no function is given", 2),
        (["hlep"], "there is no command 'hlep'", 2),
        (["trac"], "did you mean `ktrace trace`?", 2),
        (["list", "--jsno"], "did you mean --json?", 2),
        (["trace", "--durtion", "5"], "--durtion is not an option of `ktrace trace`", 2),
        (["run", "--no-cach", "x"], "did you mean --no-cache or --cache?", 2),
        (["list", "--format", "tabel"], "--format: 'tabel' is none of table, debugfs, json", 2),
        (["report", "--time", "walll", "x"], "did you mean wall?", 2),
        (["count", "x", "-d", "5 parsecs"], "-d, --duration: '5 parsecs' is not a length of time", 2),
        (["-z", "list"], "-z is not an option of ktrace itself", 2),
        (["config", "x"], "`ktrace config` takes no further word: x", 2),
        (["hist"], "PLACE is missing", 2),
        (["examples", "netwrk", "port"], "did you mean network?", 4),
        (["run", "-p", "9", "-e", "probe begin {}"], "'9' is too large: 5 or less", 2),
    ],
)
def test_the_mistake_itself_is_named(
    argv: list[str], told: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == status
    said = capsys.readouterr().err
    assert told in said and "tracefs" not in said and "CONFIG_" not in said
