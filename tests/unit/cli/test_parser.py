"""Options that all commands share, and letters that mean the same in each."""

from collections import defaultdict

import pytest

from ktrace.cli.main import main
from ktrace.cli.parser import parser_of
from ktrace.cli.registry import COMMANDS, Command
from ktrace.cli.traced import be_verbose, traced
from ktrace.host.local import LocalHost
from ktrace.host.verbose import VerboseHost

STAP = {"-D", "-G", "-I", "-L", "-T", "-W", "-e", "-l", "-p", "-w", "-x"}
"""The letters of `run`, which mean what they mean to stap."""

PEERS = {
    **{
        "-e": "--event",
        "-a": "--all-tasks",
        "-C": "--cpu",
        "-p": "--pid",
        "-c": "--command",
        "-n": "--count",
    },
    **{"-o": "--output", "-q": "--quiet", "-v": "--verbose", "-d": "--duration"},
}
"""The letters that perf and trace-cmd have taught."""

EACH = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)


def letters_of(command: Command) -> dict[str, str]:
    """Return the long name of each letter; the letter itself if it has none."""
    found = {}
    for one in parser_of(command).params:
        for letter in (spelling for spelling in one.opts if len(spelling) == 2):
            if command.name != "run" or letter not in STAP:
                found[letter] = next((o for o in one.opts if o.startswith("--")), letter)
    return found


def test_a_letter_means_one_thing() -> None:
    meanings: dict[str, set[str]] = defaultdict(set)
    letters: dict[str, set[str]] = defaultdict(set)
    for command in COMMANDS:
        for letter, name in letters_of(command).items():
            meanings[letter].add(name)
            letters[name].add(letter)
    assert {letter: names for letter, names in meanings.items() if len(names) > 1} == {}
    assert {name: found for name, found in letters.items() if len(found) > 1} == {}
    assert {letter: meanings[letter] for letter in PEERS} == {k: {name} for k, name in PEERS.items()}


def test_an_option_with_a_letter_has_it_in_each_command() -> None:
    letters = {name: letter for command in COMMANDS for letter, name in letters_of(command).items()}
    for command in COMMANDS:
        for one in parser_of(command).params:
            for name in set(one.opts) & set(letters):
                assert letters[name] in one.opts, (command.name, name)


@EACH
def test_quiet_and_verbose_are_taken_by_each(command: Command) -> None:
    assert {"-q", "-v", "-h"} <= letters_of(command).keys() | {"-h"}
    names = [one.name for one in parser_of(command).params]
    assert len(names) == len(set(names))


@EACH
def test_a_command_is_given_after_dashes_wherever_c_is(command: Command) -> None:
    from ktrace.cli.parser import module_of

    if "-c" in letters_of(command) and command.name != "run":  # a script's arguments come after them there
        assert hasattr(module_of(command), "COMMAND")


def test_verbose_chooses_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert type(traced()) is LocalHost
    try:
        assert main(["version", "-v"]) == 0
        assert isinstance(traced(), VerboseHost)
        assert main(["-q", "-vv", "version"]) == 0 and isinstance(traced(), VerboseHost)
        capsys.readouterr()
        traced().read_bytes("/proc/self/stat")
        assert capsys.readouterr().err.startswith("ktrace: cat /proc/self/stat")
        assert main(["version"]) == 0 and type(traced()) is LocalHost
    finally:
        be_verbose(0)
