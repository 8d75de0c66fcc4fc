"""The shapes of all events in a stream of text, given or learned."""

from collections.abc import Mapping, Sequence

from ktrace.model.format import Signature
from ktrace.tracefs.text_grammar import STRICT_PLACE
from ktrace.tracefs.text_shape import Found, Shape, join, learn

Hit = tuple[Shape, Found]

_SHAPES_MAX = 64  # for one name: text with more is not worth learning from


class Shapes:
    """The possible shapes for each event name: probes of several groups may share a name."""

    def __init__(self, signatures: Mapping[str, Signature | Sequence[Signature]]) -> None:
        self._given: dict[str, list[Shape]] = {}
        for name, given in signatures.items():
            for signature in [given] if isinstance(given, Signature) else given:
                # It is better to learn an array of unknown length than to guess.
                if all(arg.length != 0 for arg in signature.args):
                    self._given.setdefault(name, []).append(Shape(signature))
        self._learned: dict[str, list[Shape]] = {}
        self._all = dict(self._given)

    def of(self, event: str) -> list[Shape]:
        """Return the given shapes first, then the learned ones, those with the fewest arguments first."""
        return self._all.get(event, [])

    def is_probe(self, event: str, text: bytes, pos: int, end: int) -> bool:
        """Return whether a body that begins with a parenthesis belongs to a probe event."""
        return event in self._given or STRICT_PLACE.match(text, pos, end) is not None

    def match(self, event: str, text: bytes, pos: int, end: int, *, first_end: int) -> Hit | None:
        """Parse the record in text[pos:end]; `first_end` is the end of its first line.

        If no known shape fits, a new one is learned from the text.
        """
        shapes = self.of(event)
        for shape in shapes:
            found = shape.quick(text, pos, end)
            if found:
                return shape, found
        for shape in shapes:
            found = shape.full(text, pos, end)
            if found:
                return shape, found
        for stop in (end, first_end) if first_end < end else (end,):
            signature = learn(event, text, pos, stop)
            if signature and not self._is_begin(signature):
                learned = self._add(signature)
                found = learned.full(text, pos, stop) if learned else None
                if learned and found:
                    return learned, found
        return None

    def match_open(self, event: str, text: bytes, pos: int, end: int, limit: int) -> Hit | None:
        """Parse a record that opens a string before `end` and closes it no later than `limit`."""
        if text.find(b'"', end, limit) < 0:
            return None
        for shape in self.of(event):
            if shape.opens_string(text, pos, end):
                found = shape.full(text, pos, limit, longest=False)
                if found:
                    return shape, found
        return None

    def is_open(self, event: str, text: bytes, pos: int, end: int) -> bool:
        """Return whether a record that cannot be parsed could be parsed if more text followed."""
        return any(shape.opens_string(text, pos, end) for shape in self.of(event))

    def sample(self, event: str, records: list[bytes]) -> None:
        """Learn from several bodies of one event: the fewest shapes and arguments that explain them.

        A string may contain what looks like an argument, but not in every record.
        """
        if self.of(event):
            return
        candidates: list[Signature] = []
        for text in records:
            new = learn(event, text, 0, len(text))
            if new is None or new in candidates:
                continue
            for i, old in enumerate(candidates):
                both = join(old, new)
                if both:
                    candidates[i] = both
                    break
            else:
                candidates.append(new)
        left = records
        for signature in sorted(candidates, key=lambda s: len(s.args)):
            shape = Shape(signature, strict=True)
            missed = [text for text in left if shape.full(text, 0, len(text)) is None]
            if len(missed) < len(left):
                self._add(signature)
            left = missed

    def _is_begin(self, signature: Signature) -> bool:
        """Return whether this looks like a given signature, cut short by a newline in a string."""
        count = len(signature.args)
        return any(
            count < len(shape.signature.args) and shape.signature.args[:count] == signature.args
            for shape in self._given.get(signature.event, ())
        )

    def _add(self, signature: Signature) -> Shape | None:
        event = signature.event
        learned = self._learned.setdefault(event, [])
        both = (join(old.signature, signature) for old in learned)
        at, joined = next(((i, sig) for i, sig in enumerate(both) if sig), (len(learned), None))
        if at >= _SHAPES_MAX:
            return None
        shape = Shape(joined or signature, strict=True)
        learned[at : at + 1] = [shape]
        learned.sort(key=lambda s: len(s.signature.args))
        self._all[event] = self._given.get(event, []) + learned
        return shape
