"""Every file of examples/, run as its first lines say, while something happens that it must see."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.kernel.conftest import DEADLINE_S
from tests.kernel.loading import load_module, module_file, unload_module

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SECONDS = "2"
FORKS = "for i in 1 2 3 4 5 6; do /bin/true; done"
READ_AND_WRITE = "dd if=/dev/zero of=/dev/null bs=777 count=20 status=none"

Ask = Callable[..., str]


def has_events(tracing: Path) -> bool:
    """Return whether a session's events are on; one that only counts has no buffer that is."""
    for path in (tracing / "instances").glob("ktrace_*/set_event"):
        with suppress(OSError):  # it may go while we look
            if path.read_text():
                return True
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def ask(tracing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run an example. While its events are on, a shell called `ktload` does `load` again and again."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, words in (("ktrace", "-m ktrace"), ("python3", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words} "$@"\n')
        (programs / name).chmod(0o755)
    (programs / "ktload").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)

    def run(name: str, *words: str, load: str = "") -> str:
        command = [str(EXAMPLES / name), *words]
        if name.endswith(".stp"):
            command = ["ktrace", "run", "-T", SECONDS, *command]
        busy: subprocess.Popen[bytes] | None = None
        deadline = time.monotonic() + 3 * DEADLINE_S  # several programs, one after the other
        with Path("out").open("wb") as out, Path("err").open("wb") as err:
            example = subprocess.Popen(command, stdout=out, stderr=err, start_new_session=True)
        try:
            while example.poll() is None:
                assert time.monotonic() < deadline, f"{name} did not end"
                traces = has_events(tracing)
                if load and traces and busy is None:
                    loop = ["ktload", "-c", f"while :; do {load}; sleep 0.2; done"]
                    busy = subprocess.Popen(loop, start_new_session=True)
                elif busy is not None and not traces:
                    end(busy)  # what an example does with its events afterwards is slow enough without it
                time.sleep(0.1)
        finally:
            for process in (example, busy):
                if process is not None:
                    end(process)
        printed, said = Path("out").read_text(), Path("err").read_text()
        assert example.returncode == 0 and "Traceback" not in said, f"{printed}\n{said}"
        return printed

    return run


def test_each_example_is_tested_and_in_the_index() -> None:
    names = {path.name for path in EXAMPLES.iterdir()} - {"README.md", "__pycache__"}
    tests = Path(__file__).read_text()
    questions = dict(
        re.findall(r"^\| \[(.+?)\]\(\1\) \| (.+?) \|", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    )
    assert names == set(questions) and len(names) >= 12
    for name in names:
        text = (EXAMPLES / name).read_text()
        assert questions[name] in text and f'"{name}"' in tests and f"examples/{name}" in text
        assert os.access(EXAMPLES / name, os.X_OK)


def test_who_forks(ask: Ask) -> None:
    printed = ask("01-who-forks.sh", SECONDS, load=FORKS)
    count = re.search(r"^ *(\d+)  \S+ +ktload$", printed, re.MULTILINE)
    assert count and int(count[1]) >= 6, printed


def test_dump_registers(ask: Ask) -> None:
    printed = ask("02-dump-registers.sh", "60", load=FORKS)
    assert len(re.findall(r" ip=\S+.* sp=", printed)) == 5 and "kernel_clone" in printed, printed
    assert "=> __x64_sys_" in printed or "=> do_syscall_64" in printed, printed


def test_slow_forks(ask: Ask) -> None:
    printed = ask("03-slow-forks.sh", SECONDS, load=FORKS)
    assert re.search(r"^.*\d+.*\|", printed, re.MULTILINE), printed


def test_opened_files(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("x")
    printed = ask("04-opened-files.sh", f"cat {tmp_path}/seen {tmp_path}/seen")
    lines = dict(reversed(line.split(maxsplit=1)) for line in printed.splitlines())
    assert sum(int(n) for name, n in lines.items() if name in (f"{tmp_path}/seen", "(not readable)")) >= 2, (
        lines
    )


def test_read_sizes(ask: Ask) -> None:
    printed = ask("05-read-sizes.sh", SECONDS, load=READ_AND_WRITE)
    assert re.search(r"comm dd\n[^c]*? 513 - 1024 +\d+", printed), printed


def test_failed_opens(ask: Ask) -> None:
    printed = ask("06-failed-opens.sh", SECONDS, load="cat /no/such/file 2>&- || :")
    assert re.search(r"^ *\d+  \S+ +cat +-2 ENOENT$", printed, re.MULTILINE), printed


@pytest.fixture
def disk() -> Iterator[str]:
    """A disk of memory."""
    needed = [] if Path("/sys/kernel/config").exists() else ["configfs"]
    files = [module_file(name) for name in (*needed, "null_blk")]
    if None in files:
        pytest.skip("no file of module null_blk")
    for path in files:
        assert path is not None
        load_module(path, "" if "configfs" in path.name else "nr_devices=1 gb=1")
    deadline = time.monotonic() + 60
    while not Path("/dev/nullb0").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield "/dev/nullb0"
    unload_module("null_blk")


def test_slow_disk(ask: Ask, disk: str) -> None:
    printed = ask(
        "07-slow-disk.sh", SECONDS, load=f"dd if={disk} of=/dev/null bs=4k count=20 iflag=direct status=none"
    )
    device = Path(disk).stat().st_rdev
    number = os.major(device) << 20 | os.minor(device)
    assert str(number) in printed.replace(",", ""), printed


def test_run_queue(ask: Ask) -> None:
    printed = ask("08-run-queue.sh", SECONDS, load="sleep 0.01; sleep 0.01")
    assert re.search(r"^.*\d+.*\|", printed, re.MULTILINE), printed


def test_write_stacks(ask: Ask, tmp_path: Path) -> None:
    ask("09-write-stacks.sh", "out.svg", SECONDS, load=READ_AND_WRITE)
    picture = (tmp_path / "out.svg").read_text()
    assert "<svg" in picture and "vfs_write" in picture and "ksys_write" in picture


@pytest.fixture
def where(tracing: Path) -> tuple[str, ...]:
    """The option that older kernels need, of which instances have no function graph tracer."""
    instance = tracing / "instances/test_examples"
    instance.mkdir()
    try:
        own = "function_graph" in (instance / "available_tracers").read_text().split()
    finally:
        instance.rmdir()
    return () if own else ("--top-buffer",)


def test_what_read_does(ask: Ask, where: tuple[str, ...]) -> None:
    printed = ask("10-what-read-does.sh", "cat /proc/uptime", *where)
    head, root, *calls = printed.splitlines()
    assert head.startswith("cat-") and root.endswith("   vfs_read") and len(calls) >= 2, printed


def test_who_signals(ask: Ask) -> None:
    printed = ask("11-who-signals.sh", SECONDS, load="kill -CONT $$")
    assert re.search(r"^ktload-(\d+) sent 18 to ktload-\1$", printed, re.MULTILINE), printed


def test_record_and_ask_and_bursts(ask: Ask) -> None:
    pytest.importorskip("polars")
    printed = ask("12-record-and-ask.sh", "out.dat", SECONDS, load=READ_AND_WRITE)
    row = re.search(r"\bdd\D+(\d+)\D+(\d+)", printed.replace(",", ""))
    assert row and int(row[1]) >= 20 and int(row[2]) % 777 == 0, printed
    bursts = ask("16-bursts.py", "out.dat", "1000")
    counts = [int(n) for n in re.findall(r"(\d+) events", bursts.replace(",", ""))]
    assert 1 <= len(counts) <= 5 and max(counts) == counts[0] >= 20 and " of dd" in bursts, bursts


def test_bytes_by_program(ask: Ask) -> None:
    printed = ask("13-bytes-by-program.py", SECONDS, load=READ_AND_WRITE).replace(",", "")
    total = re.search(r"^vfs_write +dd +(\d+) bytes$", printed, re.MULTILINE)
    assert total and int(total[1]) >= 20 * 777 and int(total[1]) % 777 == 0, printed
    assert re.search(r"^vfs_read +dd +\d+ bytes$", printed, re.MULTILINE), printed


def test_syscalls(ask: Ask) -> None:
    printed = ask("14-syscalls.stp", load=READ_AND_WRITE)
    count = re.search(r"^ +(\d+)  dd +write$", printed, re.MULTILINE)
    assert count and int(count[1]) >= 20, printed


def test_late_timers(ask: Ask) -> None:
    printed = ask("15-late-timers.stp", load="sleep 0.01; sleep 0.01")
    said = re.match(r"(\d+) sleeps, from (\d+) to (\d+) us late\n", printed)
    assert said and int(said[1]) >= 2 and int(said[2]) <= int(said[3]) and "|" in printed, printed
