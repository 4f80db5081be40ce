"""Write an edition as JSON Feed 1.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syndicate.formats import feed_metadata, recall_notices
from syndicate.formats.attached_media import AttachedMedia, attached_media, seconds
from syndicate.formats.clean import address, clean, one_line
from syndicate.formats.media_topics import concept_address
from syndicate.formats.rendered import json_body
from syndicate.formats.rendered_text import RenderedText, render_text
from syndicate.formats.timestamps import SECOND, rfc3339, rounded_up
from syndicate.formats.usage_terms import terms_address, usage_terms
from syndicate.formats.written_items import WrittenItems
from syndicate.model.parties import Public
from syndicate.stamping import Edition, StampedAssociation, StampedItem, StampedRendition, Tombstone

_WRITTEN: Final = WrittenItems()
_NO_ITEMS: Final = b"[]}\n"
"""How a feed without items ends: they are the last member."""


def write(edition: Edition) -> bytes:
    """Write the edition as a JSON Feed. What the format has no field for stands in `_syndicate`."""
    publisher = edition.publisher
    recalled = [_recalled(one, edition) for one in recall_notices.gone(edition)]
    links = dict(feed_metadata.archive_links(edition, "json"))
    own = feed_metadata.own_address(edition, "json")
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed_metadata.title(edition),
        "home_page_url": address(publisher.home),
        # What identifies the feed, in all documents of its archive.
        "feed_url": links.get("current", own),
        "next_url": links.get("prev-archive"),
        "description": clean(feed_metadata.description(edition)),
        "language": publisher.language,
        "authors": [{"name": publisher.name, "url": address(publisher.home)}],
        "_syndicate": _without_none(
            {
                "about": terms_address(publisher),
                "stamp": publisher.stamp,
                "rights": clean(publisher.notice),
                "license": terms_address(publisher),
                "updated": rfc3339(edition.updated),
                "recalled": recalled or None,
                "archive": _archive(own, links) if "current" in links else None,
            }
        ),
        "items": [],
    }
    head = json_body(_without_none(feed)).removesuffix(_NO_ITEMS)
    return b"".join((head, b"[", b",".join(_written(edition, item) for item in edition.items), b"]}\n"))


def _archive(own: str | None, links: dict[str, str]) -> dict[str, str | None]:
    """An archive document's own address and its neighbours: the format knows the older one alone."""
    return {"self": own, **{rel.replace("-", "_"): href for rel, href in links.items()}}


def _written(edition: Edition, item: StampedItem) -> bytes:
    """The item as JSON, written now or before."""
    publisher = edition.publisher
    known = _WRITTEN.get(item, publisher)
    if known is None:
        known = json_body(_item(edition, item, render_text(item, publisher))).removesuffix(b"\n")
        if edition.archive.own is None:
            _WRITTEN.keep(item, publisher, known)
    return known


def _recalled(tombstone: Tombstone, edition: Edition) -> dict[str, Any]:
    """What a reader that keeps items must let go of: the format itself has no word for it."""
    written = {
        "id": tombstone.uri,
        "when": rfc3339(tombstone.when, edition.publisher.zone),
        "reason": tombstone.reason.value,
        "note": one_line(tombstone.note or "") or None,
    }
    return _without_none(written)


def _item(edition: Edition, item: StampedItem, rendered: RenderedText) -> dict[str, Any]:
    found = attached_media(item)
    written: dict[str, Any] = {
        "id": item.uri,
        "url": rendered.address,
        "title": rendered.headline,
        "summary": rendered.summary,
        "content_html": rendered.html,
        "content_text": rendered.text if rendered.text is not None else rendered.summary,
        "date_published": rfc3339(item.published),
        "date_modified": rfc3339(item.updated),
        "authors": [{"name": rendered.byline}] if rendered.byline is not None else None,
        "tags": list(dict.fromkeys((one_line(item.channel.name), *rendered.keywords))),
        "language": rendered.language,
        "image": _image(found),
        "attachments": [_attachment(one, file) for one in found for file in one.files] or None,
        "_syndicate": _without_none(_rights(edition, item, rendered)),
    }
    return _without_none(written)


def _image(found: Sequence[AttachedMedia]) -> str | None:
    """The picture that stands for the item: the first picture, else the one of a film."""
    pictures = [one.main if not one.plays else one.small for one in found]
    return next((one.address for one in pictures if one is not None), None)


def _attachment(one: AttachedMedia, file: StampedRendition) -> dict[str, Any]:
    """A file. Files of one title are the same thing in several forms, as the format has it."""
    written = {
        "url": file.address,
        "mime_type": file.rendition.content_type,
        "title": one_line(one.item.headline) or one.item.id,
        "size_in_bytes": file.size,
        "duration_in_seconds": seconds(file.rendition.duration),
    }
    return _without_none(written)


def _association(one: StampedAssociation) -> dict[str, Any]:
    """A story's picture, sound or film, with its place in the body; `available` where it may be had."""
    byline = None if one.media is None else one.media.byline or one.media.credit
    alt = one.alt if one.media is None or one.alt is not None else one.media.alt
    written = {
        "id": one.uri,
        "medium": one.medium.value,
        "place": one.place,
        "caption": clean(one.caption or "").strip() or None,
        "alt": one_line(alt or "") or None,
        "credit": one_line(byline or "") or None,
        "available": one.media is not None,
    }
    return _without_none(written)


def _rights(edition: Edition, item: StampedItem, rendered: RenderedText) -> dict[str, Any]:
    """The item's rights as fields. What an agreement says is between its parties: not for the public."""
    publisher = edition.publisher
    rights: dict[str, Any] = {
        "stamp": rendered.stamp,
        "source": rendered.source,
        "editor": rendered.editor,
        "outlet": {"id": item.outlet.id, "name": item.outlet.name},
        "channel": {"id": item.channel.id, "name": item.channel.name},
        "media_topics": [concept_address(code) for code in item.channel.media_topics] or None,
        "medium": item.medium.value,
        "alt": one_line(item.alt or "") or None,
        "associations": [_association(one) for one in item.associations] or None,
        "version": item.version,
        "note": rendered.note,
        "form": item.form.value,
        "license": terms_address(publisher),
        "usage_terms": usage_terms(item, publisher).zh,
    }
    if not isinstance(item.recipient, Public):
        embargo = item.embargoed_until
        rights |= {
            "use": item.use.value,
            "licence": item.licence,
            "clause": item.clause,
            "may_edit": item.may_edit,
            "take_down": rfc3339(item.take_down) if item.take_down is not None else None,
            "embargoed_until": rfc3339(rounded_up(embargo, SECOND), publisher.zone) if embargo else None,
        }
    return rights


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
