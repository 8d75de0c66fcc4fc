"""SIGINT to commands that read files: they end, and say what is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ktrace.cli.interrupts import interruptible
from tests.unit.cli.full import begin, ended, full_pipe, interrupt, is_writing
from tests.unit.stream import recorded

LINE = "            bash-7       [000] d..1.     3.125954: kp: (vfs_read+0x4/0x370) x=1\n"


def interrupted(*argv) -> tuple[int, str, str]:
    """End a command that is stuck in writing."""
    with full_pipe() as out:
        process = begin(*argv, stdout=out)
        deadline = time.monotonic() + 60
        while not is_writing(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        interrupt(process)
        return ended(process)


@pytest.mark.parametrize("words", [["parse"], ["report"], ["report", "--json", "-j", "1"]])
def test_an_output_that_nobody_takes(tmp_path, words):
    path = tmp_path / "in"
    if words[0] == "parse":
        path.write_text(LINE * 20000)
    else:
        recorded.write(path)
    status, _, err = interrupted(words[0], str(path), *words[1:])
    assert status == 130 and err == f"ktrace: interrupted: the rest of {path} was not read\n"


def test_pythons_way_out_is_taken_where_there_is_one(capsys):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible("a.dat"):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    assert capsys.readouterr().err == "ktrace: interrupted: the rest of a.dat was not read\n"
    assert signal.getsignal(signal.SIGINT) is before and signal.set_wakeup_fd(-1) == -1


def test_no_file_that_was_to_be_an_output_stays(tmp_path):
    path = tmp_path / "out"
    code = (
        "import time, signal; from ktrace.cli.interrupts import interruptible\n"
        "from ktrace.storage.destination import open_output\n"
        f"with interruptible('a.dat'), open_output({str(path)!r}) as out:\n"
        "    signal.signal(signal.SIGINT, lambda *_: None)  # as a library does not see it\n"
        "    print('go', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"go\n" and len(list(tmp_path.iterdir())) == 1
    interrupt(process)
    assert process.wait(60) == 130 and not list(tmp_path.iterdir())
    process.stdout.close()
    process.stderr.close()


def user_ticks(pid):
    """The process's time in user space: proc_pid_stat(5)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def test_a_library_that_computes_and_asks_nobody():
    code = (
        "import hashlib; from ktrace.cli.interrupts import interruptible\n"
        "with interruptible('a.dat'):\n"
        "    print('go', flush=True); hashlib.pbkdf2_hmac('sha256', b'a', b'b', 2**31 - 1)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"go\n"
    enough = user_ticks(process.pid) + os.sysconf("SC_CLK_TCK") // 2
    while user_ticks(process.pid) < enough:  # else it is Python's own loop that is interrupted
        time.sleep(0.05)
    interrupt(process)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err == b"ktrace: interrupted: the rest of a.dat was not read\n"
