"""Remove the functions that read memory and that no handler calls any more."""

from collections.abc import Sequence

from ktrace.script.language.definitions import Functions
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.inline import called, reads_memory


def drop_uncalled(functions: Functions, bound: Sequence[Bound]) -> Functions:
    """Remove functions that were inlined everywhere.

    Other functions that nobody calls stay: mistakes in them are still found.
    """
    used = called([one.hook.code for one in bound], functions)
    return {key: f for key, f in functions.items() if key in used or not reads_memory(key, functions)}
