"""Describe the passes, check their order and run them."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields

from ktrace.records import dataclass
from ktrace.script.passes.compilation import Compilation

GIVEN = tuple(one.name for one in fields(Compilation) if one.init)
"""The values that a compilation begins with."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A function from some values of a `Compilation` to others.

    The function gets the values that its parameters name and nothing else: it cannot read what it does not
    declare.

    Attributes:
        run: the function; it returns what it makes, as a tuple if that is several values.
        makes: the names of the values that it makes or replaces.
    """

    run: Callable[..., object]
    makes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the name of the function, which is that of its module, too."""
        return self.run.__name__

    @property
    def summary(self) -> str:
        """Return what the pass does, in one line: the first line of its docstring."""
        return (inspect.getdoc(self.run) or "").partition("\n")[0]

    @property
    def reads(self) -> tuple[str, ...]:
        """Return the names of the values that the pass reads: its parameters."""
        code = self.run.__code__  # `inspect.signature` would take as long as a small script's passes
        return code.co_varnames[: code.co_argcount]

    def apply(self, compilation: Compilation) -> None:
        """Run the pass.

        Raises:
            TypeError: the pass did not return what it declares.
        """
        made = self.run(*(getattr(compilation, name) for name in self.reads))
        values = (made,) if len(self.makes) == 1 else made
        if not isinstance(values, tuple) or len(values) != len(self.makes) or None in values:
            raise TypeError(f"the pass {self.name} did not make {', '.join(self.makes)}")
        for name, value in zip(self.makes, values, strict=True):
            setattr(compilation, name, value)


def checked(passes: Sequence[Pass]) -> tuple[Pass, ...]:
    """Return the passes if they can run in this order.

    Raises:
        ValueError: a pass reads what no pass before it makes, or makes what a `Compilation` does not have.
    """
    known = {one.name for one in fields(Compilation)}
    made = set(GIVEN)
    for one in passes:
        if missing := [name for name in one.reads if name not in made]:
            raise ValueError(f"the pass {one.name} reads {missing[0]}, which no pass before it makes")
        if unknown := [name for name in one.makes if name not in known]:
            raise ValueError(f"the pass {one.name} makes {unknown[0]}, which a compilation does not have")
        made.update(one.makes)
    return tuple(passes)


def listing(passes: Sequence[Pass]) -> Iterator[str]:
    """Yield lines that list the passes: number and name, what it does, what it reads -> what it makes."""
    yield _line("", "(given)", "What a compilation begins with.")
    yield _line("", "", f"-> {' '.join(GIVEN)}")
    for number, one in enumerate(passes, 1):
        yield _line(str(number), one.name, one.summary)
        yield _line("", "", f"{' '.join(one.reads)} -> {' '.join(one.makes)}")


def _line(number: str, name: str, text: str) -> str:
    return f"{number:>2} {name:20}  {text}".rstrip()
