"""Floating-point numbers as the bits of a double."""

import math
import struct

import pytest

from ktrace.script.runtime.floats import functions

F = functions(None)  # type: ignore[arg-type]  # they have no state


def bits(value: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


@pytest.mark.parametrize(
    ("name", "args", "result"),
    (
        ("fp_add", (1.5, 2.25), 3.75),
        ("fp_sub", (1.5, 2.25), -0.75),
        ("fp_mul", (1.5, -2.0), -3.0),
        ("fp_div", (1.0, 4.0), 0.25),
        ("fp_div", (-1.0, 0.0), -math.inf),
        ("fp_rem", (7.0, 2.0), -1.0),
        ("fp_sqrt", (2.25,), 1.5),
    ),
)
def test_arithmetic(name: str, args: tuple[float, ...], result: float) -> None:
    assert F[name](*map(bits, args)) == bits(result)


def test_what_is_no_number_compares_unequal() -> None:
    nan = F["fp_div"](bits(0.0), bits(0.0))
    assert (F["fp_eq"](nan, nan), F["fp_lt"](nan, nan), F["fp_le"](bits(1), bits(1))) == (0, 0, 1)


def test_to_text_and_back() -> None:
    assert F["fp_to_string"](F["string_to_fp"]("3.14159"), 3) == "3.142"
    assert F["fp32_to_fp64"](0x3FC00000) == bits(1.5)


def test_rounding() -> None:
    assert [F["fp_to_long"](bits(-2.5), mode, 0) for mode in (0, 1, 2, 3)] == [-2, -2, -3, -2]
    assert F["fp_to_long"](bits(1e300), 0, 0) == (1 << 63) - 1
    assert F["long_to_fp"](3) == bits(3.0)
