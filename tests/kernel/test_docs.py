"""Examples in the documentation that need a kernel with kprobes."""

import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Callable

import pytest

from tests.unit.docs.blocks import Block, agrees, blocks, python_blocks


@pytest.mark.parametrize("block", blocks("kernel"), ids=lambda block: block.name)
def test_example(block: Block, ktrace: Callable) -> None:
    for step in block.steps:
        printed = run(step.command, ktrace)
        assert agrees(printed, step.expected), f"# {step.command}\n{printed}"


@pytest.mark.parametrize(("name", "text"), python_blocks("kernel"), ids=lambda text: text.split("\n")[0])
def test_python(name: str, text: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    apart(lambda: exec(compile(text, name, "exec"), {"__name__": "example"}))


def apart(example: Callable[[], None]) -> None:
    """Run it in a process forked for it.

    Polars starts threads: a process that was forked after that lacks them, and waits for them for ever.
    """
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            example()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def run(command: str, ktrace: Callable) -> str:
    """Return the output of a pipeline; a first or last `ktrace` in it runs in a loaded process."""
    first, *others = split(command)
    last = others.pop() if others and others[-1][0] == "ktrace" else None
    text, err = b"", ""
    if first[0] == "ktrace":
        outcome = ktrace(*first[1:], status=None)
        text, err = outcome.out.encode(), outcome.err
    else:
        others.insert(0, first)
    for words in others:
        text = subprocess.run(words, input=text, stdout=subprocess.PIPE, check=True).stdout
    if last:
        outcome = ktrace(*last[1:], stdin=text, status=None)
        text, err = outcome.out.encode(), err + outcome.err
    # Notes are printed before the events, and the summary after them, as on a terminal.
    notes = [line for line in err.splitlines(keepends=True) if is_note(line)]
    rest = [line for line in err.splitlines(keepends=True) if not is_note(line)]
    return "".join((*notes, text.decode(), *rest))


def split(command: str) -> list[list[str]]:
    """The words of each program of a pipeline."""
    words = shlex.shlex(command, posix=True, punctuation_chars="|")
    words.whitespace_split = True
    words.commenters = ""
    pipeline: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            pipeline.append([])
        else:
            pipeline[-1].append(word)
    return pipeline


def is_note(line: str) -> bool:
    """Return whether a line on stderr was printed before the output."""
    return line.startswith("ktrace: ") and " is " in line and " in this kernel" in line
