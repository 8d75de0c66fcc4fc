import os
import select
import signal
import threading

import pytest

from ktrace.vm import signals


def received(reader) -> list[int]:
    select.select([reader], [], [], 5)
    return list(reader.recv(64))


@pytest.mark.parametrize("number", signals.CAUGHT)
def test_a_signal_becomes_a_byte_and_handlers_come_back(number):
    before = {n: signal.getsignal(n) for n in signals.CAUGHT}
    with signals.caught() as reader:
        os.kill(os.getpid(), number)
        assert received(reader) == [number]
    assert {n: signal.getsignal(n) for n in signals.CAUGHT} == before
    assert signal.set_wakeup_fd(-1) == -1


def test_what_was_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.caught() as reader:
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            assert received(reader) == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_nothing_is_caught():
    seen = []

    def run():
        with signals.caught() as reader:
            seen.append(select.select([reader], [], [], 0)[0])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [[]]
