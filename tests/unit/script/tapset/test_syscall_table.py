"""The tables of the arguments of system calls."""

import pytest

from ktrace.script.runtime.call_arguments import known_sets
from ktrace.script.tapset.syscall_arguments import NAMED, NUMBERS, POINTERS, TEXTS
from ktrace.script.tapset.syscall_table import arguments, read_table, said

CALLS = sorted(read_table())


def test_parameters_are_those_of_the_kernel() -> None:
    params = read_table()["openat"]
    assert [(p.ctype, p.name, p.fetch_type) for p in params] == [
        ("int", "dfd", "s32"),
        ("const char *", "filename", "ustring"),
        ("int", "flags", "s32"),
        ("umode_t", "mode", "u16"),
    ]
    assert read_table()["getpid"] == ()


def test_an_argument_has_its_kind_and_other_names() -> None:
    fd, address, length = arguments("connect")
    assert (fd.kind, fd.names) == ("int", ("fd", "sockfd"))
    assert (address.kind, address.names, address.is_struct) == ("address", ("uservaddr", "serv_addr"), True)
    assert (length.number, length.kind, length.is_wide) == (3, "int", False)


def test_the_line_that_names_the_call_counts() -> None:
    assert [one.kind for one in arguments("read")] == ["int", "pointer", "unsigned long"]
    assert arguments("close_range")[0].kind == "unsigned"
    assert arguments("landlock_restrict_self")[1].kind == "hex"
    assert arguments("seccomp")[1].kind == "flags seccomp_flags"


@pytest.mark.parametrize("word", ("as", "also", "shown"))
def test_each_word_names_a_parameter_that_there_is(word: str) -> None:
    anywhere = {param.name for params in read_table().values() for param in params}
    for call, param in said(word):
        known = anywhere if call == "*" else {one.name for one in read_table()[call]}
        assert param in known, (call, param)


def test_each_parameter_has_one_kind() -> None:
    assert {place: kinds for place, kinds in said("as").items() if len(kinds) > 1} == {}


def test_each_kind_is_known() -> None:
    kinds = {one.kind for call in CALLS for one in arguments(call)}
    ways = (NUMBERS, NAMED, POINTERS, TEXTS)
    sets = {kind.partition(" ")[2] for kind in kinds if kind.partition(" ")[0] in ("flags", "name")}
    assert sets == set(known_sets()) - {"sigaction"}  # of a struct
    known = {kind for way in ways for kind in way}
    assert {kind for kind in kinds if kind.partition(" ")[0] not in ("flags", "name")} == known


@pytest.mark.parametrize("call", CALLS)
def test_the_names_of_a_call_s_arguments_differ(call: str) -> None:
    names = [name for one in arguments(call) for name in (*one.names, *one.texts)]
    assert len(names) == len(set(names))
