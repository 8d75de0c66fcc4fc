"""SQL over recordings: each event is a table, its fields are columns; `events` has all records.

Polars plans the query and requests what it needs: only those events, and only those fields of them, are
decoded. Memory use does not grow with the file unless the result does.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ktrace.errors import UsageError
from ktrace.model.batch import Batch, Chunk, to_frame
from ktrace.model.column import Column, Strings
from ktrace.model.format import MESSAGE, Field, Format
from ktrace.model.frame import column_name, require_polars, series
from ktrace.model.meaning import Meaning, Names
from ktrace.output.rendering.stream_order import order_of
from ktrace.output.rendering.text_columns import text_columns, text_name
from ktrace.ringbuffer.columns import EventReader
from ktrace.storage.input import Watch
from ktrace.stream.confined import check_plan, check_query
from ktrace.stream.inputs import Source
from ktrace.stream.recording import HEADS, PIECE, HeadColumns
from ktrace.stream.saved_values import values_of
from ktrace.stream.sql_errors import explained
from ktrace.stream.workers import Ahead

if TYPE_CHECKING:
    import polars as pl

ALL = "events"
"""The table of all records."""

_OPERATOR = re.compile(
    r"[-+*/%<>=!&|^~]+|\b(?:and|x?or|not|i?like|is|between|case|select|join|union|intersect|except)\b", re.I
)
_MOST_OPERATORS = 256
_MOST_SEARCHED = 200  # tables that are searched for a missing column

Schema: TypeAlias = "dict[str, pl.DataType]"


@dataclass(slots=True)
class HeadsAhead:
    """The columns that all records have, made in pieces by other processes.

    Attributes:
        columns: their names.
        made: the output of each process.
    """

    columns: frozenset[str]
    made: list[Ahead[HeadColumns]] = field(default_factory=list)
    _is_taken: bool = False

    def take(self, names: Collection[str]) -> Iterator[HeadColumns] | None:
        """Return all pieces if they have these columns; works only once."""
        if self._is_taken or not names or not self.columns.issuperset(names):
            return None
        self._is_taken = True
        return _in_turn(self.made)

    def close(self) -> None:
        """End the processes."""
        for made in self.made:
            made.close()


def _in_turn(makers: Iterable[Iterable[HeadColumns]]) -> Iterator[HeadColumns]:
    """Yield one piece from each in turn, so that none has to wait until another is done."""
    going = list(map(iter, makers))
    while going:
        for one in list(going):
            try:
                yield next(one)
            except StopIteration:
                going.remove(one)


def run_query(
    recording: Source,
    query: str,
    ahead: HeadsAhead | None = None,
    *,
    confined: bool = True,
    watch: Watch = lambda _: None,
) -> "pl.LazyFrame":
    """Return the result of a query, to be collected.

    Args:
        recording: must stay open until the result is collected. Its `since` and `until` apply to all tables.
        confined: refuse a query that reads anything but the recording's tables.
        ahead: what `heads_ahead` returned for this query.
        watch: is told from time to time how many bytes have been read.

    Raises:
        UsageError: the query has an error; the message lists what is available.
        Unavailable: Polars is not installed.
    """
    require_polars("sql")
    import polars as pl  # noqa: PLC0415 -- an extra, and slow to load

    _check_text(query)
    tables = {table.name: table for table in _tables(recording)}
    tables[ALL] = _Table(ALL, tuple(recording.formats()))
    if confined:
        check_query(query, tables)
    ordered = _needs_order(query)
    named = {name: table for name, table in tables.items() if re.search(rf"\b{re.escape(name)}\b", query)}
    context = pl.SQLContext(
        {
            name: table.scan(recording, ordered=ordered, ahead=ahead, watch=watch)
            for name, table in named.items()
        }
    )
    try:
        answer = context.execute(query, eager=False)
        if confined:
            check_plan(answer, query)
        answer.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise explained(
            str(error),
            query,
            tables,
            {name: partial(_columns, table) for name, table in named.items()},
            {name: partial(_columns, tables[name]) for name in list(tables)[:_MOST_SEARCHED]},
        ) from None
    return answer


def _columns(table: "_Table") -> Collection[str]:
    return table.schema


def heads_ahead(recording: Source, query: str, processes: int) -> "HeadsAhead | None":
    """Start reading the columns that all records share in other processes while Polars loads.

    Close the result when the query is done. Each process reads some of the CPUs.

    Returns:
        None if the query needs other columns too.
    """
    words = frozenset(re.findall(r"\w+", query))
    is_part = recording.since is not None or recording.until is not None
    own = [name for name in HEADS if name in words or (is_part and name == "ts")]
    if ALL not in words or words & set(recording.fields()) or not own or _needs_order(query):
        return None

    def make(share: int, of: int) -> Iterator[HeadColumns]:
        yield from recording.heads(own, share, of) or ()

    if recording.heads(own) is None:
        return None
    ahead = HeadsAhead(frozenset(own))
    try:
        for share in range(processes):
            ahead.made.append(Ahead(partial(make, share, processes)))
    except BaseException:
        ahead.close()
        raise
    return ahead


def answers(answer: "pl.LazyFrame") -> "Iterator[pl.DataFrame]":
    """Yield the result's rows in several frames.

    Raises:
        UsageError: the query cannot be executed.
        Damaged: the recording cannot be read.
    """
    import polars as pl  # noqa: PLC0415 -- as above

    try:
        yield from answer.collect_batches(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"SQL: {_first_line(error)}") from None


@dataclass(frozen=True, slots=True)
class _Table:
    """One event, or all of them.

    Attributes:
        forms: the formats whose records are the rows.
        values: how the values of fields read: the columns `NAME_text`.
    """

    name: str
    forms: tuple[Format, ...]
    values: Mapping[str, Names] = field(default_factory=dict)

    @property
    def schema(self) -> "Schema":
        """Return the columns."""
        import polars as pl  # noqa: PLC0415 -- as above

        text, number = pl.String(), pl.Int32()
        own: Schema = dict(zip(HEADS, (pl.Int64(), number, number, text, text, text), strict=True))
        if self.name == ALL:
            return own
        (form,) = self.forms
        if form.is_probe:
            places = ("func", "ret_ip") if form.is_return else ("ip",)
            own |= {name: pl.String() for name in places}
        return own | _fields(form, self.values)

    def scan(
        self, recording: Source, *, ordered: bool, ahead: HeadsAhead | None, watch: Watch
    ) -> "pl.LazyFrame":
        """Return the table, which is read on demand."""
        from polars.io.plugins import register_io_source  # noqa: PLC0415 -- as above

        schema = self.schema

        def read(
            columns: list[str] | None, predicate: "pl.Expr | None", rows: int | None, _: int | None
        ) -> "Iterator[pl.DataFrame]":
            names = list(schema) if columns is None else columns
            window = _window(recording)
            if window is not None:
                predicate = window if predicate is None else window & predicate
            needed = {*names, *(predicate.meta.root_names() if predicate is not None else ())}
            types = {name: dtype for name, dtype in schema.items() if name in needed}
            left = rows
            parts: Iterator[Iterable[pl.DataFrame]]
            heads = recording.heads(types) if self.name == ALL and not ordered else None
            if heads is not None:
                taken = ahead.take(types) if ahead is not None else None
                heads = heads if taken is None else _counted(taken, recording)
                parts = (_head_frames(made, types) for made in heads)
            else:
                chunks = recording.chunks(self._wanted(needed), ordered=ordered)
                parts = (_frames(chunk, types, self.values, ordered=ordered) for chunk in chunks)
            for frames in parts:
                watch(recording.done)
                for frame in frames:
                    some = frame if predicate is None else frame.filter(predicate)
                    some = some.select(names)
                    if left is not None:
                        some = some.head(left)
                        left -= some.height
                    yield some
                    if left == 0:
                        return

        return register_io_source(read, schema=dict(schema))

    def _wanted(self, columns: Collection[str]) -> Callable[[Format], Collection[str] | None]:
        mine = {(form.system, form.name) for form in self.forms}

        def wanted(form: Format) -> Collection[str] | None:
            if (form.system, form.name) not in mine:
                return None
            if self.name == ALL:
                return []
            if form.has_message and column_name(MESSAGE) in columns:
                return [f.name for f in form.args]  # the message is made from them
            texts = {name for name in self.values if text_name(column_name(name)) in columns}
            return [f.name for f in form.args if column_name(f.name) in columns or f.name in texts]

        return wanted


def _window(recording: Source) -> "pl.Expr | None":
    """Return the condition for records of the wanted time; None if all are wanted."""
    import polars as pl  # noqa: PLC0415 -- as above

    since, until, ts = recording.since, recording.until, pl.col("ts")
    after = None if since is None else ts >= since
    before = None if until is None else ts <= until
    return before if after is None else after if before is None else after & before


def _tables(recording: Source) -> list[_Table]:
    """Return each event by name; if several groups have the name, as GROUP_NAME."""
    forms = recording.formats()
    counts = Counter(form.name for form in forms)
    names = (f"{f.system}_{f.name}" if counts[f.name] > 1 or f.name == ALL else f.name for f in forms)
    values = values_of(recording)
    return [_Table(n, (form,), values.get(form.name, {})) for n, form in zip(names, forms, strict=True)]


def _fields(form: Format, values: Mapping[str, Names]) -> "Schema":
    """Return the columns of an event's fields, as `to_frame` makes them from batches."""
    import polars as pl  # noqa: PLC0415 -- as above

    reader = EventReader(form, "<")
    nothing = np.zeros(0, np.int64)
    columns = reader.columns(
        reader.rows(np.zeros(reader.size + 8, np.uint8), nothing, nothing.astype(np.int32))
    )
    types: Schema = {}
    for one in form.args:
        column = columns[one.name]
        is_text = one.is_text and not form.is_data(one)
        types[column_name(one.name)] = _type(one, column, is_text, is_symbol=one.name in reader.symbols)
        if meaning := values.get(one.name):
            whole = (
                isinstance(column, Strings)
                or column.ndim == 1
                or (isinstance(meaning, Meaning) and meaning.takes_all)
            )
            types[text_name(column_name(one.name))] = pl.String() if whole else pl.List(pl.String)
    if form.has_message:
        types[column_name(MESSAGE)] = pl.String()
    return types


def _type(one: Field, column: Column, is_text: bool, *, is_symbol: bool) -> "pl.DataType":
    import polars as pl  # noqa: PLC0415 -- as above

    if isinstance(column, Strings) or is_symbol:
        return pl.String()
    if column.dtype == object:
        return pl.List(pl.String if is_text else pl.Int64 if one.signed and not one.is_text else pl.UInt64)
    number = pl.UInt64() if column.dtype.kind == "u" else pl.Int64()
    return number if column.ndim == 1 else pl.Array(number, column.shape[1])


def _frames(
    chunk: Chunk, types: "Schema", values: Mapping[str, Names], *, ordered: bool
) -> "Iterable[pl.DataFrame]":
    import polars as pl  # noqa: PLC0415 -- as above

    batches = [_with_texts(batch, types, values) for batch in chunk.batches] if values else chunk.batches
    frames = [_complete(to_frame(batch, types), types).cast(pl.Schema(types)) for batch in batches]
    if ordered and len(frames) > 1:
        yield pl.concat(frames)[order_of(Chunk(chunk.batches))]
    else:
        yield from frames


def _with_texts(batch: Batch, types: "Schema", values: Mapping[str, Names]) -> Batch:
    """Return the batch with the wanted columns `NAME_text`."""
    wanted = {name: one for name, one in values.items() if text_name(column_name(name)) in types}
    if not wanted:
        return batch
    texts = {text_name(name): column for name, column in text_columns(batch, wanted).items()}
    return replace(batch, columns={**batch.columns, **texts})


def _complete(frame: "pl.DataFrame", types: "Schema") -> "pl.DataFrame":
    """Return the columns of a table; records that were text need not have all of them."""
    import polars as pl  # noqa: PLC0415 -- as above

    missing = [pl.lit(None).alias(name) for name in types if name not in frame.columns]
    return frame.with_columns(missing).select(list(types)) if missing else frame


def _counted(made: Iterator[HeadColumns], recording: Source) -> Iterator[HeadColumns]:
    """Yield what other processes make, and count about as many bytes as they have read."""
    for one in made:
        recording.done += PIECE
        yield one


def _head_frames(made: HeadColumns, types: "Schema") -> "Iterable[pl.DataFrame]":
    import polars as pl  # noqa: PLC0415 -- as above

    return [pl.DataFrame({name: series(made[name], 0) for name in types})]


_ORDER_FREE = re.compile(r"\bgroup\s+by\b|\b(count|sum|min|max|avg)\s*\(", re.IGNORECASE)
_ORDERED = re.compile(r"\b(first|last|array_agg|string_agg|over|limit)\b", re.IGNORECASE)


def _check_text(query: str) -> None:
    """Refuse a query that Polars cannot survive: too deeply nested expressions end the process."""
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise UsageError("SQL: the query is not UTF-8", excerpt=query, caret=error.start) from None
    count = sum(1 for _ in _OPERATOR.finditer(query))
    if count > _MOST_OPERATORS:
        raise UsageError(
            f"SQL: the query has {count} operators; up to {_MOST_OPERATORS} are taken", hint="x in (1, 2, 3)"
        )


def _needs_order(query: str) -> bool:
    """Return whether the result may depend on the order of the rows. Counts and sums do not."""
    return not _ORDER_FREE.search(query) or _ORDERED.search(query) is not None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
