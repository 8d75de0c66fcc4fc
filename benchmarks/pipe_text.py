"""Measure how fast the kernel's text becomes columns, compared with other ways of reading it.

    python -m benchmarks.pipe_text [--lines N] [--rounds N] [--file TRACE]

All ways read the same bytes in the same run, one after the other in each round, in pieces of 1 MiB. The table
has the median of the rounds and the ratio to a peer: one `findall` of a pattern that knows the event's
arguments, which leaves all values as bytes. Only ktrace types the values and reports lines that it does not
understand. `ktrace parse` also finds out what a text is, and parses the fields of static events. Without
--file, the text is generated in the kernel's layout. Compare the ratios: the figures depend on the machine
and its load.
"""

import argparse
import io
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ktrace.output.formats.jsonl import JsonLines
from ktrace.texts.reader import TextReader
from ktrace.tracefs.pipe_text import TextParser
from ktrace.tracefs.text_shape import learn

_PIECE = 1 << 20
_HEAD = rb"^(.{16})-(-?\d+) +\[(\d+)\] (\S+) +(\d+)\.(\d{6}): "
_FINDALL_HEAD = re.compile(_HEAD + rb"([^:]+): ", re.MULTILINE)
_GENERIC = re.compile(rb" ([A-Za-z_]\w*)=")
_VALUES = {
    "dec": rb"(-?\d+)",
    "hex": rb"0x([0-9a-f]+)",
    "str": rb'"([^"\n]*)"',
    "sym": rb"(\S+)",
    "char": rb"'(.)'",
}

Reader = Callable[[bytes], int]


def generate(shape: str, lines: int) -> bytes:
    """Generate the text of `lines` records: `numbers`, `string`, or `mixed` of five events."""
    rng = random.Random(shape)
    comms = ["bash", "my prog-1", "kworker/0:1H", "<idle>", "systemd-journal", "rcu_preempt"]
    paths = [f"/usr/lib/x86_64-linux-gnu/lib{n}.so.{n % 7}" for n in range(3000)]
    bodies: dict[str, Callable[[], str]] = {
        "numbers": lambda: (
            f"kp: (vfs_read+0x4/0x370) fd=0x{rng.getrandbits(64) | 1 << 63:x} "
            f"cnt={rng.randrange(1, 70000)} r={-rng.randrange(100)}"
        ),
        "string": lambda: f'op: (do_sys_openat2+0x4/0xc0) path="{rng.choice(paths)}"',
        "return": lambda: (
            f"rp: (ksys_read+0x{rng.randrange(8):x}f/0xf0 <- vfs_read) ret={rng.randrange(-11, 9999)}"
        ),
        "both": lambda: f'wr: (vfs_write+0x4/0x4a0) name="{rng.choice(paths)}" len={rng.randrange(1 << 20)}',
        "static": lambda: (
            f"sched_wakeup: comm={rng.choice(comms)} pid={rng.randrange(9999)} prio=120 target_cpu=001"
        ),
    }
    kinds = list(bodies) if shape == "mixed" else [shape]
    now = 3_125_954
    out = []
    for _ in range(lines):
        now += rng.randrange(1, 40)
        head = f"{rng.choice(comms):>16}-{rng.randrange(1, 32768):<7d} [{rng.randrange(2):03d}] "
        clock = f"{now // 10**6:5d}.{now % 10**6:06d}"
        out.append(f"{head}{rng.choice(['.....', 'd..1.'])} {clock}: {bodies[rng.choice(kinds)]()}\n")
    return "".join(out).encode()


def known_args(text: bytes) -> re.Pattern[bytes]:
    """Return the pattern that a person would write: an alternative for each event in the first lines."""
    alternatives: dict[bytes, bytes] = {}
    for line in text[:_PIECE].splitlines():
        match = _FINDALL_HEAD.match(line)
        if match is None or match[7] in alternatives:
            continue
        sig = learn("", line, match.end(), len(line))
        args = b"(.*)"
        if sig:
            args = rb"\(([^)]*)\)" + b"".join(
                b" %b=" % a.name.encode() + _VALUES[a.print_as] for a in sig.args
            )
        alternatives[match[7]] = b"(" + re.escape(match[7]) + b"): " + args + b"$"
    return re.compile(_HEAD + b"(?:" + b"|".join(alternatives.values()) + b")", re.MULTILINE)


def pieces(text: bytes) -> Iterable[bytes]:
    """Split text into pieces of whole lines, of about 1 MiB each: the peers keep no state between them."""
    start = 0
    while start < len(text):
        end = text.rfind(b"\n", start, start + _PIECE) + 1 or len(text)
        yield text[start:end]
        start = end


def findall(pattern: re.Pattern[bytes]) -> Reader:
    """Count the matches of one `findall` for each piece."""
    return lambda text: sum(len(pattern.findall(piece)) for piece in pieces(text))


def numpy_head(text: bytes) -> int:
    """Slice the fixed columns of the header from a table of lines; nothing is checked or typed."""
    count = 0
    for piece in pieces(text):
        octets = np.frombuffer(piece + bytes(64), np.uint8)
        ends = np.flatnonzero(octets == 10)
        starts = np.concatenate(([0], ends[:-1] + 1))
        table = np.ndarray((len(octets) - 47,), "V48", octets, strides=(1,))[starts]
        chars = table.view(np.uint8).reshape(-1, 48)
        comm = np.ascontiguousarray(chars[:, :16]).view("S16")
        cpu = (chars[:, 26:29] - 48) @ np.array([100, 10, 1])
        flags = np.ascontiguousarray(chars[:, 31:36]).view("S5")
        seconds = np.where(chars[:, 37:42] == 32, 0, chars[:, 37:42] - 48) @ np.array(
            [10**n for n in (4, 3, 2, 1, 0)]
        )
        micros = (chars[:, 43:49] - 48) @ np.array([10**n for n in (4, 3, 2, 1, 0)])
        count += len({len(c) for c in (comm, cpu, flags, seconds, micros)}) and len(starts)
    return count


def generic(text: bytes) -> int:
    """Match the header by a pattern, then split `key=value` wherever it looks like one, into a dict."""
    count = 0
    for line in text.splitlines():
        match = _FINDALL_HEAD.match(line)
        if match:
            parts = _GENERIC.split(line[match.end() :])
            count += bool(dict(zip(parts[1::2], parts[2::2], strict=True))) or 1
    return count


def ours(text: bytes) -> int:
    """Make typed batches."""
    parser = TextParser()
    for start in range(0, len(text), _PIECE):
        parser.feed(text[start : start + _PIECE])
    parser.finish()
    return parser.events


def ours_any(text: bytes) -> int:
    """Make typed batches as `ktrace parse` does: find the kind of text, and parse fields of static events."""
    reader = TextReader()
    for start in range(0, len(text), _PIECE):
        reader.feed(text[start : start + _PIECE])
    reader.finish()
    return reader.events


def ours_json(text: bytes) -> int:
    """Make typed batches and write them as JSON Lines to memory."""
    parser, out = TextParser(), io.BytesIO()
    sink = JsonLines(out)
    for start in range(0, len(text), _PIECE):
        sink.write(parser.feed(text[start : start + _PIECE]))
        out.seek(0)
    sink.write(parser.finish())
    return parser.events


def measure(name: str, text: bytes, rounds: int) -> None:
    """Print one table."""
    lines = text.count(b"\n")
    peer = "findall, known arguments"
    readers: dict[str, Reader] = {
        "findall, header only": findall(_FINDALL_HEAD),
        "NumPy, header only, unchecked": numpy_head,
        peer: findall(known_args(text)),
        "key=value split, a line at a time": generic,
        "ktrace, typed batches": ours,
        "ktrace parse, typed batches": ours_any,
        "ktrace, JSON Lines": ours_json,
    }
    rates: dict[str, list[float]] = {reader: [] for reader in readers}
    found = {}
    for _ in range(rounds):
        for reader, read in readers.items():
            started = time.perf_counter()
            found[reader] = read(text)
            rates[reader].append(lines / (time.perf_counter() - started) / 1e6)
    print(f"\n{name}: {lines} lines, {len(text) / lines:.0f} bytes each; median of {rounds} rounds")
    print(f"{'':36}{'M lines/s':>10}{'to peer':>9}{'records':>10}")
    for reader, values in rates.items():
        # The ways alternate, and each round has its own ratio, so the load of the machine matters less.
        ratio = statistics.median(a / b for a, b in zip(values, rates[peer], strict=True))
        print(f"{reader:36}{statistics.median(values):10.2f}{ratio:9.2f}{found[reader]:10d}")


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=200_000, help="of generated text, each shape")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--file", type=Path, help="real text of trace or trace_pipe")
    options = parser.parse_args()
    if options.file:
        measure(str(options.file), options.file.read_bytes(), options.rounds)
        return 0
    for shape in ("numbers", "string", "mixed"):
        measure(f"generated, {shape}", generate(shape, options.lines), options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
