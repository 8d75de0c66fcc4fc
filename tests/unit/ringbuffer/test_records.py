"""Parts of the records of some pages."""

from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.walk import walk
from tests.unit.ringbuffer.page_writer import PageWriter, common


def test_the_records_after_the_first_ones() -> None:
    pages = [PageWriter(start).record(common(7)).record(common(8), 5).bytes(lost=9) for start in (100, 200)]
    found = walk(b"".join(pages), 3, PageLayout())
    assert found.after(0) is found
    some = found.after(1)
    assert (some.id.tolist(), some.ts.tolist()) == ([8, 7, 8], [105, 200, 205])
    assert [hole.before for hole in some.holes] == [1]
    assert len(found.after(4)) == 0 and found.after(4).holes == []
