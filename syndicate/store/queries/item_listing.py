"""The queries for lists of items: all of them for staff, and those that an agreement could release.

Every query reads along an index, so that its cost does not grow with the archive. A query for several
outlets and media runs once for each pair, each with its own limit, and the short results are merged: one
query that skips the items of other outlets would cost more with each of them. The queries of feeds stand in
`feed_queries`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, asc, desc, false, literal, select, tuple_, union_all

from syndicate.model.item import Medium
from syndicate.store.protocol import Place, Selection
from syndicate.store.requests import HoldState
from syndicate.store.schema.tables import NAME, Instant, items, notes, versions

_MOST_WALKS: Final = 200
"""SQLite joins at most 500 selects; nobody's agreements come near."""
_STATES: Final = (HoldState.OPEN.value, HoldState.PART.value, HoldState.TIMED.value)
"""Of what only an act can open, an agreement releases nothing."""

_Condition = tuple[ColumnElement[bool], ...]


def listing(
    selection: Selection, after: Place | None, limit: int, oldest: bool = False, text: bool = True
) -> Select[Any]:
    """Make the query for `Store.items`: rows of `versions`, each with its item's holds.

    Without `text`, rows of `items`.
    """
    span = tuple(_span(selection, after, oldest))
    order = asc if oldest else desc
    newest = (order(items.c.published), order(items.c.id))
    walks = [
        select(items.c.id, items.c.version, items.c.published, items.c.holds)
        .where(*walk, *span)
        .order_by(*newest)
        .limit(limit)
        for walk in _walks(selection)
    ]
    if not walks and not text:
        return select(items).where(false())
    if not walks:
        return select(versions, literal("{}").label("holds")).where(false())
    if len(walks) == 1:
        chosen = walks[0].subquery("chosen")
    else:
        chosen = union_all(*(select(walk.subquery()) for walk in walks)).subquery("chosen")
    if not text:
        return (
            select(items)
            .join(chosen, items.c.id == chosen.c.id)
            .order_by(order(chosen.c.published), order(chosen.c.id))
            .limit(limit)
        )
    return (
        select(versions, chosen.c.holds)
        .join(chosen, (versions.c.item == chosen.c.id) & (versions.c.version == chosen.c.version))
        .order_by(order(chosen.c.published), order(chosen.c.id))
        .limit(limit)
    )


def _span(selection: Selection, after: Place | None, oldest: bool) -> Iterator[ColumnElement[bool]]:
    if selection.published_from is not None:
        yield items.c.published >= selection.published_from
    if selection.noted:
        newest = (notes.c.item == items.c.id) & (notes.c.version == items.c.version)
        yield select(notes.c.item).where(newest).exists()
    if after is not None:
        # Typed here: inside a tuple SQLAlchemy does not take the types over from the columns.
        place = tuple_(literal(after.published, Instant), literal(after.id, NAME))
        here = tuple_(items.c.published, items.c.id)
        yield here > place if oldest else here < place


def _walks(selection: Selection) -> list[_Condition]:
    """The separate conditions whose answers together are the selection; each fits one index."""
    media = sorted(Medium) if selection.media is None else sorted(selection.media)
    if selection.outlets is None:
        # Asked by staff alone: no agreement narrows it.
        return [()] if selection.media is None else [(items.c.medium.in_(media),)]
    channels: list[_Condition] = [()]
    if selection.channels is not None:
        channels = [(items.c.channel == one,) for one in sorted(selection.channels)]
    pairs = list(product(_STATES, sorted(selection.outlets), media, channels))
    if len(pairs) <= _MOST_WALKS:
        return [
            (items.c.state == state, items.c.outlet == outlet, items.c.medium == medium, *channel)
            for state, outlet, medium, channel in pairs
        ]
    within = [items.c.outlet.in_(sorted(selection.outlets)), items.c.medium.in_(media)]
    if selection.channels is not None:
        within.append(items.c.channel.in_(sorted(selection.channels)))
    return [(items.c.state.in_(_STATES), *within)]
