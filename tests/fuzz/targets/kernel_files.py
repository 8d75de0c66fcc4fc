"""Small files of the kernel, and definitions that a user saved, each by its reader."""

from collections.abc import Callable

from ktrace.aggregate.hist import Term
from ktrace.aggregate.hist_file import parse_hist
from ktrace.doctor.kconfig import parse_config
from ktrace.model.duration import parse_duration
from ktrace.model.place import parse_kernel_place
from ktrace.model.probe import Probe
from ktrace.model.tally import Range, Symbol, Syscall
from ktrace.ringbuffer.layout import parse_header_page
from ktrace.stream.filter_grammar import parse_filter
from ktrace.stream.printk_formats import PrintkFormats
from ktrace.stream.saved_names import SavedNames
from ktrace.stream.symbol_table import SymbolTable
from ktrace.symbols.kallsyms import Kallsyms
from ktrace.tracefs.error_log import parse_error_log
from ktrace.tracefs.kprobe_list import parse_kprobe_list
from ktrace.tracefs.mount import parse_mounts
from ktrace.tracefs.profiles import parse_profiles, parse_uprobe_profiles
from ktrace.tracefs.stats import parse_stats
from ktrace.tracefs.triggers import parse_trigger
from tests.fuzz.mutate import Material
from tests.fuzz.target import Target
from tests.unit.aggregate.hist_writer import write_hist
from tests.unit.tracedat.build import HEADER_PAGE

TABLE = b"ffffffff81000000 T _text\nffffffff81000100 t vfs_read\t[ext4]\n0 A x y\n"
CONFIG = 'CONFIG_KPROBES=y\n# CONFIG_X is not set\nCONFIG_V="a"\n'
KPROBES = "ffffffffa0c45484  k  vfs_read+0x4    [DISABLED][FTRACE]\nffffffffc0000004  r  f+0x4  ext4 [GONE]\n"
ERRORS = "[ 1234.567890] trace_kprobe: error: Invalid register name\n  Command: p:x/y f a=%z\n                     ^\n"
STATS = "entries: 3\noverrun: 4\nbytes: 5\nnow ts: 1.2\ndropped events: 0\nread events: 9\n"


def _hist() -> str:
    """A histogram with keys of every kind."""
    keys = [Term("id", "syscall"), Term("comm"), Term("n", "log2"), Term("ip", "sym-offset")]
    row = [Syscall(3, "sys_x"), "a b", Range(4, 8), Symbol(255, "f+0x1/0x2")]
    more = write_hist([Term("common_stacktrace")], [Term("hitcount")], [([("f+0x1/0x2", "g+0x3/0x4")], [3])])
    return (
        write_hist(keys, [Term("hitcount"), Term("n", "hex")], [(row, [1, 2]), (row, [3, 4])]) + "\n\n" + more
    )


def _symbols(text: str) -> None:
    table = Kallsyms(text.encode("utf-8", "surrogateescape"))
    assert isinstance(table.hidden, bool)
    table.find("vfs_read")
    table.variants("vfs_read")
    table.at(0xFFFFFFFF81000104)
    table.miss("vfs_raed")
    names = SymbolTable(text.encode("utf-8", "surrogateescape"))
    names.pointer(0xFFFFFFFF81000104, offset=True)


READERS: tuple[tuple[Callable[[str], object], str], ...] = (
    (parse_hist, _hist()),
    (parse_error_log, ERRORS),
    (parse_kprobe_list, KPROBES),
    (parse_mounts, "tracefs /sys/kernel/tracing tracefs rw,gid=5 0 0\nx /a\\040b ext4 ro 0 0\n"),
    (parse_profiles, "  kp                1    0\n"),
    (parse_uprobe_profiles, "  /bin/x up          1\n"),
    (lambda text: parse_stats(0, text), STATS),
    (lambda text: [parse_trigger(line) for line in text.split("\n")], "stacktrace:count=5 if a == 1\nsnapshot:unlimited\n"),
    (parse_config, CONFIG),
    (lambda text: PrintkFormats(lambda: text)(0xFFFFFFFF82000000), '0xffffffff82000000 : "hello %d\\n"\n'),
    (lambda text: SavedNames(text)([1, 7]), "1 init\n7 my prog\n"),
    (Probe.from_line, "r8:kprobes/rp vfs_read+0x4 ret=$retval:x64 a=+8(%di):string b=+0(+8($arg1)):u8[3]"),
    (Probe.from_line, "p:up/x /bin/a b:0x40(0x8) a=+0(%ax):ustring c=@0x5:b4@2/8"),
    (Probe.from_line, "e:ep/x sched/sched_switch a=$prev_pid:s32 if prev_pid > 4"),
    (parse_header_page, HEADER_PAGE),
    (_symbols, TABLE.decode()),
    (parse_filter, 'a == 1 && b ~ "*x*"'),
    (parse_duration, "1.5 ms"),
    (parse_kernel_place, "ext4:vfs_read+0x4"),
)  # fmt: skip


class KernelFiles(Target):
    """The first byte says which reader reads the rest."""

    name = "kernel_file"

    def material(self) -> Material:
        """Take a file of each kind."""
        words = (
            *("\n", " ", "\t", "[", "]", "(", ")", "0x", ":", "=", "+", "-", "#", "{", "}", ",", "~ 2^", "99999999999999999999"),
            *("\udcff", "\0", '"', "\\", "\\040", "\\999", "/", ".", "*", "$", "%", "@", " " * 5000, "a" * 5000, "=y", "_" * 999),
            *("b" * 50 + "@", "\u0661", "\u00b2", "9" * 5000, "\u2028", "\r", "\x85", "$arg1", "$retval", ":string", ":u8[64]", "+0("),
        )  # fmt: skip
        seeds = [bytes([65 + number]) + text.encode() for number, (_, text) in enumerate(READERS)]
        return Material(seeds, [word.encode("utf-8", "surrogateescape") for word in words])

    def run(self, data: bytes) -> None:
        """Read it."""
        if data:
            READERS[(data[0] - 65) % len(READERS)][0](data[1:].decode("utf-8", "surrogateescape"))
