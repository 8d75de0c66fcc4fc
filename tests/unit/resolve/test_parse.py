import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.model.fetch import FetchArg
from ktrace.model.names import EVENT_MAX, check_event
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.resolve.definition_files import read_definitions
from ktrace.resolve.parse import probe_from_words, split_definitions, split_words
from ktrace.resolve.spec import (
    ProbeOptions,
    ProbeSpec,
    different_names,
    event_name,
    relocate_place,
    relocator,
)

PLAIN = ProbeOptions()


@pytest.mark.parametrize(
    ("words", "groups"),
    [
        (["a"], [["a"]]),
        (["a", "x=%di", ",", "b"], [["a", "x=%di"], ["b"]]),
        (["a x=%di", "y=%si"], [["a", "x=%di", "y=%si"]]),
        (["a,b"], [["a,b"]]),
        (["a", "x=((struct sock *)$arg1)->sk_num"], [["a", "x=((struct sock *)$arg1)->sk_num"]]),
    ],
)
def test_definitions_stand_between_commas(words, groups):
    assert split_definitions(words) == groups


@pytest.mark.parametrize("words", [[], [","], ["a", ","], [",", "a"], ["a", ",", ",", "b"]])
def test_nothing_between_commas(words):
    with pytest.raises(UsageError) as error:
        split_definitions(words)
    assert error.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("", []),
        ("x=(struct sock *)arg y", ["x=(struct sock *)arg", "y"]),
        ("f (a b) c", ["f", "(a b)", "c"]),
        ("a( b", ["a(", "b"]),  # what is not closed is not one word
        (") a b", [")", "a", "b"]),
    ],
)
def test_words(text, words):
    assert split_words(text) == words


@given(st.text("ab() \t"))
def test_splitting_loses_nothing(text):
    assert "".join("".join(split_words(text)).split()) == "".join(text.split())


def test_a_probe_at_entry():
    assert probe_from_words(["vfs_read+8", "count=%dx:u64", "%si"], PLAIN) == Probe(
        "p",
        "kprobes",
        "vfs_read_0x8",
        SymbolPlace("vfs_read", 8),
        (FetchArg("%dx", "count", "u64"), FetchArg("%si", "si")),
    )


@pytest.mark.parametrize(
    ("place", "defaults"),
    [("vfs_read%return", ProbeOptions(maxactive=5)), ("vfs_read", ProbeOptions(at_return=True, maxactive=5))],
)
def test_a_probe_at_return(place, defaults):
    assert probe_from_words([place, "$retval:s64"], defaults) == Probe(
        "r",
        "kprobes",
        "vfs_read__return",
        SymbolPlace("vfs_read"),
        (FetchArg("$retval", "ret", "s64"),),
        maxactive=5,
    )


def test_maxactive_is_for_returns():
    assert probe_from_words(["vfs_read"], ProbeOptions(maxactive=5)).maxactive == 0


def test_options_of_the_line():
    probe = probe_from_words(["vfs_read"], ProbeOptions(group="g", name="n"))
    assert probe.event == "g/n"
    with pytest.raises(UsageError, match="event name"):
        probe_from_words(["vfs_read"], ProbeOptions(name=""))


def test_registers_come_before_the_arguments():
    probe = probe_from_words(["f", "x=%di", "%di"], ProbeOptions(regs=True, machine="x86_64"))
    names = [arg.name for arg in probe.args]
    assert names[:4] == ["ip", "flags", "sp", "di"]
    assert names[-2:] == ["x", "di_2"]
    at_return = probe_from_words(["f"], ProbeOptions(regs=True, machine="x86_64", at_return=True))
    assert [arg.name for arg in at_return.args[:4]] == ["ip", "flags", "sp", "ax"]
    with pytest.raises(UsageError, match="does not know the registers of m68k") as error:
        probe_from_words(["f"], ProbeOptions(regs=True, machine="m68k"))
    assert "NAME=%REGISTER" in error.value.hint


@pytest.mark.parametrize(
    ("place", "at_return", "name"),
    [
        (SymbolPlace("vfs_read"), False, "vfs_read"),
        (SymbolPlace("vfs_read"), True, "vfs_read__return"),
        (SymbolPlace("f.isra.0", 16), False, "f_isra_0_0x10"),
        (SymbolPlace("f", 0, "ext4"), False, "f"),
        (AddressPlace(0xFFFFFFFF81234560), False, "addr_ffffffff81234560"),
        (SymbolPlace("x" * 80), True, "x" * (EVENT_MAX - 8) + "__return"),
    ],
)
def test_names_of_events(place, at_return, name):
    assert event_name(place, at_return=at_return) == name


@given(st.text(), st.lists(st.text(), max_size=3), st.booleans())
def test_random_words_are_a_probe_or_a_usage_error(place, args, at_return):
    try:
        probe = probe_from_words([place, *args], ProbeOptions(at_return=at_return))
    except UsageError:
        return
    assert check_event(probe.name)
    assert Probe.from_line(probe.to_line()).to_line() == probe.to_line()


def wanted(*names):
    return [ProbeSpec(Probe("p", "g", name, SymbolPlace("f"))) for name in names]


def test_one_event_each():
    made = different_names(wanted("a", "b", "a", "a", "a_2"))
    assert [one.probe.name for one in made] == ["a", "b", "a_2", "a_3", "a_2_2"]


@given(st.lists(st.sampled_from(["a", "a_2", "b", "x" * EVENT_MAX, "x" * (EVENT_MAX - 1)]), max_size=15))
def test_names_are_different_and_not_too_long(names):
    made = [one.probe.name for one in different_names(wanted(*names))]
    assert len(set(made)) == len(made) == len(names)
    for name in made:
        check_event(name)


def test_moving_to_another_name():
    (one,) = wanted("a")
    assert relocate_place(one.probe, "new").place == SymbolPlace("new")
    assert relocator([one])(one.probe, "new") == relocate_place(one.probe, "new")


def test_moving_what_is_made_anew():
    def again(probe, symbol):
        return Probe("f", "g", "made", SymbolPlace(symbol))

    one = ProbeSpec(Probe("p", "g", "a", SymbolPlace("f")), relocate=again)
    assert relocator([one])(one.probe, "new") == Probe("f", "g", "a", SymbolPlace("new"))


FILE = """\
# probes of mine

vfs_read count=%dx   # how many
vfs_write%return $retval
p:mine vfs_open %di
p:g2/named vfs_open x=%di
r4:dotted.name vfs_open
"""


def test_a_file_of_definitions():
    probes = [one.probe for one in read_definitions(FILE.splitlines(), "f", ProbeOptions(group="g"))]
    assert [p.to_line() for p in probes] == [
        "p:g/vfs_read vfs_read count=%dx",
        "r:g/vfs_write__return vfs_write ret=$retval",
        "p:g/mine vfs_open di=%di",
        "p:g2/named vfs_open x=%di",
        "r4:dotted/name vfs_open",
    ]


def test_words_of_a_file_are_made_into_probes_by_whom_is_asked_to():
    seen = []

    def make(words):
        seen.append(list(words))
        return wanted("a", "b")

    made = list(read_definitions(["tcp_* (x y)", "p:mine f"], "f", PLAIN, make))
    assert seen == [["tcp_*", "(x y)"]]
    assert [one.probe.name for one in made] == ["a", "b", "mine"]


@pytest.mark.parametrize("line", ["1abc", "vfs_read a=", "p:g/9 f", "p:g/a", "p:a/b/c d"])
def test_errors_name_file_and_line(line):
    with pytest.raises(UsageError, match=r"^defs:3: ") as error:
        list(read_definitions(["", "vfs_read", line], "defs", PLAIN))
    assert error.value.excerpt


@pytest.mark.parametrize("kind", [UsageError, NotFound, Unavailable])
def test_the_kind_of_an_error_stays(kind):
    def make(words):
        raise kind("no", hint="do", caret=1)

    with pytest.raises(kind, match=r"^defs:1: no$") as error:
        list(read_definitions(["a b"], "defs", PLAIN, make))
    assert (error.value.excerpt, error.value.hint, error.value.caret) == ("a b", "do", 1)


@given(st.lists(st.text(), max_size=4))
def test_random_files_are_definitions_or_usage_errors(lines):
    try:
        list(read_definitions(lines, "f", PLAIN))
    except UsageError as error:
        assert error.message.startswith("f:")
