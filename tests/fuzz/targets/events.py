"""Events: their format files, print fmts, and pages of the ring buffer."""

import io
import struct
from functools import partial

from ktrace.errors import UsageError
from ktrace.model.format import Format, parse_format
from ktrace.output.formats.jsonl import JsonLines
from ktrace.output.formats.text import Text
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout, parse_header_page
from ktrace.stream.enrich import Enrich
from ktrace.stream.saved_names import SavedNames
from ktrace.stream.symbol_table import SymbolTable
from tests.fuzz.mutate import Material
from tests.fuzz.target import Target
from tests.unit.ringbuffer.page_writer import PageWriter, common
from tests.unit.stream import recorded
from tests.unit.tracedat.build import HEADER_PAGE

COMMON = recorded.COMMON
MAC = "ff:00:11"


def _format(name: str, ident: int, fields: str, print_fmt: str) -> str:
    """Spell a format; each field as `DECLARATION OFFSET SIZE SIGNED`, separated by `;`."""
    lines = []
    for one in filter(None, (part.strip() for part in fields.split(";"))):
        declaration, offset, size, signed = one.rsplit(" ", 3)
        lines.append(f"\tfield:{declaration};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n")
    return f"name: {name}\nID: {ident}\nformat:\n{COMMON}{''.join(lines)}\nprint fmt: {print_fmt}\n"


EVENTS: tuple[tuple[str, str], ...] = (
    ("probes", recorded.HIT),
    ("sched", recorded.WAKE),
    ("ftrace", _format("print", 5, "unsigned long ip 8 8 0; char buf[] 16 0 0", '"%ps: %s", (void *)REC->ip, REC->buf')),
    ("ftrace", _format("kernel_stack", 4, "int size 8 4 1; unsigned long caller[] 16 64 0",
                       '"\\t=> %ps\\n\\t=> %ps\\n", (void *)REC->caller[0], (void *)REC->caller[1]')),
    ("ftrace", _format("user_stack", 12, "unsigned int tgid 8 4 0; unsigned long caller[8] 16 64 0",
                       '"\\t=> (%08lx)\\n", REC->caller[0]')),
    ("ftrace", _format("function", 1, "unsigned long ip 8 8 0; unsigned long parent_ip 16 8 0",
                       '" %ps <-- %ps", (void *)REC->ip, (void *)REC->parent_ip')),
    ("ftrace", _format("funcgraph_exit", 10,
                       "unsigned long func 8 8 0; int depth 16 4 1; unsigned int overrun 20 4 0;"
                       "unsigned long long calltime 24 8 0; unsigned long long rettime 32 8 0",
                       '"<-- %ps (%d) (start: %llx  end: %llx)", (void *)REC->func, REC->depth, REC->calltime, REC->rettime')),
    ("ftrace", _format("bprint", 6, "unsigned long ip 8 8 0; const char * fmt 16 8 0; u32 buf[] 24 0 0",
                       '"%ps: %s", (void *)REC->ip, REC->fmt')),
    ("kprobes", _format("kp", 1500,
                        "unsigned long __probe_ip 8 8 0; u64 fd 16 8 0; u32 cnt 24 4 0; __data_loc char[] path 28 4 1;"
                        "u64 where 32 8 0; char c 40 1 0; u8 v[3] 41 3 0; __data_loc char[][2] two 44 8 1",
                        '"(%lx) fd=0x%Lx cnt=%u path=\\"%s\\" where=%pS c=\'%c\' v={%u,%u,%u}", REC->__probe_ip, REC->fd,'
                        ' REC->cnt, __get_str(path), (void *)REC->where, REC->c, REC->v[0], REC->v[1], REC->v[2]')),
    ("kprobes", _format("rp", 1501, "unsigned long __probe_func 8 8 0; unsigned long __probe_ret_ip 16 8 0; s64 ret 24 8 1",
                        '"(%lx <- %lx) ret=%Ld", REC->__probe_func, REC->__probe_ret_ip, REC->ret')),
    ("syscalls", _format("sys_enter_openat", 600,
                         "int __syscall_nr 8 4 1; int dfd 16 8 0; const char * filename 24 8 0; int flags 32 8 0; umode_t mode 40 8 0",
                         '"dfd: 0x%08lx, filename: 0x%08lx, flags: 0x%08lx, mode: 0x%08lx", ((unsigned long)(REC->dfd)),'
                         ' ((unsigned long)(REC->filename)), ((unsigned long)(REC->flags)), ((unsigned long)(REC->mode))')),
    ("syscalls", _format("sys_exit_openat", 601, "int __syscall_nr 8 4 1; long ret 16 8 1", '"0x%lx", REC->ret')),
    ("synthetic", _format("lat", 602, "__data_loc char[] name 8 8 1; u64 us 16 8 0", '"name=%.*s us=%llu", 31, REC->name, REC->us')),
    ("net", _format("net_x", 603,
                    "__data_loc char[] name 8 4 0; __rel_loc u8[] data 12 4 0; u8 mac[6] 16 6 0; u32 len 24 4 0; u16 port 28 2 0; bool ok 30 1 0",
                    '"dev=%s data=%s mac=%pM len=%u%s port=0x%04x %*phC %.*s", __get_str(name),'
                    ' __print_hex(__get_rel_dynamic_array(data), __get_rel_dynamic_array_len(data)), REC->mac, REC->len,'
                    ' REC->ok ? " ok" : "", __builtin_bswap16(REC->port), 6, REC->mac, (int)REC->len, __get_str(name)')),
    ("irq", _format("flags_x", 604, "unsigned long state 8 8 0; unsigned int vec 16 4 0; __data_loc unsigned long[] mask 20 4 0; u64 t 24 8 0",
                    '"state=%s%s vec=%u [action=%s] mask=%s t=%llu.%03u", REC->state & ((1 << 8) - 1) ?'
                    ' __print_flags(REC->state & ((1 << 8) - 1), "|", { 0x1, "S" }, { 0x2, "D" }, { 1UL << 7, "I" }) : "R",'
                    ' REC->state & (1 << 8) ? "+" : "", REC->vec, __print_symbolic(REC->vec, { 0, "HI" }, { 1, "TIMER" }),'
                    ' __get_bitmask(mask), REC->t / 1000, (unsigned int)(REC->t % 1000)')),
    ("xfs", _format("array_x", 605, "u32 a[4] 8 16 0; dev_t dev 24 4 0; const char * s 32 8 0; s8 n 40 1 1; __u8 ip6[16] 41 16 0",
                    '"dev %d:%d a=%s %pI6c s=%s n=%-5hhd|%+08.3lx|%%", ((unsigned int) ((REC->dev) >> 20)),'
                    ' ((unsigned int) ((REC->dev) & ((1U << 20) - 1))), __print_array(REC->a, 4, 4), REC->ip6, REC->s, REC->n,'
                    ' ({ int x = REC->n; (x) < (3) ? (x) : (3); })')),
)  # fmt: skip

BODIES = (
    b"",
    struct.pack("<QQ", 0xFFFFFFFF81000104, 3),
    struct.pack("<QQIIQB3BII", 0xFFFFFFFF81000104, 7, 8, 6 << 16 | 56, 1 << 63, 65, 1, 2, 3, 0, 0)
    + b"/etc/x\0",
    bytes(range(200)),
    b"\xff" * 64,
    struct.pack("<II", 4 << 16 | 60, 8 << 16 | 20) + bytes(100),
)
"""Fields after the common ones: fitting some events, and too short or too long for others."""


def pages_of_events() -> dict[int, list[bytes]]:
    """Return pages of two CPUs with records of each event."""
    pages: dict[int, list[bytes]] = {}
    idents = [parse_format(text).id for _, text in EVENTS]
    for cpu in (0, 1):
        writer = PageWriter(ts=1000 + cpu)
        for number, ident in enumerate(idents):
            body = BODIES[(number + cpu) % len(BODIES)]
            writer.record(common(ident, 7 + cpu) + body, 500 + number)
        writer.extend(1 << 30).discarded(bytes(12)).stamp(1 << 40)
        last = PageWriter(ts=(1 << 40) + 5)
        last.record(recorded.hit(1, 7), 3).record(recorded.wake(2, 8), 4).unused()
        pages[cpu] = [writer.bytes(), last.bytes(lost=3)]
    return pages


def read_pages(formats: list[Format], pages: bytes, layout: PageLayout) -> None:
    """Decode pages, enrich their records, and write them as text and as JSON Lines."""
    decoder = Decoder({form.id: form for form in formats}, layout)
    enrich = Enrich(SavedNames("7 seven\n"), partial(SymbolTable, b"ffffffff81000000 T _text\n"))
    out = io.BytesIO()
    for sink in (Text(out), JsonLines(out)):
        sink.write(enrich(decoder.decode(pages, 0)))
        sink.flush()
        sink.close()


def records_of(ident: int) -> bytes:
    """Return a page with records of one event."""
    writer = PageWriter(ts=1000)
    for body in BODIES:
        writer.record(common(ident & 0xFFFF) + body, 10)
    return writer.bytes()


class Formats(Target):
    """Format files, as a kernel or a recording has them, and records of the event."""

    name = "format"
    allowed = (UsageError,)

    def material(self) -> Material:
        """Build formats of every kind of event."""
        words = (
            *(
                "common_pid",
                "common_type",
                "common_flags",
                "__data_loc ",
                "__rel_loc ",
                "char[] ",
                "[8]",
                "[]",
            ),
            *(
                "\tfield:int x;\toffset:8;\tsize:4;\tsigned:1;\n",
                "unsigned long ",
                "u64 ",
                "struct x ",
                "size:0;",
            ),
            *(
                "size:7;",
                "size:4294967296;",
                "offset:65535;",
                "signed:1;",
                "signed:2;",
                "name: ",
                "ID: 70000\n",
            ),
            *(
                "print fmt: ",
                "\udcff",
                "__probe_ip",
                "__probe_func",
                "__probe_ret_ip",
                "const char * ",
                "bool ",
            ),
        )
        return Material(
            [f"{system}\n{text}".encode() for system, text in EVENTS],
            [word.encode("utf-8", "surrogateescape") for word in words],
        )

    def run(self, data: bytes) -> None:
        """Read the format, then records by it."""
        system, _, text = data.decode("utf-8", "surrogateescape").partition("\n")
        form = parse_format(text, system)
        form.signature()
        read_pages([form], records_of(form.id), PageLayout())


# The print fmts of these are not read: the kernel spells them in another way.
_SPELLED_OTHERWISE = ("ftrace", "probes", "kprobes", "syscalls")


_ODD_CALLS = (
    b'"%s %d", __print_flags(REC->vec), REC->t',
    b'"%d %s", REC->vec, __print_flags(REC->mask, "|", { 1, "x" })',
    b'"%s", __print_symbolic(REC->a, { 1, "x" })',
    b'"%s", __print_hex(REC->a, REC->a)',
    b'"%s %d", __print_array(REC->a, 4), REC->a[-1]',
    b'"%d", 08 + 1 + 1 + 1',
)


class PrintFmts(Formats):
    """Print fmts alone: the fields stay as they are."""

    name = "print_fmt"

    def material(self) -> Material:
        """Take the print fmts of all events; the words are C's and the kernel's."""
        words = (
            *("REC->", "REC->a[0]", "__get_str(", "__get_dynamic_array(", "__get_dynamic_array_len(", "__get_bitmask("),
            *("__print_flags(", "__print_symbolic(", "__print_hex(", "__print_array(", "__print_hex_str(", "{ 1, \"x\" }"),
            *("%lmu", "%*.*s", "%pS", "%pM", "%pI4", "%pISpc", "%*ph", "%99999999d", "%-#0+ x", "%.999999s", "%hhn"),
            *("sizeof(int)", "(u8)", "(unsigned long long)", "((", "))", "({ int x = 1; x; })", "? 1 : 2", "<<", ">>"),
            *("/ 0", "% 0", "-9223372036854775808", "1 << 4294967295", "1 << 64", "0xffffffffffffffffULL", "~", "!"),
            *('"', "\\", "\\\"", "\udcff", "'a'", ",", "__builtin_bswap16(", "__builtin_expect(", "(void *)", "->", "."),
            *("\"%s\", ", "\"%d %d\", ", "char", "NULL", "__print_ns_to_secs(", "field", "[", "]", "\0", "&", "*"),
        )  # fmt: skip
        return Material(
            [*(text.partition("print fmt: ")[2].encode() for _, text in EVENTS), *_ODD_CALLS],
            [word.encode("utf-8", "surrogateescape") for word in words],
        )

    def run(self, data: bytes) -> None:
        """Read records of the event whose fields it names the most, with this print fmt."""
        changed = data.decode("utf-8", "surrogateescape").replace("\n", " ")
        forms = (
            parse_format(text.partition("print fmt: ")[0] + f"print fmt: {changed}\n", system)
            for system, text in EVENTS
            if system not in _SPELLED_OTHERWISE
        )
        form = max(forms, key=lambda form: sum(field.name in changed for field in form.args))
        form.signature()
        read_pages([form], records_of(form.id), PageLayout())


class Pages(Target):
    """Pages of the ring buffer, as a running kernel gives them, and its header_page."""

    name = "page"
    allowed = (UsageError,)

    def material(self) -> Material:
        """Build pages with records of all kinds, each after the header_page that it is read by."""
        seeds = [
            HEADER_PAGE.encode() + b"\0" + page for pages in pages_of_events().values() for page in pages
        ]
        return Material(
            [*seeds, *(HEADER_PAGE.encode() + b"\0" + b"".join(pages_of_events()[0]) for _ in "12")]
        )

    def run(self, data: bytes) -> None:
        """Decode whole pages."""
        header, _, pages = data.partition(b"\0")
        layout = parse_header_page(header.decode("utf-8", "surrogateescape"))
        pages = pages[: len(pages) // layout.size * layout.size]
        read_pages([parse_format(text, system) for system, text in EVENTS], pages, layout)
