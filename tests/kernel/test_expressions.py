"""Expressions in C read what they should: what the test made happen, and what the kernel itself reads.

Each expression is given to ktrace as a person would; on a kernel that knows parameters by name it is
spelled so, on others by registers and offsets. Where there are both, one probe reads both.
"""

import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ktrace.expr.arguments import to_registers
from ktrace.expr.source import Site
from ktrace.host.local import LocalHost
from ktrace.model.features import Features
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf
from ktrace.symbols.btf_files import BtfPaths, kernel_types
from tests.kernel.scene import COMM, COUNT, EXIT, FILE, FOLDER, MADE, PORT, POS, SIZE, Seen, play


def seen(key: str) -> Callable[[object, Seen], bool]:
    """A value that is only known once it has happened."""
    return lambda value, facts: value == facts[key]


def is_pointer(value: object, facts: Seen) -> bool:
    return isinstance(value, int) and value > 1 << 63


@dataclass(frozen=True)
class Case:
    """Expressions to read at one place, and their values in the scene, or predicates for them."""

    place: str
    known: dict[str, object]
    at: tuple[str, object] | None = None  # the record that is meant: an expression, and its value


WHOLE = f"/tmp/{FOLDER}/{FILE}"

CASES = (
    Case(
        "vfs_read",
        {
            "count": COUNT,
            "$arg3": COUNT,
            "*pos": POS,
            "pos": is_pointer,
            "buf:x64": seen("buffer"),
            "file:path": WHOLE,
            "file->f_path.dentry->d_name.name": FILE,
            "file->f_path.dentry->d_parent->d_name.name": FOLDER,
            "file->f_path.dentry:%pd": FILE,
            "file->f_pos": POS,
            "file->f_inode->i_ino": seen("ino"),
            "file->f_inode->i_size": SIZE,
            "file->f_inode->i_mode": 0o100640,
            "((struct inode *)file->f_inode)->i_uid.val": 0,
            "file->f_inode->i_sb->s_type->name": "tmpfs",
            "file->f_op": is_pointer,
            "file->f_op->read_iter:symbol": lambda value, facts: "read_iter" in value,
            "container_of(file->f_path.dentry, struct dentry, d_name)->d_flags": None,
        },
        ("count", COUNT),
    ),
    Case("vfs_read%return", {"$retval": COUNT, "r=$retval:x32": COUNT}, ("$retval", COUNT)),
    Case(
        "wake_up_new_task",
        {
            "p->comm": COMM,
            "p->pid": seen("child"),
            "p->tgid": seen("child"),
            "p->prio": 120,
            "p->policy": 0,
            "p->flags": None,
            "p->sched_reset_on_fork": 0,
            "p->real_parent->comm": COMM,
            "p->real_parent->pid": seen("self"),
            "p->cred->uid.val": 0,
            "p->signal->nr_threads": 1,
            "p->mm": is_pointer,
            "p->cpus_mask.bits[0]": None,
        },
    ),
    Case(
        "tcp_v4_connect",
        {
            "((struct sockaddr_in *)uaddr)->sin_port:x16": socket.htons(PORT),
            "((struct sockaddr_in *)uaddr)->sin_addr.s_addr:x32": 0x0100007F,
            "addr_len": 16,
            "sk->__sk_common.skc_family": socket.AF_INET,
            "sk->__sk_common.skc_state": 7,  # TCP_CLOSE
            "sk->__sk_common.skc_prot->name": "TCP",
            "sk->sk_type": socket.SOCK_STREAM,
            "sk->sk_protocol": socket.IPPROTO_TCP,
            "sk->sk_userlocks": 1,  # SOCK_SNDBUF_LOCK: SO_SNDBUF was set
            "sk->sk_sndbuf": 2 * 50_000,
            "((struct inet_sock *)sk)->inet_sport": 0,
            "container_of(sk, struct tcp_sock, inet_conn.icsk_inet.sk)->snd_una": 0,
        },
    ),
    Case("tcp_v4_connect%return", {"$retval": 0}),
    Case(
        "handle_mm_fault",
        {
            "address": seen("page"),
            "vma->vm_start": lambda value, facts: value <= facts["page"],
            "vma->vm_end": lambda value, facts: value > facts["page"],
            "vma->vm_mm->map_count": lambda value, facts: 5 < value < 65_536,
            "vma->vm_mm->mm_count.counter": lambda value, facts: value > 0,
            "flags": None,
        },
        ("address", "page"),
    ),
    Case(
        "do_filp_open",
        {"pathname->name": f"/tmp/{FOLDER}/{FILE}", "pathname:path": f"/tmp/{FOLDER}/{FILE}",
         "op->open_flag": None, "dfd": -100},
        ("pathname->name", f"/tmp/{FOLDER}/{FILE}"),
    ),
    Case(
        "do_filp_open%return",
        {"$retval:path": WHOLE, "$retval->f_path.dentry->d_name.name": FILE,
         "$retval->f_inode->i_size": SIZE},
        ("$retval:path", WHOLE),
    ),
    Case(
        "vfs_mkdir",
        {"dentry->d_name.name": MADE, "dentry:path": lambda path, _: path.endswith(f"/{MADE}"),
         "dir->i_mode": 0o40755},
    ),
    Case("do_send_sig_info", {"sig": int(signal.SIGURG), "type": 1, "p->pid": seen("self")}, ("sig", 23)),
    Case("do_exit", {"code": EXIT << 8}),
)  # fmt: skip


@pytest.fixture(scope="module")
def types() -> Btf:
    found = kernel_types(BtfPaths(LocalHost()))
    assert not isinstance(found, Miss)
    return found


@pytest.fixture
def features(tracing: Path) -> Features:
    return Features.find((tracing / "README").read_text())


def words(case: Case, features: Features, types: Btf) -> Iterator[str]:
    """The case as words of the command line: each expression, and where two spellings are, both."""
    function, _, at_return = case.place.partition("%")
    site = Site(function, "return" if at_return else "entry", features=features)
    yield case.place
    for number, expression in enumerate(case.known):
        body = expression.rpartition("=")[2]
        yield f"e{number}={body}"
        if features.btf_args:
            yield f"r{number}={to_registers(body, site, types).arg.to_text().partition('=')[2]}"


def test_values(ktrace: Callable, start: Callable, tracing: Path, types: Btf, features: Features) -> None:
    line: list[str] = []
    # A newer kernel has some of the functions under other names, with other parameters.
    cases = [c for c in CASES if not isinstance(types.functions(c.place.partition("%")[0]), Miss)]
    for case in cases:
        line += [",", *words(case, features, types)]
    run = start("trace", *line[1:], "--json", "--filter", f"COMM == '{COMM}'")
    facts = play(run, tracing)
    outcome = run.wait()
    assert outcome.status == 0 and "none lost" in outcome.err, outcome.err
    records = outcome.records("event")
    wrong = [text for case in cases for text in compare(case, records, facts)]
    assert not wrong, "\n".join(wrong)
    assert sum(len(case.known) for case in cases) >= 50


def compare(case: Case, records: list[dict], facts: Seen) -> Iterator[str]:
    """Return the values that differ from the expected ones."""
    event = case.place.replace("%return", "__return")
    mine = [r["args"] for r in records if r["event"] == event]
    for number, expression in enumerate(case.known):
        for args in mine:
            # Both were read within one hit; what faulted in one may not fault in the other.
            one, other = args[f"e{number}"], args.get(f"r{number}", args[f"e{number}"])
            if expression.endswith(":path"):
                # By registers, only the last name is read.
                one, other = (text and text.rpartition("/")[2] for text in (one, other))
            if one != other and None not in (one, other):
                yield f"{case.place} {expression}: {one!r} by name, {other!r} by registers"
    meant = [args for args in mine if case.at is None or fits(case, args, *case.at, facts)]
    if not meant:
        yield f"{case.place}: never hit as it was meant to be ({len(mine)} hits): {mine[:3]}"
        return
    for number, (expression, known) in enumerate(case.known.items()):
        value = meant[0][f"e{number}"]
        good = known(value, facts) if callable(known) else known is None or value == known
        if not good:
            yield f"{case.place} {expression}: {value!r} instead of {known!r} ({facts})"


def fits(case: Case, args: dict, expression: str, value: object, facts: Seen) -> bool:
    wanted = facts[value] if isinstance(value, str) and value in facts else value
    return args[f"e{list(case.known).index(expression)}"] == wanted


def test_values_have_names(ktrace: Callable, start: Callable, tracing: Path) -> None:
    """JSON keeps the number and adds the name; text shows the name instead of the number."""
    run = start("trace", "do_send_sig_info", "sig", "type", "--json", "--filter", f"COMM == '{COMM}'")
    play(run, tracing)
    record = next(r for r in run.wait().records("event") if r["args"]["sig"] == signal.SIGURG)
    assert record["args"]["type"] == 1 and record["names"] == {"type": "PIDTYPE_TGID"}
    assert record["args"]["type_text"] == "PIDTYPE_TGID" and record["args"]["sig_text"] == "SIGURG"
    run = start("trace", "do_send_sig_info", "sig", "type", "-q", "--filter", f"COMM == '{COMM}'")
    play(run, tracing)
    assert "sig=SIGURG type=PIDTYPE_TGID" in run.wait().out


def test_parameters_at_the_return(
    ktrace: Callable, start: Callable, tracing: Path, features: Features
) -> None:
    """They are what they were at the entry; older kernels do not keep them, and ktrace says so."""
    argv = ("-r", "vfs_read", "$retval", "count", "file:path")
    if not features.entry_args_at_return:
        err = ktrace("add", *argv, status=2).err
        assert "until the return; Linux 6.9 and later do" in err and caret(err) == "count"
        return
    run = start("trace", *argv, "--json", "--filter", f"COMM == '{COMM}'")
    play(run, tracing)
    args = [r["args"] for r in run.wait().records("event")]
    assert {"ret": COUNT, "count": COUNT, "file": WHOLE} in args


def test_all_parameters(ktrace: Callable, tracing: Path) -> None:
    ktrace("add", "vfs_read", "$args")
    (probe,) = ktrace("list", "--json").records("probe")
    assert [(a["name"], a["type"]) for a in probe["args"]] == [
        ("file", "x64"), ("buf", "x64"), ("count", "u64"), ("pos", "x64")
    ]  # fmt: skip
    ktrace("remove", "vfs_read")


WRONG = {
    "file->f_pth": ("f_pth", "did you mean f_path"),
    "file->f_path->dentry": ("->dentry", "write ."),
    "file.f_path": (".f_path", "write ->"),
    "count->x": ("->x", "is not a pointer"),
    "count:s128": ("s128", "is not a type"),
    "countt": ("countt", "did you mean count"),
    "file->f_inode->i_mode:string": ("string", "neither text nor a pointer to text"),
    "(struct fil *)buf": ("fil *)buf", "did you mean file"),
    "file->" + "f_path.dentry->d_parent->" * 1 + "d_parent->" * 14 + "d_flags": ("", "too "),
    "count+1": ("+1", "calculate"),
}


@pytest.mark.parametrize("expression", WRONG, ids=lambda e: e[:24])
def test_errors_point_at_what_is_wrong(ktrace: Callable, expression: str) -> None:
    pointed, words = WRONG[expression]
    err = ktrace("add", "vfs_read", expression, status=None)
    assert err.status in (2, 4) and words in err.err, err
    assert caret(err.err).startswith(pointed)


def test_a_bitfield_is_no_pointer(ktrace: Callable) -> None:
    err = ktrace("add", "wake_up_new_task", "p->sched_reset_on_fork->x", status=2).err
    assert "is a bitfield" in err and caret(err).startswith("->x")


def test_an_unknown_function(ktrace: Callable) -> None:
    err = ktrace("add", "vfs_raed", "count", status=4).err
    assert "no function 'vfs_raed'" in err and "vfs_read" in err and caret(err) == "vfs_raed count"


def test_inside_a_function_there_are_only_registers(ktrace: Callable) -> None:
    err = ktrace("add", "do_sys_openat2+0x40", "dfd", status=2).err
    assert "only when the function is entered" in err and caret(err) == "dfd"


def test_a_changed_function_keeps_its_arguments_to_itself(ktrace: Callable, tracing: Path) -> None:
    """`.isra` is found from the plain name; its parameters are not the prototype's."""
    traceable = {
        line.split()[0] for line in (tracing / "available_filter_functions").read_text().splitlines()
    }
    present = {line.split()[2] for line in Path("/proc/kallsyms").read_text().splitlines()}
    changed = sorted(name for name in traceable if name.endswith(".isra.0"))
    names = [name.partition(".")[0] for name in changed if name.partition(".")[0] not in present]
    name = "finish_task_switch" if "finish_task_switch" in names else names[0]
    assert f"{name} is {name}.isra.0 in this kernel" in ktrace("add", name, "--name", "changed").err
    ktrace("remove", "changed")
    if name == "finish_task_switch":
        err = ktrace("add", name, "prev->pid", status=None).err
        assert "may have been dropped" in err and "--force" in err and caret(err) == "prev->pid"
        forced = ktrace("add", name, "prev->pid", "--force", "--dry-run", status=None)
        # Newer BTF leaves out functions whose arguments were changed: then there is nothing to force.
        known = f"{name}.isra.0 pid=+0x" in forced.out
        assert known or "BTF describes no function" in forced.err, forced


def caret(err: str) -> str:
    """Return the text that the caret points at."""
    lines = err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == "^")
    return lines[at - 1][lines[at].index("^") :]
