"""Translate a probe's arguments from C and names of system call parameters to fetch arguments."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ktrace.errors import UsageError
from ktrace.expr.arguments import Resolved, resolve
from ktrace.expr.described import whole_type
from ktrace.expr.scope import Scope
from ktrace.expr.source import Site, TypeSource
from ktrace.expr.type_names import user_type
from ktrace.kernel.kernel import Kernel
from ktrace.model.arg_words import argument_number
from ktrace.model.ctype import Array, CType, Enum, Int, bare
from ktrace.model.debuginfo import Absent, InMemory, Variable
from ktrace.model.fetch import FetchArg, name_args, parse_fetch_arg
from ktrace.model.fetch_types import parse_type
from ktrace.model.meaning import Meaning, Names
from ktrace.model.meanings import Described, meaning_for, word_for
from ktrace.model.miss import Miss
from ktrace.model.names import ARG_MAX, is_identifier
from ktrace.model.registers import CONVENTIONS
from ktrace.resolve.plain import is_plain
from ktrace.resolve.spec import Arguments
from ktrace.symbols.syscalls import (
    EVERY_PARAMETER,
    SyscallParam,
    argument_offset,
    fetch_args,
    function_names,
    params_from_format,
    params_from_types,
    syscall_name,
)

_BOOL = {0: "false", 1: "true"}
_NO_NAMES: Names = {}


def function_arguments(texts: Sequence[str], site: Site, types: TypeSource | Miss) -> Arguments:
    """Resolve the arguments at a function or tracepoint.

    Raises:
        UsageError, NotFound, Unavailable: an argument is wrong; the caret points into it.
    """
    resolution = resolve(tuple(texts), site, types)
    names = {r.arg.name: n for r in resolution.args if r.arg.name and (n := value_names(r, site))}
    return Arguments(tuple(r.arg for r in resolution.args), names, resolution.notes)


def value_names(resolved: Resolved, site: Site) -> Names:
    """Return how an argument's values read: an enum's and a bool's names, or the meaning of its type."""
    if resolved.names:
        return dict(resolved.names)
    meaning = meaning_for(resolved.word, site.machine, site.look_up)
    if meaning is not None:
        is_unsigned = (resolved.arg.type or "x64")[0] in "ux"
        return Meaning("pointer errno") if meaning.kind == "errno" and is_unsigned else meaning
    # A value read as text or as a symbol is not a number.
    number = resolved.arg.type is None or parse_type(resolved.arg.type).is_number
    return _BOOL if number and _is_bool(resolved.ctype) else _NO_NAMES


def constant_names(kind: CType) -> Names:
    """Return the names of an enum's and a bool's values; none for other types."""
    return kind.names() if isinstance(kind, Enum) else _BOOL if _is_bool(kind) else _NO_NAMES


def syscall_arguments(texts: Sequence[str], function: str, site: Site, kernel: Kernel) -> Arguments:
    """Resolve the arguments of a system call at `function`, which takes the registers of the process.

    Raises:
        UsageError: there is no such parameter, or it cannot be read here.
    """
    params = syscall_params(syscall_name(function), kernel)
    registers = site.registers and site.where != "return"
    found: list[FetchArg] = []
    meanings: list[Names | None] = []
    for text in texts:
        plain = parse_fetch_arg(text) if "->" not in text and "(" not in text else None
        if plain is not None and plain.expr == "$retval":
            found.append(FetchArg("$retval", plain.name or "ret", plain.type or "s64"))
        elif is_plain(text, function, at_return=site.where == "return") and not _is_number(plain):
            found.append(parse_fetch_arg(text))
        elif plain is not None and (is_identifier(plain.expr) or plain.expr.startswith("$arg")):
            if site.where == "return" and not site.features.entry_args_at_return:
                raise UsageError(
                    "this kernel does not save parameters until the return; Linux 6.9 and later do",
                    excerpt=text,
                    caret=text.index(plain.expr),
                    hint="read $retval here, and the parameters in a second probe at the entry",
                )
            said = _by_name(text, plain, params)
            for arg in fetch_args(said, function, params, kernel.machine, registers=registers):
                made, names = _of_meaning(arg, said, params, function, site)
                found.append(made)
                meanings.append(names)
        else:
            args, some = _members(text, params, function, site, kernel, registers=registers)
            found += args
            meanings += [some.get(arg.name or "") for arg in args]
        meanings += [None] * (len(found) - len(meanings))
    named = name_args(_renumbered(found))
    return Arguments(named, {a.name: m for a, m in zip(named, meanings, strict=True) if a.name and m})


def _of_meaning(
    arg: FetchArg, text: str, params: Sequence[SyscallParam], function: str, site: Site
) -> tuple[FetchArg, Names | None]:
    """Return a parameter's argument, and how it reads. A struct that is one value is read whole."""
    asked = parse_fetch_arg(text)
    wanted = arg.name if text.strip() == EVERY_PARAMETER else asked.expr
    param = next((one for one in params if one.name == wanted), None)
    if param is None or (asked.type is not None and not asked.type.startswith(("u", "s"))):
        return arg, None
    words = param.ctype.replace("const ", "").replace("__user ", "").split("*")
    is_pointer = len(words) > 1
    if is_pointer and asked.type is None:
        word = word_for(Described((words[0].strip(),))) if len(words) == 2 else None
        whole = whole_type(word, site) if word and site.whole else None
        if word and whole:
            return replace(arg, expr=f"+u0({arg.expr})", type=whole), meaning_for(word, site.machine)
        return arg, None
    types = (words[0].strip(),)
    size = parse_type(arg.type or "").base
    about = Described(types, "", syscall_name(function), param.name, size.size if size else None, is_pointer)
    return arg, meaning_for(word_for(about), site.machine, site.look_up)


def _members(
    text: str, params: Sequence[SyscallParam], function: str, site: Site, kernel: Kernel, *, registers: bool
) -> tuple[tuple[FetchArg, ...], Mapping[str, Names]]:
    """Resolve an expression such as `how->flags`. System call parameters point to user memory."""
    if site.where == "return":
        raise UsageError(
            "what a system call's parameters point to can be read at its entry only",
            excerpt=text,
            hint="a second probe, without %return, reads it there",
        )
    types = kernel.types()
    convention = CONVENTIONS[kernel.machine]
    variables = []
    for number, param in enumerate(params, start=1):
        if not re.search(rf"\b{re.escape(param.name)}\b", text):
            continue
        ctype = user_type(param.ctype, Scope(text, site, types))
        place = InMemory(convention.args[0], (argument_offset(number, kernel.machine),))
        variables.append(Variable(param.name, ctype, place, None, True, function, 0))
    if not variables:
        variables = [Variable(p.name, None, Absent(""), None, True, function, 0) for p in params]
    inside = replace(site, where="inside", function=syscall_name(function), variables=tuple(variables))
    made = function_arguments([text], inside, types)
    names = made.names or {}
    if registers:
        return made.args, names
    first = f"%{convention.args[0]}"
    return tuple(replace(arg, expr=arg.expr.replace(first, "$arg1")) for arg in made.args), names


def at_address(arg: FetchArg, machine: str) -> FetchArg:
    """Convert an argument for a probe placed by address, where `$argN` and `$retval` are unknown."""
    convention = CONVENTIONS.get(machine)
    if convention is None:
        return arg
    expr = arg.expr.replace("$retval", f"%{convention.retval}")
    for number, register in enumerate(convention.args, start=1):
        expr = re.sub(rf"\$arg{number}\b", f"%{register}", expr)
    return replace(arg, expr=expr)


def _is_bool(ctype: CType | None) -> bool:
    kind = bare(ctype) if ctype is not None else None
    while isinstance(kind, Array):
        kind = bare(kind.element)
    return isinstance(kind, Int) and kind.encoding == "bool"


def syscall_params(name: str, kernel: Kernel) -> tuple[SyscallParam, ...]:
    """Return the parameters of a system call; none if this kernel does not tell them."""
    try:
        return params_from_format(kernel.tracing.read(f"events/syscalls/sys_enter_{name}/format"))
    except (OSError, UsageError):
        pass  # without CONFIG_FTRACE_SYSCALLS, or one that has no event
    types = kernel.types()
    found = types if isinstance(types, Miss) else params_from_types(name, types.functions)
    return () if isinstance(found, Miss) else found


def is_left_out(name: str, kernel: Kernel) -> bool:
    """Return whether the kernel was built without a system call.

    It then has a weak function of that name, which only returns an error, without a format and types.
    """
    tracing = kernel.tracing
    if tracing.exists(f"events/syscalls/sys_enter_{name}") or not tracing.exists("events/syscalls"):
        return False
    found = [one for word in function_names(name, kernel.machine) for one in kernel.symbols.find(word)]
    if not found or any(one.type not in "Ww" for one in found if one.is_function):
        return False
    types = kernel.types()
    return isinstance(types, Miss) or isinstance(params_from_types(name, types.functions), Miss)


def _is_number(arg: FetchArg | None) -> bool:
    return arg is not None and argument_number(arg.expr) is not None


def _by_name(text: str, arg: FetchArg, params: tuple[SyscallParam, ...]) -> str:
    """Resolve `$argN` of a system call: it is the call's Nth parameter, not the function's."""
    number = argument_number(arg.expr)
    if number is None:
        return text
    if number > len(params):
        raise UsageError(
            f"the system call has {len(params)} parameters", excerpt=text, caret=text.index("$arg")
        )
    return text.replace(arg.expr, params[number - 1].name, 1)


def _renumbered(args: list[FetchArg]) -> tuple[FetchArg, ...]:
    """Give arguments that share a name different names: `filename`, `filename_2`."""
    taken: set[str] = set()
    out = []
    for arg in args:
        name, number = arg.name, 1
        while name and name in taken:
            number += 1
            name = f"{(arg.name or '')[: ARG_MAX - 4]}_{number}"
        taken |= {name} if name else set()
        out.append(replace(arg, name=name))
    return tuple(out)
