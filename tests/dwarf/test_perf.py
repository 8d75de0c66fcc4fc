"""Lines, variables and fetch arguments agree with `perf probe -L`, `-V` and `-D`."""

import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ktrace.model.debuginfo import Absent, Constant
from ktrace.model.miss import Miss
from ktrace.model.place import SymbolPlace
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.info import DebugInfo
from ktrace.symbols.dwarf.ranges import stated_entry
from ktrace.symbols.dwarf.scopes import Scope
from ktrace.symbols.elf_symbols import ElfSymbol


def perf(vmlinux: Path, *words: str) -> str:
    command = ["perf", "probe", "-k", str(vmlinux), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, info: DebugInfo, drawn: Sequence[ElfSymbol]) -> Path:
    """Files of the names that perf wants to show, whose lines are their numbers."""
    root = tmp_path_factory.mktemp("sources")
    numbers = root / "numbers"
    numbers.write_text("".join(f"L{n}\n" for n in range(1, 40000)))
    for symbol in drawn:
        lines = info.lines_of(symbol.name)
        assert not isinstance(lines, Miss)
        for one in lines:
            path = root / one.file
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.symlink_to(numbers)
    return root


def foreign_lines(info: DebugInfo, name: str, file: str) -> set[int]:
    """Lines of callers in the same file, which perf lists as the function's where it was inlined too."""
    sites = info.inlined_sites(name)
    return set() if isinstance(sites, Miss) else {site.line for site in sites if site.file == file}


def odd_calls(info: DebugInfo, name: str) -> set[int]:
    """Calls of inlined functions whose code begins no statement.

    perf compares the line there with a variable that it has not set (`line_range_walk_cb`): whether it
    lists such a line hangs on what was on its stack.
    """
    program = info._program
    _, die = program.functions(name)[0]
    scope, header = Scope(die), program.line_header(die.unit)
    assert header is not None
    begun = {row[0] for sequence in program.rows(header) for row in sequence.rows if row[3]}
    calls = (call.die for call in scope.calls())
    return {call.number(c.AT_CALL_LINE) or 0 for call in calls if stated_entry(call) not in begun}


def test_lines(info: DebugInfo, vmlinux: Path, drawn: Sequence[ElfSymbol], sources: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        shown = list(pool.map(lambda s: perf(vmlinux, "-s", str(sources), "-L", s.name), drawn))
    same = lines = refused = explained = 0
    different = []
    for symbol, text in zip(drawn, shown, strict=True):
        theirs = {int(n) for n in re.findall(r"^ +\d+  L(\d+)$", text, re.MULTILINE)}
        if not theirs:
            refused += 1
            print(symbol.name, text.splitlines()[-2:])
            continue
        found = info.lines_of(symbol.name)
        assert not isinstance(found, Miss)
        # perf shows the function that it finds first, up to a few lines after the last with code.
        ours = {one.line for one in found[0].lines}
        if ours == theirs:
            same += 1
            lines += len(theirs)
            continue
        more, less = ours - theirs, theirs - ours - foreign_lines(info, symbol.name, found[0].file)
        unclear = odd_calls(info, symbol.name)
        explained += not (more - unclear or less - unclear)
        if more - unclear or less - unclear:
            different.append((symbol.name, sorted(more - unclear), sorted(less - unclear)))
    for one in different:
        print("differs", *one)
    print(
        f"{same} of {len(drawn)} functions: the same {lines} lines; in {explained} more perf lists lines of "
        f"callers or not set ones; {len(different)} differ; refused {refused}"
    )
    assert same + explained + refused >= len(drawn) - 2
    assert same >= len(drawn) * 0.93 and refused <= 2


def test_variables(info: DebugInfo, vmlinux: Path, drawn: Sequence[ElfSymbol]) -> None:
    with ThreadPoolExecutor(2) as pool:
        shown = list(pool.map(lambda s: perf(vmlinux, "-V", s.name), drawn))
    same = refused = names = 0
    different = []
    for symbol, text in zip(drawn, shown, strict=True):
        if "\t@<" not in text:
            refused += 1
            continue
        # Where the function was inlined, perf lists its variables there as well: only those at its entry.
        here = text.partition(f"\t@<{symbol.name}+0>\n")[2].partition("\t@<")[0]
        theirs = {re.split(r"[\t ]", line)[-1] for line in here.splitlines() if line.startswith("\t\t")}
        theirs.discard("variables)")  # "(No matched variables)"
        found = info.variables(SymbolPlace(symbol.name))
        assert not isinstance(found, Miss)
        # perf lists what has a location, also one that a fetch argument cannot reach.
        absent = (Absent("optimized out"), Absent("it is split over several places"))
        ours = {v.name for v in found.variables if v.location not in absent}
        constants = {v.name for v in found.variables if isinstance(v.location, Constant)}
        if ours - constants == theirs - constants:
            same += 1
            names += len(theirs)
        else:
            different.append((symbol.name, sorted(ours - theirs), sorted(theirs - ours)))
    for one in different:
        print("differs", *one)
    print(
        f"{same} of {len(drawn)}: the same {names} variables; {len(different)} differ; perf refused {refused}"
    )
    # The rest are structs without a size, and symbols that are not variables: perf lists some of them.
    assert same >= len(drawn) * 0.98


def test_fetch_arguments(info: DebugInfo, vmlinux: Path, drawn: Sequence[ElfSymbol]) -> None:
    """At the last line of each function, where variables are no longer where they came in."""
    asked: list[tuple[str, int, dict[str, str]]] = []
    for symbol in drawn:
        found = info.lines_of(symbol.name)
        assert not isinstance(found, Miss)
        for one in reversed(found[0].lines):
            if len(one.spots) == 1 and one.spots[0].place.offset:
                variables = info.variables(one.spots[0].place)
                assert not isinstance(variables, Miss)
                fetch = {
                    v.name: v.fetch.expr
                    for v in variables.variables
                    if v.fetch and v.function == symbol.name and not isinstance(v.location, Constant)
                }
                if fetch and found[0].function == symbol.name:
                    asked.append(
                        (f"{symbol.name}:{one.line - found[0].declared}", one.spots[0].place.offset, fetch)
                    )
                    break
    with ThreadPoolExecutor(2) as pool:
        shown = list(pool.map(lambda one: perf(vmlinux, "-D", f"{one[0]} {' '.join(one[2])}"), asked))
    same = values = refused = 0
    different = []
    for (place, offset, fetch), text in zip(asked, shown, strict=True):
        lines = [line for line in text.splitlines() if line.startswith("p:")]
        if not lines:
            refused += 1
            print(place, fetch, text.splitlines()[:1])
            continue
        ours = {f"{name}={expr}" for name, expr in fetch.items()}
        theirs = [
            (int(line.split()[1].rpartition("+")[2]), {w.rpartition(":")[0] for w in line.split()[2:]})
            for line in lines
        ]
        if (offset, ours) in theirs:
            same += 1
            values += len(ours)
        else:
            different.append((place, offset, sorted(ours), theirs))
    for one in different:
        print("differs", *one)
    print(
        f"{same} of {len(asked)} places: the same offset and {values} fetch arguments; "
        f"{len(different)} differ; perf refused {refused}"
    )
    assert not different
    assert same >= len(asked) * 0.9
