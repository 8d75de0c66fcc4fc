import os
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.cli.main import main
from ktrace.errors import Damaged
from ktrace.model.batch import Chunk, Lost, Unparsed
from ktrace.stream.losses import lost_by_cpu
from ktrace.stream.recording import Recording
from ktrace.tracedat.contents import ClockSample, Options, TimeShift, TscToNs
from ktrace.tracedat.writer import write_file
from tests.unit.ringbuffer.page_writer import PageWriter
from tests.unit.tracedat.build import PAGE, contents, version7, zlib_pack

FORMAT = (
    "name: hit\nID: 300\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
    "\tfield:u64 n;\toffset:8;\tsize:8;\tsigned:0;\n\n"
    'print fmt: "n=%llu", REC->n\n'
)
MADE = contents(ftrace_formats=(), event_formats=(("test", FORMAT),))


def record(n: int, pid: int = 7, ident: int = 300) -> bytes:
    return struct.pack("<HBBiQ", ident, 0, 0, pid, n)


def page(times: list[int], first: int = 0, *, lost: int | None = None, pid: int = 7) -> bytes:
    """A page with a record at each time; `n` counts from `first`."""
    writer = PageWriter(ts=times[0])
    for i, time in enumerate(times):
        writer.record(record(first + i, pid), time - writer.ts)
    return writer.bytes(lost=lost)


def everything(recording: Recording) -> tuple[list[tuple[int, int, int, str]], list[object]]:
    """Time, CPU, `n` and name of each event, and the marks."""
    rows, marks = [], []
    last = -1
    for chunk in recording.chunks():
        found = [
            (int(b.seq[i]), int(b.ts[i]), int(b.cpu[i]), int(b["n"][i]), b.comm[i])
            for b in chunk.batches
            for i in range(len(b))
        ]
        rows += [row[1:] for row in sorted(found)]
        marks += chunk.marks
        seqs = sorted([*(row[0] for row in found), *(m.seq for m in chunk.marks)])
        assert all(a < b for a, b in zip([last, *seqs], seqs, strict=False))
        last = seqs[-1]
    return rows, marks


def test_cpus_in_order_of_time(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, MADE, {0: [page([10, 30]), page([50, 90], 2)], 1: [page([20, 40, 60], 100)]})
    with Recording([path]) as recording:
        rows, marks = everything(recording)
        assert recording.groups() == {"hit": "test"} and recording.fields() == {"hit": ("n",)}
    name = "my prog"
    assert rows == [(10, 0, 0, name), (20, 1, 100, name), (30, 0, 1, name), (40, 1, 101, name),
                    (50, 0, 2, name), (60, 1, 102, name), (90, 0, 3, name)]  # fmt: skip
    assert marks == []


def test_some_cpus(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, MADE, {0: [page([10, 30])], 1: [page([20])]})
    with Recording([path], cpus=[1]) as recording:
        assert [row[0] for row in everything(recording)[0]] == [20]


@pytest.mark.parametrize("since", [0, 1, 399, 400, 401, 799, 1600, 10**9])
def test_pages_before_a_time_are_not_read(tmp_path: Path, since: int) -> None:
    path = str(tmp_path / "a.dat")
    pages = [page([t, t + 50], t) for t in range(0, 1600, 100)]
    write_file(path, MADE, {0: pages, 1: [page([5])]})
    with Recording([path]) as recording:
        recording.since = since
        rows, _ = everything(recording)
    found = [row[0] for row in rows if row[1] == 0]
    wanted = [t for base in range(0, 1600, 100) for t in (base, base + 50)]
    assert [t for t in found if t >= since] == [t for t in wanted if t >= since]
    assert len(found) <= len([t for t in wanted if t >= since]) + 4


@pytest.mark.parametrize("until", [0, 1, 399, 400, 401, 799, 1600, 10**9])
@pytest.mark.parametrize("ordered", [True, False])
def test_pages_after_a_time_are_not_read(tmp_path: Path, until: int, ordered: bool) -> None:
    path = str(tmp_path / "a.dat")
    pages = [page([t, t + 50], t) for t in range(0, 1600, 100)]
    write_file(path, MADE, {0: pages, 1: [page([5])]})
    with Recording([path]) as recording:
        recording.until = until
        found = [
            ts
            for chunk in recording.chunks(ordered=ordered)
            for batch in chunk.batches
            for ts, cpu in zip(batch.ts.tolist(), batch.cpu.tolist(), strict=True)
            if cpu == 0
        ]
        assert recording.done == recording.size
    wanted = [t for base in range(0, 1600, 100) for t in (base, base + 50)]
    assert sorted(t for t in found if t <= until) == [t for t in wanted if t <= until]
    assert len(found) <= len([t for t in wanted if t <= until]) + 2


@pytest.mark.parametrize("pack", [None, zlib_pack], ids=["plain", "zlib"])
def test_version_7(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(version7(MADE, {0: [page([10, 30])], 5: [page([20])]}, pack))
    with Recording([str(path)]) as recording:
        assert [row[:2] for row in everything(recording)[0]] == [(10, 0), (20, 5), (30, 0)]


def stats(*lost: int) -> tuple[str, ...]:
    return tuple(f"CPU: {i}\nentries: 0\noverrun: {n}\nread events: 9\n" for i, n in enumerate(lost))


def test_losses_in_their_place_and_the_rest_behind(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    options = replace(MADE.options, cpu_stats=stats(12, 4, 0))
    pages = {0: [page([10]), page([30], lost=5), page([50], lost=0)], 1: [page([40], lost=4)], 2: []}
    write_file(path, replace(MADE, options=options), pages)
    with Recording([path]) as recording:
        rows, marks = everything(recording)
    assert [(m.cpu, m.count) for m in marks] == [(0, 5), (1, 4), (0, None), (0, 7)]
    assert len(rows) == 4 and marks[0].seq == 1 and marks[-1].seq == 7
    with Recording([path], cpus=[1]) as recording:
        assert [(m.cpu, m.count) for m in everything(recording)[1]] == [(1, 4)]


def test_the_account_of_instances() -> None:
    texts = (
        "CPU: 0\noverrun: 1\n",
        "\nBuffer: foo\n\n",
        "CPU: 0\noverrun: 5\ndropped events: 2\ncommit overrun: 1\n",
    )
    made = replace(MADE, options=Options(cpu_stats=texts))
    assert lost_by_cpu(made) == {0: 1} and lost_by_cpu(made, "foo") == {0: 8}


def test_several_files(tmp_path: Path) -> None:
    """Each has its own formats, names, and clock."""
    one, two = str(tmp_path / "1.dat"), str(tmp_path / "2.dat")
    write_file(one, MADE, {0: [page([10, 30])]})
    other = replace(
        MADE,
        cmdlines=b"7 theirs\n",
        event_formats=(("test", FORMAT.replace("ID: 300", "ID: 301")),),
    )
    writer = PageWriter(ts=25).record(record(5, ident=301))
    write_file(two, replace(other, options=Options(offset=-5)), {3: [writer.bytes()]})
    with Recording([one, two]) as recording:
        rows, _ = everything(recording)
    assert rows == [(10, 0, 0, "my prog"), (20, 3, 5, "theirs"), (30, 0, 1, "my prog")]


def test_a_guest_beside_its_host(tmp_path: Path) -> None:
    host, guest = str(tmp_path / "h.dat"), str(tmp_path / "g.dat")
    write_file(host, replace(MADE, options=Options(trace_id=5)), {0: [page([100, 300])]})
    shift = TimeShift(5, False, ((ClockSample(0, 190, 1), ClockSample(1000, 190, 1)),))
    write_file(guest, replace(MADE, options=Options(trace_id=6, shifts=(shift,))), {0: [page([10], 9)]})
    with Recording([guest]) as recording:
        assert everything(recording)[0][0][0] == 10
    with Recording([host, guest]) as recording:
        assert [(row[0], row[2]) for row in everything(recording)[0]] == [(100, 0), (200, 9), (300, 1)]


def test_a_record_of_an_unknown_event_is_said(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    raw = PageWriter(ts=5).record(record(1)).record(record(2, ident=999)).record(record(3)).bytes()
    write_file(path, MADE, {0: [raw]})
    with Recording([path]) as recording:
        rows, marks = everything(recording)
    assert [row[2] for row in rows] == [1, 3]
    assert isinstance(marks[0], Unparsed) and b"id 999" in marks[0].line


def test_recovered(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, MADE, {0: [page([10]), page([20], 1)]})
    os.truncate(path, Path(path).stat().st_size - 100)
    with pytest.raises(Damaged):
        Recording([path])
    with Recording([path], recover=True) as recording:
        assert [row[0] for row in everything(recording)[0]] == [10]
        assert len(recording.problems) == 1


def test_headers_that_make_no_sense(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, replace(MADE, header_page="nonsense"), {0: [page([10])]})
    with Recording([path]) as recording, pytest.raises(Damaged, match="page"):
        everything(recording)


PID = "common_pid;\toffset:4;\tsize:4;"
SICK = FORMAT.replace("ID: 300", "ID: 301").replace("name: hit", "name: sick").replace


@pytest.mark.parametrize("compress", [None, zlib_pack])
@pytest.mark.parametrize("size", [0, 7])
def test_a_format_that_makes_no_sense(
    tmp_path: Path, size: int, compress: Callable[[bytes], bytes] | None
) -> None:
    sick = SICK(PID, PID.replace("size:4", f"size:{size}"))
    made = replace(MADE, event_formats=(("test", FORMAT), ("test", sick)))
    path = tmp_path / "a.dat"
    pages = {0: [page([10]), PageWriter(ts=20).record(record(1, ident=301), 1).bytes()]}
    path.write_bytes(version7(made, pages, compress))
    with pytest.raises(
        Damaged, match=f"the format of sick makes no sense: 'common_pid' has {size} bytes"
    ) as caught:
        Recording([str(path)])
    if compress is None:
        assert path.read_bytes()[caught.value.offset + 8 :].startswith(sick.encode())
    assert main(["report", str(path)]) == 7
    with Recording([str(path)], recover=True) as recording:
        rows, marks = everything(recording)
        assert [row[0] for row in rows] == [10]
        assert marks == [Unparsed(marks[0].seq, b"CPU 0: 1 records of an unknown event, id 301")]
        assert len(recording.problems) == 1


@pytest.mark.parametrize(
    ("print_fmt", "text"),
    [
        ('"%lmu", REC->n', "hit: %lmu"),
        ('"%n %*y", REC->n', "hit: (print fmt not understood) n=5"),
        ('"caf\udce9 \x1b[2J %llu", REC->n', "hit: caf\\xe9 \\x1b[2J 5"),
        ('"%99999d", REC->n', "hit: (print fmt not understood) n=5"),
        (f'"{"x" * 5000}%d", REC->n', "hit: (print fmt not understood) n=5"),
        (f'"%{"9" * 5000}d", REC->n', "hit: "),
        ('"%*d", REC->n * 1000000, 1', "hit: " + " " * 2047 + "1"),
        ('"%s", __print_array(REC->nothing, 1, 1)', "hit: "),
    ],
)
def test_print_fmts_that_make_no_sense(
    tmp_path: Path, print_fmt: str, text: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    form = FORMAT.partition("print fmt")[0] + f"print fmt: {print_fmt}\n"
    path = str(tmp_path / "a.dat")
    write_file(path, replace(MADE, event_formats=(("test", form),)), {0: [page([10], 5)]})
    assert main(["report", path]) == 0
    assert text.encode() in capfdbinary.readouterr().out


@pytest.mark.parametrize(
    "options", [Options(date_us=17 * 10**17), Options(offset=1 << 70), Options(tsc=TscToNs(1, 64, 0))]
)
def test_a_clock_beyond_what_64_bits_hold(tmp_path: Path, options: Options) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(version7(replace(MADE, options=options), {0: [page([10])]}))
    with pytest.raises(Damaged) as caught:
        Recording([str(path)])
    assert 0 < caught.value.offset < path.stat().st_size
    assert main(["report", str(path)]) == 7


def test_a_chunk_at_a_time(tmp_path: Path) -> None:
    """60 MB of pages, and never more than a part of them in memory."""
    path = str(tmp_path / "a.dat")
    record_bytes = [record(i) for i in range(100)]

    def full(start: int) -> bytes:
        writer = PageWriter(ts=start)
        for body in record_bytes:
            writer.record(body, 1)
        return writer.bytes()

    one = full(0)[8:]
    pages = {cpu: [struct.pack("<Q", n * 1000 + cpu) + one for n in range(1500)] for cpu in range(10)}
    write_file(path, MADE, pages)
    del pages
    tracemalloc.start()
    count = 0
    with Recording([path]) as recording:
        for chunk in recording.chunks():
            count += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 10 * 1500 * 100
    assert peak < 300 << 20


def test_nothing_at_all(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, MADE, {0: []})
    with Recording([path, path]) as recording:
        assert list(recording.chunks()) == [] and not recording.ticks
    assert isinstance(Chunk(), Chunk) and Lost(0, 0, 1).count == 1 and PAGE == 4096


def test_where_records_are_from(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("host.dat", "guest.dat", "other/host.dat")]
    (tmp_path / "other").mkdir()
    for i, path in enumerate(paths):
        write_file(path, MADE, {0: [page([10 + i], lost=1)]})

    def origins(*some: str) -> list[str]:
        with Recording(some) as recording:
            return [b.origin for c in recording.chunks() for b in (*c.batches, *c.marks)]

    assert origins(paths[0]) == ["", ""]
    assert sorted(origins(*paths[:2])) == ["guest", "guest", "host", "host"]
    assert sorted(set(origins(*paths))) == ["guest", "host#1", "host#3"]


def test_flags_as_the_kernel_prints_them(tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    for written_by, flags in (("ktrace 1, 4 flags", "...."), ("ktrace 1", "....."), ("", ".....")):
        options = replace(MADE.options, written_by=written_by)
        write_file(path, replace(MADE, options=options), {0: [page([10])]})
        with Recording([path]) as recording:
            assert [b.flags[0] for c in recording.chunks() for b in c.batches] == [flags]
