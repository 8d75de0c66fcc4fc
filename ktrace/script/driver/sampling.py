"""Sample perf events during a script's run, for `timer.profile`, `perf...` and watchpoints."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ktrace.errors import KtraceError, NotFound, Unavailable
from ktrace.host.local import LocalHost
from ktrace.script.language.points import Timer
from ktrace.script.language.sites import PerfEvent, Profile, Sampled, Watch
from ktrace.script.sampling.perf_events import Event, PerfEvents
from ktrace.script.sampling.records import Records, Sample
from ktrace.session.tasks import parse_cpus
from ktrace.symbols.kallsyms import KALLSYMS
from ktrace.tracefs.pid_namespace import names_proc

if TYPE_CHECKING:
    from ktrace.diagnostic import Notify
    from ktrace.script.driver.options import Options
    from ktrace.script.passes.runnable import Handled
    from ktrace.script.runtime.dispatch import Drive

_PERIOD_NS = 10_000_000
_ONLINE = "/sys/devices/system/cpu/online"
_OF_SAMPLES = ("usermode", "addr", "ustack")


@dataclass(slots=True)
class Sampling:
    """The perf events of a script, each with the handlers that its samples call."""

    drive: "Drive"
    notify: "Notify"
    _events: "list[tuple[PerfEvents, Records, list[Handled]]]" = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self, options: "Options") -> None:
        """Open the events of a script.

        Raises:
            Unavailable: the kernel or the processor refuses a watchpoint, or samples that the script needs.
            NotFound: there is no variable of that name.
        """
        grouped: dict[Sampled, list[Handled]] = {}
        for bound in self.drive.compiled.bound:
            if isinstance(bound.site, Sampled):
                grouped.setdefault(bound.site, []).append(bound)
        for site, bounds in grouped.items():
            try:
                self._open(site, bounds, options)
            except KtraceError as error:
                if isinstance(site, Profile):
                    self._by_timer(bounds, error)
                elif all(one.may_miss for one in bounds):
                    doubt = "" if isinstance(error, NotFound) else "WARNING: "
                    self.notify(f"{doubt}{bounds[0].point} is left out: {error.message}")
                else:
                    error.message = f"{bounds[0].at}: {bounds[0].point}: {error.message}"
                    error.args = (error.message,)
                    raise

    def collect(self) -> bool:
        """Hand the samples so far to the run, which calls their handlers in order of time.

        Return whether there were any.
        """
        found = False
        for events, records, bounds in self._events:
            events.drain(records)
            for sample in records.take():
                found = True
                own = self._own(sample)
                for bound in bounds:
                    self.drive.sampled(sample.ts, bound, own)
        return found

    def close(self) -> None:
        """Close the events, and say how many samples were lost."""
        self._stack.close()
        lost = sum(records.lost for _, records, _ in self._events)
        if lost:
            self.notify(f"WARNING: {lost} samples were lost: the handlers lag")
        self._events.clear()

    def _open(self, site: Sampled, bounds: "list[Handled]", options: "Options") -> None:
        host = options.host
        if options.source:
            raise Unavailable("the script runs on a recording")
        if not isinstance(host, LocalHost):
            raise Unavailable("perf events are those of this machine only")
        event = Event(_PERIOD_NS)
        if isinstance(site, Watch):
            event = Event(1, self._address(site, options), site.length, site.reads)
        elif isinstance(site, PerfEvent):
            event = Event(site.period, type=site.type, config=site.config, hz=site.hz)
        cpus = parse_cpus(host.read(_ONLINE).strip())
        events = self._stack.enter_context(PerfEvents(event, host.uname().machine, cpus))
        self._events.append((events, Records(), bounds))

    def _address(self, site: Watch, options: "Options") -> int:
        if isinstance(site.place, int):
            return site.place
        for line in options.host.read(KALLSYMS).splitlines():
            words = line.split()
            if words[2] == site.place:
                if not int(words[0], 16):
                    raise Unavailable(
                        "addresses are hidden here", hint="sysctl kernel.kptr_restrict=1; or root"
                    )
                return int(words[0], 16)
        raise NotFound(f"there is no variable '{site.place}' in the kernel")

    def _by_timer(self, bounds: "Sequence[Handled]", error: KtraceError) -> None:
        """Call the handlers by a timer, if they do not ask what a processor did."""
        for bound in bounds:
            where = f"{bound.at}: {bound.point}"
            if any(name in self.drive.program.emitted.handlers[bound.scope].params for name in _OF_SAMPLES):
                raise Unavailable(f"{where} cannot tell what was interrupted: {error.message}")
            self.notify(
                f"WARNING: {where} is a timer of 100 Hz here, and sees no processor but its own: "
                f"{error.message}"
            )
            self.drive.repeat(replace(bound, site=Timer(_PERIOD_NS)))

    def _own(self, sample: Sample) -> dict[str, object]:
        return {
            "pid": sample.pid,
            "tid": sample.tid,
            "comm": sample.comm or self._name(sample.tid),
            "cpu": sample.cpu,
            "usermode": int(sample.user),
            "addr": sample.address - (1 << 64) if sample.address >> 63 else sample.address,
            "ustack": (sample.user_address,) if sample.user_address else (),
        }

    def _name(self, tid: int) -> str:
        """Return the name that a task has now, for one that began before the samples."""
        try:
            return (
                names_proc(self.drive.state.host)
                .read_bytes(f"{tid}/comm")
                .decode("latin-1")
                .removesuffix("\n")
            )
        except OSError:
            return ""
