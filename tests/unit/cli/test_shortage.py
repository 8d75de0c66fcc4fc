"""Limits of this process are reported as such: neither with a traceback nor as another error."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.cli import shortage
from ktrace.cli.shortage import explained
from tests.unit.stream.recorded import write


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "out of memory"),
        (OSError(errno.EMFILE, "x", "/a"), "/a cannot be opened: too many open files (this process may have"),
        (OSError(errno.ENFILE, "x", "/a"), "too many open files on this machine"),
        (BlockingIOError(errno.EAGAIN, "x"), "no further process could be started"),
        (RuntimeError("can't start new thread"), "no further thread could be started"),
        (ImportError("libx.so: failed to map segment from shared object"), "out of memory"),
        (OSError(errno.EISDIR, "Is a directory", b"/b\xe9"), "/b\udce9: Is a directory"),
    ],
)
def test_what_is_said(error: BaseException, words: str) -> None:
    found = explained(error)
    assert found is not None and words in found.message


def test_what_is_a_fault_of_ktrace_stays_one() -> None:
    assert explained(RuntimeError("x")) is None and explained(ImportError("no module named x")) is None


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("integrity", "this kernel is locked down (integrity)"),
        ("confidentiality", "it refuses all tracing"),
        (None, "/sys/kernel/debug/kprobes/enabled: Operation not permitted"),
    ],
)
def test_what_lockdown_keeps_shut(monkeypatch: pytest.MonkeyPatch, mode: str | None, words: str) -> None:
    monkeypatch.setattr(shortage, "refuses_debugfs", lambda host: mode)
    error = OSError(errno.EPERM, "Operation not permitted", "/sys/kernel/debug/kprobes/enabled")
    found = explained(error)
    assert found is not None and words in found.message and "fault" not in found.message


@pytest.mark.parametrize(
    ("limit", "value", "argv", "words"),
    [
        (
            resource.RLIMIT_NOFILE,
            5,
            ("report", "{}", "--parquet", "{}.pq"),
            "too many open files (this process may have 5)",
        ),
        (resource.RLIMIT_AS, 600 << 20, ("sql", "{}", "SELECT count(*) FROM events"), "`ulimit -v`"),
    ],
)
def test_a_command_under_a_limit(
    tmp_path: Path, limit: int, value: int, argv: tuple[str, ...], words: str
) -> None:
    path = write(tmp_path / "r.dat")
    done = subprocess.run(
        [sys.executable, "-m", "ktrace", *(word.format(path) for word in argv)],
        preexec_fn=lambda: resource.setrlimit(limit, (value, value)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 5) and words in done.stderr, done
    assert "Traceback" not in done.stderr
