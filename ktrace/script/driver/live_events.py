"""Static events of the kernel, for `kernel.trace` in scripts."""

import fnmatch
import re
from collections.abc import MutableMapping, Sequence
from dataclasses import field

from ktrace.errors import KtraceError, NotFound, UsageError
from ktrace.expr.scope import tracepoint_prototype
from ktrace.kernel.kernel import Kernel
from ktrace.model.ctype import Function
from ktrace.model.format import Field, Format
from ktrace.model.miss import Miss
from ktrace.records import dataclass
from ktrace.resolve.place_words import PlaceWord, Tracepoint
from ktrace.resolve.resolve import find_probes
from ktrace.resolve.spec import ProbeOptions, ProbeSpec
from ktrace.script.driver.argument_type import argument_type
from ktrace.script.driver.variable_format import shape_of
from ktrace.script.kernel_interface import Read, Shape
from ktrace.script.language.points import AtEvent
from ktrace.tracefs.events import find_static, read_format

_OURS = re.compile(r"ktrace_\d+_|syscalls\Z|ftrace\Z")


@dataclass(slots=True)
class StaticEvents:
    """The static events of a kernel, with their fields, and the arguments of their tracepoints.

    Args:
        group: the group of probes on tracepoints.
        doubts: takes what could not be found out about variables.
    """

    kernel: Kernel
    group: str
    doubts: MutableMapping[str, None]
    _have: dict[tuple[str, tuple[Read, ...]], bool] = field(default_factory=dict)

    def named(self, site: AtEvent) -> list[str]:
        """Return the events of a probe point, as `SYSTEM/NAME`."""
        if site.system is not None:
            return find_static(self.kernel.tracing, f"{site.system}:{site.pattern}")
        return [
            name.replace(":", "/", 1)
            for name in self.kernel.tracing.read("available_events").split()
            if fnmatch.fnmatchcase(name.partition(":")[2], site.pattern)
        ]

    def meant(self, site: AtEvent) -> list[str]:
        """Return the events of a probe point without those of ktrace. Raises NotFound if there are none."""
        names = [n for n in self.named(site) if site.system or not _OURS.match(n.partition("/")[0])]
        if not names:
            pattern = f"{site.system}:{site.pattern}" if site.system else site.pattern
            raise NotFound(f"there is no event '{pattern}'", hint="available_events in tracefs lists them")
        return names

    def has(self, name: str, reads: tuple[Read, ...]) -> bool:
        """Return whether all reads are fields of the event or arguments of its tracepoint."""
        key = (name, reads)
        if key not in self._have:
            try:
                self.columns(name, reads)
                self._have[key] = True
            except KtraceError as missing:
                try:
                    self._have[key] = bool(self.on_tracepoint(name, reads, missing))
                except KtraceError:
                    self._have[key] = False
        return self._have[key]

    def columns(self, name: str, reads: Sequence[Read]) -> tuple[list[str], list[str]]:
        """Return the fields for these reads, and their types.

        Raises:
            NotFound: there is no such field.
            UsageError: a field is text, and is read as a number.
        """
        if not reads:
            return [], []
        form = read_format(self.kernel.tracing, name)
        columns = [_field(form, read) for read in reads]
        types = [_number_type(one) for column in columns for one in form.args if one.name == column]
        return columns, types

    def parameters(self, site: AtEvent, also: tuple[Read, ...]) -> list[str]:
        """Return the names of what `$$parms` prints: arguments of the tracepoint, or fields of the event.

        Arguments can be read where the kernel has probes at tracepoints, and not together with fields.
        """
        name = self.meant(site)[0]
        proto = self.proto(site)
        if proto is not None:
            names = [one.name for one in proto.proto.params if one.name]
            try:
                self.on_tracepoint(name, (*also, *map(Read, names)), UsageError(""))
            except KtraceError:
                pass
            else:
                return names
        return [one.name for one in read_format(self.kernel.tracing, name).args if _is_plain(one)]

    def shape(self, site: AtEvent, name: str, path: Sequence[str]) -> Shape | None:
        """Return how to print an argument of the tracepoint, or a field."""
        proto, known = self.proto(site), self.kernel.types()
        if proto is not None and not isinstance(known, Miss):
            found = shape_of(known, proto, name, path)
            if found is not None:
                return found
        form = read_format(self.kernel.tracing, self.meant(site)[0])
        return next((_shape(one) for one in form.args if one.name == name and not path), None)

    def proto(self, site: AtEvent) -> Function | None:
        """Return the tracepoint of a probe point as a function; None if its arguments cannot be read."""
        if not self.kernel.features.tracepoint_probe:
            return None
        types = self.kernel.types()
        name = self.meant(site)[0].partition("/")[2]
        proto = types if isinstance(types, Miss) else tracepoint_prototype(name, types)
        return None if isinstance(proto, Miss) else Function(name, proto)

    def on_tracepoint(self, name: str, reads: Sequence[Read], missing: KtraceError) -> ProbeSpec:
        """Return a probe on a tracepoint. Raises `missing` if the kernel has no tracepoint probes."""
        if not self.kernel.features.tracepoint_probe:
            raise missing
        types = [argument_type(read, self.kernel, self.doubts) for read in reads]
        words = [f"f{i}={read.text}{kind}" for i, (read, kind) in enumerate(zip(reads, types, strict=True))]
        defaults = ProbeOptions(self.group, machine=self.kernel.machine, either_arrow=True)
        word = PlaceWord(Tracepoint(name.partition("/")[2]))
        (one,) = find_probes(word, tuple(words), defaults, self.kernel)
        return one


def _shape(one: Field) -> Shape:
    if one.is_text:
        return Shape("text", one.name, stored=True)
    return Shape("signed" if one.signed else "unsigned", one.name, stored=True)


def _is_plain(one: Field) -> bool:
    """Return whether a field is one number or text."""
    return one.is_text or bool(_number_type(one))


def _field(form: Format, read: Read) -> str:
    """Return the field of an event for an expression: prev_comm for `prev->comm`. Raises as `columns`."""
    names = {one.name: one for one in form.args}
    text = read.text.removeprefix("$")
    joined = re.sub(r"->|\.", "_", text)
    for name in (text, joined, joined.rpartition("_")[2] if "->" in text else joined):
        if name in names:
            one = names[name]
            if one.is_text != (read.kind in ("string", "ustring")) and one.is_text:
                raise UsageError(f"{form.name}: {name} is text", hint=f"kernel_string(${name})")
            return name
    raise NotFound(
        f"{form.system}:{form.name} has no field '{text}'", hint="its fields: " + " ".join(names) or "none"
    )


def _number_type(one: Field) -> str:
    """Return the kernel's type name of a plain number, or an empty string for anything else."""
    if one.shape != "scalar" or one.is_text or one.size not in (1, 2, 4, 8):
        return ""
    return f"{'s' if one.signed else 'u'}{one.size * 8}"
