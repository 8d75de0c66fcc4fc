"""Names of constants that no BTF has: macros of the kernel's user-space headers, by group.

The values are those of `include/uapi/asm-generic`; where a machine differs, `constants` says so.
"""

from ktrace.model.meaning_numbers import Table

_OPEN = (
    (0o1, "O_WRONLY"), (0o2, "O_RDWR"), (0o0, "O_RDONLY"),
    (0o4010000, "O_SYNC"), (0o20200000, "O_TMPFILE"),
    (0o100, "O_CREAT"), (0o200, "O_EXCL"), (0o400, "O_NOCTTY"), (0o1000, "O_TRUNC"), (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"), (0o10000, "O_DSYNC"), (0o20000, "O_ASYNC"), (0o40000, "O_DIRECT"),
    (0o100000, "O_LARGEFILE"), (0o200000, "O_DIRECTORY"), (0o400000, "O_NOFOLLOW"), (0o1000000, "O_NOATIME"),
    (0o2000000, "O_CLOEXEC"), (0o10000000, "O_PATH"),
)  # fmt: skip
_ARM_OPEN = {
    "O_DIRECTORY": 0o40000, "O_NOFOLLOW": 0o100000, "O_DIRECT": 0o200000, "O_LARGEFILE": 0o400000,
    "O_TMPFILE": 0o20040000,
}  # fmt: skip

_TABLES: dict[str, Table] = {
    "open": _OPEN,
    "fmode": (
        (0x1, "FMODE_READ"), (0x2, "FMODE_WRITE"), (0x4, "FMODE_LSEEK"), (0x8, "FMODE_PREAD"),
        (0x10, "FMODE_PWRITE"), (0x20, "FMODE_EXEC"),
    ),
    "prot": (
        (0, "PROT_NONE"), (1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC"), (8, "PROT_SEM"),
        (0x01000000, "PROT_GROWSDOWN"), (0x02000000, "PROT_GROWSUP"),
    ),
    "mmap": (
        (3, "MAP_SHARED_VALIDATE"), (1, "MAP_SHARED"), (2, "MAP_PRIVATE"), (0x10, "MAP_FIXED"),
        (0x20, "MAP_ANONYMOUS"), (0x40, "MAP_32BIT"), (0x100, "MAP_GROWSDOWN"), (0x800, "MAP_DENYWRITE"),
        (0x1000, "MAP_EXECUTABLE"), (0x2000, "MAP_LOCKED"), (0x4000, "MAP_NORESERVE"),
        (0x8000, "MAP_POPULATE"), (0x10000, "MAP_NONBLOCK"), (0x20000, "MAP_STACK"), (0x40000, "MAP_HUGETLB"),
        (0x80000, "MAP_SYNC"), (0x100000, "MAP_FIXED_NOREPLACE"),
    ),
    "clone": (
        (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"), (0x800, "CLONE_SIGHAND"),
        (0x1000, "CLONE_PIDFD"), (0x2000, "CLONE_PTRACE"), (0x4000, "CLONE_VFORK"), (0x8000, "CLONE_PARENT"),
        (0x10000, "CLONE_THREAD"), (0x20000, "CLONE_NEWNS"), (0x40000, "CLONE_SYSVSEM"),
        (0x80000, "CLONE_SETTLS"), (0x100000, "CLONE_PARENT_SETTID"), (0x200000, "CLONE_CHILD_CLEARTID"),
        (0x400000, "CLONE_DETACHED"), (0x800000, "CLONE_UNTRACED"), (0x1000000, "CLONE_CHILD_SETTID"),
        (0x2000000, "CLONE_NEWCGROUP"), (0x4000000, "CLONE_NEWUTS"), (0x8000000, "CLONE_NEWIPC"),
        (0x10000000, "CLONE_NEWUSER"), (0x20000000, "CLONE_NEWPID"), (0x40000000, "CLONE_NEWNET"),
        (0x80000000, "CLONE_IO"), (0x100000000, "CLONE_CLEAR_SIGHAND"), (0x200000000, "CLONE_INTO_CGROUP"),
    ),
    "vm": (
        (0x1, "VM_READ"), (0x2, "VM_WRITE"), (0x4, "VM_EXEC"), (0x8, "VM_SHARED"), (0x10, "VM_MAYREAD"),
        (0x20, "VM_MAYWRITE"), (0x40, "VM_MAYEXEC"), (0x80, "VM_MAYSHARE"), (0x100, "VM_GROWSDOWN"),
        (0x400, "VM_PFNMAP"), (0x2000, "VM_LOCKED"), (0x4000, "VM_IO"), (0x20000, "VM_DONTCOPY"),
        (0x40000, "VM_DONTEXPAND"), (0x100000, "VM_ACCOUNT"), (0x200000, "VM_NORESERVE"),
        (0x400000, "VM_HUGETLB"),
    ),
    "family": (
        (0, "AF_UNSPEC"), (1, "AF_UNIX"), (2, "AF_INET"), (3, "AF_AX25"), (4, "AF_IPX"), (5, "AF_APPLETALK"),
        (7, "AF_BRIDGE"), (10, "AF_INET6"), (15, "AF_KEY"), (16, "AF_NETLINK"), (17, "AF_PACKET"),
        (21, "AF_RDS"), (24, "AF_PPPOX"), (29, "AF_CAN"), (30, "AF_TIPC"), (31, "AF_BLUETOOTH"),
        (38, "AF_ALG"), (40, "AF_VSOCK"), (41, "AF_KCM"), (42, "AF_QIPCRTR"), (43, "AF_SMC"),
        (44, "AF_XDP"), (45, "AF_MCTP"),
    ),
    "socket type": (
        (1, "SOCK_STREAM"), (2, "SOCK_DGRAM"), (3, "SOCK_RAW"), (4, "SOCK_RDM"), (5, "SOCK_SEQPACKET"),
        (6, "SOCK_DCCP"), (10, "SOCK_PACKET"), (0o4000, "SOCK_NONBLOCK"), (0o2000000, "SOCK_CLOEXEC"),
    ),
    "ip protocol": (
        (0, "IPPROTO_IP"), (1, "IPPROTO_ICMP"), (2, "IPPROTO_IGMP"), (4, "IPPROTO_IPIP"), (6, "IPPROTO_TCP"),
        (17, "IPPROTO_UDP"), (41, "IPPROTO_IPV6"), (47, "IPPROTO_GRE"), (50, "IPPROTO_ESP"),
        (51, "IPPROTO_AH"), (58, "IPPROTO_ICMPV6"), (132, "IPPROTO_SCTP"), (136, "IPPROTO_UDPLITE"),
        (255, "IPPROTO_RAW"), (262, "IPPROTO_MPTCP"),
    ),
    "ethernet protocol": (
        (0x0800, "ETH_P_IP"), (0x0806, "ETH_P_ARP"), (0x8100, "ETH_P_8021Q"), (0x86DD, "ETH_P_IPV6"),
        (0x8847, "ETH_P_MPLS_UC"), (0x8863, "ETH_P_PPP_DISC"), (0x8864, "ETH_P_PPP_SES"),
        (0x888E, "ETH_P_PAE"), (0x88A8, "ETH_P_8021AD"), (0x88CC, "ETH_P_LLDP"), (0x0003, "ETH_P_ALL"),
    ),
    "tcp state": (
        (1, "TCP_ESTABLISHED"), (2, "TCP_SYN_SENT"), (3, "TCP_SYN_RECV"), (4, "TCP_FIN_WAIT1"),
        (5, "TCP_FIN_WAIT2"), (6, "TCP_TIME_WAIT"), (7, "TCP_CLOSE"), (8, "TCP_CLOSE_WAIT"),
        (9, "TCP_LAST_ACK"), (10, "TCP_LISTEN"), (11, "TCP_CLOSING"), (12, "TCP_NEW_SYN_RECV"),
    ),
    "signal": (
        (1, "SIGHUP"), (2, "SIGINT"), (3, "SIGQUIT"), (4, "SIGILL"), (5, "SIGTRAP"), (6, "SIGABRT"),
        (7, "SIGBUS"), (8, "SIGFPE"), (9, "SIGKILL"), (10, "SIGUSR1"), (11, "SIGSEGV"), (12, "SIGUSR2"),
        (13, "SIGPIPE"), (14, "SIGALRM"), (15, "SIGTERM"), (16, "SIGSTKFLT"), (17, "SIGCHLD"),
        (18, "SIGCONT"), (19, "SIGSTOP"), (20, "SIGTSTP"), (21, "SIGTTIN"), (22, "SIGTTOU"), (23, "SIGURG"),
        (24, "SIGXCPU"), (25, "SIGXFSZ"), (26, "SIGVTALRM"), (27, "SIGPROF"), (28, "SIGWINCH"),
        (29, "SIGIO"), (30, "SIGPWR"), (31, "SIGSYS"),
    ),
    "unlink": ((0x200, "AT_REMOVEDIR"),),
}  # fmt: skip

MASKS = {"open": 0o3, "socket type": 0xF, "mmap": 0x3, "block operation": 0xFF}
"""By group, the bits that hold one constant; each of the others is a flag."""

PLAIN = frozenset({"family", "ip protocol", "ethernet protocol", "tcp state", "signal"})
"""The groups whose values are one constant each, not flags."""


def constants(group: str, machine: str) -> Table:
    """Return the names of a group's constants on a machine (`uname -m`); empty for an unknown group."""
    table = _TABLES.get(group, ())
    if group == "open" and machine == "aarch64":
        return tuple((_ARM_OPEN.get(name, value), name) for value, name in table)
    return table
