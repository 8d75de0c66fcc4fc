"""The text of a program, as `emit` writes it."""

from collections.abc import Mapping

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Handler:
    """An emitted handler.

    Attributes:
        name: the name of its Python function.
        params: its arguments for each event: names of `context` and of its fields.
    """

    name: str
    params: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Emitted:
    """A program as text.

    Attributes:
        text: Python source.
        handlers: the handlers, by the scope of their code.
    """

    text: str
    handlers: Mapping[str, Handler]
