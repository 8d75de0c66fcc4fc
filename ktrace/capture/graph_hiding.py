"""Leave calls out of a tree: interrupts, the tracer's own functions, what the user hides, short calls.

The kernel could leave out some of them itself, with the option `funcgraph-irqs`, `set_graph_notrace` and
`tracing_thresh`. But each of them applies to all buffers of the machine, and so to the graphs of others
(kernel/trace/trace_functions_graph.c: `ftrace_graph_skip_irqs`).
"""

import fnmatch
import re
from collections.abc import Callable, Sequence

from ktrace.model.calltree import Call, Gap, Tree

# Functions in which the handling of an interrupt begins and ends: on x86, arm64, riscv, power, s390.
_INTERRUPT = re.compile(
    r"(?:__|asm_)?sysvec_\w+|(?:__|asm_)?common_interrupt|(?:__)?irq_(?:enter|exit)(?:_\w+)?"
    r"|do_IRQ|__do_irq|do_irq|handle_IRQ|smp_\w*_interrupt|do_interrupt_handler|el[01]h?_(?:\d+_)?irq_handler"
    r"|el[01]_interrupt|gic_handle_irq|(?:generic_)?handle_(?:domain_|arch_)irq|generic_handle_(?:domain|arch)_irq"
    r"|riscv_intc_irq|timer_interrupt|do_(?:io|ext)_irq|(?:asm_)?exc_nmi|default_do_nmi"
)
_EDGE = re.compile(r"(?:__)?irq_(?:enter|exit)")  # before and after it
# Functions by which a probe or a tracer takes over at the entry or the return of a function.
_TRACER = re.compile(
    r"kprobe_ftrace_handler|arch_ftrace_ops_list_func|ftrace_ops_\w+|fprobe_\w*(?:handler|entry|exit|return)"
    r"|function_graph_\w+|trace_graph_\w+|ftrace_graph_\w+|prepare_ftrace_return|ftrace_return_to_handler"
    r"|opti?(?:mized)?_callback|kprobe_int3_handler|(?:asm_)?exc_int3|(?:arch_)?rethook_\w+|kretprobe_\w*handler"
    r"|__kretprobe_\w+"
)


class Hiding:
    """Removes calls from trees. The root of a tree is always kept, and so is each mark of a loss.

    Args:
        name: returns the name of the function at an address.
        irqs: keep interrupts.
        globs: remove calls of these functions, and what they call.
        least: remove calls that took less, in nanoseconds.

    Attributes:
        interrupts: the interrupts that were removed.
        calls: other calls that were removed, with those that they made.
    """

    def __init__(
        self, name: Callable[[int], str], *, irqs: bool = False, globs: Sequence[str] = (), least: int = 0
    ) -> None:
        self._name = name
        self._hidden = [re.compile(fnmatch.translate(glob)) for glob in globs]
        self._irqs = irqs
        self._least = least
        self._known: dict[int, str] = {}
        self.interrupts = 0
        self.calls = 0

    def prune(self, tree: Tree) -> None:
        """Remove calls from a tree."""
        ahead = [tree.root]
        while ahead:
            caller = ahead.pop()
            kept: list[Call | Gap] = []
            for one in caller.calls:
                why = "" if isinstance(one, Gap) else self._why(one)
                if why and isinstance(one, Call):
                    kept += self._removed(tree, one, why)
                else:
                    kept.append(one)
            caller.calls = kept
            ahead += [one for one in kept if isinstance(one, Call)]

    def _why(self, call: Call) -> str:
        why = self._known.get(call.func)
        if why is None:
            why = self._known[call.func] = self._of(self._name(call.func))
        if why or call.duration is None:
            return why
        return "short" if call.duration < self._least else ""

    def _of(self, name: str) -> str:
        if not self._irqs and _INTERRUPT.fullmatch(name):
            return "interrupt"
        if _TRACER.fullmatch(name):
            return "tracer"
        return "hidden" if any(pattern.match(name) for pattern in self._hidden) else ""

    def _removed(self, tree: Tree, call: Call, why: str) -> list[Gap]:
        """Count a call and those below it; return the losses in them."""
        gaps: list[Gap] = []
        size = 0
        for here, _ in Tree(0, "", call).walk():
            if isinstance(here, Gap):
                gaps.append(here)
            else:
                size += 1
        tree.size -= size
        if why == "interrupt":
            self.interrupts += not _EDGE.match(self._name(call.func))
        elif why != "tracer":
            self.calls += size
        return gaps
