import pytest

from ktrace.symbols.probeable import address_on_blacklist, not_traceable, on_blacklist

BLACKLIST = """\
0xffffffff81000000-0xffffffff81000010\tasm_exc
0xffffffff81000010-0xffffffff81000040\tdo_int3
"""
FUNCTIONS = "vfs_read\next4_sync_file [ext4]\nf.isra.0\n"


def test_on_the_blacklist():
    miss = on_blacklist("do_int3", BLACKLIST)
    assert miss.source == "kprobes/blacklist"
    assert "do_int3 is on the kprobe blacklist" in miss.reason


@pytest.mark.parametrize("name", ["int3", "do_int", "vfs_read", "do.int3", ""])
def test_not_on_the_blacklist(name):
    assert on_blacklist(name, BLACKLIST) is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (0xFFFFFFFF80FFFFFF, None),
        (0xFFFFFFFF81000000, "asm_exc"),
        (0xFFFFFFFF8100000F, "asm_exc"),
        (0xFFFFFFFF81000010, "do_int3"),
        (0xFFFFFFFF81000040, None),
    ],
)
def test_addresses(address, name):
    miss = address_on_blacklist(address, BLACKLIST)
    if name is None:
        assert miss is None
    else:
        assert miss.reason == f"0x{address:x} lies in {name}, which is on the kprobe blacklist"


@pytest.mark.parametrize("name", ["vfs_read", "ext4_sync_file", "f.isra.0"])
def test_traceable(name):
    assert not_traceable(name, FUNCTIONS) is None


@pytest.mark.parametrize("name", ["vfs", "read", "ext4", "fXisraX0", "do_int3"])
def test_not_traceable(name):
    miss = not_traceable(name, FUNCTIONS)
    assert miss.source == "available_filter_functions"
    assert f"{name} is marked notrace" in miss.reason
