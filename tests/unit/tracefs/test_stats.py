import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.tracefs.stats import CpuStats, parse_stats, read_stats
from tests.unit.tracefs.scripted import Scripted

TEXT = """\
entries: 10
overrun: 3
commit overrun: 2
bytes: 400
oldest event ts:  2746.301842
now ts:  2760.000000
dropped events: 1
read events: 7
"""


def test_one_cpu():
    stats = parse_stats(3, TEXT)
    assert stats == CpuStats(3, entries=10, overrun=3, commit_overrun=2, dropped=1, read=7)
    assert stats.lost == 6


def test_counts_that_are_not_there_are_zero():
    assert parse_stats(0, "entries: 1\n") == CpuStats(0, 1, 0, 0, 0, 0)
    assert parse_stats(0, "").lost == 0


@given(st.integers(0), st.integers(0), st.integers(0))
def test_whatever_is_lost_counts(overrun, commit, dropped):
    assert CpuStats(0, 0, overrun, commit, dropped, 5).lost == overrun + commit + dropped


@pytest.mark.parametrize("cpus", [[0], [0, 1, 2, 10, 11], [3]])
def test_all_cpus_in_the_order_of_their_numbers(tmp_path, cpus):
    tree = {f"per_cpu/cpu{cpu}/stats": f"entries: {cpu}\n" for cpu in cpus}
    found = read_stats(Scripted(tmp_path, {**tree, "per_cpu/cpux/stats": "", "per_cpu/other": ""}))
    assert [(s.cpu, s.entries) for s in found] == [(cpu, cpu) for cpu in cpus]
