"""The kernel's configuration, for CONFIG_ conditions of scripts."""

from collections.abc import Callable
from functools import cache
from pathlib import Path


def kernel_config(release: str) -> Callable[[str], str | None]:
    """Return a function that looks up a `CONFIG_X` of the kernel; it returns None if not set."""

    @cache
    def whole() -> str:
        import gzip

        for path in (f"/boot/config-{release}", f"/lib/modules/{release}/config", "/proc/config.gz"):
            try:
                raw = Path(path).read_bytes()
            except OSError:
                continue
            return (gzip.decompress(raw) if path.endswith(".gz") else raw).decode("utf-8", "replace")
        return ""

    def look_up(name: str) -> str | None:
        for line in whole().splitlines():
            key, equals, value = line.partition("=")
            if key == name and equals:
                return value.strip('"')
        return None

    return look_up
