"""Recordings of both versions, read by the commands that read them."""

import zlib
from contextlib import suppress
from pathlib import Path

from ktrace.cli.commands.report import report
from ktrace.errors import Damaged, Unavailable, UsageError
from ktrace.tracedat.contents import ClockSample, Guest, Options, TimeShift, TscToNs
from ktrace.tracedat.reader import TraceDat
from ktrace.tracedat.writer import write_file
from tests.fuzz.mutate import Material
from tests.fuzz.target import Target
from tests.fuzz.targets.events import EVENTS, pages_of_events
from tests.unit.stream import recorded
from tests.unit.tracedat.build import contents, version7, zlib_pack, zstd_pack

WAYS = ({}, {"as_json": True}, {"as_csv": True}, {"recover": True}, {"chrome": "/dev/null"})
"""The ways to read a recording; the mutant decides which one is used."""


def full_options() -> Options:
    """Options of each kind."""
    return Options(
        date_us=1_700_000_000_000_000,
        offset=-5,
        clock="x86-tsc",
        cpu_count=2,
        cpu_stats=("CPU: 0\nentries: 3\noverrun: 4\ndropped events: 0\n", "CPU: 1\noverrun: 1\n"),
        uname="Linux here 6.12",
        written_by="trace-cmd 3.2",
        trace_id=77,
        tsc=TscToNs(4194304, 22, 1000),
        shifts=(TimeShift(78, True, ((ClockSample(1, 2, 1), ClockSample(900, 7, 1, 3)),) * 2),),
        guests=(Guest("vm", 79, ((0, 11), (1, 12))),),
    )


def made(options: Options) -> "dict[str, object]":
    """The contents of a recording with all kinds of events."""
    return {
        "ftrace_formats": tuple(text for system, text in EVENTS if system == "ftrace"),
        "event_formats": tuple((system, text) for system, text in EVENTS if system != "ftrace"),
        "kallsyms": b"ffffffff81000000 T _text\nffffffff81000100 t vfs_read\t[ext4]\n",
        "printk_formats": b'0xffffffff82000000 : "hello %d %s\\n"\n',
        "cmdlines": b"7 seven\n8 eight of us\n",
        "options": options,
    }


class Recordings(Target):
    """Version 6."""

    name = "recording"
    # A compression that ktrace cannot unpack is not damage.
    allowed = (Damaged, Unavailable)

    def material(self) -> Material:
        """Build one with events of every kind, one with all options, and one as trace-cmd's tests have."""
        seeds = []
        for number, options in enumerate((Options(clock="mono", cpu_count=2, trace_id=7), full_options())):
            path = self.folder / f"{number}.dat"
            write_file(str(path), contents(**made(options)), pages_of_events())
            seeds.append(path.read_bytes())
        seeds.append(Path(recorded.write(self.folder / "r.dat", 1)).read_bytes())
        return Material(seeds)

    def run(self, data: bytes) -> None:
        """Report it, one way or another."""
        path = self.folder / "mutant.dat"
        path.write_bytes(data)
        if zlib.crc32(data) % 8 == 0:  # as the guest of a host
            report([str(path), self.host()], jobs=1)
        way = WAYS[zlib.crc32(data) % len(WAYS)]
        # Events that have no room in CSV's columns are a usage error.
        with suppress(UsageError if "as_csv" in way else ()):
            report([str(path)], jobs=1, **way)  # type: ignore[arg-type]  # each way has an option's own type
        if zlib.crc32(data) % 7 == 0:
            _look_around(str(path))

    def host(self) -> str:
        """Return a recording of the machine on which the others' was a guest."""
        path = self.folder / "host.dat"
        if not path.exists():
            options = Options(clock="mono", cpu_count=2, trace_id=78)
            write_file(str(path), contents(**made(options)), pages_of_events())
        return str(path)


def _look_around(path: str) -> None:
    """Read what no report needs."""
    with TraceDat(path) as file:
        for text in file.contents.texts:
            for _ in file.text(text):
                pass


class Recordings7(Recordings):
    """Version 7, also compressed."""

    name = "recording7"

    def material(self) -> Material:
        """Build plain ones and such as are compressed with each library."""
        seeds = []
        for options in (Options(clock="mono", cpu_count=2, trace_id=7), full_options()):
            saying = contents(**made(options), version=7)
            for pack, name in ((None, "none"), (zlib_pack, "zlib"), (zstd_pack, "zstd")):
                seeds.append(version7(saying, pages_of_events(), pack, name))
        return Material(seeds)
