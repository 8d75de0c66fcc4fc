import io
import os
import signal
import time

import pytest

from ktrace.errors import Interrupted
from ktrace.session import signals as signals_module
from ktrace.session.output import PatientOutput
from ktrace.session.signals import StopSignals


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(signals_module, "_GRACE_S", 0.05)


def test_all_is_written():
    out = io.BytesIO()
    with StopSignals() as stop:
        output = PatientOutput(out, stop)
        data = os.urandom(200_000)
        assert output.write(data) == len(data) and output.write(memoryview(b"x")) == 1
        assert output.write(b"") == 0
        output.flush()
    assert out.getvalue() == data + b"x"


class Slow(io.BytesIO):
    """Takes what it is given, each time in a part of the grace."""

    def write(self, data):
        time.sleep(0.02)
        return super().write(data)


def test_a_slow_reader_gets_all_of_it(short_grace):
    """Altogether it takes longer than the grace."""
    out = Slow()
    with StopSignals() as stop:
        output = PatientOutput(out, stop)
        os.kill(os.getpid(), signal.SIGINT)
        output.write(bytes(10 << 16))
        time.sleep(0.07)  # what is made between two writes may take its time, too
        output.write(b"end")
        output.flush()
    assert out.getvalue() == bytes(10 << 16) + b"end"


def test_a_reader_that_takes_nothing_is_left(short_grace):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as out, StopSignals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted) as stopped:
            PatientOutput(out, stop).write(bytes(1 << 20))
        assert stopped.value.signum == signal.SIGTERM
    os.close(reader)
