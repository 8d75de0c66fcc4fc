"""`ktrace vm`: boot a kernel in QEMU and run a command in it."""

from typing import Annotated

import typer

from ktrace.cli.quantities import count, seconds, size

# Options end at the first word of CMD: the words after it belong to CMD.
CONTEXT = {"allow_interspersed_args": False}


def vm(
    cmd: Annotated[
        list[str] | None,
        typer.Argument(help="The command and its arguments; without one, a shell.", metavar="[CMD]..."),
    ] = None,
    *,
    kernel: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|SERIES",
            help="A kernel image, a version in /boot, or a series: 5.10, 6.1, 6.12 (default), 7.3.",
        ),
    ] = None,
    cpus: Annotated[
        int, typer.Option("--cpus", parser=count(), metavar="N", help="Processors of the guest.")
    ] = 2,
    memory: Annotated[
        int,
        typer.Option(
            "--memory",
            parser=size("m", 256),
            metavar="SIZE",
            help="Memory of the guest: 512M, 4G (default 2G).",
            show_default=False,
        ),
    ] = 2048,
    append: Annotated[
        str,
        typer.Option(
            metavar="WORDS", help="More words for the kernel's command line, such as lockdown=integrity."
        ),
    ] = "",
    share: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The directory that CMD can write to; the changes stay."),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            parser=seconds(1),
            metavar="TIME",
            help="End the guest after this time, including the time to boot.",
        ),
    ] = None,
    counting: Annotated[
        bool,
        typer.Option(
            "--count-instructions",
            help="Emulate, with a clock that counts instructions, to measure on a busy machine.",
        ),
    ] = False,
) -> int:
    """Boot a real kernel in QEMU and run a command in it.

    The guest has this machine's files, read-only, under the same names. CMD uses this
    terminal for input and output, and ktrace exits with its status; 125 means that the
    machine itself failed. It needs root, and the packages qemu-system-x86 and busybox-static.

    \b
    Examples:
      ktrace vm                                   # a shell in a 6.12 kernel
      ktrace vm --kernel 6.1 -- uname -r
      ktrace vm -- ktrace trace --json do_sys_openat2 -c ls | jq .
      ktrace vm --append lockdown=confidentiality -- ktrace doctor
      ktrace vm --share . --timeout 600 -- pytest tests/kernel
    """
    from functools import partial

    from ktrace.cli.progress import showing_progress
    from ktrace.host.local import LocalHost
    from ktrace.vm import debian, job, kernels, machine, programs

    here = LocalHost()  # QEMU runs here, whatever machine other commands trace

    shared = job.shared_directory(share) if share is not None else None
    found = programs.find(here)
    with showing_progress(before_output=True) as progress:
        download = partial(debian.download, told=progress.downloaded)
        chosen = kernels.find(kernel or kernels.DEFAULT, kernels.Places.of(here), download)
    spec = machine.Spec(
        host=here,
        kernel=chosen,
        programs=found,
        argv=tuple(cmd or ()),
        cpus=cpus,
        memory_mb=memory,
        share=shared,
        timeout_s=timeout,
        append=append,
        counting=counting,
    )
    return machine.run(spec)
