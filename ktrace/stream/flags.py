"""Format the flags before the time, from `common_flags` and `common_preempt_count`.

See Documentation/trace/ftrace.rst, "Latency trace format".
"""

from ktrace.records import dataclass

_IRQS_OFF, _LAZY, _RESCHED, _HARD, _SOFT, _PREEMPT, _NMI, _BH_OFF = (1 << bit for bit in range(8))

_RESCHEDULE = {
    _RESCHED | _LAZY | _PREEMPT: "B",
    _RESCHED | _PREEMPT: "N",
    _LAZY | _PREEMPT: "L",
    _RESCHED | _LAZY: "b",
    _RESCHED: "n",
    _LAZY: "l",
    _PREEMPT: "p",
}


@dataclass(frozen=True, slots=True)
class FlagStyle:
    """The flag columns that a kernel prints.

    Attributes:
        migrate: whether there is a column for disabled migration (since 5.15).
    """

    migrate: bool = True

    @classmethod
    def from_header(cls, trace: str) -> "FlagStyle":
        """Read the style from the header of the file `trace`, which has a line for each column."""
        return cls("migrate-disable" in trace)

    def text(self, common: int) -> str:
        """Return the columns for `common_flags` and, in the next 8 bits, `common_preempt_count`.

        >>> FlagStyle().text(0x0101)
        'd..1.'
        """
        irqs = {_IRQS_OFF | _BH_OFF: "D", _IRQS_OFF: "d", _BH_OFF: "b"}.get(
            common & (_IRQS_OFF | _BH_OFF), "."
        )
        resched = _RESCHEDULE.get(common & (_RESCHED | _LAZY | _PREEMPT), ".")
        depth = common >> 8 & 0xFF
        if not self.migrate:
            return irqs + resched + _context(common) + (f"{depth:x}" if depth else ".")
        preempt, migrate = (f"{n:x}" if n else "." for n in (depth & 0xF, depth >> 4))
        return irqs + resched + _context(common) + preempt + migrate


def _context(common: int) -> str:
    if common & _NMI:
        return "Z" if common & _HARD else "z"
    if common & _HARD:
        return "H" if common & _SOFT else "h"
    return "s" if common & _SOFT else "."
