"""Parse a `print fmt` into its template and the trees of its arguments.

The input is `"template", argument, argument ...`, C code as the kernel's macros leave it. The parser uses
precedence climbing. A name in parentheses is a type if it is known to be one, or if a value follows.
"""

import re
from dataclasses import dataclass

from ktrace.model.c_integer import INT, LONG, UINT, ULONG, CInt
from ktrace.output.printfmt.cint import MACHINE, Machine, c_type, is_type_word
from ktrace.output.printfmt.constants import STRUCTS
from ktrace.output.printfmt.lexer import NotUnderstood, Token, tokens
from ktrace.output.printfmt.tree import (
    AddressOf,
    Binary,
    Call,
    Cast,
    Choice,
    Compound,
    FieldOf,
    Index,
    Let,
    Name,
    Node,
    Null,
    Number,
    Record,
    SizeOf,
    Table,
    Text,
    Unary,
)

_BINDING = {"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
            "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10}  # fmt: skip

# Functions that return their first argument: for page table entries, and hints for the compiler.
_TRANSPARENT = re.compile(r"(?:native_make_)?p(?:te|md|ud|4d|gd)(?:_val)?|__builtin_expect|(?:un)?likely")


_LOC = re.compile(r"__(?:data|rel)_loc_(\w+)")

_SHOWN = 24  # characters of an invalid number to show


@dataclass(frozen=True, slots=True)
class PrintFmt:
    """A template in the style of `printf`, and its arguments."""

    template: str
    args: tuple[Node, ...]


def parse_print_fmt(text: str, machine: Machine = MACHINE) -> PrintFmt:
    """Parse what follows `print fmt: ` in a format file.

    Raises:
        NotUnderstood: this parser does not understand it.
    """
    parser = _Parser(tokens(text), machine)
    try:
        return parser.print_fmt()
    except RecursionError:
        raise NotUnderstood("too deeply nested") from None


class _Parser:
    def __init__(self, found: list[Token], machine: Machine) -> None:
        self._machine = machine
        self._tokens = found
        self._at = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        if token.kind == "end":
            raise NotUnderstood("it ends too early")
        self._at += 1
        return token

    def _is(self, *ops: str) -> bool:
        return self._next.kind == "op" and self._next.text in ops

    def _skip(self, op: str) -> bool:
        if self._is(op):
            self._at += 1
            return True
        return False

    def _need(self, op: str) -> None:
        if not self._skip(op):
            raise NotUnderstood(f"{op} expected, not {self._next.text!r}")

    def print_fmt(self) -> PrintFmt:
        if self._next.kind != "string":
            raise NotUnderstood("no template")
        template = self._strings()
        args = []
        while self._skip(","):
            args.append(self._expression())
        if self._at < len(self._tokens) - 1:
            raise NotUnderstood(f"at {self._next.text!r}")
        return PrintFmt(template, tuple(args))

    def _strings(self) -> str:
        """Parse one string constant, or several adjacent ones."""
        text = self._take().text
        while self._next.kind == "string":
            text += self._take().text
        return text

    def _expression(self) -> Node:
        condition = self._binary(0)
        if not self._skip("?"):
            return condition
        if self._skip(":"):
            return Choice(condition, condition, self._expression())
        yes = self._expression()
        self._need(":")
        return Choice(condition, yes, self._expression())

    def _binary(self, least: int) -> Node:
        """Parse operators that bind at least as tightly as `least`."""
        left = self._unary()
        while True:
            token = self._next
            binding = _BINDING.get(token.text, 0) if token.kind == "op" else 0
            if not binding or binding < least:
                return left
            self._at += 1
            right = self._binary(binding + 1)
            left = _reference(token.text, left, right) or Binary(token.text, left, right)

    def _unary(self) -> Node:
        if self._is("-", "~", "!"):
            return Unary(self._take().text, self._unary())
        if self._skip("+"):
            return self._unary()
        if self._skip("&"):
            return AddressOf(self._unary())
        if self._skip("*"):
            return Index(self._unary(), Number(0, INT))
        if self._is("("):
            cast = self._cast()
            if cast is not None:
                return cast
        return self._postfix()

    def _cast(self) -> Node | None:
        """Parse `(type) operand`; return None if the parenthesis contains something else."""
        before = self._at
        self._take()
        words, pointer = self._type_words()
        if words and self._skip(")"):
            if self._is("{"):
                return self._compound()
            known = any(map(is_type_word, words)) or len(words) > 1 or pointer
            follows = self._next.kind in ("name", "number", "string") or self._is("(", "~", "!")
            if known or (follows and words != ["REC"]):
                operand = self._unary()
                if isinstance(operand, Number) and operand.value == 0 and pointer:
                    return Null()
                element = c_type(words, machine=self._machine) if pointer else None
                return Cast(c_type(words, pointer, self._machine), operand, element)
        self._at = before
        return None

    def _compound(self) -> Node:
        """Parse `{ .member = value }`, and a member of it: times of kernels before 4.10 are such unions."""
        self._need("{")
        self._need(".")
        member = self._take().text
        self._need("=")
        value = self._expression()
        self._need("}")
        return Compound(member, value)

    def _type_words(self) -> tuple[list[str], bool]:
        if self._next.text == "typeof" and self._tokens[self._at + 1].text == "(":
            self._at += 2
            self._expression()
            self._need(")")
            return ["typeof", *self._type_words()[0]], False
        words: list[str] = []
        pointer = False
        while self._next.kind == "name" and not (words and pointer and self._next.text != "const"):
            words.append(self._take().text)
            while self._skip("*"):
                pointer = True
        return words, pointer

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if self._is("->", "."):
                self._take()
                member = self._take().text
                if isinstance(node, Compound) and node.member == member:
                    node = node.value
                elif isinstance(node, Record):
                    node = FieldOf(member)
                elif node == FieldOf("ent"):  # the fields that every record begins with
                    node = FieldOf(f"common_{member}")
                else:
                    node = Name(f"{member} of a struct")  # which no format describes
            elif self._skip("["):
                index = self._expression()
                self._need("]")
                node = Index(node, index)
            else:
                return node

    def _primary(self) -> Node:
        token = self._next
        if token.kind == "string":
            return Text(self._strings())
        self._take()
        if token.kind == "number":
            return _number(token.text, self._machine)
        if token.kind == "char":
            return Number(ord(token.text[0]), INT)
        if token.kind == "name":
            if token.text == "REC":
                return Record()
            if token.text == "NULL":
                return Null()
            return self._call(token.text) if self._is("(") else Name(token.text)
        if token.text == "(":
            if self._is("{"):
                return self._block()
            inside = self._expression()
            self._need(")")
            return inside
        if token.text == "{":
            return Table(self._list("}"))
        raise NotUnderstood(f"at {token.text!r}")

    def _call(self, function: str) -> Node:
        self._need("(")
        if function == "sizeof":
            return self._size()
        args = self._list(")")
        if args and _TRANSPARENT.fullmatch(function):
            return args[0]
        return Call(function, args)

    def _list(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._skip(end):
            items.append(self._expression())
            if not self._is(end):
                self._need(",")
        return tuple(items)

    def _size(self) -> Node:
        """Parse the type or expression in parentheses, whose size is meant."""
        before = self._at
        words, pointer = self._type_words()
        size = self._size_of_type(words, pointer)
        if size is not None and self._skip(")"):
            return Number(size, self._machine.word)
        self._at = before
        operand = self._expression()
        if not _is_place(operand) or not self._skip(")"):
            raise NotUnderstood(f"the size of {' '.join(words)}")
        return SizeOf(operand)

    def _size_of_type(self, words: list[str], pointer: bool) -> int | None:
        ctype = c_type(words, pointer, self._machine)
        return STRUCTS.get(words[-1]) if ctype is None and words else ctype.bits // 8 if ctype else None

    def _block(self) -> Node:
        """Parse `{ int a = x, b; b = y; value; })`; the opening parenthesis is already taken."""
        self._need("{")
        types: dict[str, tuple[CInt | None, CInt | None]] = {}  # of each variable, and what it points to
        values: list[tuple[str, Node]] = []
        while self._declaration(types, values) or self._assignment(types, values):
            pass
        body: Node = self._expression()
        self._skip(";")
        self._need("}")
        self._need(")")
        for name, value in reversed(values):
            body = Let(name, value, body)
        return body

    def _declaration(
        self, types: dict[str, tuple[CInt | None, CInt | None]], values: list[tuple[str, Node]]
    ) -> bool:
        """Parse the declaration of variables; return whether there was one."""
        before = self._at
        words, pointer = self._type_words()
        if pointer and self._next.kind == "name":
            words.append(self._take().text)
        if len(words) < 2 or not self._is("=", ";", ","):
            self._at = before
            return False
        element = c_type(words[:-1], machine=self._machine) if pointer else None
        name, ctype = words[-1], c_type(words[:-1], pointer, self._machine)
        while True:
            types[name] = ctype, element
            if self._skip("="):
                values.append((name, Cast(ctype, self._expression(), element)))
            if self._skip(";"):
                return True
            self._need(",")
            name = self._take().text

    def _assignment(
        self, types: dict[str, tuple[CInt | None, CInt | None]], values: list[tuple[str, Node]]
    ) -> bool:
        """Parse `name = value;` of a declared variable; return whether there was one."""
        if self._next.text not in types or self._tokens[self._at + 1].text != "=":
            return False
        name = self._take().text
        self._need("=")
        ctype, element = types[name]
        values.append((name, Cast(ctype, self._expression(), element)))
        self._need(";")
        return True


def _reference(op: str, left: Node, right: Node) -> Node | None:
    """Return what an operation on a reference to data of varying length means; None for any other.

    Some kernels have the expansion of `__get_str(name)`, `(char *)REC + (REC->__data_loc_name & 0xffff)`,
    and take the length from `REC->__data_loc_name >> 16`.
    """
    if op == ">>" and isinstance(right, Number) and right.value == 16:
        name = _referring(left)
        return Call("__get_dynamic_array_len", (Name(name),)) if name else None
    if op == "+" and isinstance(left, Cast) and isinstance(left.operand, Record):
        masked = isinstance(right, Binary) and right.op == "&" and right.right == Number(0xFFFF, INT)
        name = _referring(right.left) if masked and isinstance(right, Binary) else ""
        return FieldOf(name) if name else None
    return None


def _referring(node: Node) -> str:
    """Return the name of the field whose reference a node is, or an empty text."""
    found = _LOC.fullmatch(node.name) if isinstance(node, FieldOf) else None
    return found[1] if found else ""


def _is_place(node: Node) -> bool:
    """Return whether an expression is a field or an element of one."""
    while isinstance(node, Index):
        node = node.base
    return isinstance(node, FieldOf)


def _number(text: str, machine: Machine) -> Number:
    digits = text.rstrip("uUlL")
    suffix = text[len(digits) :].lower()
    is_decimal = not digits.startswith("0") or digits == "0"
    try:
        value = int(digits, 10 if is_decimal else 16 if digits[:2].lower() == "0x" else 8)
    except ValueError:  # 08, or more digits than Python reads
        raise NotUnderstood(f"the number {text[:_SHOWN]}") from None
    long = CInt(8 * machine.long, True)
    types: list[CInt] = [INT, UINT, long, machine.word, LONG, ULONG]
    if "l" in suffix:
        types = [LONG, ULONG] if "ll" in suffix else types[2:]
    if "u" in suffix:
        types = [t for t in types if not t.signed]
    elif is_decimal:
        types = [t for t in types if t.signed] or types
    for ctype in types:
        if ctype.wrap(value) == value:
            return Number(value, ctype)
    return Number(value, ULONG)
