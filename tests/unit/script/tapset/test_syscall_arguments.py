"""Statements for the arguments of system calls."""

import pytest

from ktrace.script.tapset.syscall_arguments import Statements
from ktrace.script.tapset.syscall_table import arguments


def made(call: str) -> dict[str, str]:
    """Return the variables of a call and their expressions, and that of `argstr`."""
    statements = Statements()
    for one in arguments(call):
        statements.argument(one)
    found = dict(line.strip().split(" = ", 1) for line in statements.lines)
    return {**found, "argstr": statements.text()}


def test_a_number_has_the_kernel_s_name_and_the_documented_one() -> None:
    found = made("accept")
    assert found["fd"] == found["sockfd"] == "int_arg(1)"
    assert found["fd_str"] == 'sprintf("%d", int_arg(1))'


def test_a_pointer_has_its_address_by_two_names() -> None:
    found = made("read")
    assert found["buf"] == found["buf_uaddr"] == "pointer_arg(2)"
    assert found["argstr"] == 'sprintf("%d, 0x%x, %u", int_arg(1), pointer_arg(2), ulong_arg(3))'


def test_a_struct_that_is_not_read_says_so() -> None:
    assert made("sysinfo")["info_str"].startswith("__ktrace_unreadable(")


def test_text_is_quoted_plain_and_an_address() -> None:
    found = made("chdir")
    assert found["path"] == "__ktrace_path(pointer_arg(1), user_string(pointer_arg(1)))"
    assert found["filename"] == found["path_str"] == "path"
    assert found["path_unquoted"] == found["path_str_unquoted"] == "user_string(pointer_arg(1))"
    assert found["path_uaddr"] == "pointer_arg(1)"


@pytest.mark.parametrize(("call", "taken"), [("memfd_create", "name"), ("acct", "name"), ("execve", "argv")])
def test_names_that_mean_something_else_are_not_arguments(call: str, taken: str) -> None:
    assert taken not in made(call)


def test_flags_of_64_bits_are_read_whole() -> None:
    assert made("mount")["flags"] == "ulong_arg(4)" and made("openat")["flags"] == "uint_arg(3)"
    assert made("mount")["mountflags_str"] == '__ktrace_flags("mount", ulong_arg(4))'


def test_a_mode_is_shown_if_a_file_may_be_created() -> None:
    text = made("mq_open")["argstr"].split(" . ")
    assert len(text) == 3 and "0x40" in text[1] and text[2] == 'sprintf(", 0x%x", pointer_arg(4))'


@pytest.mark.parametrize(
    ("operation", "shown"),
    [(0, "value"), (1, ""), (3, "value address"), (5, "value address comparison"), (9, "value comparison"),
     (10, "comparison"), (11, "value address"), (7, ""), (127, "")],
)  # fmt: skip
def test_futex_shows_what_its_operation_takes(operation: int, shown: str) -> None:
    text = made("futex")["argstr"].split(" . ")
    assert len(text) == 4
    for part, word in zip(text[1:], ("value", "address", "comparison"), strict=True):
        condition = (
            part[1:].partition(" ?")[0].replace("int_arg(2)", str(operation | 0x80)).replace("&&", "and")
        )
        assert bool(eval(condition)) is (word in shown)


def test_an_address_has_parts() -> None:
    found = made("bind")
    assert "uaddr_ip" in found and 'sockaddr_part("ip_port"' in found["uaddr_ip_port"]
    assert found["my_addr_str"] == found["umyaddr_str"]


def test_text_has_the_names_that_scripts_use() -> None:
    assert "args" in made("execve") and "sig_name" in made("kill") and "timestr" in made("io_getevents")
    assert made("utime")["modtime"] == "user_int64(pointer_arg(2) + 8)"
