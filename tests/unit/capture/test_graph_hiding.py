"""Calls are left out of trees, and losses in them are not."""

import pytest

from ktrace.capture.graph_hiding import Hiding
from ktrace.model.calltree import Call, Gap, Tree


def tree(*calls, size=1) -> Tree:
    """Make a tree of (name, duration, calls...); a number is a loss."""

    def made(one, depth):
        if isinstance(one, int):
            return Gap(one)
        name, duration, *inner = one
        return Call(name, depth, 0, 0, duration, calls=[made(i, depth + 1) for i in inner])

    found = Tree(1, "c", made(("root", 100, *calls), 0))
    found.size = sum(isinstance(here, Call) for here, _ in found.walk())
    return found


def shown(one: Tree) -> list[object]:
    return [here.func if isinstance(here, Call) else here.count for here, _ in one.walk()]


def prune(one: Tree, **wishes) -> Hiding:
    hiding = Hiding(str, **wishes)  # its functions are names instead of addresses
    hiding.prune(one)
    return hiding


IRQ = (
    ("irq_enter_rcu", 1),
    ("__sysvec_apic_timer_interrupt", 9, ("tick", 8, 7)),
    ("irq_exit_rcu", 5, ("softirq", 4)),
)


def test_interrupts_are_left_out_and_losses_in_them_stay():
    one = tree(("a", 50, *IRQ, ("b", 3)))
    hiding = prune(one)
    assert shown(one) == ["root", "a", 7, "b"] and one.size == 3
    assert (hiding.interrupts, hiding.calls) == (1, 0)


def test_interrupts_are_shown_if_wanted():
    one = tree(("a", 50, *IRQ))
    assert prune(one, irqs=True).interrupts == 0
    assert "tick" in shown(one) and one.size == 7


NAMES = (
    "__common_interrupt",
    "common_interrupt",
    "sysvec_reschedule_ipi",
    "__irq_exit_rcu",
    "irq_enter",
    "do_IRQ",
    "smp_apic_timer_interrupt",
    "gic_handle_irq",
    "el1_interrupt",
    "generic_handle_domain_irq",
    "exc_nmi",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_interrupts(name):
    one = tree((name, 5), ("handle_mm_fault", 2), ("irq_set_affinity", 1), ("enable_irq", 1))
    prune(one)
    assert shown(one) == ["root", "handle_mm_fault", "irq_set_affinity", "enable_irq"]


def test_the_tracers_own_functions():
    one = tree(
        ("kprobe_ftrace_handler", 9, ("get_kprobe", 1)), ("register_kprobe", 1), ("function_graph_enter", 1)
    )
    assert prune(one, irqs=True).calls == 0
    assert shown(one) == ["root", "register_kprobe"]


def test_hidden_functions_and_what_they_call():
    one = tree(("security_x", 9, ("deep", 8, ("deeper", 7, 3))), ("a", 5, ("security_y", 1)))
    assert prune(one, globs=["security_*"]).calls == 4
    assert shown(one) == ["root", 3, "a"] and one.size == 2


def test_short_calls_but_not_the_root_nor_what_did_not_return():
    one = tree(("a", 10, ("b", 9)), ("c", 9, ("d", None)), ("e", None, ("f", 3)))
    assert prune(one, least=10).calls == 4
    assert shown(one) == ["root", "a", "e"]
    root = tree()
    prune(root, least=1000)
    assert shown(root) == ["root"]


def test_the_root_is_shown_whatever_its_name():
    one = Tree(1, "c", Call("irq_exit_rcu", 0, 0, 0, 5, calls=[Call("a", 1, 0, 0, 1)]))
    prune(one)
    assert shown(one) == ["irq_exit_rcu", "a"]


def test_deep_trees():
    one = tree()
    here = one.root
    for depth in range(1, 5000):
        here.calls = [Call(f"f{depth}", depth, 0, 0, 9)]
        here = here.calls[0]
    here.calls = [Call("common_interrupt", 5000, 0, 0, 1)]
    one.size = 5001
    prune(one)
    assert one.size == 5000
