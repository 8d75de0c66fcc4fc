"""Run scripts in sessions: the implementation of `ktrace run`."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, partial
from typing import TYPE_CHECKING

from ktrace.errors import UsageError
from ktrace.model.muted import seeing_status
from ktrace.script.driver.later_kernel import LaterKernel
from ktrace.script.driver.options import Options
from ktrace.script.driver.output_files import OutputFiles
from ktrace.script.driver.prepared import Prepared, compiler, prepared
from ktrace.script.driver.serving import Serving
from ktrace.script.language.limits import Limits
from ktrace.script.language.sites import OwnSite
from ktrace.script.language.source import COMMAND_LINE, STANDARD_INPUT, SourceFile
from ktrace.script.runtime.program import link
from ktrace.script.runtime.state import KernelSymbol, State, terminal_text

if TYPE_CHECKING:
    from ktrace.host.host import Host
    from ktrace.model.muted import Muted
    from ktrace.script.driver.kernel_symbols import KernelSymbols
    from ktrace.script.driver.user_symbols import UserSymbols
    from ktrace.script.kernel_interface import Machine
    from ktrace.script.runtime.dispatch import Drive
    from ktrace.session.command import Command
    from ktrace.session.signals import StopSignals


def parsed(source: SourceFile, options: Options) -> str:
    """Return the tree as text, for `-p1`."""
    from ktrace.script.language.parser import parse
    from ktrace.script.language.preprocess import Preprocessor
    from ktrace.script.language.printer import show

    return show(parse(source, Preprocessor(options.facts)))


def run(source: SourceFile, options: Options) -> int:
    """Compile and run a script. Return its exit code."""
    from ktrace.session.command import Command
    from ktrace.session.patient_output import patient_streams
    from ktrace.session.signals import StopSignals

    limits = Limits.of(options.limits)
    with ExitStack() as stack:
        # Open it while signals still interrupt: the open waits if a pipe has no reader yet.
        files = stack.enter_context(OutputFiles(options.output, _inputs(source, options)))
        stop = stack.enter_context(StopSignals())
        stack.enter_context(patient_streams(stop))
        # Fork before NumPy is loaded, because its threads would be missing in the child.
        child = None
        if options.command:
            child = stack.enter_context(Command(options.command, host=options.host))
        recording = None
        kernel = LaterKernel(options, _note)
        symbols: Callable[[], KernelSymbols] = partial(getattr, kernel, "symbols")
        machine: Machine = kernel
        if options.source:
            from ktrace.script.driver.recorded import RecordedKernel, over, recorded_symbols
            from ktrace.stream.recording import Recording

            recording = stack.enter_context(Recording([options.source]))
            machine = RecordedKernel(recording.fields())
            symbols = cache(partial(recorded_symbols, recording, _note))
        with stop.may_interrupt("handler"):  # it changes nothing
            ready = prepared(source, options, limits, kernel, machine)
        compiled = ready.program
        _show_notes(ready, kernel, options)
        state = _state(options, limits, child, kernel.syscalls(), on_terminal=files.name is None)
        _name_addresses(state, symbols)
        from ktrace.script.runtime.dispatch import Drive

        drive = Drive(compiled, link(compiled, state), state, partial(_write, files, stop))
        state.next_file = lambda: files.next(drive.flush)
        drive.patience, drive.on_end = partial(stop.may_interrupt, "handler"), stop.end
        stop.on_overdue = drive.halt
        serving = stack.enter_context(Serving(drive))
        serving.start(options, _note)
        muted: Sequence[Muted] = ()
        if recording is not None:
            stop.ends_in(options.duration_s)
            over(drive, recording, stop, _note)
        elif any(bound.found for bound in compiled.bound):
            from ktrace.script.driver.live import live

            muted = live(drive, ready.probed, stop, child, options, _note, serving=serving)
        else:
            stop.ends_in(options.duration_s)
            _alone(drive, stop, child, serving)
        stop.last_words()
        if options.verbose:
            _note(drive.cost.text())
        ready.keep()
        _tell_the_end(drive, options)
        return seeing_status(_exit_code(drive, stop, child), muted)


def _show_notes(ready: Prepared, kernel: LaterKernel, options: Options) -> None:
    """Print what the compilation has to say."""
    if options.verbose and ready.kept is not None:
        _note("the script was compiled by an earlier run (--no-cache compiles it again)")
    for note in ready.program.notes if options.verbose else ():
        _note(note)
    _warn(options, (*ready.program.warnings, *kernel.doubts))


def _warn(options: Options, warnings: Iterable[str]) -> None:
    """Print warnings about the script. Raises UsageError instead with `-W`."""
    for warning in warnings:
        if options.warnings == "error":
            raise UsageError(f"{warning} (-W makes it an error)")
        if options.warnings == "show":
            _note(f"WARNING: {warning}")


def _tell_the_end(drive: "Drive", options: Options) -> None:
    """Tell what handlers did not see or could not do."""
    if options.verbose and drive.state.without_entry:
        _note(
            f"{drive.state.without_entry} returns were left out: their functions were entered before the run"
        )
    if drive.held_up:
        _note("WARNING: a handler had not returned when the script's time was over: it was interrupted")
    if drive.given_up:
        _note("WARNING: nobody reads the output: the rest of it is dropped")


def _state(
    options: Options,
    limits: Limits,
    child: "Command | None",
    syscalls: Mapping[int, str],
    *,
    on_terminal: bool,
) -> State:
    """Return the state that the handlers begin with.

    Args:
        on_terminal: whether the script prints to standard output, which may be a terminal.
    """
    return State(
        limits,
        shown=terminal_text if on_terminal and sys.stdout.isatty() else str,
        warn=_note,
        target=child.pid if child else _target(options),
        host=options.host,
        now=options.host.monotonic_ns,
        wall_offset=options.host.time_ns() - options.host.monotonic_ns(),
        run_commands=options.allow_system,
        arguments=options.facts.arguments,
        user_symbol=partial(_user_symbol, options.host),
        syscalls=syscalls,
    )


def _name_addresses(state: State, symbols: "Callable[[], KernelSymbols]") -> None:
    """Let handlers ask for names of the kernel's addresses. The symbols are read for the first question."""

    def symbol(address: int) -> KernelSymbol | None:
        return symbols()(address)

    def source_line(found: KernelSymbol) -> tuple[str, int] | None:
        return symbols().line(found)

    state.symbol, state.source_line = symbol, source_line


def _target(options: Options) -> int:
    """Return the process id of `-x` as events carry it. For a recording, it is the id as given."""
    if not options.target or options.source:
        return options.target or 0
    from ktrace.tracefs.pid_namespace import machine_id, own_proc

    return machine_id(own_proc(options.host), options.target, f"-x {options.target}")


def _inputs(source: SourceFile, options: Options) -> list[str]:
    """Return the files that a run reads."""
    read = {COMMAND_LINE: [], STANDARD_INPUT: ["-"]}.get(source.name, [source.name])
    if options.vmlinux is not None:
        read.append(str(options.vmlinux))
    if options.source is not None:
        from ktrace.tracedat.unfinished import files_of, place_of

        read += [options.source, *files_of(place_of(options.source))]
    return read


def _alone(drive: "Drive", stop: "StopSignals", child: "Command | None", serving: Serving) -> None:
    """Run a script that has no kernel probes, only begin, end and timers."""
    from ktrace.session.waiting import TICK_S, Waiting

    drive.begin()
    waiting = Waiting(stop, serving.fds, command=child)
    waiting.begin()
    wait_s = 0.0
    while not drive.done and waiting(wait_s):
        serving.collect()
        drive.advance(drive.state.now())
        serving()
        drive.flush()
        due = drive.next_timer()
        wait_s = TICK_S if due is None else max(due - drive.state.now(), 0) / 1e9
        wait_s = 0.0 if serving.in_haste else wait_s
    if serving.collect():
        drive.advance(drive.state.now())
    stop.last_words()
    drive.end()


def _exit_code(drive: "Drive", stop: "StopSignals", child: "Command | None") -> int:
    import signal

    if drive.errors:
        _note(f"WARNING: Number of errors: {drive.errors}, skipped probes: 0")
    if stop.received is not None and (stop.received != signal.SIGINT or drive.given_up):
        return 128 + stop.received
    if drive.given_up or drive.errors > drive.state.limits.MAXERRORS:
        return 1
    if drive.state.status:
        return drive.state.status
    # A command that outlives the script is killed and does not affect the exit code.
    return child.wait() if child is not None and child.ended else 0


def _write(files: OutputFiles, stop: "StopSignals", data: bytes) -> None:
    from ktrace.session.patient_output import PatientOutput

    out = PatientOutput(files.current or sys.stdout.buffer, stop)
    out.write(data)
    out.flush()


def _user_symbol(host: "Host", pid: int, address: int) -> tuple[str, str] | None:
    return _user_symbols(host)(pid, address)


@cache
def _user_symbols(host: "Host") -> "UserSymbols":
    """Create the symbol look-up. The import waits until a script first needs it."""
    from ktrace.script.driver.user_symbols import UserSymbols
    from ktrace.tracefs.pid_namespace import names_proc

    return UserSymbols(names_proc(host))


def _note(text: str) -> None:
    """Print a note about the script or from it. The text is not trusted."""
    from ktrace.diagnostic import note

    note(text)


def show_plan(source: SourceFile, options: Options) -> int:
    """Print the writes to the kernel as shell commands, and the Python program, for `--plan`."""
    kernel = LaterKernel(options, _note)
    compiled = compiler(options, kernel, Limits.of(options.limits)).run([source])
    kernel.check((bound.hook.point, bound.site) for bound in compiled.bound)
    _warn(options, (*compiled.warnings, *kernel.doubts))
    counting: set[int] = set()
    if any(bound.found for bound in compiled.bound):
        from ktrace.script.driver.plan import steps

        if options.pushdown and kernel.real.kernel.features.hist_triggers:
            counting = {table.key for table in compiled.counted.tables}
        plan = steps(kernel.real, compiled, pushdown=options.pushdown)
        print("# Into the kernel:")
        if options.pushdown and options.command and compiled.pushed.only_target:
            print("# only the tasks of the command: its process goes to set_event_pid")
        for line in plan.to_shell(kernel.real.kernel.tracing.root):
            print(line)
    print("# Here:")
    for bound in compiled.bound:
        name = compiled.emitted.handlers[bound.scope].name
        text = f"# {name}: {bound.hook.point}" + (f", {len(bound.found)} events" if bound.found else "")
        print(text + (", counted in the kernel" if counting.intersection(f.key for f in bound.found) else ""))
    print(compiled.emitted.text, end="")
    return 0


def list_points(source: SourceFile, options: Options, *, variables: bool) -> int:
    """List the matches of a probe point (`-l`), with the variables that can be read there (`-L`)."""
    kernel = LaterKernel(options, _note)
    lines: dict[str, None] = {}
    hooks = compiler(options, kernel, Limits()).hooks([source])
    kernel.check((hook.point, hook.site) for hook in hooks)
    for hook in hooks:
        asked = hook.site
        if isinstance(asked, OwnSite):
            lines[str(hook.point)] = None
            continue
        for found in kernel.find(asked, ()):
            text = found.point if hook.name is hook.point else str(hook.name)
            if variables:
                text += "".join(f" {one}" for one in kernel.real.variables(asked, found))
            lines[text] = None
    _warn(options, kernel.doubts)
    print("\n".join(lines))
    return 0
