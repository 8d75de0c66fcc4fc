import errno
import os

import pytest

from ktrace.errors import Busy, NotFound, Refused, Unavailable
from ktrace.model.fetch import FetchArg
from ktrace.model.place import AddressPlace, SymbolPlace, TracepointPlace
from ktrace.model.probe import Probe
from ktrace.probes import explain as explain_module
from ktrace.probes.explain import explain
from ktrace.symbols.kallsyms import Kallsyms
from tests.unit.tracefs.scripted import Scripted

SYMBOLS = Kallsyms(
    b"ffffffff81000000 T vfs_read\n"
    b"ffffffff81000010 t same\n"
    b"ffffffff81000020 t same\t[ext4]\n"
    b"ffffffff81000030 T do_int3\n"
    b"ffffffff81000040 T kernel_clone\n"
    b"ffffffff82000000 D jiffies\n"
)
HIDDEN = Kallsyms(b"0000000000000000 t same\n0000000000000000 t same\n")
READ = Probe("p", "g", "a", SymbolPlace("vfs_read"))


@pytest.fixture
def files(tmp_path):
    return Scripted(tmp_path, {"available_filter_functions": "vfs_read\nsame\ndo_int3\n"})


@pytest.fixture
def debug(tmp_path):
    text = "0xffffffff81000030-0xffffffff81000040\tdo_int3\n"
    return Scripted(tmp_path / "debug", {"kprobes/blacklist": text})


def refused(message="Failed to register probe event", number=errno.EINVAL, probe=READ, caret=None):
    return Refused(message, errno=number, excerpt=probe.to_line(), caret=caret)


def explained(files, probe, refusal, debug=None, symbols=SYMBOLS):
    return explain(files, debug, probe, refusal, lambda: symbols)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES])
def test_no_right(files, monkeypatch, number):
    monkeypatch.setattr(explain_module, "present_mode", lambda host: "none")
    error = explained(files, READ, refused("Operation not permitted", number))
    assert isinstance(error, Unavailable) and "sudo" in error.hint
    monkeypatch.setattr(explain_module, "present_mode", lambda host: "confidentiality")
    error = explained(files, READ, refused("Operation not permitted", number))
    assert error.message == "this kernel is locked down (confidentiality): Operation not permitted"
    assert "ktrace vm" in error.hint


def test_the_name_is_taken(files):
    error = explained(files, READ, refused("Argument type or name is different", errno.EEXIST, caret=4))
    assert isinstance(error, Busy)
    assert (error.message, error.caret) == ("Argument type or name is different", 4)
    assert "ktrace show g/a" in error.hint


def test_a_tracepoint_that_has_a_probe(tmp_path):
    """Linux 6.12 refuses a second one; 7.3 does not."""
    probe = Probe("t", "g", "b", TracepointPlace("sched_switch"))
    files = Scripted(tmp_path, {"dynamic_events": "p:g/c vfs_read\nt:g/a sched_switch f0=prev:u64\n"})
    error = explained(files, probe, refused("File exists", errno.EEXIST, probe))
    assert isinstance(error, Busy)
    assert error.hint == "this kernel lets a tracepoint have one probe: g/a is at sched_switch"


def test_out_of_memory(files):
    error = explained(files, READ, refused("Cannot allocate memory", errno.ENOMEM))
    assert isinstance(error, Refused) and error.errno == errno.ENOMEM
    assert "--maxactive" in error.hint


def test_an_event_has_the_name(tmp_path):
    files = Scripted(tmp_path, {"events/sched/sched_switch/enable": "0", "events/enable": "0"})
    probe = Probe("p", "g", "a", SymbolPlace("sched_switch"))
    error = explained(files, probe, refused("Invalid probed address or symbol", probe=probe))
    assert isinstance(error, NotFound)
    assert error.hint == "an event has this name: `ktrace trace sched:sched_switch`"


def test_an_unknown_function(files):
    probe = Probe("p", "g", "vfs_raed", SymbolPlace("vfs_raed"))
    error = explained(files, probe, refused("Invalid probed address or symbol", probe=probe))
    assert isinstance(error, NotFound)
    assert error.message == "this kernel has no function 'vfs_raed' (Invalid probed address or symbol)"
    assert error.hint == "close to it: vfs_read"
    assert error.excerpt[error.caret :] == "vfs_raed"  # the place, not the event's name


def test_a_function_that_nothing_comes_close_to(files):
    probe = Probe("p", "g", "a", SymbolPlace("zzzzz"))
    assert "may be inlined" in explained(files, probe, refused(probe=probe)).hint


def test_data_is_no_function(files):
    probe = Probe("p", "g", "a", SymbolPlace("jiffies"))
    assert explained(files, probe, refused(probe=probe)).hint == (
        "jiffies is data, not a function: read it with @jiffies in another probe"
    )


def test_names_of_other_kernels_come_close_too(files):
    probe = Probe("p", "g", "a", SymbolPlace("do_forkk"))
    assert "do_fork (kernel_clone here)" in explained(files, probe, refused(probe=probe)).hint


@pytest.mark.parametrize(
    ("message", "number"), [("x", errno.EADDRNOTAVAIL), ("The symbol is not unique", errno.EINVAL)]
)
def test_several_functions_of_a_name(files, message, number):
    probe = Probe("p", "g", "a", SymbolPlace("same"))
    error = explained(files, probe, refused(message, number, probe))
    assert error.message == f"there are 2 functions called 'same' ({message})"
    assert error.hint.splitlines() == [
        "choose one with --nth N, all with --all, or by address:",
        "1: 0xffffffff81000010  same",
        "2: 0xffffffff81000020  same [ext4]",
    ]
    error = explained(files, probe, refused(message, number, probe), symbols=HIDDEN)
    assert "kptr_restrict" in error.hint


def test_the_blacklist(files, debug):
    probe = Probe("p", "g", "a", SymbolPlace("do_int3"))
    error = explained(files, probe, refused(probe=probe), debug)
    assert isinstance(error, Refused)
    assert error.message.startswith("Failed to register probe event: do_int3 is on the kprobe blacklist")
    assert "kprobes/blacklist" in error.hint


def test_what_ftrace_cannot_patch(files, debug):
    files.put("available_filter_functions", "same\n")
    error = explained(files, READ, refused(), debug)
    assert "vfs_read is marked notrace" in error.message
    assert "available_filter_functions" in error.hint


def test_an_argument_is_not_blamed_on_the_place(files, debug):
    files.put("available_filter_functions", "same\n")
    error = explained(files, READ, refused("Invalid register name", caret=10), debug)
    assert error.message == "Invalid register name"


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        (0xFFFFFFFF81000008, "0xffffffff81000008 is vfs_read+0x8"),
        (0xFFFFFFFF81000034, "0xffffffff81000034 lies in do_int3, which is on the kprobe blacklist"),
        (1 << 63, "is it an address of this boot? kernels move theirs at each boot"),
    ],
)
def test_addresses(files, debug, address, hint):
    probe = Probe("p", "g", "a", AddressPlace(address))
    assert explained(files, probe, refused(probe=probe), debug).hint == hint


def test_addresses_where_the_kernel_hides_them(files):
    probe = Probe("p", "g", "a", AddressPlace(0xFFFFFFFF81000008))
    assert "of this boot" in explained(files, probe, refused(probe=probe), symbols=HIDDEN).hint


def test_unknown_data_is_blamed_on_the_argument(files):
    probe = Probe("p", "g", "a", SymbolPlace("vfs_read"), (FetchArg("@jifies", "x"),))
    error = explained(files, probe, refused("Invalid probed address or symbol", errno.ENOENT, probe, 6))
    assert isinstance(error, NotFound)
    assert error.message.startswith("this kernel has no data symbol 'jifies'")
    assert error.excerpt[error.caret :] == "@jifies"
    known = Probe(
        "p", "g", "a", SymbolPlace("vfs_read"), (FetchArg("@jiffies+8", "x"), FetchArg("@0x10", "y"))
    )
    assert isinstance(explained(files, known, refused("x", probe=known, caret=3)), Refused)


@pytest.mark.parametrize(
    ("message", "number", "words"),
    [
        ("Invalid register name", errno.EINVAL, "%di"),
        ("This variable is not found at this probe point", errno.ENOENT, "ktrace add vfs_read , count"),
        ("Invalid fetch argument", errno.EINVAL, "needs BTF"),
        ("BTF is not available or not supported", errno.EINVAL, "needs BTF"),
        ("Invalid $-variable specified", errno.EINVAL, "$argN, $retval"),
        ("Invalid $-valiable specified", errno.EINVAL, "$argN, $retval"),
        ("Invalid argument number", errno.EINVAL, "use %REG there"),
        ("$arg* can be used only on function entry", errno.EINVAL, "use %REG there"),
        ("$retval is not available on probe", errno.EINVAL, "add -r"),
        ("Probe point is not an instruction boundary", errno.EILSEQ, "objdump"),
        ("String accepts only memory argument", errno.EINVAL, "+0(%REG):string"),
        ("Argument list too long", errno.E2BIG, "arguments: 1, too many or too large"),
        ("Too many arguments are specified", errno.EINVAL, "split them over several probes"),
        ("Dereference is too much nested", errno.E2BIG, "read an inner pointer at one probe"),
    ],
)
def test_hints_for_arguments(files, monkeypatch, message, number, words):
    monkeypatch.setattr(files.host, "uname", lambda: os.uname_result(["Linux", "", "", "", "x86_64"]))
    probe = Probe("p", "g", "a", SymbolPlace("vfs_read"), (FetchArg("count", "x"),))
    error = explained(files, probe, refused(message, number, probe, caret=3))
    assert (error.message, error.errno, error.caret) == (message, number, 3)
    assert words in error.hint


def test_registers_of_other_machines(files, monkeypatch):
    monkeypatch.setattr(files.host, "uname", lambda: os.uname_result(["Linux", "", "", "", "aarch64"]))
    assert explained(files, READ, refused("Invalid register name", caret=3)).hint == (
        "registers: %x0 %x1 %x2 %x3 %x4 %x5 %x6 %x7"
    )


def test_types_are_those_that_this_kernel_lists(files):
    files.put(
        "README",
        "x\n\t type: s8/16/32/64, u8/16/32/64,\n\t       string, symbol,\n\t  b<w>@<o>/<s>\n\tother\n",
    )
    error = explained(files, READ, refused("Unknown type is specified", caret=3))
    assert error.hint == "types here: s8/16/32/64, u8/16/32/64, string, symbol, b<w>@<o>/<s>"


def test_words_without_a_hint_stay_as_they_are(files):
    error = explained(files, READ, refused("Something new", caret=3))
    assert (error.message, error.hint) == ("Something new", None)


def test_without_symbols_the_words_remain(files):
    def unreadable():
        raise PermissionError(errno.EACCES, "no")

    probe = Probe("p", "g", "a", SymbolPlace("zzz"), (FetchArg("@zzz", "x"),))
    error = explain(files, None, probe, refused("No", probe=probe), unreadable)
    assert isinstance(error, Refused) and error.message == "No"
