"""`ktrace run --input`: a script over a recording."""

import struct
import sys
from pathlib import Path

import pytest

from ktrace.cli.main import main
from ktrace.tracedat.writer import write_file
from tests.unit.ringbuffer.page_writer import PageWriter
from tests.unit.tracedat.build import contents

FORMAT = (
    "name: {name}\nID: {ident}\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
    "\tfield:{ctype} {field};\toffset:8;\tsize:8;\tsigned:{signed};\n\n"
    'print fmt: "{field}=%lld", REC->{field}\n'
)
READ = FORMAT.format(name="vfs_read", ident=300, ctype="u64", field="count", signed=0)
BACK = FORMAT.format(name="vfs_read__return", ident=301, ctype="s64", field="ret", signed=1)
MADE = contents(ftrace_formats=(), event_formats=(("kprobes", READ), ("kprobes", BACK)))


def page(*records: tuple[int, int, int]) -> bytes:
    """A page of (time, event, value)."""
    writer = PageWriter(ts=records[0][0])
    for time, ident, value in records:
        writer.record(struct.pack("<HBBiq", ident, 0, 0, 7, value), time - writer.ts)
    return writer.bytes()


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = str(tmp_path / "a.dat")
    one = page((1000, 300, 10), (3000, 301, -5), (900_000_000, 300, 30))
    write_file(file, MADE, {0: [one], 1: [page((2000, 300, 20))]})
    return file


def run(capfdbinary: pytest.CaptureFixture[bytes], path: str, script: str, *options: str) -> tuple[str, str]:
    main(["run", *options, "--input", path, "-e", script])
    sys.stdout.flush()
    out, err = capfdbinary.readouterr()
    return out.decode(), err.decode()


def test_events_in_order_with_names_and_values(path: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    script = """probe kernel.function("vfs_read") { printf("%s %d %d\\n", execname(), tid(), $count) }
                probe kernel.function("vfs_read").return { println($return) }"""
    assert run(capfdbinary, path, script)[0] == "my prog 7 10\nmy prog 7 20\n-5\nmy prog 7 30\n"


def test_timers_go_by_the_time_of_the_events(path: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    script = """global n
        probe kernel.trace("vfs_read") { n++ }
        probe timer.ms(400) { printf("%d %d\\n", n, gettimeofday_ms() - @T) }
        probe end { println(n) }"""
    script = script.replace(" - @T", "")
    out = run(capfdbinary, path, script)[0].split()
    assert out[0] == "2" and out[2] == "2" and out[-1] == "3"


def test_a_script_that_ends_itself_leaves_nothing_to_be_told(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = str(tmp_path / "long.dat")
    write_file(file, MADE, {0: [page((1000 + n, 300, n)) for n in range(5000)], 1: []})
    script = 'probe kernel.function("vfs_read") { println($count) exit() }'
    assert run(capfdbinary, file, script) == ("0\n", "")


def test_what_was_not_recorded(path: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["run", "--input", path, "-e", 'probe kernel.function("vfs_write") { }']) == 4
    assert "no such event in the recording" in capfdbinary.readouterr()[1].decode()
    assert main(["run", "--input", path, "-e", 'probe kernel.function("vfs_read") { println($pos) }']) == 2
    assert "recorded without 'pos'" in capfdbinary.readouterr()[1].decode()
