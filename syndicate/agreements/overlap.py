"""Find where two licences of a partner grant the same: the same use, outlet, medium, channel and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from syndicate.model.item import ChannelId, Medium, OutletId
from syndicate.model.rights import Clause, Grant, Licence, Use, Window


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two grants of two licences both give. `channels` None: all channels.

    Exceptions are not looked at: one may still refuse all of it.
    """

    clause: Clause
    other: Clause
    uses: frozenset[Use]
    outlets: frozenset[OutletId]
    media: frozenset[Medium]
    channels: frozenset[ChannelId] | None
    window: Window


def overlaps(licence: Licence, others: Iterable[Licence]) -> list[Overlap]:
    """Return every overlap of this licence with others of its partner, in the order of their clauses.

    A licence with the same number is the same licence; those of other partners overlap nothing.
    """
    found = []
    for other in sorted(others, key=lambda one: one.number):
        window = _common_window(licence.window, other.window)
        if window is None or other.number == licence.number or other.partner != licence.partner:
            continue
        pairs = ((mine, theirs) for mine in licence.grants for theirs in other.grants)
        found += [one for mine, theirs in pairs if (one := _common(mine, theirs, window)) is not None]
    return found


def _common(mine: Grant, theirs: Grant, window: Window) -> Overlap | None:
    uses, outlets, media = mine.uses & theirs.uses, mine.outlets & theirs.outlets, mine.media & theirs.media
    channels = _common_channels(mine.channels, theirs.channels)
    if not uses or not outlets or not media or (channels is not None and not channels):
        return None
    return Overlap(mine.clause, theirs.clause, uses, outlets, media, channels, window)


def _common_channels(
    mine: frozenset[ChannelId] | None, theirs: frozenset[ChannelId] | None
) -> frozenset[ChannelId] | None:
    if mine is None or theirs is None:
        return theirs if mine is None else mine
    return mine & theirs


def _common_window(mine: Window, theirs: Window) -> Window | None:
    """Return the time that is in both; None where there is none, as for a licence that never opened."""
    opens = max(mine.opens, theirs.opens)
    ends = [one.closes for one in (mine, theirs) if one.closes is not None]
    closes = min(ends) if ends else None
    return None if closes is not None and closes <= opens else Window(opens, closes)
