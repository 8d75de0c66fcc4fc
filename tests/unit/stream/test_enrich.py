"""Names, symbols and flags for what was decoded from binary."""

import struct

import numpy as np

from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.model.column import Strings
from ktrace.ringbuffer.decode import Decoder
from ktrace.stream.enrich import Enrich
from ktrace.stream.flags import FlagStyle
from ktrace.stream.saved_names import SavedNames
from ktrace.stream.symbol_table import SymbolTable
from tests.unit.output.records import chunks as text_chunks
from tests.unit.ringbuffer.formats import PROBE, RETURN, STACK, USER_STACK, FieldLine, make_format, probe_body
from tests.unit.ringbuffer.page_writer import PageWriter, common

TABLE = SymbolTable(
    b"ffffffff81000000 T vfs_read\nffffffff81000100 T ksys_read\nffffffff81000200 T _end\n"
    b"ffffffffc0000200 t inner\t[snd]\n"
)
NAMES = SavedNames("1 init\n9 two words\n10 init\n")
FORMS = {form.id: form for form in (PROBE, RETURN, STACK, USER_STACK)}


def enriched(page: PageWriter, enrich: Enrich | None = None) -> Chunk:
    return (enrich or Enrich(NAMES, TABLE))(Decoder(FORMS).decode(page.bytes(), 1))


def test_tasks_flags_and_places() -> None:
    page = PageWriter()
    for pid, flags in ((1, 0), (9, 1), (10, 0), (0, 0x10), (-5, 0), (77, 1), (9, 1)):
        page.record(common(1500, pid, flags) + probe_body(where=0xFFFFFFFFC0000204))
    (batch,) = enriched(page).batches
    assert batch.comm.tolist() == ["init", "two words", "init", "<idle>", "<XXX>", "<...>", "two words"]
    assert len(set(batch.comm.values)) == len(batch.comm.values)
    assert batch.flags.tolist() == [".....", "d....", ".....", "..s..", ".....", "d....", "d...."]
    assert batch.place.tolist() == ["vfs_read+0x4/0x100"] * 7
    assert batch["where"].tolist() == ["inner+0x4/0xe00 [snd]"] * 7
    assert list(batch.columns) == ["fd", "cnt", "path", "where", "c", "v"]
    assert batch.addresses["__probe_ip"].tolist() == [0xFFFFFFFF81000004] * 7
    assert batch.func is None and batch.ret_ip is None


def test_return_probes() -> None:
    page = PageWriter()
    for site in (0xFFFFFFFF81000104, 0xFFFFFFFF81000108, 0x7):
        page.record(common(1501) + struct.pack("<QQq", 0xFFFFFFFF81000004, site, 0))
    (batch,) = enriched(page).batches
    assert batch.func.tolist() == ["vfs_read"] * 3 and batch.place is None
    assert batch.ret_ip.tolist() == ["ksys_read+0x4/0x100", "ksys_read+0x8/0x100", "0x7"]


def test_probes_on_events() -> None:
    form = make_format(
        "ep", 90, FieldLine("unsigned int __probe_type", 8, 4), FieldLine("u64 n", 16, 8), system="eprobes"
    )
    page = PageWriter().record(common(90) + struct.pack("<IIQ", 300, 0, 5))
    page.record(common(90) + struct.pack("<IIQ", 301, 0, 6))
    enrich = Enrich(NAMES, TABLE, event_of={300: "sched.sched_switch"}.get)
    (batch,) = enrich(Decoder({90: form}).decode(page.bytes(), 0)).batches
    assert batch.kind == "entry" and batch.place.tolist() == ["sched.sched_switch", "301"]


def test_stacks() -> None:
    page = PageWriter().record(common(4, 9, 1) + struct.pack("<iiQQ", 2, 0, 0xFFFFFFFF81000010, 0x7FFFFFFF))
    page.record(common(12, 77) + struct.pack("<IIQ", 3, 0, 0x433E3D))
    kernel, user = enriched(page).marks
    assert isinstance(kernel, Stack) and isinstance(user, Stack)
    assert kernel.frames == ("vfs_read", "[FTRACE TRAMPOLINE]")
    assert (kernel.comm, kernel.flags) == ("two words", "d....")
    assert user.frames == ("<0000000000433e3d>",) and user.comm == "<...>"


def test_names_change_from_chunk_to_chunk() -> None:
    answers = [{9: "sh"}, {9: "dd"}, {}]
    enrich = Enrich(lambda pids: answers.pop(0), TABLE)
    pages = [PageWriter().record(common(1500, 9) + probe_body()) for _ in range(3)]
    assert [enriched(p, enrich).batches[0].comm.tolist() for p in pages] == [["sh"], ["dd"], ["<...>"]]


def test_symbols_are_read_when_the_first_is_asked_for() -> None:
    loads: list[int] = []

    def load() -> SymbolTable:
        loads.append(1)
        return TABLE

    enrich = Enrich(NAMES, load)
    enriched(PageWriter(), enrich)
    assert not loads
    for _ in range(2):
        enriched(PageWriter().record(common(1500) + probe_body()), enrich)
    assert loads == [1]


def test_large_thread_ids() -> None:
    page = PageWriter()
    pids = [4_194_303, 1, 40_000, 2_000_000_000]
    for pid in pids:
        page.record(common(1500, pid) + probe_body())
    enrich = Enrich(lambda pids: {pid: str(pid) for pid in pids}, TABLE)
    for _ in range(2):
        assert enriched(page, enrich).batches[0].comm.tolist() == list(map(str, pids))


def test_what_came_as_text_stays_as_it_is() -> None:
    for chunk in text_chunks():
        again = Enrich(NAMES, TABLE)(chunk)
        assert again.marks == chunk.marks
        assert all(a is b for a, b in zip(again.batches, chunk.batches, strict=True))
    assert Enrich(NAMES, TABLE)(Chunk((), (Lost(1, 0, None),))).marks == (Lost(1, 0, None),)


def test_flags_of_old_kernels() -> None:
    page = PageWriter().record(common(1500, 1, 0, 2) + probe_body())
    (batch,) = enriched(page, Enrich(NAMES, TABLE, FlagStyle(migrate=False))).batches
    assert batch.flags.tolist() == ["...2"]


def test_many_addresses() -> None:
    page = PageWriter()
    sites = [0xFFFFFFFF81000100 + n for n in range(60)]
    for site in sites:
        page.record(common(1501) + struct.pack("<QQq", 0xFFFFFFFF81000004, site, 0))
    enrich = Enrich(NAMES, TABLE)
    for _ in range(2):
        (batch,) = enriched(page, enrich).batches
        assert batch.ret_ip.tolist() == [TABLE.place(site) for site in sites]
    some = batch.take(np.array([3, 1]))
    assert isinstance(some.ret_ip, Strings) and some.addresses["__probe_ret_ip"].tolist() == [
        sites[3],
        sites[1],
    ]
