"""Print a tree as script text, for `ktrace run -p1`.

Every expression is in parentheses. The text parses to the same tree.
"""

from typing import assert_never

from ktrace.script.language.arithmetic import LOW
from ktrace.script.language.ast import (
    Aggregate,
    Assign,
    Binary,
    Block,
    Call,
    Cast,
    Container,
    Crement,
    Defined,
    Delete,
    Entry,
    Expr,
    ExprStatement,
    Foreach,
    If,
    In,
    Index,
    Item,
    Jump,
    Name,
    Number,
    Path,
    Return,
    Statement,
    Target,
    Ternary,
    Text,
    Try,
    TypeFact,
    Unary,
    While,
)
from ktrace.script.language.definitions import Alias, Function, Global, Point, Probe, Script
from ktrace.script.language.source import DOLLAR


def show(script: Script) -> str:
    """Return the text of a whole script."""
    parts = [_global(one) for one in script.globals]
    parts += [_function(one) for one in script.functions]
    parts += [_alias(one) for one in script.aliases]
    parts += [_probe(one) for one in script.probes]
    return "".join(part + "\n" for part in parts).replace(DOLLAR, "$")


def show_point(point: Point) -> str:
    """Return the text of a probe point with its `?`, `!` and condition."""
    parts = []
    for part in point.parts:
        arg = "" if part.arg is None else f"({_quoted(part.arg) if isinstance(part.arg, str) else part.arg})"
        parts.append(part.name + arg)
    text = ".".join(parts) + ("!" if point.sufficient else "?" if point.optional else "")
    return text + (f" if ({show_expr(point.condition)})" if point.condition is not None else "")


def show_expr(e: Expr | None) -> str:
    """Return the text of an expression; None is `*`."""
    match e:
        case None:
            return "*"
        case Number():
            if e.value == LOW:
                return str(-LOW)  # the literal wraps: a minus before it would be an operator
            return f"({e.value})" if e.value < 0 else str(e.value)
        case Text():
            return _quoted(e.value)
        case Name():
            return e.name
        case Index():
            return f"{show_expr(e.base)}[{', '.join(map(show_expr, e.keys))}]"
        case Unary():
            return f"({e.op}{show_expr(e.value)})"
        case Binary():
            return f"({show_expr(e.left)} {e.op} {show_expr(e.right)})"
        case In():
            return f"([{', '.join(map(show_expr, e.keys))}] in {e.array.name})"
        case Ternary():
            return f"({show_expr(e.condition)} ? {show_expr(e.yes)} : {show_expr(e.no)})"
        case Assign():
            return f"({show_expr(e.target)} {e.op} {show_expr(e.value)})"
        case Crement():
            target = show_expr(e.target)
            return f"({e.op}{target})" if e.prefix else f"({target}{e.op})"
        case Call():
            return f"{e.name}({', '.join(map(show_expr, e.args))})"
        case Target():
            name = f"@var({_quoted(e.name)}{_module(e.module)})" if e.variable else "$" + e.name
            return ("&" if e.address else "") + name + _path(e.path) + e.pretty
        case Cast():
            value = show_expr(e.value)
            if e.type is not None:
                value = f"@cast({value}, {_quoted(e.type)}{_module(e.module)})"
            return ("&" if e.address else "") + value + _path(e.path) + e.pretty
        case Container() | TypeFact():
            return _type_word(e)
        case Entry():
            return f"@entry({show_expr(e.value)})"
        case Defined():
            return f"@defined({show_expr(e.value)})"
        case Aggregate():
            return f"@{e.op}({', '.join([show_expr(e.target), *map(str, e.params)])})"
    assert_never(e)


def _type_word(e: Container | TypeFact) -> str:
    """Return the text of a question about the kernel's types."""
    module = f"{_quoted(e.module)}, " if e.module is not None else ""
    member = _path(e.path).removeprefix("->")
    if isinstance(e, Container):
        word = "module_container_of" if module else "container_of"
        return f"@{word}({show_expr(e.value)}, {module}{_quoted(e.type)}, {member})"
    if e.op == "size":
        return f"@{'cast_module_sizeof' if module else 'cast_sizeof'}({module}{_quoted(e.type)})"
    word = "module_type_member_defined" if module else "type_member_defined"
    return f"@{word}({module}{_quoted(e.type)}, {member})"


def show_statement(one: Statement, depth: int = 0) -> str:
    """Return the indented lines of a statement, each with its newline."""
    pad = "  " * depth
    match one:
        case Block():
            return pad + "{\n" + "".join(show_statement(s, depth + 1) for s in one.body) + pad + "}\n"
        case ExprStatement():
            return f"{pad}{show_expr(one.value)};\n"
        case If():
            text = f"{pad}if ({show_expr(one.condition)})\n" + show_statement(_braced(one.yes), depth + 1)
            return text + (f"{pad}else\n" + show_statement(one.no, depth + 1) if one.no else "")
        case While():
            if one.first is None and one.step is None:
                head = f"while ({show_expr(one.condition)})"
            else:
                first, step = (show_expr(x) if x is not None else "" for x in (one.first, one.step))
                head = f"for ({first}; {show_expr(one.condition)}; {step})"
            return f"{pad}{head}\n" + show_statement(one.body, depth + 1)
        case Foreach():
            return f"{pad}{_foreach(one)}\n" + show_statement(one.body, depth + 1)
        case Return():
            return f"{pad}return {show_expr(one.value)};\n" if one.value is not None else f"{pad}return;\n"
        case Jump():
            return f"{pad}{one.word};\n"
        case Delete():
            return f"{pad}delete {show_expr(one.target)};\n"
        case Try():
            message = f" ({one.message.name})" if one.message else ""
            body = show_statement(one.body, depth)
            return f"{pad}try\n{body}{pad}catch{message}\n" + show_statement(one.handler, depth)
    assert_never(one)


def _braced(one: Statement) -> Statement:
    """Put braces around a branch, so that an `if` inside it does not take the outer `else`."""
    return one if isinstance(one, Block) else Block(one.at, (one,))


def _foreach(one: Foreach) -> str:
    def sign(column: int) -> str:
        return "" if one.sort != column else "-" if one.descending else "+"

    keys = ", ".join(key.name + sign(i) for i, key in enumerate(one.keys, start=1))
    value = f"{one.value.name} = " if one.value else ""
    base = show_expr(one.base)
    if one.slice:
        base += f"[{', '.join(map(show_expr, one.slice))}]"
    if one.by:
        base += f" @{one.by}"
    base += sign(0)
    limit = f" limit {show_expr(one.limit)}" if one.limit is not None else ""
    return f"foreach ({value}[{keys}] in {base}{limit})"


def _global(one: Global) -> str:
    size = f"[{one.size}]" if one.size is not None else ""
    initial = ""
    if one.initial is not None:
        initial = (
            f" = {one.initial.value}" if isinstance(one.initial, Number) else f" = {show_expr(one.initial)}"
        )
    return f"global {one.name}{'%' if one.wrap else ''}{size}{initial}"


def _function(one: Function) -> str:
    params = ", ".join(p.name + (f":{p.kind}" if p.kind else "") for p in one.params)
    kind = f":{one.kind}" if one.kind else ""
    priority = f":{one.priority}" if one.priority else ""
    return f"function {one.name}{kind}({params}){priority}\n{show_statement(one.body)}"


def _probe(one: Probe) -> str:
    return f"probe {', '.join(map(show_point, one.points))}\n{show_statement(one.body)}"


def _alias(one: Alias) -> str:
    names = ", ".join(map(show_point, one.names))
    equals = "+=" if one.epilogue else "="
    blocks = ",\n".join(show_statement(body) for body in one.bodies)
    return f"probe {names} {equals} {', '.join(map(show_point, one.points))}\n{blocks}"


def _path(path: Path) -> str:
    return "".join(f"[{show_expr(p.index)}]" if isinstance(p, Item) else f"->{p.name}" for p in path)


def _module(module: str | None) -> str:
    return f", {_quoted(module)}" if module is not None else ""


_NAMED = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def _quoted(text: str) -> str:
    """Quote a string. Other bytes than printable ASCII become octal escapes of three digits."""
    return '"' + "".join(_NAMED.get(c) or (c if " " <= c <= "~" else f"\\{ord(c):03o}") for c in text) + '"'
