"""Write one item as ninjs 3.1 (IPTC), or what remains of a recalled one."""

from __future__ import annotations

from typing import Any, Final

from syndicate.formats import feed_metadata, media_topics, recall_notices
from syndicate.formats.clean import address, clean, one_line
from syndicate.formats.rendered import json_body
from syndicate.formats.rendered_text import RenderedText, render_text
from syndicate.formats.timestamps import SECOND, rfc3339, rounded_up
from syndicate.formats.usage_terms import rights_line, rights_under, terms_address, usage_terms
from syndicate.model.item import medium_name
from syndicate.model.media import rendition_title
from syndicate.model.parties import Publisher
from syndicate.stamping import Edition, StampedAssociation, StampedItem, StampedRendition, Tombstone

_SCHEMA: Final = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#"
_STANDARD: Final = {"name": "ninjs", "version": "3.1", "schema": _SCHEMA}
_ALT: Final = "altText"
_ROLES: Final = "http://cv.iptc.org/newscodes/contentprodpartyrole/"


def write(edition: Edition) -> bytes:
    """Write the edition's one item. Raises ValueError where it has another number of them."""
    return json_body(document(feed_metadata.only_item(edition), edition.publisher))


def document(item: StampedItem, publisher: Publisher) -> dict[str, Any]:
    """The item as a ninjs object: only properties that the 3.1 schema knows, none empty."""
    rendered = render_text(item, publisher)
    embargo = item.embargoed_until
    published = rfc3339(item.published)
    written: dict[str, Any] = {
        "uri": item.uri,
        "standard": _STANDARD,
        "type": item.medium.value,
        "representationType": "full" if rendered.text is not None else "partial",
        "version": str(item.version),
        "pubStatus": "usable",
        "language": rendered.language,
        "firstCreated": published,
        "versionCreated": published if item.updated is item.published else rfc3339(item.updated),
        "contentCreated": published,
        "embargoedUntil": rfc3339(rounded_up(embargo, SECOND), publisher.zone) if embargo else None,
        "expires": rfc3339(item.take_down) if item.take_down is not None else None,
        "title": rendered.headline,
        "headlines": [{"role": "main", "contentType": "text/plain", "value": rendered.headline}],
        "by": rendered.byline,
        "people": [{"name": rendered.editor, "rel": "editor"}] if rendered.editor is not None else None,
        "descriptions": [_description("summary", rendered.summary), *_alt(item.alt)],
        "bodies": _bodies(rendered),
        "renditions": [_rendition(one) for one in item.renditions],
        "associations": [_association(one, publisher) for one in item.associations],
        "subjects": _subjects(item, rendered, publisher),
        "copyrightHolder": publisher.name,
        "copyrightNotice": rights_line(item, publisher).zh,
        "usageTerms": usage_terms(item, publisher).zh,
        "edNote": rendered.note,
        "rightsInfo": {"linkedRights": terms_address(publisher)},
        "infoSources": _sources(item, rendered, publisher),
        # The schema has no links: the address of first publication is another name of the item.
        "altIds": [
            {"role": "firstPublication", "value": rendered.address},
            {"role": "item", "value": item.id},
        ],
    }
    return {name: value for name, value in written.items() if value not in (None, [])}


def canceled(tombstone: Tombstone, publisher: Publisher) -> dict[str, Any]:
    """A recalled item as a ninjs object with `pubStatus` `canceled`.

    It says which version is canceled, since when, why and by whom. It has no headline and no text.
    """
    return {
        "uri": tombstone.uri,
        "standard": _STANDARD,
        "type": tombstone.medium.value,
        "version": str(tombstone.version),
        "pubStatus": "canceled",
        "language": publisher.language,
        "firstCreated": rfc3339(tombstone.published),
        "versionCreated": rfc3339(tombstone.when, publisher.zone),
        "copyrightHolder": publisher.name,
        "copyrightNotice": rights_under(publisher.stamp, publisher).zh,
        "usageTerms": f"稿件已撤回：不得再使用，已经发布的须撤下。完整条款：{terms_address(publisher)}",
        "edNote": recall_notices.why(tombstone).zh,
        "rightsInfo": {"linkedRights": terms_address(publisher)},
        "infoSources": [_distributor(publisher.stamp, publisher)],
        "altIds": [{"role": "item", "value": tombstone.id}],
    }


def _rendition(one: StampedRendition) -> dict[str, Any]:
    """A file that the recipient may have. Its size is that of the file with the stamp inside."""
    file = one.rendition
    written = {
        "name": file.name.value,
        "href": one.address,
        "contentType": file.content_type,
        "title": rendition_title(file.name).zh,
        "width": file.width,
        "height": file.height,
        "sizeInBytes": one.size,
        "duration": None if file.duration is None else file.duration / 1000,
    }
    return {name: value for name, value in written.items() if value is not None}


def _association(one: StampedAssociation, publisher: Publisher) -> dict[str, Any]:
    """A picture, sound or film of a story; where the recipient may not have it, that there is one.

    The schema has no place in a body: `rel` says behind how many blocks it stands (`body:2`).
    """
    medium, rel = medium_name(one.medium).zh, f"body:{one.place}"
    if one.media is None:
        return {
            "name": f"{medium}（未授权）",
            "rel": rel,
            "uri": one.uri,
            "type": one.medium.value,
            "usageTerms": f"稿件配有{medium}，不在授权范围内，未随稿提供。",
        }
    written = document(one.media, publisher)
    if one.caption is not None:
        caption = _description("caption", clean(one.caption).strip())
        written["descriptions"] = [caption, *written["descriptions"]]
    if one.alt is not None:
        kept = [said for said in written["descriptions"] if said["role"] != _ALT]
        written["descriptions"] = [*kept, *_alt(one.alt)]
    return {"name": written["title"], "rel": rel, **written}


def _description(role: str, text: str) -> dict[str, str]:
    return {"role": role, "contentType": "text/plain", "value": text}


def _alt(alt: str | None) -> list[dict[str, str]]:
    """What a picture shows, for who cannot see it: the schema leaves the roles of descriptions open."""
    said = one_line(alt or "")
    return [_description(_ALT, said)] if said else []


def _subjects(item: StampedItem, rendered: RenderedText, publisher: Publisher) -> list[dict[str, str]]:
    """The channel, what it is about, then the keywords, for which 3.1 has no property of their own."""
    channel = {
        "name": one_line(item.channel.name),
        "rel": "channel",
        "uri": feed_metadata.feed_id(publisher, item.channel.id, public=True),
        "literal": item.channel.id,
    }
    keywords = [{"name": word, "rel": "keyword"} for word in rendered.keywords]
    return [channel, *media_topics.subjects(item.channel), *keywords]


def _bodies(rendered: RenderedText) -> list[dict[str, Any]]:
    if rendered.text is None or rendered.html is None:
        return []
    return [
        {"role": "main", "contentType": "text/html", "value": rendered.html},
        {
            "role": "main",
            "contentType": "text/plain",
            "charCount": len(rendered.text),
            "value": rendered.text,
        },
    ]


def _sources(item: StampedItem, rendered: RenderedText, publisher: Publisher) -> list[dict[str, str]]:
    """Who gave it: the publisher under its stamp, and the outlet under the source line as published."""
    outlet = {
        "name": one_line(item.outlet.name),
        "role": f"{_ROLES}originator",
        "uri": feed_metadata.feed_id(publisher, item.outlet.id, public=True),
        "literal": rendered.source,
    }
    return [
        _distributor(rendered.stamp, publisher),
        {name: value for name, value in outlet.items() if value},
    ]


def _distributor(stamp: str, publisher: Publisher) -> dict[str, str]:
    return {
        "name": publisher.name,
        "role": f"{_ROLES}distributor",
        "uri": address(publisher.home),
        "literal": stamp,
    }
