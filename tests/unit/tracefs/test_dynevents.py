import errno

import pytest

from ktrace.errors import KtraceError, Refused
from ktrace.model.fetch import FetchArg
from ktrace.model.listing import SyntheticEvent
from ktrace.model.place import EventPlace, FilePlace, SymbolPlace, TracepointPlace
from ktrace.model.plan import Step
from ktrace.model.probe import Probe
from ktrace.tracefs import dynevents
from tests.unit.tracefs.scripted import Scripted

KPROBE = Probe("p", "g", "a", SymbolPlace("vfs_read"), (FetchArg("%foo", "x"),))
RETURN = Probe("r", "g", "a", SymbolPlace("vfs_read"))
UPROBE = Probe("p", "g", "a", FilePlace("/bin/ls", 16))
FPROBE = Probe("f", "g", "a", SymbolPlace("vfs_read"), at_return=True)


@pytest.mark.parametrize(
    ("probe", "file"),
    [
        (KPROBE, "kprobe_events"),
        (RETURN, "kprobe_events"),
        (UPROBE, "uprobe_events"),
        (FPROBE, "dynamic_events"),
        (Probe("t", "g", "a", TracepointPlace("x")), "dynamic_events"),
        (Probe("e", "g", "a", EventPlace("x", "y")), "dynamic_events"),
    ],
)
def test_each_kind_has_its_file(tmp_path, probe, file):
    files = Scripted(tmp_path, {file: ""})
    dynevents.define(files, probe)
    dynevents.remove(files, probe)
    assert files.done == [(file, probe.to_line()), (file, "-:g/a")]
    step = dynevents.define_step(probe)
    assert (step.path, step.text, step.action) == (file, probe.to_line(), "append")
    assert (step.undo.path, step.undo.text) == (file, "-:g/a")


def test_reasons():
    assert dynevents.define_step(KPROBE).why == "call of vfs_read"
    assert dynevents.define_step(RETURN).why == dynevents.define_step(FPROBE).why == "return from vfs_read"
    assert dynevents.define_step(KPROBE, "because").why == "because"
    assert dynevents.define_step(KPROBE).undo == Step("kprobe_events", "-:g/a", "remove g/a")


LOG = """\
[99999999.000001] trace_kprobe: error: Invalid register name
  Command: p:g/a vfs_read x=%foo
                            ^
"""


@pytest.fixture
def refusing(tmp_path):
    files = Scripted(tmp_path, {"kprobe_events": ""})
    files.refuse["kprobe_events"] = errno.EINVAL
    return files


def test_a_refusal_has_the_kernels_own_words_and_caret(refusing):
    refusing.put("error_log", LOG)
    with pytest.raises(Refused) as error:
        dynevents.define(refusing, KPROBE)
    refused = error.value
    assert (refused.message, refused.errno) == ("Invalid register name", errno.EINVAL)
    assert refused.excerpt[refused.caret :] == "%foo"


@pytest.mark.parametrize(
    ("call", "line"), [(dynevents.define, "r:g/a vfs_read"), (dynevents.remove, "-:g/a")]
)
def test_without_words_the_errno_says_it(refusing, call, line):
    with pytest.raises(Refused) as error:
        call(refusing, RETURN)
    assert (error.value.message, error.value.errno, error.value.caret) == ("Invalid argument", 22, None)
    assert error.value.excerpt == line


def test_words_of_an_earlier_boot_time_are_not_taken(refusing):
    refusing.put("error_log", LOG.replace("99999999.000001", "    0.000001"))
    refused = dynevents.refusal(refusing, KPROBE.to_line(), OSError(22, "no"), since=10**12)
    assert refused.message == "no"


LINES = """\
p:g/a vfs_read x=%di:u64
r10:g/b vfs_read
s:synthetic/lat\tu64 lat; char[16] comm
p:g/a vfs_write x=%di:u64

p:uprobes/c /tmp/\u2028\x1c\x85dir:0x0000000000000010
"""


def test_everything_in_the_order_of_its_making(tmp_path):
    files = Scripted(tmp_path, {"dynamic_events": LINES, "kprobe_events": "p:x/y z\n"})
    probes, synthetic = dynevents.list_probes(files)
    assert [p.event for p in probes] == ["g/a", "g/b", "g/a", "uprobes/c"]
    assert probes[3].place == FilePlace("/tmp/\u2028\x1c\x85dir", 16)
    assert synthetic == [SyntheticEvent("lat", "u64 lat; char[16] comm")]


def test_kernels_without_dynamic_events(tmp_path):
    files = Scripted(tmp_path, {"kprobe_events": "p:g/a f\n", "uprobe_events": "p:g/b /bin/ls:0x10\n"})
    assert [p.event for p in dynevents.list_probes(files)[0]] == ["g/a", "g/b"]
    (tmp_path / "uprobe_events").unlink()
    assert [p.event for p in dynevents.list_probes(files)[0]] == ["g/a"]


def test_a_line_that_is_not_understood_is_an_error_and_no_guess(tmp_path):
    files = Scripted(tmp_path, {"dynamic_events": "p:g/a f\nz:g/b what\n"})
    with pytest.raises(KtraceError, match="cannot read") as error:
        dynevents.list_probes(files)
    assert (error.value.excerpt, error.value.caret) == ("z:g/b what", 0)
    assert "report" in error.value.hint
