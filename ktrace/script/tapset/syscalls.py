"""Aliases of system calls, generated for the calls that a script names."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from ktrace.script.kernel_interface import Machine
from ktrace.script.language.definitions import Point

_ANY = """
probe {name} = kernel.trace("raw_syscalls:sys_enter") {{
    syscall_nr = $id
    name = __ktrace_syscall_name($id)
    argstr = ""
}}
probe {name}.return = kernel.trace("raw_syscalls:sys_exit") {{
    syscall_nr = $id
    name = __ktrace_syscall_name($id)
    retval = $ret
    retstr = return_str(1, $ret)
}}
"""
_ONE = """
probe {prefix}.{name} = __ktrace.syscall("{name}") {{
    name = "{name}"
{variables}
}}
probe {prefix}.{name}.return = __ktrace.syscall("{name}").return {{
    name = "{name}"
    retval = $return
    retstr = return_str({form}, $return)
}}
"""

# The format of each argument: d decimal, u unsigned, x hexadecimal, o octal, p pointer, s user-space text.
# `>` gives the alias's variable name if it differs from the kernel's. `fd:d buf>buf_uaddr:p count:u`
_CALLS = """
accept fd>sockfd:d upeer_sockaddr>addr_uaddr:p upeer_addrlen>addrlen_uaddr:p
accept4 fd>sockfd:d upeer_sockaddr>addr_uaddr:p upeer_addrlen>addrlen_uaddr:p flags:d
access filename>pathname:s mode:o
bind fd>sockfd:d umyaddr>my_addr_uaddr:p addrlen:d
brk brk:p
chdir filename>path:s
chmod filename>path:s mode:o
chown filename>path:s user>owner:d group:d
clock_nanosleep which_clock>clk_id:d flags:d rqtp>req_uaddr:p rmtp>rem_uaddr:p
clone clone_flags:x newsp>stack_start:p
close fd:d
connect fd>sockfd:d uservaddr>serv_addr_uaddr:p addrlen:d
creat pathname:s mode:o
delete_module name_user:s flags:x
dup fildes>oldfd:d
dup2 oldfd:d newfd:d
dup3 oldfd:d newfd:d flags:x
epoll_ctl epfd:d op:d fd:d event>event_uaddr:p
epoll_wait epfd:d events>events_uaddr:p maxevents:d timeout:d
execve filename:s argv>argv_uaddr:p envp>env_uaddr:p
exit error_code>status:d
exit_group error_code>status:d
faccessat dfd>dirfd:d filename>pathname:s mode:o
fchmod fd>fildes:d mode:o
fchown fd:d user>owner:d group:d
fcntl fd:d cmd:d arg:x
fdatasync fd:d
fstat fd>filedes:d statbuf>buf_uaddr:p
fsync fd:d
ftruncate fd:d length:d
futex uaddr>futex_uaddr:p op:d val:d utime>utime_uaddr:p uaddr2>uaddr2_uaddr:p val3:d
getdents64 fd:d dirent>dirp_uaddr:p count:u
getpid
getppid
getrandom buf>buf_uaddr:p count>count:u flags:x
gettid
getuid
fork
io_submit ctx_id:u nr:d iocbpp>iocbpp_uaddr:p
ioctl fd:d cmd>request:x arg>argp:x
kill pid:d sig:d
link oldname>oldpath:s newname>newpath:s
listen fd>sockfd:d backlog:d
lseek fd>fildes:d offset:d whence:d
madvise start:p len_in>length:u behavior>advice:d
mkdir pathname:s mode:o
mkdirat dfd>dirfd:d pathname:s mode:o
mmap addr>start:p len>length:u prot:x flags:x fd:d off>offset:d
mount dev_name>source:s dir_name>target:s type>filesystemtype:s flags>mountflags:x
mprotect start>addr:p len:u prot:x
munmap addr>start:p len>length:u
nanosleep rqtp>req_uaddr:p rmtp>rem_uaddr:p
newfstatat dfd>dirfd:d filename>path:s statbuf>buf_uaddr:p flag>flags:x
open filename:s flags:x mode:o
openat dfd>dfd:d filename:s flags:x mode:o
openat2 dfd>dfd:d filename:s how>how_uaddr:p usize>size:u
pipe fildes>pipe_uaddr:p
pipe2 fildes>pipe_uaddr:p flags:x
poll ufds>ufds_uaddr:p nfds:u timeout_msecs>timeout:d
prctl option:d arg2:x arg3:x arg4:x arg5:x
pread64 fd:d buf>buf_uaddr:p count:u pos>offset:d
ptrace request:d pid:d addr:p data:p
pwrite64 fd:d buf>buf_uaddr:p count:u pos>offset:d
read fd:d buf>buf_uaddr:p count:u
readlink path:s buf>buf_uaddr:p bufsiz:d
readv fd:d vec>vector_uaddr:p vlen>count:d
recvfrom fd>s:d ubuf>buf_uaddr:p size>len:u flags:x addr>addr_uaddr:p addr_len>addrlen_uaddr:p
recvmsg fd>s:d msg>msg_uaddr:p flags:x
rename oldname>oldpath:s newname>newpath:s
renameat2 olddfd:d oldname>oldpath:s newdfd:d newname>newpath:s flags:x
rmdir pathname:s
rt_sigaction sig:d act>act_uaddr:p oact>oact_uaddr:p sigsetsize:u
rt_sigprocmask how:d nset>set_uaddr:p oset>oset_uaddr:p sigsetsize:u
rt_sigtimedwait uthese>uthese_uaddr:p uinfo>uinfo_uaddr:p uts>uts_uaddr:p sigsetsize:u
select n:d inp>readfds_uaddr:p outp>writefds_uaddr:p exp>exceptfds_uaddr:p tvp>timeout_uaddr:p
sendmsg fd>s:d msg>msg_uaddr:p flags:x
sendto fd>s:d buff>buf_uaddr:p len:u flags:x addr>to_uaddr:p addr_len>tolen:d
setsockopt fd:d level:d optname:d optval>optval_uaddr:p optlen:d
shutdown fd>s:d how:d
socket family:d type:d protocol:d
stat filename:s statbuf>buf_uaddr:p
symlink oldname>oldpath:s newname>newpath:s
sync
tgkill tgid:d pid:d sig:d
truncate path:s length:d
umask mask:o
uname name>name_uaddr:p
unlink pathname:s
unlinkat dfd>dirfd:d pathname:s flag:x
utimensat dfd>dirfd:d filename>path:s utimes>tsp_uaddr:p flags:x
vfork
wait4 upid>pid:d stat_addr>status_uaddr:p options:x ru>rusage_uaddr:p
write fd:d buf>buf_uaddr:p count:u
writev fd:d vec>vector_uaddr:p vlen>count:d
"""
# Calls that 64-bit programs never make: send() is sendto there. As in SystemTap, the probe points exist.
_NEVER = """
probe {prefix}.{name} = never {{
    name = "{name}"
    argstr = ""
    s = len = size = flags = buf_uaddr = 0
}}
probe {prefix}.{name}.return = never {{
    name = "{name}"
    retval = 0
    retstr = ""
}}
"""
_NEVER_CALLED = ("send", "recv")
_HEXADECIMAL_RETURNS = ("brk", "mmap", "mremap", "shmat")
_FORMS = {"d": "%d", "u": "%u", "x": "0x%x", "o": "%#o", "p": "0x%x", "s": "%s"}


def syscall_aliases(prefix: str, points: Iterable[Point], machine: Machine | None) -> str:
    """Return script text with an alias for each call that a probe point names.

    `syscall.*` matches all calls: one kernel event reports all of them.
    """
    if prefix.endswith("_any"):
        return _ANY.format(name=prefix)
    asked = {p.parts[1].name for p in points if p.parts[0].name == prefix and len(p.parts) > 1}
    text = ""
    if "*" in asked:
        text += _ANY.format(name=f"{prefix}.__any")
        asked.discard("*")
    known = dict(line.partition(" ")[::2] for line in _CALLS.split("\n") if line)
    names = dict.fromkeys([*known, *(machine.syscalls().values() if machine and asked else ())])
    for name in names:
        if any(name == one or ("*" in one and fnmatchcase(name, one)) for one in asked):
            text += _alias(prefix, name, known.get(name, ""))
    for name in _NEVER_CALLED:
        if name in asked:
            text += _NEVER.format(prefix=prefix, name=name)
    return text


def _alias(prefix: str, name: str, words: str) -> str:
    lines: list[str] = []
    forms: list[str] = []
    shown: list[str] = []
    for word in words.split():
        own, _, form = word.partition(":")
        param, _, called = own.partition(">")
        called = called or param
        value = f"user_string(${param})" if form == "s" else f"${param}"
        # Another kernel may name a parameter differently. Then only that argument is missing.
        lines.append(f"    {called} = @defined(${param}) ? {value} : {_missing(form)}")
        forms.append(_FORMS[form])
        shown.append(f"text_strn({called}, 80, 1)" if form == "s" else called)
    args = "".join(", " + one for one in shown)
    lines.append(f'    argstr = sprintf("{", ".join(forms)}"{args})')
    returns = 2 if name in _HEXADECIMAL_RETURNS else 1
    return _ONE.format(prefix=prefix, name=name, variables="\n".join(lines), form=returns)


def _missing(form: str) -> str:
    return '""' if form == "s" else "0"
