"""Facts of the running kernel that the arguments of a probe need."""

import re
from dataclasses import replace
from functools import partial

from ktrace.expr.source import Site
from ktrace.host.host import Host
from ktrace.kernel.constants import kernel_constants
from ktrace.kernel.kernel import Kernel
from ktrace.model.fetch import FetchArg
from ktrace.model.fetch_types import ELEMENTS_MAX
from ktrace.model.meaning import Meaning

_POSSIBLE = "/sys/devices/system/cpu/possible"
_FEWER_DEREFS = 8  # since 7.3


def with_facts(site: Site, kernel: Kernel) -> Site:
    """Return the site with the number of CPUs, a look-up of this kernel's constants and its limits."""
    facts = replace(site, cpu_words=_cpu_words(kernel.host), look_up=partial(kernel_constants, kernel))
    # Kernels with casts and this_cpu_read count both with dereferences, and take fewer.
    return replace(facts, deref_max=_FEWER_DEREFS) if site.features.this_cpu_read else facts


def _cpu_words(host: Host) -> int:
    """Return the words of 64 CPUs that a set of CPUs needs; 1 if the number of CPUs cannot be read."""
    try:
        last = re.findall(r"\d{1,6}", host.read(_POSSIBLE))[-1]
    except (OSError, IndexError):
        return 1
    return min(int(last) // 64 + 1, ELEMENTS_MAX)


def known_values(args: tuple[FetchArg, ...], kind: str, machine: str) -> dict[str, Meaning]:
    """Return the meanings of a probe's arguments that are known without a look-up of types."""
    return errors_of(args) | probe_ip(args, kind, machine)


def probe_ip(args: tuple[FetchArg, ...], kind: str, machine: str) -> dict[str, Meaning]:
    """Return the meaning of the instruction pointer at a kprobe: it points after the one-byte breakpoint."""
    if kind != "p" or machine != "x86_64":
        return {}
    return {arg.name: Meaning("after breakpoint") for arg in args if arg.name and arg.expr == "%ip"}


def errors_of(args: tuple[FetchArg, ...]) -> dict[str, Meaning]:
    """Return the meaning of return values that are read whole without a look-up of types."""
    return {
        arg.name: Meaning("errno")
        for arg in args
        if arg.name and arg.expr == "$retval" and arg.type in (None, "s32", "s64")
    }
