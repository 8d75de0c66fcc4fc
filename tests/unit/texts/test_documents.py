"""Traces in documents."""

import base64
import gzip
import json
import zlib

import pytest

from ktrace.errors import UsageError
from tests.unit.texts.reading import rows

LINES = (
    b"# tracer: nop\n#\n"
    b"           <...>-3100  [000] ...1 10961.350323: tracing_mark_write: B|3100|x\n"
    b"           <...>-3100  [000] ...1 10961.350324: tracing_mark_write: E|3100\n"
)
WANT = [{"body": "B|3100|x"}, {"body": "E|3100"}]
TASKS = b"USER PID PPID NAME\nroot 1 0 init\n[000]\n"


def page(*parts):
    scripts = [
        b'  <script class="trace-data" type="application/text">\n' + one + b"  </script>\n" for one in parts
    ]
    return b"<!DOCTYPE html>\n<html><body>\n" + b"".join(scripts) + b"</body></html>\n"


def packed(data):
    return base64.b64encode(gzip.compress(data))


CHROME = json.dumps({"traceEvents": [], "systemTraceEvents": LINES.decode()}).encode()
OLD = b'<html><script>var linuxPerfData = "\\\n%b\\n";</script></html>'
VIEWER = b'<html><script id="viewer-data" type="application/json">%b</script></html>'


@pytest.mark.parametrize(
    "document",
    [
        page(LINES), page(LINES, TASKS), page(TASKS, LINES), page(packed(LINES)),
        page(base64.b64encode(zlib.compress(LINES))),
        VIEWER % packed(CHROME), VIEWER % CHROME, CHROME,
        b"<!-- saved -->\n" + page(LINES), b'<?xml version="1.0"?>\n' + page(LINES),
        b"\xef\xbb\xbf" + page(LINES),
        OLD % LINES.replace(b"\n", b"\\n\\\n"),
        b"<html><pre>" + LINES.replace(b"<", b"&lt;") + b"</pre></html>",
        b"TRACE:\n" + zlib.compress(LINES), b"capturing trace... done\nTRACE:\r\n" + zlib.compress(LINES),
    ],
)  # fmt: skip
def test_lines_of_a_document(document):
    for cuts in ((), (3, 60)):
        found, reader = rows(document, cuts=cuts)
        assert [row["fields"] for row in found] == WANT
        assert reader.unparsed == 0


def test_several_traces():
    found, _ = rows(page(LINES, TASKS, LINES))
    assert [row["fields"] for row in found] == WANT * 2


@pytest.mark.parametrize(
    "document",
    [
        page(packed(b"nothing")), page(base64.b64encode(b"\x1f\x8bnot gzip at all")), page(TASKS),
        json.dumps([{"ph": "X", "ts": 1}]).encode(), VIEWER % packed(b'{"traceEvents":[]}'),
        b'{"type":"event"}\n{"type":"event"}\n', b"TRACE:\n\x78\x9cdamaged",
    ],
)  # fmt: skip
def test_documents_without_lines_are_refused(document):
    with pytest.raises(UsageError):
        rows(document)
