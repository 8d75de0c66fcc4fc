import json

from ktrace.model.fetch import FetchArg
from ktrace.model.listing import TOP, Listing, ProbeRow, Registered, SyntheticEvent
from ktrace.model.place import FilePlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.output.views.list import listing_json, listing_text, probe_json

KPROBE = Probe("p", "kprobes", "vfs_read", SymbolPlace("vfs_read"), (FetchArg("%dx", "count", "u64"),))
RETURN = Probe("r", "kprobes", "ret", SymbolPlace("vfs_read"), maxactive=10)
PENDING = Probe("p", "kprobes", "later", SymbolPlace("f", module="ext4"))
ODD = Probe("p", "uprobes", "odd", FilePlace("/tmp/\x1b[2J\udce9", 16))
LINE = Registered(0xFFFFFFFF81000004, "k", "vfs_read", 4, None, ("DISABLED", "FTRACE"))
OTHER = Registered(0xFFFFFFFF81000010, "r", "their_own", 0, "mod", ())

LISTING = Listing(
    debugfs="ffffffff81000004  k  vfs_read+0x4    [DISABLED][FTRACE]\nodd \x1b line\n",
    registered=((LINE, "kprobes/vfs_read"), (OTHER, None)),
    odd=("odd \x1b line",),
    probes=(
        ProbeRow(KPROBE, (TOP, "mine"), ("stacktrace:unlimited",), 12, 3, LINE),
        ProbeRow(RETURN, (), (), None, None, LINE),
        ProbeRow(PENDING, ("mine",), (), 0, 0, None),
        ProbeRow(ODD, (), (), 5, None, None),
    ),
    synthetic=(SyntheticEvent("lat", "u64 lat"),),
)
EMPTY = Listing(None, (), (), (), ())


def test_text():
    assert listing_text(LISTING).splitlines() == [
        "ffffffff81000004  k  vfs_read+0x4    [DISABLED][FTRACE]",
        "odd \\x1b line",
        "",
        "EVENT             STATE  HITS  MISSED  DEFINITION",
        "kprobes/vfs_read  on       12       3  vfs_read count=%dx:u64 [in mine] [stacktrace:unlimited]",
        "kprobes/ret       off       -       -  vfs_read (return)",
        "kprobes/later     on        0       0  ext4:f [in mine] [waits for module ext4]",
        "uprobes/odd       off       5       -  /tmp/\\x1b[2J\\xe9:0x0000000000000010",
        "-                 -         -       -  "
        "their_own+0x0  (no event: registered by a module or another tool)",
        "synthetic/lat     -         -       -  u64 lat",
    ]


def test_nothing_at_all_is_nothing():
    assert listing_text(EMPTY) == ""
    assert list(listing_json(EMPTY)) == []


def test_without_debugfs_the_events_stand_alone():
    text = listing_text(Listing(None, (), (), LISTING.probes[:1], ()))
    assert text.startswith("EVENT") and text.count("\n") == 2


def test_a_narrow_terminal():
    assert (
        max(map(len, listing_text(Listing(None, (), (), LISTING.probes[:1], ()), width=60).splitlines()))
        <= 60
    )


def test_json_has_a_record_for_everything():
    lines = list(listing_json(LISTING))
    records = [json.loads(line) for line in lines]
    assert all(record["schema"] == 1 for record in records)
    assert [record["type"] for record in records] == [
        *["kprobe"] * 2,
        *["probe"] * 4,
        "synthetic",
        "unparsed",
    ]
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_records_of_kprobes():
    first, second, *_ = map(json.loads, listing_json(LISTING))
    assert first == {
        "schema": 1,
        "type": "kprobe",
        "address": "0xffffffff81000004",
        "kind": "k",
        "symbol": "vfs_read",
        "offset": 4,
        "module": None,
        "flags": ["DISABLED", "FTRACE"],
        "event": "kprobes/vfs_read",
    }
    assert (second["event"], second["module"], second["kind"]) == (None, "mod", "r")


def test_records_of_probes():
    _, _, kprobe, returning, pending, odd, synthetic, unparsed = map(json.loads, listing_json(LISTING))
    assert kprobe == {
        "schema": 1,
        "type": "probe",
        "event": "kprobes/vfs_read",
        "group": "kprobes",
        "name": "vfs_read",
        "kind": "p",
        "return": False,
        "place": "vfs_read",
        "maxactive": 0,
        "args": [{"name": "count", "expr": "%dx", "type": "u64"}],
        "definition": "p:kprobes/vfs_read vfs_read count=%dx:u64",
        "enabled": True,
        "enabled_in": ["top", "mine"],
        "triggers": ["stacktrace:unlimited"],
        "hits": 12,
        "missed": 3,
        "pending": False,
        "address": "0xffffffff81000004",
        "flags": ["DISABLED", "FTRACE"],
    }
    assert (returning["return"], returning["maxactive"], returning["hits"]) == (True, 10, None)
    assert (returning["enabled"], returning["enabled_in"]) == (False, [])
    assert (pending["pending"], pending["address"], pending["flags"]) == (True, None, [])
    assert odd["place"] == "/tmp/\x1b[2J\udce9:0x0000000000000010"
    assert synthetic == {"schema": 1, "type": "synthetic", "event": "synthetic/lat", "fields": "u64 lat"}
    assert unparsed == {"schema": 1, "type": "unparsed", "line": "odd \x1b line"}


def test_a_definition_reads_back():
    for row in LISTING.probes:
        record = json.loads(probe_json(row.probe, more=1))
        assert Probe.from_line(record["definition"]) == row.probe
        assert record["more"] == 1


def test_the_parts_of_a_whole_path_are_counted():
    args = tuple(FetchArg("+0(%di)", name, "string") for name in ("file", "file__p1", "file__p2", "other"))
    row = ProbeRow(Probe("p", "kprobes", "r", SymbolPlace("vfs_read"), args), (), (), 0, 0, None)
    assert (
        listing_text(Listing(None, (), (), (row,), ()))
        .splitlines()[1]
        .endswith("vfs_read file=+0(%di):string other=+0(%di):string [whole path: 2 more arguments]")
    )
