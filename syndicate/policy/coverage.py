"""Say which outlets, media, channels and times of publication a recipient's agreements cover.

A feed of a large archive is found by this: what no agreement covers is not read. It narrows and decides
nothing: `clear` decides about each item that is read. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from syndicate.model.feeds import Cell, Feed, RecalledCell
from syndicate.model.item import ChannelId, Item, Medium, OutletId
from syndicate.model.parties import Public, Recipient
from syndicate.model.rights import Except, Grant, Licence, Mandate, Use

_Span = tuple[datetime, datetime]
"""Times of publication, from the first to the last, both included."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What agreements, in force or not, name at all: outlets × media × channels, published from a time on.

    `channels` None means every channel. Outside it an item is never released, whatever the time is.
    """

    outlets: frozenset[OutletId]
    media: frozenset[Medium]
    channels: frozenset[ChannelId] | None = None
    since: datetime | None = None

    def __contains__(self, item: Item) -> bool:
        return (
            item.outlet in self.outlets
            and item.medium in self.media
            and (self.channels is None or item.channel in self.channels)
            and (self.since is None or item.published >= self.since)
        )

    def cells(self, feed: Feed) -> tuple[Cell, ...]:
        """The reach within a feed, as cells that do not overlap."""
        return tuple(
            Cell(outlet, medium, channel, self.since, parts=feed.medium is medium)
            for outlet in sorted(self.outlets)
            for medium in sorted(self.media)
            for channel in _channels(feed, outlet, medium, self.channels)
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """What agreements in force cover of one feed.

    `cells` hold everything that they release now; they do not overlap. An item that is not among them, and
    that nothing holds back, may be released when it has been out for the delay of its cell in `delayed`.
    """

    cells: tuple[Cell, ...]
    delayed: tuple[tuple[timedelta, Cell], ...]

    @property
    def shortest_delay(self) -> timedelta:
        """How long after its publication an item that nothing holds back may be had at the earliest."""
        return min((delay for delay, _ in self.delayed), default=timedelta(0))


def reach(
    recipient: Recipient, mandates: Sequence[Mandate], licences: Sequence[Licence], now: datetime
) -> Reach | None:
    """Return what the agreements could release at all, now or later; None for nothing."""
    outlets: frozenset[OutletId] = frozenset().union(*(m.outlets for m in mandates))
    media: frozenset[Medium] = frozenset().union(*(m.media for m in mandates))
    if isinstance(recipient, Public):
        return Reach(outlets, media) if outlets and media else None
    terms = [(grant, licence) for licence in licences for grant in licence.grants]
    outlets &= frozenset().union(*(grant.outlets for grant, _ in terms))
    media &= frozenset().union(*(grant.media for grant, _ in terms))
    if not outlets or not media:
        return None
    named = [grant.channels for grant, _ in terms if grant.channels is not None]
    return Reach(
        outlets,
        media,
        frozenset().union(*named) if len(named) == len(terms) else None,
        min(
            licence.window.opens if grant.archive is None else now - grant.archive
            for grant, licence in terms
        ),
    )


def coverage(
    feed: Feed,
    recipient: Recipient,
    mandates: Iterable[Mandate],
    licences: Iterable[Licence],
    use: Use | None,
    now: datetime,
    channels: Collection[ChannelId],
) -> Coverage:
    """Return what agreements in force at `now` cover of the feed, for this use (None: for any).

    `licences` are the recipient's own. `channels` are those that an item can be stamped with. Holds are no
    part of it, nor is a partner that waits for no delay because it acknowledged an embargo.
    """
    in_force = [m for m in mandates if now in m.window]
    subjects = sorted({(outlet, medium) for m in in_force for outlet in m.outlets for medium in m.media})
    if isinstance(recipient, Public):
        open_cells = tuple(
            Cell(outlet, medium, channel, None, now, parts=feed.medium is medium)
            for outlet, medium in subjects
            for channel in _channels(feed, outlet, medium, None)
        )
        return Coverage(open_cells, tuple((timedelta(0), cell) for cell in open_cells))
    own = [one for one in licences if now in one.window]
    terms = _Terms(own, use, (exception for one in own for exception in one.excepts))
    cells: list[Cell] = []
    delayed: list[tuple[timedelta, Cell]] = []
    for outlet, medium in subjects:
        one_by_one = frozenset(channels) if terms.named(outlet, medium) else None
        for channel in _channels(feed, outlet, medium, one_by_one):
            found = terms.grants(outlet, medium, channel)
            spans = _merged(span for grant, licence in found if (span := _span(grant, licence, now)))
            parts = feed.medium is medium
            cells += [Cell(outlet, medium, channel, since, until, parts) for since, until in spans]
            subject = Cell(outlet, medium, channel, parts=parts)
            delayed += [(delay, subject) for delay in sorted({grant.delay for grant, _ in found})]
    return Coverage(tuple(cells), tuple(delayed))


def recalled_coverage(
    feed: Feed,
    recipient: Recipient,
    mandates: Sequence[Mandate],
    licences: Sequence[Licence],
    use: Use | None,
    known: Reach,
) -> tuple[RecalledCell, ...]:
    """Return where recalled items of the feed are that the recipient could have had before their recall.

    The agreements that counted then are those in force then, so ended ones are looked at too.
    """
    cells: list[RecalledCell] = []
    terms = [(one, _Terms([one], use, _always_beside(one, licences))) for one in licences]
    for outlet, medium in sorted((outlet, medium) for outlet in known.outlets for medium in known.media):
        heads = [m.window.opens for m in mandates if outlet in m.outlets and medium in m.media]
        if heads and isinstance(recipient, Public):
            every = _channels(feed, outlet, medium, None)
            cells += [RecalledCell(Cell(outlet, medium, one), frozenset(), min(heads)) for one in every]
        elif heads:
            named = frozenset[ChannelId]().union(*(each.named(outlet, medium) for _, each in terms))
            # None stands for every channel that the terms do not name.
            found = {
                channel: [grant for _, each in terms for grant in each.grants(outlet, medium, channel)]
                for channel in (None, *sorted(named))
            }
            but = frozenset(one for one in named if not found[one])
            for channel in _channels(feed, outlet, medium, None if found[None] else named - but):
                grants = found.get(channel, found[None]) if channel else [*chain(*found.values())]
                if grants:
                    cell = Cell(outlet, medium, channel, known.since)
                    since = max(min(heads), min(licence.window.opens for _, licence in grants))
                    delay = min(grant.delay for grant, _ in grants)
                    cells.append(RecalledCell(cell, frozenset() if channel else but, since, delay))
    return tuple(cells)


def _always_beside(licence: Licence, licences: Sequence[Licence]) -> list[Except]:
    """The exceptions that are in force whenever the licence is."""
    return [
        one
        for other in licences
        if other.window.opens <= licence.window.opens
        and (
            other.window.closes is None
            or (licence.window.closes is not None and licence.window.closes <= other.window.closes)
        )
        for one in other.excepts
    ]


class _Terms:
    """The grants of licences, and the exceptions that count beside them, looked up by subject."""

    def __init__(self, licences: Sequence[Licence], use: Use | None, excepts: Iterable[Except]) -> None:
        self._uses = frozenset(Use) if use is None else frozenset({use})
        self._grants = [(grant, licence) for licence in licences for grant in licence.grants]
        self._excepts = list(excepts)

    def named(self, outlet: OutletId, medium: Medium) -> frozenset[ChannelId]:
        """The channels that the terms name."""
        found = [grant.channels for grant, _ in self._on(outlet, medium)]
        found += [one.channels for one in self._excepted(outlet, medium)]
        return frozenset[ChannelId]().union(*(one for one in found if one is not None))

    def grants(
        self, outlet: OutletId, medium: Medium, channel: ChannelId | None
    ) -> list[tuple[Grant, Licence]]:
        """The grants that cover the subject for a use that no exception excludes."""
        uses = self._uses
        for one in self._excepted(outlet, medium):
            if one.channels is None or channel in one.channels:
                uses -= frozenset(Use) if one.uses is None else one.uses
        return [
            (grant, licence)
            for grant, licence in self._on(outlet, medium)
            if grant.uses & uses and (grant.channels is None or channel in grant.channels)
        ]

    def _on(self, outlet: OutletId, medium: Medium) -> Iterator[tuple[Grant, Licence]]:
        return (
            (grant, licence)
            for grant, licence in self._grants
            if outlet in grant.outlets and medium in grant.media and grant.uses & self._uses
        )

    def _excepted(self, outlet: OutletId, medium: Medium) -> Iterator[Except]:
        return (
            one
            for one in self._excepts
            if (one.outlets is None or outlet in one.outlets) and (one.media is None or medium in one.media)
        )


def _channels(
    feed: Feed, outlet: OutletId, medium: Medium, channels: frozenset[ChannelId] | None
) -> list[ChannelId | None]:
    """Which of these channels (None: all) a feed holds of an outlet and medium; [None]: every channel."""
    whole = feed.outlet == outlet or feed.medium == medium
    if whole or (feed.channel is None and feed.outlet is None and feed.medium is None):
        return [None] if channels is None else [*sorted(channels)]
    if feed.channel is None or (channels is not None and feed.channel not in channels):
        return []
    return [feed.channel]


def _span(grant: Grant, licence: Licence, now: datetime) -> _Span | None:
    """When an item was published that the grant releases now; None where it releases nothing."""
    starts = [now - span for span in (grant.archive, grant.retain) if span is not None]
    ends = [now - grant.delay]
    if grant.archive is None:
        starts.append(licence.window.opens)
        ends += [] if licence.window.closes is None else [licence.window.closes]
    since, until = max(starts), min(ends)
    return (since, until) if since <= until else None


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    """The same times, in spans that do not overlap."""
    merged: list[_Span] = []
    for since, until in sorted(spans):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged
