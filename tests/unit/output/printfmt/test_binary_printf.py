"""trace_printk's messages: unpacked as vbin_printf packs them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.binary_printf import BinaryPrintf

ADDRESS = 0xFFFFFFFF82000010


def message(form: str | None, packed: bytes, long: int = 8, *, big_endian: bool = False) -> str | None:
    """The message of a format and its packed arguments."""
    names = Lookups(
        symbol=lambda address, offset: f"f{address:x}" + ("+0x1/0x2" if offset else ""),
        text={ADDRESS: form}.get,
        long=long,
        big_endian=big_endian,
    )
    return BinaryPrintf(names).text(ADDRESS, packed)


class Packer:
    """Packs arguments one after the other, each aligned to its size but to at most 4."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.data = b""

    def number(self, size: int, value: int) -> None:
        self.data += bytes(-len(self.data) % min(size, 4))
        self.data += (value & (1 << 8 * size) - 1).to_bytes(size, self.order)

    def text(self, value: str) -> None:
        self.data += value.encode("utf-8", "surrogateescape") + b"\0"

    def record(self) -> bytes:
        """The content of a record: whole words."""
        return self.data + bytes(-len(self.data) % 4)


def test_an_unknown_format_is_not_invented() -> None:
    assert message(None, b"\1\0\0\0") is None


def test_texts_lie_between_numbers() -> None:
    packed = struct.pack("<i4sII", -7, b"abc\0", 878082192, 18)
    assert message("a=%d s=%s x=%llx\n", packed) == "a=-7 s=abc x=1234567890\n"
    assert message("%s|%d", b"ab\0\0\5\0\0\0") == "ab|5"
    assert message("%c%c%hhx%hd", b"AB\xff\0\xfe\xff\0\0") == "ABff-2"


def test_widths_are_arguments() -> None:
    packed = struct.pack("<iiii", 5, 42, -4, 7)
    assert message("%*d|%*d|", packed) == "   42|7   |"
    assert message("%.*s", struct.pack("<i4s", 2, b"abc\0")) == "ab"


@pytest.mark.parametrize(
    ("form", "packed", "want"),
    [
        ("%ps", struct.pack("<Q", 0xFFFFFFFF81000004), "fffffffff81000004"),
        ("%pS %d", struct.pack("<Qi", 0xFFFFFFFF81000004, 3), "fffffffff81000004+0x1/0x2 3"),
        ("%p", struct.pack("<Q", 0x41), "0000000000000041"),
        ("%px|", struct.pack("<Q", 0x4142), "0000000000004142|"),
        ("%px %d", b"ffff888012345678\0\0\0\0" + struct.pack("<i", 4), "ffff888012345678 4"),
        ("%pI4 %d", b"10.0.0.1\0\0\0\0" + struct.pack("<i", 4), "10.0.0.1 4"),
        ("%pI4", struct.pack("<Q", 0xFFFF888012345678), "(?)"),
        ("%*ph.", struct.pack("<i", 2) + b"01 02\0\0\0", "01 02."),
        ("%pe", struct.pack("<q", -2), "-ENOENT"),
        ("%pe", struct.pack("<q", -4000), "-4000"),
    ],
)
def test_pointers(form: str, packed: bytes, want: str) -> None:
    assert message(form, packed) == want


def test_pointers_of_32_bits() -> None:
    assert message("%ps %p %lx", struct.pack("<III", 0xC0001234, 16, 0xFFFFFFFB), 4) == (
        "fc0001234 00000010 fffffffb"
    )


def test_an_address_that_looks_like_text_is_an_address() -> None:
    packed = struct.pack("<I5s", 0x44434241, b"next\0")
    assert message("%px %s", packed, 4) == "44434241 next"
    assert message("%ps %s", packed, 4) == "f44434241 next"
    assert message("%pe %s", packed, 4) == "44434241 next"


def test_the_name_of_a_firmware_node_is_text() -> None:
    assert message("%pfw %d", b"n\0\0\0" + struct.pack("<i", 4)) == "n 4"


def test_arguments_that_are_missing_are_marked() -> None:
    assert message("%d %d", struct.pack("<i", 1)) == "1 (?)"
    assert message("%s", b"no end") == "(?)"
    assert message("%d%s%p", b"") == "(?)(?)(?)"
    assert message("%y %d", struct.pack("<i", 1)) == "%y (?)"
    assert message("100%%", b"") == "100%"


SIZES = {"hh": 1, "h": 2, "": 4, "l": None, "ll": 8, "z": None}


NUMBERS = st.tuples(
    st.sampled_from("dux"), st.sampled_from(list(SIZES)), st.integers(-(1 << 63), (1 << 63) - 1)
)
CHARACTERS = st.tuples(st.just("c"), st.just(""), st.integers(33, 126))
TEXTS = st.tuples(
    st.just("s"),
    st.just(""),
    st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=9),
)


@given(st.lists(st.one_of(NUMBERS, CHARACTERS, TEXTS), max_size=8), st.sampled_from([4, 8]), st.booleans())
def test_any_arguments_of_any_machine(
    args: list[tuple[str, str, int | str]], long: int, big_endian: bool
) -> None:
    packer = Packer("big" if big_endian else "little")
    form, want = "", []
    for conversion, length, value in args:
        form += f"%{length}{conversion};"
        if isinstance(value, str):
            packer.text(value)
            want.append(value)
            continue
        size = 1 if conversion == "c" else SIZES[length] or long
        packer.number(size, value)
        unsigned = value & (1 << 8 * size) - 1
        signed = unsigned - (1 << 8 * size) * (unsigned >> 8 * size - 1)
        spelled = {"d": str(signed), "u": str(unsigned), "x": f"{unsigned:x}", "c": chr(unsigned & 0x7F)}
        want.append(spelled[conversion])
    assert message(form, packer.record(), long, big_endian=big_endian) == "".join(f"{text};" for text in want)
