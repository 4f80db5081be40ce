"""Place holds on items (embargo, exclusive, withheld), and recall items from everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syndicate.access.rights_cache import Clock
from syndicate.errors import Conflict, Fault, Faulty, Unknown
from syndicate.language import Text
from syndicate.model.actors import Actor
from syndicate.model.changes import ChangeEntry
from syndicate.model.events import Event
from syndicate.model.holds import HOLDS, Embargo, Exclusive, Holds, Recall, RecallReason, in_force
from syndicate.model.item import Item, ItemId, Medium
from syndicate.model.lifecycle_events import ItemHeld, ItemRecalled, ItemReinstated, ItemReleased
from syndicate.model.parties import PartnerId, Publisher
from syndicate.model.records import Entry
from syndicate.model.register import Register
from syndicate.services.changes.partner_snapshot import partner_snapshot
from syndicate.services.changes.removals import removal
from syndicate.services.changes.takedowns import record_orders, write_removals
from syndicate.services.newsroom.hold_notes import local_time, note_faults
from syndicate.services.newsroom.recall_reports import RecallReport, recall_report
from syndicate.services.newsroom.story_media import (
    LeftMedia,
    WhyLeft,
    embargoed_with,
    lift,
    media_of,
    reinstated,
    released_with,
    reserved_with,
    same_recall,
    withheld_with,
)
from syndicate.store.protocol import Change, Store, Writing

LONGEST_DEADLINE = timedelta(days=90)


Follow = Callable[[Item], tuple[Holds, Event] | WhyLeft | None]
"""What an act about a story does to one of its media. None: it is not about it."""


@dataclass(frozen=True, slots=True)
class Held:
    """An item after a hold or recall, and the takedown orders that it caused.

    `media` are the pictures, sounds and films of a story that were held or recalled with it, `left` those
    that were not. `stories` are those that have the item, where it is a picture, sound or film.
    """

    item: Item
    orders: tuple[ChangeEntry, ...] = ()
    media: tuple[Held, ...] = ()
    left: tuple[LeftMedia, ...] = ()
    stories: tuple[ItemId, ...] = ()


class HoldService:
    """Place and lift holds, and recall items. Raises Unknown, Conflict, Faulty, StoreFault.

    Every act is one transaction with its trail line and a takedown order for every partner that may no
    longer have the item. An act about a story is one about the media that came with it too, each with a
    line of its own, unless another story has them (`story_media`); with `alone` it is about the story only.
    """

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store, self._publisher, self._clock = store, publisher, clock

    async def embargo(self, actor: Actor, id: ItemId, until: datetime, *, alone: bool = False) -> Held:
        """Embargo the item until `until`; partners that have it must take it down until then."""
        now = self._clock()
        _in_future(until, now, "embargo")
        async with self._store.writing() as tx:
            item = await self._item(tx, id)
            before = item.holds.embargo
            if before is not None and before.until == until:
                raise Conflict(_already("禁发至这一时刻", "under embargo until then"), code="held_already")
            holds = replace(item.holds, embargo=Embargo(until))

            def follow(one: Item) -> tuple[Holds, Event] | WhyLeft:
                with_it = embargoed_with(one.holds, until, now)
                return with_it if isinstance(with_it, WhyLeft) else (with_it, event(one.id))

            def event(of: ItemId) -> ItemHeld:
                return ItemHeld(of, "embargo", until.isoformat(), None)

            return await self._held(tx, actor, item, holds, event(id), now, None if alone else follow)

    async def exclusive(
        self, actor: Actor, id: ItemId, partner: PartnerId, until: datetime, *, alone: bool = False
    ) -> Held:
        """Hold the item for one partner exclusively until `until`.

        Raises Conflict for a partner without a licence in that time, and if another exclusive is running.
        """
        now = self._clock()
        _in_future(until, now, "until")
        async with self._store.writing() as tx:
            item, register = await self._item(tx, id), await tx.register()
            if partner not in register.partners:
                raise Unknown(Text("授权媒体", "partner"), partner)
            if not _licensed_within(register, partner, now, until):
                raise Conflict(
                    Text(
                        f"授权媒体 {partner} 在此期间没有有效的授权协议，不能独家取得稿件",
                        f"partner {partner} has no licence in that time: it could not have the item",
                    ),
                    code="exclusive_without_licence",
                )
            running = item.holds.exclusive
            if running is not None and now < running.until:
                raise Conflict(
                    Text(
                        f"稿件 {id} 已由授权媒体 {running.partner} 独家至 {self._said(running.until)}；"
                        f"先执行 syndicate item release {id} --exclusive",
                        f"item {id} is exclusive to partner {running.partner} until "
                        f"{self._said(running.until)}: first run syndicate item release {id} --exclusive",
                    ),
                    code="exclusives_overlap",
                )
            exclusive = Exclusive(partner, until)

            def follow(one: Item) -> tuple[Holds, Event] | WhyLeft:
                with_it = reserved_with(one.holds, exclusive, now)
                return with_it if isinstance(with_it, WhyLeft) else (with_it, event(one.id))

            def event(of: ItemId) -> ItemHeld:
                return ItemHeld(of, "exclusive", until.isoformat(), partner)

            holds = replace(item.holds, exclusive=exclusive)
            return await self._held(tx, actor, item, holds, event(id), now, None if alone else follow)

    async def withhold(self, actor: Actor, id: ItemId, *, alone: bool = False) -> Held:
        """Withhold the item from everybody until it is released."""
        now = self._clock()
        async with self._store.writing() as tx:
            item = await self._item(tx, id)
            if item.holds.withheld and not item.holds.withheld_with_story:
                raise Conflict(_already("被扣发", "withheld"), code="held_already")

            def follow(one: Item) -> tuple[Holds, Event] | WhyLeft:
                with_it = withheld_with(one.holds)
                return with_it if isinstance(with_it, WhyLeft) else (with_it, event(one.id))

            def event(of: ItemId) -> ItemHeld:
                return ItemHeld(of, "withheld", None, None)

            # What was withheld with its story is now withheld by itself too.
            holds = replace(item.holds, withheld=True, withheld_with_story=False)
            return await self._held(tx, actor, item, holds, event(id), now, None if alone else follow)

    async def release(
        self, actor: Actor, id: ItemId, kinds: Sequence[str] = HOLDS, *, alone: bool = False
    ) -> Held:
        """Lift these holds now.

        Raises Conflict if the item has none of them, and for a recalled item: a hold that it had when it
        was recalled kept it unpublished, and its recall must not reveal it.
        """
        now = self._clock()
        async with self._store.writing() as tx:
            item = await self._item(tx, id)
            lifted = [kind for kind in in_force(item.holds, now) if kind in kinds]
            if not lifted:
                raise Conflict(
                    Text(f"稿件 {id} 没有可解除的限制", f"nothing holds item {id} back"), code="not_held"
                )

            def follow(one: Item) -> tuple[Holds, Event] | WhyLeft | None:
                if one.holds.recall is not None:
                    return WhyLeft.RECALLED
                holds, with_it = released_with(item.holds, one.holds, lifted, now)
                if with_it:
                    return holds, ItemReleased(one.id, with_it)
                return WhyLeft.HELD if in_force(one.holds, now) else None

            holds, event = lift(item.holds, lifted, now), ItemReleased(id, lifted)
            return await self._held(tx, actor, item, holds, event, now, None if alone else follow)

    async def recall(
        self,
        actor: Actor,
        id: ItemId,
        reason: RecallReason,
        note: str,
        deadline: timedelta,
        *,
        alone: bool = False,
    ) -> Held:
        """Recall the item from everybody, at once and until it is reinstated.

        Every partner that was given it is ordered to take it down by `deadline` from now. `note` goes to
        them. Raises Conflict for an item that is recalled already.
        """
        now = self._clock()
        faults = note_faults(note)
        if not timedelta(0) < deadline <= LONGEST_DEADLINE:
            text = Text("应大于零，至多 90 天", "expected more than nothing, and 90 days at most")
            faults.append(Fault("deadline_invalid", "deadline", text))
        if faults:
            raise Faulty(Text("稿件未撤回", "the item was not recalled"), faults)
        async with self._store.writing() as tx:
            item = await self._item(tx, id, recalled=True)
            if item.holds.recall is not None:
                at = self._said(item.holds.recall.at)
                raise Conflict(_already(f"于 {at} 撤回", f"recalled at {at}"), code="recalled_already")
            given = {one.id: len(await tx.given_to(one.id)) for one in (item, *await _followers(tx, item))}

            def recalled(one: Item) -> tuple[Holds, Event]:
                recall = Recall(reason, note, now, now + deadline, one.published)
                event = ItemRecalled(
                    item=one.id,
                    version=one.version,
                    reason=reason.value,
                    note=hashlib.sha256(note.encode()).hexdigest(),
                    deadline=recall.deadline.isoformat(),
                    given=given[one.id],
                )
                return replace(one.holds, recall=recall), event

            def follow(one: Item) -> tuple[Holds, Event] | WhyLeft:
                return recalled(one) if one.holds.recall is None else WhyLeft.RECALLED

            holds, event = recalled(item)
            return await self._held(tx, actor, item, holds, event, now, None if alone else follow)

    async def reinstate(self, actor: Actor, id: ItemId, *, alone: bool = False) -> Held:
        """Reinstate a recalled item: it is available again, as its agreements say.

        Of its media, those that were recalled with it.
        """
        now = self._clock()
        async with self._store.writing() as tx:
            item = await self._item(tx, id, recalled=True)
            if item.holds.recall is None:
                raise Conflict(
                    Text(f"稿件 {id} 并未撤回", f"item {id} is not recalled"), code="not_recalled"
                )
            recall = item.holds.recall

            def follow(one: Item) -> tuple[Holds, Event] | WhyLeft | None:
                if one.holds.recall is None:
                    return _came_since(one, holds, now)
                if not same_recall(recall, one.holds.recall):
                    return WhyLeft.RECALLED
                return reinstated(one.holds, now), ItemReinstated(one.id, one.version)

            holds, event = reinstated(item.holds, now), ItemReinstated(id, item.version)
            return await self._held(tx, actor, item, holds, event, now, None if alone else follow)

    async def report(self, id: ItemId) -> RecallReport:
        """Report who had received a recalled item, and who has acknowledged its removal.

        Raises Conflict for an item that is not recalled.
        """
        return await recall_report(self._store, id)

    def _said(self, moment: datetime) -> str:
        """A time as staff read it."""
        return local_time(moment, self._publisher.zone)

    async def _item(self, tx: Writing, id: ItemId, *, recalled: bool = False) -> Item:
        item = await tx.item(id)
        if item is None:
            raise Unknown(Text("稿件", "item"), id)
        if item.holds.recall is not None and not recalled:
            raise Conflict(
                Text(
                    f"稿件 {id} 已撤回；先执行 syndicate item reinstate {id}",
                    f"item {id} is recalled: first run syndicate item reinstate {id}",
                ),
                code="recalled_already",
            )
        return item

    async def _held(
        self,
        tx: Writing,
        actor: Actor,
        item: Item,
        holds: Holds,
        event: Event,
        now: datetime,
        follow: Follow | None,
    ) -> Held:
        """Keep the act about the item, and that about its media as `follow` says; None: of none of them."""
        held = await self._kept(tx, actor, item, holds, event, now)
        if item.medium is not Medium.TEXT:
            return replace(held, stories=tuple(await tx.stories_with(item.id)))
        story = await media_of(tx, item)
        media, left = [], list(story.left)
        for one in story.following:
            step = WhyLeft.ASKED if follow is None else follow(one)
            if isinstance(step, WhyLeft):
                left.append(LeftMedia(one, step))
            elif step is not None:
                media.append(await self._kept(tx, actor, one, *step, now))
        return replace(held, media=tuple(media), left=tuple(left))

    async def _kept(
        self, tx: Writing, actor: Actor, item: Item, holds: Holds, event: Event, now: datetime
    ) -> Held:
        await tx.put_holds(item.id, holds)
        await tx.append(Entry(now, str(actor), event))
        await tx.changed(Change.RIGHTS)
        item = replace(item, holds=holds)
        return Held(item, await self._order(tx, actor, item, now))

    async def _order(self, tx: Writing, actor: Actor, item: Item, now: datetime) -> tuple[ChangeEntry, ...]:
        """Order everybody who has the item and may not have it any more to take it down.

        A recall goes to everybody who was ever given the item: that somebody was told before to remove it
        for another reason does not mean that it is gone.
        """
        register, reached = await tx.register(), await tx.reached()
        entries: list[ChangeEntry] = []
        holders = {one.partner: one for one in await tx.holders(item.id)}
        if item.holds.recall is not None:
            ever = {one.partner: one for one in await tx.given_to(item.id)}
            holders = ever | {partner: one for partner, one in holders.items() if one.version > 0}
        for holding in holders.values():
            partner = register.partners.get(holding.partner)
            if partner is None:
                continue
            snapshot = partner_snapshot(partner, register, reached.change, now, self._publisher.zone)
            ended = removal(snapshot, holding, item)
            if ended is not None:
                entries += await write_removals(tx, partner.id, [ended], now)
        await record_orders(tx, actor, entries, now)
        return tuple(entries)


def _came_since(one: Item, story: Holds, now: datetime) -> tuple[Holds, Event] | None:
    """Release what came with a recalled story, now that the story is back; None where there is nothing."""
    if not one.holds.withheld_with_story or story.withheld:
        return None
    return lift(one.holds, ["withheld"], now), ItemReleased(one.id, ["withheld"])


async def _followers(tx: Writing, item: Item) -> tuple[Item, ...]:
    return (await media_of(tx, item)).following


def _in_future(until: datetime, now: datetime, field: str) -> None:
    if until > now:
        return
    said = until.isoformat()
    text = Text(f"{said} 已经过去，应为将来的时间", f"{said} has passed; expected a moment to come")
    raise Faulty(Text("稿件没有扣住", "the item was not held"), [Fault("hold_in_the_past", field, text)])


def _licensed_within(register: Register, partner: PartnerId, now: datetime, until: datetime) -> bool:
    windows = [one.window for one in register.licences_of(partner)]
    return any(one.opens < until and (one.closes is None or now < one.closes) for one in windows)


def _already(zh: str, en: str) -> Text:
    return Text(f"稿件已{zh}", f"the item is {en} already")
