import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ktrace.errors import UsageError
from ktrace.model.place import (
    AddressPlace,
    EventPlace,
    FilePlace,
    SymbolPlace,
    TracepointPlace,
    parse_kernel_place,
)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("vfs_read", SymbolPlace("vfs_read")),
        ("vfs_read+16", SymbolPlace("vfs_read", 16)),
        ("vfs_read+0x10", SymbolPlace("vfs_read", 16)),
        ("vfs_read+0X1f", SymbolPlace("vfs_read", 31)),
        ("vfs_read+020", SymbolPlace("vfs_read", 16)),
        ("vfs_read+0", SymbolPlace("vfs_read")),
        ("ext4:ext4_sync_file+4", SymbolPlace("ext4_sync_file", 4, "ext4")),
        ("snd-pcm:f", SymbolPlace("f", 0, "snd-pcm")),
        ("f.isra.0", SymbolPlace("f.isra.0")),
        ("$x.<a>", SymbolPlace("$x.<a>")),
        ("0xffffffff81234560", AddressPlace(0xFFFFFFFF81234560)),
        ("ffffffff81234560", AddressPlace(0xFFFFFFFF81234560)),
        ("FFFFFFFF81234560", AddressPlace(0xFFFFFFFF81234560)),
        ("0x1000", AddressPlace(4096)),
        ("ffffffff8123456", SymbolPlace("ffffffff8123456")),  # a digit short: no address
    ],
)
def test_places_of_people(text, place):
    assert parse_kernel_place(text) == place


@pytest.mark.parametrize(
    ("text", "caret"),
    [
        ("", 0),
        ("vfs read", 3),
        ("vfs_read+", 0),
        ("vfs_read#", 8),
        ("vfs_read-4", 8),
        ("1abc", 0),
        ("vfs_read+1x", 9),
        ("vfs_read+08", 9),
        ("vfs_read+0b11", 9),  # Python's, not C's
        ("vfs_read+0o17", 9),
        ("vfs_read+\N{ARABIC-INDIC DIGIT THREE}", 9),
        ("vfs_read\n", 8),
        ("a:b:c", 0),
    ],
)
def test_the_caret_is_at_the_character_that_is_wrong(text, caret):
    with pytest.raises(UsageError) as error:
        parse_kernel_place(text)
    assert (error.value.excerpt, error.value.caret) == (text, caret)
    assert error.value.hint


def test_offsets_before_a_function_are_explained():
    with pytest.raises(UsageError) as error:
        parse_kernel_place("vfs_read-0x4")
    assert error.value.hint.startswith("the kernel takes only offsets after the start")


@pytest.mark.parametrize("text", ["0x0", "0xfff"])
def test_the_first_page_is_no_place(text):
    with pytest.raises(UsageError, match="not a kernel address"):
        parse_kernel_place(text)


@given(st.text())
@example("f+" + "9" * 5000)
@example("0x")
def test_random_text_is_a_place_or_a_usage_error(text):
    try:
        place = parse_kernel_place(text)
    except UsageError as error:
        assert error.caret is None or 0 <= error.caret <= len(text)
    else:
        assert parse_kernel_place(place.to_text()) == place


@given(st.text("vfs0x19+:-.$<>ad _", max_size=12))
def test_nearly_places_too(text):
    try:
        place = parse_kernel_place(text)
    except UsageError:
        return
    assert parse_kernel_place(place.to_text()) == place


def test_spellings():
    assert SymbolPlace("f").to_text() == "f"
    assert SymbolPlace("f", 16).to_text() == "f+16"
    assert SymbolPlace("f", 0, "ext4").to_text() == "ext4:f"
    assert AddressPlace(0x1000).to_text() == "0x0000000000001000"
    assert FilePlace("/bin/ls", 0x10).to_text() == "/bin/ls:0x0000000000000010"
    assert FilePlace("/bin/ls", 0x10, 0x20).to_text() == "/bin/ls:0x0000000000000010(0x20)"
    assert FilePlace("/bin/ls", 0x10, 0).to_text() == "/bin/ls:0x0000000000000010(0x0)"
    assert TracepointPlace("sched_switch").to_text() == "sched_switch"
    assert EventPlace("sched", "sched_switch").to_text() == "sched.sched_switch"
