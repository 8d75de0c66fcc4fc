import json

import pytest

from ktrace.cli.main import main
from ktrace.cli.one_liners import ONE_LINERS
from ktrace.cli.registry import find


@pytest.mark.parametrize("one", ONE_LINERS, ids=lambda one: one.command[:50])
def test_each_is_one_line_of_a_command(one):
    program, command, *_ = one.command.split()
    assert program == "ktrace" and find(command) is not None
    assert len(one.command) <= 78 and len(one.question) <= 78


def test_by_words(capsys):
    assert main(["examples", "SLOW", "read"]) == 0
    out = capsys.readouterr().out
    assert "ktrace latency vfs_read" in out and "fork" not in out
    assert main(["examples", "nonsense"]) == 4


def test_as_json(capsys):
    assert main(["examples", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["command"] for record in records] == [one.command for one in ONE_LINERS]
