"""The grammar of PLACE, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.errors import UsageError
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.resolve.place_words import (
    FunctionsOfFiles,
    LinesOfFile,
    LinesOfFunction,
    PlaceKind,
    PlaceWord,
    Tracepoint,
    Wildcard,
    is_source_place,
    parse_place,
    parse_source_place,
)

ADDRESS = AddressPlace(0xFFFFFFFF81234560)

PLACES = [
    ("vfs_read", SymbolPlace("vfs_read")),
    ("vfs_read+8", SymbolPlace("vfs_read", 8)),
    ("vfs_read+0x10", SymbolPlace("vfs_read", 16)),
    ("foo.isra.0", SymbolPlace("foo.isra.0")),
    ("ext4:ext4_file_open", SymbolPlace("ext4_file_open", 0, "ext4")),
    ("ext4:f+0x10", SymbolPlace("f", 16, "ext4")),
    ("sched:sched_switch", SymbolPlace("sched_switch", 0, "sched")),  # perhaps an event: not decided here
    ("0xffffffff81234560", ADDRESS),
    ("ffffffff81234560", ADDRESS),
    ("tcp_*", Wildcard("tcp_*")),
    ("vfs_rea[df]", Wildcard("vfs_rea[df]")),
    ("?", Wildcard("?")),
    ("ext4:*", Wildcard("*", "ext4")),
    ("tracepoint:sched_switch", Tracepoint("sched_switch")),
    ("tracepoint:sched:sched_switch", Tracepoint("sched_switch")),
    ("tracepoint:sched/sched_switch", Tracepoint("sched_switch")),
    ("vfs_read:12", LinesOfFunction("vfs_read", 12)),
    ("vfs_read:0-5", LinesOfFunction("vfs_read", 0, 5)),
    ("foo.isra.0:3", LinesOfFunction("foo.isra.0", 3)),
    ("ext4:ext4_file_open:3", LinesOfFunction("ext4_file_open", 3, None, "ext4")),
    ("fs/read_write.c:474", LinesOfFile("fs/read_write.c", 474)),
    ("slab.h:10-20", LinesOfFile("slab.h", 10, 20)),
    ("ext4:fs/ext4/file.c:868", LinesOfFile("fs/ext4/file.c", 868, None, "ext4")),
    (":kernel/bpf/*", FunctionsOfFiles("kernel/bpf/*")),
    (":fs/open.c", FunctionsOfFiles("fs/open.c")),
]

WRONG = {
    "": "not a place",
    ":": "not a place",
    "vfs read": "not a place",
    "vfs_read-0x4": "not a place",
    "vfs_read+x": "not an offset",
    "g/a": "not a place",
    "/bin/sh:0x1000": "not a place",
    "%di": "not a place",
    "0x10": "not a kernel address",
    "0x00000000a1b2c3d4": "the hash",
    "tracepoint:": "not a tracepoint's name",
    "tracepoint:*": "not a tracepoint's name",
    "tracepoint:9p": "not a tracepoint's name",
}


@pytest.mark.parametrize(("text", "place"), PLACES)
def test_places(text: str, place: PlaceKind) -> None:
    assert parse_place(text) == PlaceWord(place, False, text)
    assert parse_place(text).text == text


@pytest.mark.parametrize(("text", "place"), PLACES)
def test_each_place_at_its_return(text: str, place: PlaceKind) -> None:
    word = parse_place(text + "%return")
    assert (word.place, word.at_return, word.text) == (place, True, text)


@pytest.mark.parametrize(("text", "place"), PLACES)
def test_a_place_spells_itself(text: str, place: PlaceKind) -> None:
    assert parse_place(place.to_text()).place == place
    assert PlaceWord(place).text == place.to_text()


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("suffix", ["", "%return"])
def test_what_is_not_a_place(text: str, suffix: str) -> None:
    with pytest.raises(UsageError, match=WRONG[text]):
        parse_place(text + suffix)


@pytest.mark.parametrize(("text", "place"), PLACES)
def test_places_that_need_debug_info(text: str, place: PlaceKind) -> None:
    in_source = isinstance(place, LinesOfFunction | LinesOfFile | FunctionsOfFiles)
    assert parse_source_place(text) == (place if in_source else None)
    assert is_source_place(text) == is_source_place(text + "%return") == in_source


@given(st.text())
def test_any_word_is_a_place_or_refused(text: str) -> None:
    try:
        word = parse_place(text)
    except UsageError:
        return
    assert parse_place(word.place.to_text()).place == word.place
