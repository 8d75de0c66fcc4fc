"""What goes wrong while a handler runs."""

from typing import NoReturn


class Fault(Exception):
    """An error in a handler, which `try` catches; otherwise the handler ends and the error is counted.

    Args:
        text: what `catch` gets.
        near: the place, which is told where nothing catches.
    """

    def __init__(self, text: str, near: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.near = near


class Abort(BaseException):
    """`abort()`: the script ends right here."""


def fault(text: str) -> NoReturn:
    """Raise a Fault where an expression stands."""
    raise Fault(text)
