"""Report who had received a recalled item, and who has acknowledged its removal."""

from __future__ import annotations

from dataclasses import dataclass, replace

from syndicate.errors import Conflict, Unknown
from syndicate.language import Text
from syndicate.model.changes import Action, Takedown
from syndicate.model.holds import Recall
from syndicate.model.item import Item, ItemId
from syndicate.model.lifecycle_events import ItemRecalled
from syndicate.services.newsroom.story_media import media_of, same_recall
from syndicate.store.protocol import Store


@dataclass(frozen=True, slots=True)
class RecallReport:
    """Who recalled an item, who had received it, and who has acknowledged its removal.

    `actor` is as the trail keeps it.
    """

    item: Item
    recall: Recall
    actor: str
    takedowns: tuple[Takedown, ...]
    media: tuple[RecallReport, ...] = ()
    """Of the media that were recalled with their story."""

    @property
    def complete(self) -> bool:
        """Whether every partner that had the item, or any of its media, has acknowledged the removal."""
        return not self.missing

    @property
    def missing(self) -> int:
        """How many acknowledgements are missing."""
        own = sum(one.acknowledged is None for one in self.takedowns)
        return own + sum(one.missing for one in self.media)


async def recall_report(store: Store, id: ItemId) -> RecallReport:
    """Report about an item, and about the media that were recalled with it.

    Raises Unknown, and Conflict for an item that is not recalled.
    """
    item = await store.item(id)
    if item is None:
        raise Unknown(Text("稿件", "item"), id)
    recall = item.holds.recall
    if recall is None:
        raise Conflict(Text(f"稿件 {id} 并未撤回", f"item {id} is not recalled"), code="not_recalled")
    media = (await store.read(lambda reads: media_of(reads, item))).following
    with_it = [await _of(store, one, recall) for one in media if same_recall(recall, one.holds.recall)]
    return replace(await _of(store, item, recall), media=tuple(with_it))


async def _of(store: Store, item: Item, recall: Recall) -> RecallReport:
    told = await store.takedowns(item=item.id)
    mine = [one for one in told if one.entry.action is Action.RECALL and one.entry.at >= recall.at]
    (recalled,) = await store.lines(item=item.id, kinds=[ItemRecalled.kind], limit=1, newest_first=True)
    return RecallReport(item, recall, recalled.entry.actor, tuple(mine))
