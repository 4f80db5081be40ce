"""Which feeds there are: everything, a channel, an outlet, or a medium."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from syndicate.language import Text
from syndicate.model.item import ChannelId, Item, Medium, OutletId
from syndicate.model.parties import Publisher

FEED_LENGTH = 50
"""A feed holds this many of the newest items."""

RECALLS_TOLD = timedelta(days=30)
"""For how long a feed tells of the recall of an item that is older than all of its items."""

_MEDIA_FEEDS = {
    "pictures": (Medium.PICTURE, Text("图片", "Pictures")),
    "audio": (Medium.AUDIO, Text("音频", "Audio")),
    "video": (Medium.VIDEO, Text("视频", "Video")),
}


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed: its id in addresses, its name, and what it selects: an item that fits any selector.

    A feed without a selector holds everything.
    """

    id: str
    name: Text
    channel: ChannelId | None = None
    outlet: OutletId | None = None
    medium: Medium | None = None

    def __contains__(self, item: Item) -> bool:
        if not item.standalone:
            return self.medium == item.medium
        pairs = ((self.channel, item.channel), (self.outlet, item.outlet), (self.medium, item.medium))
        # A selector that is not set matches nothing, not an item that lacks the same thing.
        wanted = [(ours, theirs) for ours, theirs in pairs if ours is not None]
        return not wanted or any(ours == theirs for ours, theirs in wanted)


@dataclass(frozen=True, slots=True)
class Cell:
    """Items of one outlet and medium, of one channel or (None) any, published within a span.

    From `since` (None: any time) to `until` (None: any time), both included. With `parts` also those that
    came with a story.
    """

    outlet: OutletId
    medium: Medium
    channel: ChannelId | None
    since: datetime | None = None
    until: datetime | None = None
    parts: bool = False


@dataclass(frozen=True, slots=True)
class RecalledCell:
    """Items of a cell, but of none of the channels `but`, that were recalled at `since` or later.

    And not sooner after their publication than `delay`.
    """

    cell: Cell
    but: frozenset[ChannelId]
    since: datetime
    delay: timedelta = timedelta(0)


def feeds_of(publisher: Publisher) -> dict[str, Feed]:
    """Every feed by its id, in the order people should see them.

    `video` names a channel of the site and a medium: that one feed holds what is in either.
    """
    feeds = {"all": Feed("all", Text("全部稿件", "All items"))}
    for outlet in publisher.outlets:
        name = Text(outlet.name, outlet.name_en or outlet.name)
        feeds[outlet.id] = Feed(outlet.id, name, outlet=outlet.id)
    for channel in publisher.channels:
        name = Text(channel.name, channel.name_en or channel.name)
        feeds[channel.id] = Feed(channel.id, name, channel=channel.id)
    for id_, (medium, name) in _MEDIA_FEEDS.items():
        shared = feeds.get(id_)
        feeds[id_] = Feed(id_, name, channel=shared.channel if shared else None, medium=medium)
    return feeds
