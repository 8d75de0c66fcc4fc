"""The kernel's configuration, for CONFIG_ conditions of scripts."""

from collections.abc import Callable
from functools import cache

from ktrace.host.host import Host


def kernel_config(host: Host) -> Callable[[str], str | None]:
    """Return a function that looks up a `CONFIG_X` of the kernel; it returns None if not set."""

    @cache
    def values() -> dict[str, str]:
        from ktrace.doctor.kconfig import read_config
        from ktrace.doctor.machine import Machine

        found = read_config(Machine(host))
        return found.values if found else {}

    def look_up(name: str) -> str | None:
        value = values().get(name.removeprefix("CONFIG_"), "n")
        return None if value == "n" else value.strip('"')

    return look_up
