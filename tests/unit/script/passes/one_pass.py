"""Runs the passes over a script up to one of them, and shows its result as text."""

from collections.abc import Callable, Mapping

from ktrace.script.language.ast import Statement
from ktrace.script.language.preprocess import Facts
from ktrace.script.language.printer import show_statement
from ktrace.script.language.source import SourceFile
from ktrace.script.passes.compilation import Compilation
from ktrace.script.passes.compiler import Compiler
from ktrace.script.passes.pass_list import PASSES
from tests.unit.script.scripts import FakeKernel


def after(
    run: Callable[..., object],
    text: str,
    kernel: FakeKernel | None = None,
    settings: Mapping[str, str] | None = None,
) -> Compilation:
    """Compile a script until the last pass with this function."""
    last = max(number for number, one in enumerate(PASSES) if one.run is run)
    compiler = Compiler(Facts("6.12.9-amd64", "x86_64"), kernel, dict(settings or {}))
    return compiler.after(PASSES[: last + 1], [SourceFile("t.stp", text)])


def one_line(body: Statement) -> str:
    """Return a body as text, in one line."""
    return " ".join(show_statement(body).split())


def handlers(made: Compilation) -> list[str]:
    """Return the probe point and the statements of each hook, in one line."""
    return [f"{hook.point} {one_line(hook.code)}" for hook in made.hooks]
