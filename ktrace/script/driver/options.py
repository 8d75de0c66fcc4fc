"""Options of a script's run."""

from dataclasses import field
from pathlib import Path
from typing import Literal

from ktrace.host.host import Host
from ktrace.records import dataclass
from ktrace.script.language.facts import Facts


@dataclass(frozen=True, slots=True)
class Options:
    """Command line options: see `ktrace run --help`."""

    host: Host
    facts: Facts
    settings: dict[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    command: str | None = None
    target: int | None = None
    duration_s: float | None = None
    output: str | None = None
    source: str | None = None
    pushdown: bool = True
    allow_system: bool = False
    buffer_kb: int | None = None
    procfs: str | None = None
    listen: str | None = None
    vmlinux: Path | None = None
    verbose: bool = False
    tapsets: tuple[str, ...] = ()
    warnings: Literal["show", "none", "error"] = "show"
    cache: bool = True
    max_probes: int = 500
