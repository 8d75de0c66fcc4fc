"""Functions that end the script, print messages or run commands."""

from collections.abc import Callable, Mapping
from typing import Any

from ktrace.script.language.faults import Abort, Fault
from ktrace.script.runtime.state import State, python_text


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name."""

    def leave(status: int = 0) -> int:
        state.exiting = True
        state.status = state.status or status & 0xFF
        return 0

    def abort() -> int:
        state.exiting = True
        raise Abort

    def error(text: str) -> int:
        raise Fault(text)

    def check(value: int, text: str = "Assertion failed") -> int:
        if not value:
            raise Fault(text)
        return 0

    def warn(text: str) -> int:
        state.warn(f"WARNING: {python_text(text)}")
        return 0

    def log(text: str) -> int:
        state.out.append(state.shown(text) + "\n")
        return 0

    def system(command: str) -> int:
        if not state.run_commands:
            raise Fault("system() is off: --allow-system lets a script start programs")
        started = state.host.start(["/bin/sh", "-c", python_text(command)])
        state.commands.append(started.pid)
        return 0

    def switch_file() -> int:
        state.next_file()
        return 0

    return {
        "switch_file": switch_file,
        "exit": leave,
        "abort": abort,
        "error": error,
        "assert": check,
        "warn": warn,
        "log": log,
        "ftrace": log,
        "system": system,
    }
