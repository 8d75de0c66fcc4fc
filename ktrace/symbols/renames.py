"""Functions that have another name in newer kernels: `do_fork` is kernel_clone today.

Each chain lists one function's names, oldest first. A name that this kernel does not have leads to
the newest of its chain that it does have. The release in a comment is the first with that name; a
chain is only ever tried against the symbols that are there.
"""

from collections.abc import Callable, Sequence

_CHAINS: tuple[tuple[str, ...], ...] = (
    ("do_fork", "_do_fork", "kernel_clone"),  # 4.2, 5.10
    ("do_sys_open", "do_sys_openat2"),  # 5.6; the old name stays, but openat does not pass through it
    ("__vfs_read", "vfs_read"),
    ("__vfs_write", "vfs_write"),
    ("do_execve", "do_execveat_common"),
    ("__do_execve_file", "do_execveat_common", "bprm_execve"),  # 5.10
    ("flush_old_exec", "begin_new_exec"),  # 5.8
    ("generic_make_request", "submit_bio_noacct"),  # 5.9
    ("blk_start_request", "blk_mq_start_request"),
    ("do_page_fault", "__do_page_fault", "exc_page_fault"),  # 5.8
    ("do_IRQ", "common_interrupt"),
    ("ttwu_do_wakeup", "ttwu_do_activate"),
    ("kmem_cache_alloc", "kmem_cache_alloc_noprof"),  # 6.10
    ("__kmalloc", "__kmalloc_noprof"),  # 6.10
    ("__alloc_pages_nodemask", "__alloc_pages", "__alloc_pages_noprof"),  # 5.13, 6.10
    ("kfree_skb", "kfree_skb_reason", "sk_skb_reason_drop"),  # 5.17, 6.11
    ("tcp_drop", "tcp_drop_reason"),
    ("dev_queue_xmit", "__dev_queue_xmit"),
    ("add_to_page_cache_lru", "filemap_add_folio"),
    ("mark_page_accessed", "folio_mark_accessed"),
    ("account_page_dirtied", "folio_account_dirtied"),
    ("do_munmap", "do_vmi_munmap"),
    ("user_path_at_empty", "user_path_at"),
    ("printk", "_printk"),  # 5.15
    ("do_mount", "path_mount"),
    ("set_task_comm", "__set_task_comm"),
    ("do_coredump", "vfs_coredump"),
    ("hrtimer_start", "hrtimer_start_range_ns"),
    ("do_unlinkat", "filename_unlinkat"),  # 7.x
    ("do_mkdirat", "filename_mkdirat"),  # 7.x
    ("do_renameat2", "filename_renameat2"),  # 7.x
)

_SYSCALL_PREFIXES = ("__x64_sys_", "__arm64_sys_", "__riscv_sys_", "__se_sys_", "ksys_")


def present_names(name: str) -> Sequence[str]:
    """What `name` may be called in this kernel, most likely first; empty where no rename is known."""
    found: list[str] = []
    for chain in _CHAINS:
        if name in chain:
            # Newer names first: an older one that is still there is often only a wrapper.
            at = chain.index(name)
            found += [*reversed(chain[at + 1 :]), *reversed(chain[:at])]
    if name.startswith("sys_"):
        found += [prefix + name.removeprefix("sys_") for prefix in _SYSCALL_PREFIXES]
    if name.startswith("SyS_"):
        found += [prefix + name.removeprefix("SyS_") for prefix in _SYSCALL_PREFIXES]
    return found


def find_present(name: str, exists: Callable[[str], bool]) -> str | None:
    """The name that this kernel gives to the function once called `name`, or None."""
    return next((candidate for candidate in present_names(name) if exists(candidate)), None)


def known_names() -> frozenset[str]:
    """Every name in the table, present in this kernel or not: for suggestions."""
    return frozenset(name for chain in _CHAINS for name in chain)
