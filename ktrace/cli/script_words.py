"""Read the plain command lines of `ktrace run` without typer, which takes a third of a script's start.

Only options that most runs have are read here, and only where nothing about them can be wrong. Every other
line is left to typer, which reads these lines in the same way; a test compares the two.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ktrace.cli.traced import be_verbose, traced

if TYPE_CHECKING:
    from ktrace.script.driver.options import Options
    from ktrace.script.language.facts import Facts
    from ktrace.script.language.source import SourceFile

_WITH_VALUE = {"-e": "-e", "-c": "-c", "--command": "-c", "-T": "-T", "-d": "-T", "--duration": "-T"}
_FLAGS = {"-v": "-v", "--verbose": "-v", "--no-cache": "--no-cache"}
_MACHINES = {"aarch64": "arm64", "ppc64le": "powerpc", "s390x": "s390", "riscv64": "riscv"}
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?")


def plain_run(words: Sequence[str]) -> "tuple[SourceFile, Options] | None":
    """Return the script and the options of a plain line; None for a line that typer must read.

    Raises:
        NotFound: the script cannot be read.
    """
    given = _plain_words(words)
    if given is None:
        return None
    from ktrace.script.driver.options import Options

    options, rest = given
    be_verbose("-v" in options)
    script, arguments = read_script(options.get("-e"), rest)
    return script, Options(
        host=traced(),
        facts=facts_of(arguments),
        command=options.get("-c"),
        duration_s=float(options["-T"]) if "-T" in options else None,
        verbose="-v" in options,
        cache="--no-cache" not in options,
    )


def _plain_words(words: Sequence[str]) -> tuple[dict[str, str], list[str]] | None:
    """Return the options, each once, and the other words; None if a line is not plain."""
    options: dict[str, str] = {}
    rest: list[str] = []
    todo = iter(words)
    for word in todo:
        if word in _WITH_VALUE:
            name, value = _WITH_VALUE[word], next(todo, "-")
            if name in options or not value or value.startswith("-"):
                return None
            options[name] = value
        elif word in _FLAGS and _FLAGS[word] not in options:
            options[_FLAGS[word]] = ""
        elif not word or word.startswith("-"):
            return None
        else:
            rest.append(word)
    if not _SECONDS.fullmatch(options.get("-T", "0")) or not (rest or "-e" in options):
        return None
    return options, rest


def read_script(text: str | None, words: list[str]) -> "tuple[SourceFile, list[str]]":
    """Return the script and its arguments. Raises NotFound for a file that cannot be read."""
    from ktrace.errors import NotFound
    from ktrace.script.language.source import COMMAND_LINE, STANDARD_INPUT, SourceFile

    if text is not None:
        return SourceFile(COMMAND_LINE, text), words
    name, *arguments = words
    if name == "-":
        return SourceFile(
            STANDARD_INPUT, sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        ), arguments
    try:
        return SourceFile(name, Path(name).read_text("utf-8", "surrogateescape")), arguments
    except OSError as error:
        raise NotFound(f"{name}: {error.strerror}") from None


def facts_of(arguments: list[str]) -> "Facts":
    """Return what a script with these arguments can ask about the machine."""
    from ktrace.script.driver.kernel_config import kernel_config
    from ktrace.script.language.facts import Facts

    uname = traced().uname()
    return Facts(uname.release, arch(uname.machine), kernel_config(traced()), arguments)


def arch(machine: str) -> str:
    """Return the name of an architecture as scripts spell it, for that of uname."""
    return _MACHINES.get(machine, machine)
