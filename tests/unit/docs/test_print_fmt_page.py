import re

from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.calls import FUNCTIONS
from ktrace.output.printfmt.spell import UNKNOWN, spell
from ktrace.output.printfmt.template import split
from tests.unit.docs.print_fmt_page import PAGE, names
from tests.unit.output.printfmt.records import event
from tests.unit.output.printfmt.unknown_names import unknown_names


def test_all_functions_are_listed_and_known() -> None:
    listed = names("Functions")
    swaps = {f"{name}{bits}" for name in ("__builtin_bswap", "__fswab", "__swab") for bits in (16, 32, 64)}
    orders = {
        f"{prefix}{name.replace('16', str(bits))}"
        for name in ("be16_to_cpu", "cpu_to_be16", "le16_to_cpu", "cpu_to_le16")
        for prefix in ("", "__")
        for bits in (16, 32, 64)
    }
    assert (listed - {"__"}) | swaps | orders == FUNCTIONS


def value_of(extension: str) -> str:
    (spec,) = split(f"%{extension}")
    found = {spell(spec, value, (2,) * spec.stars, Lookups()) for value in (-2, bytes(36))}
    return min(found - {UNKNOWN}, default=UNKNOWN)


def test_all_extensions_that_are_listed_are_understood() -> None:
    listed = {name.removeprefix("%") for name in names("Extensions of %p") if name.startswith("%")}
    assert len(listed) > 30
    assert [name for name in listed if value_of(name) == UNKNOWN] == []


def test_extensions_that_only_the_kernel_can_print() -> None:
    text = re.search(r"\shave: (.*?)\. Their", PAGE.read_text(), re.DOTALL)
    assert text is not None
    listed = re.findall(r"`%(\w+)`", text[1])
    assert len(listed) == 11
    assert [name for name in listed if value_of(name) != UNKNOWN] == []


def test_what_is_not_understood_is_listed_with_a_reason() -> None:
    assert "kvm_mmu_get_page" in names("What is not understood")
    listed = names("What is not understood", 1)
    assert "jiffies" in listed and not listed & FUNCTIONS


def test_unknown_names_are_found() -> None:
    form = event(
        '"%s %d %s %d %s", parse(p, REC->a), jiffies - REC->a, __print_flags(REC->a, "", { NEW, "x" }),'
        ' ({ int y = 1; y; }), __get_str(s)', "int a 4 1", "__data_loc char[] s 4 0",
    )  # fmt: skip
    assert unknown_names(form) == {"parse", "jiffies"}


def test_what_ktrace_spells_itself_is_not_unknown() -> None:
    form = event(
        '""', "unsigned long ip 8 0", "unsigned long parent_ip 8 0", "u16 count 2 0", "u16 top_delta_ts 2 0",
        "u32 bottom_delta_ts 4 0", name="func_repeats", system="ftrace",
    )  # fmt: skip
    assert unknown_names(form) == set()
