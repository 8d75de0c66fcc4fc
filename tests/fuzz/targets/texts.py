"""Texts of every kind, and what mails and logs put around their lines."""

from ktrace.errors import UsageError
from ktrace.model.batch import Chunk
from ktrace.texts.kind import Kind
from ktrace.texts.reader import TextReader
from tests.fuzz.mutate import Material
from tests.fuzz.target import Target

TRACE = (
    b"            bash-3125    [000] d..3. 10961.350323: kp: (vfs_read+0x4/0x370) a=1\n"
    b"     kworker/0:1-12      [001] d..3. 10961.350324: sched_switch: prev_comm=a prev_pid=1 prev_prio=120 "
    b"prev_state=R ==> next_comm=b next_pid=2 next_prio=120\n"
    b"sh-7 ( 3100) [001] 10961.350325: sys_openat(dfd: ffffff9c, filename: 7f00, flags: 0)\n"
)
SEEDS = {
    Kind.TRACE: TRACE,
    Kind.LATENCY: b"     cat-1234    3d..2.   12us : kp: (f+0x0/0x10) a=1\n"
    b"            bash     173   0 0 00000001 00000002 [082837ed] 538.483ms (+7.674ms): sys_read(int fd: 3)\n",
    Kind.GRAPH: b"# tracer: function_graph\n#\n  177.836411 |   0)    cat-144     |  ...1. |      |  f(a=1) {\n"
    b" 0)   0.500 us    |    g(); /* = 0x0 */\n 0)    <idle>-0    =>   kworker-9   \n 0) ! 100.200 us  |  } /* f */\n"
    b" 0)               |  /* sched_waking: comm=a pid=1 prio=120 target_cpu=001 */\n",
    Kind.TRACE_CMD: b"cpus=2\n          vmstat-1178  [000] 10000.021204: (+12)    irq_handler_entry:    irq=26 name=x\n"
    b"             cat-247   [000]   149.272220: funcgraph_entry:      + 15.022 us  |    mutex_unlock();\n"
    b"              sh-280   [000]   210.914765: kernel_stack:         <stack trace >\n=> f (ffffffff8509a7fc)\n",
    Kind.PERF_SCRIPT: b"my prog   287/287 [000]   245.129403:     250000 cpu-clock:pppH: \n"
    b"        ffffffff8509a7fc __schedule+0x5bc ([kernel.kallsyms])\n\n"
    b"perf   287 [000] 245.1294: probe:vfs_read: (ffffffff8129ab10) count=0x10\n",
    Kind.MMIOTRACE: b"VERSION 20070824\nR 4 5.000200 1 0xfd000010 0x4a0200a1 0xffffffffa0123460 0\nMARK 5.1 x\n",
    Kind.BLK: b"  8,0    3   111.222333000  1234  A  WS 500 + 8 <- (8,17) 300\n8,0 3 1.000001000 7 C R (12 ..) [0]\n",
    Kind.PERF_TRACE: b"  1255.802 (13.773 ms): cat/333 openat(dfd: CWD, filename: \"/etc\", a: {b: 1}) = -1 ENOENT (No)\n"
    b"         ? (         ): sh/337  ... [continued]: execve()) = 0\n"
    b"    15.916 sh/357 sched:sched_switch(prev_comm: \"sh\", prev_pid: 357 (sh))\n",
}  # fmt: skip
BEFORE = (b"> ", b"Nov 30 09:15:45 host kernel: [   12.345678] ", b"tracer-1  | ", b"a.dat:  ", b"12:")
HTML = (
    b'<html><script class="trace-data" type="application/text">\n# tracer: nop\n#\n'
    + TRACE
    + b"</script></html>"
)
LONG = b"x" + b" " * 65536 + b"x\n" + TRACE  # blanks that end no line
HEADERS = b"# tracer: nop\n#\nx\n" * 2000  # parts in which nothing is known
JSON = b'{"systemTraceEvents": "# tracer: nop\\n#\\n bash-1 [000] 1.000001: a: b\\n"}'
NO_PID = b"my prog [003] 12.5678: 1 cycles: \n\tffffffff81055555 f+0x5 ([kernel.kallsyms])\n\n\t7f1234567890 g (/x)\n"

_EACH_KIND = 65536  # bytes that are parsed as every kind, too; all are as what they are found to be


class Texts(Target):
    """Parsed as what they are found to be, in two pieces, and as each kind."""

    name = "texts"
    allowed = (UsageError,)

    def material(self) -> Material:
        """Build a text of each kind, and of each thing around its lines."""
        dressed = [b"".join(before + line for line in TRACE.splitlines(True)) for before in BEFORE]
        seeds = [
            *SEEDS.values(),
            LONG,
            HEADERS,
            NO_PID,
            *dressed,
            HTML,
            JSON,
            TRACE.replace(b"\n", b"\r\n"),
            TRACE.decode().encode("utf-16"),
        ]
        words = (
            *(b" ", b"\n", b"\r\n", b"-", b"(", b")", b"{", b"}", b",", b'"', b": ", b"=", b" ==> ", b"|", b"/*", b"*/"),
            *(b"> ", b"<", b">", b"</script>", b"[000]", b"1", b"0x", b"\xff", b"\0", b"\x1b[0m", b"...", b" us    |"),
            *(b" " * 300, b"9" * 300, b"((((" * 99, b"prev_pid=" * 99, b" (" * 99, b"/* " * 99, b") <-" * 99, b"\\" * 99),
        )  # fmt: skip
        return Material(seeds, words)

    def run(self, data: bytes) -> None:
        """Parse the text; only a document without lines is an error."""
        for kind in (None, *Kind):
            if kind:
                data = data[:_EACH_KIND]
            half = len(data) // 2
            reader = TextReader(kind)
            for chunk in (reader.feed(data[:half]), reader.idle(), reader.feed(data[half:]), reader.finish()):
                assert isinstance(chunk, Chunk)
            assert reader.summary()
