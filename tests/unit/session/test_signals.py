import os
import select
import signal
import time

import pytest

from ktrace.errors import Interrupted, OutOfTime
from ktrace.session import signals
from ktrace.session.command import Command
from ktrace.session.ending import VARIABLE
from ktrace.session.signals import STOPPING, StopSignals


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setenv(VARIABLE, "0.15")


def send(number):
    os.kill(os.getpid(), number)


def handlers():
    return {n: signal.getsignal(n) for n in (*STOPPING, signal.SIGALRM)}


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_is_noted_and_wakes_who_polls(number):
    before = handlers()
    with StopSignals() as stop:
        stop.check()
        assert stop.received is None
        send(number)
        assert select.select([stop.fd], [], [], 5)[0]
        assert stop.received == number
        with pytest.raises(Interrupted) as stopped:
            stop.check()
        assert stopped.value.signum == number
    assert handlers() == before
    assert signal.set_wakeup_fd(-1) == -1


def test_no_signal_interrupts_what_is_done_meanwhile():
    with StopSignals() as stop:
        for number in STOPPING * 3:
            send(number)
        assert stop.received == STOPPING[0]


def test_what_was_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as stop:
            send(signal.SIGHUP)
            assert stop.received is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_wakeup_descriptor_of_somebody_else_comes_back():
    reader, writer = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(writer)
    try:
        with StopSignals():
            pass
        assert signal.set_wakeup_fd(-1) == writer
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reader)
        os.close(writer)


def test_no_descriptor_is_left_open():
    with StopSignals() as stop:
        fd = stop.fd
        os.fstat(fd)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)


def stuck():
    """A write that never ends: only a signal gets one out of it."""
    reader, writer = os.pipe()
    try:
        os.read(reader, 1)
    finally:
        os.close(reader)
        os.close(writer)


def test_a_block_that_is_stuck_is_left_after_the_grace(short_grace):
    with StopSignals() as stop:
        signal.setitimer(signal.ITIMER_REAL, 0)
        started = time.monotonic()
        with pytest.raises(Interrupted) as stopped, stop.may_interrupt():
            send(signal.SIGTERM)
            stuck()
        assert stopped.value.signum == signal.SIGTERM
        assert time.monotonic() - started >= 0.04


def test_a_signal_from_before_the_block_leaves_it_the_same_grace(short_grace):
    with StopSignals() as stop:
        send(signal.SIGINT)
        with pytest.raises(Interrupted) as stopped, stop.may_interrupt():
            stuck()
        assert stopped.value.signum == signal.SIGINT


def test_a_second_signal_leaves_the_block_at_once(monkeypatch):
    monkeypatch.setattr(signals, "_APART_S", 0)
    with StopSignals() as stop:
        with pytest.raises(Interrupted) as stopped, stop.may_interrupt():
            send(signal.SIGTERM)
            send(signal.SIGINT)
            pytest.fail("the block should have been left")
        assert stopped.value.signum == signal.SIGTERM  # the first


def test_after_a_second_signal_no_block_begins(monkeypatch):
    monkeypatch.setattr(signals, "_APART_S", 0)
    with StopSignals() as stop:
        send(signal.SIGINT)
        send(signal.SIGINT)
        with pytest.raises(Interrupted), stop.may_interrupt():
            pytest.fail("the block should not have begun")


def test_the_same_signal_to_a_process_and_to_its_group_is_one():
    """timeout(1) sends the signal in this way."""
    with StopSignals() as stop:
        with stop.may_interrupt():
            send(signal.SIGINT)
            send(signal.SIGINT)
        with stop.may_interrupt():
            pass
        assert stop.received == signal.SIGINT


def test_a_block_that_ends_in_time_is_not_interrupted(short_grace):
    with StopSignals() as stop:
        with stop.may_interrupt():
            send(signal.SIGTERM)
        time.sleep(0.2)
        send(signal.SIGINT)  # outside the block again only noted
        assert stop.received == signal.SIGTERM


def test_blocks_of_a_kind_share_their_time(short_grace):
    """A reader that takes a little now and then would keep a run going for ever."""
    with StopSignals() as stop:
        send(signal.SIGINT)
        with pytest.raises(OutOfTime):
            while True:
                with stop.may_interrupt():
                    time.sleep(0.01)
        with pytest.raises(OutOfTime), stop.may_interrupt():
            pytest.fail("no block of this kind should begin")
        with stop.may_interrupt("handler"):
            pass
        stop.last_words()
        with stop.may_interrupt():
            pass


def test_a_block_within_a_block_is_left_with_it(short_grace):
    with StopSignals() as stop:
        with pytest.raises(OutOfTime), stop.may_interrupt("handler"):
            send(signal.SIGINT)
            with stop.may_interrupt():
                stuck()
        with stop.may_interrupt():
            pass


def test_time_ends_a_run_that_waits_in_a_block(short_grace):
    with StopSignals() as stop:
        stop.ends_in(0.05)
        with pytest.raises(OutOfTime) as late, stop.may_interrupt():
            stuck()
        assert late.value.signum == 0 and stop.ended and stop.received is None


def test_a_commands_end_ends_a_run_that_waits_in_a_block(short_grace):
    with StopSignals() as stop, Command("true") as command:
        stop.watch(command.fd)
        with pytest.raises(OutOfTime), stop.may_interrupt():
            command.start()
            stuck()
        assert stop.ended


def test_other_children_end_nothing(short_grace):
    with StopSignals() as stop, Command("sleep 60") as command:
        stop.watch(command.fd)
        command.start()
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
        assert not stop.ended
        assert not select.select([stop.fd], [], [], 0)[0], "nobody would wait any more"


def test_what_is_overdue_is_told_once_between_two_steps(short_grace):
    told = []
    with StopSignals() as stop:
        stop.on_overdue = lambda: told.append(stop.overdue)
        assert not stop.overdue
        stop.end()
        while not told:
            time.sleep(0.01)
        stop.last_words()
        time.sleep(0.1)
    assert told == [True]


def test_a_second_signal_makes_it_overdue(monkeypatch):
    monkeypatch.setattr(signals, "_APART_S", 0)
    with StopSignals() as stop:
        send(signal.SIGINT)
        assert not stop.overdue
        send(signal.SIGINT)
        assert stop.overdue


def test_a_command_that_ended_before_it_was_watched_ends_the_run_too():
    """A quick one has ended before its reader begins to wait: a write that nobody takes would stay."""
    with StopSignals() as stop, Command("true") as command:
        command.start()
        assert select.select([command.fd], [], [], 60)[0]
        assert not stop.ended
        stop.watch(command.fd)
        assert stop.ended and stop.received is None


def test_no_signal_takes_back_what_stays():
    with StopSignals(stays=True):
        pass
    for number in STOPPING:
        send(number)


def test_what_was_to_stay_and_failed_leaves_signals_as_they_were():
    before = handlers()
    with pytest.raises(Interrupted), StopSignals(stays=True) as stop:
        send(signal.SIGTERM)
        stop.check()
    assert handlers() == before


def test_a_time_that_no_timer_takes():
    with StopSignals() as stop:
        stop.ends_in(1e9)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 86400
