"""Tests that a machine cannot run: they say so, and on CI they fail."""

import os
from typing import NoReturn

import pytest


def unable(reason: str) -> NoReturn:
    """End the test with the reason why it cannot run here: a skip, but a failure on CI."""
    if os.environ.get("CI"):
        pytest.fail(f"cannot run here: {reason}")
    pytest.skip(reason)


def open_terminal() -> tuple[int, int]:
    """Return both ends of a new pseudo-terminal, as `os.openpty` does."""
    try:
        return os.openpty()
    except OSError as error:
        unable(f"no pseudo-terminals: {error} (is /dev/pts mounted?)")
