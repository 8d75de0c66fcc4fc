"""Find the lines of a trace in a document: HTML of Android's and Chrome's systrace, JSON, `atrace -z`."""

import base64
import binascii
import html
import json
import re
import zlib
from collections.abc import Callable, Iterator

from ktrace.errors import UsageError

_WRAPPED = re.compile(
    rb"(?:\s{0,64}<!--[^>]{0,512}-->){0,8}\s{0,64}(?:<\?xml[^>]{0,256}\?>\s{0,64})?"
    rb"(?:<!doctype html|<html|\{\s{0,64}\"|\[\s{0,64}\{\s{0,64}\")",
    re.IGNORECASE,
)
_PACKED = re.compile(rb"(?:[^\n]{0,200}\n){0,4}?TRACE:\r?\n(?=\x78[\x01\x5e\x9c\xda])")
"""`atrace -z`: a stream of zlib after the line TRACE:."""

_SCRIPT = re.compile(
    rb"<script\b[^>]{0,200}\b(?:trace-data|viewer-data)\b[^>]{0,200}>|<pre\b[^>]{0,200}>"
    rb"|var linuxPerfData = \"",
    re.IGNORECASE,
)
_ENDS = {b"<s": b"</script>", b"<p": b"</pre>", b"va": b'";'}
_ESCAPE = re.compile(rb"\\(\n|.)", re.DOTALL)
_ESCAPES = {b"\n": b"", b"n": b"\n", b"t": b"\t"}
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]{16,}={0,2}\s{0,64}\Z")
_UNPACKED_MAX = 1 << 30  # bytes
_LOOK = 2000  # lines

Recognise = Callable[[bytes], bool]


def is_document(sample: bytes) -> bool:
    """Return whether the text is a document with lines in it, which must be read as a whole."""
    return (_WRAPPED.match(sample) or _PACKED.match(sample)) is not None


def lines_in(document: bytes, recognise: Recognise) -> bytes:
    """Return the lines in a document.

    Args:
        document: HTML, JSON, or the output of `atrace -z`.
        recognise: returns whether a line is one of a trace.

    Raises:
        UsageError: there are none.
    """
    packed = _PACKED.match(document)
    text = _unpacked(document[packed.end() :]) if packed else _lines(document, recognise)
    if not text.strip():
        raise UsageError(
            "no lines of the kernel in this document",
            hint="only systemTraceEvents are read of Chrome's JSON; https://ui.perfetto.dev opens the rest",
        )
    return text if text.endswith(b"\n") else text + b"\n"


def _lines(document: bytes, recognise: Recognise) -> bytes:
    if document.lstrip()[:1] in (b"{", b"["):
        return _of_json(document)
    # The list of processes, which systrace writes next to the trace, has no events.
    return b"\n".join(part for part in map(_plain, _parts(document)) if _has_lines(part, recognise))


def _parts(document: bytes) -> Iterator[bytes]:
    at = 0
    while match := _SCRIPT.search(document, at):
        kind = match[0][:2].lower()
        end = document.find(_ENDS[kind], match.end())
        end = len(document) if end < 0 else end
        part = document[match.end() : end]
        if kind == b"<p":
            part = html.unescape(part.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        elif kind == b"va":  # lines of a JavaScript string, each ending in `\n\`
            part = _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), part)
        # The blanks before the closing tag are its indentation.
        yield part.rstrip().lstrip(b"\r\n")
        at = end


def _plain(part: bytes) -> bytes:
    """Return a part that may be compressed, in base64 and in JSON."""
    if _BASE64.match(part):
        try:
            packed = base64.b64decode(part)
        except binascii.Error:
            return part
        if packed.startswith((b"\x1f\x8b", b"\x78")):
            part = _unpacked(packed)
    return _of_json(part) if _WRAPPED.match(part) and part.lstrip()[:1] in (b"{", b"[") else part


def _has_lines(part: bytes, recognise: Recognise) -> bool:
    lines = part.split(b"\n", _LOOK)[:_LOOK]
    return any(line.startswith(b"# tracer: ") or recognise(line) for line in lines)


def _unpacked(packed: bytes) -> bytes:
    """Return what a stream of gzip or zlib holds; what is left of one that was cut."""
    unpacker = zlib.decompressobj(wbits=47)  # either head
    try:
        found = unpacker.decompress(packed, _UNPACKED_MAX)
    except zlib.error as error:
        raise UsageError(f"cannot unpack the trace in this document: {error}") from None
    if unpacker.unconsumed_tail:
        raise UsageError(f"the trace in this document is larger than {_UNPACKED_MAX >> 20} MiB")
    return found


def _of_json(document: bytes) -> bytes:
    try:
        found = json.loads(document.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"neither a text nor JSON: {error}", hint="JSON Lines, as ktrace writes them, are for jq"
        ) from None
    text = found.get("systemTraceEvents", "") if isinstance(found, dict) else ""
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else b""
