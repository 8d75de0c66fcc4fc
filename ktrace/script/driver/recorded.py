"""Run a script on a recording. Its probe points match recorded events, and time is their time."""

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError, NotFound, UsageError
from ktrace.script.driver.kernel_symbols import KernelSymbols
from ktrace.script.kernel_interface import TASK_NAME, Found, Read, Shape
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.own_task import path_of
from ktrace.symbols.syscall_numbers import syscall_names

if TYPE_CHECKING:
    from ktrace.diagnostic import Notify
    from ktrace.model.batch import Chunk
    from ktrace.script.runtime.dispatch import Drive
    from ktrace.session.signals import StopSignals
    from ktrace.stream.recording import Recording

_RETURN = "__return"  # the suffix that ktrace gives to names of return probes
_PATH = re.compile(r"->|\.")


@dataclass(slots=True)
class RecordedKernel:
    """A recording as a `Machine`.

    Args:
        fields: the names of each event's fields.
        machine: the architecture of the recording, for its system calls.
    """

    fields: Mapping[str, Sequence[str]]
    machine: str = "x86_64"
    _keys: list[str] = field(default_factory=list)

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        """See `Machine`."""
        names = self._events(site)
        if not names:
            known = " ".join(sorted(self.fields)[:20])
            raise NotFound("there is no such event in the recording", hint=f"its events: {known}")
        return [self._found(name, reads) for name in names]

    def readable(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> bool:
        """See `Machine`."""
        try:
            return bool(self.find(site, reads))
        except KtraceError:
            return False

    def exists(self, site: AtFunction | AtEvent | AtSyscall) -> bool:
        """See `Machine`."""
        return bool(self._events(site))

    def parameters(self, site: AtFunction | AtEvent | AtSyscall, also: Sequence[Read] = ()) -> Sequence[str]:
        """See `Machine`. Returns the recorded ones."""
        found = self.find(site, also)
        return self.fields[found[0].event]

    def shape(
        self, _site: AtFunction | AtEvent | AtSyscall, _name: str, _path: Sequence[str]
    ) -> Shape | None:
        """See `Machine`. A recording has no types."""
        return None

    def layout(self, type_name: str, _module: str | None, _path: Sequence[str | int]) -> tuple[int, int]:
        """See `Machine`. A recording has no types."""
        raise NotFound(f"a recording does not tell what '{type_name}' is")

    def shape_in(self, _type_name: str, _module: str | None, _path: Sequence[str]) -> Shape | None:
        """See `Machine`. A recording has no types."""
        return None

    def variable_shape(self, _name: str, _module: str | None, _path: Sequence[str]) -> Shape | None:
        """See `Machine`. A recording has no types."""
        return None

    def functions(self, site: AtFunction | AtEvent) -> Sequence[tuple[str, str | None]]:
        """See `Machine`."""
        if isinstance(site, AtEvent):
            return [(f"{site.system}:{name}" if site.system else name, None) for name in self._events(site)]
        return [(name.removesuffix(_RETURN), None) for name in self._events(site)]

    def syscalls(self) -> Mapping[int, str]:
        """See `Machine`."""
        return syscall_names(self.machine)

    def _events(self, site: AtFunction | AtEvent | AtSyscall) -> list[str]:
        match site:
            case AtEvent():
                return fnmatch.filter(self.fields, site.pattern)
            case AtSyscall():
                pattern = f"sys_{'exit' if site.at_return else 'enter'}_{site.name}"
            case AtFunction():
                pattern = site.pattern + (_RETURN if site.at_return else "")
        return fnmatch.filter(self.fields, pattern)

    def _found(self, name: str, reads: Sequence[Read]) -> Found:
        self._keys.append(name)
        columns = tuple(self._column(name, read) for read in reads)
        function = name.removesuffix(_RETURN)
        return Found(name, function, None, f'kernel.trace("{name}")', columns, len(self._keys))

    def _column(self, event: str, read: Read) -> str:
        if read == TASK_NAME or path_of(read) is not None:
            return ""  # the recording has the names of its tasks, and no more of them
        known = self.fields[event]
        text = read.text.removeprefix("$")
        parts = _PATH.split(text)
        for name in (text, "_".join(parts), parts[-1], {"retval": "ret"}.get(text, text)):
            if name in known:
                return name
        raise UsageError(
            f"{event} was recorded without '{text}'", hint="it has: " + " ".join(known) or "nothing"
        )


def over(drive: "Drive", recording: "Recording", stop: "StopSignals", note: "Callable[[str], None]") -> None:
    """Run a program on all recorded events."""
    chunks = recording.chunks()
    first = next(chunks, None)
    times = _Times(0 if first is None else _begin(first))
    drive.state.now = lambda: times.now
    drive.begin()
    is_cut = False
    for chunk in _all(first, chunks):
        # A script that ends itself ends the run too. That is not a cut.
        is_cut = drive.halted or (stop.ended and not drive.done)
        if drive.done or is_cut:
            break
        drive.feed(chunk)
        times.now = max(times.now, _last(chunk))
    if not drive.done:
        drive.advance(times.now)
    stop.last_words()
    drive.end()
    if is_cut or drive.halted:
        events = f"{drive.unhandled} events that were read, and " if drive.unhandled else ""
        note(f"WARNING: the script has ended: {events}the rest of the recording is left")


def recorded_symbols(recording: "Recording", note: "Notify") -> KernelSymbols:
    """Return the symbols of the kernel that a recording was made on, by address."""
    return KernelSymbols(recording.symbols, None, note)


@dataclass(slots=True)
class _Times:
    now: int


def _all(first: "Chunk | None", chunks: "Iterator[Chunk]") -> "Iterator[Chunk]":
    return chunks if first is None else chain((first,), chunks)


def _begin(chunk: "Chunk") -> int:
    return min((int(batch.ts[0]) for batch in chunk.batches if len(batch)), default=0)


def _last(chunk: "Chunk") -> int:
    return max((int(batch.ts[-1]) for batch in chunk.batches if len(batch)), default=0)
