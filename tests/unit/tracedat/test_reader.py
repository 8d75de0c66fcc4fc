import gzip
import os
import random
import struct
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ktrace.errors import Damaged, KtraceError, NotFound, Unavailable
from ktrace.tracedat.contents import Buffer, ClockSample, Contents, Guest, Options, TimeShift, TscToNs
from ktrace.tracedat.reader import TraceDat
from ktrace.tracedat.writer import write_file
from tests.unit.tracedat.build import PAGE, contents, page, version7, write, zlib_pack, zstd_pack

PAGES = {0: [page(n) for n in range(5)], 2: [page(n) for n in range(100, 103)]}


def read(
    path: str, *, recover: bool = False, size: int = 2 * PAGE
) -> tuple[Contents, dict[int, bytes], list]:
    """All of a file: what it says, the pages of the top buffer, and what was wrong."""
    with TraceDat(path, recover=recover) as file:
        pages = {}
        for buffer in file.contents.buffers:
            for data in buffer.cpus:
                windows = list(file.windows(buffer, data, size))
                assert all(len(w) <= max(size, buffer.page_size) for w in windows) or buffer.compressed
                pages[data.cpu] = b"".join(windows)
        return file.contents, pages, file.problems


def joined(pages: dict[int, list[bytes]]) -> dict[int, bytes]:
    return {cpu: b"".join(some) for cpu, some in pages.items()}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    made = contents()
    found, pages, problems = read(write(tmp_path / "a.dat", PAGES))
    assert replace(found, buffers=()) == made and problems == []
    assert pages == {**joined(PAGES), 1: b""}
    (buffer,) = found.buffers
    assert (buffer.name, buffer.clock, buffer.page_size) == ("", "mono", PAGE)
    assert all(data.offset % PAGE == 0 for data in buffer.cpus)


OPTIONS = Options(
    date_us=0x5F5E100,
    offset=-12345,
    clock="x86-tsc",
    cpu_count=3,
    cpu_stats=("CPU: 0\nentries: 1\noverrun: 7\n", "CPU: 1\nentries: 0\n"),
    uname="Linux host 6.12",
    written_by="ktrace",
    trace_id=(1 << 64) - 1,
    tsc=TscToNs(1000, 10, -5),
    shifts=(
        TimeShift(9, True, ((ClockSample(1, -5, 1, 0), ClockSample(10, 7, 1, 3)), ())),
        TimeShift(10, False, ()),
    ),
    guests=(Guest("vm", 12, ((0, 400), (1, 401))),),
    others=((6, b"hook\0"), (999, b"\xff" * 5)),
)


@pytest.mark.parametrize("order", ["little", "big"])
def test_every_option(tmp_path: Path, order: str) -> None:
    found, _, _ = read(write(tmp_path / "a.dat", {0: [], 2: [page(1)]}, options=OPTIONS, order=order))
    assert found.options == OPTIONS and found.order == order


@pytest.mark.parametrize(
    "changes",
    [{"date_us": 17 * 10**17}, {"date_us": -(1 << 63)}, {"date_us": 1 << 53}, {"offset": 1 << 63}],
    ids=str,
)
def test_times_that_are_added_have_64_bits(tmp_path: Path, changes: dict[str, int]) -> None:
    path = write(tmp_path / "a.dat", PAGES, options=Options(**changes))
    with pytest.raises(Damaged, match="too large: a time has 64 bits") as raised:
        read(path)
    assert 0 < raised.value.offset < Path(path).stat().st_size
    changes = {name: 1000 if value > 0 else -1000 for name, value in changes.items()}
    found, _, _ = read(write(tmp_path / "b.dat", PAGES, options=Options(**changes)))
    assert {name: getattr(found.options, name) for name in changes} == changes


@pytest.mark.parametrize(
    ("pack", "name"), [(None, ""), (zlib_pack, "zlib"), (zstd_pack, "zstd")], ids=["plain", "zlib", "zstd"]
)
def test_version_7(tmp_path: Path, pack: object, name: str) -> None:
    made = contents(options=OPTIONS)
    path = tmp_path / "a.dat"
    path.write_bytes(version7(made, PAGES, pack, name))
    found, pages, _ = read(str(path))
    assert replace(found, buffers=(), version=6, compression="") == made
    assert found.version == 7 and found.compression == name and pages == joined(PAGES)


def test_a_compression_that_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(version7(contents(), PAGES, zlib_pack, "lz9"))
    with pytest.raises(Unavailable, match="compressed with 'lz9'"):
        TraceDat(str(path))


def test_an_instance_in_version_6(tmp_path: Path) -> None:
    """trace-cmd writes a second table after the first, at which an option points."""
    path = tmp_path / "a.dat"
    probe = contents(options=replace(contents().options, others=((3, bytes(8) + b"foo\0"),)))
    write_file(str(path), probe, {0: [page(1)]})
    raw = bytearray(path.read_bytes())
    at = len(raw)
    raw += b"flyrecord\0" + struct.pack("<6Q", 2 * at // PAGE * PAGE, PAGE, 0, 0, 0, 0)
    raw += bytes(2 * at // PAGE * PAGE - len(raw)) + page(55)
    where = raw.index(b"foo\0") - 8
    raw[where : where + 8] = struct.pack("<Q", at)
    path.write_bytes(raw)
    with TraceDat(str(path)) as file:
        top, foo = file.contents.buffers
        assert foo.name == "foo" and b"".join(file.windows(foo, foo.cpus[0])) == page(55)
        assert b"".join(file.windows(top, top.cpus[0])) == page(1)


def test_text_in_place_of_pages(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.dat", {}))
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.index(b"flyrecord\0")] + b"latency  \0" + b"# tracer: nop\nsome text\n")
    with TraceDat(str(path)) as file:
        (text,) = file.contents.texts
        assert b"".join(file.text(text, 5)) == b"# tracer: nop\nsome text\n"


def test_no_file_and_another_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        TraceDat(str(tmp_path / "no"))
    other = tmp_path / "other"
    for content in (b"", b"\x7fELF and so on, for long enough", b"\x17\x08\x44tracing8\0\0\x08\0\x10\0\0"):
        other.write_bytes(content)
        with pytest.raises(Damaged, match=r"offset \d+"):
            TraceDat(str(other))


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(KtraceError, match="not a regular file"):
        TraceDat(str(tmp_path))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd_pack], ids=["plain", "gzip", "zstd"])
def test_a_pipe(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", PAGES)
    reader, writer = os.pipe()

    def give() -> None:
        with os.fdopen(writer, "wb") as out:
            out.write(pack(Path(path).read_bytes()))

    thread = threading.Thread(target=give)
    thread.start()
    with TraceDat(path) as one, TraceDat(f"/dev/fd/{reader}") as other:
        assert one.contents == other.contents
        for buffer in one.contents.buffers:
            for data in buffer.cpus:
                assert list(one.windows(buffer, data)) == list(other.windows(buffer, data))
    thread.join()
    os.close(reader)


def test_version_7_without_its_options(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(version7(contents(), PAGES)[:-300])
    for recover in (False, True):
        with pytest.raises(Damaged, match="cut off"):
            TraceDat(str(path), recover=recover)


def test_a_file_that_has_been_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", PAGES)
    os.truncate(path, Path(path).stat().st_size - PAGE - 100)
    with pytest.raises(Damaged, match="CPU 2: 4196 bytes of its pages are missing") as error:
        TraceDat(path)
    assert "--recover" in (error.value.hint or "") and error.value.offset == Path(path).stat().st_size
    _, pages, problems = read(path, recover=True)
    assert pages[0] == joined(PAGES)[0] and pages[2] == page(100)
    assert len(problems) == 1


@pytest.mark.parametrize("pack", [None, zlib_pack, zstd_pack], ids=["plain", "zlib", "zstd"])
def test_cut_off_anywhere(tmp_path: Path, pack: object) -> None:
    """An error with the offset, and whatever is recovered is right, as far as it goes."""
    path = tmp_path / "a.dat"
    whole = {
        6: Path(write(path, PAGES)).read_bytes(),
        7: version7(contents(), PAGES, pack, "zstd" if pack is zstd_pack else "zlib"),
    }[6 if pack is None else 7]
    for length in sorted({*range(0, len(whole), 97), *range(len(whole) - 40, len(whole))}):
        path.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            read(str(path))
        try:
            _, pages, problems = read(str(path), recover=True)
        except Damaged:
            continue
        assert problems
        assert all(joined(PAGES).get(cpu, b"").startswith(some) for cpu, some in pages.items())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32), kind=st.sampled_from(["6", "7", "zlib", "zstd"]))
def test_damaged_files_give_one_clear_error_or_are_read(tmp_path: Path, seed: int, kind: str) -> None:
    """Bytes and words overwritten at random: nothing but a KtraceError ever comes out."""
    chance = random.Random(seed)
    made = contents(options=OPTIONS)
    if kind == "6":
        raw = bytearray(Path(write(tmp_path / "w.dat", PAGES, options=OPTIONS)).read_bytes())
    else:
        pack = {"zlib": zlib_pack, "zstd": zstd_pack}.get(kind)
        raw = bytearray(version7(made, PAGES, pack, kind))
    for _ in range(chance.randint(1, 6)):
        # Not in the middle of a page: pages are not looked into here.
        at = chance.randrange(min(1800, len(raw))) if chance.random() < 0.7 else chance.randrange(len(raw))
        size = chance.choice((1, 2, 4, 8))
        value = chance.choice((0, 1, 255, 1 << 31, (1 << 32) - 1, (1 << 64) - 1, chance.getrandbits(64)))
        raw[at : at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    path = tmp_path / "a.dat"
    path.write_bytes(raw)
    for recover in (False, True):
        try:
            found, pages, _ = read(str(path), recover=recover)
        except KtraceError as error:
            assert len(error.message.splitlines()) <= 2
        else:
            assert sum(map(len, pages.values())) <= 50 * len(raw)
            assert isinstance(found.buffers[0], Buffer) if found.buffers else True


def test_a_section_that_would_fill_the_memory(tmp_path: Path) -> None:
    raw = bytearray(version7(contents(), PAGES, zlib_pack))
    at = raw.index(struct.pack("<HHI", 19, 1, 0))
    raw[at + 20 : at + 24] = b"\xff\xff\xff\xff"
    path = tmp_path / "a.dat"
    path.write_bytes(raw)
    with pytest.raises(Damaged, match=f"offset {at + 24}: 4294967295 bytes in one piece"):
        TraceDat(str(path))


@pytest.mark.parametrize(("pack", "name"), [(zlib_pack, "zlib"), (zstd_pack, "zstd")], ids=["zlib", "zstd"])
@pytest.mark.parametrize("lie", [-1, 1])
def test_a_section_that_becomes_another_size(tmp_path: Path, pack: Callable, name: str, lie: int) -> None:
    raw = bytearray(version7(contents(), PAGES, pack, name))
    at = raw.index(struct.pack("<HHI", 19, 1, 0)) + 20
    raw[at : at + 4] = struct.pack("<I", struct.unpack_from("<I", raw, at)[0] + lie)
    path = tmp_path / "a.dat"
    path.write_bytes(raw)
    with pytest.raises(Damaged, match="cannot be unpacked"):
        TraceDat(str(path))


def test_sections_of_options_in_a_circle(tmp_path: Path) -> None:
    raw = bytearray(version7(contents(), PAGES))
    (first,) = struct.unpack_from("<Q", raw, 24)
    raw[-8:] = struct.pack("<Q", first)
    path = tmp_path / "a.dat"
    path.write_bytes(raw)
    with pytest.raises(Damaged, match="point at each other"):
        TraceDat(str(path))


def test_a_size_that_makes_no_sense_takes_no_memory(tmp_path: Path) -> None:
    """One byte cannot unpack to this many, whatever the header says."""
    made = contents(version=7)
    data = bytearray(version7(made, {0: [page(1)]}, zstd_pack, "zstd"))
    at = data.index(b"\x28\xb5\x2f\xfd") - 4  # the size of the first section, unpacked
    for size in (1 << 27, 1 << 31):
        struct.pack_into("<I", data, at, size)
        path = tmp_path / "a.dat"
        path.write_bytes(data)
        tracemalloc.start()
        with pytest.raises(Damaged):
            TraceDat(str(path))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1 << 26


@pytest.mark.parametrize("version", [6, 7])
def test_options_that_are_not_used_are_named(version: int, tmp_path: Path) -> None:
    others = tuple((number, bytes(8)) for number in (6, 10, 23, 24, 25, 26, 200, 200))
    made = contents(options=replace(contents().options, others=others))
    path = tmp_path / "a.dat"
    path.write_bytes(version7(made, PAGES)) if version == 7 else write_file(str(path), made, PAGES)
    with TraceDat(str(path)) as file:
        assert file.notes == [
            f"{path}: the BTF of the traced kernel is skipped",
            f"{path}: the traced kernel's list of modules is skipped",
            f"{path}: option 26, which ktrace does not know, is skipped",
            f"{path}: option 200, which ktrace does not know, is skipped",
        ]
        assert file.contents.buffers[0].cpus


@pytest.mark.parametrize("pack", [None, zlib_pack, zstd_pack], ids=["plain", "zlib", "zstd"])
@pytest.mark.parametrize("chunk", [1, 3])
def test_pages_from_a_time_on(
    pack: Callable[[bytes], bytes] | None, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {0: [page(10 * n) for n in range(500)], 1: []}
    name = "zstd" if pack is zstd_pack else "zlib"
    (tmp_path / "a").write_bytes(version7(contents(), many, pack, name, chunk))
    with TraceDat(str(tmp_path / "a")) as file:
        buffer = file.contents.buffers[0]
        data = buffer.cpus[0]
        for time in (0, 5, 4000, 4001, 4995, 9000):
            skip = file.first_page(buffer, data, lambda ts, time=time: ts < time)
            left = b"".join(file.windows(buffer, data, skip=skip))
            first = struct.unpack_from("<Q", left)[0]
            assert left == b"".join(many[0][first // 10 :])
            wanted = min(max(time - 1, 0) // 10, 499)  # the last page that begins before
            assert wanted - (chunk - 1) * (pack is not None) <= first // 10 <= wanted
        taken = 0
        read = file.source.read_up_to

        def counted(offset: int, size: int) -> bytes:
            nonlocal taken
            taken += size
            return read(offset, size)

        monkeypatch.setattr(file.source, "read_up_to", counted)
        file.first_page(buffer, data, lambda ts: ts < 4000)
        assert taken < 500 * 8 + 20 * chunk * PAGE  # heads of chunks, and a few of their pages


def test_a_damaged_chunk_before_a_time(tmp_path: Path) -> None:
    raw = bytearray(version7(contents(), {0: [page(10 * n) for n in range(40)]}, zlib_pack))
    (tmp_path / "a").write_bytes(raw)
    with TraceDat(str(tmp_path / "a")) as file:
        buffer = file.contents.buffers[0]
        data = buffer.cpus[0]
    struct.pack_into("<I", raw, data.offset + 4, 0xFFFFFFF0)  # the size of the first chunk
    (tmp_path / "a").write_bytes(raw)
    with TraceDat(str(tmp_path / "a")) as file:
        assert file.first_page(buffer, data, lambda ts: ts < 200) == 0
        with pytest.raises(Damaged, match=r"offset \d+"):
            list(file.windows(buffer, data))
