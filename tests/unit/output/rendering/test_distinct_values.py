import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.rendering.distinct_values import distinct, joined, looks_repetitive

EDGES = [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]


@given(st.lists(st.integers(0, (1 << 64) - 1) | st.sampled_from(EDGES) | st.integers(0, 9)))
def test_unsigned(values):
    column = np.array(values, np.uint64)
    found, codes = distinct(column)
    assert found[codes].tolist() == values
    assert len(set(found.tolist())) == len(found) == len(set(values))


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-9, 9)))
def test_signed(values):
    found, codes = distinct(np.array(values, np.int64))
    assert found[codes].tolist() == values
    assert len(found) == len(set(values))


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize("choices", [5, 3000, 100_000])
def test_many_rows(dtype, choices):
    dice = np.random.default_rng(choices)
    spread = (dice.integers(0, choices, 20_000) * 0x9E3779B97F4A7C1).astype(dtype)
    found, codes = distinct(spread)
    assert (found[codes] == spread).all()
    assert len(found) == len(np.unique(spread))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 6)), min_size=1))
def test_joined(rows):
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    found, codes = joined(columns, [5, 3, 7])
    assert [found[code] for code in codes.tolist()] == rows
    if len(columns) > 1:
        assert len(found) == len(set(rows))


def test_joined_of_one():
    found, codes = joined([np.array([1, 0, 1])], [2])
    assert [found[code] for code in codes.tolist()] == [(1,), (0,), (1,)]


def test_repetitive():
    assert looks_repetitive(np.arange(100))  # few rows: as you like
    assert looks_repetitive(np.arange(100_000) % 300)
    assert not looks_repetitive(np.arange(100_000))
