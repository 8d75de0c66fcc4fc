from importlib import import_module
from pathlib import Path

import pytest

import ktrace.cli.commands
from ktrace.cli.registry import COMMANDS, find


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_is_where_the_table_says(command):
    assert find(command.name) is command
    function = getattr(import_module(command.module), command.attribute)
    assert function.__doc__
    assert 0 < len(command.summary) < 70 and not command.summary.endswith(".")


def test_each_module_is_in_the_table():
    folder = Path(ktrace.cli.commands.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == {command.module.rpartition(".")[2] for command in COMMANDS}


def test_an_unknown_name():
    assert find("nothing") is None
    assert find("") is None
