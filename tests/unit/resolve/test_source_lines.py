"""Places in the source, over a small program whose debug info the tests write (see dwarf_writer)."""

from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.errors import KtraceError, NotFound, Refused, UsageError
from ktrace.expr.source import Site
from ktrace.kernel.inlined import inlined_hint, inlined_note
from ktrace.model.place import SymbolPlace
from ktrace.probes.explain import explain
from ktrace.resolve.finder import Finder
from ktrace.resolve.parse import split_definitions
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import ProbeOptions, ProbeSpec
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.elf import Elf
from ktrace.symbols.kallsyms import Kallsyms
from tests.unit.session.places import NEW_README, BuiltKernel
from tests.unit.symbols.dwarf.dwarf_writer import Dwarf

# Moved, as the kernel moves itself: by 0x01000000 from where it was linked.
SYMBOLS = """\
ffffffff82000000 T _text
ffffffff82000000 T outer
ffffffff82000100 t twice
ffffffff82000140 t twice
"""


class Described(BuiltKernel):
    """A kernel with debug info, or with a place for it where there is none."""

    def __init__(self, root: Path, version: int = 5, *, debug: bool = True, btf: bool = True) -> None:
        super().__init__(root, NEW_README, btf=btf)
        (Path(self.tracing.root) / "available_filter_functions").write_text("outer\ntwice\ntwice\n")
        self._elf = Dwarf(version).elf().build() if debug else None

    def debug_info(self, module: str | None = None) -> DebugInfo:
        if self._elf is None:
            raise NotFound("no debug info of the running kernel", hint="apt install it\nor give a file")
        return DebugInfo(Elf(self._elf, "demo"))

    installed_debug_info = debug_info

    def _symbols(self) -> Kallsyms:
        return Kallsyms(SYMBOLS.encode())


@pytest.fixture(params=[4, 5])
def kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Described:
    return Described(tmp_path, request.param)


def made(kernel: Described, text: str, **options: object) -> list[ProbeSpec]:
    (words,) = split_definitions([text])
    return want(words, replace(ProbeOptions(machine="x86_64"), **options), kernel)


def lines(kernel: Described, text: str, **options: object) -> list[str]:
    return [one.probe.to_line() for one in made(kernel, text, **options)]


def refused(kernel: Described, text: str, error: type[KtraceError], /, **options: object) -> KtraceError:
    with pytest.raises(error) as caught:
        made(kernel, text, **options)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("outer:4", "p:kprobes/outer_L4 outer+96"),
        ("demo.c:24 %ax", "p:kprobes/demo_L24 outer+96 ax=%ax"),
        ("outer:0 file", "p:kprobes/outer_L0 outer file=%di:x64"),
        ("outer:2 file->a n", "p:kprobes/outer_L2 outer+8 a=+0(%di):s64 n=+0x2c(%sp):s32"),
        ("outer:3 v mine=n:x32", "p:kprobes/outer_L3 outer+32 v=%ax:s64 mine=+0x2c(%sp):x32"),
        ("demo.c:24 file->b file->c", "p:kprobes/demo_L24 outer+96 b=+0x8(%di):s32 c=+0xc(%di):b3@5/8"),
        ("outer:3 $args", "p:kprobes/outer_L3 outer+32 file=%di:x64 n=+0x2c(%sp):s32"),
        ("outer+0x20 v", "p:kprobes/outer_0x20 outer+32 v=%ax:s64"),
        ("outer:4 ((struct thing *)file)->b", "p:kprobes/outer_L4 outer+96 b=+0x8(%di):s32"),
    ],
)
def test_lines_and_what_is_there(kernel: Described, text: str, line: str) -> None:
    assert lines(kernel, text) == [line]


def test_types_without_btf(tmp_path: Path) -> None:
    kernel = Described(tmp_path, btf=False)
    assert lines(kernel, "outer:4 ((struct thing *)file)->b") == [
        "p:kprobes/outer_L4 outer+96 b=+0x8(%di):s32"
    ]
    assert "did you mean thing" in (refused(kernel, "outer:4 ((struct thin *)file)->b", NotFound).hint or "")


def test_a_line_of_inlined_code_sees_its_own_variables(kernel: Described) -> None:
    assert lines(kernel, "inner:2 v") == ["p:kprobes/inner_L2 outer+64 v=+0x10(%sp):s64"]
    error = refused(kernel, "inner:2 x", UsageError)
    assert "'x' cannot be read at this place" in error.message and error.caret == 0


def test_the_functions_own_line_does_not_see_what_was_inlined_there(kernel: Described) -> None:
    """Line 23 calls inner(), whose code begins elsewhere; `x` is inner's."""
    error = refused(kernel, "outer:3 x", UsageError)
    assert "no variable 'x' at this place in outer" in error.message
    assert "can be read: struct thing *file, int n, long v" in (error.hint or "")


@pytest.mark.parametrize(("function", "message"), [("inner", "cannot be read"), ("outer", "no variable 'x'")])
def test_where_two_functions_begin_the_line_says_which_is_meant(
    kernel: Described, function: str, message: str
) -> None:
    finder = Finder(("x",), False, ProbeOptions(machine="x86_64"), kernel)
    place, types, inside = SymbolPlace("outer", 0x40), kernel.types(), Site("outer", "inside")
    with pytest.raises(UsageError, match=message):
        finder.with_variables(inside, place, types, 1, lambda frame: frame.function == function)


def test_one_of_two_functions_is_counted_from_the_kernels_start(kernel: Described) -> None:
    assert lines(kernel, "demo.c:41") == ["p:kprobes/demo_L41 _text+328"]
    kernel.symbols = Kallsyms(b"ffffffff82000100 t twice\n")
    assert "debug info has 2 functions" in refused(kernel, "demo.c:41", KtraceError).message


def test_several_places_have_a_note(kernel: Described) -> None:
    assert "demo.c:40" not in str(made(kernel, "demo.c:40")[0].notes)
    found = made(kernel, "twice:1")
    assert [one.probe.name for one in found] == ["twice_L1", "twice_L1_2"]
    assert found[0].notes == ("the code of twice:1 begins at 2 places: twice+8 (1 of 2), twice+8 (2 of 2)",)
    assert "2 places, more than the 1" in refused(kernel, "twice:1", UsageError, max_probes=1).message


def test_functions_of_one_name_are_told_with_their_files(
    kernel: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(kernel, "twice", UsageError, nth=3)
    assert (error.hint or "").splitlines() == [
        "1: 0xffffffff82000100  twice  demo.c:30",
        "2: 0xffffffff82000140  twice  demo.c:40",
    ]
    monkeypatch.setattr("ktrace.probes.explain.installed", lambda host: kernel.debug_info())
    probe = made(kernel, "twice")[0].probe
    error = explain(kernel.tracing, None, probe, Refused("no", errno=99), lambda: kernel.symbols)
    assert "2: 0xffffffff82000140  twice  demo.c:40" in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "words", "options"),
    [
        ("outer:1-3", "at one line", {}),
        ("outer:4%return", "does not return", {}),
        ("outer:4", "does not return", {"at_return": True}),
        ("outer:4", "an fprobe is at a function", {"kind": "fprobe"}),
        ("inner", "does not return", {"inlined": True, "at_return": True}),
        ("outer+4", "whole functions", {"inlined": True}),
    ],
)
def test_what_a_line_cannot_have(kernel: Described, text: str, words: str, options: dict) -> None:
    assert words in refused(kernel, text, UsageError, **options).message


def test_where_no_code_is(kernel: Described) -> None:
    error = refused(kernel, "outer:5", NotFound)
    assert "no code begins at demo.c:25" in error.message and "outer:4" in (error.hint or "")
    assert "no code is from a source file" in refused(kernel, "other.c:5", NotFound).message


def test_all_of_a_file(kernel: Described) -> None:
    (one,) = made(kernel, ":demo*")
    assert one.probe.to_line() == "p:kprobes/outer outer" and "several functions of one name" in one.notes[0]
    assert [w.probe.name for w in made(kernel, ":demo.c", every=True)] == ["outer", "twice", "twice_2"]
    assert "':kernel/bpf/*'" in (refused(kernel, ":other/*", NotFound).hint or "")


def test_inlined_code(kernel: Described) -> None:
    (one,) = made(kernel, "inner v", inlined=True)
    assert one.probe.to_line() == "p:kprobes/inner outer+64 v=+0x10(%sp):s64"
    assert one.notes == ("inner is inlined at 1 place:\n  outer+64  in outer, demo.c:23",)
    error = refused(kernel, "inner v", NotFound)
    assert (error.hint or "").endswith("probe all of them with --inlined") and "outer+64" in (
        error.hint or ""
    )
    assert lines(kernel, "outer", inlined=True) == ["p:kprobes/outer outer"]
    assert "no code of nothing" in refused(kernel, "nothing", NotFound, inlined=True).message


def test_without_debug_info(tmp_path: Path) -> None:
    kernel = Described(tmp_path, debug=False)
    for text in ("outer:4", "demo.c:24 v", ":demo.c"):
        assert "apt install" in (refused(kernel, text, NotFound).hint or "")
    error = refused(kernel, "outer+0x20 v", UsageError)
    assert "only when the function is entered" in error.message
    assert "with debug info, variables by name: apt install it" in (error.hint or "")
    assert "it may be inlined" in (refused(kernel, "zzzz v", NotFound).hint or "")


def test_many_sites_are_counted(kernel: Described) -> None:
    sites = kernel.debug_info().inlined_sites("inner")
    assert isinstance(sites, tuple)
    text = inlined_note("inner", sites * 250).splitlines()
    assert text[0] == "inner is inlined at 250 places:" and text[-1] == "  and 150 more"
    assert inlined_hint("outer", kernel.debug_info) is None


def test_a_refused_probe_is_told_where_its_function_went(
    kernel: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ktrace.probes.explain.installed", lambda host: kernel.debug_info())
    probe = made(kernel, "inner")[0].probe
    error = explain(kernel.tracing, None, probe, Refused("no", errno=2), lambda: kernel.symbols)
    assert isinstance(error, NotFound) and "outer+64  in outer, demo.c:23" in (error.hint or "")
