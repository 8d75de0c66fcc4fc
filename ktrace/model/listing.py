"""What the kernel says of probes that exist: lines of debugfs kprobes/list, events, counts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe

if TYPE_CHECKING:  # most listings describe no event
    from ktrace.model.format import Format

TOP = "top"
"""The name given to the top buffer where instances are named."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One registered kprobe.

    Attributes:
        address: where the breakpoint is; 0 where the kernel hides addresses (kptr_restrict).
        type: `k` kprobe, `r` kretprobe, `j` jprobe (kernels up to 4.14).
        symbol, offset: the function and the bytes into it; offset None where there is no symbol.
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
        """`SYMBOL+0xOFFSET` as the kernel prints it."""
        return self.symbol if self.offset is None else f"{self.symbol}+0x{self.offset:x}"


@dataclass(frozen=True, slots=True)
class SyntheticEvent:
    """`s:synthetic/NAME`: a definition that is no probe; `fields` as the kernel prints them."""

    name: str
    fields: str

    @property
    def event(self) -> str:
        """Its directory below `events/`."""
        return f"synthetic/{self.name}"


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One probe point of a dynamic event.

    Attributes:
        probe: its definition.
        enabled_in: buffers that record it: `top`, or an instance's name.
        triggers: of the top buffer, as the kernel prints them.
        hits, missed: since it was defined; None where the kernel does not count them.
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
        """Whether it waits for its module to be loaded (as far as kprobes/list could be read)."""
        place = self.probe.place
        return isinstance(place, SymbolPlace) and place.module is not None and self.registered is None


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything, in the kernel's order.

    Attributes:
        debugfs: the text of kprobes/list, or None where it cannot be read.
        registered: its lines, with the event behind each, or None for a kprobe without an event.
        odd: lines of it that were not understood.
    """

    debugfs: str | None
    registered: tuple[tuple[Registered, str | None], ...]
    odd: tuple[str, ...]
    probes: tuple[ProbeRow, ...]
    synthetic: tuple[SyntheticEvent, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """One event, whole.

    Attributes:
        event: `GROUP/NAME`.
        rows: its probe points; none of an event that is no probe.
        state: of the top buffer: `0`, `1`, with `*` where a trigger uses it.
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
