import io
import os
import signal
import sys

import pytest

from ktrace.errors import Interrupted, OutOfTime
from ktrace.session.ending import VARIABLE
from ktrace.session.patient_output import PatientOutput, patient_streams
from ktrace.session.signals import StopSignals


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setenv(VARIABLE, "0.15")


def test_all_is_written():
    out = io.BytesIO()
    with StopSignals() as stop:
        output = PatientOutput(out, stop)
        data = os.urandom(200_000)
        assert output.write(data) == len(data) and output.write(memoryview(b"x")) == 1
        assert output.write(b"") == 0
        output.flush()
    assert out.getvalue() == data + b"x"


def test_a_reader_that_takes_all_gets_all_after_the_end():
    out = io.BytesIO()
    with StopSignals() as stop:
        output = PatientOutput(out, stop)
        os.kill(os.getpid(), signal.SIGINT)
        output.write(bytes(10 << 16))
    assert out.getvalue() == bytes(10 << 16)


def test_a_reader_that_takes_nothing_is_left(short_grace):
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as out, StopSignals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted) as stopped:
            PatientOutput(out, stop).write(bytes(1 << 20))
        assert stopped.value.signum == signal.SIGTERM
        # It has been given up: to close it cannot wait for anybody.
        out.write(bytes(1 << 20))
    os.close(reader)


@pytest.mark.parametrize("through", [False, True])
def test_what_is_printed_to_nobody_is_given_up(short_grace, monkeypatch, through):
    reader, writer = os.pipe()
    file = io.FileIO(writer, "w") if through else os.fdopen(writer, "wb")
    plain = io.TextIOWrapper(file, line_buffering=not through, write_through=through)
    monkeypatch.setattr(sys, "stderr", plain)
    with StopSignals() as stop:
        with patient_streams(stop):
            print("first", file=sys.stderr)
            assert os.read(reader, 100) == b"first\n"
            stop.end()
            with pytest.raises(OutOfTime):
                for _ in range(100):
                    print("x" * 10_000, file=sys.stderr)
        assert sys.stderr is plain
    plain.write("y" * 100_000)  # nobody waits for it
    plain.close()
    os.close(reader)


def test_a_stream_without_a_descriptor_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", text := io.StringIO())
    monkeypatch.setattr(sys, "stderr", None)
    with StopSignals() as stop, patient_streams(stop):
        print("x")
        assert sys.stdout is text and sys.stderr is None
    assert text.getvalue() == "x\n"
