import json
import os
import select
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

LINE = b"         my prog-149     [001] .....     3.125954: kp: (vfs_read+0x4/0x370) fd=0x%x\n"
ROOT = Path(__file__).parents[4]


def ktrace(*words, text=None):
    return subprocess.run(
        [sys.executable, "-m", "ktrace", "parse", *words],
        input=text,
        capture_output=True,
        cwd=ROOT,
        check=False,
    )


def test_a_file(tmp_path):
    path = tmp_path / "trace"
    path.write_bytes(LINE % 1 + LINE % 2)
    done = ktrace(str(path))
    assert done.returncode == 0
    assert [json.loads(line)["args"] for line in done.stdout.splitlines()] == [{"fd": 1}, {"fd": 2}]
    assert done.stderr == b"ktrace: the text is of trace or trace_pipe\nktrace: 2 events\n"


def test_standard_input_and_text():
    done = ktrace("--text", text=LINE % 1 + b"\x1b[2J\n")
    assert done.stdout == LINE % 1 + b"\\x1b[2J\n"
    assert done.stderr.endswith(b"\nktrace: 1 events, 1 lines not understood\n")
    assert done.returncode == 0


def test_formats_of_a_folder(tmp_path):
    folder = tmp_path / "mine" / "odd"
    folder.mkdir(parents=True)
    head = "name: odd\nID: 7\nformat:\n\tfield:int size;\toffset:8;\tsize:4;\tsigned:1;\n\n"
    (folder / "format").write_text(head + 'print fmt: "has %d", REC->size\n')
    line = LINE.partition(b": ")[0] + b": odd: has -3\n"
    done = ktrace("--formats", str(tmp_path), text=line)
    assert json.loads(done.stdout)["args"] == {"size": -3}
    assert "args" not in json.loads(ktrace(text=line).stdout)
    assert ktrace("--formats", str(folder), text=line).returncode == 4


def test_a_kind_by_name():
    line = b" 0)   0.500 us    |  f();\n"
    assert len(ktrace("--format", "graph", text=line).stdout.splitlines()) == 2
    assert b"unparsed" in ktrace("--format", "trace", text=line).stdout
    assert ktrace("--format", "other", text=line).returncode == 2


def test_strict():
    assert ktrace("--strict", text=LINE % 1).returncode == 0
    assert ktrace("--strict", text=LINE % 1 + b"what?\n").returncode == 7


def test_summary_of_losses():
    text = (
        b"# tracer: nop\n#\n# entries-in-buffer/entries-written: 1/3   #P:2\n"
        b"CPU:1 [LOST 5 EVENTS]\nCPU:0 [LOST EVENTS]\n" + LINE % 1
    )
    assert ktrace(text=text).stderr.endswith(
        b"\nktrace: 1 events, 5 events lost, 1 times an unknown number lost, 2 of 3 written are not in it\n"
    )


@pytest.mark.parametrize(("name", "code"), [("missing", 4), (".", 2)])
def test_no_such_file_and_directory(tmp_path, name, code):
    done = ktrace(str(tmp_path / name))
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert done.stderr.startswith(b"ktrace: ")


def test_binary_garbage():
    done = ktrace(text=bytes(range(256)) * 1000)
    assert done.returncode == 0
    got = [json.loads(line) for line in done.stdout.splitlines()]
    assert {r["type"] for r in got} == {"unparsed"}
    lines = [r["line"].encode("utf-8", "surrogateescape") for r in got]
    assert b"\n".join(lines) == bytes(range(256)) * 1000


def test_reader_that_goes_away():
    command = f"{shlex.quote(sys.executable)} -m ktrace parse | head -1"
    done = subprocess.run(
        ["bash", "-c", command], input=LINE % 1 * 20000, capture_output=True, cwd=ROOT, check=False
    )
    assert len(done.stdout.splitlines()) == 1
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


def test_a_pipe_is_shown_while_it_is_open():
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-m", "ktrace", "parse"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=buffered,
    ) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(LINE % 7)
        child.stdin.flush()
        if not select.select([child.stdout], [], [], 20)[0]:
            child.kill()
            pytest.fail("nothing was shown while the pipe was open")
        assert json.loads(child.stdout.readline())["args"] == {"fd": 7}
        child.stdin.close()
        assert child.wait(timeout=30) == 0


def test_memory_stays_flat(tmp_path):
    path = tmp_path / "trace"
    with path.open("wb") as out:
        for number in range(40):
            out.write(b"".join(LINE % (number * 20000 + i) for i in range(20000)))
    script = (
        "import re, sys; from ktrace.cli.main import main; main(sys.argv[1:])\n"
        # Not ru_maxrss: that begins with what the parent had when it forked.
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr)"
    )
    with Path(os.devnull).open("wb") as null:
        done = subprocess.run(
            [sys.executable, "-c", script, "parse", str(path)],
            stdout=null,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            check=True,
        )
    peak_kb = int(done.stderr.splitlines()[-1])
    assert path.stat().st_size > 60 << 20
    assert peak_kb < 150 << 10
