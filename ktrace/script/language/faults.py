"""Errors raised while a handler runs."""

from typing import NoReturn


class Fault(Exception):
    """An error in a handler. If no `try` catches it, the handler ends and the error is counted.

    Args:
        text: the message that `catch` receives.
        near: the place in the script, reported if nothing catches the error.
    """

    def __init__(self, text: str, near: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.near = near


class Abort(BaseException):
    """Raised by `abort()`: the script ends at once."""


def fault(text: str) -> NoReturn:
    """Raise a Fault from within an expression."""
    raise Fault(text)
