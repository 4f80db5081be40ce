"""Give the files of an edition signed addresses, for players that send no key."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from syndicate.access.media_addresses import AddressSigner, period_of
from syndicate.media.file_types import suffix_of
from syndicate.model.register import Register
from syndicate.services.delivery.editions import CachedEdition
from syndicate.services.delivery.media_delivery import media_address
from syndicate.stamping import StampedItem, StampedRendition, with_addresses


def for_players(
    cached: CachedEdition, signer: AddressSigner, register: Register, base_url: str, now: datetime
) -> CachedEdition:
    """Return the partner's edition with signed addresses; the same one where it has no files.

    Within a period of addresses (`period_of`) it is the same bytes. Its time is not before the period's
    begin, so that whoever has older addresses is not told that nothing changed.
    """
    edition = cached.edition
    if not any(item.renditions or item.associations for item in edition.items):
        return cached

    def address(item: StampedItem, one: StampedRendition) -> str:
        file = one.rendition
        token = signer.sign(media_address(item, file.name, register, now))
        return f"{base_url}/media/{token}{suffix_of(file.content_type)}"

    begun, ends = period_of(now)
    until = ends if edition.until is None else min(edition.until, ends)
    shown = ends if cached.shown_until is None else min(cached.shown_until, ends)
    content = hashlib.sha256(f"{cached.content}\0{begun.isoformat()}".encode()).hexdigest()
    return replace(
        cached,
        edition=replace(
            edition,
            items=tuple(with_addresses(item, address) for item in edition.items),
            updated=max(edition.updated, begun),
            until=until,
        ),
        content=content,
        shown_until=shown,
    )
