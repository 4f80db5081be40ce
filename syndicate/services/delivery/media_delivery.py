"""Deliver the files of pictures, sounds and films: judge, stamp, and write the trail line.

A file leaves as feeds and items do (`delivery_service`): it is judged for the one rendition that was asked
for, and its line is durable before its first byte. A signed address is judged again at each use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syndicate.access.media_addresses import PERIOD, AddressSigner, MediaAddress, period_of
from syndicate.access.rights_cache import Clock, RightsCache
from syndicate.errors import AddressExpired, Unknown
from syndicate.language import Text
from syndicate.model.item import Item, ItemId
from syndicate.model.media import RenditionName
from syndicate.model.media_events import MediaDelivered
from syndicate.model.parties import PUBLIC, Partner, PartnerId, Publisher, Recipient
from syndicate.model.records import Entry
from syndicate.model.register import Register
from syndicate.model.rights import Use
from syndicate.policy import Clearance, Refusal, clear_preferred
from syndicate.services.delivery.delivery_events import RequestContext
from syndicate.services.delivery.delivery_service import DeliveryService
from syndicate.services.delivery.feed_builder import licences_of
from syndicate.services.delivery.refusals import refusal_error
from syndicate.stamping import StampedItem, StampedRendition, stamp
from syndicate.store.protocol import Outcome, Pending, Store

GIVING: Final = frozenset({200, 206})
"""Statuses of answers that give a file or a part of it."""


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """Which file is asked for, by whom, and by which rights it is judged.

    `jti` is the key's id; empty for a signed address. `use` None: the best that is granted.
    """

    item: ItemId
    rendition: RenditionName
    recipient: Recipient
    jti: str
    use: Use | None
    register: Register
    revision: int


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A file that its recipient may have at this moment; `until` is when that may change."""

    request: MediaRequest
    item: StampedItem
    rendition: StampedRendition
    until: datetime | None


class MediaDelivery:
    """Deliver files. Raises NotLicensed, Unknown, Recalled, QuotaExceeded, TokenRejected, StoreFault."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        rights: RightsCache,
        delivery: DeliveryService,
        clock: Clock,
    ) -> None:
        self._store, self._publisher, self._rights = store, publisher, rights
        self._delivery, self._clock = delivery, clock

    async def judged(self, request: MediaRequest) -> JudgedFile:
        """Return the file as its recipient may have it now.

        Raises NotLicensed with reason and clause, Recalled, and Unknown where there is no such item or
        file, or the recipient may not know of it.
        """
        unknown = Unknown(Text("稿件", "item"), request.item)
        outline = await self._store.outline(request.item)
        if outline is None:
            raise unknown
        # The text only then: what is refused takes no longer than what there is not.
        self._cleared(request, outline)
        item = await self._store.item(request.item)
        if item is None:
            raise unknown
        clearance = self._cleared(request, item)
        stamped = stamp(clearance, self._publisher)
        for one in stamped.renditions:
            if one.rendition.name is request.rendition:
                return JudgedFile(request, stamped, one, clearance.until)
        raise unknown

    def _cleared(self, request: MediaRequest, item: Item) -> Clearance:
        verdict = clear_preferred(
            item,
            request.recipient,
            request.register.mandates,
            licences_of(request.register, request.recipient),
            request.use,
            self._clock(),
            request.rendition,
        )
        if isinstance(verdict, Refusal):
            raise refusal_error(verdict, request.item, request.recipient)
        return verdict

    async def public_preview(self, item: ItemId) -> JudgedFile:
        """Return the one small file of an item that the public may have. Raises Recalled, Unknown."""
        register, revision = await self._rights.read()
        missing: Unknown | None = None
        for name in (RenditionName.PREVIEW, RenditionName.THUMBNAIL):
            try:
                return await self.judged(MediaRequest(item, name, PUBLIC, "", None, register, revision))
            except Unknown as unknown:
                missing = unknown
        assert missing is not None
        raise missing

    async def deliver(
        self,
        file: JudgedFile,
        sha256: str,
        content_type: str,
        status: int,
        part: str | None,
        context: RequestContext,
    ) -> bool:
        """Write the trail line of an answer to a partner that is about to leave. False: judge it again.

        `sha256` and `content_type` are the stamped file's, `part` the Content-Range of a 206. Raises
        QuotaExceeded.
        """
        request, item = file.request, file.item
        assert isinstance(request.recipient, Partner)
        if file.until is not None and self._clock() >= file.until:
            return False
        event = MediaDelivered(
            partner=request.recipient.id,
            jti=request.jti,
            item=item.id,
            version=item.version,
            rendition=request.rendition.value,
            sha256=sha256,
            range=part,
            signed=not request.jti,
            use=item.use.value,
            clause=item.clause,
            mandate=item.mandate,
            status=status,
            method=context.method,
            request=context.request,
            visible_line=file.rendition.visible_line,
            type=content_type,
        )
        gives = status in GIVING and context.method == "GET"
        charges = self._delivery.quotas.charges([item])
        pending = Pending(
            Entry(self._clock(), request.recipient.id, event),
            request.revision,
            charges=charges if gives else (),
            confirms=charges if status == 304 else (),
        )
        outcome = await self._delivery.write(pending)
        if outcome is Outcome.OVER:
            raise self._delivery.quotas.exceeded(item)
        return outcome is Outcome.WRITTEN

    async def opened(self, token: str, signer: AddressSigner) -> MediaRequest:
        """Return what a signed address asks for, by the rights of now.

        Raises Unknown for one that we did not make, and AddressExpired where its time is over, a key of the
        partner was revoked since, or the item has a newer version.
        """
        address = signer.open(token)
        register, revision = await self._rights.read()
        partner = None if address is None else register.partners.get(address.partner)
        if address is None or partner is None:
            raise Unknown(Text("媒体地址", "media address"), "")
        outline = await self._store.outline(address.item)
        if (
            address.expires <= self._clock()
            or address.keys_revoked != keys_revoked(register, partner.id)
            or (outline is not None and outline.version != address.version)
        ):
            raise AddressExpired(partner.id, address.item)
        return MediaRequest(address.item, address.rendition, partner, "", address.use, register, revision)


def media_address(
    item: StampedItem, rendition: RenditionName, register: Register, now: datetime
) -> MediaAddress:
    """Return what a partner's signed address of this file says: good to the end of the next period."""
    assert isinstance(item.recipient, Partner)
    return MediaAddress(
        item.recipient.id,
        keys_revoked(register, item.recipient.id),
        item.id,
        item.version,
        rendition,
        item.use,
        period_of(now)[1] + PERIOD,
    )


def keys_revoked(register: Register, partner: PartnerId) -> int:
    """Return how many of the partner's keys were revoked."""
    return sum(1 for key in register.keys.values() if key.partner == partner and key.revoked is not None)
