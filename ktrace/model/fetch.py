"""Fetch arguments: what a probe reads when it is hit, in the kernel's syntax.

    NAME=EXPRESSION[:TYPE]        count=%dx:u64   path=+0(%si):string

Expressions and types are those of Documentation/trace/kprobetrace.rst, "Synopsis of kprobe_events".
ktrace passes them on unchanged and explains the error if the kernel refuses them. It checks only for
characters that would change the meaning of the rest of the line.
"""

import re

from ktrace.errors import UsageError
from ktrace.model.names import ARG_MAX, RESERVED_ARGS, check_arg, is_identifier, to_identifier
from ktrace.records import dataclass

ALL_ARGS = "$arg*"  # every parameter, from BTF: the only argument that cannot have a name

_NAME = re.compile(r"([^=\s%$@+\\(-][^=\s(]*)=")


@dataclass(frozen=True, slots=True)
class FetchArg:
    """One argument. `name` is None only for `$arg*`; `type` is None if the kernel chooses it."""

    expr: str
    name: str | None = None
    type: str | None = None

    def to_text(self) -> str:
        """Return the argument as the kernel reads it and prints it back."""
        prefix = f"{self.name}=" if self.name is not None else ""
        return f"{prefix}{self.expr}" + (f":{self.type}" if self.type else "")


def parse_fetch_arg(text: str) -> FetchArg:
    """Parse an argument. If it has no name, `name` is None: see `name_args`.

    A leading `=` means "no name", so that an expression may begin with any character.

    Raises:
        UsageError: it is empty, or contains a character that would end the argument or the line.
    """
    _check_characters(text)
    name: str | None = None
    match = _NAME.match(text)
    body = text.removeprefix("=")
    if match:
        name = check_arg(match[1])
        body = text[match.end() :]
    if not body:
        raise UsageError(
            "an argument has a name but nothing to read",
            excerpt=text,
            caret=len(text),
            hint="NAME=EXPRESSION, such as count=%dx or path=+0(%si):string",
        )
    expr, type_ = split_type(body)
    return FetchArg(expr, name, type_)


def split_type(body: str) -> tuple[str, str | None]:
    """Split `EXPRESSION[:TYPE]`. The kernel splits at any colon, even in an immediate string.

    A colon without a type is kept, so that the kernel reports the error.
    """
    expr, _, type_ = body.rpartition(":")
    return (expr, type_) if type_ and expr else (body, None)


def name_args(args: tuple[FetchArg, ...]) -> tuple[FetchArg, ...]:
    """Give every argument an explicit, unique name.

    By default the kernel names arguments by position (`arg1`) or, with BTF, by parameter, and then
    refuses duplicate names. Explicit names avoid that.
    """
    taken = {arg.name for arg in args if arg.name} | RESERVED_ARGS
    named: list[FetchArg] = []
    for position, arg in enumerate(args, start=1):
        if arg.name is not None or arg.expr == ALL_ARGS:
            named.append(arg)
            continue
        name = _unused(_natural_name(arg, position), taken)
        taken.add(name)
        named.append(FetchArg(arg.expr, name, arg.type))
    return tuple(named)


def _natural_name(arg: FetchArg, position: int) -> str:
    """Return the obvious name for an argument: di for `%di`, ret for `$retval`, f_pos for `file->f_pos`."""
    expr = arg.expr
    if expr.startswith("%"):
        return to_identifier(expr[1:], ARG_MAX)
    if expr == "$retval":
        return "ret"
    if expr == "$COMM":
        return "comm"
    if expr.startswith("$"):
        return to_identifier(re.split(r"->|\.", expr[1:])[-1], ARG_MAX)
    if expr.startswith("@") and is_identifier(expr[1:]):
        return expr[1 : 1 + ARG_MAX]
    last = re.split(r"->|\.", expr)[-1]
    if is_identifier(expr.split("->")[0]) and is_identifier(last):
        return last[:ARG_MAX]
    return f"arg{position}"


def _unused(name: str, taken: set[str] | frozenset[str]) -> str:
    candidate, n = name, 1
    while candidate in taken:
        n += 1
        candidate = f"{name[: ARG_MAX - len(str(n)) - 1]}_{n}"
    return candidate


def _check_characters(text: str) -> None:
    if not text:
        raise UsageError("an argument is empty")
    for i, ch in enumerate(text):
        if ch.isspace() or ch == "#" or not ch.isprintable():
            what = "a comment would start here" if ch == "#" else "the kernel splits its words there"
            raise UsageError(
                "an argument cannot hold this character: " + what,
                excerpt=text,
                caret=i,
                hint="the kernel has no quoting: choose an expression without blanks and #",
            )
