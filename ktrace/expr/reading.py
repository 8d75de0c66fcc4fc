"""Choose the fetch type of a value: the one the user asks for, or the one its C type implies.

Types are those of Documentation/trace/kprobetrace.rst, "Types".
"""

from dataclasses import dataclass, replace

from ktrace.errors import UsageError
from ktrace.expr.described import whole_type, word_of
from ktrace.expr.paths import path_values
from ktrace.expr.problems import did_you_mean, wrong
from ktrace.expr.resolve import Resolver
from ktrace.expr.scope import Scope
from ktrace.expr.tree import Argument
from ktrace.expr.value import SYMBOL, Value
from ktrace.model.ctype import (
    Array,
    Enum,
    Int,
    Pointer,
    Record,
    bare,
    declare,
    fetch_type,
    is_char,
    points_to_text,
    size_of,
    tags,
)
from ktrace.model.fetch_types import BY_NAME, ELEMENTS_MAX, FetchType, TypeWord, parse_type


@dataclass(frozen=True, slots=True)
class TypedRead:
    """A value and the fetch type to read it with.

    Attributes:
        names: (value, name) pairs of an enum.
        path_type: the type to append to the kernel's spelling by names (`value.path`).
        word: the word of `ktrace.model.meanings` for what the value means; None if it has no meaning.
        parts: the suffixes and the texts of further arguments with the rest of a path.
    """

    value: Value
    type: str | None
    names: tuple[tuple[int, str], ...] = ()
    path: str | None = None
    path_type: str | None = None
    word: str | None = None
    parts: tuple[tuple[str, Value], ...] = ()


def read(value: Value, argument: Argument, scope: Scope) -> TypedRead:
    """Return how to read `value`, with the type that the argument names or that its C type implies.

    Raises:
        UsageError: the value cannot be read, or not with that type.
    """
    return _Reader(value, argument, scope).read()


class _Reader:
    def __init__(self, value: Value, argument: Argument, scope: Scope) -> None:
        self._value = value
        self._argument = argument
        self._scope = scope

    def read(self) -> TypedRead:
        reading = self._by_ctype() if self._argument.type is None else self._as(self._argument.type)
        value = reading.value
        if value.words[0].startswith(SYMBOL) and not value.loads and not value.memory:
            raise self._wrong(f"the address of '{value.label}' cannot be read by a probe")
        if value.addend and not value.memory and not value.in_words:
            raise self._wrong(
                f"the address of '{value.label}' is {value.addend:+d} bytes from one that can be read, "
                "and a probe cannot add",
                hint="read the value instead: without &, or with ->",
            )
        return reading

    def _as(self, asked: str) -> TypedRead:
        word = parse_type(asked)
        if word.count is not None:
            return self._array_as(asked, word, word.count)
        base = word.base
        if base is not None and base.family == "text":
            return self._string(asked)
        if base is not None and base.family == "file name":
            return self._file_name(base)
        return self._scalar_as(asked, word)

    def _by_ctype(self) -> TypedRead:
        value, kind = self._value, self._value.kind
        if kind is None:
            return TypedRead(value, None)
        word = word_of(value, self._scope.site)
        if word is not None and whole_type(word, self._scope.site):
            whole = self._whole(word) if self._scope.site.whole and not value.in_words else None
            if whole is not None:
                return whole
            word = None
        if value.bits:
            bits = value.bits
            names = tuple(kind.names().items()) if isinstance(kind, Enum) else ()
            return TypedRead(value, f"b{bits.width}@{bits.offset}/{bits.container}", names, value.path, None)
        match kind:
            case Pointer() if points_to_text(kind):
                return self._string("string")
            case Array():
                return self._array(kind)
            case Record():
                raise self._wrong(
                    f"'{value.label}' is a whole {declare(kind)}: choose a member",
                    hint=self._listed(kind),
                )
        type_ = fetch_type(kind)
        if type_ is None:
            hint = "in two halves: :x64[2]" if isinstance(kind, Int) else None
            raise self._wrong(f"'{value.label}' cannot be read: its type is {declare(kind)}", hint=hint)
        names = tuple(kind.names().items()) if isinstance(kind, Enum) else ()
        if value.in_words and value.addend % 8:
            # The upper part of a register: as a bitfield of it.
            type_ = f"b{8 * (value.size or 0)}@{8 * (value.addend % 8)}/64"
        return TypedRead(value, type_, names, value.path, type_, word)

    def _whole(self, word: str) -> TypedRead | None:
        """Return how to read all bytes of a value that is a struct or an array; None if it is a number."""
        value, type_ = self._value, whole_type(word, self._scope.site)
        if type_ is None or not (value.memory or isinstance(value.kind, Pointer)):
            return None
        if isinstance(value.kind, Pointer):
            value = replace(value.pointee(0, None), label=value.label)
        return TypedRead(value, type_, word=word)

    def _string(self, asked: str) -> TypedRead:
        value, kind = self._value, self._value.kind
        if value.bits:
            raise self._wrong(f"'{value.label}' is a bitfield, not text", self._argument.type_at)
        if value.user or (value.type is not None and "user" in tags(value.type)):
            asked = "ustring"
        if isinstance(kind, Array) and size_of(kind.element) == 1 and value.memory:
            return TypedRead(
                value, asked, path=value.path if is_char(kind.element) else None, path_type=asked
            )
        if kind is None and value.memory:
            return TypedRead(value, asked)
        if kind is None or isinstance(kind, Pointer) or (isinstance(kind, Int) and kind.size == 8):
            path = value.path if kind is not None and points_to_text(kind) else None
            return TypedRead(value.pointee(0, None), asked, path=path, path_type=asked)
        raise self._wrong(
            f"'{value.label}' is a {declare(value.type or kind)}: neither text nor a pointer to text",
            self._argument.type_at,
        )

    def _array(self, kind: Array) -> TypedRead:
        value, element, count = self._value, bare(kind.element), kind.count
        while isinstance(element, Array):
            count, element = count * element.count, bare(element.element)
        if is_char(element) and not isinstance(bare(kind.element), Array):
            return self._string("string")
        base = "string" if points_to_text(element) else fetch_type(element)
        if base is None or value.in_words:
            example = f"{value.label}[0]" + (".MEMBER" if isinstance(element, Record) else "")
            raise self._wrong(f"'{value.label}' is an array of {declare(element)}", hint=f"choose: {example}")
        if not 0 < count <= ELEMENTS_MAX:
            size = f"{count} elements" if count else "no fixed number of elements"
            raise self._wrong(
                f"'{value.label}' has {size}; a probe reads 1 to {ELEMENTS_MAX}",
                hint=f"choose: {value.label}[0], or the first 16: :{base}[16]",
            )
        names = tuple(element.names().items()) if isinstance(element, Enum) else ()
        return TypedRead(value, f"{base}[{count}]", names)

    def _array_as(self, asked: str, word: TypeWord, number: str) -> TypedRead:
        value, kind = self._value, self._value.kind
        at, base = self._argument.type_at, word.base
        if base is None or not base.in_arrays:
            raise self._unknown_type(word.name)
        try:
            count = int(number, 0)
        except ValueError:
            count = 0
        if not 0 < count <= ELEMENTS_MAX:
            raise self._wrong(f"an array has 1 to {ELEMENTS_MAX} elements", at + len(base.name) + 1)
        if value.bits or value.in_words:
            raise self._wrong(f"'{value.label}' is not in memory, where an array could be", at)
        if isinstance(kind, Pointer) or (kind is None and not value.memory):
            return TypedRead(value.pointee(0, None), asked)
        wanted = base.size * count
        if not value.memory or (value.size is not None and 0 < value.size < wanted):
            raise self._wrong(f"'{value.label}' has {value.size} bytes; {asked} would read {wanted}", at)
        return TypedRead(value, asked)

    def _scalar_as(self, asked: str, word: TypeWord) -> TypedRead:
        value, kind, at = self._value, self._value.kind, self._argument.type_at
        if word.is_bits:
            return TypedRead(value, asked)
        base = word.base
        if base is None or not base.is_scalar:
            raise self._unknown_type(asked)
        if value.bits or (value.in_words and value.addend % 8):
            raise self._wrong(
                f"'{value.label}' is part of a word: it cannot have another type", at, "leave it out"
            )
        if value.size is not None and base.size > value.size:
            letter = base.name[0] if base.family == "integer" else "x"
            raise self._wrong(
                f"'{value.label}' has {value.size} bytes; {asked} would read {base.size - value.size} more, "
                "of the memory after it",
                at,
                f"such as :{letter}{8 * value.size}" if value.size in (1, 2, 4) else None,
            )
        named = isinstance(kind, Enum) and base.family == "integer" and base.print_as == "dec"
        names = tuple(kind.names().items()) if named and isinstance(kind, Enum) else ()
        path = None if isinstance(kind, Array | Record) else value.path
        as_number = base.family == "integer" and base.print_as == "dec" and base.size == value.size
        meaning = word_of(value, self._scope.site) if as_number else None
        return TypedRead(value, asked, names, path, asked, meaning)

    def _file_name(self, asked: FetchType) -> TypedRead:
        """Read the name of a file or dentry, with `%pd` or `%pD`, or through members."""
        if asked.name == "path" and self._scope.site.whole:
            return replace(self._last_name(asked), parts=self._path_parts())
        return self._last_name(asked)

    def _path_parts(self) -> tuple[tuple[str, Value], ...]:
        """Return the values of the directories above a file, each with the suffix of its argument's name."""
        return path_values(self._value, Resolver(self._scope), self._argument.type_at)

    def _last_name(self, asked: FetchType) -> TypedRead:
        value = self._value
        kind, pointed = value.kind, bare(value.target) if value.target else None
        record = getattr(kind if isinstance(kind, Record) else pointed, "name", None)
        arrow = not isinstance(kind, Record)
        if record == "path" and asked.name == "path":
            value = self._step(value, "dentry", arrow=arrow)
            record, arrow = "dentry", True
        if record == "filename" and asked.name == "path":
            inner = self._step(value, "name", arrow=arrow)
            return TypedRead(inner.pointee(0, None), "string", path=inner.path, path_type="string")
        if record not in asked.structs or not arrow:
            raise self._wrong(
                f"'{value.label}' is not a pointer to a struct {' or struct '.join(asked.structs)}"
                + (f" but a {declare(value.type)}" if value.type is not None else ""),
                self._argument.type_at,
            )
        letter = "%pd" if record == "dentry" else "%pD"
        if self._scope.site.features.dentry_names:
            plain = value.path if value.path and "->" not in value.path else None
            return TypedRead(value, letter, path=plain, path_type=letter)
        if record == "file":
            value = self._step(self._step(value, "f_path"), "dentry", arrow=False)
        name = self._step(self._step(value, "d_name"), "name", arrow=False)
        label = self._value.label
        return TypedRead(
            replace(name.pointee(0, None), label=label), "string", path=name.path, path_type="string"
        )

    def _step(self, value: Value, name: str, *, arrow: bool = True) -> Value:
        at = self._argument.type_at
        return Resolver(self._scope).member(value, name, at, at, arrow=arrow)

    def _listed(self, record: Record) -> str:
        members = Resolver(self._scope).members(record)
        shown = [f".{m.name} ({declare(m.type)})" for m in members if m.name]
        return "members: " + ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "")

    def _unknown_type(self, name: str) -> UsageError:
        return self._wrong(
            f"'{name}' is not a type that a probe can read",
            self._argument.type_at,
            did_you_mean(name, BY_NAME) or f"types: {' '.join(BY_NAME)}",
        )

    def _wrong(self, message: str, at: int | None = None, hint: str | None = None) -> UsageError:
        place = getattr(self._argument.node, "at", 0) if at is None else at
        return wrong(self._argument.text, place, message, hint)
