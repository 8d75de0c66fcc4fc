"""Values that a person reads, in filters."""

import pytest

from ktrace.errors import UsageError
from ktrace.model.filter_values import translate_filter
from ktrace.model.meaning import Meaning, Names

NAMES: dict[str, Names] = {
    "dport": Meaning("be16"),
    "daddr": Meaning("ip4"),
    "ret": Meaning("errno"),
    "flags": Meaning("flags", ((0o100, "O_CREAT"), (0o200, "O_EXCL"))),
    "dev": Meaning("dev"),
    "mode": {0: "READ", 1: "WRITE"},
    "addr6": Meaning("ip6"),
    "found": Meaning("pointer errno"),
    "error": Meaning("error"),
    "i_mode": Meaning("mode"),
    "tim": Meaning("time"),
}


@pytest.mark.parametrize(
    ("read", "recorded"),
    [
        ("dport == 53 && daddr == 10.0.0.1", "dport == 13568 && daddr == 16777226"),
        ("dport==53&&daddr!=10.0.0.1", "dport==13568&&daddr!=16777226"),
        ("ret == ENOENT", "ret == -2"),
        ("ret == -ENOENT || ret == -13", "ret == -2 || ret == -13"),
        ("flags & O_CREAT", "flags & 64"),
        ("flags & O_CREAT && !(flags & O_EXCL)", "flags & 64 && !(flags & 128)"),
        ("dev == 8:1", "dev == 8388609"),
        ("mode == WRITE", "mode == 1"),
        ("ret < 0", "ret < 0"),
        ("found == ENOENT", "found == 18446744073709551614"),
        ("error == ENOENT && x", "(error == -2 || error == 2) && x"),
        ("error != ENOENT || error == -2", "(error != -2 && error != 2) || error == -2"),
        ("flags & (O_CREAT | O_EXCL)", "flags & 192"),
        ("flags == O_CREAT|O_EXCL", "flags == 192"),
        ("i_mode == S_IFREG|0644 || i_mode == 0755", "i_mode == 33188 || i_mode == 493"),
        ("tim > 1.5s && tim < 300us && tim != 7", "tim > 1500000000 && tim < 300000 && tim != 7"),
        ('COMM == "ret == ENOENT" && ret == ENOENT', 'COMM == "ret == ENOENT" && ret == -2'),
        ("count > 4096 && other == 0x10", "count > 4096 && other == 0x10"),
        ("common_pid == 5 && CPU & CPUS{0-3}", "common_pid == 5 && CPU & CPUS{0-3}"),
    ],
)
def test_values_become_the_kernels_numbers(read: str, recorded: str) -> None:
    assert translate_filter(read, NAMES) == recorded


def test_arrays_are_compared_as_texts_where_that_is_possible() -> None:
    found = translate_filter("addr6 == 0::1 || addr6 != fe80::1", NAMES, with_texts=True)
    assert found == 'addr6 == "::1" || addr6 != "fe80::1"'


def test_without_meanings_a_filter_stays() -> None:
    assert translate_filter("daddr == 10.0.0.1", {}) == "daddr == 10.0.0.1"


@pytest.mark.parametrize(
    ("text", "caret", "hint"),
    [
        ("ret == NOENT", 7, "ENOENT"),
        ("daddr == 10.0.0", 9, "IPv4"),
        ("dport > 1024", 6, "=="),
        ("addr6 == ::1", 9, "single numbers"),
        ("i_mode == S_IREG", 10, "S_IFREG|0644"),
        ("tim > 3parsecs", 6, "300us"),
    ],
)
def test_errors_point_at_the_value(text: str, caret: int, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        translate_filter(text, NAMES)
    assert caught.value.caret == caret
    assert hint in (caught.value.hint or "")
