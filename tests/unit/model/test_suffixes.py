import pytest

from ktrace.model.suffixes import SUFFIXES, change, changed_parameters, is_called, is_entry, plain_name


@pytest.mark.parametrize("kind", list(SUFFIXES))
def test_each_suffix(kind):
    name = f"f.{kind}.0"
    assert plain_name(name) == plain_name(f"f.{kind}") == "f"
    assert is_entry(name) == SUFFIXES[kind].is_entry
    assert changed_parameters(name) == SUFFIXES[kind].parameters


def test_several_suffixes_are_as_the_greatest_change():
    assert plain_name("link_path_walk.part.0.constprop.0") == "link_path_walk"
    assert not is_entry("f.part.0.constprop.0") and is_called("f.part.0.constprop.0")
    assert not is_called("f.isra.0.cold")
    assert change("f") < change("f.llvm.123") < change("f.isra.0") < change("f.constprop.0.isra.0")
    assert change("f.isra.0") < change("f.part.0") < change("f.isra.0.cold")


def test_what_is_no_suffix():
    assert plain_name("xor.slowpath") == "xor.slowpath"
    assert is_entry("f") and is_called("f") and changed_parameters("f") is None
