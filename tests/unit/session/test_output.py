import io
import os
import signal

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


def test_each_piece_has_the_whole_grace(monkeypatch):
    """So a slow reader gets all of it, and making it may take as long as it likes."""
    armed = []
    real = signal.setitimer
    monkeypatch.setattr(signal, "setitimer", lambda which, s: (armed.append(s), real(which, s)))
    monkeypatch.setattr(signals_module, "_GRACE_S", 1000)
    out = io.BytesIO()
    with StopSignals() as stop:
        output = PatientOutput(out, stop)
        os.kill(os.getpid(), signal.SIGINT)
        output.write(bytes(10 << 16))
    assert out.getvalue() == bytes(10 << 16)
    assert armed == [1000, 0] * 10


def test_a_reader_that_takes_nothing_is_left(short_grace):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as out, StopSignals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted) as stopped:
            PatientOutput(out, stop).write(bytes(1 << 20))
        assert stopped.value.signum == signal.SIGTERM
    os.close(reader)
