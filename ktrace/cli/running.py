"""The frame of commands that run for a time: set-up before the run, report and exit status after it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from ktrace.cli.traced import traced
from ktrace.diagnostic import note
from ktrace.model.muted import seeing_status

if TYPE_CHECKING:
    from ktrace.cli.run_options import RunOptions
    from ktrace.model.outcome import Outcome
    from ktrace.session.run_context import RunContext
    from ktrace.session.signals import StopSignals

_BROKEN_PIPE = 128 + signal.SIGPIPE


@contextmanager
def running(
    options: "RunOptions", output: BinaryIO | None = None, *, keys_fd: int | None = None
) -> "Iterator[RunContext]":
    """Yield a session with everything that a run needs, and undo all of it at the end.

    Args:
        output: the stream that events or tables go to, already open: a pipe may have no reader yet, and
            from here on signals are only noted. None if the run writes its own file.
        keys_fd: a terminal whose keys the run reads.
    """
    from ktrace.session.command import Command
    from ktrace.session.patient_output import patient_streams
    from ktrace.session.run_context import RunContext
    from ktrace.session.session import Session
    from ktrace.session.signals import StopSignals
    from ktrace.session.tasks import TaskFilter

    to_stderr = output is sys.stdout.buffer  # before `patient_streams` replaces it
    with ExitStack() as stack:
        stop = stack.enter_context(StopSignals())
        stack.enter_context(patient_streams(stop))
        # Forked before NumPy is loaded: its threads would not be there in the child.
        command = None
        if options.command:
            command = stack.enter_context(Command(options.command, to_stderr=to_stderr, host=traced()))
        session = stack.enter_context(
            Session(host=traced(), clock=options.clock, buffer_kb=options.buffer_kb)
        )
        tasks = TaskFilter(options.pids or (), options.children)
        yield RunContext(
            session, stop, note, command, tasks, options.duration_s, output, keys_fd, options.everybody
        )


def patient(out: BinaryIO, stop: "StopSignals") -> BinaryIO:
    """Return `out` wrapped so that a write which nobody takes ends with the run."""
    from ktrace.session.patient_output import PatientOutput

    return cast(BinaryIO, PatientOutput(out, stop))


def exit_status(context: "RunContext", outcome: "Outcome") -> int:
    """Undo the run, note the records that it left, and return its exit status.

    A command of `-c` that still runs is ended, after the undoing: it may come to its own end meanwhile.
    """
    context.session.close()
    if outcome.unread or outcome.given_up:
        note_unread(outcome.unread, given_up=outcome.given_up)
    received = context.stop.received
    if outcome.output_closed:
        return _BROKEN_PIPE
    if outcome.given_up:
        return 128 + received if received else 1
    if received is not None and received != signal.SIGINT:
        return 128 + received
    return seeing_status(context.command.finish() if context.command else 0, outcome.muted)


def note_unread(count: int, *, given_up: bool = False) -> None:
    """Report how many records a run left unread at its end, and how to get them.

    Args:
        count: the number of records.
        given_up: whether they were left because nobody reads the output.
    """
    from ktrace.session.ending import VARIABLE

    if given_up:
        note(f"nobody reads the output: {count} records were not written")
        return
    note(
        f"{count} records were left unread: there was no time for them after the end of the run",
        hint=f"fewer events (--filter), or {VARIABLE}=60 before the command: 60 s after the end",
    )
