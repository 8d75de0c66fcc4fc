"""Waiting while the kernel counts."""

import os
import signal

import pytest

from ktrace.session.signals import StopSignals
from ktrace.session.ticking import Ticking


def test_it_ticks_until_the_time_is_over() -> None:
    now = [100.0]
    with StopSignals() as stop:
        ticking = Ticking(stop, duration_s=5, every_s=0.001, clock=lambda: now[0])
        assert ticking() and ticking()
        now[0] += 4.9
        assert ticking() and ticking()
        now[0] += 0.2
        assert not ticking() and ticking.seconds == pytest.approx(5.1)


def test_a_signal_ends_it_at_once() -> None:
    with StopSignals() as stop:
        ticking = Ticking(stop, every_s=100)
        os.kill(os.getpid(), signal.SIGTERM)
        assert not ticking() and ticking.seconds < 50


def test_so_does_a_reader_that_leaves() -> None:
    read, write = os.pipe()
    os.close(read)
    with StopSignals() as stop:
        ticking = Ticking(stop, every_s=100, output_fd=write)
        assert not ticking() and ticking.output_closed
    os.close(write)


def test_a_key_is_looked_at_at_once() -> None:
    read, write = os.pipe()
    os.write(write, b"q")
    with StopSignals() as stop:
        ticking = Ticking(stop, every_s=100, keys_fd=read)
        assert ticking() and ticking.seconds < 50
    os.close(read)
    os.close(write)
