"""Read members of the task that hits a probe.

Fetch arguments of old kernels cannot begin with the current task. But each CPU has a variable with the task
that it runs, and `__per_cpu_offset` has the address of each CPU's variables. So a probe reads the task of
every CPU, and a handler takes that of the CPU which recorded the event: a probe is not moved to another CPU
between the read and the record. See Documentation/trace/kprobetrace.rst, "Synopsis of kprobe_events".
"""

import re
from collections.abc import Sequence
from dataclasses import field

from ktrace.errors import KtraceError
from ktrace.kernel.kernel import Kernel
from ktrace.records import dataclass
from ktrace.script.driver.type_layout import layout_of
from ktrace.script.kernel_interface import Read
from ktrace.script.own_task import EACH_CPU, path_of
from ktrace.tracefs.stats import cpus_of

# The definition of a probe has 128 arguments and 4 KiB at most, and each argument takes time at each hit.
_ARGUMENTS_MAX = 48
_RSS = re.compile(r"rss_stat\[(\d)\]\.count")


@dataclass(slots=True)
class CurrentTask:
    """Spells reads of the current task for one kernel."""

    kernel: Kernel
    _known: dict[str, str] | None = field(default=None)

    def arguments(self, reads: Sequence[Read]) -> tuple[str, ...]:
        """Return the arguments of a probe for those of the reads that are of the current task.

        Return none if the kernel does not let a probe read them all.
        """
        paths = {number: path for number, read in enumerate(reads) if (path := path_of(read)) is not None}
        if not paths or len(paths) * len(self._tasks) > _ARGUMENTS_MAX:
            return ()
        return tuple(
            f"f{number}{suffix}=((struct task_struct *){task})->{self._present(path)}"
            + (":string" if reads[number].kind == "string" else "")
            for number, path in paths.items()
            for suffix, task in self._tasks.items()
        )

    @property
    def _tasks(self) -> dict[str, str]:
        """Return the text of the current task, by the end of an argument's name: one, or one for each CPU."""
        if self._known is None:
            self._known = self._find()
        return self._known

    def _find(self) -> dict[str, str]:
        kernel = self.kernel
        if kernel.features.current_task:
            return {"": "$current"}
        try:
            address = self._variable()
        except KtraceError:
            return {}
        if address is None or not kernel.symbols.find("__per_cpu_offset"):
            return {}
        return {
            f"{EACH_CPU}{cpu}": f"{address:+d}(@__per_cpu_offset+{8 * cpu})"
            for cpu in cpus_of(kernel.tracing)
        }

    def _variable(self) -> int | None:
        """Return the address of the variable with the current task; None if the kernel has none."""
        kernel = self.kernel
        if not kernel.machine.endswith("64"):
            return None  # the offsets of CPUs have 8 bytes
        address = kernel.symbols.per_cpu_address("current_task")
        if address is None and (hot := kernel.symbols.per_cpu_address("pcpu_hot")) is not None:
            address = hot + layout_of(kernel, "pcpu_hot", None, ["current_task"])[0]
        if address is None:
            return None
        return address - (1 << 64) if address >> 63 else address

    def _present(self, path: str) -> str:
        """Return a path as this kernel has it. Before 6.2, the numbers of pages were atomic ones."""
        if not _RSS.search(path):
            return path
        try:
            layout_of(self.kernel, "mm_struct", None, ["rss_stat", 0])
        except KtraceError:
            return _RSS.sub(r"rss_stat.count[\1].counter", path)
        return path
