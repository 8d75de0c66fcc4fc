import ctypes
from typing import Any

import pytest

from ktrace.stream.memory import keep_freed


def test_the_c_library_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []

    class Library:
        def mallopt(self, what: int, value: int) -> int:
            told.append((what, value))
            return 1

    keep_freed.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    assert keep_freed() and keep_freed()
    assert [what for what, _ in told] == [-3, -1, -2]
    keep_freed.cache_clear()


def test_other_c_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_freed.cache_clear()
    nothing: Any = object()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: nothing)
    assert not keep_freed()
    keep_freed.cache_clear()
