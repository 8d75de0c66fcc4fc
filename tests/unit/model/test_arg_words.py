"""The grammar of ARG without types, as a table."""

import pytest

from ktrace.model.arg_words import (
    argument_number,
    argument_numbers,
    begins_as_kernels_own,
    can_only_be_argument,
    has_integer_type,
    is_kernels_own,
    reads_by_position,
    reads_register,
    reads_return_value,
    split_name,
)
from ktrace.model.fetch_types import TYPES

# word: kernel's own grammar, register, by position, return value
EXPRESSIONS = {
    "%di": (True, True, True, False),
    "%di:u32": (True, True, True, False),
    "+0(%si):string": (True, True, True, False),
    "+u8(+8(%sp)):u32": (True, True, True, False),
    "$comm": (True, False, False, False),
    "$stack": (True, False, False, False),
    "$stack2": (True, False, True, False),
    "@jiffies": (True, False, False, False),
    "@jiffies+8:x64": (True, False, False, False),
    "this_cpu_read(@this_cpu_off):x64": (True, False, False, False),
    "+8(this_cpu_ptr(@runqueues)):u32": (True, False, False, False),
    '\\"text"': (True, False, False, False),
    "\\5": (True, False, False, False),
    "$arg1": (False, False, True, False),
    "$arg1:u32": (False, False, True, False),
    "+0($arg1):u8": (True, False, True, False),
    "$retval": (False, False, False, True),
    "+0($retval)": (True, False, False, True),
    "$retval->f_mode": (False, False, False, True),
    "count": (False, False, False, False),
    "file->f_pos": (False, False, False, False),
    "file:path": (False, False, False, False),
    "dentry:%pd": (False, False, False, False),
    "file:%pD": (False, False, False, False),
    "*pos": (False, False, False, False),
    "$args": (True, False, False, False),
    "$retvalue": (True, False, False, False),
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_what_an_expression_reads(text: str) -> None:
    assert (
        is_kernels_own(text),
        reads_register(text),
        reads_by_position(text),
        reads_return_value(text),
    ) == EXPRESSIONS[text]


@pytest.mark.parametrize(
    ("text", "name", "body"),
    [
        ("%dx", None, "%dx"),
        ("n=%dx:u64", "n", "%dx:u64"),
        (" n = file->f_pos", "n", "file->f_pos"),
        ("a==b", None, "a==b"),
        ("=%dx", None, "=%dx"),
        ("2x=%dx", None, "2x=%dx"),
        ("", None, ""),
    ],
)
def test_names(text: str, name: str | None, body: str) -> None:
    found, start = split_name(text)
    assert (found, text[start:]) == (name, body)


ARGUMENTS = [
    *(
        "n=%di",
        "%di",
        "$comm",
        "@jiffies",
        "+0(%si)",
        "\\5",
        "(struct file *)f",
        "&f->f_lock",
        "*pos",
        "-8(%sp)",
    ),
    *("file->f_pos", "a.b", "a[0]", "=x", "count:b4@2/32", "count:u32[4]"),
    *(f"count:{one.name}" for one in TYPES),
]
PLACES = [
    "vfs_read",
    "ext4:f",
    "sched:sched_switch",
    "vfs_read:12",
    "g/a",
    "tracepoint:x",
    "ext4:u32x",
    "tcp_*",
]


@pytest.mark.parametrize("word", ARGUMENTS)
def test_words_that_can_only_be_arguments(word: str) -> None:
    assert can_only_be_argument(word)


@pytest.mark.parametrize("word", PLACES)
def test_words_that_may_be_places(word: str) -> None:
    assert not can_only_be_argument(word)


@pytest.mark.parametrize(
    ("body", "begins"),
    [
        *((text, True) for text in ("%di", "@x", "\\5", "$comm", "$nonsense")),
        *((text, False) for text in ("$args", "$arg1", "$retval", "count", "+0(%di)")),
    ],
)
def test_beginnings(body: str, begins: bool) -> None:
    assert begins_as_kernels_own(body) == begins


@pytest.mark.parametrize(
    ("body", "typed"),
    [
        *((text, True) for text in ("$arg1:u32", "$retval:s64", "$retval:x8")),
        *((text, False) for text in ("$arg1", "$arg1:string", "$arg1:u32[4]", "%di:u32")),
    ],
)
def test_integer_types(body: str, typed: bool) -> None:
    assert has_integer_type(body) == typed


def test_numbers_of_arguments() -> None:
    assert argument_numbers("+0($arg2):u8 $arg10 $args") == [2, 10]
    assert [argument_number(text) for text in ("$arg3", "$arg0", "+0($arg3)", "$args", "$arg1:u8")] == [
        *(3, None, None, None, None)
    ]
