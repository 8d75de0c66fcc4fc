import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.printfmt.bitmaps import bitmap, bitmap_list
from ktrace.output.printfmt.cint import Machine


@pytest.mark.parametrize(
    ("number", "bits", "text", "ranges"),
    [
        (0, 0, "", ""),
        (5, 3, "5", "0,2"),
        (0x779, 16, "0779", "0,3-6,8-10"),
        (1 << 32 | 0xF, 33, "1,0000000f", "0-3,32"),
        ((1 << 64) - 1, 64, "ffffffff,ffffffff", "0-63"),
        (0x779, 8, "79", "0,3-6"),
    ],
)
@pytest.mark.parametrize("machine", [Machine(long, order) for long in (4, 8) for order in (False, True)])
def test_bitmaps(number: int, bits: int, text: str, ranges: str, machine: Machine) -> None:
    words = [number >> 8 * machine.long * i & (1 << 8 * machine.long) - 1 for i in range(16 // machine.long)]
    data = b"".join(word.to_bytes(machine.long, machine.order) for word in words)
    assert bitmap(data, bits, machine) == text
    assert bitmap_list(data, bits, machine) == ranges


@given(st.sets(st.integers(0, 127)))
def test_ranges_name_the_bits(numbers: set[int]) -> None:
    data = sum(1 << number for number in numbers).to_bytes(16, "little")
    found: set[int] = set()
    for part in filter(None, bitmap_list(data, 128, Machine()).split(",")):
        low, _, high = part.partition("-")
        found |= set(range(int(low), int(high or low) + 1))
    assert found == numbers
