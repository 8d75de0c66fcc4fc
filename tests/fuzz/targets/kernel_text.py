"""The kernel's own text of events: `trace_pipe`, and files that hold it."""

from ktrace.model.batch import Chunk
from ktrace.tracefs.pipe_text import TextParser
from tests.fuzz.mutate import Material
from tests.fuzz.target import Target
from tests.unit.tracefs.textlines import SITE, line, probe, reading, signature

SIGNATURES = {
    **signature("s:str", "n:dec", "h:hex"),
    **signature("r:dec", "t:str", event="rp", is_return=True),
    **signature("c:char", "y:sym", "v:dec:2", event="odd"),
}


class KernelText(Target):
    """Parsed whole and in pieces, fast and slowly."""

    name = "text"
    allowed = ()

    def material(self) -> Material:
        """Build lines of each kind."""
        lines = (
            probe(b' s="a b" n=-3 h=0x1f'),
            probe(b' s="x" n=" n=1 h=0x2', comm=b"a:b: [001]"),
            probe(b" r=1 t=(fault)", event=b"rp"),
            probe(b" c='x' y=vfs_read+0x1/0x2 v={1,-2}", event=b"odd"),
            line(b"sched_switch: prev_comm=a prev_pid=1 ==> next_comm=b", tgid=b"12"),
            line(b"<stack trace>") + b" => f\n => g\n",
            line(b"tracing_mark_write: hello", flags=b"d..1."),
            line(b"f <-g", flags=None),
            line(b"new: " + SITE + b' a=1 b="x" c={1,2}'),
            b"CPU:1 [LOST 5 EVENTS]\n",
            b"# tracer: nop\n#\n# entries-in-buffer/entries-written: 1/2   #P:2\n#\n",
        )
        seeds = [b"".join(lines), b"".join(reversed(lines)), lines[0] * 50, lines[8] * 70, *lines]
        words = (
            *(b'"', b"\n", b" ", b' n=', b"=", b"(fault)", b"0x1", b"\xff", b"\x1b[2J", b' h=0x', b"[LOST 5 EVENTS]", b"CPU:"),
            *(b" => f\n", b"# ", b"-", b"[001]", b"\0", b"{", b"}", b",", b": ", b"(", b")", b" <- ", b"+0x0/0x1", b"99999.000001:"),
            *(b"-" * 300, b" " * 300, b"1" * 300, b"\\", b"kp: ", b"rp: ", b"bash-12"),
        )  # fmt: skip
        return Material(seeds, words)

    def run(self, data: bytes) -> None:
        """Parse the text; nothing of it is an error."""
        for how in ("fast", "slow"):
            with reading(how):
                parser = TextParser(SIGNATURES)
                half = len(data) // 2
                for chunk in (
                    parser.feed(data[:half]),
                    parser.idle(),
                    parser.feed(data[half:]),
                    parser.finish(),
                ):
                    assert isinstance(chunk, Chunk)
