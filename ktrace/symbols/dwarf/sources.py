"""The text of source files that debug info names."""

from collections.abc import Sequence
from pathlib import Path


def source_folders(release: str) -> tuple[Path, ...]:
    """Return the folders where distributions install the kernel's sources, for `uname -r`."""
    series = ".".join(release.split("-", maxsplit=1)[0].split(".")[:2])
    return (
        Path("/lib/modules", release, "source"),
        Path("/lib/modules", release, "build"),
        Path("/usr/src/debug", f"kernel-{release}", f"linux-{release}"),
        Path("/usr/src", f"linux-{release}"),
        Path("/usr/src", f"linux-source-{series}"),
        Path("/usr/src/linux"),
    )


def read_source(file: str, directory: str, folders: Sequence[Path]) -> list[str] | None:
    """Return the lines of a file, from the first folder that has it, or None.

    Args:
        file, directory: as in `FunctionLines`.
    """
    candidates = [folder / file.lstrip("/") for folder in folders]
    if file.startswith("/"):
        candidates.append(Path(file))
    elif directory.startswith("/"):
        candidates.append(Path(directory, file))
    for path in candidates:
        try:
            return path.read_text("utf-8", "surrogateescape").splitlines()
        except OSError:
            continue
    return None
