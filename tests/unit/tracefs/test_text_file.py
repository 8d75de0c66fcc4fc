"""Texts in files, pipes, and compressed ones."""

import bz2
import gzip
import lzma
import os
import threading
from pathlib import Path

import pytest

from ktrace.errors import Damaged, NotFound, UsageError
from ktrace.tracefs.text_file import pieces_of
from tests.unit.tracedat.build import zstd_pack

TEXT = b"".join(b"line %d\n" % number for number in range(300_000))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress, zstd_pack])
def test_a_file_and_a_pipe(pack, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pack(TEXT))
    assert b"".join(pieces_of(str(tmp_path / "a"))) == TEXT
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(pack(TEXT),))
    writer.start()
    assert b"".join(pieces_of(str(fifo))) == TEXT
    writer.join()


def test_a_quiet_pipe_gives_an_empty_piece() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a\n")
    pieces = pieces_of(f"/dev/fd/{reader}")
    assert [next(pieces), next(pieces)] == [b"a\n", b""]
    os.write(writer, b"b\n")
    os.close(writer)
    assert b"".join(pieces) == b"b\n"
    os.close(reader)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(gzip.compress(TEXT)[:-9])
    with pytest.raises(Damaged, match="cannot be unpacked further"):
        list(pieces_of(str(tmp_path / "cut")))
    with pytest.raises(NotFound):
        list(pieces_of(str(tmp_path / "missing")))
    with pytest.raises(UsageError, match="is a directory"):
        list(pieces_of(str(tmp_path)))
