import pytest

from ktrace.errors import NotFound
from ktrace.host.local import LocalHost
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.output.views.list import listing_text
from ktrace.probes.listing import read_listing, select
from ktrace.resolve.existing_events import belongs_to_session
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs.instances import Owner
from tests.unit.tracefs.scripted import Scripted

ME = Owner.of_this_process(LocalHost())
DYNAMIC = """\
p:kprobes/vfs_read vfs_read x=%di
r10:kprobes/ret vfs_read
p:kprobes/inside vfs_read+16
p:kprobes/later ext4:f
s:synthetic/lat\tu64 lat
p:uprobes/up /bin/my:0x0000000000000010
p:kprobes/multi vfs_write
p:kprobes/multi vfs_open
f:fprobes/fp vfs_read
p:other/vfs_read vfs_open
"""
KPROBES = """\
ffffffff81000014  k  vfs_read+0x10    [OPTIMIZED]
ffffffff81000004  k  vfs_read+0x4    [DISABLED][FTRACE]
ffffffff81000004  r  vfs_read+0x4    [FTRACE]
ffffffff82000000  k  vfs_open+0x0    [FTRACE]
ffffffff82000000  k  vfs_open+0x0    [FTRACE]
ffffffff83000000  k  not_ours+0x0    [FTRACE]
what is this
"""
PROFILE = """\
  vfs_read  1  0
  ret  2  5
  inside  3  0
  later  0  0
  multi  10  1
  multi  20  2
  vfs_read  7  7
"""
FORMAT = 'name: x\nID: 7\nformat:\n\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\n\nprint fmt: ""\n'
AVAILABLE = "# Available triggers:\n"


@pytest.fixture
def files(tmp_path):
    tree = {
        "dynamic_events": DYNAMIC,
        "kprobe_profile": PROFILE,
        "uprobe_profile": "  /bin/my up  9\n",
        "events/sched/enable": "0\n",
    }
    for event in ("kprobes/vfs_read", "kprobes/ret", "kprobes/multi", "other/vfs_read", "sched/sched_switch"):
        tree |= {
            f"events/{event}/enable": "0\n",
            f"events/{event}/filter": "none\n",
            f"events/{event}/trigger": AVAILABLE,
            f"events/{event}/format": FORMAT,
        }
    tree |= {
        "events/kprobes/vfs_read/enable": "1*\n",
        "events/kprobes/vfs_read/trigger": "stacktrace:unlimited\n",
        "instances/mine/events/kprobes/vfs_read/enable": "1\n",
        "instances/mine/events/kprobes/vfs_read/trigger": "traceoff:unlimited\n",
        "instances/mine/events/kprobes/ret/enable": "1\n",
        "events/other/vfs_read/enable": "0*\n",
        "events/other/vfs_read/trigger": "traceoff:unlimited\n",
    }
    return Scripted(tmp_path, tree)


@pytest.fixture
def debug(tmp_path):
    return Scripted(tmp_path / "debug", {"kprobes/list": KPROBES})


def by_event(listing):
    return {row.probe.event: row for row in listing.probes}


def test_each_probe_is_given_its_line_and_no_line_twice(files, debug):
    listing = read_listing(files, debug)
    rows = by_event(listing)
    assert rows["kprobes/vfs_read"].registered.where == "vfs_read+0x4"  # after ENDBR
    assert rows["kprobes/ret"].registered.type == "r"
    assert rows["kprobes/inside"].registered.offset == 16
    assert rows["kprobes/later"].registered is None and rows["kprobes/later"].pending
    assert rows["uprobes/up"].registered is None and rows["fprobes/fp"].registered is None
    assert [event for _, event in listing.registered] == [
        "kprobes/inside",
        "kprobes/vfs_read",
        "kprobes/ret",
        "kprobes/multi",
        "other/vfs_read",
        None,
    ]
    assert listing.odd == ("what is this",)
    assert listing.debugfs == KPROBES
    assert [event.name for event in listing.synthetic] == ["lat"]


def test_places_counted_from_the_start_of_the_kernel(tmp_path):
    """Functions that share a name are probed by address, which shows whose line it is."""
    files = Scripted(
        tmp_path,
        {"dynamic_events": "p:kprobes/a _text+16777216\nr:kprobes/b _text+16777216\np:kprobes/c _text+1\n",
         "events/sched/enable": "0\n"},
    )  # fmt: skip
    lines = "ffffffff82000004  r  twice+0x4    [FTRACE]\nffffffff82000004  k  twice+0x4    [FTRACE]\n"
    debug = Scripted(tmp_path / "debug", {"kprobes/list": lines})
    listing = read_listing(files, debug, lambda: Kallsyms(b"ffffffff81000000 T _text\n"))
    assert [event for _, event in listing.registered] == ["kprobes/b", "kprobes/a"]
    assert "_text+16777216 (twice+0x4)" in listing_text(listing)
    hidden = read_listing(files, debug, lambda: Kallsyms(b"0000000000000000 T _text\n"))
    assert [event for _, event in hidden.registered] == [None, None]


def test_counts_go_to_probe_points_in_the_order_of_their_making(files, debug):
    counts = [(row.probe.event, row.hits, row.missed) for row in read_listing(files, debug).probes]
    assert counts == [
        ("kprobes/vfs_read", 1, 0),
        ("kprobes/ret", 2, 5),
        ("kprobes/inside", 3, 0),
        ("kprobes/later", 0, 0),
        ("uprobes/up", 9, None),
        ("kprobes/multi", 10, 1),
        ("kprobes/multi", 20, 2),
        ("fprobes/fp", None, None),
        ("other/vfs_read", 7, 7),
    ]


def test_where_they_are_on_and_their_triggers(files, debug):
    rows = by_event(read_listing(files, debug))
    assert rows["kprobes/vfs_read"].enabled_in == ("top", "mine")
    assert rows["kprobes/vfs_read"].triggers == ("stacktrace:unlimited",)
    assert rows["kprobes/ret"].enabled_in == ("mine",)
    assert rows["other/vfs_read"].enabled_in == ()  # a trigger alone records nothing
    assert rows["other/vfs_read"].triggers == ("traceoff:unlimited",)
    assert rows["kprobes/later"].enabled_in == ()


def test_without_debugfs_and_profiles(files, tmp_path):
    (tmp_path / "kprobe_profile").unlink()
    listing = read_listing(files, None)
    assert listing.debugfs is None and listing.registered == ()
    assert by_event(listing)["kprobes/vfs_read"].hits is None
    assert by_event(listing)["uprobes/up"].hits == 9
    assert read_listing(files, Scripted(tmp_path / "none")).debugfs is None


PROBES = [Probe("p", g, n, SymbolPlace("f")) for g, n in [("g", "a"), ("g", "ab"), ("h", "a"), ("g", "a")]]


@pytest.mark.parametrize(
    ("names", "events"),
    [
        (["a"], ["g/a", "h/a"]),
        (["g/a"], ["g/a"]),
        (["g:a"], ["g/a"]),
        (["a*"], ["g/a", "g/ab", "h/a"]),
        (["h/*", "g/ab"], ["g/ab", "h/a"]),
        (["*"], ["g/a", "g/ab", "h/a"]),
        (["a", "g/a"], ["g/a", "h/a"]),
        ([], []),
    ],
)
def test_select(names, events):
    assert [p.event for p in select(PROBES, names)] == events


def test_no_such_probe():
    with pytest.raises(NotFound, match="no probe called 'abc'") as error:
        select(PROBES, ["a", "abc"])
    assert error.value.hint.startswith("close to it: ab")
    with pytest.raises(NotFound) as error:
        select(PROBES, ["zzz"])
    assert "ktrace list" in error.value.hint
    with pytest.raises(NotFound) as error:
        select([], ["zzz"])
    assert "there are no probes" in error.value.hint
    with pytest.raises(NotFound):
        select(PROBES, ["A"])


def test_everything_but_what_sessions_made_for_themselves():
    mine = Probe("p", ME.name, "a", SymbolPlace("f"))
    dead = Probe("p", Owner(ME.pid, 1).name, "a", SymbolPlace("f"))
    assert belongs_to_session(mine) and belongs_to_session(dead)
    assert not belongs_to_session(PROBES[0])
    assert select([mine, dead, PROBES[0]], [], everything=True) == [PROBES[0]]
    assert select([mine], [f"{ME.name}/a"]) == [mine]  # by name it can be had
