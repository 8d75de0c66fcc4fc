"""The names that an expression can begin with: parameters, the return value, registers."""

import re
from functools import cached_property

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.expr.convention import InMemory, InRegisters, Location, Unreachable, locate
from ktrace.expr.problems import did_you_mean, lines, near, wrong
from ktrace.expr.source import Site, TypeSource
from ktrace.expr.value import SYMBOL, Value, split_symbol
from ktrace.expr.variables import variable
from ktrace.model.ctype import FuncProto, Param, Record, Void, bare, declare, signature, size_of
from ktrace.model.miss import Miss
from ktrace.model.suffixes import changed_parameters, plain_name


class Scope:
    """The names that can be read at one site.

    Args:
        text: the argument being resolved, for errors.
    """

    def __init__(self, text: str, site: Site, types: TypeSource | Miss) -> None:
        self.text = text
        self.site = site
        self.unknown: str | None = None  # why the type of something is not known
        self._types = types

    def types(self, at: int, why: str) -> TypeSource:
        """Return the types. Raises Unavailable, with what they are needed for (`why`), if there are none."""
        if isinstance(self._types, Miss):
            raise Unavailable(
                f"{why} can be found only with BTF: {self._types.source}: {self._types.reason}",
                excerpt=self.text,
                caret=at,
                hint="without it: $arg1, $retval, %di, +0x10(%di):u32",
            )
        return self._types

    def parameter(self, name: str, at: int) -> Value:
        """Return the parameter of that name.

        Raises:
            UsageError: there is none, or it cannot be read here.
        """
        if isinstance(self.site.variables, tuple):
            return variable(name, self.site, self.text, at)
        proto = self.proto(at)
        for index, param in enumerate(proto.params):
            if param.name == name:
                return self._value(index, param, at)
        names = [param.name for param in proto.params]
        shown = ", ".join(declare(p.type, p.name) for p in proto.params) or "it has none"
        guess = "did you mean $retval?" if name in ("retval", "ret") and self.site.where == "return" else None
        raise wrong(
            self.text,
            at,
            f"{self.site.function} has no parameter '{name}'",
            lines(guess or did_you_mean(name, names), f"parameters: {shown}"),
        )

    def special(self, name: str, at: int) -> Value:
        """Return `$retval`, `$argN`, or another name of the kernel, whose type is unknown."""
        if name == "$retval":
            return self._retval(at)
        match = re.fullmatch(r"\$arg(\d+)", name)
        if not match:
            return Value((name,), None, re.sub(r"^[$%@]|\W.*", "", name) or "value")
        number = int(match[1])
        if number == 0:
            raise wrong(self.text, at, "arguments are counted from $arg1")
        self._check_where(at)
        try:
            proto = self._find_proto(at)
        except (NotFound, Unavailable, UsageError) as error:
            self.unknown = error.message
            return Value((name,), None, f"arg{number}")
        if number > len(proto.params):
            raise wrong(
                self.text,
                at,
                f"{self.site.function} has {len(proto.params)} parameters",
                f"it is {declare(proto, self.site.function or '')}",
            )
        return self._value(number - 1, proto.params[number - 1], at)

    def variable(self, name: str, at: int) -> Value:
        """Return the variable at `@SYMBOL` or `@SYMBOL+OFFSET`.

        Raises:
            NotFound: its type is not known.
        """
        symbol, offset = split_symbol(name)
        found = self.types(at, f"the type of {symbol}").variable(symbol)
        if isinstance(found, Miss):
            cast = f'@cast(&@var("{symbol}"), "TYPE")->MEMBER'
            raise NotFound(
                f"the type of the variable '{symbol}' is not known: {found.reason}",
                excerpt=self.text,
                caret=at,
                hint=cast if self.site.either_arrow else f"((struct NAME *)&@{symbol})->MEMBER",
            )
        return Value((SYMBOL + symbol,), found, symbol, addend=offset, memory=True)

    def proto(self, at: int) -> FuncProto:
        """Return the function's prototype.

        Raises:
            NotFound: BTF describes no such function.
            Unavailable: there is no BTF.
            UsageError: there are several, or parameters cannot be read here.
        """
        self._check_where(at)
        return self._find_proto(at)

    @cached_property
    def _locations(self) -> tuple[Location, ...]:
        return locate(self._find_proto(0), self.site.machine)

    def _check_where(self, at: int) -> None:
        site = self.site
        if site.where == "inside":
            raise wrong(
                self.text,
                at,
                "parameters are in their registers only when the function is entered",
                lines(
                    "probe the function's name without an offset, or read registers: %di",
                    f"with debug info, variables by name: {site.variables.reason}"
                    if isinstance(site.variables, Miss)
                    else None,
                ),
            )
        if site.where == "return" and not site.features.entry_args_at_return:
            raise wrong(
                self.text,
                at,
                "this kernel does not save parameters until the return; Linux 6.9 and later do",
                "read $retval here, and the parameters in a second probe at the entry",
            )

    def _find_proto(self, at: int) -> FuncProto:
        name = self.site.function
        if name is None:
            raise wrong(self.text, at, "an address has no parameters by name", "read registers: %di")
        types = self.types(at, f"the parameters of {name}")
        if self.site.tracepoint:
            return self._tracepoint(name, types, at)
        plain = plain_name(name)
        changed = changed_parameters(name)
        if changed and not self.site.force:
            raise wrong(
                self.text,
                at,
                f"the parameters of {name} are not those of {plain}: {changed}",
                "read registers, or take the risk with --force",
            )
        found = types.functions(plain)
        if isinstance(found, Miss):
            close = near(plain, types.names("function"))
            raise NotFound(
                f"BTF describes no function '{plain}', so its parameters are not known",
                excerpt=self.text,
                caret=at,
                hint=lines(
                    f"did you mean {' or '.join(close)}?" if close else None, "by position: $arg1, $arg2, %di"
                ),
            )
        if len(found) > 1 and self.site.nth is None:
            raise wrong(
                self.text,
                at,
                f"there are {len(found)} functions {plain} with different parameters",
                lines("choose with --nth:", *(f"{n}: {signature(f)}" for n, f in enumerate(found, 1))),
            )
        return found[min(self.site.nth or 1, len(found)) - 1].proto

    def _tracepoint(self, name: str, types: TypeSource, at: int) -> FuncProto:
        proto = tracepoint_prototype(name, types)
        if isinstance(proto, Miss):
            raise NotFound(
                f"BTF describes no tracepoint '{name}'",
                excerpt=self.text,
                caret=at,
                hint="by position: $arg1, $arg2",
            )
        return proto

    def _value(self, index: int, param: Param, at: int) -> Value:
        """Return a parameter by its register, or by `$argN` if registers cannot be read."""
        location = self._locations[index]
        label = param.name or f"arg{index + 1}"
        # The kernel counts words, ktrace counts parameters: its names are right as long as both agree.
        path = param.name or None
        if not isinstance(location, InRegisters) or location.slot != index or len(location.names) > 1:
            path = None
        if isinstance(location, Unreachable):
            raise wrong(self.text, at, f"'{label}' cannot be read: {location.why}")
        words = location.names if isinstance(location, InRegisters) else (location.base,)
        if not self.site.registers or self.site.where == "return":
            words = self._by_number(location, label, at)
        if isinstance(location, InMemory):
            return Value(words, param.type, label, (), location.offset, memory=True)
        in_words = len(words) > 1 or isinstance(bare(param.type), Record)
        return Value(words, param.type, label, in_words=in_words, path=None if in_words else path)

    def _by_number(self, location: InRegisters | InMemory, label: str, at: int) -> tuple[str, ...]:
        count = len(location.names) if isinstance(location, InRegisters) else 1
        if location.slot is None:
            stack = isinstance(location, InMemory) and location.base == "$stack"
            if stack and self.site.where == "entry":
                return ("$stack",)
            raise wrong(self.text, at, f"'{label}' is on the stack, which this kind of probe does not reach")
        return tuple(f"$arg{location.slot + n + 1}" for n in range(count))

    def _retval(self, at: int) -> Value:
        if self.site.where != "return":
            raise wrong(
                self.text,
                at,
                "there is no return value yet where the function is entered",
                "probe the return: FUNCTION%return",
            )
        try:
            ctype = self._find_proto(at).returns
        except (NotFound, Unavailable, UsageError) as error:
            self.unknown = error.message
            return Value(("$retval",), None, "ret")
        if isinstance(bare(ctype), Void):
            raise wrong(self.text, at, f"{self.site.function} returns nothing")
        if isinstance(bare(ctype), Record):
            if (size_of(ctype) or 0) > 8:
                raise wrong(self.text, at, f"a '{declare(ctype)}' does not fit into the return register")
            return Value(("$retval",), ctype, "ret", in_words=True)
        return Value(("$retval",), ctype, "ret", path="$retval")


def tracepoint_prototype(name: str, types: TypeSource) -> FuncProto | Miss:
    """Return a tracepoint's parameters, without the `void *` that its functions take first."""
    for prefix in ("__probestub_", "__traceiter_"):
        found = types.functions(prefix + name)
        if not isinstance(found, Miss):
            return FuncProto(Void(), found[0].proto.params[1:])
    proto = types.prototype(f"btf_trace_{name}")
    return proto if isinstance(proto, Miss) else FuncProto(Void(), proto.params[1:])
