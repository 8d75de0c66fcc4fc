import pytest

from ktrace.errors import UsageError
from ktrace.model.fetch import parse_fetch_arg
from ktrace.model.place import AddressPlace, EventPlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.resolve import empty_reads
from ktrace.symbols.kallsyms import Kallsyms
from tests.unit.session.places import NEW_README, OLD_README, BuiltKernel

PER_CPU = (
    b"0000000000000000 A __per_cpu_start\n0000000000019150 A cpu_number\n0000000000036000 A __per_cpu_end\n"
    b"ffffffff82000000 D jiffies\n"
)


class PerCpu(BuiltKernel):
    def _symbols(self) -> Kallsyms:
        self.read.append("symbols")
        return Kallsyms(PER_CPU)


def probe(arg: str, place="vfs_read", kind="p"):
    where = SymbolPlace(place) if isinstance(place, str) else place
    return Probe(kind, "g", "a", where, (parse_fetch_arg(arg),))


@pytest.mark.parametrize(
    ("arg", "way"),
    [
        ("x=@cpu_number:u32", "'x=+0x19150(@__per_cpu_offset):u32'"),
        ("x=+8(@cpu_number+8)", "'x=+8(+0x19158(@__per_cpu_offset))'"),
        ("x=@0x19150", "'x=+0x19150(@__per_cpu_offset)'"),
    ],
)
def test_variables_of_each_processor(tmp_path, arg, way):
    with pytest.raises(UsageError, match="each CPU has its own copy") as error:
        empty_reads.checker(PerCpu(tmp_path, OLD_README))(probe(arg))
    assert way in error.value.hint and error.value.excerpt[error.value.caret] == "@"


def test_the_running_processors_own(tmp_path):
    check = empty_reads.checker(PerCpu(tmp_path, OLD_README + "this_cpu_read(<fetcharg>)\n"))
    with pytest.raises(UsageError) as error:
        check(probe("x=@cpu_number"))
    assert "'x=this_cpu_read(@cpu_number)'" in error.value.hint
    check(probe("x=this_cpu_read(@cpu_number)"))


def test_what_reads_something(tmp_path):
    kernel = PerCpu(tmp_path, OLD_README)
    check = empty_reads.checker(kernel)
    for arg in ("x=@jiffies", "x=@none", "x=%di", '\\"@cpu_number', "x=$arg4", "x=$comm"):
        check(probe(arg))
    check(probe("x=$arg9", AddressPlace(1 << 63)))
    check(probe("x=$arg9", "lookup.isra.0"))  # its parameters are not those of its declaration
    check(Probe("e", "g", "a", EventPlace("s", "e"), (parse_fetch_arg("x=$arg9"),)))
    kernel.read.clear()
    check(probe("x=%di"))
    assert kernel.read == []


def test_parameters_that_a_function_does_not_have(tmp_path):
    check = empty_reads.checker(BuiltKernel(tmp_path, NEW_README))
    for arg in ("x=$arg5:u64", "x=+0($arg10)"):
        with pytest.raises(UsageError, match="vfs_read has 4 parameters") as error:
            check(probe(arg))
        assert error.value.excerpt[error.value.caret :].startswith("$arg")


def test_without_types_nothing_is_known(tmp_path):
    empty_reads.checker(BuiltKernel(tmp_path, OLD_README, btf=False))(probe("x=$arg9"))
