"""Reads of the task that hits a probe, on kernels that differ in how a probe finds it."""

from pathlib import Path

import pytest

from ktrace.script.driver.current_task import CurrentTask
from ktrace.script.driver.live_kernel import ScriptKernel
from ktrace.script.own_task import VALUES
from ktrace.symbols.kallsyms import Kallsyms
from tests.unit.script.driver.test_live_kernel import built, compiled
from tests.unit.session.places import OLD_README

PER_CPU = "0000000000000000 A __per_cpu_start\n0000000000040000 A __per_cpu_end\n"
OFFSETS = "ffffffff82000000 d __per_cpu_offset\n"
RELOCATED = PER_CPU.replace("00000000000", "ffffffff840", 1).replace("00000000000", "ffffffff840", 1)


def kernel(root: Path, symbols: str, readme: str = OLD_README, cpus: int = 2) -> ScriptKernel:
    made = built(root, readme)
    for cpu in range(cpus):
        (root / f"tracing/per_cpu/cpu{cpu}").mkdir(parents=True, exist_ok=True)
    made.kernel.symbols = Kallsyms((symbols + "ffffffff81000000 T vfs_read\n").encode())
    return made


def arguments(made: ScriptKernel, name: str) -> tuple[str, ...]:
    return CurrentTask(made.kernel).arguments(VALUES[name])


@pytest.mark.parametrize(
    ("symbols", "texts"),
    [
        (
            PER_CPU + OFFSETS + "0000000000020cc0 A current_task\n",
            ["+134336(@__per_cpu_offset+0)", "+134336(@__per_cpu_offset+8)"],
        ),
        (
            RELOCATED + OFFSETS + "ffffffff84000040 D current_task\n",
            ["-2080374720(@__per_cpu_offset+0)", "-2080374720(@__per_cpu_offset+8)"],
        ),
        (OFFSETS, []),
        (PER_CPU + "0000000000020cc0 A current_task\n", []),
        (PER_CPU + OFFSETS, []),
    ],
    ids=["since 0", "anywhere", "no range", "no offsets", "no task"],
)
def test_the_task_of_each_cpu(tmp_path: Path, symbols: str, texts: list[str]) -> None:
    wanted = [f"f0_cpu{n}=((struct task_struct *){text})->real_parent->tgid" for n, text in enumerate(texts)]
    assert list(arguments(kernel(tmp_path, symbols), "ppid")) == wanted


def test_one_task_where_the_kernel_has_a_name_for_it(tmp_path: Path) -> None:
    made = kernel(tmp_path, PER_CPU, OLD_README + "           $retval, $comm, $arg<N>, $current\n")
    (name,) = arguments(made, "pexecname")
    assert name == "f0=((struct task_struct *)$current)->real_parent->comm:string"


def test_too_many_cpus(tmp_path: Path) -> None:
    symbols = PER_CPU + OFFSETS + "0000000000020cc0 A current_task\n"
    assert len(arguments(kernel(tmp_path / "48", symbols, cpus=48), "uid")) == 48
    assert arguments(kernel(tmp_path / "49", symbols, cpus=49), "uid") == ()


def test_a_kernel_whose_types_do_not_tell(tmp_path: Path) -> None:
    """The handler is bound all the same, and a warning says where its value comes from."""
    made = kernel(tmp_path, PER_CPU + OFFSETS + "0000000000020cc0 A current_task\n")
    script = compiled(made, 'probe kernel.function("vfs_read") { println($count, uid()) }')
    (bound,) = script.bound
    assert bound.found[0].columns == ("f0", "")
    assert [one.name for one in made.wanted[1].probe.args] == ["f0"]
    (warning,) = script.warnings
    assert warning.endswith(
        'at kernel.function("vfs_read"), uid() cannot be read: /proc is, when the handler runs'
    )
