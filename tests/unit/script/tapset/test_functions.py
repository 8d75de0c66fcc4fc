"""Functions of the tapset: those of numbers, and those that read what a variable of the probe points to."""

import pytest

from ktrace.host.folder import FolderHost
from ktrace.script.runtime.context import functions
from ktrace.script.runtime.state import State
from tests.unit.script.scripts import FakeKernel, compiled, events, feed, said, start


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("WIFEXITED(0x300)", "1"),
        ("WEXITSTATUS(0x300)", "3"),
        ("WIFEXITED(9)", "0"),
        ("WTERMSIG(0x89)", "9"),
        ("big_endian2(0x1234)", str(0x3412)),
        ("big_endian4(1)", str(1 << 24)),
        ("little_endian4(0x1ffffffff)", str(0xFFFFFFFF)),
        ("AF_INET()", "2"),
        ("AF_INET6()", "10"),
        ("arch_bytes()", "8"),
        ('sock_type_str2num("DGRAM")', "2"),
        ('sock_type_str2num("dgram")', "-1"),
        ("msg_flags_num2str(0x4002)", "MSG_PEEK|MSG_NOSIGNAL"),
        ("tcp_sockopt_str(1)", "TCP_NODELAY"),
        ("irqflags_str(0x80)", "IRQF_SHARED"),
        ("describe_device_state(2)", "RUNNING"),
        ("describe_data_direction(1)", "TO_DEVICE"),
        ("syscall_name(12345)", "12345"),
        ('syscall_num("write")', "1"),
        ('syscall_num("no_such_call")', "-1"),
        ("rcu_dereference(7)", "7"),
        ('sprint_ustack("")', ""),
    ],
)
def test_values(call: str, shown: str) -> None:
    assert said(f"println({call})") == f"{shown}\n"


@pytest.mark.parametrize(
    ("call", "texts"),
    [
        ("task_rlimit_nofile($p)", ["((struct task_struct *)p)->signal->rlim[7]->rlim_cur"]),
        ("task_fd_lookup($p, 3)", ["((struct task_struct *)p)->files->fdt->fd[3]"]),
        ("bio_op($b)", ["((struct bio *)b)->bi_opf"]),
        ("prog_from_clnt($c)", ["((struct rpc_clnt *)c)->cl_prog"]),
        ("get_sigset($s)", ["+0(s)"]),
        ("atomic_read($a)", ["+0(a)"]),
        ("atomic_long_read(&$x->y)", ["x->y"]),
    ],
)
def test_what_a_function_reads(call: str, texts: list[str]) -> None:
    kernel = FakeKernel(("f",))
    compiled(f'probe kernel.function("f") {{ println({call}) }}', kernel)
    assert [read.text for read in kernel.asked["f"]] == texts


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({"f0": [5], "f1": ["x"]}, "5\n"),
        ({"f0": [0], "f1": [""]}, "0\n"),
        ({"f0": [0x75616628], "f1": [None]}, "1969317416\n"),  # the memory holds the text "(fault)"
    ],
)
def test_a_number_that_could_be_read(columns: dict, shown: str) -> None:
    ran = start('probe kernel.function("f") { println(user_int_error($p)) }', FakeKernel(("f",)))
    feed(ran, events("f", columns))
    assert (ran.text, ran.told) == (shown, [])


@pytest.mark.parametrize("left", [0, 12345])
def test_a_number_that_could_not_be_read(left: int) -> None:
    """The kernel leaves the number that was in its buffer before."""
    script = """
probe kernel.function("f") {
    println(user_long_warn($p))
    try { println(user_long_error($p)) } catch (why) { println("caught: ", why) }
}
"""
    ran = start(script, FakeKernel(("f",)))
    feed(ran, events("f", {"f0": [left], "f1": [None]}))
    assert ran.text == "0\ncaught: user_long_error: the memory at the address could not be read\n"
    assert ran.told == ["WARNING: user_long_warn: the memory at the address could not be read"]


def test_text_that_could_not_be_read() -> None:
    text = 'probe kernel.function("f") { println(user_buffer_quoted_error($p, 3, 99)) }'
    ran = start(text, FakeKernel(("f",)), limits=["MAXERRORS=1"])
    feed(ran, events("f", {"f0": ["abcdef", None]}))
    assert ran.text == '"abc"\n' and "user_buffer_quoted_error" in "".join(ran.told)


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("user_string_n_quoted($p, 3, -1)", '"abc"'),
        ("user_string_n_quoted($p, -1, -1)", '"abcdef"'),
        ('user_string_n2($p, 2, "none")', "ab"),
        ('user_string2_warn($p, "none")', "abcdef"),
        ("user_string_n($p, 4)", "abcd"),
    ],
)
def test_text_has_at_most_the_bytes_asked_for(call: str, shown: str) -> None:
    ran = start(f'probe kernel.function("f") {{ println({call}) }}', FakeKernel(("f",)))
    feed(ran, events("f", {"f0": ["abcdef"]}))
    assert ran.text == shown + "\n"


def test_text_that_is_not_there_has_another_in_its_place() -> None:
    ran = start('probe kernel.function("f") { println(user_string_n2($p, 2, "none")) }', FakeKernel(("f",)))
    feed(ran, events("f", {"f0": [None]}))
    assert ran.text == "none\n"


@pytest.mark.parametrize(
    ("call", "units", "shown"),
    [
        ("kernel_string_utf16($p)", [72, 105, 0, 7], "Hi"),
        ("kernel_string_utf16($p)", [0x20AC, 0], "€"),
        ("kernel_string_utf16($p)", [0xD83D, 0xDE00, 0], "😀"),
        ("kernel_string_utf16($p)", [0xD83D, 0], "\ufffd"),
        ("kernel_string_utf32($p)", [0x1F600, 0], "😀"),
        ("kernel_string_utf32($p)", [0x110000, 0], "\ufffd"),
        ("kernel_string_quoted_utf16($p)", [97, 34, 0], r'"a\""'),
        ('kernel_string2_utf32($p, "none")', [0, 0], "none"),
        ('kernel_string_utf32($p, "none")', [65, 0], "A"),
    ],
)
def test_text_of_utf_16_and_32(call: str, units: list[int], shown: str) -> None:
    kernel = FakeKernel(("f",))
    ran = start(f'probe kernel.function("f") {{ println({call}) }}', kernel)
    (read,) = kernel.asked["f"]
    assert read.text == "+0(p)"
    assert read.kind == f"u{32 if 'utf32' in call else 16}[64]"
    feed(ran, events("f", {"f0": [units]}))
    assert ran.text.encode("latin-1").decode() == shown + "\n" and ran.told == []


def test_wide_text_that_is_cut_is_told_once() -> None:
    ran = start('probe kernel.function("f") { println(kernel_string_utf16($p)) }', FakeKernel(("f",)))
    feed(ran, events("f", {"f0": [[65] * 64, [66] * 64]}))
    assert ran.text == "A" * 64 + "\n" + "B" * 64 + "\n"
    assert ran.told == ["WARNING: text of UTF-16 and UTF-32 is cut after 64 numbers"]


LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            1024                 1048576              files
"""


@pytest.fixture
def host(tmp_path) -> FolderHost:
    folder = tmp_path / "proc/self"
    (folder / "ns").mkdir(parents=True)
    (folder / "ns/pid").symlink_to("pid:[4026531836]")
    (folder / "uid_map").write_text("         0          0 4294967295\n")
    (tmp_path / "proc/7").mkdir()
    (tmp_path / "proc/7/limits").write_text(LIMITS)
    return FolderHost(tmp_path)


def test_limits_of_a_task_by_its_number(host: FolderHost) -> None:
    known = functions(State(host=host))
    assert known["__ktrace_task_limit_nofile"](7) == 1024
    assert known["__ktrace_task_limit_cpu"](7) == -1


def test_ids_of_the_first_namespaces(host: FolderHost) -> None:
    known = functions(State(host=host))
    assert known["__ktrace_first_pids"](7) == 7 and known["__ktrace_first_users"](1000) == 1000


def test_ids_of_other_namespaces_are_not_known(host: FolderHost, tmp_path) -> None:
    (tmp_path / "proc/self/ns/pid").unlink()
    (tmp_path / "proc/self/ns/pid").symlink_to("pid:[4026532000]")
    (tmp_path / "proc/self/uid_map").write_text("0 1000 1\n")
    known = functions(State(host=host))
    for name in ("__ktrace_first_pids", "__ktrace_first_users"):
        with pytest.raises(Exception, match="namespace are not known"):
            known[name](7)


PACKET = 'probe kernel.function("f") { println(ipmib_get_proto($skb), " ", ipmib_remote_addr($skb, 0)) }'


def packet(data: int) -> str:
    """Show a packet whose data begin this many bytes after its header of IP."""
    kernel = FakeKernel(("f",))
    ran = start(PACKET, kernel, limits=["MAXERRORS=9"])
    known = {
        "->data": 0x1000 + data,
        "->head": 0xF00,
        "->network_header": 0x100,
        "[9]": 6,
        "[3]": 0x0A000001,
        "-11(": 17,
        "-8(": 0x0A000002,
    }
    columns = {}
    for i, read in enumerate(kernel.asked["f"]):
        found = [
            value for end, value in known.items() if (read.text.startswith(end) or read.text.endswith(end))
        ]
        assert len(found) == 1, read
        columns[f"f{i}"] = found
    feed(ran, events("f", columns))
    return ran.text + "".join(ran.told)


def test_a_packet_at_its_header_and_after_it() -> None:
    assert packet(0) == f"6 {0x0A000001}\n"
    assert packet(20) == f"17 {0x0A000002}\n"
    assert "it has options" in packet(24)
