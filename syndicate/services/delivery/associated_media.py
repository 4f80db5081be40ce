"""Judge the pictures, sounds and films of stories, each by its own rights, for the story's recipient."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime

from syndicate.model.item import Item, ItemId
from syndicate.policy import Clearance, Refusal, Verdict
from syndicate.policy.reasons import HIDDEN
from syndicate.stamping import NO_MEDIA, Media
from syndicate.store.protocol import ItemReads

Versions = Callable[[Collection[Item]], Awaitable[Mapping[ItemId, Item]]]
"""Returns the items of these outlines with their texts."""


async def judged_media(
    stories: Iterable[Item], verdict: Callable[[Item], Verdict], reads: ItemReads, versions: Versions
) -> Media:
    """Return each media item of these stories with the verdict about it; those there are not are missing.

    Only of what is released are the texts read.
    """
    ids = {one.item for story in stories for one in story.associations}
    if not ids:
        return NO_MEDIA
    outlines = await reads.outlines(ids)
    judged: dict[ItemId, tuple[Item | None, Verdict | None]] = {
        id: (one, verdict(one)) for id, one in outlines.items()
    }
    cleared = [outlines[id] for id, (_, answer) in judged.items() if isinstance(answer, Clearance)]
    whole = await versions(cleared) if cleared else {}
    for outline in cleared:
        item = whole.get(outline.id)
        judged[outline.id] = (None, None) if item is None else (item, verdict(item))
    return judged


def media_until(story: Item, media: Media) -> datetime | None:
    """Return when the first verdict about the story's media may change; None if none does by itself."""
    verdicts = (media.get(one.item, (None, None))[1] for one in story.associations)
    return min((one.until for one in verdicts if one is not None and one.until is not None), default=None)


def shown_media_until(story: Item, media: Media) -> datetime | None:
    """`media_until` of what the recipient may know of."""
    verdicts = (media.get(one.item, (None, None))[1] for one in story.associations)
    known = (one for one in verdicts if one is not None and not _is_hidden(one))
    return min((one.until for one in known if one.until is not None), default=None)


def _is_hidden(verdict: Verdict) -> bool:
    return isinstance(verdict, Refusal) and verdict.reason in HIDDEN


def first(*instants: datetime | None) -> datetime | None:
    """Return the earliest of these times; None where there is none."""
    return min((one for one in instants if one is not None), default=None)
