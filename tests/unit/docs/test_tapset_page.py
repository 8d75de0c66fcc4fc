"""docs/systemtap-tapset.md is true: every alias and function of SystemTap's tapset is there or refused."""

from ktrace.script.passes.builtins import REFUSED
from tests.unit.docs.tapset_page import PAGE, has_alias, has_function, page
from tests.unit.docs.tapset_reference import absent, aliases, functions, kernels, refused


def test_every_alias_is_there_or_refused() -> None:
    names = [name for family in aliases().values() for name in family]
    assert len(names) > 650 and len(set(names)) == len(names)
    assert {name for name in names if not has_alias(name)} == set(refused())


def test_every_function_is_there_or_refused() -> None:
    names = [name for family in functions().values() for name in family]
    assert len(names) > 500 and len(set(names)) == len(names)
    assert [name for name in names if not has_function(name) and name not in REFUSED] == []


def test_functions_that_are_there_are_not_refused() -> None:
    assert not has_function("printk") and has_function("pid") and has_function("start_stopwatch")
    assert not has_alias("stap.pass0") and has_alias("vfs.read") and has_alias("syscall_any")


def test_what_a_kernel_lacks_is_an_alias_that_is_there() -> None:
    names = {name for family in aliases().values() for name in family}
    assert kernels()
    for kernel in kernels():
        assert absent(kernel) and absent(kernel) <= names - set(refused())


def test_the_page_is_not_stale() -> None:
    """`python -m tests.unit.docs.tapset_page` writes it."""
    assert PAGE.read_text() == page()
