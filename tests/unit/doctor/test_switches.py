import pytest

from ktrace.doctor import switches

ALL = [getattr(switches, name) for name in dir(switches) if name.endswith("_fact")]
DEBUG = "/sys/kernel/debug/kprobes"


@pytest.mark.parametrize("look", ALL)
def test_where_all_is_well(tree, look):
    fact = look(tree.machine())
    assert (fact.status, fact.advice) == ("ok", "")


@pytest.mark.parametrize("look", ALL)
def test_where_there_is_nothing_none_of_them_fails_or_is_bad(bare, look):
    assert look(bare.machine()).status in ("ok", "warn", "unknown")


def test_kprobes_switched_off_for_all(tree):
    tree.write(f"{DEBUG}/enabled", "0\n")
    fact = switches.switch_fact(tree.machine())
    assert (fact.status, fact.advice) == ("bad", "ktrace switch on")


def test_debugfs_not_mounted_is_not_a_kernel_without(tree):
    tree.remove(f"{DEBUG}/blacklist")
    assert switches.blacklist_fact(tree.machine()).value == "not in this kernel"
    tree.mount()
    assert switches.blacklist_fact(tree.machine()).value == "debugfs is not mounted"


def test_counts(tree):
    tree.write(f"{DEBUG}/list", "a\nb\n")
    assert switches.list_fact(tree.machine()).value.startswith("2 ")
    assert switches.blacklist_fact(tree.machine()).value == "1 functions"


def test_ftrace_disabled_mutes_entry_probes(tree):
    tree.write("/proc/sys/kernel/ftrace_enabled", "0\n")
    fact = switches.ftrace_fact(tree.machine())
    assert (fact.status, fact.advice) == ("bad", "sysctl kernel.ftrace_enabled=1")
    assert "silent" in fact.value


def test_optimisation_off_only_costs(tree):
    tree.write("/proc/sys/debug/kprobes-optimization", "0\n")
    fact = switches.optimization_fact(tree.machine())
    assert (fact.status, fact.advice) == ("warn", "sysctl debug.kprobes-optimization=1")


@pytest.mark.parametrize(("value", "status"), [("0", "ok"), ("1", "ok"), ("2", "warn")])
def test_kptr_restrict(tree, value, status):
    tree.write("/proc/sys/kernel/kptr_restrict", value + "\n")
    assert switches.kptr_fact(tree.machine()).status == status


def test_addresses_are_hidden_when_code_is_at_zero(tree):
    tree.write("/proc/kallsyms", "0000000000000000 A fixed_percpu_data\n0000000000000000 T _text\n")
    tree.write("/proc/self/status", "CapEff:\t0\n")
    fact = switches.kallsyms_fact(tree.machine(euid=1000))
    assert (fact.status, fact.value) == ("warn", "names; addresses are hidden from you")


def test_data_at_zero_says_nothing_about_addresses(tree):
    data = "".join(f"{i:016x} A percpu_{i}\n" for i in range(5000))
    tree.write("/proc/kallsyms", data + "ffffffff81000000 t first\n")
    assert switches.kallsyms_fact(tree.machine()).value == "names and addresses"
