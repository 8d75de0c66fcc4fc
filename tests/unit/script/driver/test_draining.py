"""The buffer is read while something takes long."""

import threading
from collections.abc import Iterator

import pytest

from ktrace.script.driver.draining import Draining


def test_all_that_comes_meanwhile_is_kept_by_cpu_and_in_order() -> None:
    left: dict[int, Iterator[bytes]] = {3: iter([b"a", b"", b"b"]), 4: iter([b"c"])}
    empty = threading.Event()

    def read(fd: int) -> bytes:
        found = next(left[fd], None)
        if fd == 3 and found is None:
            empty.set()
        return found or b""

    with Draining({0: 3, 1: 4}, read) as drained:
        assert empty.wait(30)
    assert drained.pages == {0: b"ab", 1: b"c"}


def test_a_read_that_fails_is_told() -> None:
    failed = threading.Event()

    def read(fd: int) -> bytes:
        failed.set()
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), Draining({0: 3}, read):
        assert failed.wait(30)


def test_an_error_of_the_long_work_is_not_hidden() -> None:
    with pytest.raises(ValueError, match="work"), Draining({}, lambda _: b""):
        raise ValueError("work")
