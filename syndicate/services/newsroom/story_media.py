"""Tell which media of a story a hold or recall of it is about too, and which it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from syndicate.model.holds import Embargo, Exclusive, Holds, Recall, in_force
from syndicate.model.item import Item, ItemId, Medium
from syndicate.store.protocol import Reads


class WhyLeft(StrEnum):
    """Why an act about a story leaves one of its media as it is."""

    SHARED = "shared"
    """Other stories have it too."""
    STANDALONE = "standalone"
    """It did not come with a story: it was given for itself."""
    RECALLED = "recalled"
    """It was recalled by itself."""
    HELD = "held"
    """It is held back by an act of its own."""
    ASKED = "asked"
    """Only the story was asked for."""


class ItemHold(NamedTuple):
    """A hold as the trail names it: its kind, its end (ISO 8601), and whom an exclusive is for."""

    kind: str
    until: str | None = None
    partner: str | None = None


@dataclass(frozen=True, slots=True)
class LeftMedia:
    """A media item that an act about its story leaves; `stories` are the other stories that have it."""

    item: Item
    why: WhyLeft
    stories: tuple[ItemId, ...] = ()


@dataclass(frozen=True, slots=True)
class StoryMedia:
    """The media of a story, newest versions: those that follow it, and those that are left."""

    following: tuple[Item, ...] = ()
    left: tuple[LeftMedia, ...] = ()


async def media_of(reads: Reads, story: Item) -> StoryMedia:
    """Return the media of a story, in its order.

    What came with it and is in no other story follows it: also what an earlier version of it showed and no
    story shows now.
    """
    if story.medium is not Medium.TEXT:
        return StoryMedia()
    now = dict.fromkeys(one.item for one in story.associations)
    versions = await reads.versions(story.id) if story.version > 1 else []
    before = dict.fromkeys(one.item for version in versions for one in version.associations)
    found: Mapping[ItemId, Item] = await reads.newest([*now, *before]) if now or before else {}
    following: list[Item] = []
    left: list[LeftMedia] = []
    for id in dict.fromkeys([*now, *before]):
        item = found.get(id)
        if item is None:
            continue
        others = tuple(one for one in await reads.stories_with(id) if one != story.id)
        if not others and not item.standalone:
            following.append(item)
        elif id in now:
            left.append(LeftMedia(item, WhyLeft.SHARED if others else WhyLeft.STANDALONE, others))
    return StoryMedia(tuple(following), tuple(left))


def embargoed_with(media: Holds, until: datetime, now: datetime) -> Holds | WhyLeft:
    """Return the holds of a media item whose story is put under embargo; a longer one of its own stays."""
    if media.recall is not None:
        return WhyLeft.RECALLED
    if media.embargo is not None and now < media.embargo.until and until <= media.embargo.until:
        return WhyLeft.HELD
    return replace(media, embargo=Embargo(until))


def reserved_with(media: Holds, exclusive: Exclusive, now: datetime) -> Holds | WhyLeft:
    """Return the holds of a media item whose story becomes exclusive; an exclusive of its own stays."""
    if media.recall is not None:
        return WhyLeft.RECALLED
    if media.exclusive is not None and now < media.exclusive.until:
        return WhyLeft.HELD
    return replace(media, exclusive=exclusive)


def withheld_with(media: Holds) -> Holds | WhyLeft:
    """Return the holds of a media item whose story is withheld. What is withheld by itself stays so."""
    if media.recall is not None:
        return WhyLeft.RECALLED
    if media.withheld:
        return WhyLeft.HELD
    return replace(media, withheld=True, withheld_with_story=True)


def released_with(before: Holds, media: Holds, lifted: list[str], now: datetime) -> tuple[Holds, list[str]]:
    """Return the holds of a media item once these were lifted from its story, and which are lifted from it.

    Lifted is what was put on both in one act. `before` is what held the story. Its own holds stay.
    """
    same = {
        "embargo": before.embargo is not None
        and media.embargo is not None
        and before.embargo.until == media.embargo.until,
        "exclusive": before.exclusive is not None and before.exclusive == media.exclusive,
        "withheld": media.withheld_with_story,
    }
    kinds = [kind for kind in in_force(media, now) if kind in lifted and same[kind]]
    return lift(media, kinds, now), kinds


def lift(holds: Holds, kinds: list[str], now: datetime) -> Holds:
    """Return the holds without these."""
    if "embargo" in kinds and holds.embargo is not None:
        holds = replace(holds, embargo=replace(holds.embargo, until=now))
    if "withheld" in kinds:
        holds = replace(holds, withheld=False, withheld_with_story=False, opened=now)
    if "exclusive" in kinds:
        holds = replace(holds, exclusive=None)
    return holds


def same_recall(story: Recall, media: Recall | None) -> bool:
    """Whether a media item was recalled by the act that recalled its story."""
    return media is not None and (media.at, media.reason, media.note) == (
        story.at,
        story.reason,
        story.note,
    )


def reinstated(holds: Holds, now: datetime) -> Holds:
    """Return the holds without the recall; what was asked for meanwhile holds the item now."""
    after = replace(
        holds,
        recall=None,
        reinstated=now,
        waiting=None,
        withheld=holds.withheld or holds.withheld_later,
        withheld_later=False,
    )
    if holds.waiting is not None and holds.waiting > now:
        after = replace(after, embargo=Embargo(holds.waiting))
    return after


def holds_with_story(story: Holds, kinds: Sequence[str], media: Holds) -> tuple[Holds, list[ItemHold]]:
    """Return the holds of a media item once it has these of its story, and what is new of them.

    Of two embargoes the longer counts. A withheld story withholds it; so does a recalled one, since what is
    new in it was never out.
    """
    new: list[ItemHold] = []
    embargo, exclusive = story.embargo, story.exclusive
    own = media.embargo
    if "embargo" in kinds and embargo is not None and (own is None or own.until < embargo.until):
        media = replace(media, embargo=Embargo(embargo.until))
        new.append(ItemHold("embargo", embargo.until.isoformat()))
    if "exclusive" in kinds and exclusive is not None and media.exclusive is None:
        media = replace(media, exclusive=exclusive)
        new.append(ItemHold("exclusive", exclusive.until.isoformat(), exclusive.partner))
    if "withheld" in kinds and not media.withheld:
        media = replace(media, withheld=True, withheld_with_story=True)
        new.append(ItemHold("withheld"))
    return media, new


def holds_of_story(story: Holds, now: datetime) -> list[str]:
    """Return the kinds of holds that a media item which is new in this story gets."""
    kinds = in_force(story, now)
    return [*kinds, "withheld"] if story.recall is not None and "withheld" not in kinds else kinds


def new_holds(before: Holds, after: Holds, now: datetime) -> list[str]:
    """Return the kinds of holds that an act put on a story."""
    same = {
        "embargo": before.embargo == after.embargo,
        "exclusive": before.exclusive == after.exclusive,
        "withheld": before.withheld,
    }
    return [kind for kind in in_force(after, now) if not same[kind]]
