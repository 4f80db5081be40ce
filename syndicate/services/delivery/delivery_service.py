"""Deliver feeds and items to the public, partners and staff: judge, stamp, and write the trail line.

A licensed answer takes three steps: it is judged here, rendered by the caller, and leaves only after
`deliver` has written its trail line. The store refuses a line that was judged before the last change of
rights. So a key that is revoked or a licence that ends in between stops the answer, on every worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from cachetools import LRUCache

from syndicate.access.authentication import Session
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import (
    AddressExpired,
    Conflict,
    NotLicensed,
    QuotaExceeded,
    Recalled,
    StoreBusy,
    TokenRejected,
    Unknown,
)
from syndicate.language import Text
from syndicate.model.actors import UNKNOWN, Actor
from syndicate.model.changes import Charge
from syndicate.model.events import (
    Event,
    KeyRejected,
    LicenceShown,
    ReleaseRefused,
)
from syndicate.model.feeds import Feed, feeds_of
from syndicate.model.item import ItemId
from syndicate.model.parties import PUBLIC, PartnerId, Publisher, Recipient
from syndicate.model.records import Entry
from syndicate.model.register import Key, Register
from syndicate.model.rights import Use
from syndicate.policy import Refusal
from syndicate.services.audit.audit_writer import AuditWriter
from syndicate.services.delivery.delivery_events import Delivery, RequestContext, delivered_event
from syndicate.services.delivery.editions import CachedEdition, Editions, OutdatedEdition
from syndicate.services.delivery.poll_counter import PollCounter
from syndicate.services.delivery.quotas import Quotas
from syndicate.services.delivery.refusals import refusal_error, refusal_reason
from syndicate.services.delivery.repeated_deliveries import ChargedEditions, RepeatedDeliveries
from syndicate.stamping import Edition, StampedItem
from syndicate.store.protocol import Outcome, Pending, Store

Output = TypeVar("Output")

MAX_ATTEMPTS = 8
"""How often an answer is judged again because rights changed while it was being made."""
_MAX_REJECTIONS_A_MINUTE = 60
"""Trail lines a minute about one key of ours, or about all tokens that were never ours. Further
rejections are only counted, so that nobody can fill the trail."""


class DeliveryService:
    """Deliver feeds and items. Raises NotLicensed, Unknown, Recalled, QuotaExceeded, StoreFault."""

    def __init__(self, store: Store, publisher: Publisher, rights: RightsCache, clock: Clock) -> None:
        self._store, self._publisher, self._rights, self._clock = store, publisher, rights, clock
        self._feeds = feeds_of(publisher)
        self._writer = AuditWriter(store)
        self.quotas = Quotas(store, publisher, clock)
        self.editions = Editions(store, publisher, self.quotas, clock)
        self._charged: ChargedEditions = LRUCache(10_000)
        self._polls = PollCounter(store, self._writer, clock)
        self.repeats = RepeatedDeliveries(
            rights, self.editions, self._charged, self._writer, self._polls, clock
        )
        self._minute: datetime | None = None
        self._rejections: Counter[str] = Counter()
        self._unwritten: Counter[str] = Counter()

    @property
    def feeds(self) -> dict[str, Feed]:
        """Every feed by its id."""
        return self._feeds

    async def public_feed(self, feed: str) -> CachedEdition:
        """Return the public edition of a feed: headline, abstract, stamp. Raises Unknown."""
        known = self._feed(feed)
        return await self._judged_anew(
            lambda register, revision: self.editions.of_feed(known, PUBLIC, None, register, revision)
        )

    async def licensed_feed(self, feed: str, session: Session, use: Use | None) -> CachedEdition:
        """Return the partner's edition of a feed: exactly what its licences cover.

        Raises NotLicensed, Unknown, QuotaExceeded; OutdatedEdition where the session is out of date.
        """
        return await self.editions.of_feed(
            self._feed(feed), session.partner, use, session.register, session.revision
        )

    async def public_archive(self, feed: str, name: str) -> CachedEdition:
        """Return an archive document of a public feed (RFC 5005). Raises Unknown where nothing is in it."""
        known = self._feed(feed)
        return await self._judged_anew(
            lambda register, revision: self.editions.of_archive(
                known, name, PUBLIC, None, register, revision
            )
        )

    async def licensed_archive(
        self, feed: str, name: str, session: Session, use: Use | None
    ) -> CachedEdition:
        """Return an archive document as the partner may have it: exactly what its licences cover.

        Raises NotLicensed, QuotaExceeded, and Unknown where the partner may have nothing in it.
        """
        return await self.editions.of_archive(
            self._feed(feed), name, session.partner, use, session.register, session.revision
        )

    async def public_item(self, item: ItemId) -> CachedEdition:
        """Return one item as the public may have it.

        Raises Recalled, or Unknown for everything that the public may not know.
        """
        return await self._judged_anew(
            lambda register, revision: self._item(item, PUBLIC, None, register, revision)
        )

    async def licensed_item(self, item: ItemId, session: Session, use: Use | None) -> CachedEdition:
        """Return one item as the partner may have it.

        Raises NotLicensed with reason and clause, Recalled, Unknown where the partner may not know that
        the item exists, and OutdatedEdition where the session is out of date.
        """
        return await self._item(item, session.partner, use, session.register, session.revision)

    async def keys_of(self, session: Session) -> list[Key]:
        """Return the partner's own keys, with when each was last used."""
        return await self._store.keys(session.partner.id)

    async def deliver(
        self, edition: CachedEdition, session: Session, status: int, context: RequestContext
    ) -> bool:
        """Write the trail line for an answer that is about to leave. False: judge the request again.

        Raises QuotaExceeded for an item that its quota does not allow any more.
        """
        partner = session.partner.id
        return await self._deliver(
            Delivery(edition, partner, session.key.jti, partner, session.revision, status, context)
        )

    async def export(
        self,
        actor: Actor,
        item: ItemId,
        partner: PartnerId | None,
        use: Use | None,
        format: str,
        render: Callable[[Edition], Output],
    ) -> Output:
        """Return one item as staff give it to a partner, or as the public may have it.

        A partner's export is recorded as given to it and charged to no quota. Its trail line is durable
        before this returns. Raises NotLicensed, Recalled, Unknown (also for an unknown partner, with the
        code unknown_partner), and Conflict where rights keep changing meanwhile.
        """
        if partner is None:
            return render((await self.public_item(item)).edition)
        context = RequestContext(request=format, method="EXPORT", format=format)
        for _ in range(MAX_ATTEMPTS):
            register, revision = await self._rights.read()
            recipient = register.partners.get(partner)
            if recipient is None:
                raise Unknown(Text("授权媒体", "partner"), partner, code="unknown_partner")
            try:
                edition = await self._item(item, recipient, use, register, revision)
            except OutdatedEdition:
                self._rights.expire()
                continue
            rendered = render(edition.edition)
            if await self._deliver(Delivery(edition, partner, "", str(actor), revision, 200, context)):
                return rendered
        raise Conflict(
            Text("授权状态正在频繁变动，请重试", "rights keep changing at this moment; try again"),
            code="rights_changed",
        )

    async def show_licence(self, session: Session, context: RequestContext) -> bool:
        """Write the trail line for a partner that reads its own licence. False: judge the request again."""
        event = LicenceShown(session.partner.id, session.key.jti, context.request)
        return await self.write(Pending(self._entry(session, event), session.revision)) is Outcome.WRITTEN

    async def write(self, pending: Pending) -> Outcome:
        """Write one trail line about an answer; after STALE, the rights are read again."""
        outcome = await self._writer.write(pending)
        if outcome is Outcome.STALE:
            self._rights.expire()
        return outcome

    async def refuse(
        self,
        session: Session,
        subject: str,
        use: Use | None,
        refusal: NotLicensed | Unknown | Recalled | QuotaExceeded,
        context: RequestContext,
        rendition: str | None = None,
    ) -> None:
        """Write the trail line for a refusal to a partner that showed its key."""
        partner, jti = session.partner.id, session.key.jti
        await self.refuse_partner(partner, jti, subject, use, refusal, context, rendition)

    async def refuse_partner(
        self,
        partner: PartnerId,
        jti: str,
        subject: str,
        use: Use | None,
        refusal: NotLicensed | Unknown | Recalled | QuotaExceeded | AddressExpired,
        context: RequestContext,
        rendition: str | None = None,
    ) -> None:
        """Write the trail line for a refusal to a known partner; `jti` is empty for a signed address.

        `rendition` is the file of the item that was asked for.

        An unknown item gets a line like a hidden one, so that the two take the same time.
        """
        event = ReleaseRefused(
            partner=partner,
            jti=jti,
            subject=subject,
            use=use.value if use is not None else "",
            reason=refusal_reason(refusal),
            clause=None if isinstance(refusal, Unknown | AddressExpired) else refusal.clause,
            request=context.request,
            rendition=rendition,
        )
        await self._writer.write(Pending(Entry(self._clock(), partner, event)))

    async def reject(self, rejected: TokenRejected, context: RequestContext) -> None:
        """Write the trail line for a key that was not accepted; a flood of them is counted instead."""
        times = self._count_rejection(rejected)
        if times == 0:
            return
        event = KeyRejected(
            code=rejected.code,
            detail=rejected.detail,
            partner=rejected.partner,
            jti=rejected.jti,
            times=times,
            request=context.request,
        )
        await self._writer.write(Pending(Entry(self._clock(), rejected.partner or UNKNOWN, event)))

    def expire_rights(self) -> None:
        """Read the rights again at the next request."""
        self._rights.expire()

    async def close(self) -> None:
        """Wait until every trail line is written."""
        await self._polls.flush()

    async def ready(self) -> None:
        """Raise a StoreFault unless the store answers."""
        self._rights.expire()
        await self._rights.read()

    async def _deliver(self, delivery: Delivery) -> bool:
        """Write the line, charge quotas and record holdings, for every way in. False: judge again.

        The line is judged at the older of the revisions of the key and of the content.
        """
        edition, partner = delivery.edition, delivery.partner
        if edition.edition.until is not None and self._clock() >= edition.edition.until:
            return False
        # Charge quota and record holdings once per edition and revision: after a change of rights the
        # partner may have had to remove it. A 304 or a HEAD answer gives nothing, so the status is part of
        # the name: a body that follows a 304 is still charged.
        name = (partner, f"{edition.digest}:{delivery.status}")
        charged = self._charged.get(name) == edition.revision
        gives = delivery.status == 200 and delivery.context.method != "HEAD" and not charged
        confirms = delivery.status == 304 and not charged
        charges = self._charges(delivery, self._new_to(delivery)) if gives or confirms else ()
        pending = Pending(
            Entry(self._clock(), delivery.actor, delivered_event(delivery)),
            min(delivery.revision, edition.revision),
            edition.trail_manifest(),
            charges if gives else (),
            self.quotas.links(edition.edition.items) if gives and delivery.jti else (),
            charges if confirms else (),
        )
        outcome = await self.write(pending)
        if outcome is Outcome.WRITTEN:
            self._charged.update({name: edition.revision} if gives or confirms else {})
        elif outcome is Outcome.STALE:
            self._charged.clear()
        elif edition.edition.feed is None:
            raise self.quotas.exceeded(edition.edition.items[0])
        else:
            # Other requests used the quota meanwhile: make the feed again from what is left of it.
            self.editions.discard(edition)
        return outcome is Outcome.WRITTEN

    def _new_to(self, delivery: Delivery) -> Sequence[StampedItem]:
        """The items that the partner may not have: all, or those added since the edition it was given.

        A 304 confirms the whole edition.
        """
        edition, before = delivery.edition, delivery.edition.continued
        if delivery.status == 200 and before is not None:
            given = self._charged.get((delivery.partner, f"{before.digest}:200"))
            if given == before.revision:
                return before.added
        return edition.edition.items

    def _charges(self, delivery: Delivery, items: Sequence[StampedItem]) -> tuple[Charge, ...]:
        """The charges of these items; what staff export is recorded, and counts against no quota."""
        charges = self.quotas.charges(items)
        return charges if delivery.jti else tuple(replace(one, limit=None) for one in charges)

    async def _judged_anew(
        self, judge: Callable[[Register, int], Awaitable[CachedEdition]]
    ) -> CachedEdition:
        """Judge by the newest rights, again where another worker had newer ones meanwhile."""
        for _ in range(MAX_ATTEMPTS):
            register, revision = await self._rights.read()
            try:
                return await judge(register, revision)
            except OutdatedEdition:
                self._rights.expire()
        raise StoreBusy(
            Text("内容正在频繁变动，请重试", "content is changing faster than it can be read; try again")
        )

    async def _item(
        self, item: ItemId, recipient: Recipient, use: Use | None, register: Register, revision: int
    ) -> CachedEdition:
        verdict = await self.editions.of_item(item, recipient, use, register, revision)
        if verdict is None:
            raise Unknown(Text("稿件", "item"), item)
        if isinstance(verdict, Refusal):
            raise refusal_error(verdict, item, recipient)
        return verdict

    def _feed(self, feed: str) -> Feed:
        known = self._feeds.get(feed)
        if known is None:
            raise Unknown(Text("订阅源", "feed"), feed, code="unknown_feed")
        return known

    def _entry(self, session: Session, event: Event) -> Entry:
        return Entry(self._clock(), session.partner.id, event)

    def _count_rejection(self, rejected: TokenRejected) -> int:
        """How many rejections the next line stands for; 0 where no line is written now.

        Each key of ours has a count of its own; all tokens that were never ours share one.
        """
        minute = self._clock().replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._rejections.clear()
        key = rejected.jti or ""
        self._rejections[key] += 1
        if self._rejections[key] > _MAX_REJECTIONS_A_MINUTE:
            self._unwritten[key] += 1
            return 0
        return 1 + self._unwritten.pop(key, 0)
