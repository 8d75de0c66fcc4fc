"""tools/setup.sh: which virtual environments it keeps."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.unit.docs.blocks import ROOT
from tests.unit.unable import unable


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment, as pip leaves it."""
    made = tmp_path / "a check'out"
    (made / "ktrace").mkdir(parents=True)
    (made / "ktrace" / "__init__.py").touch()
    (made / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup.sh", made / "tools")
    packages = made / ".venv" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "ktrace.pth").write_text(f"{made}\n")
    (made / ".venv" / "bin").mkdir()
    (made / ".venv" / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (made / ".venv" / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    return made


def is_sound(checkout: Path, **environment: str) -> bool:
    script = 'source "$0/tools/setup.sh" run; environment_is_sound && echo sound || echo not'
    env = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    done = subprocess.run(
        ["bash", "-c", script, str(checkout)], env={**env, **environment}, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"") and done.stdout in (b"sound\n", b"not\n")
    return done.stdout == b"sound\n"


def test_what_was_made_here_is_kept(checkout: Path) -> None:
    assert is_sound(checkout)
    assert is_sound(checkout, PYTHON=sys.executable, CDPATH=str(checkout.parent))


def test_an_upgraded_python_finds_no_packages(checkout: Path) -> None:
    """Packages are in a folder named after the Python that installed them."""
    library = checkout / ".venv" / "lib"
    next(library.iterdir()).rename(library / "python3.0")
    assert not is_sound(checkout)


def test_a_python_that_has_gone(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/usr/bin/python3.0")
    assert not is_sound(checkout)


def test_a_copy_has_the_packages_of_the_original(checkout: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy, symlinks=True)
    assert is_sound(checkout) and not is_sound(copy)


def test_another_python_is_asked_for(checkout: Path, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho '(3, 99)'\n")
    other.chmod(0o755)
    assert not is_sound(checkout, PYTHON=str(other))


def test_a_checkout_without_environment(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    assert not is_sound(checkout)


def test_a_python_that_cannot_be_used_is_named(checkout: Path) -> None:
    script = 'source "$0/tools/setup.sh" run; find_python'
    done = subprocess.run(
        ["bash", "-c", script, str(checkout)], env={**os.environ, "PYTHON": "/bin/false"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "PYTHON=/bin/false is not a Python" in done.stderr


def test_a_checkout_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """Most folders can be written to by root; those of procfs cannot."""
    if os.access("/proc/self", os.W_OK):
        unable("this kernel lets root write to /proc/self")
    script = 'source "$0/tools/setup.sh" run; cd /proc/self; main'
    done = subprocess.run(["bash", "-c", script, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "cannot be written to" in done.stderr and done.stderr.startswith("/proc/")


def test_a_link_to_the_environment_of_another_checkout(checkout: Path, tmp_path: Path) -> None:
    """`python -m venv --clear` would empty it, while others use it."""
    other = tmp_path / "other"
    (checkout / ".venv").rename(other)
    (checkout / ".venv").symlink_to(other)
    kept = sorted(other.rglob("*"))
    (other / "bin" / "python").unlink()
    kept.remove(other / "bin" / "python")
    script = 'source "$0/tools/setup.sh" run; make_environment'
    done = subprocess.run(["bash", "-c", script, str(checkout)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "belongs to another checkout" in done.stderr
    assert sorted(other.rglob("*")) == kept
