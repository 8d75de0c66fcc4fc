"""Refuse options that would do nothing: without another one, or together with it."""

from ktrace.errors import UsageError


def needs(option: str, given: object, other: str, is_there: object) -> None:
    """Raise UsageError if `option` is given without `other`, without which it does nothing."""
    if given and not is_there:
        raise UsageError(f"{option} does nothing without {other}", hint=f"add {other}, or leave {option} out")


def excludes(option: str, given: object, *others: tuple[str, object]) -> None:
    """Raise UsageError if `option` is given with one of `others` (name, whether it is given)."""
    for other, is_there in others:
        if given and is_there:
            raise UsageError(f"{option} and {other} together: {other} would do nothing", hint="leave one out")
