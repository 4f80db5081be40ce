"""The queries for feeds: which items a feed shows, newest first.

Every query reads along an index, so that its cost does not grow with the archive. A query for several
outlets and media runs once for each pair, each with its own limit, and the short results are merged: one
query that skips the items of other outlets would cost more with each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, asc, desc, false, literal, select, tuple_, union

from syndicate.model.item import Medium
from syndicate.store.protocol import Place, Selection
from syndicate.store.schema.tables import NAME, Instant, items, notes, versions

_MOST_WALKS: Final = 200
"""SQLite joins at most 500 selects; nobody's agreements come near."""

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
        # UNION, not UNION ALL: an item may fit both selectors of a feed.
        chosen = union(*(select(walk.subquery()) for walk in walks)).subquery("chosen")
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
    if selection.published_until is not None:
        yield items.c.published <= selection.published_until
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
    walks = [walk for selector in _selectors(selection) for walk in _narrowed(selector, selection)]
    if len(walks) <= _MOST_WALKS:
        return walks
    within: list[ColumnElement[bool]] = []
    if selection.outlets:
        within.append(items.c.outlet.in_(sorted(selection.outlets)))
    if selection.media:
        within.append(items.c.medium.in_(sorted(selection.media)))
    if selection.channels:
        within.append(items.c.channel.in_(sorted(selection.channels)))
    return [
        (*(items.c[name] == value for name, value in selector.items()), *within)
        for selector in _selectors(selection)
    ]


def _selectors(selection: Selection) -> list[dict[str, str]]:
    """What the feed selects: an item that fits any of these. One that asks nothing holds everything."""
    feed = selection.feed
    if feed is None:
        return [{}]
    wanted = {"channel": feed.channel, "outlet": feed.outlet, "medium": feed.medium}
    return [{name: value} for name, value in wanted.items() if value is not None] or [{}]


def _narrowed(selector: dict[str, str], selection: Selection) -> Iterator[_Condition]:
    outlets = _both(selector.get("outlet"), selection.outlets)
    media = _both(selector.get("medium"), selection.media)
    named = _both(selector.get("channel"), selection.channels)
    channels: list[_Condition] = [()] if named is None else [(items.c.channel == one,) for one in named]
    if outlets is None and (media is None or named is not None):
        # Asked by staff alone: no agreement narrows it. One walk along the channel, or along everything.
        within = () if media is None else (items.c.medium.in_(media),)
        yield from ((*channel, *within) for channel in channels)
    elif outlets is None:
        assert media is not None
        yield from ((items.c.medium == medium,) for medium in media)
    else:
        every = [medium.value for medium in Medium] if media is None else media
        for outlet, medium, channel in product(outlets, every, channels):
            yield (items.c.outlet == outlet, items.c.medium == medium, *channel)


def _both(one: str | None, several: frozenset[Any] | None) -> list[str] | None:
    """What fits the selector and the narrowing; None where neither asks for anything."""
    if several is None:
        return None if one is None else [one]
    return sorted(str(name) for name in several if one is None or name == one)
