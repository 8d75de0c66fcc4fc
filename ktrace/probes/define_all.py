"""Define all probes of a command, and say which of them were refused.

A wildcard matches functions that the kernel does not let anybody probe, so a refusal of one of them leaves
the others. A probe that was asked for by its name is another matter: its refusal ends the work, unless
the caller takes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import TypeAlias

from ktrace.errors import Busy, KtraceError, NotFound, Refused, UsageError
from ktrace.model.probe import Probe
from ktrace.probes.define import Defined
from ktrace.records import dataclass
from ktrace.resolve.spec import ProbeSpec, Relocate, relocator

Define: TypeAlias = Callable[[Probe, Relocate], Defined]
"""A function that defines one probe: `Session.add_probe`, or `define_probe` with its options."""

OF_ONE_PLACE = (UsageError, Refused, NotFound, Busy)
"""Errors that say something about one place; any other would meet every probe."""


@dataclass(slots=True)
class Definitions:
    """The result of defining several probes.

    Attributes:
        wanted: the number of probes to define.
        done: those that were defined, in order.
        refused: those that were not, with the error, in order.
    """

    wanted: int = 0
    done: list[tuple[ProbeSpec, Defined]] = field(default_factory=list)
    refused: list[tuple[ProbeSpec, KtraceError]] = field(default_factory=list)

    @property
    def of_wildcards(self) -> list[KtraceError]:
        """Return the errors of functions that a wildcard matched."""
        return [error for spec, error in self.refused if spec.one_of_many]

    @property
    def summary(self) -> str | None:
        """Say how many functions of wildcards were refused, and why the first was; None if none was."""
        errors = self.of_wildcards
        if not errors:
            return None
        return f"{len(errors)} of {self.wanted} functions were refused; the first: {errors[0].message}"

    def raise_if_none(self) -> None:
        """Raise the first error if every function that the wildcards matched was refused."""
        errors = self.of_wildcards
        if errors and len(errors) == self.wanted:
            raise errors[0]


def define_all(
    specs: Sequence[ProbeSpec],
    define: Define,
    *,
    before: Callable[[], object] = lambda: None,
    note: Callable[[str], object] = lambda _: None,
    refuse: Callable[[KtraceError], object] | None = None,
    outcome: Definitions | None = None,
) -> Definitions:
    """Define each probe in turn.

    Args:
        define: defines one probe; the second argument rebuilds it for its function's present name.
        before: called before each probe; what it raises ends the work.
        note: takes the notes on each probe.
        refuse: takes the error of a probe that does not belong to a wildcard, or one that is not of
            `OF_ONE_PLACE`; None raises it. What it raises ends the work.
        outcome: filled as the work goes, for a caller that must undo it after an exception; None makes one.

    Returns:
        The outcome. `Definitions.raise_if_none` raises an error if nothing is left of a wildcard.

    Raises:
        KtraceError: a probe was refused and `refuse` is None, or raised the error.
    """
    outcome = Definitions() if outcome is None else outcome
    outcome.wanted += len(specs)
    move = relocator(specs)
    for spec in specs:
        before()
        for text in spec.notes:
            note(text)
        try:
            defined = define(spec.probe, move)
        except KtraceError as error:
            outcome.refused.append((spec, error))
            if spec.one_of_many and isinstance(error, OF_ONE_PLACE):
                continue
            if refuse is None:
                raise
            refuse(error)
            continue
        outcome.done.append((spec, defined))
        if defined.note:
            note(defined.note)
    return outcome
