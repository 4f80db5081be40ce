"""Make the trail's event about an answer that gives a partner content, or confirms what it has."""

from __future__ import annotations

from dataclasses import dataclass

from syndicate.model.events import EditionDelivered, Event, ItemDelivered
from syndicate.model.parties import PartnerId
from syndicate.services.delivery.editions import CachedEdition


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a trail line says about the request: its id, method, and the format of the answer."""

    request: str
    method: str
    format: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One answer to a partner: what leaves, to whom, by whose key or act, and how."""

    edition: CachedEdition
    partner: PartnerId
    jti: str
    """Empty where staff export the item."""
    actor: str
    revision: int
    status: int
    context: RequestContext


def delivered_event(delivery: Delivery) -> Event:
    """Return the event of a trail line: a feed by its digest, an item by its id, version and clause."""
    cached, context = delivery.edition, delivery.context
    edition = cached.edition
    if edition.feed is not None:
        return EditionDelivered(
            partner=delivery.partner,
            jti=delivery.jti,
            feed=cached.name,
            format=context.format,
            use=cached.use.value if cached.use is not None else "",
            edition=cached.digest,
            status=delivery.status,
            method=context.method,
            request=context.request,
        )
    item = edition.items[0]
    return ItemDelivered(
        partner=delivery.partner,
        jti=delivery.jti,
        item=item.id,
        version=item.version,
        use=item.use.value,
        clause=item.clause,
        status=delivery.status,
        method=context.method,
        request=context.request,
        mandate=item.mandate,
    )
