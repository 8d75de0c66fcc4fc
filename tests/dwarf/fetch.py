"""Fetch the distribution's debug info of the 6.12 kernel, once, into the user's cache folder.

    python tests/dwarf/fetch.py [PACKAGE]

Needs apt (Debian) and 318 MB from its mirror; writes about 700 MB. Prints where vmlinux is. The package is
the newest `linux-image-6.12.*-cloud-amd64-dbg` that apt knows, unless one is named.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_PACKAGE = re.compile(r"linux-image-(6\.12\.\d+\S*cloud-amd64)-dbg\Z")
# A few modules are enough: they are files to be relocated, which vmlinux is not.
_MEMBERS = ("./usr/lib/debug/boot/*", "./usr/lib/debug/lib/modules/*/kernel/fs/*")


def folder() -> Path:
    """Return the directory to which the packages are unpacked."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home, "ktrace", "debug")


def vmlinux(where: Path | None = None) -> Path | None:
    """The newest unpacked vmlinux; None before `fetch.py` was run."""
    found = sorted((where or folder()).glob("*/usr/lib/debug/boot/vmlinux-6.12.*"))
    return found[-1] if found else None


def main() -> int:
    """Download and unpack."""
    present = vmlinux()
    if present and len(sys.argv) < 2:
        print(present)
        return 0
    package = sys.argv[1] if len(sys.argv) > 1 else _newest()
    match = _PACKAGE.match(package)
    if not match:
        print(f"{package} is not a debug package of a 6.12 cloud kernel", file=sys.stderr)
        return 1
    target = folder() / match[1]
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as scratch:
        subprocess.run(["apt-get", "download", package], cwd=scratch, check=True, stdout=sys.stderr)
        archive = next(Path(scratch).glob("*.deb"))
        tree = Path(scratch, "tree")
        tree.mkdir()
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as tar:
            command = ["tar", "-x", "-C", str(tree), "--wildcards", *_MEMBERS]
            subprocess.run(command, stdin=tar.stdout, check=True)
        if tar.returncode:
            return 1
        shutil.rmtree(target, ignore_errors=True)
        tree.rename(target)  # whole or not at all
    print(vmlinux())
    return 0


def _newest() -> str:
    command = ["apt-cache", "search", "--names-only", "^linux-image-6[.]12[.].*cloud-amd64-dbg$"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = [line.split()[0] for line in listed.splitlines()]
    versions = [name for name in names if _PACKAGE.match(name)]
    if not versions:
        raise SystemExit(
            "apt knows no linux-image-6.12.*-cloud-amd64-dbg: is bookworm-security among its sources?"
        )
    return max(versions, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


if __name__ == "__main__":
    sys.exit(main())
