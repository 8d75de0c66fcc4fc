"""The formats, clock and names needed to decode the pages of a session's buffer."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ktrace.host.host import Host
from ktrace.model.format import Format, parse_format
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout, parse_header_page
from ktrace.stream.enrich import Enrich
from ktrace.stream.flags import FlagStyle
from ktrace.stream.live import Live
from ktrace.stream.printk_formats import PrintkFormats
from ktrace.stream.saved_names import LiveNames
from ktrace.stream.symbol_table import SymbolTable
from ktrace.symbols.kallsyms import KALLSYMS
from ktrace.tracefs.buffer import counts_ticks
from ktrace.tracefs.events import has_call_texts, read_format
from ktrace.tracefs.files import Files
from ktrace.tracefs.pid_namespace import names_proc


@dataclass(slots=True)
class Formats:
    """The formats of events, by their id.

    An unknown id is looked up in the kernel's `events` directory, because events may be created while the
    buffer is read. A known format is kept after its event is removed.
    """

    tracing: Files
    known: dict[int, Format] = field(default_factory=dict)

    def learn(self, events: Iterable[str]) -> None:
        """Read the formats of some events, `GROUP/NAME`."""
        for event in events:
            form = read_format(self.tracing, event)
            self.known[form.id] = form

    def find(self, ident: int) -> Format | None:
        """Return the format of the event with this id; None if there is none."""
        if ident in self.known:
            return self.known[ident]
        # ftrace's own few events, such as stacks and markers, are in every trace: search them first.
        groups = self.tracing.list("events")
        for group in sorted(groups, key=lambda g: g != "ftrace"):
            if not self.tracing.is_dir(f"events/{group}"):
                continue
            for name in self.tracing.list(f"events/{group}"):
                found = self._read(group, name, ident)
                if found is not None:
                    self.known[ident] = found
                    return found
        return None

    def name_of(self, ident: int) -> str | None:
        """Return `SYSTEM.NAME`, as the kernel prints a probe's event."""
        form = self.find(ident)
        return f"{form.system}.{form.name}" if form else None

    def _read(self, group: str, name: str, ident: int) -> Format | None:
        try:
            if group != "ftrace" and self.tracing.read(f"events/{group}/{name}/id").strip() != str(ident):
                return None
            form = parse_format(self.tracing.read(f"events/{group}/{name}/format"), group)
        except OSError:
            return None  # not an event's directory, or already removed
        return form if form.id == ident else None


def layout_of(files: Files) -> PageLayout:
    """Return the layout of an instance's pages."""
    return parse_header_page(files.read("events/header_page"), big_endian=sys.byteorder == "big")


def live_decoder(files: Files, formats: Formats) -> Live:
    """Return a decoder of an instance's pages."""
    ticks = counts_ticks(files)
    return Live(Decoder(formats.known, layout_of(files), unknown=formats.find, ticks=ticks))


def live_enrich(files: Files, formats: Formats, saved: Callable[[], str]) -> Enrich:
    """Return a function that adds task names, symbols and flags as this kernel prints them."""
    return Enrich(
        LiveNames(saved, names_proc(files.host)),
        lambda: kernel_symbols(files.host),
        FlagStyle.from_header(files.read("trace")),
        formats.name_of,
        PrintkFormats(lambda: _printk_formats(formats.tracing), changing=True),
        call_texts=has_call_texts(formats.tracing),
        layout=layout_of(files),
    )


def kernel_symbols(host: Host) -> SymbolTable:
    """Return the kernel's present symbols; an empty table if they cannot be read."""
    try:
        return SymbolTable(host.read_bytes(KALLSYMS))
    except OSError:
        return SymbolTable(b"")


def _printk_formats(tracing: Files) -> str:
    try:
        return tracing.read("printk_formats")
    except OSError:
        return ""
