"""Read a text of any kind: find out what it is, take off what is around its lines, and parse it."""

import codecs
from collections.abc import Iterable

from ktrace.errors import UsageError
from ktrace.model.batch import Chunk
from ktrace.model.format import Format
from ktrace.texts.cleaning import MARK_MAX, Cleaner, encoding_of, learn
from ktrace.texts.documents import is_document, lines_in
from ktrace.texts.fields import Fields
from ktrace.texts.foreign import advice_on, file_of
from ktrace.texts.kind import Kind
from ktrace.texts.kinds import FORMS, decoder_of, kind_of, recognise
from ktrace.texts.sections import Sections, first_part
from ktrace.texts.wrapping import last_begin

SAMPLE = 1 << 16
"""Bytes from which the kind is found."""

_NULS_LEAST = 1 << 12
"""Bytes of value 0 at the begin that are not part of a line."""

_NO_KIND = "no line is of a kind that ktrace knows; if you know it, name it: --format KIND"


class TextReader:
    """Parses a text in pieces, which may be cut anywhere.

    Args:
        kind: the kind of text; None to find out.
        formats: formats of events, to read the fields of those whose text is not known otherwise.

    Attributes:
        kind: the kind of text; None as long as it is not known.
        advice: what to do about a text of no kind; None if it is not known.
    """

    def __init__(self, kind: Kind | None = None, formats: Iterable[Format] = ()) -> None:
        self.kind = kind
        self._given = kind
        self._fields = Fields(formats)
        self._sample = b""
        self._first = b""  # fewer bytes than tell the encoding
        self._tail = b""
        self._cleaner = Cleaner()
        self._decoder: Sections | None = None
        self._encoding: codecs.IncrementalDecoder | None = None
        self._nuls = 0  # before the text
        self.advice: str | None = None
        self._started = self._is_document = self._has_only_cr = False

    @property
    def events(self) -> int:
        """Return the number of records returned in batches."""
        return self._decoder.events if self._decoder else 0

    @property
    def unparsed(self) -> int:
        """Return the number of lines returned as `Unparsed`."""
        return self._decoder.unparsed + self._fields.unparsed if self._decoder else 0

    @property
    def lost(self) -> int:
        """Return the number of records that the text says were lost."""
        return self._decoder.lost if self._decoder else 0

    @property
    def groups(self) -> dict[str, str]:
        """Return the group of each event that has one in the text."""
        return self._decoder.groups if self._decoder else {}

    @property
    def notes(self) -> list[str]:
        """Return remarks for the user: the kind of text, and what was taken off its lines."""
        if self._decoder is None:
            return []
        nuls = [f"{self._nuls} bytes of value 0 before the text are left out"] if self._nuls else []
        if self.events == 0 and self.kind is None:
            return nuls + ([self.advice or _NO_KIND] if self.unparsed else [])
        kind = f"the text is of {FORMS[self.kind or Kind.TRACE].title}"
        return ([kind] if self._given is None else []) + nuls + self._cleaner.notes() + self._decoder.remarks

    def feed(self, data: bytes) -> Chunk:
        """Take the next bytes; return everything that is complete.

        Raises:
            UsageError: they are not text, but a file of a known program.
        """
        data = self._as_bytes(data)
        if self._decoder is not None:
            return self._parse(data)
        self._sample += data
        self._skip_nuls()
        if not self._is_document and is_document(self._sample[:SAMPLE]):
            self._is_document = True
        if self._is_document or len(self._sample) < SAMPLE:
            return Chunk()
        return self._begin()

    def idle(self) -> Chunk:
        """Return also what only waits for a continuation: the source has nothing more at the moment."""
        if self._decoder is None:
            if self._is_document or not self._sample.endswith(b"\n") or not self._is_known():
                return Chunk()
            first = self._begin()
            return _joined(first, self._fields(self._started_decoder().idle()))
        return self._fields(self._decoder.idle())

    def finish(self) -> Chunk:
        """Return the rest.

        Raises:
            UsageError: a document of HTML or JSON has no lines of the kernel in it.
        """
        first = Chunk()
        self._sample += self._as_bytes(b"", last=True) if not self._started else b""
        self._skip_nuls()
        if self._decoder is None:
            if self._is_document or is_document(self._sample[:SAMPLE]):
                self._sample = lines_in(self._sample, recognise)
            first = self._begin()
        decoder = self._started_decoder()
        rest = self._fields(decoder.feed(self._cleaner(self._tail))) if self._tail else Chunk()
        self._tail = b""
        return _joined(_joined(first, rest), self._fields(decoder.finish()))

    def summary(self) -> str:
        """Return a summary of what was read so far."""
        decoder = self._decoder
        if decoder is None:
            return "0 events"
        parts = [f"{decoder.events} events"]
        if self.unparsed:
            parts.append(f"{self.unparsed} lines not understood")
        if decoder.lost:
            parts.append(f"{decoder.lost} events lost")
        if decoder.lost_unknown:
            parts.append(f"{decoder.lost_unknown} times an unknown number lost")
        if decoder.account is not None and decoder.account[1] > decoder.account[0]:
            in_buffer, written = decoder.account
            parts.append(f"{written - in_buffer} of {written} written are not in it")
        return ", ".join(parts)

    def _as_bytes(self, data: bytes, *, last: bool = False) -> bytes:
        """Return the text as the kernel would have it: one byte for each ASCII character."""
        if not self._started:
            data, self._first = self._first + data, b""
            if len(data) < MARK_MAX and not last:
                self._first = data
                return b""
            self._started = True
            name = encoding_of(data)
            self._encoding = codecs.getincrementaldecoder(name)("surrogateescape") if name else None
            file = file_of(data)
            if file is not None:
                raise UsageError(f"the input is not a text, but {file[0]}", hint=file[1])
            self._has_only_cr = data.count(b"\r") > 1 and data.count(b"\n") <= 1
        if self._encoding is not None:
            data = self._encoding.decode(data).encode("utf-8", "surrogateescape")
        return data.replace(b"\r", b"\n") if self._has_only_cr else data

    def _skip_nuls(self) -> None:
        """Skip what the disk of a machine that crashed may have before the text."""
        if self._decoder is None and self._sample.startswith(b"\0"):
            text = self._sample.lstrip(b"\0")
            nuls = len(self._sample) - len(text)
            if self._nuls or nuls >= _NULS_LEAST:
                self._nuls += nuls
                self._sample = text

    def _is_known(self) -> bool:
        sample = self._sample[:SAMPLE]
        return self._given is not None or kind_of(learn(sample, recognise)(sample)) is not None

    def _started_decoder(self) -> Sections:
        assert self._decoder is not None  # `_begin` made it
        return self._decoder

    def _begin(self) -> Chunk:
        sample = self._sample[: self._sample.rfind(b"\n", 0, SAMPLE) + 1] or self._sample[:SAMPLE]
        known = FORMS[self._given].is_line if self._given is not None else recognise
        self._cleaner = learn(sample, known)
        cleaned = first_part(self._cleaner(sample), recognise)
        if self._given is None:
            self.kind = kind_of(cleaned)
            self.advice = advice_on(cleaned) if self.kind is None else None
        is_copy = bool(self._cleaner.around or self._cleaner.inside or self._cleaner.width)
        self._decoder = Sections(
            self.kind or Kind.TRACE, decoder_of(self.kind or Kind.TRACE, cleaned, is_copy=is_copy)
        )
        self._fields.ends_calls = self.kind == Kind.TRACE_CMD
        self._fields.names_calls = self.kind != Kind.GRAPH
        data, self._sample = self._sample, b""
        return self._parse(data)

    def _parse(self, data: bytes) -> Chunk:
        decoder = self._started_decoder()
        if not self._cleaner.is_needed:
            return self._fields(decoder.feed(data))
        # A prefix is known when its line is whole, a wrapped line when the next one is.
        whole = self._tail + data
        cut = whole.rfind(b"\n") + 1
        if self._cleaner.width:
            cut = last_begin(whole[:cut])
        self._tail = whole[cut:]
        return self._fields(decoder.feed(self._cleaner(whole[:cut]))) if cut else Chunk()


def _joined(one: Chunk, other: Chunk) -> Chunk:
    return Chunk(one.batches + other.batches, one.marks + other.marks)
