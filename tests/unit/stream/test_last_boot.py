"""Instances that hold records of an earlier boot."""

import pytest

from ktrace.stream.last_boot import text_offset
from ktrace.tracedat.contents import Options
from tests.unit.tracedat.build import contents


@pytest.mark.parametrize(
    ("info", "wanted"),
    [
        (b"old:ffffffff83000000\t[kernel]\nffffffffc0100000\tsnd\n\0", 0x2000000),
        (b"old:\nffffffff80800000\t[kernel]\n\0", -0x800000),
        (b"old:# Current\n\0", 0),
        (b"other:ffffffff83000000\t[kernel]\n\0", 0),
        (b"\xff\xfe", 0),
        (b"", 0),
    ],
)
def test_how_far_the_text_was(info: bytes, wanted: int) -> None:
    made = contents(options=Options(others=((23, b""), (24, info))))
    assert text_offset(made, "old") == wanted


def test_without_the_address_of_now() -> None:
    info = (24, b"old:ffffffff83000000\t[kernel]\n")
    made = contents(options=Options(others=(info,)), kallsyms=b"ffffffff81000000 T vfs_read\n")
    assert text_offset(made, "old") is None and text_offset(made, "") == 0
