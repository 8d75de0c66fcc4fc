"""`ktrace list` against the kernel's own files."""

import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path


def test_debugfs_format_is_byte_for_byte(ktrace: Callable, debugfs: Path) -> None:
    ktrace("add", "vfs_read", ",", "vfs_write", ",", "do_fork", ",", "vfs_read+0x10", "--enable", status=None)
    ktrace("add", "-r", "vfs_open")
    assert ktrace("list", "--format", "debugfs").out == (debugfs / "kprobes/list").read_text() != ""
    ktrace("remove", "--all")
    assert ktrace("list", "--format", "debugfs").out == (debugfs / "kprobes/list").read_text() == ""


def test_lines_and_events_are_joined(ktrace: Callable, debugfs: Path) -> None:
    ktrace("add", "vfs_read", "count=%dx:u64")
    ktrace("add", "-r", "vfs_read", "ret=$retval:s64", "--maxactive", "7")
    ktrace("enable", "vfs_read")
    Path("/proc/version").read_bytes()
    listing = ktrace("list", "--json")
    kprobes, probes = listing.records("kprobe"), {p["event"]: p for p in listing.records("probe")}
    addresses = [line.split()[0] for line in (debugfs / "kprobes/list").read_text().splitlines()]
    assert [k["address"] for k in kprobes] == [f"0x{a}" for a in addresses]
    assert {k["event"] for k in kprobes} == {"kprobes/vfs_read", "kprobes/vfs_read__return"}
    entry, exit_ = probes["kprobes/vfs_read"], probes["kprobes/vfs_read__return"]
    assert entry["enabled"] and entry["enabled_in"] == ["top"] and entry["hits"] > 0
    assert entry["args"] == [{"name": "count", "expr": "%dx", "type": "u64"}]
    assert not exit_["enabled"] and exit_["hits"] == 0 and exit_["maxactive"] == 7 and exit_["return"]
    table = ktrace("list").out
    assert table.startswith((debugfs / "kprobes/list").read_text().splitlines()[0][:20])
    assert "vfs_read count=%dx:u64" in table
    ktrace("remove", "vfs_read*")


def test_every_kind_of_event_is_listed_whoever_made_it(
    ktrace: Callable, foreign: Callable, write: Callable, tracing: Path
) -> None:
    foreign("p:mine/hand vfs_read a=%di b=+0(%si):x8[4]")
    write(tracing / "uprobe_events", "p:mine/user /bin/sh:0x1000 a=%di")
    try:
        probes = {p["event"]: p for p in ktrace("list", "--json").records("probe")}
        assert probes["mine/hand"]["definition"] == "p:mine/hand vfs_read a=%di b=+0(%si):x8[4]"
        assert probes["mine/user"]["kind"] == "p" and "/bin/" in probes["mine/user"]["place"]
    finally:
        write(tracing / "uprobe_events", "-:mine/user")


def test_a_kprobe_without_an_event_is_shown(ktrace: Callable, debugfs: Path) -> None:
    """perf_event_open(2) registers a kprobe without an event, as a module does."""
    kind = int(Path("/sys/bus/event_source/devices/kprobe/type").read_text())
    name = ctypes.create_string_buffer(b"vfs_fsync_range")
    attr = bytearray(128)
    struct.pack_into("<IIQ", attr, 0, kind, 128, 0)  # type, size, config (a kprobe, no kretprobe)
    struct.pack_into("<QQ", attr, 56, ctypes.addressof(name), 0)  # config1: function, config2: offset
    libc = ctypes.CDLL(None, use_errno=True)
    perf_event_open = 298  # x86-64's number
    fd = libc.syscall(perf_event_open, (ctypes.c_char * 128).from_buffer(attr), -1, 0, -1, 0)
    assert fd >= 0, os.strerror(ctypes.get_errno())
    try:
        listing = ktrace("list", "--json")
        (line,) = [k for k in listing.records("kprobe") if k["symbol"] == "vfs_fsync_range"]
        assert line["event"] is None and line["kind"] == "k"
        assert "no event" in ktrace("list").out
    finally:
        os.close(fd)


def test_the_global_switch(ktrace: Callable, debugfs: Path) -> None:
    assert ktrace("switch").out == "on\n"
    ktrace("switch", "off")
    try:
        assert (debugfs / "kprobes/enabled").read_text().strip() == "0"
        assert "disarmed" in ktrace("list").err
    finally:
        ktrace("switch", "on")
    assert (debugfs / "kprobes/enabled").read_text().strip() == "1"


def test_names_select_and_unknown_ones_say_what_is_close(ktrace: Callable) -> None:
    ktrace("add", "vfs_read", ",", "vfs_write")
    assert {p["name"] for p in ktrace("list", "--json", "*_read").records("probe")} == {"vfs_read"}
    refused = ktrace("list", "vfs_raed", status=4)
    assert "vfs_read" in refused.err
    ktrace("remove", "kprobes:vfs_*")
    assert ktrace("remove", "vfs_read", status=4).err.startswith("ktrace: there is no probe called")


def test_show(ktrace: Callable) -> None:
    ktrace("add", "vfs_read", "count=%dx:u64", "--stack")
    text = ktrace("show", "vfs_read").out
    assert "p:kprobes/vfs_read vfs_read count=%dx:u64" in text and "stacktrace" in text
    (record,) = ktrace("show", "vfs_read", "--json").records("description")
    assert [f["name"] for f in record["fields"]][-1] == "count" and record["triggers"]
    (static,) = ktrace("show", "sched:sched_switch", "--json").records("description")
    assert static["event"] == "sched/sched_switch" and "next_pid" in {f["name"] for f in static["fields"]}
    ktrace("remove", "vfs_read")
