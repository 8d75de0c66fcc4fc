"""Choose the functions that the function graph tracer follows, for which the machine has a single list.

The tracers of all instances share one list of functions. A session notes what it adds to the list, so that
`ktrace clean` can remove it (`tracefs.graph`). If another tool follows all functions, that stays: then all
calls are recorded, and ktrace selects the requested ones. If another tool has its own list, that stays,
too.
"""

import errno
from collections.abc import Sequence
from contextlib import nullcontext
from types import TracebackType

from ktrace.errors import Busy, KtraceError, NotFound, Refused
from ktrace.kernel.functions import Probeable
from ktrace.kernel.kernel import Kernel
from ktrace.kernel.renamed import find_present, unreached
from ktrace.resolve.refusals import Refusals
from ktrace.symbols.renames import may_be_bypassed
from ktrace.tracefs import graph
from ktrace.tracefs.apply import Applied
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import make_step

ALL = "all calls are recorded, and the requested ones are selected"


class Following:
    """Functions whose calls are followed inside the `with` block.

    Args:
        owner: the name of the session and its instance.
        words: names of functions, or wildcards as the kernel accepts them.
        depth: the number of levels of calls; None for all.
        top: whether the top buffer is used, and restored afterwards.
        refusals: takes the errors of functions that cannot be followed, and the others are followed. If it
            is None, such an error is raised.

    Attributes:
        functions: the functions that match the words.
        patterns: the words as this kernel knows them.
        notes: remarks for the user.

    Raises:
        NotFound, Refused: a function that cannot be followed.
        Busy: another user of the tracer has limited the depth or the functions, which is not enough.
    """

    def __init__(
        self,
        kernel: Kernel,
        owner: str,
        words: Sequence[str],
        depth: int | None = None,
        *,
        top: bool = False,
        refusals: Refusals | None = None,
    ) -> None:
        self._kernel = kernel
        self._tracing = kernel.tracing
        self._owner = owner
        self._words = words
        self._depth = depth
        self._top = top
        self._refusals = refusals
        self._note = ""
        self._applied = Applied(self._tracing)
        self.functions: frozenset[str] = frozenset()
        self.patterns: list[str] = []
        self.notes: list[str] = []

    def __enter__(self) -> "Following":
        try:
            self._begin()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failures = self._release()
        if failures:
            raise KtraceError(
                "the list of functions whose calls are followed could not be restored:\n"
                + "\n".join(failures),
                hint="`ktrace clean` restores it when this process has ended",
            )

    def _begin(self) -> None:
        limit = graph.read_depth(self._tracing)
        users = graph.users(self._tracing)
        if limit and (self._depth is None or self._depth > limit):
            raise _too_deep(self._tracing, limit)
        for word in self._words:
            with self._refusals.one() if self._refusals is not None else nullcontext():
                self.functions |= self._named(word)
        if self._refusals is not None:
            self._refusals.end_if_nothing_is_left(self.functions)
        ours = {graph.noter(name) for name in graph.notes(self._tracing)}
        if any(user not in ours for user in users):
            self._beside_others()
            return
        alone = not users and not limit
        self._add(self._depth if alone else None)

    def _named(self, word: str) -> set[str]:
        """Resolve a word with the session's own instance, which is not tracing yet."""
        try:
            asked = self._ask(word)
            if may_be_bypassed(word) and (why := unreached(word, self._kernel.symbols)):
                self.notes.append(f"{word} may never be called: {why}")
            return asked
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise Refused(f"'{word}' cannot be followed: {error.strerror}", errno=error.errno) from error
        present = find_present(word, self._kernel.symbols, self._kernel.machine)
        try:
            found = self._ask(present.name) if present else set()
        except OSError:
            raise _unknown(present.name if present else word, self._kernel) from None
        if not found or present is None:
            raise _unknown(word, self._kernel)
        self.notes.append("; ".join((f"{word} is {present.name} in this kernel", *present.differences())))
        return found

    def _ask(self, word: str) -> set[str]:
        path = f"instances/{self._owner}/set_ftrace_filter"
        self._tracing.write(path, word)
        found = set(graph.read_functions(self._tracing, path))
        self._tracing.write(path, f"!{word}")
        self.patterns += [word] if found else []
        return found

    def _add(self, depth: int | None) -> None:
        """Note the functions missing from the list, and add them. Functions that others added stay."""
        listed = set(graph.read_functions(self._tracing))
        theirs = listed - graph.noted(self._tracing, graph.notes(self._tracing, live=False))
        self._note = graph.note_name(self._owner, depth, top=self._top)
        self._applied.apply(make_step(self._note, "notes which functions are followed"))
        for function in sorted(self.functions - theirs):
            self._tracing.write(f"instances/{self._note}/set_ftrace_filter", function)
            self._tracing.write(graph.FOLLOWED, function)
        if depth:
            self._tracing.write(graph.DEPTH, str(depth))

    def _beside_others(self) -> None:
        """Leave the list unchanged if a program other than ktrace uses the tracer."""
        listed = set(graph.read_functions(self._tracing))
        if not listed:
            self.notes.append(f"another tool follows all functions: {ALL}")
        elif not self.functions <= listed:
            missing = min(self.functions - listed)
            raise Busy(
                f"another tool follows the calls of some functions, but not of {missing}",
                hint=f"cat {self._tracing.root}/{graph.FOLLOWED} shows them; wait until it has ended",
            )

    def _release(self) -> list[str]:
        """Undo everything that is noted. Return what could not be undone."""
        if not self._note:
            return []
        try:
            plan = graph.release(self._tracing, self._note)
        except OSError as error:
            return [str(error)]
        self._applied.keep()  # the plan removes the instance after undoing what it notes
        for step in reversed(plan.steps):
            self._applied.will_undo(step)
        failures = self._applied.undo_all()
        if not failures:
            self._note = ""
        return [f"{step.to_shell(self._tracing.root)}: {error.strerror}" for step, error in failures]


def _unknown(word: str, kernel: Kernel) -> KtraceError:
    found = [symbol for symbol in kernel.symbols.find(word) if symbol.is_function]
    if found:
        why = Probeable.of(kernel).why_not(word) or "the kernel does not say why"
        return Refused(
            f"calls of '{word}' cannot be followed: {why}", hint=f"ktrace funcs '{word}*' shows what can be"
        )
    near = kernel.symbols.miss(word).near
    hint = "close to it: " + ", ".join(near) if near else "`ktrace funcs GLOB` looks for functions"
    return NotFound(f"no function is called '{word}'", hint=hint)


def _too_deep(tracing: Files, limit: int) -> Busy:
    who = next((name for name in graph.notes(tracing) if name.endswith(f"_graph_{limit}")), None)
    if who:
        hint = f"the ktrace session {graph.noter(who)} has set it: wait for its end, or use --depth {limit}"
    else:
        hint = f"use --depth {limit}, or remove the limit: echo 0 >> {tracing.root}/{graph.DEPTH}"
    return Busy(f"calls are followed to a depth of {limit} on this machine now", hint=hint)
