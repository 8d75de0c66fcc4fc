import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.rendering.digits import decimal, hexadecimal, micros

U64 = st.integers(0, (1 << 64) - 1) | st.integers(0, 70000) | st.sampled_from(
    [10**k + d for k in range(20) for d in (-1, 0)] + [16**k - d for k in range(1, 17) for d in (1, 0)][:-1]
)  # fmt: skip
I64 = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-70000, 70000)


def texts(found, rows):
    width = found.cells.shape[1]
    lengths = [width] * rows if found.lengths is None else found.lengths.tolist()
    return [bytes(cell)[width - n :].decode() for cell, n in zip(found.cells, lengths, strict=True)]


@given(st.lists(U64, min_size=1), st.integers(0, 16), st.booleans())
def test_unsigned(values, width, zero):
    column = np.array(values, np.uint64)
    fill = "0" if zero and width else ""
    assert texts(decimal(column, width, zero), len(values)) == [f"{v:{fill}{width or ''}d}" for v in values]
    assert texts(hexadecimal(column, width, zero), len(values)) == [
        f"{v:{fill}{width or ''}x}" for v in values
    ]
    assert texts(hexadecimal(column, width, zero, upper=True), len(values)) == [
        f"{v:{fill}{width or ''}X}" for v in values
    ]


@given(st.lists(I64, min_size=1), st.integers(0, 16), st.booleans())
def test_signed(values, width, zero):
    fill = "0" if zero and width else ""
    found = decimal(np.array(values, np.int64), width, zero)
    assert texts(found, len(values)) == [f"{v:{fill}{width or ''}d}" for v in values]


def test_narrow_columns():
    assert texts(decimal(np.array([-128, 127], np.int8)), 2) == ["-128", "127"]
    assert texts(hexadecimal(np.array([0, 255], np.uint8)), 2) == ["0", "ff"]


def test_micros():
    assert texts(micros(np.array([0, 999_999, 12_345])), 3) == ["000000: ", "999999: ", "012345: "]
