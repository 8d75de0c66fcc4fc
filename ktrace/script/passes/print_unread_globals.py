"""Print the globals that a script writes but never reads, when the script ends."""

from collections.abc import Iterable, Sequence

from ktrace.script.language.ast import (
    Assign,
    Crement,
    Expr,
    ExprStatement,
    Name,
    Node,
    While,
    children,
    variable_of,
)
from ktrace.script.language.definitions import Functions, Global, Script
from ktrace.script.language.facts import Facts
from ktrace.script.language.parser import parse
from ktrace.script.language.points import AtMoment
from ktrace.script.language.preprocess import Preprocessor
from ktrace.script.language.source import DOLLAR, SourceFile
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.hook import Hook
from ktrace.script.passes.infer_types import infer_more
from ktrace.script.passes.types import Code, Types, codes_of


def print_unread_globals(
    script: Script, functions: Functions, bound: Sequence[Bound], types: Types, facts: Facts
) -> tuple[Sequence[Bound], Types]:
    """Add end probes that print the globals never read."""
    shown = unread(script.globals, [*codes_of(functions), *(one.code for one in bound)])
    source = SourceFile("<unread globals>", display(shown, types), tapset=True)
    added = []
    for number, probe in enumerate(parse(source, Preprocessor(facts)).probes):
        hook = Hook(probe.points[0], AtMoment("end"), probe.points[0], probe.body)
        added.append(Bound(hook, f"unread {number}"))
        infer_more(types, added[-1].code)
    return [*bound, *added], types


def unread(globals_: Iterable[Global], codes: Iterable[Code]) -> list[Global]:
    """Return the user's globals that are written and never read, in the order of the text."""
    found = _Uses(set(), set())
    for code in codes:
        found.visit(code.body)
        for condition in code.conditions:
            found.visit(condition)
    only = found.written - found.read
    return [one for one in globals_ if one.name in only and not one.at.source.tapset]


def display(shown: Sequence[Global], types: Types) -> str:
    """Return script text that prints the globals, largest values first."""
    return "\n".join(f"probe end {{ {_one(one.name, types)} }}" for one in shown)


class _Uses:
    """The variables that bodies read and write."""

    def __init__(self, read: set[str], written: set[str]) -> None:
        self.read = read
        self.written = written

    def visit(self, node: Node) -> None:
        if isinstance(node, ExprStatement):
            self._effect(node.value)
            return
        if isinstance(node, While):
            for part in (node.first, node.step):
                if part is not None:
                    self._effect(part)
            self.visit(node.condition)
            self.visit(node.body)
            return
        if isinstance(node, Assign) and node.op in ("=", "<<<"):
            self._written(node.target)
            self.visit(node.value)
            return
        if isinstance(node, Assign | Crement):
            self._written(node.target)
        if isinstance(node, Name):
            self.read.add(node.name)
        for child in children(node):
            self.visit(child)

    def _effect(self, e: Expr) -> None:
        """Visit an expression whose value is not used. There, `x++` does not count as a read of x."""
        if isinstance(e, Assign | Crement):
            self._written(e.target)
            if isinstance(e, Assign):
                self.visit(e.value)
        else:
            self.visit(e)

    def _written(self, target: Expr) -> None:
        variable = variable_of(target)
        if variable is None:
            self.visit(target)
            return
        self.written.add(variable.name)
        for child in children(target):
            if child is not variable:
                self.visit(child)


_FIGURES = ("count", "min", "max", "sum", "avg")


def _one(name: str, types: Types) -> str:
    kind = types.variable("", name)
    count = types.arrays.get(name, 0)
    name = name.replace(DOLLAR, "$")
    keys = [f"k${i}" for i in range(count)]
    element = f"{name}[{', '.join(keys)}]" if keys else name
    quoted = {"string": r"\"%s\"", "long": "%d"}
    label = name
    if keys:
        forms = (
            quoted[types.slots.get(("key", name.replace("$", DOLLAR), str(i)), "long")] for i in range(count)
        )
        label += f"[{','.join(forms)}]"
    if kind == "stats":
        label += "".join(f" @{figure}=%d" for figure in _FIGURES)
        figures = [f"@{figure}({element})" for figure in _FIGURES]
        values = [figures[0], *(f"{figures[0]} ? {one} : 0" for one in figures[1:])]
    else:
        label += "=" + quoted[kind]
        values = [element]
    shown = f'printf("{label}\\n", {", ".join([*keys, *values])})'
    return f"foreach ([{', '.join(keys)}] in {name}-) {shown}" if keys else shown
