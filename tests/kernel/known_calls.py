"""System calls with arguments that are known beforehand, and how a script shows them.

Run as a program, it makes them. Structs are at fixed addresses. Most calls fail, so that they change nothing.
It imports little, because each import makes calls, too.
"""

import ctypes
import gc
import struct

PAGE = 0x10000000
FILE = b"/tmp/ktrace-known-calls"
NONE = b"/no/such"
PATH = FILE.decode()


class At(bytes):
    """Bytes that are put in memory; the call gets their address."""


IN = At(struct.pack("=H", 2) + struct.pack(">H4s8x", 8080, bytes((127, 0, 0, 1))))
IN6 = At(struct.pack("=H", 10) + struct.pack(">HI16s", 443, 0, bytes(15) + b"\1") + struct.pack("=I", 3))
UNIX = At(struct.pack("=H", 1) + b"/no/such.sock\0")
NETLINK = At(struct.pack("=HHII", 16, 0, 77, 5))
TIME = At(struct.pack("=qq", 0, 1000))
BAD_TIME = At(struct.pack("=qq", 7, 2_000_000_000))
TIMES = At(struct.pack("=qqqq", 1, 2, 3, 4))
LIMIT = At(struct.pack("=qq", 4096, -1))
SIGNALS = At(struct.pack("=Q", 1 << 9 | 1 << 16))
ACTION = At(struct.pack("=QQQQ", 1, 0x10000000, 0, 1 << 14))
SPACE = At(bytes(512))
PLACES = (IN, IN6, UNIX, NETLINK, TIME, BAD_TIME, TIMES, LIMIT, SIGNALS, ACTION, SPACE)
ADDRESSES = {one: PAGE + 0x200 * n for n, one in enumerate(PLACES)}
TO = f"0x{ADDRESSES[SPACE]:x}"

FIXED, MOVED = PAGE + 0x100000, PAGE + 0x200000
MAPPED = "PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0"

# Number of the call on x86-64, its name in scripts, its arguments, their text, its result; None if not known.
CALLS: tuple[tuple[int, str, tuple[int | bytes, ...], str, str | None], ...] = (
    (257, "openat", (-100, FILE, 0o2000102, 0o640),
     f'AT_FDCWD, "{PATH}", O_RDWR|O_CREAT|O_CLOEXEC, 0640', "3"),
    (257, "openat", (-100, NONE, 0o200000, 0o777),
     'AT_FDCWD, "/no/such", O_RDONLY|O_DIRECTORY', "-2 (ENOENT)"),
    (2, "open", (NONE, 0o2001, 0), '"/no/such", O_WRONLY|O_APPEND', "-2 (ENOENT)"),
    (1, "write", (3, b"a\n\x01\"z", 5), '3, "a\\n\\001\\"z", 5', "5"),
    (18, "pwrite64", (3, b"x" * 40, 40, 5), f'3, "{"x" * 32}"..., 40, 5', "40"),
    (0, "read", (3, SPACE, 9), f"3, {TO}, 9", "9"),
    (17, "pread64", (3, SPACE, 4, 1), f"3, {TO}, 4, 1", "4"),
    (8, "lseek", (3, -2, 2), "3, -2, SEEK_END", "43"),
    (4, "stat", (FILE, SPACE), f'"{PATH}", {TO}', "0"),
    (5, "fstat", (-1, SPACE), f"-1, {TO}", "-9 (EBADF)"),
    (262, "newfstatat", (-100, NONE, SPACE, 0x100),
     f'AT_FDCWD, "/no/such", {TO}, AT_SYMLINK_NOFOLLOW', "-2 (ENOENT)"),
    (63, "uname", (SPACE,), TO, "0"),
    (40, "sendfile", (-1, -1, 0, 5), "-1, -1, 0x0, 5", "-9 (EBADF)"),
    (21, "access", (NONE, 6), '"/no/such", W_OK|R_OK', "-2 (ENOENT)"),
    (90, "chmod", (NONE, 0o4755), '"/no/such", 04755', "-2 (ENOENT)"),
    (93, "fchown", (3, -1, 0), "3, -1, 0", "0"),
    (82, "rename", (NONE, b"/no/other"), '"/no/such", "/no/other"', "-2 (ENOENT)"),
    (263, "unlinkat", (-100, NONE, 0x200), 'AT_FDCWD, "/no/such", AT_REMOVEDIR', "-2 (ENOENT)"),
    (285, "fallocate", (3, 1, 0, 4096), "3, FALLOC_FL_KEEP_SIZE, 0, 4096", None),
    (280, "utimensat", (-100, NONE, TIMES, 0),
     'AT_FDCWD, "/no/such", [1.000000002][3.000000004], 0x0', "-2 (ENOENT)"),
    (165, "mount", (b"none", NONE, b"tmpfs", 3, b"size=1"),
     '"none", "/no/such", "tmpfs", MS_RDONLY|MS_NOSUID, "size=1"', "-2 (ENOENT)"),
    (166, "umount2", (NONE, 2), '"/no/such", MNT_DETACH', "-2 (ENOENT)"),
    (9, "mmap", (FIXED, 8192, 3, 0x32, -1, 0), f"0x{FIXED:x}, 8192, {MAPPED}", f"0x{FIXED:x}"),
    (10, "mprotect", (FIXED, 4096, 0), f"0x{FIXED:x}, 4096, PROT_NONE", "0"),
    (28, "madvise", (FIXED + 4096, 4096, 4), f"0x{FIXED + 4096:x}, 4096, MADV_DONTNEED", "0"),
    (25, "mremap", (FIXED + 4096, 4096, 4096, 3, MOVED),
     f"0x{FIXED + 4096:x}, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x{MOVED:x}", f"0x{MOVED:x}"),
    (11, "munmap", (FIXED, 4096), f"0x{FIXED:x}, 4096", "0"),
    (9, "mmap", (0, 0, 1, 2, -1, 0), "0x0, 0, PROT_READ, MAP_PRIVATE, -1, 0", "-9 (EBADF)"),
    (30, "shmat", (-1, 0, 0o10000), "-1, 0x0, SHM_RDONLY", "-22 (EINVAL)"),
    (72, "fcntl", (3, 1030, 70), "3, F_DUPFD_CLOEXEC, 0x46", "70"),
    (16, "ioctl", (3, 0x5413, SPACE), f"3, 0x5413, {TO}", "-25 (ENOTTY)"),
    (41, "socket", (2, 0x80001, 0), "AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP", "4"),
    (42, "connect", (-1, IN, 16), "-1, {AF_INET, 127.0.0.1, 8080}, 16", "-9 (EBADF)"),
    (42, "connect", (-1, IN6, 28), "-1, {AF_INET6, ::1, 443}, 28", "-9 (EBADF)"),
    (42, "connect", (-1, UNIX, 16), "-1, {AF_UNIX, /no/such.sock}, 16", "-9 (EBADF)"),
    (49, "bind", (-1, NETLINK, 12), "-1, {AF_NETLINK, pid=77, groups=00000005}, 12", "-9 (EBADF)"),
    (44, "sendto", (-1, b"abc", 3, 0x4040, IN, 16),
     '-1, "abc", 3, MSG_DONTWAIT|MSG_NOSIGNAL, {AF_INET, 127.0.0.1, 8080}, 16', "-9 (EBADF)"),
    (54, "setsockopt", (-1, 1, 2, SPACE, 4), f"-1, SOL_SOCKET, SO_REUSEADDR, {TO}, 4", "-9 (EBADF)"),
    (234, "tgkill", (-1, -1, 10), "-1, -1, SIGUSR1", "-22 (EINVAL)"),
    (14, "rt_sigprocmask", (0, SIGNALS, 0, 8), "SIG_BLOCK, [SIGUSR1|SIGCHLD], 0x0, 8", "0"),
    (13, "rt_sigaction", (30, ACTION, 0, 8), "SIGPWR, {SIG_IGN, [SIGTERM], SA_RESTART}, 0x0, 8", "0"),
    (35, "nanosleep", (TIME, 0), "[0.000001000], 0x0", "0"),
    (230, "clock_nanosleep", (1, 1, BAD_TIME, 0),
     "CLOCK_MONOTONIC, TIMER_ABSTIME, [7.2000000000], 0x0", "-22 (EINVAL)"),
    (202, "futex", (SPACE, 0x80, 5, TIME, 0, 0),
     f"{TO}, FUTEX_WAIT|FUTEX_PRIVATE_FLAG, 5, [0.000001000]", "-11 (EAGAIN)"),
    (202, "futex", (SPACE, 0x81, 1, TIME, SPACE, 9), f"{TO}, FUTEX_WAKE|FUTEX_PRIVATE_FLAG, 1", "0"),
    (202, "futex", (SPACE, 4, 1, 2, SPACE, 9), f"{TO}, FUTEX_CMP_REQUEUE, 1, 2, {TO}, 9", "-11 (EAGAIN)"),
    (302, "prlimit64", (-1, 7, LIMIT, 0), "-1, RLIMIT_NOFILE, [4096,RLIM_INFINITY], 0x0", "-3 (ESRCH)"),
    (61, "wait4", (-1, 0, 3, 0), "-1, 0x0, WNOHANG|WUNTRACED, 0x0", "-10 (ECHILD)"),
    (308, "setns", (-1, 0x40000000), "-1, CLONE_NEWNET", "-9 (EBADF)"),
    (95, "umask", (0o27,), "027", None),
    (95, "umask", (0o22,), "022", "027"),
    (318, "getrandom", (SPACE, 4, 1), f"{TO}, 4, GRND_NONBLOCK", "4"),
    (291, "epoll_create1", (0x80000,), "EPOLL_CLOEXEC", "5"),
    (293, "pipe2", (0, 0x80800), "0x0, O_NONBLOCK|O_CLOEXEC", "-14 (EFAULT)"),
    (133, "mknod", (NONE, 0o10600, 0), '"/no/such", S_IFIFO|0600, 0', "-2 (ENOENT)"),
    (87, "unlink", (FILE,), f'"{PATH}"', "0"),
)  # fmt: skip


def main() -> None:
    """Make the calls."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = libc.mmap.restype = ctypes.c_long
    # Readable and writable; private, fixed and anonymous.
    assert libc.mmap(*map(ctypes.c_long, (PAGE, 0x4000, 3, 0x32, -1, 0))) == PAGE
    for one, address in ADDRESSES.items():
        ctypes.memmove(address, bytes(one), len(one))
    todo = [[word(one) for one in (number, *args)] for number, _name, args, _text, _result in CALLS]
    gc.disable()
    libc.close_range(3, 100, 0)
    for words in todo:
        libc.syscall(*words)


def word(one: int | bytes) -> ctypes.c_long | ctypes.c_char_p:
    """Return an argument as libc takes it."""
    if isinstance(one, At):
        return ctypes.c_long(ADDRESSES[one])
    return ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one)


if __name__ == "__main__":
    main()
