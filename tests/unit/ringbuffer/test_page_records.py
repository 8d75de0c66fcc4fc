"""Records of single pages: the same as those that are found in all pages in step."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.page_records import page_records
from ktrace.ringbuffer.walk import walk
from tests.unit.ringbuffer.page_writer import PageWriter, common
from tests.unit.ringbuffer.test_walk import _ACTIONS, LAYOUTS, Expected, build


def same_as_in_step(page: bytes, layout: PageLayout) -> list[tuple[int, int, int, int]]:
    """Return the records of a page, once both ways have found the same ones."""
    found = [tuple(one) for one in page_records(page, layout)]
    many = walk(page, 0, layout)
    columns = (many.ts, many.id, many.at * 4, many.size)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    # An empty record has no id: what follows it is read instead.
    bare = [[(ts, ident if size else 0, at, size) for ts, ident, at, size in one] for one in (found, rows)]
    assert bare[0] == bare[1]
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_form(layout: PageLayout) -> None:
    order = layout.order
    page = PageWriter(5_000, layout)
    page.record(common(7, order=order), 0).record(common(8, order=order) + b"x" * 20, 10)
    page.record(common(9, order=order) + b"long" * 100, 5).record(common(10, order=order), 1, long=True)
    page.discarded(common(11, order=order), 3).record(common(12, order=order), 1 << 30)
    page.stamp(90_000_000_000).record(common(13, order=order), 2).unused()
    found = same_as_in_step(page.bytes(), layout)
    assert [(ts, ident, size) for ts, ident, _, size in found] == [
        (5000, 7, 8),
        (5010, 8, 28),
        (5015, 9, 408),
        (5016, 10, 8),
        (5019 + (1 << 30), 12, 8),
        (90_000_000_002, 13, 8),
    ]
    assert found[0][2] == layout.data + 4


@settings(max_examples=150, deadline=None)
@given(
    actions=_ACTIONS,
    start=st.integers(0, (1 << 63) - 1),
    layout=st.sampled_from(LAYOUTS),
    damage=st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=12),
)
def test_any_page(actions: list, start: int, layout: PageLayout, damage: list) -> None:
    page = bytearray(build(actions, start, layout, Expected([], [], [])))
    for at, byte in damage:
        page[at] = byte
    same_as_in_step(bytes(page), layout)


def test_noise() -> None:
    generator = np.random.default_rng(5)
    for _ in range(200):
        same_as_in_step(generator.integers(0, 256, 4096, np.uint8).tobytes(), PageLayout())


def test_a_page_that_is_cut_off() -> None:
    page = PageWriter(9).record(common(7)).record(common(8)).bytes()
    for length in (0, 1, 15, 16, 27, 28, 39, 40):
        assert len(same_as_in_step(page[:length], PageLayout())) == (length >= 28) + (length >= 40)


@pytest.mark.parametrize("length", [0, 3, 4, 5, 4080, 0xFFFFFFFF])
def test_a_length_that_cannot_be(length: int) -> None:
    page = bytearray(PageWriter().record(common(7)).record(common(8), long=True).bytes())
    struct.pack_into("<I", page, 16 + 12 + 4, length)
    same_as_in_step(bytes(page), PageLayout())
