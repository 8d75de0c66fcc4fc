"""System calls by their own name, and by the names of their parameters, on every kernel."""

import ctypes
import os
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from tests.kernel.scene import COMM, COUNT, EXIT, FILE, FOLDER, MADE, PORT, POS, play

CALLS = (
    *("openat", "filename:ustring", "flags", "mode", "dfd", ","),
    *("read", "fd", "count", "second=$arg2", ","),
    *("lseek", "$args", ","),
    *("mkdir", "pathname:ustring", "mode", ","),
    *("kill", "pid", "signal=sig", ","),
    *("exit_group", "error_code", ","),
    *("read%return", "$retval"),
)


def only(records: list[dict], *names: str) -> list[tuple]:
    """Return the arguments of these names alone, whatever text stands next to them."""
    return [tuple(record[name] for name in names) for record in records]


def test_parameters_are_read_out_of_the_process_registers(start: Callable, tracing: Path) -> None:
    run = start("trace", *CALLS, "--json", "--filter", f"COMM == '{COMM}'")
    facts = play(run, tracing)
    outcome = run.wait()
    assert "openat is __x64_sys_openat in this kernel" in outcome.err
    found: dict[str, list[dict]] = {}
    for record in outcome.records("event"):
        found.setdefault(record["event"], []).append(record["args"])
    path = f"/tmp/{FOLDER}/{FILE}"
    flags = {"flags": os.O_RDONLY | os.O_CLOEXEC, "flags_text": "O_RDONLY|O_CLOEXEC"}
    opened = {"filename": path, **flags, "mode": 0, "dfd": -100}
    assert any(opened.items() <= args.items() for args in found["openat"]), found["openat"]
    assert {"fd": facts["fd"], "count": COUNT, "second": facts["buffer"]} in found["read"]
    assert {"fd": facts["fd"], "offset": POS, "whence": 0} in found["lseek"]
    assert only(found["mkdir"], "pathname", "mode") == [(f"/tmp/{FOLDER}/{MADE}", 0o777)]
    assert (facts["self"], signal.SIGURG) in only(found["kill"], "pid", "signal")
    assert {"error_code": EXIT} in found["exit_group"]
    assert {"ret": COUNT} in found["read__return"]


def test_old_and_inner_names_lead_there_too(ktrace: Callable) -> None:
    for name in ("sys_openat", "__x64_sys_openat"):
        ktrace("add", name, "filename:ustring", "--name", "opened")
        (probe,) = ktrace("list", "--json").records("probe")
        assert probe["place"] == "__x64_sys_openat"
        assert probe["args"] == [{"name": "filename", "expr": "+0(+0x68(%di))", "type": "ustring"}]
        ktrace("remove", "opened")


def test_an_unknown_parameter_names_those_there_are(ktrace: Callable) -> None:
    err = ktrace("add", "openat", "fd=filenam:ustring", status=2).err
    assert "system call openat has no parameter 'filenam'" in err and "did you mean filename?" in err
    lines = err.splitlines()
    assert lines[1][lines[2].index("^") :] == "filenam:ustring"


def test_a_function_goes_before_a_system_call(ktrace: Callable) -> None:
    """A name is looked up among the system calls only if no function has it."""
    added = ktrace("add", "vfs_open", ",", "mount", "--dry-run")
    assert "vfs_open vfs_open" in added.out and "mount is __x64_sys_mount" in added.err


def test_what_parameters_point_to_is_the_process_memory(start: Callable, tracing: Path) -> None:
    words = ("connect", "((struct sockaddr_in *)uservaddr)->sin_port", "uservaddr->sa_family", "addrlen")
    run = start("trace", *words, "--json", "--filter", f"COMM == '{COMM}'")
    play(run, tracing)
    outcome = run.wait()
    args = [r["args"] for r in outcome.records("event")]
    wanted = {
        "sin_port": socket.htons(PORT), "sin_port_text": str(PORT),
        "sa_family": socket.AF_INET, "sa_family_text": "AF_INET", "addrlen": 16,
    }  # fmt: skip
    assert wanted in args, (args, outcome.err)


def test_a_struct_that_is_passed(start: Callable, armed: Callable) -> None:
    """openat2(2) with `struct open_how`: members by their names, and parameters by typed number."""
    run = start("trace", "openat2", "how->flags", "how->resolve", "$arg1:s32", "size=$arg4:u16", "--json")
    run.until(armed)
    how = struct.pack("QQQ", os.O_RDONLY | os.O_DIRECTORY, 0, 0x10)  # RESOLVE_IN_ROOT
    fd = ctypes.CDLL(None).syscall(437, -100, b".", how, len(how))
    assert fd >= 0
    os.close(fd)
    run.signal(signal.SIGINT)
    (record,) = run.wait().records("event")
    assert record["args"] == {
        "flags": os.O_RDONLY | os.O_DIRECTORY, "flags_text": "O_RDONLY|O_DIRECTORY",
        "resolve": 0x10, "dfd": -100, "size": len(how),
    }  # fmt: skip


def test_typed_numbers_are_the_calls_own(ktrace: Callable) -> None:
    """Without anything that needs a look-up: what it enters through is known once the kernel has said no."""
    ktrace("add", "openat", "$arg1:s32", "n=$arg3:x32")
    (probe,) = ktrace("list", "--json").records("probe")
    assert [a["expr"] for a in probe["args"]] == ["+0x70(%di)", "+0x60(%di)"]
    ktrace("remove", "openat")
