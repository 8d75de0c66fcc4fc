from dataclasses import replace
from itertools import pairwise

from ktrace.vm import qemu
from ktrace.vm.accel import Accel

MACHINE = qemu.Machine(
    program="/usr/bin/qemu-system-x86_64",
    kernel="/boot/vmlinuz",
    initrd="/proc/self/fd/9",
    accel=Accel(False, "no"),
    cpus=3,
    memory_mb=700,
    console_fd=10,
    shares=(qemu.Share("ktrace-root", 11), qemu.Share("ktrace-share", 12)),
    ports=(qemu.Port("ktrace.control", 13), qemu.Port("ktrace.stdout", 14)),
)


def values(words: list[str], option: str) -> list[str]:
    return [after for word, after in pairwise(words) if word == option]


def test_program_comes_first_and_kernel_and_initrd_are_named():
    words = qemu.argv(MACHINE)
    assert words[0] == "/usr/bin/qemu-system-x86_64"
    assert values(words, "-kernel") == ["/boot/vmlinuz"]
    assert values(words, "-initrd") == ["/proc/self/fd/9"]


def test_a_crash_ends_qemu():
    words = qemu.argv(MACHINE)
    assert "-no-reboot" in words
    assert {"panic=-1", "oops=panic", "console=ttyS0"} <= set(values(words, "-append")[0].split())


def test_a_clock_that_counts_instructions():
    """Counting instructions requires emulation: KVM cannot count them."""
    assert "-icount" not in qemu.argv(MACHINE)
    for found in (Accel(True), Accel(False, "no")):
        words = qemu.argv(replace(MACHINE, accel=found.counted()))
        assert values(words, "-icount") == ["shift=0,sleep=off"]
        assert values(words, "-accel") == ["tcg,thread=single"]


def test_more_words_come_after_our_own():
    assert values(qemu.argv(MACHINE), "-append") == [qemu.KERNEL_LINE]
    words = qemu.argv(replace(MACHINE, append="nokaslr quiet"))
    assert values(words, "-append") == [qemu.KERNEL_LINE + " nokaslr quiet"]


def test_memory_is_shared_with_virtiofsd_and_has_one_size():
    words = qemu.argv(MACHINE)
    assert values(words, "-m") == ["700M"]
    assert values(words, "-object") == ["memory-backend-memfd,id=mem,size=700M,share=on"]
    assert values(words, "-machine") == ["memory-backend=mem"]
    assert values(words, "-smp") == ["3"]


def test_acceleration():
    assert values(qemu.argv(MACHINE), "-accel") == ["tcg,thread=single"]
    fast = qemu.argv(replace(MACHINE, accel=Accel(True)))
    assert values(fast, "-accel") == ["kvm"]
    assert values(fast, "-cpu") == ["host"]


def test_every_device_has_the_socket_of_its_own_descriptor():
    words = qemu.argv(MACHINE)
    sockets = {part.split("id=")[1].split(",")[0]: part.split("fd=")[1] for part in values(words, "-chardev")}
    assert sockets[values(words, "-serial")[0].removeprefix("chardev:")] == "10"
    devices = {}
    for device in values(words, "-device"):
        options = dict(part.split("=", 1) for part in device.split(",")[1:])
        if "chardev" in options:
            devices[options.get("tag") or options.get("name")] = sockets[options["chardev"]]
    assert devices == {
        "ktrace-root": "11",
        "ktrace-share": "12",
        "ktrace.control": "13",
        "ktrace.stdout": "14",
    }


def test_a_second_serial_line_only_where_there_is_a_terminal():
    assert values(qemu.argv(MACHINE), "-serial") == ["chardev:console"]
    words = qemu.argv(replace(MACHINE, tty_fd=20))
    assert values(words, "-serial") == ["chardev:console", "chardev:tty"]
    assert "socket,id=tty,fd=20" in words
