"""What goes wrong while a handler runs."""

from typing import NoReturn


class Fault(Exception):
    """An error in a handler, which `try` catches; otherwise the handler ends and the error is counted.

    Args:
        text: what `catch` gets.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Abort(BaseException):
    """`abort()`: the script ends right here."""


def fault(text: str) -> NoReturn:
    """Raise a Fault where an expression stands."""
    raise Fault(text)
