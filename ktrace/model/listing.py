"""The kernel's report on existing probes: lines of debugfs kprobes/list, events, counts."""

from typing import TYPE_CHECKING, Literal

from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.records import dataclass

if TYPE_CHECKING:  # most listings describe no event
    from ktrace.model.format import Format

TOP = "top"
"""The name given to the top buffer where instances are named."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One registered kprobe.

    Attributes:
        address: where the breakpoint is; 0 if the kernel hides addresses (kptr_restrict).
        type: `k` kprobe, `r` kretprobe, `j` jprobe (kernels up to 4.14).
        symbol, offset: the function and the offset in bytes; offset is None if there is no symbol.
        module: the module that holds the function, or None.
        flags: of GONE, DISABLED, OPTIMIZED, FTRACE, in the kernel's order.
    """

    address: int
    type: Literal["k", "r", "j"]
    symbol: str
    offset: int | None
    module: str | None
    flags: tuple[str, ...]

    @property
    def where(self) -> str:
        """Return `SYMBOL+0xOFFSET` as the kernel prints it."""
        return self.symbol if self.offset is None else f"{self.symbol}+0x{self.offset:x}"


@dataclass(frozen=True, slots=True)
class SyntheticEvent:
    """`s:synthetic/NAME`: a definition that is not a probe. `fields` are as the kernel prints them."""

    name: str
    fields: str

    @property
    def event(self) -> str:
        """Return its directory below `events/`."""
        return f"synthetic/{self.name}"


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One probe point of a dynamic event.

    Attributes:
        probe: its definition.
        enabled_in: buffers that record it: `top`, or an instance's name.
        triggers: of the top buffer, as the kernel prints them.
        hits, missed: since it was defined; None if the kernel does not count them.
        registered: its line in debugfs kprobes/list, or None.
    """

    probe: Probe
    enabled_in: tuple[str, ...]
    triggers: tuple[str, ...]
    hits: int | None
    missed: int | None
    registered: Registered | None

    @property
    def pending(self) -> bool:
        """Return whether it waits for its module to be loaded. Reliable only if kprobes/list was read."""
        place = self.probe.place
        return isinstance(place, SymbolPlace) and place.module is not None and self.registered is None


@dataclass(frozen=True, slots=True)
class Listing:
    """All registered kprobes, probe events and synthetic events, in the kernel's order.

    Attributes:
        debugfs: the text of kprobes/list, or None if it cannot be read.
        registered: its lines, each with its event, or None for a kprobe without an event.
        odd: its lines that could not be parsed.
    """

    debugfs: str | None
    registered: tuple[tuple[Registered, str | None], ...]
    odd: tuple[str, ...]
    probes: tuple[ProbeRow, ...]
    synthetic: tuple[SyntheticEvent, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """Everything about one event.

    Attributes:
        event: `GROUP/NAME`.
        rows: its probe points; empty for an event that is not a probe.
        state: in the top buffer: `0` or `1`, with `*` if a trigger uses it.
        filter: as written, or `none`.
        triggers: of the top buffer.
        format: its record.
    """

    event: str
    rows: tuple[ProbeRow, ...]
    state: str
    filter: str
    triggers: tuple[str, ...]
    format: "Format"
