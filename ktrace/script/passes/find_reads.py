"""Find the values that a handler reads from the kernel, so that probes fetch nothing else."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import field, replace
from typing import cast

from ktrace.records import dataclass
from ktrace.script.kernel_interface import RETURNED, TASK_NAME, As, Read
from ktrace.script.language.ast import (
    Assign,
    Binary,
    Call,
    Cast,
    Container,
    Crement,
    Entry,
    Expr,
    ExprStatement,
    Foreach,
    If,
    Index,
    Member,
    Name,
    Node,
    Target,
    Ternary,
    Try,
    While,
    children,
    walk,
)
from ktrace.script.language.definitions import Point, Script
from ktrace.script.language.points import AtEvent, AtFunction, AtSyscall, OwnSite, Site
from ktrace.script.language.sites import Sampled
from ktrace.script.language.source import ScriptError
from ktrace.script.own_task import VALUES
from ktrace.script.passes.addresses import address_of, is_computable, is_load
from ktrace.script.passes.builtins import AT_ADDRESS, FETCHES, MEMBERS, gives_text
from ktrace.script.passes.hook import NOTHING, Hook, Hooks, KernelRead, each
from ktrace.script.passes.kernel_expressions import (
    kernel_text,
    memory_text,
    refuse_kernel_write,
    without_pretty,
)

_BRANCHES = (If, While, Foreach, Try, Ternary)
_PAGE = 4096  # bytes; no program and no kernel has memory at an address below


def names_task(node: Node, functions: Collection[str]) -> bool:
    """Return whether a body reads the task's name, directly or through one of `functions`."""
    return _calls(node, {"execname", "thread_indent", *functions})


def names_returned(node: Node, functions: Collection[str]) -> bool:
    """Return whether a body reads the return value, directly or through one of `functions`."""
    return _calls(node, {"returnval", "returnstr", *functions})


def _own_reads(called: Collection[str]) -> list[Read]:
    """Return what functions about the current task need of it."""
    return list(dict.fromkeys(read for name, reads in VALUES.items() if name in called for read in reads))


def _called(*nodes: Node) -> set[str]:
    """Return the names of the functions that are called; those of `VALUES` without an argument only."""
    calls = (one for node in nodes for one in walk(node) if isinstance(one, Call))
    return {one.name for one in calls if not one.args or one.name not in VALUES}


def _calls(node: Node, names: Collection[str]) -> bool:
    return any(isinstance(one, Call) and one.name in names for one in walk(node))


def find_reads(hooks: Hooks, script: Script) -> Hooks:
    """Find the values that handlers read from the kernel.

    Functions of the script do not read the kernel themselves: where they use the return value, the task's
    name or something else of the task, the probes of the handlers fetch it for them.
    """
    is_global = script.global_names.__contains__
    own = frozenset(f.name for f in script.functions)
    naming = own if any(names_task(f.body, ()) for f in script.functions) else ()
    returning = own if any(names_returned(f.body, ()) for f in script.functions) else ()

    called = _called(*(f.body for f in script.functions))
    sampling = own if any(_calls(f.body, ("addr",)) for f in script.functions) else ()

    def one(hook: Hook) -> Hook:
        if not isinstance(hook.site, Sampled):
            _check_addr(hook, sampling)
        wanted = find_targets(hook, is_global)
        if isinstance(hook.site, AtFunction | AtSyscall):
            if hook.site.at_return and RETURNED not in wanted.reads and names_returned(hook.code, returning):
                wanted.reads.append(RETURNED)
            if names_task(hook.code, naming):
                wanted.reads.append(TASK_NAME)
                if wanted.entries:
                    wanted.entry_reads.append(TASK_NAME)
            here = _called(hook.code, *hook.conditions)
            task = _own_reads(here if here.isdisjoint(own) else here | called)
            wanted.reads.extend(task)
            if wanted.entries:
                wanted.entry_reads.extend(task)
        return replace(hook, wanted=wanted)

    return each(hooks, one)


def _check_addr(hook: Hook, functions: Collection[str]) -> None:
    """Refuse `addr()`, also in one of `functions`, where no sample tells the address."""
    for node in walk(hook.code):
        if isinstance(node, Call) and node.name in {"addr", *functions} and not node.args:
            raise ScriptError(
                "addr() is known at timer.profile and kernel.data",
                node.at,
                hint="symname(addr()) of a probe is probefunc(); uaddr() is known at every probe",
            )


def find_targets(hook: Hook, is_global: Callable[[str], bool]) -> KernelRead:
    """Return the values that a hook's handler reads.

    Raises:
        ScriptError: `$x` is used without a function, or a value cannot be read at a probe.
    """
    finder = _Finder(hook.point, hook.site, _definitions(hook.code, is_global))
    for condition in hook.conditions:
        finder.visit(condition)
    finder.visit(hook.code)
    return finder.wanted


def _definitions(body: Node, is_global: Callable[[str], bool]) -> Mapping[str, Expr | None]:
    """Map locals to their kernel expression; to None if they are assigned more than once."""
    found: dict[str, Expr | None] = {}

    def visit(node: Node) -> None:
        if isinstance(node, Assign | Crement) and isinstance(node.target, Name):
            name = node.target.name
            value = node.value if isinstance(node, Assign) and node.op == "=" else None
            simple = is_computable(value) and not is_global(name)
            found[name] = value if simple and name not in found else None
        if isinstance(node, Foreach):
            for variable in (*node.keys, *((node.value,) if node.value else ())):
                found[variable.name] = None
        for child in children(node):
            visit(child)

    visit(body)
    return found


@dataclass(slots=True)
class _Finder:
    point: Point
    site: Site
    definitions: Mapping[str, Expr | None]
    wanted: KernelRead = field(default_factory=KernelRead)
    at_entry: bool = False
    known: set[str] = field(default_factory=set)

    @property
    def at_return(self) -> bool:
        return isinstance(self.site, AtFunction | AtSyscall) and self.site.at_return and not self.at_entry

    def visit(self, node: Node) -> None:
        if isinstance(node, Assign | Crement):
            refuse_kernel_write(node.target)
        if isinstance(node, Entry) and self.at_return:
            self._enter(node, node.value)
            return
        if isinstance(node, Call) and node.name in FETCHES and (found := self._fetched(node)):
            self._read(node, *found, from_address=node.name in AT_ADDRESS)
            for option in node.args[1:]:  # a length or a default, which the handler itself evaluates
                self.visit(option)
            return
        if isinstance(node, Call) and node.name == "returnval" and not node.args:
            self._read(node, Target(node.at, "return"), "number")
            return
        if isinstance(node, Target | Cast):
            self._variable(node)
            return
        branches, known = isinstance(node, _BRANCHES), self.known
        for child in children(node):
            self.known = set(known) if branches else known  # a branch may not be taken
            self.visit(child)
        self.known = known
        value = node.value if isinstance(node, ExprStatement) else None
        if isinstance(value, Assign) and isinstance(value.target, Name):
            known.add(value.target.name)

    def _definition(self, name: str) -> Expr | None:
        """Return the value of a local that is set once, and has been set by now."""
        return self.definitions.get(name) if name in self.known else None

    def _fetched(self, node: Call) -> tuple[Expr, As] | None:
        """Return the expression that a function such as kernel_string reads, and its kind."""
        if node.name in MEMBERS and len(node.args) == 1:
            record, path, as_what = MEMBERS[node.name]
            members = tuple(Member(node.at, name) for name in path)
            return Cast(node.at, node.args[0], record, path=members), cast(As, as_what)
        kind = FETCHES[node.name]
        if node.name.endswith("_arg"):
            number = getattr(node.args[0], "value", None) if len(node.args) == 1 else None
            if not isinstance(number, int):
                raise ScriptError(f"{node.name} takes a literal number", node.at)
            return Target(node.at, f"arg{number}"), cast(As, kind)
        if kind == "reg":
            name = getattr(node.args[0], "value", None) if node.args else None
            if not isinstance(name, str):
                raise ScriptError(f"{node.name} takes a register's name", node.at)
            return Target(node.at, "%" + name.removeprefix("r").removeprefix("e")), "number"
        if not node.args:
            raise ScriptError(f"{node.name} needs something to read", node.at)
        kind = "path" if kind == "dname" else kind
        return node.args[0], cast(As, kind)

    def _variable(self, node: Target | Cast) -> None:
        if isinstance(node, Target) and node.name.startswith("$"):
            self._all(node)
        elif node.pretty:
            self._read(node, without_pretty(node), "number")
        else:
            self._read(node, node, "number")

    def _all(self, node: Target) -> None:
        """Read `$$parms`, `$$vars` or `$$return`."""
        name = node.name.rstrip("$")
        if name == "$return":
            self._read(node, Target(node.at, "return"), "number")
            return
        if isinstance(self.site, OwnSite):
            raise self._none_here(node)
        if name not in ("$parms", "$vars", "$locals"):
            raise ScriptError(f"there is no ${name}", node.at, hint="$$parms $$vars $$locals $$return")
        raise ScriptError(
            f"${name}: name the variables one by one", node.at, hint='sprintf("count=%d", $count)'
        )

    def _read(self, node: Expr, what: Expr, kind: As, *, from_address: bool = False) -> None:
        """Add a read of an expression, or of the memory that it points to."""
        if isinstance(self.site, OwnSite):
            if isinstance(what, Name | Index):
                return  # possibly text that a probe has read
            raise self._none_here(node)
        if isinstance(node, Call) and self._is_null(what):
            self._set(node, NOTHING, text=gives_text(node.name))
            return
        if isinstance(what, Entry):
            what = what.value if not self.at_return else what
        at_return = self.at_return
        if at_return and self._of_the_entry(what):
            self._enter(node, node if not isinstance(node, Entry) else node.value)
            return
        after = at_return or isinstance(self.site, AtEvent)
        user = isinstance(node, Call) and node.name.startswith("user")
        if from_address:
            text = memory_text(what, self._definition, user=user, at_return=after)
        else:
            text = self._value_text(what, kind, user=user, at_return=after)
        self._add(node, Read(text, kind))

    def _none_here(self, node: Expr) -> ScriptError:
        """Return the error for a read at a point that is not in the kernel."""
        if isinstance(node, Target) and not node.variable:
            return ScriptError(
                f"there are no variables of the kernel at {self.point}",
                node.at,
                hint='they belong to kernel.function("..."), kernel.trace("...") and their like',
            )
        return ScriptError(
            f"the kernel's memory is read by probes of the kernel, and {self.point} is not one",
            node.at,
            hint='keep the value in a global: probe kernel.function("...") { x = ... }; '
            'offsets and sizes are known everywhere: &@cast(0, "type")->member, @cast_sizeof("type")',
        )

    def _value_text(self, what: Expr, kind: As, *, user: bool, at_return: bool) -> str:
        """Return the text of a value. Text at a computed address is read there, without a pointer to it."""
        found = address_of(what, self._definition) if kind in ("string", "ustring") else None
        if found is not None and (found.offset or found.base is None or is_load(found.base)):
            return memory_text(what, self._definition, user=user, at_return=at_return)
        return kernel_text(what, self._definition, at_return=at_return)

    def _is_null(self, what: Expr) -> bool:
        """Return whether an address is a constant in the first page, where no memory ever is."""
        found = address_of(what, self._definition)
        return found is not None and found.base is None and 0 <= found.offset < _PAGE

    def _add(self, node: Expr, read: Read) -> None:
        reads = self.wanted.entry_reads if self.at_entry else self.wanted.reads
        if read not in reads:
            reads.append(read)
        is_text = read.kind in ("string", "ustring", "path") or "[" in read.kind
        self._set(node, f"f{reads.index(read)}", text=is_text)

    def _set(self, node: Expr, column: str, *, text: bool) -> None:
        fields = self.wanted.entry_fields if self.at_entry else self.wanted.fields
        fields[node] = column
        if text:
            self.wanted.texts[node] = True

    def _of_the_entry(self, what: Expr) -> bool:
        """Return whether a return probe has to take the value from the function's entry."""
        match what:
            case Target():
                return what.name != "return" and not what.variable
            case Cast() | Container():
                return self._of_the_entry(what.value)
            case Name():
                known = self._definition(what.name)
                return known is not None and self._of_the_entry(known)
            case Binary():
                return self._of_the_entry(what.left) or self._of_the_entry(what.right)
            case Call() if what.name in AT_ADDRESS or what.name in MEMBERS:
                return any(map(self._of_the_entry, what.args))
            case Entry():
                return True
            case Call():
                return what.name.endswith("_arg")
        return False

    def _enter(self, node: Expr, value: Expr) -> None:
        """Evaluate the value at the entry and keep it for the return."""
        wanted = self.wanted
        wanted.fields[node] = f"e{len(wanted.entries)}"
        wanted.entries.append(value)
        self.at_entry = True
        found = self._fetched(value) if isinstance(value, Call) and value.name in FETCHES else None
        if node is value and isinstance(value, Call) and found is not None:
            self._read(value, *found, from_address=value.name in AT_ADDRESS)  # its options are the return's
        else:
            self.visit(value)
        self.at_entry = False
        if wanted.texts.get(value):
            wanted.texts[node] = True
