import os
import select
import shlex
import signal
import sys
import time
from pathlib import Path

import pytest

from ktrace.errors import NotFound, UsageError
from ktrace.session.command import Command
from ktrace.session.signals import StopSignals

DEADLINE_S = 10


def shell(script):
    return f"/bin/sh -c '{script}'"


def has_ended(command):
    return bool(select.select([command.fd], [], [], DEADLINE_S)[0])


def test_it_waits_for_the_gate(tmp_path):
    mark = tmp_path / "mark"
    with Command(shell(f"echo $$ > {mark}")) as command:
        assert not select.select([command.fd], [], [], 0.05)[0]
        assert not command.ended and not mark.exists()
        command.start()
        assert has_ended(command)
        assert command.ended
        assert command.wait() == 0
        assert int(mark.read_text()) == command.pid  # the same process, before and after exec


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill $$", 143)]
)
def test_exit_codes_as_a_shell_has_them(script, code):
    with Command(shell(script)) as command:
        command.start()
        assert command.wait() == code
        assert command.wait() == code
        assert command.ended


def test_words_are_split_as_by_a_shell_but_no_shell_runs_them(tmp_path):
    out = tmp_path / "out"
    program = 'import sys; open(sys.argv[1], "w").write("|".join(sys.argv[2:]))'
    with Command(f"{shlex.quote(sys.executable)} -c '{program}' {out} 'a b' $HOME \"c\" '*'") as command:
        command.start()
        assert command.wait() == 0
    assert out.read_text() == "a b|$HOME|c|*"


def test_a_quote_that_is_not_closed():
    with pytest.raises(UsageError, match="-c: ") as error:
        Command("ls 'a")
    assert error.value.caret == len("ls 'a")


@pytest.mark.parametrize("text", ["", "  "])
def test_no_command(text):
    with pytest.raises(UsageError, match="names no command"):
        Command(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("no-such-program-at-all", "No such file or directory"), ("/tmp", "Permission denied")],
)
def test_a_program_that_cannot_be_started(text, reason):
    with Command(text) as command:
        with pytest.raises(NotFound, match=f"-c: {text}: {reason}"):
            command.start()
        assert command.ended
        assert command.wait() == 127


def is_running(pid):
    return Path(f"/proc/{pid}").exists()


def test_what_runs_is_ended_on_the_way_out():
    with Command("sleep 60") as command:
        command.start()
    assert not is_running(command.pid)
    assert command.wait() == 128 + signal.SIGTERM


def test_what_it_started_is_ended_with_it(tmp_path):
    """Or it would hold the output that someone reads to its end."""
    child = tmp_path / "child"
    reader, writer = os.pipe()
    saved = os.dup(1)
    os.dup2(writer, 1)
    os.close(writer)
    try:
        with Command(shell(f'sh -c "sleep 60; :" & echo $! > {child}; wait; :')) as command:
            command.start()
            deadline = time.monotonic() + DEADLINE_S
            while not (child.exists() and child.read_text()) and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.1)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
    assert select.select([reader], [], [], DEADLINE_S)[0]
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_one_that_is_killed_at_the_gate_leaves_no_zombie():
    with Command("true") as command:
        os.kill(command.pid, signal.SIGKILL)
        assert has_ended(command)
        with pytest.raises(NotFound, match="Broken pipe"):
            command.start()
    with pytest.raises(ChildProcessError):
        os.waitpid(command.pid, os.WNOHANG)


def test_it_is_ended_even_if_psutil_cannot_be_loaded(monkeypatch):
    """At a limit of open files, for example."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    with Command("sleep 60") as command:
        command.start()
    assert not is_running(command.pid)
    assert command.wait() == 128 + signal.SIGTERM


def test_what_ignores_sigterm_is_killed(monkeypatch, tmp_path):
    monkeypatch.setenv("KTRACE_GRACE", "0.3")
    ready = tmp_path / "ready"
    with Command(shell(f"trap : TERM; echo > {ready}; while :; do sleep 0.01; done")) as command:
        command.start()
        deadline = time.monotonic() + DEADLINE_S
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert command.wait() == 128 + signal.SIGKILL


@pytest.mark.parametrize("noting", [False, True])
def test_what_was_never_started_ends_at_once_even_if_it_only_notes_signals(noting, tmp_path, monkeypatch):
    """Forked while ktrace catches signals, it does not die of one before its program runs."""
    monkeypatch.setenv("KTRACE_GRACE", "100")
    mark = tmp_path / "mark"
    started = time.monotonic()
    if noting:
        with StopSignals(), Command(shell(f"echo > {mark}")) as command:
            time.sleep(0.05)  # it has reached the gate
    else:
        with Command(shell(f"echo > {mark}")) as command:
            pass
    assert time.monotonic() - started < 50
    assert not is_running(command.pid)
    assert not mark.exists()


def test_the_program_gets_its_signals_as_ever(tmp_path):
    with StopSignals(), Command(shell("kill -INT $$; exit 3")) as command:
        command.start()
        assert command.wait() == 128 + signal.SIGINT
    out = tmp_path / "out"
    with Command(shell(f"grep SigIgn /proc/self/status > {out}")) as command:
        command.start()
        command.wait()
    ignored = int(out.read_text().split()[1], 16)
    assert not ignored >> (signal.SIGPIPE - 1) & 1  # Python ignores it; programs expect not to


def test_what_nohup_ignores_stays_ignored(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    out = tmp_path / "out"
    try:
        with Command(shell(f"grep SigIgn /proc/self/status > {out}")) as command:
            command.start()
            command.wait()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert int(out.read_text().split()[1], 16) >> (signal.SIGHUP - 1) & 1


@pytest.mark.parametrize(("to_stderr", "expected"), [(False, ("out\n", "err\n")), (True, ("", "out\nerr\n"))])
def test_its_output_can_go_to_stderr(capfd, to_stderr, expected):
    with Command(shell("echo out; echo err >&2"), to_stderr=to_stderr) as command:
        command.start()
        command.wait()
    assert tuple(capfd.readouterr()) == expected


def test_no_descriptor_and_no_zombie_is_left():
    before = sorted(p.name for p in Path("/proc/self/fd").iterdir())
    for run in (True, False):
        with Command("true") as command:
            if run:
                command.start()
                command.wait()
        with pytest.raises(ChildProcessError):
            os.waitpid(command.pid, os.WNOHANG)
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)


def test_the_program_inherits_no_descriptors_of_ktrace():
    def inheritable():
        numbers = [int(p.name) for p in Path("/proc/self/fd").iterdir()]
        return {n for n in numbers if Path(f"/proc/self/fd/{n}").exists() and os.get_inheritable(n)}

    before = inheritable()
    with StopSignals() as stop, Command("true") as command:
        assert inheritable() == before
        assert {stop.fd, command.fd}.isdisjoint(before)


def test_the_program_gets_the_environment_as_it_came_to_ktrace(capfd):
    os.putenv("KTRACE_PUT", "1")
    with Command(shell("echo ${KTRACE_PUT-none} $PATH")) as command:
        command.start()
        command.wait()
    os.unsetenv("KTRACE_PUT")
    assert capfd.readouterr().out == f"none {os.environ['PATH']}\n"


def test_a_command_that_outlives_its_run_is_ended():
    with Command("sleep 600") as command:
        command.start()
        assert command.finish() == 128 + signal.SIGTERM


def test_a_command_that_has_ended_keeps_its_status():
    with Command(shell("exit 3")) as command:
        command.start()
        command.wait()
        assert command.finish() == 3
