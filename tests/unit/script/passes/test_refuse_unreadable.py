"""Variables that an alias cannot supply."""

import pytest

from ktrace.script.language.source import ScriptError
from ktrace.script.passes.find_events import find_events
from ktrace.script.passes.refuse_unreadable import refuse_unreadable
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel


def refused(text: str, kernel: FakeKernel) -> ScriptError:
    with pytest.raises(ScriptError) as caught:
        after(find_events, text, kernel)
    return caught.value


def test_a_variable_without_a_source_is_refused_where_it_is_read() -> None:
    error = refused("probe ioblock.end { n = 1\nprintln(bytes_done) }", FakeKernel(["bio_endio"]))
    assert error.problem.startswith("'bytes_done' of ioblock.end cannot be read: at its end the bio is past")
    assert str(error.at) == "t.stp:2:9"


def test_nothing_is_refused_that_nobody_reads() -> None:
    made = after(refuse_unreadable, "probe ioblock.end { println(sector) }", FakeKernel(["bio_endio"]))
    assert [hook.refused for hook in made.hooks] == [None]


def test_what_this_kernel_does_not_have_is_refused_where_it_is_read() -> None:
    kernel = FakeKernel(["bio_endio"], missing=["bio->bi_status"])
    error = refused("probe ioblock.end { println(error) }", kernel)
    assert error.problem == "'error' of ioblock.end cannot be read: bio_endio has no bio->bi_status"
    assert str(error.at) == "t.stp:1:29"


def test_a_variable_that_only_an_alias_reads_is_refused_there() -> None:
    text = "probe mine = ioblock.end { half = bytes_done / 2 } probe mine { println(half) }"
    assert "t.stp:1:35" in str(refused(text, FakeKernel(["bio_endio"])))


def test_the_script_s_own_expression_is_refused_as_the_kernel_says_it() -> None:
    kernel = FakeKernel(["vfs_read"], missing=["nothing"])
    with pytest.raises(Exception, match="vfs_read has no nothing"):
        after(find_events, "probe vfs.read { println($nothing) }", kernel)
