"""What one clause of a licence says about one item, and when that answer changes by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from syndicate.model.item import Item
from syndicate.model.media import RenditionName
from syndicate.model.rights import FORM_OF, Except, Form, Grant, Licence, Mandate, Use
from syndicate.policy.reasons import Reason

ALL_RENDITIONS: Final = frozenset(RenditionName)
PUBLIC_RENDITIONS: Final = frozenset({RenditionName.PREVIEW, RenditionName.THUMBNAIL})
"""Of which the public may get one, where a mandate allows a preview."""
LINED_RENDITIONS: Final = frozenset({RenditionName.PREVIEW})
"""What a grant may give with the visible line alone."""


def excepts(exception: Except, item: Item, use: Use) -> bool:
    """Whether this exception is about the item and the use."""
    return (
        (exception.uses is None or use in exception.uses)
        and (exception.outlets is None or item.outlet in exception.outlets)
        and (exception.media is None or item.medium in exception.media)
        and (exception.channels is None or item.channel in exception.channels)
    )


def grant_obstacle(
    grant: Grant,
    licence: Licence,
    item: Item,
    use: Use,
    now: datetime,
    *,
    early: bool,
    promised: bool,
    rendition: RenditionName | None = None,
) -> Reason | None:
    """Why this grant does not release the item, or this file of it; None where it does.

    `early` asks about an item under embargo; `promised` says that the partner acknowledged that embargo.
    Whoever may have it early waits for no delay, even when the embargo is over.
    """
    if early and not grant.early:
        return Reason.EMBARGOED
    waits = not (grant.early and (early or promised))
    return _not_covered(grant, item, use, rendition) or _not_in_time(grant, licence, item, now, waits=waits)


def renditions_of(grant: Grant, use: Use) -> frozenset[RenditionName]:
    """The files that the grant gives for this use: none for a summary."""
    if FORM_OF[use] is not Form.FULL:
        return frozenset()
    return ALL_RENDITIONS if grant.renditions is None else grant.renditions


def lined_by(grant: Grant) -> frozenset[RenditionName]:
    """The files of a picture that this grant gives only with the visible line on them."""
    return LINED_RENDITIONS if grant.visible_line else frozenset()


def _not_covered(grant: Grant, item: Item, use: Use, rendition: RenditionName | None) -> Reason | None:
    if use not in grant.uses:
        return Reason.USE_NOT_GRANTED
    if item.outlet not in grant.outlets:
        return Reason.OUTLET_NOT_GRANTED
    if item.medium not in grant.media:
        return Reason.MEDIUM_NOT_GRANTED
    if grant.channels is not None and item.channel not in grant.channels:
        return Reason.CHANNEL_NOT_GRANTED
    if rendition is not None and rendition not in renditions_of(grant, use):
        return Reason.RENDITION_NOT_GRANTED
    return None


def _not_in_time(
    grant: Grant, licence: Licence, item: Item, now: datetime, *, waits: bool
) -> Reason | None:
    if grant.archive is None:
        if item.published not in licence.window:
            return Reason.OUTSIDE_ARCHIVE
    elif now >= item.published + grant.archive:
        return Reason.OUTSIDE_ARCHIVE
    if grant.retain is not None and now >= item.published + grant.retain:
        return Reason.RETENTION_ENDED
    if waits and now < item.available + grant.delay:
        return Reason.DELAYED
    return None


def instants(item: Item, mandates: Iterable[Mandate], licences: Iterable[Licence]) -> Iterator[datetime]:
    """Every time at which a verdict about the item may change without a new act."""
    yield item.published
    if item.holds.embargo is not None:
        yield item.holds.embargo.until
    if item.holds.exclusive is not None:
        yield item.holds.exclusive.until
    yield from edges(mandates)
    for licence in licences:
        yield from edges((licence,))
        for grant in licence.grants:
            yield item.available + grant.delay
            for span in (grant.archive, grant.retain):
                if span:
                    yield item.published + span


def edges(agreements: Iterable[Mandate | Licence]) -> Iterator[datetime]:
    """The times at which these agreements begin and end."""
    for agreement in agreements:
        yield agreement.window.opens
        if agreement.window.closes is not None:
            yield agreement.window.closes


def upcoming(coming: Iterable[datetime], now: datetime) -> datetime | None:
    """The first of these times after `now`; None where there is none."""
    return min((instant for instant in coming if instant > now), default=None)
