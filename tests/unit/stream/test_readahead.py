from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ktrace.ringbuffer.records import Records, Walked
from ktrace.stream.readahead import ahead


def records(number):
    nothing = np.zeros(0, np.int64)
    return Records(number, np.zeros(8, np.uint8), 0, nothing, nothing, nothing, nothing.astype(np.uint16))


def test_pieces_come_in_order_though_none_has_a_record():
    pieces = iter([b"a", b"b", b"c"])
    seen = []

    def walk(pages):
        seen.append(pages)
        return Walked(records(pages[0]))

    with ThreadPoolExecutor(2) as pool:
        more = ahead(pool, lambda size: next(pieces, b""), walk)
        got = []
        while walked := more(4096):
            got.append(walked.records.cpu)
    assert got == list(b"abc") and seen == [b"a", b"b", b"c"]


def test_what_reading_raises_is_raised_in_its_place():
    def pages():
        yield b"a"
        raise ValueError("cut")

    source = pages()
    with ThreadPoolExecutor(2) as pool:
        more = ahead(pool, lambda size: next(source, b""), lambda pages: Walked(records(1)))
        assert more(1) is not None
        with pytest.raises(ValueError, match="cut"):
            more(1)
