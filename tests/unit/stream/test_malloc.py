import ctypes
from typing import Any

import pytest

from ktrace.stream.malloc import give_back, keep_freed


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
    assert not keep_freed() and not give_back()
    keep_freed.cache_clear()


def test_freed_memory_goes_back_to_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[int] = []

    class Library:
        def malloc_trim(self, left: int) -> int:
            trimmed.append(left)
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    assert give_back() and trimmed == [0]
