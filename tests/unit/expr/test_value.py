import pytest

from ktrace.expr.value import Bits, Load, Value, container


@pytest.mark.parametrize(
    ("bit_offset", "width", "byte", "bits"),
    [
        (0, 1, 0, Bits(1, 0, 8)),
        (9, 7, 1, Bits(7, 1, 8)),
        (12, 8, 0, Bits(8, 12, 32)),  # across two aligned 16-bit units: the aligned 32
        (4, 8, 0, Bits(8, 4, 16)),
        (40, 24, 4, Bits(24, 8, 32)),
        (64, 64, 8, Bits(64, 0, 64)),
        (60, 8, 7, Bits(8, 4, 16)),  # packed: no aligned unit holds it
    ],
)
def test_containers_of_bitfields(bit_offset: int, width: int, byte: int, bits: Bits) -> None:
    assert container(bit_offset, width) == (byte, bits)


def test_a_bitfield_that_no_container_holds() -> None:
    assert container(4, 64) is None


@pytest.mark.parametrize("bit_offset", range(130))
def test_a_container_holds_exactly_the_bits(bit_offset: int) -> None:
    for width in range(1, 57):
        placed = container(bit_offset, width)
        assert placed is not None
        byte, bits = placed
        assert byte * 8 + bits.offset == bit_offset
        assert bits.offset + bits.width <= bits.container


def test_text() -> None:
    value = Value(("%di",), None, "x", (Load(0x48), Load(-8, user=True)), 16, memory=True)
    assert value.to_text() == "+0x10(-u0x8(+0x48(%di)))"
    assert value.to_text(decimal=True) == "+16(-u8(+72(%di)))"
    assert value.depth() == 3
    assert Value(("%di", "%si"), None, "x", addend=12, in_words=True).to_text() == "%si"
