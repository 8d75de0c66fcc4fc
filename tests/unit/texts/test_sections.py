"""Texts of several parts."""

from ktrace.texts.kind import Kind
from tests.unit.texts.reading import rows

EVENTS = (
    b"# tracer: nop\n#\n"
    b"            bash-3125    [000] d..3. 10961.350323: kp: (vfs_read+0x0/0x10) a=1\n"
    b"            bash-3125    [000] d..3. 10961.350324: kp: (vfs_read+0x0/0x10) a=2\n"
)
CALLS = b"# tracer: function_graph\n#\n# CPU  DURATION\n 0)   0.668 us    |  irq_enter();\n"
KP = ["kp", "kp"]
GRAPH = ["funcgraph_entry", "funcgraph_exit"]


def names(text, cuts=()):
    found, reader = rows(text, cuts=cuts)
    assert reader.unparsed == 0
    return [row["event"] for row in found]


def test_calls_after_events_and_events_after_calls():
    assert names(EVENTS + CALLS + EVENTS) == KP + GRAPH + KP
    assert names(CALLS + EVENTS + EVENTS + CALLS) == GRAPH + KP + KP + GRAPH
    assert rows(CALLS + EVENTS)[1].kind == Kind.GRAPH


def test_pieces_do_not_matter():
    # What was seen of the text before the first 64 KiB tells the kind; the parts come after it.
    text = EVENTS + b"#" * (1 << 16) + b"\n" + CALLS + EVENTS
    begin = len(EVENTS) + (1 << 16)
    whole = rows(text)[0]
    for cut in range(begin, begin + len(CALLS) + 30):
        assert rows(text, cuts=(begin, cut))[0] == whole


def test_a_marker_that_looks_like_a_header():
    text = EVENTS.replace(b"kp: (vfs_read+0x0/0x10) a=1", b"tracing_mark_write: x\n# tracer: function_graph")
    assert names(text) == ["tracing_mark_write", "kp"]
