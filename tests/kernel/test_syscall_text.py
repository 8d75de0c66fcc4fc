"""`argstr` and `retstr` of system calls whose arguments are known."""

import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernel import known_calls
from tests.kernel.known_calls import CALLS

SCRIPT = """
probe {entries} {{ if (pid() == target()) printf("%s(%s)\\n", name, argstr) }}
probe {returns} {{ if (pid() == target()) printf("%s = %s\\n", name, retstr) }}
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of calls are those of x86-64")
def test_calls_are_shown_with_their_arguments_and_results(ktrace: Callable, tmp_path: Path) -> None:
    names = sorted({name for _number, name, *_rest in CALLS})
    entries = ", ".join(f"syscall.{name}" for name in names)
    returns = ", ".join(f"syscall.{name}.return" for name in names)
    script = tmp_path / "t.stp"
    script.write_text(SCRIPT.format(entries=entries, returns=returns))
    command = f"{sys.executable} -S {known_calls.__file__}"
    lines = ktrace("run", "-T", "150", "-c", command, str(script)).out.splitlines()
    missing, start = [], 0
    for _number, name, _args, text, result in CALLS:
        for wanted in (f"{name}({text})", f"{name} = {result}"):
            # Between these calls, the interpreter may make its own.
            if wanted in lines[start:]:
                start = lines.index(wanted, start) + 1
            elif result is not None or wanted.startswith(f"{name}("):
                near = [line for line in lines[start:] if line.partition("(")[0].split(" =")[0] == name]
                missing.append((wanted, near[:9]))
    assert not missing
