"""The parts of the tapset that a script gets."""

from ktrace.script.passes.read_tapset import read_tapset
from tests.unit.script.passes.one_pass import after

OWN = "probe mine = begin {} "


def test_only_what_is_used_is_added() -> None:
    made = after(read_tapset, OWN + "probe mine { println(ntohs(1)) }")
    assert [one.name for one in made.script.functions] == []
    made = after(read_tapset, OWN + 'probe mine { start_stopwatch("a") }')
    assert "start_stopwatch" in [one.name for one in made.script.functions]
    assert [str(alias.names[0]) for alias in made.aliases] == ["mine"]


def test_the_script_s_own_aliases_come_first() -> None:
    made = after(read_tapset, OWN + "probe mine, vfs.read {}")
    names = [str(alias.names[0]) for alias in made.aliases]
    assert names[0] == "mine" and "vfs.read" in names
