import pytest

from ktrace.stream.symbol_table import SymbolTable

KALLSYMS = b"""0000000000000000 A fixed_percpu_data
0000000000001000 A cpu_info
ffffffff81000000 T _stext
ffffffff81000010 t __pfx_vfs_read
ffffffff81000020 T vfs_read
ffffffff81000020 T alias_of_vfs_read
ffffffff81000390 t helper.isra.0
ffffffff810003a0 T __kretprobe_trampoline
ffffffff82000000 D data
ffffffff82001000 B _end
ffffffffc0001000 t inner\t[snd]
ffffffffc0001040 t last\t[snd]
ffffffffc0003000 d table\t[snd]
ffffffffc0000000 t first\t[nf]
ffffffffc0000080 t prog\t[bpf]
ffffffffc0005000 t ftrace_trampoline\t[__builtin__ftrace]
"""


@pytest.fixture(scope="module")
def table() -> SymbolTable:
    return SymbolTable(KALLSYMS)


def test_a_kernel_that_is_at_low_addresses() -> None:
    table = SymbolTable(b"0000000000100000 T _stext\n0000000000100040 T do_it\n0000000000100080 T _end\n")
    assert table.place(0x100044) == "do_it+0x4/0x40"
    assert table.place(0x1044) == "0x1044"


@pytest.mark.parametrize(
    ("address", "place", "name"),
    [
        (0xFFFFFFFF81000024, "vfs_read+0x4/0x370", "vfs_read"),
        (0xFFFFFFFF81000020, "vfs_read+0x0/0x370", "vfs_read"),
        (0xFFFFFFFF8100001F, "__pfx_vfs_read+0xf/0x10", "__pfx_vfs_read"),
        (0xFFFFFFFF81000399, "helper.isra.0+0x9/0x10", "helper.isra.0"),
        (0xFFFFFFFF810003A0, "__kretprobe_trampoline+0x0/0xfffc60", "[unknown/kretprobe'd]"),
        (0xFFFFFFFFC0001004, "inner+0x4/0x40 [snd]", "inner"),
        (0xFFFFFFFFC0001041, "last+0x1/0xfc0 [snd]", "last"),
        (0xFFFFFFFFC0002001, "0xffffffffc0002001", "0xffffffffc0002001"),
        (0xFFFFFFFFC0000004, "first+0x4/0x1000 [nf]", "first"),
        (0xFFFFFFFFC0005010, "0xffffffffc0005010", "0xffffffffc0005010"),
        (0x401136, "0x401136", "0x00401136"),
        (0x1001, "0x1001", "0x00001001"),
        (0, "0x0", "0"),
        (0xFFFFFFFF00000000, "0xffffffff00000000", "0xffffffff00000000"),
    ],
)
def test_places_and_names(table: SymbolTable, address: int, place: str, name: str) -> None:
    assert table.place(address) == place == table.place(address)
    assert table.name(address) == name == table.name(address)


def test_frames(table: SymbolTable) -> None:
    assert table.frame(0xFFFFFFFF81000024) == "vfs_read"
    assert table.frame(0x7FFFFFFF) == "[FTRACE TRAMPOLINE]"


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"x", b"0000000000000000 T a\n0000000000000000 T b\n", b"ff T a\n"]
)
def test_hidden_or_no_addresses(text: bytes) -> None:
    table = SymbolTable(text)
    assert table.place(0xFFFFFFFF81000024) == "0xffffffff81000024"


def test_a_last_line_without_its_newline() -> None:
    assert SymbolTable(KALLSYMS + b"ffffffff81000400 T more").place(0xFFFFFFFF81000403) == "more+0x3/0xfffc00"


def test_addresses_of_32_bits() -> None:
    table = SymbolTable(b"00000000 t vector\nbf000000 t init\t[snd]\nc0001230 T sys_x\nc0002000 t sys_y\n")
    assert table.place(0xC0001234) == "sys_x+0x4/0xdd0" and table.name(0xC0002008) == "sys_y"
    assert table.place(0xBF000004) == "init+0x4/0x1000 [snd]"
    assert table.place(0x8000) == "0x8000"


@pytest.mark.parametrize("offset", [0x2A00000, -0x600000])
def test_addresses_of_another_boot(offset: int) -> None:
    moved = SymbolTable(KALLSYMS, offset)
    assert moved.place(0xFFFFFFFF81000024 + offset) == "vfs_read+0x4/0x370"
    assert moved.frame(0xFFFFFFFF81000024 + offset) == "vfs_read"
    assert moved.name(0xFFFFFFFFC0001004 + offset) == f"0x{0xFFFFFFFFC0001004 + offset:x}"  # modules: unknown
    assert moved.name(5) == "0x00000005" and moved.name((1 << 64) - 1) == "0xffffffffffffffff"
