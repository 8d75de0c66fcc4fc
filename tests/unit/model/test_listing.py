from dataclasses import replace

import pytest

from ktrace.model.listing import ProbeRow, Registered, SyntheticEvent
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Probe

LINE = Registered(0xFFFFFFFF81000000, "k", "vfs_read", 4, None, ("FTRACE",))


def test_where_is_spelled_as_the_kernel_prints_it():
    assert LINE.where == "vfs_read+0x4"
    assert replace(LINE, offset=0).where == "vfs_read+0x0"
    assert replace(LINE, symbol="0xffffffffc0000000", offset=None).where == "0xffffffffc0000000"


def test_a_synthetic_event_has_the_kernels_own_group():
    assert SyntheticEvent("lat", "u64 lat").event == "synthetic/lat"


@pytest.mark.parametrize(
    ("place", "registered", "pending"),
    [
        (SymbolPlace("f", module="ext4"), None, True),
        (SymbolPlace("f", module="ext4"), LINE, False),
        (SymbolPlace("f"), None, False),
        (AddressPlace(1 << 63), None, False),
    ],
)
def test_what_waits_for_its_module(place, registered, pending):
    probe = Probe("p", "g", "a", place)
    assert ProbeRow(probe, (), (), None, None, registered).pending == pending
