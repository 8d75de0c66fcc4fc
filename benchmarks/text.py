"""Measure how fast records become the kernel's text, next to `trace-cmd report`, and the last step alone.

    python -m benchmarks.text [--file TRACE.DAT] [--rounds N] [--rows N]

With --file, both read the same recording, one after the other in each round; the table has the medians of
whole processes, and the ratio. Without it, columns of a few common events are generated, and only the last
step is measured: from columns to lines. Compare the ratios: the figures depend on the machine and its load.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Column, Strings
from ktrace.model.format import parse_format
from ktrace.output.formats.text import Text

_COMMON = """ID: 1
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;

"""


def _format(name: str, print_fmt: str, *fields: tuple[str, int, int]):
    offset, lines = 8, []
    for declaration, size, signed in fields:
        lines.append(f"\tfield:{declaration};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n")
        offset += size
    return parse_format(f"name: {name}\n{_COMMON}{''.join(lines)}\nprint fmt: {print_fmt}", "bench")


def _switches(rows: int, dice: np.random.Generator) -> Batch:
    form = _format(
        "sched_switch",
        '"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d next_prio=%d", '
        "REC->prev_comm, REC->prev_pid, REC->prev_prio, (REC->prev_state & 0xff) ? "
        '__print_flags(REC->prev_state & 0xff, "|", { 1, "S" }, { 2, "D" }, { 4, "T" }) : "R", '
        'REC->prev_state & 0x100 ? "+" : "", REC->next_comm, REC->next_pid, REC->next_prio',
        *((f"{type_} {side}_{what}", size, signed)
          for side in ("prev", "next")
          for type_, what, size, signed in (("char", "comm[16]", 16, 0), ("pid_t", "pid", 4, 1),
                                            ("int", "prio", 4, 1), ("long", "state", 8, 1))),
    )  # fmt: skip
    columns: dict[str, Column] = {}
    for side in ("prev", "next"):
        task = dice.integers(0, 40, rows)
        columns[f"{side}_comm"] = Strings(task.astype(np.int32), tuple(f"task {i}" for i in range(40)))
        columns[f"{side}_pid"] = task * 7 + 100
        columns[f"{side}_prio"] = np.full(rows, 120)
        columns[f"{side}_state"] = dice.choice([0, 1, 2, 256], rows)
    return _batch(form, columns, dice)


def _calls(rows: int, dice: np.random.Generator) -> Batch:
    form = _format(
        "sys_enter",
        '"NR %ld (%lx, %lx, %lx, %lx, %lx, %lx)", REC->id, ' + ", ".join(f"REC->args[{i}]" for i in range(6)),
        ("long id", 8, 1),
        ("unsigned long args[6]", 48, 0),
    )
    args = dice.integers(0, 1 << 47, (rows, 6)).astype(np.uint64)
    return _batch(form, {"id": dice.integers(0, 300, rows), "args": args}, dice)


def _allocations(rows: int, dice: np.random.Generator) -> Batch:
    form = _format(
        "kmalloc",
        '"call_site=%pS ptr=%p bytes_req=%zu bytes_alloc=%zu gfp_flags=%s", '
        "(void *)REC->call_site, REC->ptr, "
        'REC->bytes_req, REC->bytes_alloc, __print_flags(REC->gfp_flags, "|", { 0xcc0, "GFP_KERNEL" }, '
        '{ 0x100, "__GFP_ZERO" })',
        *((f"size_t {name}", 8, 0) for name in ("call_site", "ptr", "bytes_req", "bytes_alloc", "gfp_flags")),
    )
    columns: dict[str, Column] = {
        "call_site": dice.integers(0, 500, rows).astype(np.uint64) * np.uint64(64),
        "ptr": dice.integers(0, 1 << 40, rows).astype(np.uint64),
        "bytes_req": dice.integers(1, 5000, rows).astype(np.uint64),
        "bytes_alloc": dice.integers(1, 8, rows).astype(np.uint64) * np.uint64(64),
        "gfp_flags": dice.choice([0xCC0, 0xDC0, 0x820], rows).astype(np.uint64),
    }
    return _batch(form, columns, dice)


def _batch(form, columns: dict[str, Column], dice: np.random.Generator) -> Batch:
    rows = len(next(iter(columns.values())))
    task = dice.integers(0, 40, rows).astype(np.int32)
    return Batch(
        event=form.name,
        kind="fields",
        seq=np.arange(rows),
        ts=np.cumsum(dice.integers(200, 5000, rows)) + 10**13,
        cpu=dice.integers(0, 8, rows).astype(np.int32),
        pid=task * 7 + 100,
        tgid=None,
        comm=Strings(task, tuple(f"task {i}" for i in range(40))),
        flags=Strings(dice.integers(0, 3, rows).astype(np.int32), ("d..2.", ".....", "d.h3.")),
        columns=columns,
        format=form,
    )


class _Nowhere:
    def __init__(self) -> None:
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        pass


def _columns_to_lines(rows: int, rounds: int) -> None:
    print(f"{'columns to lines':24}{'M lines/s':>12}{'bytes a line':>14}")
    makers: list[Callable[[int, np.random.Generator], Batch]] = [_switches, _calls, _allocations]
    batches = [make(rows, np.random.default_rng(1)) for make in makers]
    times: list[list[float]] = [[] for _ in batches]
    sizes = [0] * len(batches)
    for _ in range(rounds):
        for i, batch in enumerate(batches):
            out = _Nowhere()
            sink = Text(out)  # type: ignore[arg-type]  # of a stream, write and flush alone
            begin = time.perf_counter()
            sink.write(Chunk((batch,)))
            times[i].append(time.perf_counter() - begin)
            sizes[i] = out.bytes
    for batch, taken, size in zip(batches, times, sizes, strict=True):
        print(f"{batch.event:24}{rows / median(taken) / 1e6:12.2f}{size / rows:14.0f}")


def _file_to_lines(path: str, rounds: int) -> None:
    commands = {
        "trace-cmd report": ["trace-cmd", "report", path],
        "ktrace report": [sys.executable, "-m", "ktrace", "report", "-q", path],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    lines: dict[str, int] = {}
    for _ in range(rounds):
        for name, command in commands.items():
            begin = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
                assert process.stdout is not None
                count = 0
                while piece := process.stdout.read(1 << 20):
                    count += piece.count(b"\n")
            times[name].append(time.perf_counter() - begin)
            lines[name] = count
    print(f"{'file to lines':24}{'lines':>12}{'M lines/s':>12}{'ratio':>8}")
    base = median(times["trace-cmd report"]) / lines["trace-cmd report"]
    for name, taken in times.items():
        each = median(taken) / lines[name]
        print(f"{name:24}{lines[name]:12}{1 / each / 1e6:12.2f}{base / each:8.2f}")


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", help="a recording of trace-cmd or ktrace")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=200_000)
    options = parser.parse_args()
    if options.file:
        _file_to_lines(options.file, options.rounds)
    else:
        _columns_to_lines(options.rows, options.rounds)


if __name__ == "__main__":
    main()
