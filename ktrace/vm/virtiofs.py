"""virtiofsd's command line, in its two generations: the C program of QEMU, and the Rust one."""

from ktrace.vm.programs import Programs


def argv(programs: Programs, directory: str, fd: int, *, read_only: bool) -> list[str]:
    """The words that serve `directory` to the one guest that connects to the listening socket `fd`.

    A `read_only` directory is the host's root, which the guest may cache for good; one that is
    written to must show what both sides do.
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
