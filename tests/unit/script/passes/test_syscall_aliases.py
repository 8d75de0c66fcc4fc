"""Aliases of system calls: what each reads."""

import pytest

from ktrace.script.language.parser import parse
from ktrace.script.language.preprocess import Facts, Preprocessor
from ktrace.script.language.source import SourceFile
from ktrace.script.passes.find_events import find_events
from ktrace.script.passes.find_reads import find_reads
from ktrace.script.tapset.syscall_table import read_table
from ktrace.script.tapset.syscalls import syscall_aliases
from ktrace.symbols.syscall_numbers import syscall_names
from ktrace.symbols.syscalls import kernel_name
from tests.unit.script.passes.one_pass import after, handlers
from tests.unit.script.scripts import FakeKernel, compiled

# Numbers that the kernel reserves, or that i386 code has.
WITHOUT_NAMES = {
    *("_sysctl", "create_module", "get_kernel_syms", "query_module", "getpmsg", "putpmsg", "afs_syscall"),
    *("tuxcall", "security", "set_thread_area", "get_thread_area", "epoll_ctl_old", "epoll_wait_old"),
    *("nfsservctl", "vserver"),
}


@pytest.mark.parametrize("name", sorted(set(syscall_names("x86_64").values()) - WITHOUT_NAMES))
def test_every_call_has_arguments_as_text(name: str) -> None:
    kernel = FakeKernel([kernel_name(name, "x86_64")])
    made = compiled(f"probe syscall.{name} {{ println(name, argstr) }}", kernel)
    assert made.bound and not made.warnings


def test_a_call_reads_what_its_text_needs() -> None:
    made = after(find_reads, "probe syscall.openat { println(filename) }", FakeKernel(["openat"]))
    (hook,) = made.hooks
    assert [(read.text, read.kind) for read in hook.wanted.reads] == [("$arg2", "u64"), ("$arg2", "ustring")]


def test_addresses_of_sockets_are_read_in_the_program_s_memory() -> None:
    made = after(find_reads, "probe syscall.connect { println(serv_addr_str) }", FakeKernel(["connect"]))
    texts = [read.text for read in made.hooks[0].wanted.reads]
    assert texts == ["$arg2", "+u0($arg2)", "+u8($arg2)", "+u16($arg2)", "+u2($arg2)"]


def test_calls_and_their_variants_are_one_point() -> None:
    made = after(find_events, "probe syscall.pipe { println(name) }", FakeKernel(["pipe", "pipe2"]))
    assert [bound.found[0].function for bound in made.bound] == ["pipe", "pipe2"]


@pytest.mark.parametrize("names", ["mmap,mmap2", "mmap2,mmap"])
def test_a_call_is_reported_once_where_a_script_names_its_32_bit_form_too(names: str) -> None:
    text = f"probe syscall.{{{names}}} ? {{ println(name, argstr, length) }}"
    made = after(find_events, text, FakeKernel(["mmap"]))
    assert [one.found[0].function for one in made.bound if one.found] == ["mmap"]


def test_addresses_that_are_returned_are_hexadecimal() -> None:
    (text,) = handlers(
        after(find_reads, "probe syscall.mmap.return { println(retstr) }", FakeKernel(["mmap"]))
    )
    assert "return_str(2" in text


def test_one_event_reports_all_calls_unless_their_arguments_are_read() -> None:
    script = parse(SourceFile("t.stp", "probe syscall.* {}"), Preprocessor(Facts("6.1", "x86_64")))
    points = script.probes[0].points
    assert "raw_syscalls:sys_enter" in syscall_aliases("syscall", points, None)
    text = syscall_aliases("syscall", points, None, {"argstr"})
    assert all(syscall_aliases("syscall", points, None, {one}) == text for one in ("pn", "pp", "probefunc"))
    assert "raw_syscalls" not in text and text.count(".return = __ktrace") == len(read_table())


def test_words_of_a_command_line_are_text() -> None:
    text = compiled("probe syscall.execve { println(args) }", FakeKernel(["execve"])).emitted.text
    assert "c_f1" in text and " or 0" not in text.partition("def p_0")[2]


def test_calls_are_seen_at_the_kernel_s_own_names_of_them() -> None:
    made = after(find_events, "probe syscall.stat { println(name) }", FakeKernel(["newstat"]))
    assert [bound.found[0].function for bound in made.bound] == ["newstat"]
    (text,) = handlers(after(find_reads, "probe syscall.stat { println(name) }", FakeKernel(["newstat"])))
    assert "'stat'" in text or '"stat"' in text


def test_the_order_of_arguments_is_that_of_the_architecture() -> None:
    script = parse(SourceFile("t.stp", "probe syscall.clone {}"), Preprocessor(Facts("6.1", "x86_64")))
    points = script.probes[0].points
    assert "tls = ulong_arg(5)" in syscall_aliases("syscall", points, None)
    assert "tls = ulong_arg(4)" in syscall_aliases("syscall", points, None, architecture="arm64")


@pytest.mark.parametrize(
    "script",
    [
        "probe syscall.read { buf = user_string(buf_uaddr) println(buf, argstr) }",
        "global buf probe syscall.read { buf[pid()] = 1 println(argstr) } probe end { println(buf[1]) }",
        'global filename probe syscall.chdir { filename["a"] = 1 println(path, argstr) }',
        "global names probe syscall.read { names[1] = 2 foreach (buf in names) println(buf, argstr) }",
    ],
)
def test_names_that_only_the_kernel_has_for_an_argument_are_free_for_scripts(script: str) -> None:
    made = compiled(script, FakeKernel(["read", "chdir"]))
    assert made.bound and not made.warnings
