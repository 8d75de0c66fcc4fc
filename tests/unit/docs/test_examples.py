"""Examples in the documentation that need no kernel; tests/kernel/test_docs.py runs the others."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.docs.blocks import PAGES, Block, agrees, blocks, python_blocks


@pytest.mark.parametrize("block", blocks("anywhere"), ids=lambda block: block.name)
def test_shell(block: Block, tmp_path: Path) -> None:
    program = tmp_path / "ktrace"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ktrace "$@"\n')
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(PAGES[0].parent)}
    for step in block.steps:
        done = subprocess.run(
            ["bash", "-c", step.command],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert agrees(done.stdout, step.expected), f"$ {step.command}\n{done.stdout}"


@pytest.mark.parametrize(("name", "text"), python_blocks(), ids=lambda text: text.split("\n")[0])
def test_python(name: str, text: str) -> None:
    exec(compile(text, name, "exec"), {"__name__": "example"})


def test_there_are_examples() -> None:
    """If no example were found, all tests would pass."""
    assert len(blocks("anywhere")) >= 2 and len(blocks("kernel")) >= 10 and len(python_blocks()) >= 2


@pytest.mark.parametrize(
    ("text", "expected", "answer"),
    [
        ("ffffffff81 k f+0x4 [A]\n", "ffffffffb14c3624  k  f+0x0  [A]\n", True),
        ("sh-7   [000] d..1. 5.1: e\n", "sh-183     [001] .....    14.066338: e\n", True),
        ("one\ntwo\nthree\n", "one\n...\n", True),
        ("one two three\n", "one ... three\n", True),
        ("kprobes/read\n", "kprobes/write\n", False),
        ("one\ntwo\n", "one\n", False),
        ("", "one\n", False),
        ("ktrace: no\n", "", False),
    ],
)
def test_agreement(text: str, expected: str, answer: bool) -> None:
    assert agrees(text, expected) is answer
