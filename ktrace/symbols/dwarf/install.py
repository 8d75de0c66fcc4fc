"""Packages with debug info for the running kernel, by distribution (os-release(5))."""

from pathlib import Path

from ktrace.host.host import Host

OS_RELEASE = Path("/etc/os-release")

_VMLINUX = "or give the kernel's file with --vmlinux FILE, or set DEBUGINFOD_URLS"


def hint(host: Host, release: str, os_release: Path = OS_RELEASE) -> str:
    """Return what to install on a machine for the kernel `release` (`uname -r`)."""
    family = _families(host, os_release)
    if "ubuntu" in family:
        return (
            f"apt install linux-image-unsigned-{release}-dbgsym (from ddebs.ubuntu.com, "
            f"see https://wiki.ubuntu.com/DebuggingProgramCrash)\n{_VMLINUX}"
        )
    if "debian" in family:
        return f"apt install linux-image-{release}-dbg\n{_VMLINUX}"
    if family & {"fedora", "rhel", "centos"}:
        return f"dnf debuginfo-install kernel-core-{release}\n{_VMLINUX}"
    if family & {"suse", "opensuse", "sles"}:
        flavour = release.rpartition("-")[2] or "default"
        return f"zypper install kernel-{flavour}-debuginfo (from the debug repository)\n{_VMLINUX}"
    if "arch" in family:
        return f"DEBUGINFOD_URLS=https://debuginfod.archlinux.org ktrace ...\n{_VMLINUX}"
    return f"install the debug info of kernel {release}, {_VMLINUX}"


def _families(host: Host, os_release: Path) -> frozenset[str]:
    """Return the distribution and those that it derives from: ID and ID_LIKE."""
    try:
        lines = host.read(str(os_release)).splitlines()
    except OSError:
        return frozenset()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    words = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").replace("'", "").split()
    # openSUSE calls its variants opensuse-leap, opensuse-tumbleweed.
    return frozenset(word.partition("-")[0] for word in words)
