"""Run in the guest, as the tests of tests/kernel are and with what they have."""

import pwd
import runpy
from pathlib import Path

import pytest

from tests.kernel.conftest import *  # noqa: F403 -- fixtures are found by being here


@pytest.fixture(scope="session")
def vmlinux() -> str:
    """The debug info of the running kernel, where whom this file belongs to has fetched it."""
    home = Path(pwd.getpwuid(Path(__file__).stat().st_uid).pw_dir)  # the guest has its own cache
    fetch = runpy.run_path(str(Path(__file__).parents[1] / "fetch.py"))
    found = fetch["vmlinux"](home / ".cache/ktrace/debug")
    if found is None:
        pytest.fail("no debug info: run tests/dwarf/fetch.py first")
    return str(found)
