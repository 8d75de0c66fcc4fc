import os
import socket
import time

import pytest

from ktrace.errors import Interrupted
from ktrace.session import waiting as waiting_module
from ktrace.session.command import Command
from ktrace.session.signals import StopSignals
from ktrace.session.waiting import Waiting, watchable_output


def begun(*args, **options):
    """A loop that has begun, and ticks often if nothing else is said."""
    wait = Waiting(*args, **{"every_s": 0.05, **options})
    wait.begin()
    return wait


@pytest.fixture
def pipe():
    """Both ends of a pipe that stands for trace_pipe."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            continue


@pytest.fixture
def stop():
    with StopSignals() as signals:
        yield signals


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_it_says_when_to_read(pipe, stop):
    reader, writer = pipe
    wait = begun(stop, [reader], every_s=100)
    os.write(writer, b"x")
    started = time.monotonic()
    assert wait()
    assert time.monotonic() - started < 50


def test_without_events_it_asks_again_after_a_while(pipe, stop):
    started = time.monotonic()
    assert begun(stop, [pipe[0]])()
    assert time.monotonic() - started >= 0.045


def test_pieces_are_gathered_for_a_moment(pipe, stop, monkeypatch):
    slept = []
    monkeypatch.setattr(waiting_module.time, "sleep", slept.append)
    clock = Clock()
    wait = begun(stop, [pipe[0]], duration_s=5, settle_s=0.02, clock=clock)
    wait()
    assert slept == []
    os.write(pipe[1], b"x")
    wait()
    assert slept == [0.02]
    clock.now += 4.99
    wait()
    assert slept[1] == pytest.approx(0.01)  # but not beyond the end


def test_the_time_is_up(pipe, stop):
    clock = Clock()
    wait = Waiting(stop, [pipe[0]], duration_s=2, clock=clock)
    os.write(pipe[1], b"x")
    clock.now += 5
    wait.begin()  # the time begins here
    assert wait()
    clock.now += 1.9
    assert wait()
    clock.now += 0.1
    assert not wait()
    clock.now += 10
    assert not wait()


def test_no_longer_than_the_time_left(pipe, stop):
    started = time.monotonic()
    assert not begun(stop, [pipe[0]], duration_s=0.02, every_s=100)()
    assert time.monotonic() - started < 50


def test_a_signal_ends_it_at_once(pipe, stop):
    wait = begun(stop, [pipe[0]], every_s=100)
    os.kill(os.getpid(), 15)
    started = time.monotonic()
    assert not wait()
    assert time.monotonic() - started < 50
    with pytest.raises(Interrupted):
        stop.check()


def test_the_end_of_the_command_ends_it(pipe, stop):
    with Command("true") as command:
        wait = Waiting(stop, [pipe[0]], command=command, every_s=100)
        os.write(pipe[1], b"x")
        assert wait()  # it has not even begun
        os.read(pipe[0], 1)
        wait.begin()
        started = time.monotonic()
        assert not wait()
        assert time.monotonic() - started < 50


def test_nobody_reads_the_output_any_more(pipe, stop):
    out_reader, out_writer = os.pipe()
    wait = begun(stop, [pipe[0]], output_fd=out_writer, every_s=100)
    os.write(pipe[1], b"x")
    assert wait() and not wait.output_closed
    os.read(pipe[0], 1)
    os.close(out_reader)
    started = time.monotonic()
    assert not wait()
    assert wait.output_closed
    assert time.monotonic() - started < 50
    os.close(out_writer)


def test_outputs_that_can_go_away(tmp_path):
    reader, writer = os.pipe()
    one, two = socket.socketpair()
    with (tmp_path / "file").open("w") as file, one, two:
        assert watchable_output(writer) == writer
        assert watchable_output(one.fileno()) == one.fileno()
        assert watchable_output(file.fileno()) is None
    os.close(reader)
    os.close(writer)


def test_a_key_is_looked_at_at_once(pipe, stop):
    os.write(pipe[1], b"q")
    wait = begun(stop, keys_fd=pipe[0], every_s=100)
    assert wait() and wait.pressed and wait.seconds < 50


def test_which_readers_are_ready(pipe, stop):
    other, writer = os.pipe()
    wait = begun(stop, [pipe[0], other], every_s=100)
    os.write(writer, b"x")
    assert wait() and wait.ready == [other]
    os.close(other)
    os.close(writer)


def test_a_shorter_wait_is_asked_for(stop):
    started = time.monotonic()
    assert begun(stop, every_s=100)(0.01)
    assert time.monotonic() - started < 50


def test_whoever_sees_the_end_says_so(stop):
    wait = begun(stop, every_s=100)
    wait.ended = True
    assert not wait()


def test_the_runs_end_ends_it(stop):
    wait = begun(stop, every_s=100)
    stop.end()
    wait.every_s = 0.01
    assert not wait()
