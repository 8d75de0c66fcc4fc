import errno
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.errors import NotFound, Refused, UsageError
from ktrace.host.folder import FolderHost
from ktrace.host.local import LocalHost
from ktrace.tracefs import buffer
from tests.unit.tracefs.scripted import Scripted

NEEDED = ["context-info", "irq-info", "record-cmd", "overwrite"]
UNWANTED = ["annotate", "latency-format", "verbose", "raw", "hex", "bin", "fields", "sym-addr", "sym-offset",
            "record-tgid", "event-fork"]  # fmt: skip


def options(tmp_path, *names, wanted=None):
    files = Scripted(tmp_path, {"trace_options": "".join(f"{name}\n" for name in names)})
    return [(s.path, s.text) for s in buffer.option_steps(files, wanted)]


def test_options_that_are_right_are_left_alone(tmp_path):
    assert options(tmp_path, *NEEDED, *(f"no{name}" for name in UNWANTED)) == []


@pytest.mark.parametrize("name", NEEDED)
def test_options_that_the_text_needs(tmp_path, name):
    assert options(tmp_path, f"no{name}") == [("trace_options", name)]


@pytest.mark.parametrize("name", UNWANTED)
def test_options_that_change_the_text(tmp_path, name):
    assert options(tmp_path, name) == [("trace_options", f"no{name}")]


def test_options_that_the_kernel_does_not_have(tmp_path):
    assert options(tmp_path) == []


def test_wishes_come_before_the_usual(tmp_path):
    assert options(tmp_path, "norecord-tgid", wanted={"record-tgid": True}) == [
        ("trace_options", "record-tgid")
    ]
    assert options(tmp_path, "stacktrace", wanted={"stacktrace": False}) == [
        ("trace_options", "nostacktrace")
    ]


@pytest.mark.parametrize(
    ("known", "wish", "chosen"),
    [
        ("[local] global counter mono boot", None, "mono"),
        ("local [global] counter", None, "global"),
        ("[local] counter", None, "local"),
        ("[counter] x86-tsc", None, "counter"),
        ("[local] mono x86-tsc", "x86-tsc", "x86-tsc"),
        ("[local] mono", "local", "local"),
    ],
)
def test_clocks(tmp_path, known, wish, chosen):
    step = buffer.clock_step(Scripted(tmp_path, {"trace_clock": known + "\n"}), wish)
    assert (step.path, step.text, step.action) == ("trace_clock", chosen, "write")


def test_a_clock_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="no trace clock 'tai'") as error:
        buffer.clock_step(Scripted(tmp_path, {"trace_clock": "[local] mono\n"}), "tai")
    assert error.value.hint == "it has local mono"


def test_own_threads():
    running = threading.Event()
    thread = threading.Thread(target=running.wait)
    thread.start()
    try:
        threads = buffer.own_threads(LocalHost())
    finally:
        running.set()
        thread.join()
    assert {threading.get_native_id(), thread.native_id} <= set(threads)
    assert threads == sorted(threads)


def test_pids(tmp_path):
    files = Scripted(tmp_path, {"set_event_pid": ""})
    assert not buffer.ignore_pids(files, [1, 2])
    assert files.done == []
    files.put("set_event_notrace_pid", "")
    assert buffer.ignore_pids(files, [1, 2])
    buffer.only_pids(files, [3, 4])
    assert files.done == [("set_event_notrace_pid", "1 2"), ("set_event_pid", "3 4")]


@pytest.mark.parametrize(
    ("cpus", "mask"),
    [([0], "1"), ([0, 1, 3], "b"), ([31], "80000000"), ([32], "1,00000000"), ([0, 0], "1"),
     ([64, 33, 1], "1,00000002,00000002"), ([], "0")],
)  # fmt: skip
def test_cpu_masks(tmp_path, cpus, mask):
    files = Scripted(tmp_path, {"tracing_cpumask": ""})
    buffer.only_cpus(files, cpus)
    assert files.done == [("tracing_cpumask", mask)]


@given(cpus=st.sets(st.integers(0, 300), min_size=1))
def test_cpu_masks_name_exactly_these(tmp_path_factory, cpus):
    files = Scripted(tmp_path_factory.mktemp("t"), {"tracing_cpumask": ""})
    buffer.only_cpus(files, sorted(cpus))
    groups = files.done[0][1].split(",")
    assert all(len(group) == 8 for group in groups[1:]) and 0 < len(groups[0]) <= 8
    value = int("".join(groups), 16)
    assert {n for n in range(value.bit_length()) if value >> n & 1} == cpus


def test_cpus_that_are_not_there(tmp_path):
    files = Scripted(tmp_path, {"tracing_cpumask": ""})
    files.refuse["tracing_cpumask"] = errno.EINVAL
    with pytest.raises(Refused, match="does not accept these CPUs: Invalid argument") as error:
        buffer.only_cpus(files, [999])
    assert error.value.errno == errno.EINVAL
    assert "CPUs 0 to " in error.value.hint


def test_size_and_switch(tmp_path):
    step = buffer.size_step(512)
    assert (step.path, step.text, step.action) == ("buffer_size_kb", "512", "write")
    files = Scripted(tmp_path, {"tracing_on": ""})
    buffer.switch_recording(files, True)
    buffer.switch_recording(files, False)
    assert files.done == [("tracing_on", "1"), ("tracing_on", "0")]


@pytest.mark.parametrize(("online", "cpus", "first"), [("0-3,6", [4, 6], 4), ("0", [1, 0], 1)])
def test_a_cpu_that_is_offline_gives_no_events(tmp_path, online, cpus, first):
    (tmp_path / "sys/devices/system/cpu").mkdir(parents=True)
    (tmp_path / "sys/devices/system/cpu/online").write_text(online + "\n")
    host = FolderHost(tmp_path)
    with pytest.raises(NotFound, match=f"CPU {first} is not online") as error:
        buffer.check_online(host, cpus)
    assert error.value.hint == f"online: {online}"
    buffer.check_online(host, [0])
    buffer.check_online(FolderHost(tmp_path / "none"), cpus)
