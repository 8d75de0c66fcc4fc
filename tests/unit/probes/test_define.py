import errno

import pytest

from ktrace.errors import Busy, KtraceError, NotFound, Refused
from ktrace.host.folder import FolderHost
from ktrace.kernel.renamed import unreached
from ktrace.model.fetch import FetchArg
from ktrace.model.place import AddressPlace, EventPlace, FilePlace, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.probes import define as define_module
from ktrace.probes.define import Defined, define_probe, resolve
from ktrace.symbols.kallsyms import Kallsyms
from tests.unit.tracefs.scripted import Scripted

SYMBOLS = Kallsyms(
    b"ffffffff81000000 T kernel_clone\nffffffff81000010 T vfs_read\nffffffff81000020 t part.isra.0\n"
)
FORK = Probe("p", "g", "do_fork", SymbolPlace("do_fork"))
READ = Probe("p", "g", "a", SymbolPlace("vfs_read"))
MODULE = Probe("p", "g", "a", SymbolPlace("f", module="not-loaded"))


@pytest.fixture
def files(tmp_path, monkeypatch):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/modules").write_text("ext4 16384 0 - Live 0x0\n")
    files = Scripted(tmp_path, {"kprobe_events": ""})
    host = FolderHost(tmp_path)
    monkeypatch.setattr(files.host, "read", host.read)
    return files


def load():
    return SYMBOLS


def never():
    pytest.fail("a probe that the kernel takes needs no symbols")


def test_what_the_kernel_takes_is_looked_up_nowhere(files):
    assert define_probe(files, READ, load_symbols=never) == Defined(READ)
    assert files.done == [("kprobe_events", "p:g/a vfs_read")]
    assert Defined(READ).note is None


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOENT])
def test_a_function_that_has_another_name_here(files, number):
    files.refuse["kprobe_events", "p:g/do_fork do_fork"] = number
    defined = define_probe(files, FORK, load_symbols=load)
    assert defined.probe.place == SymbolPlace("kernel_clone")
    assert files.done == [("kprobe_events", "p:g/do_fork kernel_clone")]
    assert defined.note == "do_fork is kernel_clone in this kernel: g/do_fork probes kernel_clone"


def test_a_function_that_the_compiler_changed(files):
    probe = Probe("p", "g", "a", SymbolPlace("part"))
    files.refuse["kprobe_events", probe.to_line()] = errno.EINVAL
    assert define_probe(files, probe, load_symbols=load).probe.place.symbol == "part.isra.0"


def test_a_probe_is_made_anew_for_the_other_name(files):
    files.refuse["kprobe_events", "p:g/do_fork do_fork"] = errno.EINVAL
    anew = Probe("r", "g", "do_fork", SymbolPlace("kernel_clone"))
    defined = define_probe(files, FORK, load_symbols=load, move=lambda probe, name: anew)
    assert (defined.probe, defined.requested) == (anew, "do_fork")


@pytest.mark.parametrize("number", [errno.EEXIST, errno.EPERM, errno.ENOMEM])
def test_refusals_that_no_name_is_to_blame_for_are_not_tried_again(files, number):
    files.refuse["kprobe_events"] = number
    with pytest.raises(KtraceError):
        define_probe(files, FORK, load_symbols=load)
    assert files.tries["kprobe_events"] == 1


def test_a_name_that_is_right_is_not_replaced(files):
    files.refuse["kprobe_events"] = errno.EINVAL
    with pytest.raises(Refused):
        define_probe(files, READ, load_symbols=load)
    assert files.tries["kprobe_events"] == 1


def test_the_other_name_may_be_refused_too(files):
    files.refuse["kprobe_events"] = errno.EINVAL
    with pytest.raises(Refused) as error:
        define_probe(files, FORK, load_symbols=load)
    assert error.value.excerpt == "p:g/do_fork kernel_clone"


def test_a_name_that_nobody_knows(files):
    files.refuse["kprobe_events"] = errno.EINVAL
    with pytest.raises(NotFound, match="no function 'vfs_raed'") as error:
        define_probe(files, Probe("p", "g", "a", SymbolPlace("vfs_raed")), load_symbols=load)
    assert "vfs_read" in error.value.hint


def test_without_kallsyms_the_kernels_words_remain(files):
    def unreadable():
        raise PermissionError(errno.EACCES, "no")

    files.refuse["kprobe_events"] = errno.EINVAL
    with pytest.raises(Refused, match="Invalid argument"):
        define_probe(files, FORK, load_symbols=unreadable)


def test_an_event_that_is_there(files):
    files.put("events/g/a/enable", "0\n")
    with pytest.raises(Busy, match="g/a is there already"):
        define_probe(files, READ, load_symbols=never)
    assert files.done == []
    assert define_probe(files, READ, append=True, load_symbols=never).probe == READ


def test_a_module_that_is_not_loaded(files):
    defined = define_probe(files, MODULE, load_symbols=load)
    assert (defined.pending, defined.built_in) == (True, False)
    assert defined.note == "g/a waits: module not-loaded is not loaded (`ktrace list` shows it)"


def test_a_function_of_the_kernel_itself_does_not_come_with_a_module(files):
    probe = Probe("p", "g", "a", SymbolPlace("vfs_read", module="not_loaded"))
    defined = define_probe(files, probe, load_symbols=load)
    assert defined.built_in
    assert defined.note.startswith("g/a will not be hit: vfs_read is in the kernel itself")
    assert "leave not_loaded: out" in defined.note


def test_loaded_modules(tmp_path):
    (tmp_path / "proc").mkdir()
    host, modules = FolderHost(tmp_path), tmp_path / "proc/modules"
    modules.write_text("not_loaded 16384 0 - Live 0x0\nother 1 0\n")
    assert not define_module.is_pending(host, MODULE)  # - and _ are the same to modules
    modules.write_text("not_loaded_2 16384 0 - Live 0x0\n")
    assert define_module.is_pending(host, MODULE)
    assert not define_module.is_pending(FolderHost(tmp_path / "none"), MODULE)
    assert not define_module.is_pending(host, READ)


def test_the_same_without_writing(files):
    assert resolve(files, READ, load) == Defined(READ)
    assert resolve(files, FORK, load).probe.place.symbol == "kernel_clone"
    address = Probe("p", "g", "a", AddressPlace(1 << 63))
    assert resolve(files, address, load) == Defined(address)
    assert files.done == []


def test_without_writing_it_is_said_what_is_not_there(files):
    with pytest.raises(NotFound, match="no function 'vfs_raed'"):
        resolve(files, Probe("p", "g", "a", SymbolPlace("vfs_raed")), load)
    missing = Probe("p", "g", "a", SymbolPlace("vfs_read"), (FetchArg("@nothing", "x"),))
    with pytest.raises(NotFound, match="no data symbol 'nothing'"):
        resolve(files, missing, load)
    with pytest.raises(NotFound, match="there is no file /no/such"):
        resolve(files, Probe("p", "g", "a", FilePlace("/no/such", 16)), load)
    with pytest.raises(NotFound, match="there is no event sched/none"):
        resolve(files, Probe("e", "g", "a", EventPlace("sched", "none")), load)
    files.put("events/g/a/enable", "0\n")
    with pytest.raises(Busy):
        resolve(files, READ, load)
    assert resolve(files, READ, load, append=True).appended
    assert files.done == []


def test_an_address_is_written_by_a_symbol_which_the_kernel_prints_again(files):
    """The kernel prints a hash instead of an address."""
    symbols = Kallsyms(
        b"ffffffff81000000 T _text\nffffffff81000010 T vfs_read\nffffffff82000000 T _end\n"
        b"ffffffffc0000010 t f\t[mod]\nffffffffc0000020 t g\t[mod]\nffffffffc0000030 t g\t[mod]\n"
        b"ffffffffc1000000 t prog\t[bpf]\n"
    )

    def at(address):
        return Probe("p", "g", "a", AddressPlace(address))

    def written(address):
        return resolve(files, at(address), lambda: symbols).probe.place.to_text()

    assert written(0xFFFFFFFF81000018) == "_text+24"
    assert written(0xFFFFFFFFC0000030) == "0xffffffffc0000030"  # there are two of that name
    assert written(0xFFFFFFFFC1000000) == "0xffffffffc1000000"  # no module: it would wait for one
    assert define_probe(files, at(0xFFFFFFFF81000010), load_symbols=lambda: symbols).probe.place.offset == 16
    assert files.done == [("kprobe_events", "p:g/a _text+16")]
    hidden = Kallsyms(b"0000000000000000 T _text\n0000000000000000 T _end\n")
    assert resolve(files, at(1 << 63), lambda: hidden) == Defined(at(1 << 63))


def test_an_address_in_a_module(files, monkeypatch):
    monkeypatch.setattr(define_module, "is_pending", lambda host, probe: False)
    symbols = Kallsyms(b"ffffffff81000000 T _text\nffffffff82000000 T _end\nffffffffc0000010 t f\t[mod]\n")
    probe = Probe("p", "g", "a", AddressPlace(0xFFFFFFFFC0000018))
    assert resolve(files, probe, lambda: symbols).probe.place.to_text() == "mod:f+8"


def test_a_function_that_is_bypassed():
    symbols = Kallsyms(b"ffffffff81000000 T do_sys_open\nffffffff81000010 t do_sys_openat2\n")
    probe = Probe("p", "g", "a", SymbolPlace("do_sys_open"))
    note = Defined(probe, unreached=unreached("do_sys_open", symbols)).note
    assert note.startswith("g/a may never be hit: open and openat do not pass through it")
    assert "do_sys_openat2(int dfd, const char *filename, struct open_how *how)" in note
    alone = Kallsyms(b"ffffffff81000000 T do_sys_open\n")
    assert unreached("do_sys_open", alone) is unreached("vfs_read", symbols) is None
    local = b"ffffffff81000000 t dev_queue_xmit\nffffffff81000010 T __dev_queue_xmit\n"
    assert "__dev_queue_xmit" in unreached("dev_queue_xmit", Kallsyms(local))
    assert unreached("dev_queue_xmit", Kallsyms(local.replace(b" t ", b" T "))) is None
