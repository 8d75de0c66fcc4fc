import fnmatch
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ktrace.host.folder import FolderHost
from ktrace.symbols.kallsyms import Kallsyms, Symbol, glob_to_regex
from tests.fuzz.reduce import key_of
from tests.fuzz.targets.filters import Globs

TEXT = b"""\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81000010 t vfs_reader
ffffffff81000020 T vfs_read
ffffffff81000030 t vfs_read.cold
ffffffff81000038 t vfs_read.isra.0
ffffffff81000040 T __pfx_vfs_write
ffffffff81000050 T vfs_write
ffffffff81000060 t helper.constprop.0.isra.0
ffffffff81000070 t same
ffffffff81000080 W weak
ffffffff82000000 D jiffies
ffffffff82000008 d same
ffffffffc0000000 t same\t[ext4]
ffffffffc0000010 t ext4_sync_file\t[ext4]
ffffffffc0000020 t vfs_read\t[other]
"""
SYMBOLS = Kallsyms(TEXT)


def asked_often(data: bytes) -> Kallsyms:
    """Return symbols that were asked for many names, and so have a table."""
    symbols = Kallsyms(data)
    assert not any(symbols.find(f"absent{number}") for number in range(200))
    return symbols


def names(symbols):
    return [s.name for s in symbols]


def test_find_one():
    assert SYMBOLS.find("vfs_write") == [Symbol("vfs_write", 0xFFFFFFFF81000050, "T")]
    assert SYMBOLS.find("jiffies")[0].is_function is False


def test_find_all_of_a_name_in_the_files_order():
    assert SYMBOLS.find("same") == [
        Symbol("same", 0xFFFFFFFF81000070, "t"),
        Symbol("same", 0xFFFFFFFF82000008, "d"),
        Symbol("same", 0xFFFFFFFFC0000000, "t", "ext4"),
    ]
    assert SYMBOLS.find("same", "ext4") == [Symbol("same", 0xFFFFFFFFC0000000, "t", "ext4")]


@pytest.mark.parametrize("name", ["vfs", "read", "vfs_rea", "T", "ext4", "[ext4]", "", "none"])
def test_a_part_of_a_name_is_no_name(name):
    assert SYMBOLS.find(name) == []


def test_the_last_line_may_lack_its_newline():
    assert names(Kallsyms(b"ff T a\nff T last").find("last")) == ["last"]


MIXED = b"""\
ffffffff81000020 T vfs_read
ffffffff81800000 T _etext
ffffffff81900000 T vfs_inodes_stat
ffffffff81a00000 B __init_begin
ffffffff81b00000 T vfs_caches_init
ffffffffc0000000 t vfs_of_a_module\t[m]
"""


def test_data_among_functions_is_told_by_its_address():
    symbols = Kallsyms(MIXED)
    found = ["vfs_read", "vfs_caches_init", "vfs_of_a_module"]
    assert names(symbols.matching("vfs_*")) == names(symbols.matching("?fs_*")) == found
    (data,) = symbols.find("vfs_inodes_stat")
    assert data.is_function and not symbols.is_code(data)
    hidden = Kallsyms(re.sub(rb"(?m)^[0-9a-f]+", b"0" * 16, MIXED))
    assert len(names(hidden.matching("vfs_*"))) == 4  # nothing distinguishes them
    assert len(names(Kallsyms(MIXED.replace(b"_etext", b"_xtext")).matching("vfs_*"))) == 4


def test_has_function():
    assert SYMBOLS.has_function("vfs_read") and SYMBOLS.has_function("weak")
    assert not SYMBOLS.has_function("jiffies") and not SYMBOLS.has_function("none")


@pytest.mark.parametrize("symbols", [SYMBOLS, asked_often(TEXT)], ids=["searched", "in the table"])
def test_variants(symbols):
    assert names(symbols.variants("vfs_read")) == ["vfs_read.cold", "vfs_read.isra.0"]
    assert names(symbols.variants("helper")) == ["helper.constprop.0.isra.0"]  # one pass after the other
    assert names(symbols.variants("helper.constprop.0")) == ["helper.constprop.0.isra.0"]
    assert not symbols.variants("vfs_write")


@pytest.mark.parametrize("symbols", [SYMBOLS, asked_often(TEXT)], ids=["searched", "in the table"])
def test_a_name_that_was_found_is_found_again(symbols):
    for _ in "12":
        assert [s.module for s in symbols.find("vfs_read")] == [None, "other"]
        assert [s.address for s in symbols.find("vfs_read", "other")] == [0xFFFFFFFFC0000020]


@pytest.mark.parametrize(
    ("data", "hidden"),
    [
        (TEXT, False),
        (b"0000000000000000 A a\n0000000000000000 T b\n", True),
        (b"", True),
        (b"ffffffff81000000 T a\n", False),
    ],
)
def test_hidden(data, hidden):
    assert Kallsyms(data).hidden == hidden


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (0xFFFFFFFF81000020, "vfs_read"),
        (0xFFFFFFFF8100002F, "vfs_read"),
        (0xFFFFFFFF82000004, "weak"),  # data does not count
        (0xFFFFFFFFC0000018, "ext4_sync_file"),
        (1, None),
    ],
)
def test_at(address, name):
    found = SYMBOLS.at(address)
    assert (found and found.name) == name


def test_load(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/kallsyms").write_bytes(TEXT)
    symbols = Kallsyms.load(FolderHost(tmp_path))
    assert symbols.source == "/proc/kallsyms"
    assert symbols.has_function("weak")
    with pytest.raises(FileNotFoundError):
        Kallsyms.load(FolderHost(tmp_path / "none"))


def test_miss_names_what_comes_close():
    miss = SYMBOLS.miss("vfs_raed")
    assert (miss.source, miss.reason) == ("/proc/kallsyms", "no function called vfs_raed")
    assert miss.near[0] == "vfs_read"
    assert SYMBOLS.miss("sync_file").near == ("ext4_sync_file",)
    assert SYMBOLS.miss("helper.constprop.0").near[0] == "helper.constprop.0.isra.0"
    assert SYMBOLS.miss("zzzzzz").near == ()
    assert SYMBOLS.miss("pfx_vfs_write").near == ()  # padding is not a function
    assert Kallsyms(b"").miss("x").reason == "the file is empty"


def test_at_most_five_are_close():
    text = b"".join(b"ff T vfs_read%d\n" % n for n in range(20))
    assert len(Kallsyms(text).miss("vfs_read").near) == 5


def test_matching():
    assert names(SYMBOLS.matching("vfs_*")) == [
        "vfs_reader",
        "vfs_read",
        "vfs_read.cold",
        "vfs_read.isra.0",
        "vfs_write",
        "vfs_read",
    ]
    assert names(SYMBOLS.matching("vfs_rea?")) == ["vfs_read", "vfs_read"]
    assert names(SYMBOLS.matching("ji*")) == []  # data
    assert [s.module for s in SYMBOLS.matching("ext4_*")] == ["ext4"]
    assert names(SYMBOLS.matching("[!v]*[!x]*[!x]*[!x]*same*")) == []  # never over the end of a line


NAMES = st.text("abcxyz_.019$-", min_size=1, max_size=8)
GLOBS = st.text("abcxyz_.09$-*?[]!", max_size=10)


@given(glob=GLOBS, name=NAMES)
@example(glob="a[!]", name="a[!]")
@example(glob="[]a]b", name="ab")
@example(glob="[!]a]b", name="xb")
@example(glob="[z-a]b", name="b")
@example(glob="[!z-a]b", name="ab")
@example(glob="[a-c-e]", name="-")
@example(glob="[--a]", name="_")
@example(glob="[]-a]", name="_")
@example(glob="[a", name="a")
def test_wildcards_mean_what_they_mean_to_the_shell(glob, name):
    pattern = re.compile(glob_to_regex(glob))
    assert (pattern.fullmatch(name.encode()) is not None) == fnmatch.fnmatchcase(name, glob)


@given(st.text(), st.lists(NAMES, max_size=5))
@example("[\udce9]", [])
@example("[\udc80-\udcff]", [])
@example("[é-ü]x", [])
@example("[^]", [])
@example("[a-é]", ["b"])
@example("[\\d]", ["5"])
@example("[\\]", [])
@example("[a&&b][a||b][~~x]", [])
def test_any_wildcard_matches_whole_names_alone(glob, known):
    text = "".join(f"ffffffff81000000 T {name}\n" for name in known).encode()
    assert set(names(Kallsyms(text).matching(glob))) <= set(known)


def test_a_caret_negates_as_in_the_shell():
    assert names(SYMBOLS.matching("vfs_[^r]*")) == ["vfs_write"]


@given(st.lists(st.tuples(NAMES, st.sampled_from("tTdD"), st.none() | st.just("ext4")), max_size=8), NAMES)
def test_find_agrees_with_reading_every_line(rows, wanted):
    text = "".join(
        f"{n:016x} {t} {name}" + (f"\t[{m}]" if m else "") + "\n" for n, (name, t, m) in enumerate(rows)
    )
    expected = [Symbol(name, n, t, m) for n, (name, t, m) in enumerate(rows)]
    for symbols in (Kallsyms(text.encode()), asked_often(text.encode())):
        for name in {wanted, *(row[0] for row in rows)}:
            assert symbols.find(name) == [s for s in expected if s.name == name]


@pytest.mark.parametrize("glob", ["*a*a*a*a*a*a*a*b", "a*a*a*a*a*a*a*a*b", "*[a-z]*?*a*?*a*?*b"])
def test_no_name_makes_a_glob_slow(glob, tmp_path):
    assert key_of(Globs(tmp_path), glob.encode()) is None


PER_CPU = b"""\
0000000000000000 A __per_cpu_start
0000000000019150 A cpu_number
0000000000036000 A __per_cpu_end
ffffffff81000000 T _text
ffffffff82000000 D jiffies
0000000000037000 d module_cpu\t[m]
"""


def test_variables_of_each_processor():
    symbols = Kallsyms(PER_CPU)
    assert symbols.per_cpu_address("cpu_number") == symbols.per_cpu_address("0x19150") == 0x19150
    assert symbols.per_cpu_address("module_cpu") == 0x37000
    assert symbols.per_cpu_address("jiffies") is symbols.per_cpu_address("none") is None
    moved = Kallsyms(PER_CPU.replace(b"00000000000", b"ffffffff8a0").replace(b"ffffffff8a0", b"ffffffff8a0"))
    assert moved.per_cpu_address("cpu_number") == 0xFFFFFFFF8A019150


def test_hidden_addresses_say_nothing_of_processors():
    hidden = Kallsyms(b"0000000000000000 A __per_cpu_start\n0000000000000000 A __per_cpu_end\n"
                      b"0000000000000000 A cpu_number\n")  # fmt: skip
    assert hidden.per_cpu_address("cpu_number") is None
