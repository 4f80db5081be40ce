"""Stamp cleared items: the only maker of what serializers accept.

`stamp` cuts an item to the form its clearance releases and puts the stamp on it, so that nothing past
this point can see more than the recipient may have. An `Edition` is what one recipient gets in one
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final, final

from syndicate.errors import ForeignItem, Unstampable
from syndicate.language import Text
from syndicate.model.archives import NO_LINKS, ArchiveLinks
from syndicate.model.changes import ChangeEntry
from syndicate.model.feeds import Feed
from syndicate.model.holds import RecallReason
from syndicate.model.item import Block, Item, ItemId, Medium, tag_uri
from syndicate.model.media import JPEG_ENDING, Rendition, RenditionName
from syndicate.model.parties import Channel, Outlet, Partner, Public, Publisher, Recipient
from syndicate.model.rights import Clause, Form, Quota, Use
from syndicate.policy import Clearance, Refusal, Verdict
from syndicate.policy.lined_renditions import leaving_size, lined_renditions
from syndicate.policy.reasons import HIDDEN

_SEAL: Final = object()
Media = Mapping[ItemId, tuple[Item | None, Verdict | None]]
"""Media items by id, each with the policy's verdict about it."""
NO_MEDIA: Final[Media] = MappingProxyType({})
_UNKNOWN: Final = (None, None)
_PREVIEWS: Final[tuple[RenditionName, ...]] = (RenditionName.PREVIEW, RenditionName.THUMBNAIL)
"""Of which the public gets the first that there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedRendition:
    """A file that the recipient may have, by its address. Its bytes are stamped when they are asked for.

    `visible_line`: the attribution line is drawn on it too. An address that ends in `.jpg` means the JPEG.
    """

    rendition: Rendition
    address: str
    visible_line: bool = False

    @property
    def negotiated_address(self) -> str:
        """Where who asks for a smaller type of the picture gets it, for pages."""
        return self.address.removesuffix(JPEG_ENDING)

    @property
    def has_webp(self) -> bool:
        """Whether it leaves as WebP too. A line is drawn on the JPEG alone."""
        return self.rendition.made_jpeg and not self.visible_line

    @property
    def size(self) -> int:
        """Bytes of the file with the stamp inside."""
        return leaving_size(self.rendition, self.visible_line) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedAssociation:
    """A story's link to a media item, as one recipient may know it.

    `media` is None where the recipient may know that there is one, and may not have it. `caption` and `alt`
    are the story's own, None without `media`. `place` is the number of body blocks that stand before it.
    """

    uri: str
    id: ItemId
    medium: Medium
    place: int
    caption: str | None
    alt: str | None
    media: StampedItem | None


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
    renditions: tuple[StampedRendition, ...]
    """The files of a picture, sound or film that the recipient may have."""
    associations: tuple[StampedAssociation, ...]
    """The media of a story in full text; for the public, the previews of them."""
    credit: str | None
    alt: str | None
    """What a picture shows, for who cannot see it; None where the recipient has no file of it."""
    file_name: str | None
    digital_source_type: str | None
    embargoed_until: datetime | None
    """The recipient has it early and may publish nothing of it before."""
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only stamping.stamp() makes a StampedItem")


def stamp(clearance: Clearance, publisher: Publisher, media: Media = NO_MEDIA) -> StampedItem:
    """Stamp what was cleared. Raises Unstampable where the item cannot carry the publisher's stamp.

    `media` has each media item of a story with the verdict about it, for the same recipient. One that is
    not among them leaves no trace, and neither does one that the recipient must not know of. Raises
    ForeignItem for a verdict for somebody else.
    """
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
    renditions = _renditions(clearance, publisher)
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
        renditions=renditions,
        associations=tuple(_associations(clearance, publisher, media)),
        credit=item.credit,
        alt=item.alt if renditions else None,
        file_name=item.file_name,
        digital_source_type=item.digital_source_type,
        embargoed_until=clearance.embargoed_until,
        seal=_SEAL,
    )


def with_addresses(
    item: StampedItem, address: Callable[[StampedItem, StampedRendition], str]
) -> StampedItem:
    """Return the item with other addresses of its files, and of those of its associations."""
    if not item.renditions and not item.associations:
        return item
    return replace(
        item,
        renditions=tuple(replace(one, address=address(item, one)) for one in item.renditions),
        associations=tuple(
            one if one.media is None else replace(one, media=with_addresses(one.media, address))
            for one in item.associations
        ),
        seal=_SEAL,
    )


def _renditions(clearance: Clearance, publisher: Publisher) -> tuple[StampedRendition, ...]:
    """The files that the clearance releases and that can leave as they must; one for the public."""
    item, base = clearance.item, publisher.base_url
    lined = lined_renditions(clearance, publisher)
    found = {
        one.name: one
        for one in item.renditions
        if one.name in clearance.renditions and leaving_size(one, one.name in lined) is not None
    }
    if isinstance(clearance.recipient, Public):
        shown = [one for one in _PREVIEWS if one in found][:1]
        addresses = dict.fromkeys(shown, f"{base}/items/{item.id}/preview")
    else:
        addresses = {name: f"{base}/licensed/media/{item.id}/{name}" for name in found}
    return tuple(
        StampedRendition(
            rendition=found[name],
            address=address + (JPEG_ENDING if found[name].made_jpeg else ""),
            visible_line=name in lined,
        )
        for name, address in addresses.items()
    )


def _associations(clearance: Clearance, publisher: Publisher, media: Media) -> Iterator[StampedAssociation]:
    item, recipient = clearance.item, clearance.recipient
    if clearance.form is not Form.FULL and not isinstance(recipient, Public):
        return
    for one in item.associations:
        known, verdict = media.get(one.item, _UNKNOWN)
        if known is None or verdict is None:
            continue
        stamped = None
        if isinstance(verdict, Clearance):
            if (verdict.recipient, verdict.item.id) != (recipient, one.item):
                raise ForeignItem(
                    Text(
                        "关联媒体不是为这一接收方审核的",
                        "a story's media must be cleared for the story's recipient",
                    )
                )
            try:
                stamped = stamp(verdict, publisher)
            except Unstampable:
                continue
            # Who may have none of its files gets nothing else of it either.
            stamped = stamped if stamped.renditions else None
        elif verdict.recall is not None or verdict.reason in HIDDEN:
            continue
        if stamped is None and isinstance(recipient, Public):
            continue
        yield StampedAssociation(
            uri=tag_uri(publisher.authority, one.item),
            id=one.item,
            medium=known.medium,
            place=min(one.place, len(item.body)),
            # A caption is the text of a picture: the public has its abstract.
            caption=one.caption if stamped is not None and isinstance(recipient, Partner) else None,
            alt=one.alt if stamped is not None else None,
            media=stamped,
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
    `until` is the next time at which the edition may change. Raises ForeignItem for somebody else's item.
    """

    publisher: Publisher
    recipient: Recipient
    feed: Feed | None
    items: tuple[StampedItem, ...]
    updated: datetime
    until: datetime | None
    tombstones: tuple[Tombstone, ...] = ()
    """Of recalled items that this recipient could have read here, newest publication first."""
    archive: ArchiveLinks = NO_LINKS

    def __post_init__(self) -> None:
        recipients = [item.recipient for item in self.items] + [one.recipient for one in self.tombstones]
        if any(one != self.recipient for one in recipients):
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
