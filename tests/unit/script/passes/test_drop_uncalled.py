"""Functions that are needed no more."""

from ktrace.script.passes.drop_uncalled import drop_uncalled
from tests.unit.script.passes.one_pass import after
from tests.unit.script.scripts import FakeKernel


def test_functions_that_were_inlined_go_and_others_stay() -> None:
    text = """
        function inlined(t) { return kernel_int(t) }
        function called(t) { print(1); return kernel_int(t) }
        function unused() { return 1 }
        probe kernel.function("f") { println(inlined($x), called($x)) }
    """
    assert list(after(drop_uncalled, text, FakeKernel(["f"])).functions) == [("called", 1), ("unused", 0)]
