"""The queries for feeds: which items a feed has to be judged for, in order, and what enters it next.

Each cell of a query is a walk along an index that begins where the cell's span begins. The walks are joined
by UNION ALL and merged in their order by the database, which so reads little more than the rows that it
returns. (With a limit in each walk it would read that many rows of each, and sort them.) The SQL is written
here: SQLAlchemy takes many times longer to make a statement of many walks than the database to run it;
every value is bound.
"""
# ruff: noqa: S608 (the statements are made of words of this module; every value is bound)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias, TypeVar

from sqlalchemy import BigInteger, String, TextClause, TextualSelect, bindparam, text
from typing_extensions import override

from syndicate.model.feeds import Cell, RecalledCell
from syndicate.model.item import Item, ItemId
from syndicate.store.feed_protocol import FeedReads
from syndicate.store.protocol import EntryQuery, FeedQuery, Place, RecallQuery
from syndicate.store.queries.sql_reads import SqlReads
from syndicate.store.requests import HoldState
from syndicate.store.schema.rows import outline_from
from syndicate.store.schema.tables import as_moment, as_number, items

T = TypeVar("T")
_OpenCell: TypeAlias = tuple[HoldState, Cell]
"""A cell with the state of the items in it: OPEN or PART."""

_MOST_WALKS: Final = 50
"""In one statement: to plan one of 200 takes PostgreSQL longer than to plan and run four of these."""
_COLUMNS: Final = ("id", "version", "outlet", "channel", "medium", "published", "holds", "standalone")
_ITEM: Final = ", ".join(_COLUMNS)
_ENDED: Final = ", ".join(
    "published + 0 AS published" if name == "published" else name for name in _COLUMNS
)
_EXEMPT: Final = ", ".join(
    {"id": "e.item AS id", "published": "e.published AS published"}.get(name, f"i.{name}")
    for name in _COLUMNS
)


_MICROSECOND: Final = timedelta(microseconds=1)


class SqlFeedReads(SqlReads, FeedReads):
    """`FeedReads` in SQL."""

    @override
    async def feed_outlines(
        self,
        query: FeedQuery,
        *,
        after: Place | None = None,
        limit: int = 50,
        oldest_first: bool = False,
    ) -> tuple[list[Item], bool]:
        found: dict[str, Item] = {}
        seen_to: list[tuple[datetime, str]] = []
        async with self._reading() as transaction:
            for statement in outline_statements(query, after, limit, oldest_first=oldest_first):
                outlines = [outline_from(row) for row in await transaction.rows(statement)]
                found.update((one.id, one) for one in outlines)
                if len(outlines) == limit:
                    seen_to.append(_place(outlines[-1]))
        # An item may be found as open and as exempt. Where a statement was cut short, more may follow its
        # last row, so nothing beyond it counts yet.
        ordered = sorted(found.values(), key=_place, reverse=not oldest_first)
        if not seen_to:
            return ordered, False
        if oldest_first:
            return [one for one in ordered if _place(one) <= min(seen_to)], True
        return [one for one in ordered if _place(one) >= max(seen_to)], True

    @override
    async def recalled_outlines(
        self, query: RecallQuery, *, after: tuple[datetime, ItemId] | None = None, limit: int = 50
    ) -> list[Item]:
        if not query.recalled:
            return []
        return [outline_from(row) for row in await self._rows(recall_statement(query, after, limit))]

    @override
    async def next_entry(self, query: EntryQuery) -> datetime | None:
        coming: list[int] = []
        async with self._reading() as transaction:
            for statement in entry_statements(query):
                row = await transaction.row(statement)
                coming += [] if row is None or row.first is None else [row.first]
        return as_moment(min(coming)) if coming else None


def _place(item: Item) -> tuple[datetime, str]:
    return item.published, item.id


def _chunks(walks: Sequence[T]) -> Iterator[Sequence[T]]:
    """The walks in as many statements as they need; one at least."""
    return (walks[start : start + _MOST_WALKS] for start in range(0, len(walks) or 1, _MOST_WALKS))


class _Values:
    """The values of one statement, each bound once: a statement of many walks has few different ones."""

    def __init__(self) -> None:
        self._names: dict[str | int, str] = {}

    def __call__(self, value: str | int | datetime) -> str:
        """Bind the value; the place for it in the text."""
        kept = as_number(value) if isinstance(value, datetime) else value
        return f":{self._names.setdefault(kept, f'v{len(self._names)}')}"

    def statement(self, sql: str) -> TextClause:
        """The text with its values."""
        return _parsed(sql).bindparams(
            *(
                bindparam(name, value, type_=String() if isinstance(value, str) else BigInteger())
                for value, name in self._names.items()
            )
        )


@lru_cache(maxsize=128)
def _parsed(sql: str) -> TextClause:
    """The text with its places found, which takes long in a statement of many walks."""
    return text(sql)


def outline_statements(
    query: FeedQuery, after: Place | None, limit: int, *, oldest_first: bool = False
) -> Iterator[TextualSelect]:
    """Make the statements for `FeedReads.feed_outlines`: outlines, up to `limit` of each statement."""
    start = _Start(after, oldest_first)
    walks: list[_OpenCell | RecalledCell] = [*_open_cells(query.cells), *query.recalled]
    order = f"ORDER BY {'published, id' if oldest_first else 'published DESC, id DESC'}"
    for number, several in enumerate(_chunks(walks)):
        values = _Values()
        # Each walk says its order too: PostgreSQL merges such walks, and reads and sorts others whole.
        selects = [
            f"SELECT * FROM (SELECT {_ITEM} FROM items "
            f"WHERE {' AND '.join(_conditions(walk, start, values))} {order}) AS walk"
            for walk in several
        ]
        if number == 0:
            others = _whatever_the_cell(query, start, values)
            selects += [f"SELECT * FROM ({other} {order}) AS walk" for other in others]
        statement = values.statement(f"{' UNION ALL '.join(selects)} {order} LIMIT {values(limit)}")
        yield statement.columns(*(items.c[name] for name in _COLUMNS))


def _open_cells(cells: Iterable[Cell]) -> Iterator[_OpenCell]:
    for cell in cells:
        yield HoldState.OPEN, cell
        if cell.parts:
            yield HoldState.PART, cell


@dataclass(frozen=True, slots=True)
class _Start:
    """After which place the walks begin (None: at their end), and whether they go to newer items."""

    place: Place | None
    oldest_first: bool

    def after(self, published: str, id: str, values: _Values) -> str:
        """The condition that a row lies behind the place."""
        place = self.place
        if place is None:
            return "TRUE"
        behind = ">" if self.oldest_first else "<"
        return f"({published}, {id}) {behind} ({values(place.published)}, {values(place.id)})"

    def within(self, cell: Cell, values: _Values) -> Iterator[str]:
        """The conditions of the cell's span.

        One bound where the walk begins, so that it begins there: of two, SQLite may take the wrong one.
        """
        first, last = (cell.since, cell.until) if self.oldest_first else (cell.until, cell.since)
        begins, ends = (">=", "<=") if self.oldest_first else ("<=", ">=")
        if last is not None:
            yield f"published {ends} {values(last)}"
        place = self.place
        if place is not None and (first is None or self._is_behind(place.published, first)):
            yield self.after("published", "id", values)
        elif first is not None:
            yield f"published {begins} {values(first)}"

    def _is_behind(self, one: datetime, other: datetime) -> bool:
        return one >= other if self.oldest_first else one <= other


def _conditions(walk: _OpenCell | RecalledCell, start: _Start, values: _Values) -> Iterator[str]:
    if isinstance(walk, RecalledCell):
        yield from _in_cell(HoldState.RECALLED, walk.cell, start, values)
        yield f"recalled_at >= {values(walk.since)}"
        if walk.delay:
            yield f"recalled_at >= published + {values(walk.delay // _MICROSECOND)}"
        if walk.but:
            yield f"NOT {_among('channel', walk.but, values)}"
    else:
        yield from _in_cell(*walk, start, values)


def _in_cell(state: HoldState, cell: Cell, start: _Start, values: _Values) -> Iterator[str]:
    yield _subject(state, cell, values)
    yield from start.within(cell, values)


def _subject(state: HoldState, cell: Cell, values: _Values) -> str:
    conditions = [
        f"state = '{state}'",
        f"outlet = {values(cell.outlet)}",
        f"medium = {values(cell.medium)}",
    ]
    conditions += [] if cell.channel is None else [f"channel = {values(cell.channel)}"]
    return " AND ".join(conditions)


def _whatever_the_cell(query: FeedQuery, start: _Start, values: _Values) -> Iterator[str]:
    """Items whose hold ended and that no act has opened since; and what the partner is exempt from."""
    # `+ 0`: found by the end of their hold, and not along an index of all items for the sake of the order.
    place = start.after("published + 0", "id", values)
    yield f"SELECT {_ENDED} FROM items WHERE held_until <= {values(query.now)} AND {place}"
    if query.partner is not None:
        place = start.after("e.published", "e.item", values)
        yield (
            f"SELECT {_EXEMPT} FROM hold_exemptions e JOIN items i ON i.id = e.item "
            f"WHERE e.partner = {values(query.partner)} AND {place}"
        )


def recall_statement(query: RecallQuery, after: tuple[datetime, str] | None, limit: int) -> TextualSelect:
    """Make the statement for `FeedReads.recalled_outlines`."""
    values = _Values()
    conditions = [
        f"recalled_at > {values(query.since)}",
        *_narrowed([one.cell for one in query.recalled], None, values),
        # `+ 0`: along the index of recalls, and not of all items by their publication.
        _Start(query.below, oldest_first=False).after("published + 0", "id", values),
    ]
    if after is not None:
        conditions.append(f"(recalled_at, id) < ({values(after[0])}, {values(after[1])})")
    sql = (
        f"SELECT {_ITEM} FROM items WHERE {' AND '.join(conditions)} "
        f"ORDER BY recalled_at DESC, id DESC LIMIT {values(limit)}"
    )
    return values.statement(sql).columns(*(items.c[name] for name in _COLUMNS))


def entry_statements(query: EntryQuery) -> Iterator[TextClause]:
    """Make the statements for `FeedReads.next_entry`: one row each, `first` in microseconds since 1970."""
    cells = [cell for _, cell in query.delayed]
    delays = sorted({delay for delay, _ in query.delayed if delay})
    edge = query.newer_than
    walks = [(state, delay, cell) for delay, one in query.delayed for state, cell in _open_cells((one,))]
    for number, several in enumerate(_chunks(walks)):
        values = _Values()
        firsts: list[str] = []
        for state, delay, cell in several:
            since = query.now - delay
            if edge is not None and edge.published > since:
                from_then = f"published >= {values(edge.published)}"
            else:
                from_then = f"published > {values(since)}"
            coming = f"{_subject(state, cell, values)} AND {from_then}"
            firsts.append(_first("published", coming, delay, values))
        if number == 0 and cells:
            narrowed = " AND ".join(_narrowed(cells, edge, values))
            held = f"held_until > {values(query.now)} AND {narrowed}"
            firsts.append(_first("held_until", held, timedelta(0), values))
            for delay in delays:
                # Items that came out after their publication: their delay counts from then.
                late = f"available > published AND available > {values(query.now - delay)}"
                late = f"{late} AND state IN ('{HoldState.OPEN}', '{HoldState.PART}') AND {narrowed}"
                firsts.append(_first("available", late, delay, values))
        if firsts:
            yield values.statement(f"SELECT MIN(at) AS first FROM ({' UNION ALL '.join(firsts)}) AS coming")


def _first(column: str, conditions: str, later: timedelta, values: _Values) -> str:
    """Select the least `column` under these conditions, and add `later` to it."""
    chosen = f"SELECT {column} AS at FROM items WHERE {conditions} ORDER BY {column} LIMIT 1"
    return f"SELECT at + {values(later // _MICROSECOND)} AS at FROM ({chosen}) AS chosen"


def _narrowed(cells: Sequence[Cell], edge: Place | None, values: _Values) -> Iterator[str]:
    """Conditions that every item of the cells meets, and few others."""
    channels = [cell.channel for cell in cells]
    yield _among("outlet", (cell.outlet for cell in cells), values)
    yield _among("medium", (cell.medium.value for cell in cells), values)
    if None not in channels:
        yield _among("channel", (one for one in channels if one is not None), values)
    if edge is not None:
        yield f"published >= {values(edge.published)}"


def _among(column: str, names: Iterable[str], values: _Values) -> str:
    return f"{column} IN ({', '.join(values(name) for name in sorted(set(names)))})"
