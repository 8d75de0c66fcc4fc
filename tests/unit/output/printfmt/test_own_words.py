"""Bodies of tracers and system calls, whose words are their own."""

import io

from ktrace.model.batch import Chunk
from ktrace.model.lookups import Lookups
from ktrace.output.formats.text import Text
from tests.unit.output.batches import batch
from tests.unit.output.printfmt.records import bodies, column, event


def line(form, **columns):
    out = io.BytesIO()
    lookups = Lookups(lambda a, offset: {1: "here", 2: "there [m]"}.get(a))
    made = batch(form.name, format=form, lookups=lookups, **{n: column(v) for n, v in columns.items()})
    Text(out).write(Chunk((made,)))
    return out.getvalue().decode().partition(": ")[2]


def test_tracers_have_words_of_their_own():
    ips = ("unsigned long ip 8 0", "unsigned long parent_ip 8 0")
    mark = event(
        '"%ps: %s", (void *)REC->ip, REC->buf', ips[0], "char buf[] 0 0", name="print", system="ftrace"
    )
    assert line(mark, ip=[1], buf=["text\n"]) == "here: text\n"
    function = event('" %ps <-- %ps", REC->ip, REC->parent_ip', *ips, name="function", system="ftrace")
    assert line(function, ip=[1], parent_ip=[2]) == "here <-there\n"
    elsewhere = event('"%ps", (void *)REC->ip', ips[0], name="function", system="mine")
    assert line(elsewhere, ip=[1]) == "function: here\n"


def test_system_calls():
    enter = event('"fd: 0x%08lx, n: 0x%08lx"', "int __syscall_nr 4 1", "unsigned long fd 8 0", "size_t n 8 0",
                  name="sys_enter_exit_read", system="syscalls")  # fmt: skip
    assert line(enter, __syscall_nr=[0], fd=[3], n=[255]) == "sys_exit_read(fd: 3, n: ff)\n"
    named = event('""', "int __syscall_nr 4 1", "const char * file 8 0", "int mode 8 0",
                  "__data_loc char[] __file_val 4 0", name="sys_enter_open", system="syscalls")  # fmt: skip
    assert line(named, __syscall_nr=[2], file=[16], mode=[8], __file_val=["/a"]) == (
        'sys_open(file: 0x10 "/a", mode: 8)\n'
    )
    bare = event('""', "int __syscall_nr 4 1", name="sys_enter_getpid", system="syscalls")
    assert line(bare, __syscall_nr=[39]) == "sys_getpid()\n"
    leave = event('"0x%lx", REC->ret', "int __syscall_nr 4 1", "long ret 8 1", name="sys_exit_read",
                  system="syscalls")  # fmt: skip
    assert line(leave, __syscall_nr=[0], ret=[-2]) == "sys_read -> 0xfffffffffffffffe\n"


def test_system_calls_of_kernels_that_record_texts():
    new = Lookups(call_texts=True)
    enter = event('""', "int __syscall_nr 4 1", "unsigned int fd 8 0", "char * buf 8 0",
                  name="sys_enter_read", system="syscalls")  # fmt: skip
    values = {"__syscall_nr": [0, 0], "fd": [9, 10], "buf": [0, (1 << 64) - 100]}
    assert bodies(enter, new, **values) == [
        "sys_read(fd: 9, buf: 0)", "sys_read(fd: 0xa, buf: 0xffffffffffffff9c)",
    ]  # fmt: skip
    assert bodies(enter, **values)[1] == "sys_read(fd: a, buf: ffffffffffffff9c)"
    data = event('"fd: 0x%08lx, buf: 0x%08lx (%s), count: 0x%08lx", REC->fd, REC->buf, '
                 '__print_dynamic_array(__buf_val, 1), REC->count', "int __syscall_nr 4 1",
                 "unsigned int fd 8 0", "char * buf 8 0", "size_t count 8 0",
                 "__data_loc char[] __buf_val 4 0", name="sys_enter_write", system="syscalls")  # fmt: skip
    values = {"count": [3, 4, 3], "__buf_val": ["hi\n", "\udcff\0!", "\0\n\x7f"]}
    assert bodies(data, new, __syscall_nr=[1] * 3, fd=[1] * 3, buf=[16] * 3, **values) == [
        'sys_write(fd: 1, buf: 0x10 (68:69:0a) "hi.", count: 3)',
        'sys_write(fd: 1, buf: 0x10 (ff:00:21, ...) "..!"..., count: 4)',
        "sys_write(fd: 1, buf: 0x10 (00:0a:7f), count: 3)",
    ]


def test_openat_has_words_of_its_own():
    flags = '(REC->how & ~3) && !(REC->how & 3) ? "O_RDONLY|" : "", REC->how ? __print_flags(REC->how, "|", '
    flags += '{ 0x1, "O_WRONLY" }, { 0x40, "O_CREAT" }, { 0x80000, "O_CLOEXEC" }) : "O_RDONLY"'
    form = event('"dfd: 0x%08lx, filename: 0x%08lx \\"%s\\", how: %s%s, mode: 0%03o", REC->dfd, '
                 f"REC->filename, __get_str(__filename_val), {flags}, ((unsigned long)(REC->mode))",
                 "int __syscall_nr 4 1", "int dfd 8 0", "const char * filename 8 0", "int how 8 0",
                 "umode_t mode 8 0", "__data_loc char[] __filename_val 4 0",
                 name="sys_enter_openat", system="syscalls")  # fmt: skip
    names = {"dfd": [4294967196] * 4, "filename": [4096] * 4, "__filename_val": ["/a"] * 4}
    names |= {"__syscall_nr": [257] * 4, "how": [0, 0x80000, 0x41, 0x10000], "mode": [0, 0, 0o644, 0]}
    assert bodies(form, **names) == [
        'sys_openat(dfd: 4294967196, filename: 4096 "/a", how: O_RDONLY)',
        'sys_openat(dfd: 4294967196, filename: 4096 "/a", how: O_RDONLY|O_CLOEXEC)',
        'sys_openat(dfd: 4294967196, filename: 4096 "/a", how: O_WRONLY|O_CREAT, mode: 0644)',
        'sys_openat(dfd: 4294967196, filename: 4096 "/a", how: O_RDONLY|0x10000, mode: 0000)',
    ]  # fmt: skip


def test_synthetic_events_have_blanks_where_their_format_has_commas():
    form = event('"a=%llu, name=%s", REC->a, __get_str(name)', "u64 a 8 0", "__data_loc char[] name 4 0",
                 name="lat", system="synthetic")  # fmt: skip
    assert line(form, a=[5], name=["x, y=1"]) == "lat: a=5 name=x, y=1\n"
