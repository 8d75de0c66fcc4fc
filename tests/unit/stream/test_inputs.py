"""Texts and recordings in files, compressed files and pipes, found by what they hold."""

import gzip
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ktrace
from ktrace.errors import Damaged, NotFound, UsageError
from ktrace.stream.inputs import is_text, open_source
from ktrace.stream.recording import Recording
from ktrace.stream.text_recording import TextRecording
from ktrace.texts.kind import Kind
from ktrace.texts.reader import TextReader
from tests.unit.stream import tracers
from tests.unit.tracedat.build import zstd_pack

ROOT = Path(__file__).parents[3]
LINE = b"            bash-7       [001] d..2.   %d.000001: kp: (vfs_read+0x4/0x370) n=%d\n"
TEXT = LINE % (1, 5) + LINE % (2, 6)


@pytest.mark.parametrize(
    ("begin", "want"),
    [
        (b"\x17\x08Dtracing6", False), (b"", False), (b" \n", False), (b"what?\n", True), (b"a\0b", False),
        ("a\n".encode("utf-16"), True), (b"\xff\xfea\0", True), (b"\xef\xbb\xbfa", True),
        ("ab\n".encode("utf-16-le"), True), (b"TRACE:\n\x78\x9c\0\0", True),
        (TEXT.replace(b"   bash", b"\0\0\0   bash"), True), (b"\0" * 3000 + TEXT, True),
        (b"\x17\x08\x44" + TEXT + b"\0", False), (b"\0a\nb\0\n", False),
    ],
)  # fmt: skip
def test_what_is_text(begin: bytes, want: bool) -> None:
    assert is_text(begin) is want


def test_a_text_with_the_nuls_of_a_crash_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\0" * 3000 + TEXT + b"\0" * 50)
    assert count(str(tmp_path / "a.txt")) == (TextRecording, 2)


@pytest.mark.parametrize("nuls", [4096, 5000, 300_000])
def test_a_text_after_any_number_of_nuls(nuls: int, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\0" * nuls + TEXT)
    with open_source([str(tmp_path / "a.txt")]) as source:
        assert sum(map(len, source.chunks())) == 2
        assert f"{nuls} bytes of value 0 before the text are left out" in source.notes


def test_nuls_alone_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\0" * 300_000)
    with pytest.raises(Damaged, match="not a trace"):
        open_source([str(tmp_path / "a")])
    reader = TextReader()
    reader.feed(b"\0" * 300_000)
    reader.finish()
    assert reader.notes == ["300000 bytes of value 0 before the text are left out"]


def count(path: str) -> tuple[type, int]:
    with open_source([path]) as source:
        return type(source), sum(map(len, source.chunks()))


PACKED = {"plain": bytes, "gz": gzip.compress, "zst": zstd_pack}


@pytest.mark.parametrize("way", PACKED)
@pytest.mark.parametrize("kind", [TextRecording, Recording])
def test_by_content_whatever_the_way(kind: type, way: str, tmp_path: Path) -> None:
    tracers.write(tmp_path / "a.dat", "function", "function")
    data = PACKED[way](TEXT if kind is TextRecording else (tmp_path / "a.dat").read_bytes())
    (tmp_path / "a.any").write_bytes(data)
    assert count(str(tmp_path / "a.any")) == (kind, 2)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(data,))
    writer.start()
    assert count(str(fifo)) == (kind, 2)
    writer.join()
    done = subprocess.run(
        [sys.executable, "-m", "ktrace", "report", "-q", "-"],
        input=data, capture_output=True, cwd=ROOT, check=True,
    )  # fmt: skip
    assert done.stdout.count(b"\n") == 2


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT)
    tracers.write(tmp_path / "a.dat", "function")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(TEXT * 100)[:-9])
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "cut.bz2").write_bytes(b"BZh9")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(UsageError, match="is text, and not all files are"):
        open_source([str(tmp_path / "a.dat"), str(tmp_path / "a.txt")])
    with pytest.raises(NotFound):
        open_source([str(tmp_path / "a.txt"), str(tmp_path / "missing")])
    with pytest.raises(Damaged, match="empty"):
        open_source([str(tmp_path / "empty")])
    with pytest.raises(Damaged, match="unpacked"):
        open_source([str(tmp_path / "cut.gz")])
    with pytest.raises(Damaged, match="unpacked"):
        open_source([str(tmp_path / "cut.bz2")], recover=True)
    with open_source([str(tmp_path / "cut.gz")], recover=True) as source:
        assert 0 < sum(map(len, source.chunks())) < 201 and len(source.problems) == 1
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_kind_and_the_formats_of_a_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(
        b"a=5 is here\n" * 3 + TEXT.replace(b"kp: (vfs_read+0x4/0x370) n", b"odd: n")
    )
    event = tmp_path / "events/group/odd"
    event.mkdir(parents=True)
    (event / "format").write_text(
        "name: odd\nID: 7\nformat:\n\tfield:u64 n;\toffset:8;\tsize:8;\tsigned:0;\n\n"
        'print fmt: "n=%llu", REC->n\n'
    )
    name = str(tmp_path / "a.txt")
    with open_source([name], kind=Kind.TRACE, formats=str(tmp_path / "events")) as source:
        batches = [batch for chunk in source.chunks() for batch in chunk.batches]
    assert [n for batch in batches for n in batch.columns["n"].tolist()] == [5, 6]
    with (
        open_source([name], kind=Kind.PERF_SCRIPT) as source,
        pytest.raises(Damaged, match="no line is understood"),
    ):
        list(source.formats())
    assert sum(map(len, ktrace.read(name, format="trace"))) == 2
    with pytest.raises(UsageError, match="not a kind of text"):
        list(ktrace.read(name, format="odd"))


def test_a_kind_is_for_texts_alone(tmp_path: Path) -> None:
    tracers.write(tmp_path / "a.dat", "function", "function")
    with pytest.raises(UsageError, match="for texts"):
        open_source([str(tmp_path / "a.dat")], kind=Kind.TRACE)


@pytest.mark.parametrize("begin", [b"PERFILE2" + bytes(90), b"\n\x03\x08\0\x01\n\x02\x08\0"])
def test_files_of_other_programs_are_named(begin: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(begin)
    with pytest.raises(UsageError, match="not a recording or a text, but") as caught:
        open_source([str(tmp_path / "a")])
    assert caught.value.hint
