"""Standard input by line and by character."""

import os
import selectors
from pathlib import Path

import pytest

from ktrace.script.serving.stdin import StandardInput


def taken(unit: str, pieces: list[bytes]) -> list[str]:
    got: list[str] = []
    reader, writer = os.pipe()
    with (
        selectors.DefaultSelector() as poller,
        StandardInput([(unit, got.append)], poller, reader) as source,  # type: ignore[list-item]  # a parameter
    ):
        for piece in pieces:
            os.write(writer, piece)
            source.ready(reader)
        os.close(writer)
        source.ready(reader)
        assert poller.get_map() == {}
    os.close(reader)
    return got


@pytest.mark.parametrize(
    ("unit", "pieces", "expected"),
    [
        ("char", [b"ab\n", b"c"], ["a", "b", "\n", "c"]),
        ("line", [b"ab\ncd", b"e\n\n"], ["ab\n", "cde\n", "\n"]),
        ("line", [b"a\nrest"], ["a\n", "rest"]),
        ("line", [], []),
        ("char", [b"\xff"], ["\xff"]),
    ],
)
def test_pieces(unit: str, pieces: list[bytes], expected: list[str]) -> None:
    assert taken(unit, pieces) == expected


def test_a_regular_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a\nb\n")
    got: list[str] = []
    fd = os.open(tmp_path / "in", os.O_RDONLY)
    with (
        selectors.EpollSelector() as poller,
        StandardInput([("line", got.append)], poller, fd) as source,
    ):
        while source.unread:
            source.ready(fd)
    os.close(fd)
    assert got == ["a\n", "b\n"]
