"""Functions that have another name in other kernels: `do_fork` is kernel_clone today.

Each chain lists the names of one function, oldest first, with the declaration in the kernels that use that
name. A name that this kernel does not have leads to the newest name in its chain that it does have. A
parameter keeps its name along a chain as long as it keeps its meaning, so that `difference` can tell where
`$arg1` is something else. The release in a comment is the first with that name. It is only information: a
chain is always tried against the symbols that exist.
"""

from collections.abc import Callable, Sequence

from ktrace.records import dataclass

_CHAINS: tuple[tuple[str, ...], ...] = (
    (  # 4.2, 5.10; the structure since 5.3
        "do_fork(unsigned long clone_flags, unsigned long stack_start, unsigned long stack_size, "
        "int *parent_tidptr, int *child_tidptr)",
        "_do_fork(struct kernel_clone_args *args)",
        "kernel_clone(struct kernel_clone_args *args)",
    ),
    (  # 5.6
        "do_sys_open(int dfd, const char *filename, int flags, umode_t mode)",
        "do_sys_openat2(int dfd, const char *filename, struct open_how *how)",
    ),
    (
        "__vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)",
        "vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)",
    ),
    (
        "__vfs_write(struct file *file, const char *buf, size_t count, loff_t *pos)",
        "vfs_write(struct file *file, const char *buf, size_t count, loff_t *pos)",
    ),
    (  # 5.10
        "do_execve(struct filename *filename, const char *const *argv, const char *const *envp)",
        "do_execveat_common(int fd, struct filename *filename, struct user_arg_ptr argv, "
        "struct user_arg_ptr envp, int flags)",
    ),
    (
        "__do_execve_file(int fd, struct filename *filename, struct user_arg_ptr argv, "
        "struct user_arg_ptr envp, int flags, struct file *file)",
        "do_execveat_common(int fd, struct filename *filename, struct user_arg_ptr argv, "
        "struct user_arg_ptr envp, int flags)",
    ),
    ("flush_old_exec(struct linux_binprm *bprm)", "begin_new_exec(struct linux_binprm *bprm)"),  # 5.8
    ("generic_make_request(struct bio *bio)", "submit_bio_noacct(struct bio *bio)"),  # 5.9
    ("blk_start_request(struct request *rq)", "blk_mq_start_request(struct request *rq)"),
    (  # 5.8
        "do_page_fault(struct pt_regs *regs, unsigned long error_code)",
        "__do_page_fault(struct pt_regs *regs, unsigned long error_code)",
        "exc_page_fault(struct pt_regs *regs, unsigned long error_code)",
    ),
    (  # 5.8; the last one is the part of the function that can be probed
        "do_IRQ(struct pt_regs *regs)",
        "common_interrupt(struct pt_regs *regs, unsigned long error_code)",
        "__common_interrupt(struct pt_regs *regs, u32 vector)",
    ),
    (
        "ttwu_do_wakeup(struct rq *rq, struct task_struct *p, int wake_flags, struct rq_flags *rf)",
        "ttwu_do_activate(struct rq *rq, struct task_struct *p, int wake_flags, struct rq_flags *rf)",
    ),
    (  # 6.10
        "kmem_cache_alloc(struct kmem_cache *s, gfp_t gfpflags)",
        "kmem_cache_alloc_noprof(struct kmem_cache *s, gfp_t gfpflags)",
    ),
    ("__kmalloc(size_t size, gfp_t flags)", "__kmalloc_noprof(size_t size, gfp_t flags)"),  # 6.10
    (  # 5.13, 6.10
        "__alloc_pages_nodemask(gfp_t gfp, unsigned int order, int preferred_nid, nodemask_t *nodemask)",
        "__alloc_pages(gfp_t gfp, unsigned int order, int preferred_nid, nodemask_t *nodemask)",
        "__alloc_pages_noprof(gfp_t gfp, unsigned int order, int preferred_nid, nodemask_t *nodemask)",
    ),
    (  # 5.17, 6.11
        "kfree_skb(struct sk_buff *skb)",
        "kfree_skb_reason(struct sk_buff *skb, enum skb_drop_reason reason)",
        "sk_skb_reason_drop(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason reason)",
    ),
    (
        "tcp_drop(struct sock *sk, struct sk_buff *skb)",
        "tcp_drop_reason(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason reason)",
    ),
    (
        "dev_queue_xmit(struct sk_buff *skb)",
        "__dev_queue_xmit(struct sk_buff *skb, struct net_device *sb_dev)",
    ),
    (  # if the compiler inlined the function, only its check can still be probed
        "__sock_sendmsg(struct socket *sock, struct msghdr *msg)",
        "security_socket_sendmsg(struct socket *sock, struct msghdr *msg, int size)",
    ),
    (
        "add_to_page_cache_lru(struct page *page, struct address_space *mapping, unsigned long index, "
        "gfp_t gfp)",
        "filemap_add_folio(struct address_space *mapping, struct folio *folio, unsigned long index, "
        "gfp_t gfp)",
    ),
    ("mark_page_accessed(struct page *page)", "folio_mark_accessed(struct folio *folio)"),
    (  # the second to last is the only caller of the last
        "account_page_dirtied(struct page *page, struct address_space *mapping)",
        "__folio_mark_dirty(struct folio *folio, struct address_space *mapping, int warn)",
        "folio_account_dirtied(struct folio *folio, struct address_space *mapping)",
    ),
    (  # 6.0, 6.3
        "do_munmap(struct mm_struct *mm, unsigned long start, size_t len, struct list_head *uf)",
        "__do_munmap(struct mm_struct *mm, unsigned long start, size_t len, struct list_head *uf)",
        "do_mas_munmap(struct ma_state *mas, struct mm_struct *mm, unsigned long start, size_t len, "
        "struct list_head *uf)",
        "do_vmi_munmap(struct vma_iterator *vmi, struct mm_struct *mm, unsigned long start, size_t len, "
        "struct list_head *uf)",
    ),
    (
        "user_path_at_empty(int dfd, const char *name, unsigned int flags, struct path *path, int *empty)",
        "user_path_at(int dfd, const char *name, unsigned int flags, struct path *path)",
    ),
    ("printk(const char *fmt)", "_printk(const char *fmt)"),  # 5.15
    (
        "do_mount(const char *dev_name, const char *dir_name, const char *type_page, unsigned long flags, "
        "void *data_page)",
        "path_mount(const char *dev_name, struct path *path, const char *type_page, unsigned long flags, "
        "void *data_page)",
    ),
    (
        "set_task_comm(struct task_struct *tsk, const char *buf)",
        "__set_task_comm(struct task_struct *tsk, const char *buf, bool exec)",
    ),
    ("do_coredump(const kernel_siginfo_t *siginfo)", "vfs_coredump(const kernel_siginfo_t *siginfo)"),
    (
        "hrtimer_start(struct hrtimer *timer, ktime_t tim, const enum hrtimer_mode mode)",
        "hrtimer_start_range_ns(struct hrtimer *timer, ktime_t tim, u64 delta_ns, "
        "const enum hrtimer_mode mode)",
    ),
    (  # 7.x
        "do_unlinkat(int dfd, struct filename *name)",
        "filename_unlinkat(int dfd, struct filename *name)",
    ),
    (  # 7.x
        "do_mkdirat(int dfd, struct filename *name, umode_t mode)",
        "filename_mkdirat(int dfd, struct filename *name, umode_t mode)",
    ),
    (  # 7.x
        "do_renameat2(int olddfd, struct filename *from, int newdfd, struct filename *to, "
        "unsigned int flags)",
        "filename_renameat2(int olddfd, struct filename *from, int newdfd, struct filename *to, "
        "unsigned int flags)",
    ),
)


@dataclass(frozen=True, slots=True)
class Bypass:
    """A function that still exists, but that is bypassed in what it is known for.

    Attributes:
        instead: functions that see it, best first; the first one that this kernel has is used.
        why: what does not pass through it.
        if_local: applies only if the kernel does not export the function: then every caller has its own copy.
    """

    instead: tuple[str, ...]
    why: str
    if_local: bool = False


# From the calls in the code of 5.10, 6.1, 6.12 and 7.3.
_BYPASSED = {
    "do_sys_open": Bypass(("do_sys_openat2",), "open and openat do not pass through it"),
    "add_to_page_cache_lru": Bypass(("filemap_add_folio",), "few or no pages are added through it"),
    "mark_page_accessed": Bypass(("folio_mark_accessed",), "reading files does not pass through it"),
    "__do_softirq": Bypass(("handle_softirqs",), "interrupts and ksoftirqd do not pass through it"),
    "sock_sendmsg": Bypass(
        ("__sock_sendmsg", "security_socket_sendmsg"), "send, sendto and sendmsg do not pass through it"
    ),
    "dev_queue_xmit": Bypass(("__dev_queue_xmit",), "all calls use an inlined copy of it", if_local=True),
    "do_munmap": Bypass(
        ("do_vmi_munmap", "do_mas_munmap", "__do_munmap"), "the system call munmap does not pass through it"
    ),
    "do_mount": Bypass(("path_mount",), "the system call mount does not pass through it"),
}

_SYSCALL_PREFIXES = ("__x64_sys_", "__arm64_sys_", "__riscv_sys_", "__se_sys_", "ksys_")


def present_names(name: str) -> Sequence[str]:
    """Return possible names of `name` in this kernel, most likely first; empty if no rename is known."""
    found: dict[str, None] = {}
    for chain in _CHAINS:
        names = [_name(one) for one in chain]
        if name in names:
            # Newer names first: an older name that still exists is often only a wrapper.
            at = names.index(name)
            found.update(dict.fromkeys((*reversed(names[at + 1 :]), *reversed(names[:at]))))
    for old in ("sys_", "SyS_"):
        if name.startswith(old):
            found.update(dict.fromkeys(prefix + name.removeprefix(old) for prefix in _SYSCALL_PREFIXES))
    return list(found)


def find_present(name: str, exists: Callable[[str], bool]) -> str | None:
    """Return the name that this kernel has for the function once called `name`, or None."""
    return next((candidate for candidate in present_names(name) if exists(candidate)), None)


def known_names() -> frozenset[str]:
    """Return every name in the table, whether this kernel has it or not, for suggestions."""
    return frozenset(_name(one) for chain in _CHAINS for one in chain)


def declarations() -> tuple[tuple[str, ...], ...]:
    """Return the whole table: the declarations of each function, oldest first."""
    return _CHAINS


def difference(asked: str, present: str) -> str | None:
    """Return how the parameters of `present` differ from those of `asked`; None if they are the same.

    Additional parameters at the end of `present` do not count.
    """
    for chain in _CHAINS:
        known = {_name(one): one for one in chain}
        if asked in known and present in known:
            wanted, found = parameters(known[asked]), parameters(known[present])
            if found[: len(wanted)] == wanted:
                return None
            return f"its parameters differ: {known[asked]} is now {known[present]}"
    return None


def bypass(name: str, exists: Callable[[str], bool], *, exported: bool = False) -> str | None:
    """Return why a probe at `name` may never be hit, and what to probe instead; None if it is hit.

    Args:
        name: a function that this kernel has.
        exists: returns whether a function of that name exists.
        exported: whether the symbol is global.
    """
    found = _BYPASSED.get(name)
    if found is None or (found.if_local and exported):
        return None
    instead = next((one for one in found.instead if exists(one)), None)
    if instead is None:
        return None
    changed = difference(name, instead)
    return f"{found.why} in this kernel: {instead} sees it" + (f"; {changed}" if changed else "")


def may_be_bypassed(name: str) -> bool:
    """Return whether some kernels bypass `name`, so that a probe there is hit less often than expected."""
    return name in _BYPASSED


def parameters(declaration: str) -> list[str]:
    """Return the names of a declaration's parameters.

    >>> parameters("do_unlinkat(int dfd, struct filename *name)")
    ['dfd', 'name']
    """
    inside = declaration.partition("(")[2].removesuffix(")")
    return [one.rpartition(" ")[2].lstrip("*") for one in inside.split(", ")]


def _name(declaration: str) -> str:
    return declaration.partition("(")[0]
