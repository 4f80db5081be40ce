"""Stamp cleared items: the only maker of what serializers accept.

`stamp` cuts an item to the form its clearance releases and puts the stamp on it, so that nothing past
this point can see more than the recipient may have. An `Edition` is what one recipient gets in one
answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import InitVar, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, final

from syndicate.errors import ForeignItem, Unstampable
from syndicate.language import Text
from syndicate.model.changes import ChangeEntry
from syndicate.model.feeds import Feed
from syndicate.model.holds import RecallReason
from syndicate.model.item import Block, Item, ItemId, Medium, canonical_json, tag_uri
from syndicate.model.parties import Channel, Outlet, Partner, Public, Publisher, Recipient, recipient_id
from syndicate.model.rights import Clause, Form, Quota, Use
from syndicate.policy import Clearance, Refusal

_SEAL: Final = object()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StampedItem:
    """An item ready to be sent to one recipient, cut to its form. Only `stamp` makes one.

    `body` is empty for the summary form, whatever the item has. `address` is where it was first
    published, or our own page of it. `stamp` stands apart from the text: each serializer puts it where
    its format has a place for it (`docs/reference/formats.md`).
    """

    uri: str
    id: ItemId
    version: int
    recipient: Recipient
    use: Use
    form: Form
    clause: Clause
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
    mandate: str
    quota: Quota | None
    note: str | None
    """更正说明: what this version corrects."""
    embargoed_until: datetime | None
    """The recipient has it early and may publish nothing of it before."""
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
    page = _page(publisher.base_url, item.id)
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
        mandate=clearance.mandate,
        quota=clearance.quota,
        note=item.note,
        embargoed_until=clearance.embargoed_until,
        seal=_SEAL,
    )


@lru_cache(maxsize=4_096)
def _page(base_url: str, item: ItemId) -> str:
    """The address of our own page of an item: the same string in the editions of all recipients."""
    return f"{base_url}/items/{item}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What remains of a recalled item, for a recipient that was allowed to have it.

    It has nothing of the item's content. `note` is for partners alone.
    """

    uri: str
    id: ItemId
    version: int
    medium: Medium
    recipient: Recipient
    published: datetime
    when: datetime
    reason: RecallReason
    note: str | None


def make_tombstone(
    item: Item, refusal: Refusal, recipient: Recipient, publisher: Publisher
) -> Tombstone | None:
    """Make the tombstone of an item that the policy refused.

    None unless the item was recalled, and the recipient was allowed to have it before.
    """
    recall = refusal.recall
    if recall is None or refusal.clause is None:
        return None
    return Tombstone(
        uri=tag_uri(publisher.authority, item.id),
        id=item.id,
        version=item.version,
        medium=item.medium,
        recipient=recipient,
        published=item.published.astimezone(publisher.zone),
        when=recall.at,
        reason=recall.reason,
        note=None if isinstance(recipient, Public) else recall.note,
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The content of one answer for one recipient: a feed, or a single item (`feed` is None).

    `updated` moves whenever the content does, also when an item leaves: validators are made from it.
    `until` is the next time at which the edition may change. Raises ForeignItem for an item
    that was stamped for somebody else.
    """

    publisher: Publisher
    recipient: Recipient
    feed: Feed | None
    items: tuple[StampedItem, ...]
    updated: datetime
    until: datetime | None
    tombstones: tuple[Tombstone, ...] = ()
    """Of recalled items that this recipient could have read here, newest publication first."""

    def __post_init__(self) -> None:
        recipients = [item.recipient for item in self.items] + [one.recipient for one in self.tombstones]
        for recipient in recipients:
            if recipient != self.recipient:
                raise ForeignItem(
                    Text(
                        "稿件不是为这一接收方标注的",
                        "an edition holds only items that were stamped for its recipient",
                    )
                )

    @property
    def public(self) -> bool:
        """Whether the recipient is the public."""
        return isinstance(self.recipient, Public)


def manifest(
    recipient: Recipient,
    feed: Feed | None,
    items: Iterable[StampedItem],
    tombstones: Iterable[Tombstone] = (),
) -> bytes:
    """What an edition gave, as canonical JSON.

    For each item its version, use, clause and mandate; and the recalls that it announced, if any.
    """
    given: dict[str, Any] = {
        "recipient": recipient_id(recipient),
        "feed": feed.id if feed is not None else None,
        "items": [given_as(item) for item in items],
    }
    recalled = [[one.id, one.version, one.when.isoformat()] for one in tombstones]
    return canonical_json({**given, "recalled": recalled} if recalled else given)


def given_as(item: StampedItem) -> list[object]:
    """An item as a manifest lists it: item, version, use, clause, mandate."""
    return [item.id, item.version, item.use.value, item.clause, item.mandate]


def manifest_digest(content: bytes) -> str:
    """The name of a manifest: SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesPage:
    """One page of a partner's change sequence.

    Entries in order, each with the item as the partner may have it now, the tombstone of a recalled one, or
    neither.

    `next` is the cursor to ask with after it, `more` that there is more already, `reset` that the
    sequence begins anew, since the cursor asked with was from another one. Raises ForeignItem for an
    entry, item or tombstone of somebody else, and for one that is not of its entry's item.
    """

    publisher: Publisher
    recipient: Partner
    entries: tuple[tuple[ChangeEntry, StampedItem | Tombstone | None], ...]
    next: int
    more: bool
    reset: bool

    def __post_init__(self) -> None:
        for entry, subject in self.entries:
            if entry.partner != self.recipient.id or (
                subject is not None and (subject.recipient, subject.id) != (self.recipient, entry.item)
            ):
                raise ForeignItem(
                    Text(
                        "变更不是为这一接收方记录的，或所附稿件不是它所指的稿件",
                        "a page of changes holds only its recipient's entries, each with its own item",
                    )
                )
