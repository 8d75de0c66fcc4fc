"""Arithmetic on words against Python's own."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ktrace.tracefs.text_words import Words

digits = st.text("0123456789abcdef/:`g @AF\x7f\x80é-\n", max_size=24).map(str.encode)
numbers = st.integers(0, 2**70).map(lambda n: str(n).encode())


def at(*offsets):
    return np.array(offsets, np.int64)


@given(digits | st.binary(max_size=20) | numbers, st.binary(max_size=3))
def test_decimal(text, junk):
    data = junk + text + b"\n"
    want = re.match(rb"\d*", data[len(junk) :])[0]
    value, after, ok = Words(data).decimal(at(len(junk)))
    fits = 0 < len(want) <= 20 and int(want) < 2**64
    assert bool(ok[0]) == fits
    if fits:
        assert (int(value[0]), int(after[0])) == (int(want), len(junk) + len(want))


@given(
    digits | st.binary(max_size=20) | st.integers(0, 2**70).map(lambda n: f"{n:x}".encode()),
    st.binary(max_size=3),
)
def test_hexadecimal(text, junk):
    data = junk + text + b"\n"
    want = re.match(rb"[0-9a-f]{0,16}", data[len(junk) :])[0]
    value, after, ok = Words(data).hexadecimal(at(len(junk)))
    assert bool(ok[0]) == bool(want)
    if want:
        assert (int(value[0]), int(after[0])) == (int(want, 16), len(junk) + len(want))


@given(st.integers(0, 255), st.integers(0, 17))
def test_every_byte_ends_the_digits_that_it_is_none_of(byte, before):
    data = b"7" * before + bytes([byte])
    words = Words(data)
    for digits, read, most in (
        (b"0123456789", words.decimal, 20),
        (b"0123456789abcdef", words.hexadecimal, 16),
    ):
        count = min(before + (byte in digits), most)
        _, after, ok = read(at(0))
        assert (bool(ok[0]), int(after[0])) == (count > 0, count)


@given(st.integers(1, 19), st.text("01239 x\x10", min_size=19, max_size=19).map(str.encode))
def test_right_aligned(width, text):
    data = b"." * 24 + text
    field = text[19 - width :]
    value, ok = Words(data).window(at(0), len(data)).right_aligned(len(data), width)
    want = re.fullmatch(rb" *(\d+)", field)
    assert bool(ok[0]) == bool(want)
    if want:
        assert int(value[0]) == int(want[1])


@given(st.binary(min_size=1, max_size=30), st.binary(min_size=1, max_size=12), st.integers(0, 29))
def test_matches(data, literal, offset):
    offset = min(offset, len(data) - 1)
    padded = data + bytes(16)
    assert bool(Words(data).matches(at(offset), literal)[0]) == padded.startswith(literal, offset)
    assert bool(Words(data).matches(at(offset), padded[offset : offset + len(literal)])[0])


def test_literal_longer_than_what_is_left():
    words = Words(b"x" * 300)
    assert words.matches(at(0, 1, 299, 300), b"x" * 300).tolist() == [True, False, False, False]


@given(st.binary(max_size=40), st.integers(0, 39))
def test_next(data, offset):
    offset = min(offset, len(data))
    found = int(Words(data).next(ord("a"), at(offset))[0])
    want = data.find(b"a", offset)
    assert found == (want if want >= 0 else len(data))


@given(st.lists(st.sampled_from([b"", b"a", b"bc", b"\xff", b"a\n"]), min_size=1))
def test_strings(texts):
    data = b"".join(texts)
    ends = np.cumsum([len(t) for t in texts])
    starts = ends - [len(t) for t in texts]
    strings = Words(data).strings(starts, ends)
    assert strings.tolist() == [t.decode(errors="surrogateescape") for t in texts]
    assert len(set(strings.values)) == len(strings.values)
