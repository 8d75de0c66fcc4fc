import re

import pytest

from ktrace.symbols.renames import (
    declarations,
    difference,
    find_present,
    known_names,
    parameters,
    present_names,
)


def test_the_newest_name_that_is_there():
    assert find_present("do_fork", {"_do_fork"}.__contains__) == "_do_fork"
    assert find_present("do_fork", {"_do_fork", "kernel_clone"}.__contains__) == "kernel_clone"
    assert find_present("kernel_clone", {"do_fork", "_do_fork"}.__contains__) == "_do_fork"
    assert find_present("do_fork", {"vfs_read"}.__contains__) is None
    assert find_present("unheard_of", lambda name: True) is None


def test_newer_names_come_before_older():
    assert list(present_names("_do_fork")) == ["kernel_clone", "do_fork"]
    assert list(present_names("do_fork")) == ["kernel_clone", "_do_fork"]
    assert list(present_names("kernel_clone")) == ["_do_fork", "do_fork"]


@pytest.mark.parametrize("name", ["sys_openat", "SyS_openat"])
def test_system_calls_of_old_kernels(name):
    assert find_present(name, {"__x64_sys_openat", "ksys_openat"}.__contains__) == "__x64_sys_openat"
    assert find_present(name, {"__arm64_sys_openat"}.__contains__) == "__arm64_sys_openat"


@pytest.mark.parametrize("name", sorted(known_names()))
def test_no_name_leads_to_itself(name):
    assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
    found = present_names(name)
    assert found and name not in found


def test_names_for_suggestions():
    assert {"do_fork", "_do_fork", "kernel_clone"} <= known_names()


def test_parameters_that_mean_the_same():
    assert difference("kmem_cache_alloc", "kmem_cache_alloc_noprof") is None
    assert difference("kfree_skb", "kfree_skb_reason") is None  # the version after them does not matter
    assert "sk_skb_reason_drop(struct sock *sk," in difference("kfree_skb", "sk_skb_reason_drop")
    assert "do_execve(struct filename" in difference("do_execve", "do_execveat_common")
    assert difference("vfs_read", "unheard_of") is None


def test_the_table_can_be_read():
    for chain in declarations():
        assert len(chain) > 1
        for one in chain:
            assert re.fullmatch(r"\w+\([^()]+\)", one) and all(
                name.isidentifier() for name in parameters(one)
            )
