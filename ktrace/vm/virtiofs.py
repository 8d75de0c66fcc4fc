"""Build virtiofsd's command line for both of its generations: QEMU's C program and the Rust program."""

from ktrace.vm.programs import Programs


def argv(programs: Programs, directory: str, fd: int, *, read_only: bool) -> list[str]:
    """Return the command that serves `directory` to one guest, on the listening socket `fd`.

    A `read_only` directory is the host's root, which the guest may cache forever. A writable one must show
    the changes of both sides.
    """
    cache = "always" if read_only else "auto"
    if "--shared-dir" not in programs.virtiofsd_options:
        source = directory.replace("\\", "\\\\").replace(",", "\\,")
        options = f"source={source},cache={cache},sandbox=chroot,log_level=err"
        return [programs.virtiofsd, f"--fd={fd}", "-o", options]
    words = [programs.virtiofsd, f"--fd={fd}", f"--shared-dir={directory}", f"--cache={cache}"]
    words += ["--sandbox=chroot", "--log-level=error"]
    if read_only and "--readonly" in programs.virtiofsd_options:
        words.append("--readonly")
    return words
