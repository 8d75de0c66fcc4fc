"""A module for each kind of input; `TARGETS` has them all."""

from tests.fuzz.target import Target
from tests.fuzz.targets.debug_info import Btfs, Elfs
from tests.fuzz.targets.events import Formats, Pages, PrintFmts
from tests.fuzz.targets.filters import Filters, Globs, Regexes
from tests.fuzz.targets.kernel_files import KernelFiles
from tests.fuzz.targets.kernel_text import KernelText
from tests.fuzz.targets.queries import Queries
from tests.fuzz.targets.recordings import Recordings, Recordings7
from tests.fuzz.targets.scripts import Scripts
from tests.fuzz.targets.texts import Texts

TARGETS: dict[str, type[Target]] = {
    one.name: one
    for one in (
        Recordings, Recordings7, Pages, Formats, PrintFmts, Btfs, Elfs, KernelText, Texts, KernelFiles,
        Scripts, Filters, Globs, Regexes, Queries,
    )
}  # fmt: skip
