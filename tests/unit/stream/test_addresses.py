from dataclasses import replace

from ktrace.stream.addresses import Addresses
from tests.unit.tracedat.build import contents

MADE = contents(
    kallsyms=b"ffffffff81000000 T first\nffffffff81000100 T second\n",
    printk_formats=b'0xffffffff82000000 : "a \\"b\\"\\n\\tc\\\\"\n0xffffffff82000010 : ""\nno line\n',
)


def test_names_and_texts() -> None:
    addresses = Addresses([MADE, MADE])
    assert addresses.symbol(0xFFFFFFFF81000004, False) == "first"
    assert addresses.symbol(0xFFFFFFFF81000004, True) == "first+0x4/0x100"
    assert addresses.symbol(5, True) is None and addresses.symbol(0, False) is None
    assert addresses.text(0xFFFFFFFF82000000) == 'a "b"\n\tc\\'
    assert addresses.text(0xFFFFFFFF82000010) == "" and addresses.text(1) is None


def test_kernels_that_differ_have_no_names_together() -> None:
    addresses = Addresses([MADE, replace(MADE, kallsyms=b"")])
    assert addresses.symbol(0xFFFFFFFF81000004, False) is None
    assert Addresses([]).text(1) is None
