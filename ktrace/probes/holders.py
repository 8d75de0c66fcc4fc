"""Find out who holds an event or an instance, and disable an event in every buffer before its removal.

The kernel does not remove an event that is enabled or has triggers in any buffer, nor an instance with an
open file. It says "Device or resource busy", but not who holds it.
"""

import errno
import re
from collections.abc import Collection
from contextlib import suppress

from ktrace.aggregate.hist import off
from ktrace.model.plan import Step
from ktrace.probes.switching import busy_reasons
from ktrace.tracefs.apply import write_step
from ktrace.tracefs.events import enabled_state, read_triggers
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import all_buffers
from ktrace.tracefs.pid_namespace import own_proc
from ktrace.tracefs.processes import open_files

_DELETES = re.compile(r"-:(\S+/\S+)\Z")
_COMMAND = re.compile(r"(enable_event|disable_event|enable_hist|disable_hist):([^:\s]+):([^:\s]+)")


def let_go_steps(tracing: Files, event: str, why: str, without: Collection[str] = ()) -> list[Step]:
    """Return the steps that disable an event and remove its triggers in all buffers but these instances."""
    steps = []
    for name, files in all_buffers(tracing):
        if name in without:
            continue
        here = f"instances/{name}/events/{event}" if name else f"events/{event}"
        state = enabled_state(files, event)
        if state.endswith("*"):
            with suppress(OSError):  # it has just been removed
                steps += [Step(f"{here}/trigger", _off(text), why) for text in read_triggers(files, event)]
        if state.startswith("1"):
            steps.append(Step(f"{here}/enable", "0", why, action="write"))
    return steps


def let_go(tracing: Files, step: Step) -> None:
    """Disable an event in every buffer if the step that removes it was refused because it is in use."""
    deletes = _DELETES.match(step.text)
    if deletes:
        for one in let_go_steps(tracing, deletes[1], "so that it can be removed"):
            with suppress(OSError):  # the removal reports what still holds it
                write_step(tracing, one)


def blame(tracing: Files, step: Step, error: OSError) -> str:
    """Say why a step failed: the kernel's word, and if that is "busy" who holds it, as far as is known."""
    word = error.strerror or str(error)
    if error.errno != errno.EBUSY:
        return word
    deletes = _DELETES.match(step.text)
    if deletes:
        return f"{word}: {deletes[1]} is in use by {busy_reasons(tracing, deletes[1])}"
    if step.action == "rmdir":
        found = openers(own_proc(tracing.host), f"{tracing.root}/{step.path}")
        readers = [f"{name} (pid {pid})" for pid, name in found]
        held = ", ".join(readers) or "a process that cannot be seen from here, or the histogram of another"
        return f"{word}: files of it are open in {held}"
    return word


def openers(proc: Files, folder: str) -> list[tuple[int, str]]:
    """Return the processes that have files of a directory open, as far as /proc shows: id and command."""
    return [
        (one.pid, one.comm)
        for one in open_files(proc)
        if any(target.startswith(folder + "/") for target in one.targets)
    ]


def _off(printed: str) -> str:
    """Return the text that removes a trigger, given how the kernel printed it."""
    if printed.startswith("hist:"):
        return off(printed)
    command = _COMMAND.match(printed)
    return "!" + (command[0] if command else re.split(r"[: ]", printed, maxsplit=1)[0])
