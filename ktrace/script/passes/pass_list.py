"""The passes over a script, in the order in which they run. `ktrace run --passes` prints this list.

A new pass is a module with a function of the same name, and a line here. The function's parameters are the
values that it reads: fields of `Compilation`, which needs another field if the pass makes something new.
"""

from ktrace.script.passes.drop_uncalled import drop_uncalled
from ktrace.script.passes.drop_unused import drop_unused
from ktrace.script.passes.emit import emit
from ktrace.script.passes.expand_aliases import expand_aliases
from ktrace.script.passes.expand_dollars import expand_dollars
from ktrace.script.passes.expand_value import expand_value
from ktrace.script.passes.find_events import find_events
from ktrace.script.passes.find_reads import find_reads
from ktrace.script.passes.fold_constants import fold_constants
from ktrace.script.passes.give_variables import give_variables
from ktrace.script.passes.infer_types import infer_types
from ktrace.script.passes.inline import inline
from ktrace.script.passes.overload import overload
from ktrace.script.passes.parse import parse
from ktrace.script.passes.pass_manager import Pass, checked
from ktrace.script.passes.print_unread_globals import print_unread_globals
from ktrace.script.passes.push_down_counts import push_down_counts
from ktrace.script.passes.push_down_filters import push_down_filters
from ktrace.script.passes.read_tapset import read_tapset
from ktrace.script.passes.refuse_unreadable import refuse_unreadable
from ktrace.script.passes.rename_locals import rename_locals
from ktrace.script.passes.set_globals import set_globals
from ktrace.script.passes.split_patterns import split_patterns
from ktrace.script.passes.warn_of_arguments import warn_of_arguments
from ktrace.script.passes.warn_of_differences import warn_of_differences
from ktrace.script.passes.warn_of_unassigned import warn_of_unassigned

TO_HOOKS = (
    Pass(parse, makes=("script", "arguments")),
    Pass(set_globals, makes=("script",)),
    Pass(read_tapset, makes=("script", "aliases", "warnings")),
    Pass(rename_locals, makes=("script",)),
    Pass(expand_aliases, makes=("hooks", "notes", "warnings")),
)
"""The passes that find out which probe points a script asks for."""

PASSES = checked(
    (
        *TO_HOOKS,
        Pass(warn_of_arguments, makes=("warnings",)),
        Pass(expand_value, makes=("hooks",)),
        Pass(overload, makes=("functions",)),
        Pass(warn_of_unassigned, makes=("warnings",)),
        Pass(give_variables, makes=("hooks", "functions")),
        Pass(split_patterns, makes=("hooks",)),
        Pass(inline, makes=("hooks",)),
        Pass(expand_dollars, makes=("hooks",)),
        Pass(drop_unused, makes=("hooks",)),  # so that @defined is not asked in vain
        Pass(fold_constants, makes=("hooks", "functions")),
        Pass(drop_unused, makes=("hooks",)),
        Pass(refuse_unreadable, makes=("hooks",)),
        Pass(find_reads, makes=("hooks",)),
        Pass(find_events, makes=("bound", "notes")),
        Pass(drop_uncalled, makes=("functions",)),
        Pass(infer_types, makes=("types",)),
        Pass(print_unread_globals, makes=("bound", "types")),
        Pass(push_down_filters, makes=("pushed",)),
        Pass(push_down_counts, makes=("counted",)),
        Pass(emit, makes=("emitted",)),
        Pass(warn_of_differences, makes=("warnings",)),
    )
)
"""All passes."""
