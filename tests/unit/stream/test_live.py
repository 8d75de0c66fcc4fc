"""Passes over all CPUs: what is given when, and what is said of losses."""

from ktrace.model.batch import Chunk, Lost
from ktrace.ringbuffer.decode import Decoder
from ktrace.stream.live import Live
from ktrace.tracefs.pipe_raw import Pass
from tests.unit.ringbuffer.page_writer import PageWriter, common
from tests.unit.stream.test_merge import ONE, TWO, page


def live() -> Live:
    return Live(Decoder({71: ONE, 72: TWO}))


def one(cpu: int, pages: bytes, overwritten: int | None = None, *, drained: bool = True) -> Pass:
    return Pass(cpu, memoryview(pages), drained, overwritten)


def numbers(chunk: Chunk) -> list[int]:
    rows = [row for b in chunk.batches for row in zip(b.seq.tolist(), b["n"].tolist(), strict=True)]
    return [n for _, n in sorted(rows)]


def losses(chunk: Chunk) -> list[int | None]:
    return [mark.count for mark in chunk.marks if isinstance(mark, Lost)]


def test_a_pass_is_given_when_the_next_one_is_there() -> None:
    made = live()
    assert numbers(made.feed([one(0, page(100, [(0, 1), (50, 3)]))])) == []
    assert made.pending
    # Of CPU 1 a record from before the first pass's newest was read only now.
    assert numbers(made.feed([one(1, page(120, [(0, 5), (100, 7)]))])) == [1, 5, 3]
    assert made.pending
    assert numbers(made.idle()) == [7] and not made.pending


def test_a_cpu_that_was_not_read_to_its_end_holds_up_the_others() -> None:
    made = live()
    made.feed([one(0, page(100, [(0, 1)]), drained=False), one(1, page(900, [(0, 3)]))])
    assert numbers(made.feed([one(0, page(200, [(0, 5)]), drained=False)])) == [1, 5]
    assert numbers(made.feed([one(0, page(300, [(0, 7)]))])) == [7, 3]
    assert numbers(made.finish()) == []


def test_losses_never_exceed_what_the_kernel_counted() -> None:
    made = live()
    full = PageWriter(100)
    while full.room >= 16:
        full.record(common(71) + bytes(4))
    full.record(bytes(full.room - 4)) if full.room >= 8 else None
    # A full page has no number: the kernel had overwritten 50 by then, 10 of them later than the page.
    chunks = [
        made.feed([one(0, full.bytes(lost=40), 50)]),
        made.feed([one(0, page(200_000, [(0, 2)], lost=30), 70)]),
        made.feed([one(0, page(300_000, [(0, 2)], lost=5), 70)]),
        made.feed([one(1, page(300_000, [(0, 2)], lost=5), 5)]),
        made.finish(),
    ]
    assert made.told == {0: 70, 1: 5}
    assert [count for chunk in chunks for count in losses(chunk)] == [50, 20, None, 5]


def test_each_loss_has_its_number() -> None:
    made = live()
    made.feed([one(0, page(100, [(0, 2)]) + page(200, [(0, 4)], lost=3) + page(300, [(0, 6)], lost=4), 7)])
    assert losses(made.finish()) == [3, 4] and made.told == {0: 7}


def test_full_pages_of_one_pass_share_what_is_left() -> None:
    made = live()
    full = PageWriter(100)
    while full.room >= 16:
        full.record(common(71) + bytes(4))
    full.record(bytes(full.room - 4)) if full.room >= 8 else None
    made.feed([one(0, full.bytes(lost=9) + page(200_000, [(0, 2)], lost=3) + full.bytes(lost=9), 20)])
    assert losses(made.finish()) == [8, 3, 9] and made.told == {0: 20}


def test_what_could_not_be_decoded_is_counted() -> None:
    made = live()
    bad = bytearray(page(100, [(0, 2)]))
    bad[16] = 28
    made.feed([one(0, bytes(bad) + PageWriter(200).record(common(9)).bytes())])
    chunk = made.finish()
    assert made.unparsed == 2 and len(chunk.marks) == 2 and made.page == 4096
