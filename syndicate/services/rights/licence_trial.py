"""Try a draft licence on its partner's recorded requests: which answers would have been different.

The trail is read once, in order. Every answer is judged at its own time, with what was known then, except
that the draft replaces the partner's licences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cachetools import LRUCache

from syndicate.errors import Conflict, Unknown
from syndicate.language import Text
from syndicate.model.events import (
    DocumentRefused,
    EditionDelivered,
    EditionPolled,
    Event,
    ItemDelivered,
    KeyIssued,
    KeyRejected,
    KeyRevoked,
    LicenceShown,
    ReleaseRefused,
    SigningKeyAdopted,
    SigningKeyMade,
    SigningKeyRetired,
)
from syndicate.model.item import Item, ItemId
from syndicate.model.lifecycle_events import (
    ChangesAcknowledged,
    ChangesDelivered,
    TakedownOrdered,
    TakedownOverdue,
)
from syndicate.model.media import RenditionName
from syndicate.model.media_events import MediaDelivered
from syndicate.model.parties import Publisher
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Use, Window
from syndicate.policy import Refusal
from syndicate.services.audit.past_state import has_file, judge
from syndicate.services.audit.recorded_decision import NO_SUCH_ITEM, QUOTA, Decided, decided
from syndicate.services.delivery.quotas import Quotas
from syndicate.store.protocol import Store

_BATCH: Final = 1_000
_ITEMS: Final = 20_000
_CHANGES_NO_RIGHT = (
    *(EditionDelivered, EditionPolled, ItemDelivered, MediaDelivered, ReleaseRefused),
    *(ChangesDelivered, ChangesAcknowledged),
    *(
        LicenceShown,
        KeyRejected,
        KeyIssued,
        KeyRevoked,
        SigningKeyMade,
        SigningKeyAdopted,
        SigningKeyRetired,
    ),
    *(DocumentRefused, TakedownOrdered, TakedownOverdue),
)
"""Lines after which agreements, partners and items stand as before. After any other they are read anew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A clearance (`reason` None) or a refusal, with its use and clause."""

    reason: str | None
    clause: str | None
    use: Use | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """One answer that the partner got, and the one that the draft would have given; `times`: how often.

    `rendition` is the file that was asked for, None for the item itself.
    """

    item: ItemId
    version: int | None
    rendition: RenditionName | None
    asked: Use | None
    was: Answer
    would: Answer
    times: int

    @property
    def changes(self) -> bool:
        """Whether the draft changes the reason or the use of the answer. The clause does not count."""
        return (self.was.reason, self.was.use) != (self.would.reason, self.would.use)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came out: every changed answer once, and how many were looked at.

    `draft` is as it was tried: `begun_early` says that its window was opened for it. `instead_of` are the
    licences that it stood in for. `feeds_refused`: refusals of whole feeds, which are not looked at.
    """

    draft: Licence
    since: datetime
    begun_early: bool
    instead_of: tuple[str, ...]
    answers: int
    distinct: int
    changed: tuple[Tried, ...]
    feeds_refused: int


def stand_in(draft: Licence, register: Register, instead_of: str | None) -> tuple[str, ...] | None:
    """The numbers of the licences that the draft stands in for; None for all of its partner's."""
    owners = {one.number: partner for partner, held in register.licences.items() for one in held}
    if any(one.number == draft.number for one in register.mandates):
        raise Conflict(
            Text(
                f"编号 {draft.number} 已用于一项独家发布权",
                f"the number {draft.number} is in use by a mandate",
            ),
            code="duplicate_number",
        )
    if instead_of is not None and instead_of not in owners:
        raise Unknown(Text("授权协议", "licence"), instead_of)
    named = dict.fromkeys(number for number in (instead_of, draft.number) if number is not None)
    for number in named:
        if owners.get(number, draft.partner) != draft.partner:
            text = Text(
                f"授权协议 {number} 属于授权媒体 {owners[number]}，而草案属于 {draft.partner}",
                f"licence {number} is partner {owners[number]}'s, and the draft is for {draft.partner}",
            )
            raise Conflict(text, code="other_partner")
    return tuple(number for number in named if number in owners) or None


class Trying:
    """One replay of the trail with one draft."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        draft: Licence,
        since: datetime,
        instead_of: tuple[str, ...] | None,
    ) -> None:
        self._store, self._since, self._instead_of = store, since, instead_of
        self._begun_early = since < draft.window.opens
        self._draft = replace(draft, window=Window(min(since, draft.window.opens), draft.window.closes))
        self._at = since
        self._quotas = Quotas(store, publisher, lambda: self._at)
        self._given: set[tuple[str, ItemId, int]] = set()
        self._used: Counter[tuple[str, str]] = Counter()
        self._register: Register | None = None
        self._items: LRUCache[ItemId, Item | None] = LRUCache(_ITEMS)
        self._replaced: set[str] = set()
        self._tried: Counter[
            tuple[ItemId, int | None, RenditionName | None, Use | None, Answer, Answer]
        ] = Counter()
        self._feeds_refused = 0

    async def walk(self, after: int, told: Callable[[int], None]) -> Trial:
        """Judge every answer to the partner after this record; `told` gets the number of records read."""
        count = 0
        while True:
            lines = await self._store.lines(after=after, limit=_BATCH)
            for line in lines:
                event = line.entry.event
                if getattr(event, "partner", None) == self._draft.partner:
                    self._at = line.entry.at
                    await self._judge(event, line.seq - 1)
                self._notice(event)
                count += 1
                told(count)
            if len(lines) < _BATCH:
                break
            after = lines[-1].seq
        tried = [Tried(*key, times) for key, times in self._tried.items()]
        changed = sorted(
            (one for one in tried if one.changes),
            key=lambda one: (
                *(one.item, one.version or 0, one.rendition or "", one.asked or ""),
                *(str(one.was), str(one.would)),
            ),
        )
        return Trial(
            draft=self._draft,
            since=self._since,
            begun_early=self._begun_early,
            instead_of=self._instead_of or tuple(sorted(self._replaced)),
            answers=self._tried.total(),
            distinct=len(tried),
            changed=tuple(changed),
            feeds_refused=self._feeds_refused,
        )

    def _notice(self, event: Event) -> None:
        """Drop from the cache what this record may have changed."""
        if isinstance(event, _CHANGES_NO_RIGHT):
            return
        item: str | None = getattr(event, "item", None)
        if item is None:
            self._register = None
        else:
            self._items.pop(ItemId(item), None)

    async def _judge(self, event: Event, line: int) -> None:
        if isinstance(event, ReleaseRefused) and not event.subject.startswith("item:"):
            self._feeds_refused += 1
        for one in await decided(self._store, event):
            item = await self._item(one.item, line)
            version = one.version or (None if item is None else item.version)
            was = Answer(one.reason, one.clause, one.use if one.reason is None else None)
            would = await self._answer(one, item, line)
            self._tried[(one.item, version, one.rendition, one.use or one.asked, was, would)] += 1

    async def _answer(self, one: Decided, item: Item | None, line: int) -> Answer:
        """What the draft would have answered."""
        register = await self._rights(line)
        partner = register.partners.get(self._draft.partner)
        if item is None or partner is None:
            return Answer(NO_SUCH_ITEM, None)
        kept = [
            licence
            for licence in register.licences_of(partner.id)
            if self._instead_of is not None and licence.number not in self._instead_of
        ]
        licences = sorted([*kept, self._draft], key=lambda licence: licence.number)
        verdict = judge(item, partner, register, licences, one.asked, self._at, one.rendition)
        if isinstance(verdict, Refusal):
            clause = verdict.clause if one.clause_recorded else None
            return Answer(verdict.reason.value, clause)
        if one.rendition is not None and not has_file(item, one.rendition):
            return Answer(NO_SUCH_ITEM, None)
        quota = verdict.quota
        given = (verdict.clause, item.id, one.version or item.version)
        if quota is not None and one.counted and given not in self._given:
            account = (verdict.clause, self._quotas.period(quota).name)
            if self._used[account] >= quota.items:
                return Answer(QUOTA, verdict.clause)
            self._used[account] += 1
            self._given.add(given)
        return Answer(None, verdict.clause, verdict.use)

    async def _rights(self, line: int) -> Register:
        """All rights as they were known after this line."""
        if self._register is None:
            self._register = await self._store.register_at(line)
            if self._instead_of is None:
                own = self._register.licences_of(self._draft.partner)
                self._replaced.update(licence.number for licence in own)
        return self._register

    async def _item(self, id: ItemId, line: int) -> Item | None:
        """The item as it was known after this line, without its text."""
        if id not in self._items:
            item = await self._store.item_at(id, line)
            self._items[id] = None if item is None else replace(item, body=(), abstract="", keywords=())
        return self._items[id]
