import pytest

from ktrace.model.c_integer import FIXED_WIDTH, CInt, c_integer, is_integer_name


@pytest.mark.parametrize(
    ("text", "bits", "signed"),
    [
        ("int", 32, True),
        ("unsigned", 32, False),
        ("const unsigned int", 32, False),
        ("short int", 16, True),
        ("signed char", 8, True),
        ("long unsigned int", 64, False),
        ("long long", 64, True),
        ("enum hrtimer_mode", 32, True),
        ("volatile __be16", 16, False),
        ("__s8", 8, True),
        ("uint64_t", 64, False),
        ("umode_t", 16, False),
        ("ssize_t", 64, True),
        ("ino_t", 64, False),
        ("bool", 8, False),
    ],
)
def test_words_of_a_declaration(text, bits, signed):
    assert c_integer(text.split()) == CInt(bits, signed)


@pytest.mark.parametrize("text", ["", "const", "void", "struct file", "u32 u32", "unsigned size_t", "file"])
def test_what_is_no_integer(text):
    assert c_integer(text.split()) is None


@pytest.mark.parametrize(
    ("text", "bits"),
    [("long", 32), ("unsigned long", 32), ("long long", 64), ("size_t", 32), ("loff_t", 64), ("u64", 64)],
)
def test_long_of_a_32_bit_kernel(text, bits):
    assert c_integer(text.split(), long=4).bits == bits


def test_names_tell_their_width():
    assert all(str(one.bits) in name for name, one in FIXED_WIDTH.items())
    assert is_integer_name("pid_t")
    assert not is_integer_name("unsigned")


@pytest.mark.parametrize(
    ("ctype", "given", "held"),
    [(CInt(8, True), 255, -1), (CInt(8, False), -1, 255), (CInt(32, True), 1 << 31, -(1 << 31))],
)
def test_wrapping(ctype, given, held):
    assert ctype.wrap(given) == held
    assert ctype.dtype in ("i1", "u1", "i4")
