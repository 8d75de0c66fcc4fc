import pytest

from ktrace.errors import UsageError
from ktrace.model.ctype import FuncProto, Function, Int, Param, Pointer, Qualified, Record
from ktrace.model.miss import Miss
from ktrace.symbols.syscalls import (
    SyscallParam,
    argument_source,
    call_of,
    fetch_args,
    function_names,
    kernel_name,
    params_from_format,
    params_from_types,
    syscall_name,
)

FORMAT = """name: sys_enter_openat
ID: 613
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;
\tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;
\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;
\tfield:int flags;\toffset:32;\tsize:8;\tsigned:0;
\tfield:umode_t mode;\toffset:40;\tsize:8;\tsigned:0;
\tfield:__data_loc char[] __filename_val;\toffset:48;\tsize:4;\tsigned:0;

print fmt: "dfd: 0x%08lx", ((unsigned long)(REC->dfd))
"""
OPENAT = params_from_format(FORMAT)


def texts(text: str, function: str, machine: str = "x86_64", **options: bool) -> list[str]:
    return [arg.to_text() for arg in fetch_args(text, function, OPENAT, machine, **options)]


def test_parameters_from_the_events_format() -> None:
    assert (
        SyscallParam("dfd", "int"),
        SyscallParam("filename", "const char *"),
        SyscallParam("flags", "int"),
        SyscallParam("mode", "umode_t"),
    ) == OPENAT


@pytest.mark.parametrize("name", ["openat", "sys_openat", "__x64_sys_openat", "__arm64_sys_openat"])
def test_names_of_a_call(name: str) -> None:
    assert syscall_name(name) == "openat"
    assert syscall_name("sysinfo") == "sysinfo"
    assert syscall_name("sys_") == "sys_"


@pytest.mark.parametrize(
    ("machine", "names"),
    [
        ("x86_64", ("__x64_sys_read", "sys_read")),
        ("aarch64", ("__arm64_sys_read", "sys_read")),
        ("riscv64", ("__riscv_sys_read", "sys_read")),
        ("s390x", ("sys_read",)),
    ],
)
def test_functions_of_a_call(machine: str, names: tuple[str, ...]) -> None:
    assert function_names("read", machine) == names


@pytest.mark.parametrize(
    ("machine", "call", "name"),
    [
        ("x86_64", "stat", "newstat"),
        ("x86_64", "uname", "newuname"),
        ("x86_64", "sendfile", "sendfile64"),
        ("x86_64", "umount2", "umount"),
        ("x86_64", "fadvise64", "fadvise64"),
        ("aarch64", "fadvise64", "fadvise64_64"),
        ("aarch64", "fstat", "newfstat"),
        ("s390x", "stat", "stat"),
    ],
)
def test_some_calls_have_another_name_in_the_kernel(machine: str, call: str, name: str) -> None:
    assert kernel_name(call, machine) == name
    assert call_of(name, machine) == call
    assert function_names(call, machine)[-1] == f"sys_{name}"


@pytest.mark.parametrize(
    ("machine", "function", "sources"),
    [
        (
            "x86_64",
            "__x64_sys_x",
            ["+0x70(%di)", "+0x68(%di)", "+0x60(%di)", "+0x38(%di)", "+0x48(%di)", "+0x40(%di)"],
        ),
        ("aarch64", "__arm64_sys_x", ["+0(%x0)", "+0x8(%x0)", "+0x10(%x0)", "+0x18(%x0)"]),
        ("riscv64", "__riscv_sys_x", ["+0x118(%a0)", "+0x58(%a0)", "+0x60(%a0)"]),
        ("x86_64", "sys_x", ["%di", "%si", "%dx", "%cx", "%r8", "%r9"]),
        ("riscv64", "sys_x", ["%a0", "%a1"]),
    ],
)
def test_where_arguments_are(machine: str, function: str, sources: list[str]) -> None:
    assert [argument_source(function, n, machine) for n in range(1, len(sources) + 1)] == sources


def test_without_registers() -> None:
    assert argument_source("__x64_sys_x", 2, "x86_64", registers=False) == "+0x68($arg1)"
    assert argument_source("sys_x", 2, "x86_64", registers=False) == "$arg2"


def test_arguments_that_there_are_not() -> None:
    for number in (0, 7):
        with pytest.raises(UsageError):
            argument_source("__x64_sys_x", number, "x86_64")
    with pytest.raises(UsageError, match="s390x"):
        argument_source("sys_x", 1, "s390x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("filename:ustring", ["filename=+0(+0x68(%di)):ustring"]),
        ("filename:string", ["filename=+0(+0x68(%di)):ustring"]),
        ("filename", ["filename=+0(+0x68(%di)):ustring"]),
        ("path=filename", ["path=+0(+0x68(%di)):ustring"]),
        ("filename:x64", ["filename=+0x68(%di):x64"]),
        ("filename:x8[4]", ["filename=+u0(+0x68(%di)):x8[4]"]),
        ("dfd", ["dfd=+0x70(%di):s32"]),
        ("mode", ["mode=+0x38(%di):u16"]),
        ("$comm", ["$comm"]),
        ("ret=$retval:s64", ["ret=$retval:s64"]),
        (
            "$args",
            [
                "dfd=+0x70(%di):s32",
                "filename=+0(+0x68(%di)):ustring",
                "flags=+0x60(%di):s32",
                "mode=+0x38(%di):u16",
            ],
        ),
    ],
)
def test_arguments_by_name(text: str, expected: list[str]) -> None:
    assert texts(text, "__x64_sys_openat") == expected


def test_arguments_of_a_plain_function() -> None:
    assert texts("filename", "sys_openat") == ["filename=+0(%si):ustring"]
    assert texts("mode", "sys_openat", "aarch64") == ["mode=%x3:u16"]


def test_a_parameter_that_there_is_not() -> None:
    with pytest.raises(UsageError) as caught:
        fetch_args("a=filenam", "__x64_sys_openat", OPENAT, "x86_64")
    assert caught.value.caret == 2
    assert caught.value.hint == (
        "did you mean filename?\nparameters: int dfd, const char * filename, int flags, umode_t mode"
    )


@pytest.mark.parametrize(
    ("ctype", "fetch"),
    [
        ("unsigned int", "u32"),
        ("unsigned", "u32"),
        ("long", "s64"),
        ("unsigned long", "u64"),
        ("long long int", "s64"),
        ("char", "s8"),
        ("size_t", "u64"),
        ("pid_t", "s32"),
        ("struct iovec *", "x64"),
        ("const char *const *", "x64"),
        ("char *", "x64"),
        ("const char __user *", "ustring"),
        ("const unsigned char *", "x64"),
        ("something_t", "x64"),
    ],
)
def test_types_of_parameters(ctype: str, fetch: str) -> None:
    assert SyscallParam("x", ctype).fetch_type == fetch


LONG = Int("long", 8, True, bits=64)
REGS = Pointer(Qualified("const", Record("struct", "pt_regs", 168, 1)))


def test_parameters_from_types() -> None:
    known = {
        "sys_read": Function("sys_read", FuncProto(LONG, (Param("regs", REGS),))),
        "__se_sys_read": Function("__se_sys_read", FuncProto(LONG, (Param("fd", LONG), Param("buf", LONG)))),
    }

    def functions(name: str) -> tuple[Function, ...] | Miss:
        return (known[name],) if name in known else Miss("BTF", "no such function")

    assert params_from_types("read", functions) == (SyscallParam("fd", "long"), SyscallParam("buf", "long"))
    known["__do_sys_read"] = Function("__do_sys_read", FuncProto(LONG, (Param("fd", Int("int", 4, True)),)))
    assert params_from_types("read", functions) == (SyscallParam("fd", "int"),)
    assert isinstance(params_from_types("write", functions), Miss)
