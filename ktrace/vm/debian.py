"""Download Debian's kernels as packages, without installing them or changing the machine's apt.

apt does the work, with its own configuration, lists and cache in a temporary directory. So any suite can be
used, signatures are checked against Debian's keyring, and no root rights are needed.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ktrace.errors import Unavailable, VmError
from ktrace.storage.cache import find_untrusted, is_trusted
from ktrace.vm.apt_sources import Mirrors, mirrors

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

Told: TypeAlias = Callable[[int, int], None]
"""Takes how many bytes have come, and how many will come; 0 as long as that is not known."""

_LOOK_S = 0.2  # between two looks at how much has come


@dataclass(frozen=True, slots=True)
class Series:
    """A kernel series: its suite, and the package whose dependencies lead to it."""

    name: str
    suite: str
    package: str


SERIES = {
    series.name: series
    for series in (
        Series("5.10", "bullseye", "linux-image-cloud-amd64"),
        Series("6.1", "bookworm-security", "linux-image-cloud-amd64"),
        Series("6.12", "bookworm-security", "linux-image-6.12-cloud-amd64"),
        Series("7.3", "trixie-backports", "linux-image-cloud-amd64"),
    )
}

# The packages of a kernel: one package up to 6.x, later binary and modules separately.
_PART = re.compile(r"linux-(image|binary|modules|base)-[a-z0-9.+-]+")


def download(series: Series, cache: Path, told: Told | None = None) -> Path:
    """Download a series into `cache/VERSION`, and return that directory.

    It contains `vmlinuz`, `System.map`, `config` and `lib/modules/VERSION`. It appears only when it is
    complete, because it is filled elsewhere and then renamed. Other processes that download at the same
    time wait, and then use it.

    Raises:
        Unavailable: apt is not installed.
        VmError: the suite cannot be reached, or has no such kernel.
    """
    _check_tools()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_owner(cache)
    with _locked(cache):
        for folder in cache.glob("[!.]*"):
            if folder.name.startswith(f"{series.name}."):
                check_owner(cache, folder)
                return folder  # another process was faster
        for leftover in cache.glob(".download-*"):  # of a process that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=".download-", dir=cache))
        try:
            return _fetch(series, work, cache, told)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def check_owner(cache: Path, folder: Path | None = None) -> None:
    """Refuse a cache that another user could have written: its kernel would run with our rights.

    Args:
        folder: a kernel's directory in the cache, to be checked with all its contents. None checks only the
            cache directory.

    Raises:
        Unavailable: another user could have written it.
    """
    try:
        found = None if is_trusted(cache.stat()) else cache
        if found is None and folder is not None:
            found = find_untrusted(folder)
    except OSError as error:
        raise Unavailable(f"{folder or cache} cannot be searched: {error.strerror}") from error
    if found is not None:
        raise Unavailable(
            f"{found} belongs to another user, or everybody can write to it: no kernel is booted from there",
            hint="keep kernels elsewhere: XDG_CACHE_HOME=DIR ktrace vm ...\n"
            f"or, if you trust what is there: chown -hR {os.geteuid()} {cache}; chmod -R o-w {cache}",
        )


def _fetch(series: Series, work: Path, cache: Path, told: Told | None) -> Path:
    apt = _configure(series, work, mirrors())
    coming = None if told is None else _Coming(work, told)
    _run([*apt[:1], "update", *apt[1:]], work, f"the suite {series.suite} cannot be reached", coming)
    packages, size = _parts(series.package, apt, work)
    if coming is not None:
        coming.total = size
    for package in packages:
        complaint = f"{package} of {series.suite} cannot be downloaded"
        _run([*apt[:1], "download", *apt[1:], package], work, complaint, coming)
    tree = work / "tree"
    for archive in sorted(work.glob("*.deb")):
        _run(["dpkg-deb", "-x", str(archive), str(tree)], work, f"{archive.name} cannot be unpacked")
    folder = _arrange(tree, work / "kernel")
    if folder is None:
        raise VmError(f"the packages of {series.name} hold no kernel: {', '.join(packages)}")
    target = cache / folder.name
    if not target.exists():
        folder.rename(target)
    return target


def _check_tools() -> None:
    missing = [tool for tool in ("apt-get", "apt-cache", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise Unavailable(
            f"kernels are downloaded with Debian's tools, and {missing[0]} is not installed",
            hint="give a kernel's path instead: `ktrace vm --kernel /boot/vmlinuz-VERSION`",
        )
    if not KEYRING.is_file():
        raise Unavailable(
            f"no {KEYRING}, against which packages are checked",
            hint="apt install debian-archive-keyring",
        )


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Allow only one download at a time.

    The kernel releases the lock if this process is killed.
    """
    descriptor = os.open(cache / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _configure(series: Series, work: Path, found: Mirrors) -> list[str]:
    """Write apt's private files; return `apt-get` and the options that make it use them."""
    uri = found.security if series.suite.endswith("-security") else found.main
    sources = work / "sources.list"
    sources.write_text(f"deb [arch=amd64 signed-by={KEYRING}] {uri} {series.suite} main\n")
    for name in ("lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    options = {
        "APT::Architecture": "amd64",
        "Dir::Etc::sourcelist": str(sources),
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::lists": str(work / "lists"),
        "Dir::State::status": str(work / "status"),
        "Dir::Cache": str(work / "cache"),
        # Only this user can write to the directory: apt's own unprivileged user could not.
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    return ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]


def _parts(package: str, apt: list[str], work: Path) -> tuple[list[str], int]:
    """Return the packages to download, and their size in bytes.

    They are found by following dependencies from `package`, which itself is empty.
    """
    pending, found, size = [package], list[str](), 0
    while pending:
        name = pending.pop()
        command = ["apt-cache", "show", "--no-all-versions", *apt[2:], name]
        text = _run(command, work, f"the suite has no package {name}")
        if name in found and (match := re.search(r"^Size: (\d+)$", text, re.MULTILINE)):
            size += int(match[1])
        for dependency in dependencies(text):
            if dependency not in found:
                found.append(dependency)
                pending.append(dependency)
    return found, size


def dependencies(record: str) -> list[str]:
    """Return the packages of a kernel among the dependencies in a package's record."""
    match = re.search(r"^Depends: (.*)$", record, re.MULTILINE)
    names = (item.split()[0] for item in match[1].split(",")) if match else ()
    return [name for name in names if _PART.fullmatch(name)]


def _arrange(tree: Path, target: Path) -> Path | None:
    """Move the needed files from the unpacked packages to `target/VERSION`; None if there is no kernel.

    The kernel is boot/vmlinuz-VERSION or, since the packages were split, vmlinuz next to its modules.
    """
    modules = next((p.parent for p in sorted(tree.rglob("modules.builtin"))), None)
    if modules is None:
        return None
    version = modules.name
    files = {
        "vmlinuz": (modules / "vmlinuz", tree / "boot" / f"vmlinuz-{version}"),
        "System.map": (modules / "System.map", tree / "boot" / f"System.map-{version}"),
        "config": (modules / "config", tree / "boot" / f"config-{version}"),
    }
    folder = target / version
    folder.mkdir(parents=True)
    for name, places in files.items():
        place = next((place for place in places if place.is_file()), None)
        if place is not None:
            place.rename(folder / name)
    if not (folder / "vmlinuz").is_file():
        return None
    (folder / "lib" / "modules").mkdir(parents=True)
    modules.rename(folder / "lib" / "modules" / version)
    return folder


class _Coming:
    """Tells how much of the packages has come.

    Args:
        work: apt's directory; the packages appear in it, and unfinished ones below it.

    Attributes:
        total: the size of all packages in bytes; 0 as long as it is not known.
    """

    def __init__(self, work: Path, told: Told) -> None:
        self._work = work
        self._told = told
        self.total = 0

    def look(self) -> None:
        """Look, and tell."""
        done = 0
        for folder in (self._work, self._work / "cache/archives/partial"):
            for file in folder.glob("*.deb*"):
                with suppress(OSError):  # it is renamed when it is whole
                    done += file.stat().st_size
        self._told(done, self.total)


def _run(command: list[str], work: Path, complaint: str, coming: _Coming | None = None) -> str:
    """Run a tool in `work`, and return its output.

    Args:
        coming: told meanwhile, again and again.

    Raises:
        VmError: it failed; the message is `complaint` and the tool's first error.
    """
    env = {**os.environ, "LC_ALL": "C"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=work, env=env, stdout=pipe, stderr=pipe, text=True) as tool:
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    output, errors = tool.communicate(timeout=None if coming is None else _LOOK_S)
                    break
                if coming is not None:
                    coming.look()
        except BaseException:
            tool.kill()
            raise
    # `apt-get update` only warns about a suite that it could not download.
    words = [line for line in errors.splitlines() if line.startswith(("E:", "W: Failed", "Err:"))]
    if tool.returncode or any(line.startswith("W: Failed") for line in words):
        reason = words[0].split(":", 1)[1].strip() if words else f"exit status {tool.returncode}"
        raise VmError(
            f"{complaint}: {reason}",
            hint="a kernel of this machine needs no network: `ktrace vm --kernel /boot/vmlinuz-VERSION`",
        )
    return output
