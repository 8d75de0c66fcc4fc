import os
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.errors import NotFound, UsageError
from ktrace.host.local import LocalHost
from ktrace.kernel.kernel import Kernel
from ktrace.resolve.existing_events import existing_events
from ktrace.resolve.spec import ProbeOptions
from ktrace.resolve.targets import find_targets
from ktrace.session.tasks import parse_cpus, threads_of
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs.instances import Owner
from tests.unit.tracefs.scripted import Scripted
from tests.unit.unable import unable

ME = Owner.of_this_process(LocalHost()).name


@pytest.fixture
def files(tmp_path):
    lines = f"p:kprobes/vfs_read vfs_read\np:g/a f\np:g/b f\np:{ME}/mine f\n"
    tree = {"dynamic_events": lines, "events/enable": ""}
    for event in ("sched/sched_switch", "sched/sched_wakeup"):
        tree[f"events/{event}/enable"] = "0\n"
    return Scripted(tmp_path, tree)


def found(files, *words):
    targets = find_targets(files, words, ProbeOptions(group="mine"))
    return list(targets.events), [p.to_line() for p in targets.probes]


@pytest.mark.parametrize(
    ("words", "events", "probes"),
    [
        (["vfs_read"], ["kprobes/vfs_read"], []),
        (["g/a", "g/b"], ["g/a", "g/b"], []),
        (["g/*"], ["g/a", "g/b"], []),
        (["a", "g/a"], ["g/a"], []),
        (["sched:sched_switch"], ["sched/sched_switch"], []),
        (["sched:*", "a"], ["sched/sched_switch", "sched/sched_wakeup", "g/a"], []),
        (["do_fork"], [], ["p:mine/do_fork do_fork"]),
        (["vfs_read", "x=%di"], [], ["p:mine/vfs_read vfs_read x=%di"]),
        (["vfs_read", "%di"], [], ["p:mine/vfs_read vfs_read di=%di"]),
        (["vfs_read%return", "$retval:s64"], [], ["r:mine/vfs_read__return vfs_read ret=$retval:s64"]),
        (["do_fork", "x=%di", ",", "a"], ["g/a"], ["p:mine/do_fork do_fork x=%di"]),
        (["a", "do_fork", "x=%di"], ["g/a"], ["p:mine/do_fork do_fork x=%di"]),
        (["f", ",", "f"], [], ["p:mine/f f", "p:mine/f_2 f"]),
    ],
)
def test_words_are_events_that_exist_or_probes_to_be_made(files, words, events, probes):
    assert found(files, *words) == (events, probes)


@pytest.mark.parametrize(
    ("words", "events"),
    [
        ("vfs_read", ["kprobes/vfs_read"]),
        ("sched:* a", ["sched/sched_switch", "sched/sched_wakeup", "g/a"]),
        ("a do_fork", []),
        ("do_fork", []),
        ("mine", []),
        ("fs/read_write.c:12", []),
    ],
)
def test_events_that_exist(files, words, events):
    assert existing_events(files, words) == events


def test_what_a_session_made_for_itself_is_its_own(files):
    assert found(files, "mine") == ([], ["p:mine/mine mine"])


def test_words_that_mean_nothing(files):
    with pytest.raises(UsageError):
        found(files, "1abc")


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0", [0]), ("0,2-4", [0, 2, 3, 4]), ("3,1,1", [1, 3]), (" 1 , 2 ", [1, 2]), ("5-5", [5])],
)
def test_lists_of_cpus(text, cpus):
    assert parse_cpus(text) == cpus


@pytest.mark.parametrize(
    ("text", "caret"), [("", 0), ("a", 0), ("0,", 0), ("0,x", 2), ("1-", 0), ("-1", 0), ("0-1-2", 0)]
)
def test_no_lists_of_cpus(text, caret):
    with pytest.raises(UsageError) as error:
        parse_cpus(text)
    assert (error.value.excerpt, error.value.caret, error.value.hint) == (text, caret, "0,2-4")


@pytest.mark.parametrize(
    ("text", "message"),
    [("0-999999999", "there is no CPU"), ("0-9999999999", "not a list"), ("4-2", "not a range")],
)
def test_cpus_that_cannot_be(text, message):
    with pytest.raises(UsageError, match=message):
        parse_cpus(text)


@given(st.text("0123456789,- x", max_size=6))
def test_random_text_is_a_list_of_cpus_or_a_usage_error(text):
    try:
        cpus = parse_cpus(text)
    except UsageError:
        return
    assert cpus == sorted(set(cpus))


def test_threads_of_a_process():
    running = threading.Event()
    thread = threading.Thread(target=running.wait)
    thread.start()
    try:
        found = threads_of(LocalHost(), [os.getpid()], children=False)
    finally:
        running.set()
        thread.join()
    assert {threading.get_native_id(), thread.native_id} <= set(found)
    assert found == sorted(found)


def test_and_of_what_it_started():
    program = (
        "import subprocess, sys; c = subprocess.Popen(['sleep', '30']); print(c.pid, flush=True); c.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        grandchild = int(child.stdout.readline())
        try:
            assert threads_of(LocalHost(), [child.pid], children=False) == [child.pid]
            assert threads_of(LocalHost(), [child.pid], children=True) == sorted([child.pid, grandchild])
        finally:
            child.kill()
            os.kill(grandchild, 9)


@pytest.mark.parametrize("name", ["x\x0cState:\tZ", "x\x0cPPid:\tq", "x\x1cPPid:\t1"])
def test_of_a_process_whose_name_looks_like_lines_of_its_status(name):
    """A program chooses its own name; the kernel escapes only line feeds and backslashes in it."""
    program = (
        "import sys, time; open('/proc/self/comm', 'w').write(sys.argv[1]); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, name], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        try:
            assert threads_of(LocalHost(), [child.pid], children=False) == [child.pid]
            assert child.pid in threads_of(LocalHost(), [os.getpid()], children=True)
        finally:
            child.kill()


def test_no_such_process():
    child = subprocess.Popen(["true"])
    child.wait()
    with pytest.raises(NotFound, match=f"there is no process {child.pid}"):
        threads_of(LocalHost(), [child.pid], children=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts another /proc")
@pytest.mark.parametrize("how", [1, 2])
def test_a_process_that_proc_hides(how):
    program = (
        "import os\n"
        "from ktrace.errors import KtraceError\n"
        "from ktrace.session.tasks import threads_of\n"
        "from ktrace.host.local import LocalHost\n"
        "os.setresgid(65534, 65534, 65534)\n"
        "os.setgroups([])\n"
        "os.setresuid(65534, 65534, 65534)\n"
        "for pid in (os.getppid(), 1 << 22):\n"
        "    try:\n"
        "        threads_of(LocalHost(), [pid], children=False)\n"
        "    except KtraceError as error:\n"
        "        print(error.exit_code, error.message)\n"
    )
    mounted = f'mount -t proc -o hidepid={how} proc /proc && "$@"; exit $?'
    command = ["unshare", "-m", "sh", "-c", mounted, "sh", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        unable(f"no /proc can be mounted: {done.stderr.strip()}")
    hidden, missing = done.stdout.splitlines()
    assert hidden.startswith("5 process ") and hidden.endswith("/proc does not show its threads (hidepid)")
    assert missing == f"4 there is no process {1 << 22}", done.stderr


@pytest.mark.parametrize("group", [ME, "ktrace_1_2", "ktrace_1_2_4026540000"])
@pytest.mark.parametrize("word", ["f", "own_*", "*", "*/f", "ktrace_*/f", "k*:*"])
def test_only_a_group_that_is_spelled_out_means_a_sessions_own(tmp_path, group, word):
    files = Scripted(tmp_path, {"dynamic_events": f"p:{group}/f f\np:{group}/own_g g\n"})
    for name in ("f", "own_g"):
        files.put(f"events/{group}/{name}/enable", "0\n")
    assert existing_events(files, word) == []
    assert existing_events(files, f"{group}/f") == existing_events(files, f"{group}:f") == [f"{group}/f"]
    assert existing_events(files, f"{group}/*") == [f"{group}/f", f"{group}/own_g"]


class Looked(Kernel):
    """A kernel with two functions, and no types."""

    def __init__(self, files):
        symbols = Kallsyms(b"ffffffff81000000 T vfs_read\nffffffff81000010 T kernel_clone\n")
        super().__init__(files, None, machine="x86_64", load_symbols=lambda: symbols)


def test_a_word_behind_an_event_that_is_nothing_at_all_is_told_with_the_event(files):
    with pytest.raises(NotFound, match="'cuont' is neither an event, nor a function") as error:
        find_targets(files, ["vfs_read", "cuont"], ProbeOptions(group="mine"), Looked(files))
    assert "kprobes/vfs_read" in error.value.hint and "vfs_read+0" in error.value.hint
    targets = find_targets(files, ["vfs_read", "do_fork"], ProbeOptions(group="mine"), Looked(files))
    assert list(targets.events) == ["kprobes/vfs_read"]
    assert [p.to_line() for p in targets.probes] == ["p:mine/do_fork do_fork"]


def test_a_condition_for_each_place(files):
    words = ["do_fork", "x=%di", "if", "x > 1", ",", "sched:*", "if", "prev_pid", "==", "3", ",", "g/a"]
    targets = find_targets(files, words, ProbeOptions(group="mine"))
    assert [(one.probe.event, one.filter) for one in targets.wanted] == [("mine/do_fork", "x > 1")]
    assert targets.events == {
        "sched/sched_switch": "prev_pid == 3",
        "sched/sched_wakeup": "prev_pid == 3",
        "g/a": None,
    }


@pytest.mark.parametrize("words", [["if", "x > 1"], ["do_fork", "if"], ["a", ",", "if"]])
def test_half_a_condition(files, words):
    with pytest.raises(UsageError, match="condition"):
        find_targets(files, words, ProbeOptions(group="mine"))
