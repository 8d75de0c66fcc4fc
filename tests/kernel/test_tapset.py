"""Every alias of SystemTap's tapset, and every variable of it, on the kernel that runs."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from ktrace.errors import KtraceError, NotFound
from ktrace.host.local import LocalHost
from ktrace.model.miss import Miss
from ktrace.script.driver.kernel_config import kernel_config
from ktrace.script.driver.later_kernel import LaterKernel
from ktrace.script.driver.options import Options
from ktrace.script.driver.prepared import compiler
from ktrace.script.language.ast import Assign, Call, Name, walk
from ktrace.script.language.definitions import Script
from ktrace.script.language.facts import Facts
from ktrace.script.language.limits import Limits
from ktrace.script.language.parser import parse
from ktrace.script.language.preprocess import Preprocessor
from ktrace.script.language.source import NoSuchPoint, ScriptError, SourceFile
from ktrace.script.passes.builtins import UNREADABLE
from ktrace.script.passes.compilation import Compilation
from ktrace.script.passes.hook import Hooks
from ktrace.script.passes.pass_list import PASSES, TO_HOOKS
from ktrace.vm.modules import needed
from tests.kernel.loading import load_module_data, module_file, unload_module
from tests.unit.docs.tapset_reference import absent, aliases, refused

MODULES = (
    "sunrpc",
    "nfs",
    "nfsv2",
    "nfsv3",
    "nfsv4",
    "nfsd",
    "scsi_mod",
    "bridge",
    "br_netfilter",
    "ip6_tables",
)
"""The modules with functions that aliases probe, where they are modules."""


@pytest.fixture(scope="module")
def modules() -> Iterator[None]:
    """Load the modules that the aliases need, and remove them at the end."""
    loaded = []
    path = module_file("sunrpc")
    if path is not None:
        directory = next(one.parent for one in path.parents if one.name == "kernel")
        present = {line.split()[0] for line in Path("/proc/modules").read_text().splitlines()}
        there = [name for name in MODULES if module_file(name)]
        for module in needed(directory, there):
            if module.name not in present:
                load_module_data(module.data)
                loaded.append(module.name)
    yield
    for name in reversed(loaded):
        with suppress(AssertionError):  # some stay while a thread of theirs runs
            unload_module(name)


@dataclass
class Planner:
    """Compiles scripts for the kernel that runs, up to the probes that a run would define.

    The tapset's files of a family are read once: emulated, that takes seconds.
    """

    options: Options = field(
        default_factory=lambda: Options(
            LocalHost(), Facts(os.uname().release, "x86_64", kernel_config(LocalHost()))
        )
    )

    def __post_init__(self) -> None:
        self.kernel = LaterKernel(self.options, lambda _: None)
        self.kernel.exists = cache(self.kernel.exists)  # type: ignore[method-assign]  # each look-up is slow
        symbols = self.kernel.real.kernel.symbols
        # Nobody reads the hints about functions that this kernel does not have, and each takes a second.
        symbols.miss = lambda name: Miss(symbols.source, name)  # type: ignore[method-assign]
        self.compiler = compiler(self.options, self.kernel, Limits())

    def read(self, family: Sequence[str]) -> None:
        """Read what the aliases of a family use of the tapset."""
        source = SourceFile("t.stp", "\n".join(f"probe {name} {{ }}" for name in family))
        known = self.compiler.after(TO_HOOKS[:-1], [source])
        self.library = Script(known.script.globals, known.script.functions)
        self.aliases = known.aliases

    def hooks(self, alias: str) -> Hooks:
        """The handlers of an alias. Raises KtraceError if the kernel does not have it."""
        made = self._script(f"probe {alias} {{ }}")
        TO_HOOKS[-1].apply(made)
        return made.hooks

    def plan(self, text: str) -> None:
        """Plan a script. Raises KtraceError if it cannot run."""
        made = self._script(text)
        for one in PASSES[len(TO_HOOKS) - 1 :]:
            one.apply(made)
        self.kernel.check((one.hook.point, one.site) for one in made.bound)

    def _script(self, text: str) -> Compilation:
        source = SourceFile("t.stp", text)
        made = Compilation((source,), self.options.facts, self.kernel, {}, Limits(), ())
        made.script = parse(source, Preprocessor(self.options.facts)) + self.library
        made.aliases, made.arguments, made.warnings = self.aliases, frozenset(), ()
        return made


def variables(hooks: Hooks) -> list[str]:
    """The variables that the statements of an alias set at each place, but those that it refuses."""
    found = [
        {
            node.target.name: None
            for block in hook.before
            for node in walk(block)
            if isinstance(node, Assign) and isinstance(node.target, Name)
            if not any(isinstance(one, Call) and one.name == UNREADABLE for one in walk(node.value))
        }
        for hook in hooks
    ]
    return [name for name in found[0] if all(name in one for one in found)]


@dataclass
class Found:
    """The aliases by outcome; `mistakes` has those that fail for another reason."""

    there: list[str] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    mistakes: dict[str, str] = field(default_factory=dict)
    read: int = 0


@pytest.fixture(scope="module")
def found(modules: None) -> Found:
    return plan_all(Planner())


def plan_all(planner: Planner, families: Sequence[str] = ()) -> Found:
    """Plan each alias with all its variables, but those that are told by name to be unreadable."""
    made = Found()
    for family, names in aliases().items():
        if families and family not in families:
            continue
        planner.read(names)
        for name in names:
            try:
                _plan(planner, name, made)
            except NoSuchPoint as error:
                if "matches nothing here" in error.message:
                    made.absent.add(name)
                else:
                    made.refused[name] = error.message
            except NotFound:
                made.absent.add(name)
            except ScriptError as error:
                made.refused[name] = error.message
            except KtraceError as error:
                made.mistakes[name] = str(error)
    return made


def _plan(planner: Planner, alias: str, made: Found) -> None:
    hooks = planner.hooks(alias)
    left = variables(hooks)
    while True:
        try:
            shown = f"println({', '.join(left)})" if left else ""
            planner.plan(f"probe {alias} {{ {shown} }}")
        except KtraceError as error:
            told = re.search(r"'(\w+)' of \S+ cannot be read: ", str(error))
            if told is None or told[1] not in left:
                raise
            left.remove(told[1])
        else:
            made.there.append(alias)
            made.read += len(left)
            return


def test_every_alias_is_there_or_its_reason_is_told(found: Found) -> None:
    """A mistake of another kind, such as a member that no kernel has, would be told as a refusal here."""
    assert found.mistakes == {}
    assert set(found.refused) == set(refused())
    assert len(found.there) > 400 and found.read > 1000


def test_the_kernel_has_what_the_page_says(found: Found) -> None:
    kernel = ".".join(os.uname().release.split(".")[:2])
    known = absent(kernel)
    if known is None:
        pytest.skip(f"the page does not tell of Linux {kernel}")
    assert found.absent == known
