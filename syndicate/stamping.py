"""The stamp: the only way for a cleared item to become something that can be written down.

`stamp` cuts an item to the form its clearance releases and puts the stamp on it, so that nothing past
this point can see more than the recipient may have. An `Edition` is what one recipient gets in one
answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import InitVar, dataclass
from datetime import datetime
from typing import Final, final

from syndicate.errors import ForeignItem, Unstampable
from syndicate.language import Text
from syndicate.model.feeds import Feed
from syndicate.model.item import Block, ItemId, Medium, canonical_json, tag_uri
from syndicate.model.parties import Channel, Outlet, Public, Publisher, Recipient, recipient_id
from syndicate.model.rights import Form, Use
from syndicate.policy import Clearance

_SEAL: Final = object()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StampedItem:
    """An item ready to leave, for one recipient, cut to its form. Only `stamp` makes one.

    `body` is empty for the summary form, whatever the item has. `address` is where it was first
    published, or our own page of it. `stamp` stands apart from the text: each serializer puts it where
    the contract (section 6) wants it.
    """

    uri: str
    id: ItemId
    version: int
    recipient: Recipient
    use: Use
    form: Form
    clause: str
    stamp: str
    headline: str
    abstract: str
    body: tuple[Block, ...]
    source: str
    outlet: Outlet
    channel: Channel
    medium: Medium
    byline: str | None
    editor: str | None
    published: datetime
    updated: datetime
    address: str
    page: str
    language: str
    keywords: tuple[str, ...]
    take_down: datetime | None
    may_edit: bool
    licence: str | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only stamping.stamp() makes a StampedItem")


def stamp(clearance: Clearance, publisher: Publisher) -> StampedItem:
    """Stamp what was cleared. Raises Unstampable where the item cannot carry the publisher's stamp."""
    item = clearance.item
    outlet = publisher.outlet(item.outlet)
    channel = publisher.channel(item.channel)
    if outlet is None or channel is None:
        raise Unstampable(
            Text(
                f"稿件 {item.id} 的媒体或频道不在设置中",
                f"item {item.id}: its outlet or channel is not in the settings",
            )
        )
    if not publisher.stamp.strip() or not item.headline.strip():
        raise Unstampable(
            Text(f"稿件 {item.id} 没有可用的来源标注", f"item {item.id}: there is no stamp to put on it")
        )
    page = f"{publisher.base_url}/items/{item.id}"
    full = clearance.form is Form.FULL
    return StampedItem(
        uri=tag_uri(publisher.authority, item.id),
        id=item.id,
        version=item.version,
        recipient=clearance.recipient,
        use=clearance.use,
        form=clearance.form,
        clause=clearance.clause,
        stamp=publisher.stamp,
        headline=item.headline,
        abstract=item.abstract,
        body=item.body if full else (),
        source=item.source,
        outlet=outlet,
        channel=channel,
        medium=item.medium,
        byline=item.byline,
        editor=item.editor,
        published=item.published,
        updated=item.updated,
        address=item.address or page,
        page=page,
        language=item.language,
        keywords=item.keywords,
        take_down=clearance.take_down,
        may_edit=clearance.may_edit,
        licence=clearance.licence,
        seal=_SEAL,
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What one recipient gets in one answer: a feed, or a single item (`feed` is None).

    `updated` moves whenever the content does, also when an item leaves: validators are made from it.
    `until` is the next moment at which the edition may be another one. Raises ForeignItem for an item
    that was stamped for somebody else.
    """

    publisher: Publisher
    recipient: Recipient
    feed: Feed | None
    items: tuple[StampedItem, ...]
    updated: datetime
    until: datetime | None

    def __post_init__(self) -> None:
        for item in self.items:
            if item.recipient != self.recipient:
                raise ForeignItem(
                    Text(
                        "稿件不是为这一接收方标注的",
                        "an edition holds only items that were stamped for its recipient",
                    )
                )

    @property
    def public(self) -> bool:
        """Whether this is the public's."""
        return isinstance(self.recipient, Public)


def manifest(recipient: Recipient, feed: Feed | None, items: Iterable[StampedItem]) -> bytes:
    """Exactly what an edition gave, as canonical JSON: for each item its version, use and clause."""
    return canonical_json(
        {
            "recipient": recipient_id(recipient),
            "feed": feed.id if feed is not None else None,
            "items": [[item.id, item.version, item.use.value, item.clause] for item in items],
        }
    )


def manifest_digest(content: bytes) -> str:
    """The name of a manifest: SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()
