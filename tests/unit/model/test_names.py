import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.errors import UsageError
from ktrace.model.names import (
    ARG_MAX,
    EVENT_MAX,
    RESERVED_ARGS,
    check_arg,
    check_event,
    check_group,
    is_glob,
    is_identifier,
    to_identifier,
)

WORD = "[A-Za-z_][A-Za-z0-9_]*"


@pytest.mark.parametrize("name", ["a", "_", "vfs_read", "A9_", "x" * EVENT_MAX])
def test_event_names_that_the_kernel_takes(name):
    assert check_event(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "9a", "a-b", "a.b", "a/b", "a b", "a\n", "é", "a٣", "..", "x" * (EVENT_MAX + 1), "enable", "filter"],
)
def test_event_names_that_it_does_not_take(name):
    with pytest.raises(UsageError):
        check_event(name)


@pytest.mark.parametrize("name", ["kprobes", "-a", "my-group", "-", "enable", "x" * EVENT_MAX])
def test_group_names(name):
    assert check_group(name) == name


@pytest.mark.parametrize("name", ["", "9a", "a.b", "a/b", "..", "a\n", "x" * (EVENT_MAX + 1)])
def test_group_names_refused(name):
    with pytest.raises(UsageError):
        check_group(name)


@pytest.mark.parametrize("name", ["a", "enable", "x" * ARG_MAX])
def test_argument_names(name):
    assert check_arg(name) == name


@pytest.mark.parametrize("name", ["", "9", "a-b", "x" * (ARG_MAX + 1), *sorted(RESERVED_ARGS)])
def test_argument_names_refused(name):
    with pytest.raises(UsageError):
        check_arg(name)


def test_errors_say_the_rule():
    with pytest.raises(UsageError, match=r"the event name .* has 64 characters; the kernel takes 63"):
        check_event("x" * 64)
    with pytest.raises(UsageError, match="'9a' cannot be an event name") as error:
        check_event("9a")
    assert "letters, digits and _" in error.value.hint
    with pytest.raises(UsageError, match="'9a' cannot be a group name"):
        check_group("9a")
    with pytest.raises(UsageError, match="'9a' cannot be an argument name"):
        check_arg("9a")
    with pytest.raises(UsageError, match="the argument name is empty"):
        check_arg("")
    with pytest.raises(UsageError, match="control file") as error:
        check_event("enable")
    assert "--name" in error.value.hint
    with pytest.raises(UsageError, match="the kernel uses that name itself"):
        check_arg("common_pid")


@given(st.text(st.characters(codec="ascii")))
def test_checks_agree_with_the_kernels_rule(text):
    fits = re.fullmatch(WORD, text) is not None
    assert is_identifier(text) == fits
    try:
        check_arg(text)
    except UsageError:
        assert not fits or len(text) > ARG_MAX or text in RESERVED_ARGS
    else:
        assert fits


@given(st.text(), st.integers(1, EVENT_MAX))
def test_any_text_becomes_an_identifier(text, limit):
    name = to_identifier(text, limit)
    assert re.fullmatch(WORD, name)
    assert len(name) <= limit


@given(st.from_regex(WORD, fullmatch=True))
def test_an_identifier_stays_what_it_is(name):
    assert to_identifier(name, len(name)) == name


def test_to_identifier():
    assert to_identifier("ext4_file_read_iter.isra.0") == "ext4_file_read_iter_isra_0"
    assert to_identifier("0x10") == "_0x10"
    assert to_identifier("") == "_"
    assert to_identifier("abcdef", 3) == "abc"


@pytest.mark.parametrize(
    ("name", "glob"), [("vfs_*", True), ("a?", True), ("[ab]", True), ("vfs_read", False)]
)
def test_wildcards(name, glob):
    assert is_glob(name) == glob
