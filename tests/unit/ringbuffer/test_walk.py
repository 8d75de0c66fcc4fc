"""Find records in pages: every form that a page can have, and pages that are invalid."""

import struct
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.ringbuffer.layout import PageLayout, parse_header_page
from ktrace.ringbuffer.records import Records
from ktrace.ringbuffer.walk import walk
from tests.unit.ringbuffer.page_writer import MISSED, STORED, PageWriter, common

LAYOUTS = [
    PageLayout(),
    PageLayout(16384),
    PageLayout(65536),
    PageLayout(4096, data=16, long=4),
    PageLayout(4096, big_endian=True),
]


def bodies(records: Records) -> list[bytes]:
    return [
        records.buffer[at * 4 : at * 4 + size].tobytes()
        for at, size in zip(records.at.tolist(), records.size.tolist(), strict=True)
    ]


def walked(*pages: bytes, layout: PageLayout | None = None) -> Records:
    return walk(b"".join(pages), 3, layout or PageLayout())


def test_nothing() -> None:
    assert len(walked()) == 0
    assert len(walked(PageWriter().bytes(), PageWriter().bytes())) == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_form(layout: PageLayout) -> None:
    order = layout.order
    page = PageWriter(5_000, layout)
    page.record(common(7, order=order), 0).record(common(8, order=order) + b"x" * 20, 10)
    page.record(common(9, order=order) + b"long" * 100, 5).record(common(10, order=order), 1, long=True)
    page.discarded(common(11, order=order), 3).record(common(12, order=order), 1 << 30)
    page.stamp(90_000_000_000).record(common(13, order=order), 2)
    found = walked(page.bytes(), layout=layout)
    assert found.id.tolist() == [7, 8, 9, 10, 12, 13]
    assert found.ts.tolist() == [5000, 5010, 5015, 5016, 5019 + (1 << 30), 90_000_000_002]
    assert found.size.tolist() == [8, 28, 408, 8, 8, 8]
    assert not found.holes


def test_unused_rest_of_a_page() -> None:
    found = walked(PageWriter().record(common(7)).unused().bytes(), PageWriter(3).record(common(8)).bytes())
    assert found.id.tolist() == [7, 8] and not found.holes


def test_a_stamp_keeps_the_upper_bits_of_the_pages_time() -> None:
    start = (5 << 59) + 100
    page = PageWriter(start).stamp(start + 7).record(common(1)).stamp((6 << 59) + 3).record(common(1), 4)
    assert walked(page.bytes()).ts.tolist() == [start + 7, (6 << 59) + 7]


def test_stamps_on_each_of_two_pages() -> None:
    pages = []
    for start in (1_000, 9_000):
        page = PageWriter(start).record(common(1), 1)
        for delta in (100, 300, 250):
            page.stamp(start + delta).record(common(2), 5)
        pages.append(page.bytes())
    assert walked(*pages).ts.tolist() == [1001, 1105, 1305, 1255, 9001, 9105, 9305, 9255]


def test_losses_before_pages_with_and_without_their_number() -> None:
    full = PageWriter(300)
    while full.room >= 12:
        full.record(common(1), 1)
    full.record(b"", 0) if full.room else None
    found = walked(
        PageWriter(100).record(common(1)).bytes(),
        PageWriter(200).record(common(1)).bytes(lost=17),
        full.bytes(lost=5),
        PageWriter(90_000).bytes(lost=2),
    )
    (a, b, c) = found.holes
    assert (a.before, a.ts, a.lost, a.count) == (1, 200, True, 17)
    assert (b.before, b.ts, b.count) == (2, 300, None)
    assert (c.before, c.ts, c.count) == (len(found), 90_000, 2)


def test_upper_half_of_the_commit_word_may_hold_anything() -> None:
    page = bytearray(PageWriter().record(common(4)).bytes(lost=3))
    struct.pack_into("<I", page, 12, 0xFFFFFFFF)
    found = walked(bytes(page))
    assert found.id.tolist() == [4] and found.holes[0].count == 3


def test_a_loss_that_has_no_room_although_it_says_so() -> None:
    page = PageWriter().record(b"\1" * 4072)
    found = walked(page.bytes(flags=MISSED | STORED))
    assert found.holes[0].count is None


@pytest.mark.parametrize("keep", [0, 1, 7, 15, 16, 20, 27, 28, 29, 100])
def test_a_tail_that_is_no_whole_page(keep: int) -> None:
    page = PageWriter().record(common(7)).record(common(8)).bytes()
    found = walked(PageWriter().record(common(6)).bytes(), page[:keep])
    whole = [6, *([7] if keep >= 28 else []), *([8] if keep >= 40 else [])]
    assert found.id.tolist() == whole
    cut = 0 < keep < 40
    assert bool(found.holes) == cut
    if cut:
        (hole,) = found.holes
        assert "byte 4096" in hole.reason or "byte 41" in hole.reason


def test_a_record_that_does_not_fit_is_left_out_and_told() -> None:
    page = bytearray(PageWriter().record(common(7)).record(common(8)).record(common(9)).bytes())
    struct.pack_into("<I", page, 16 + 12, 28)  # 112 bytes, but 24 are left
    found = walked(
        PageWriter().record(common(6)).bytes(), bytes(page), PageWriter().record(common(5)).bytes()
    )
    assert found.id.tolist() == [6, 7, 5]
    (hole,) = found.holes
    assert hole.before == 2 and not hole.lost
    assert hole.reason == "a record at byte 4124 does not fit into its page: 24 bytes left out"


@pytest.mark.parametrize("length", [0, 3, 5, 4080, 0xFFFFFFFF])
def test_a_length_that_cannot_be(length: int) -> None:
    page = bytearray(PageWriter().record(common(7)).record(common(8), long=True).bytes())
    struct.pack_into("<I", page, 16 + 12 + 4, length)
    found = walked(bytes(page))
    assert found.id.tolist() == [7] and len(found.holes) == 1


def test_an_empty_record_at_the_very_end() -> None:
    page = PageWriter().record(bytes(4064)).record(b"", 1, long=True)
    assert page.room == 0 and walked(page.bytes()).size.tolist() == [4064, 0]


def test_more_bytes_said_than_a_page_has() -> None:
    found = walked(PageWriter().record(common(7)).unused().bytes(commit=5000))
    assert found.id.tolist() == [7] and "920 bytes of it are missing" in found.holes[0].reason


def test_header_page() -> None:
    text = (
        "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
        "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
        "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
        "\tfield: char data;\toffset:16;\tsize:16368;\tsigned:0;\n"
    )
    assert parse_header_page(text) == PageLayout(16384)
    for bad in (
        "",
        text.replace("commit", "x"),
        text.replace("16368", "3"),
        text.replace("size:8", "size:7"),
    ):
        with pytest.raises(Exception, match="page"):
            parse_header_page(bad)


@dataclass
class Expected:
    ids: list[int]
    times: list[int]
    bodies: list[bytes]


_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["record", "record", "record", "long", "extend", "stamp", "discarded", "unused"]),
        st.integers(0, 200),
        st.one_of(st.integers(0, 1000), st.integers(0, (1 << 27) - 1), st.integers(0, 1 << 50)),
    ),
    max_size=40,
)


def build(actions: list, start: int, layout: PageLayout, expected: Expected) -> bytes:
    page = PageWriter(start, layout)
    for kind, size, delta in actions:
        body = common(size + 1, order=layout.order) + bytes([size]) * size
        if page.room < len(body) + 24:
            break
        if kind in ("record", "long"):
            page.record(body, delta, long=kind == "long")
            expected.ids.append(size + 1)
            expected.times.append(page.ts)
            expected.bodies.append(body + bytes(-len(body) % 4))
        elif kind == "extend":
            page.extend(delta)
        elif kind == "stamp":
            page.stamp(page.ts + delta)
        elif kind == "discarded":
            page.discarded(body, delta % (1 << 27))
        else:
            page.unused()
            break
    return page.bytes()


@settings(max_examples=150, deadline=None)
@given(
    pages=st.lists(st.tuples(_ACTIONS, st.integers(0, 1 << 57)), max_size=6), layout=st.sampled_from(LAYOUTS)
)
def test_any_sequence(pages: list, layout: PageLayout) -> None:
    expected = Expected([], [], [])
    blob = b"".join(build(actions, start, layout, expected) for actions, start in pages)
    found = walk(blob, 0, layout)
    assert found.id.tolist() == expected.ids
    assert found.ts.tolist() == expected.times
    assert bodies(found) == expected.bodies
    assert not found.holes


@settings(max_examples=150, deadline=None)
@given(
    actions=st.lists(_ACTIONS, min_size=1, max_size=3),
    damage=st.lists(st.tuples(st.integers(0, 3 * 4096 - 1), st.integers(0, 255)), min_size=1, max_size=12),
    cut=st.integers(0, 4096),
)
def test_damage_never_raises_and_never_leaves_a_page(actions: list, damage: list, cut: int) -> None:
    layout = PageLayout()
    blob = bytearray(b"".join(build(a, 10**9, layout, Expected([], [], [])) for a in actions))
    for at, byte in damage:
        blob[at % len(blob)] = byte
    found = walk(bytes(blob[: max(len(blob) - cut, 0)]), 0, layout)
    start, end = found.at * 4, found.at * 4 + found.size
    assert np.array_equal(start // 4096, np.maximum(end - 1, start) // 4096) or not len(found)
    assert (found.size >= 0).all() and (end <= len(blob) - cut).all()


def test_noise() -> None:
    generator = np.random.default_rng(5)
    for _ in range(20):
        walk(generator.integers(0, 256, 16 * 4096 + 77, np.uint8).tobytes(), 0, PageLayout())


def test_pages_of_very_different_lengths() -> None:
    """Pages that have records left when most are at their end are walked separately, in the right order."""
    made = []
    for n in range(40):
        page = PageWriter(n * 10_000)
        for i in range(1 if n % 10 else 250):
            page.record(common(100 + n), i, long=i % 40 == 39)
        made.append(page.bytes())
    together = walked(*made)
    apart = [walked(page) for page in made]
    assert together.id.tolist() == [ident for one in apart for ident in one.id.tolist()]
    assert together.ts.tolist() == [ts for one in apart for ts in one.ts.tolist()]
    assert len(together) == 36 + 4 * 250 and not together.holes
