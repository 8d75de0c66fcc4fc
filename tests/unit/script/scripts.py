"""Runs scripts in tests: without a kernel, or over events that the test makes."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ktrace.errors import NotFound
from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Column, Strings
from ktrace.script.kernel_interface import Found, Read, Shape
from ktrace.script.language.limits import Limits
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall
from ktrace.script.language.preprocess import Facts
from ktrace.script.language.source import SourceFile
from ktrace.script.own_task import path_of
from ktrace.script.passes.compiler import Compiled, Compiler
from ktrace.script.runtime.dispatch import Drive
from ktrace.script.runtime.program import link
from ktrace.script.runtime.state import State


@dataclass
class FakeKernel:
    """Functions, events and calls that are there; an event is named after its function.

    Attributes:
        functions_: that can be probed.
        missing: expressions that are not there.
        asked: what was to be read at each event.
        shapes: of variables and their members, such as `file->f_path`, and of types.
        layouts: offset and size of types and their members, such as `file.f_path`.
        reads_task: whether a probe can read members of the current task.
    """

    functions_: Sequence[str] = ()
    missing: Sequence[str] = ()
    asked: dict[str, list[Read]] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    layouts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    reads_task: bool = False

    def find(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> Sequence[Found]:
        name = site.name if isinstance(site, AtSyscall) else site.pattern
        if name not in self.functions_:
            raise NotFound(f"no {name}")
        for read in reads:
            if read.text in self.missing:
                raise NotFound(f"{name} has no {read.text}")
        event = name + ("_return" if getattr(site, "at_return", False) else "")
        self.asked[event] = list(reads)
        columns = tuple(
            f"f{i}" if self.reads_task or path_of(read) is None else "" for i, read in enumerate(reads)
        )
        return [Found(event, name, None, f'kernel.function("{name}")', columns, 1)]

    def readable(self, site: AtFunction | AtEvent | AtSyscall, reads: Sequence[Read]) -> bool:
        return not any(read.text in self.missing for read in reads)

    def exists(self, site: AtFunction | AtEvent | AtSyscall) -> bool:
        return (site.name if isinstance(site, AtSyscall) else site.pattern) in self.functions_

    def parameters(self, site: AtFunction | AtEvent | AtSyscall, also: Sequence[Read] = ()) -> Sequence[str]:
        return ["a", "b"]

    def shape(self, site: AtFunction | AtEvent | AtSyscall, name: str, path: Sequence[str]) -> Shape | None:
        return self.shapes.get("->".join((name, *path)))

    def layout(self, type_name: str, module: str | None, path: Sequence[str | int]) -> tuple[int, int]:
        key = ".".join((type_name, *map(str, path)))
        if key not in self.layouts:
            raise NotFound(f"no {key}")
        return self.layouts[key]

    def shape_in(self, type_name: str, module: str | None, path: Sequence[str]) -> Shape | None:
        return self.shapes.get("->".join((type_name, *path)))

    def variable_shape(self, name: str, module: str | None, path: Sequence[str]) -> Shape | None:
        return self.shapes.get("->".join((f"@{name}", *path)))

    def functions(self, site: AtFunction | AtEvent) -> Sequence[tuple[str, str | None]]:
        return [(name, None) for name in fnmatch.filter(self.functions_, site.pattern)]

    def syscalls(self) -> Mapping[int, str]:
        return {0: "read", 1: "write"}


def compiled(text: str, kernel: FakeKernel | None = None, *arguments: str) -> Compiled:
    facts = Facts("6.12.9-amd64", "x86_64", {"CONFIG_SMP": "y"}.get, arguments)
    return Compiler(facts, kernel).run([SourceFile("t.stp", text)])


@dataclass
class Ran:
    """A script that runs.

    Attributes:
        text: what it printed; its own times are those of `now`.
        told: warnings and errors.
    """

    drive: Drive
    written: list[bytes]
    told: list[str]

    @property
    def text(self) -> str:
        self.drive.flush()
        return b"".join(self.written).decode("latin-1")


def start(
    text: str, kernel: FakeKernel | None = None, *arguments: str, limits: Sequence[str] = (), target: int = 0
) -> Ran:
    """Compile a script, and run its begin."""
    program = compiled(text, kernel, *arguments).runnable()
    written: list[bytes] = []
    told: list[str] = []
    state = State(
        Limits.of(limits),
        warn=told.append,
        target=target,
        now=lambda: 1_000_000_000,
        wall_offset=1_700_000_000_000_000_000,
        syscalls={0: "read", 1: "write"},
        arguments=arguments,
    )
    drive = Drive(program, link(program, state), state, written.append)
    drive.begin()
    return Ran(drive, written, told)


def run(text: str, *arguments: str, limits: Sequence[str] = ()) -> str:
    """Return what a script without a kernel prints, followed by its errors."""
    ran = start(text, None, *arguments, limits=limits)
    ran.drive.end()
    return ran.text + "".join(line + "\n" for line in ran.told)


def said(body: str, *, globals_: str = "", limits: Sequence[str] = ()) -> str:
    """Return what the statements of a begin probe print."""
    return run(f"{globals_}\nprobe begin {{ {body} }}", limits=limits)


def events(
    name: str,
    columns: Mapping[str, Sequence[int | str | None]],
    *,
    first: int = 0,
    tid: Sequence[int] | int = 7,
    pid: int = 70,
    comm: str = "cat",
) -> Batch:
    """Events a microsecond apart, `first` of them being others' before."""
    count = len(next(iter(columns.values()))) if columns else 1
    rows = np.arange(first, first + count)
    tids = np.array([tid] * count if isinstance(tid, int) else tid, np.int32)
    made: dict[str, Column] = {}
    for key, values in columns.items():
        if any(isinstance(v, str) or v is None for v in values):
            made[key] = Strings.of(v if v is None else str(v) for v in values)
        else:
            made[key] = np.array(values, np.int64)
    return Batch(
        name,
        "fields",
        rows,
        2_000_000_000 + rows * 1000,
        np.zeros(count, np.int32),
        tids,
        np.full(count, pid, np.int32),
        Strings.of(comm for _ in range(count)),
        Strings.of("" for _ in range(count)),
        made,
    )


def feed(ran: Ran, *batches: Batch) -> None:
    ran.drive.feed(Chunk(tuple(batches)))
