"""Say in schema.org's words, for search engines, what an item is and which media its page shows."""

from __future__ import annotations

from typing import Any, Final

from syndicate.formats.clean import address, one_line
from syndicate.formats.rendered_text import RenderedText
from syndicate.formats.shown_media import shown_caption
from syndicate.formats.timestamps import iso_duration, rfc3339
from syndicate.formats.usage_terms import licence_address, rights_line, terms_address
from syndicate.language import size_text
from syndicate.model.item import Medium
from syndicate.model.parties import Public, Publisher
from syndicate.stamping import StampedItem

_PROPERTIES: Final = {"ImageObject": "image", "AudioObject": "audio", "VideoObject": "video"}
"""The property of an article that holds media of each type."""


def news_article(item: StampedItem, rendered: RenderedText, publisher: Publisher) -> dict[str, Any]:
    """The item as NewsArticle, as JSON values.

    It names files only where everybody may have them: those of a partner's page need a key.
    """
    known = _organization(publisher)
    return _without_blanks(
        {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "@id": item.uri,
            "headline": rendered.headline,
            "abstract": rendered.abstract,
            "inLanguage": rendered.language,
            "datePublished": rfc3339(item.published),
            "dateModified": rfc3339(item.updated),
            "author": _person(rendered.byline),
            "editor": _person(rendered.editor),
            "publisher": known,
            "copyrightHolder": known,
            "sourceOrganization": {"@type": "NewsMediaOrganization", "name": one_line(item.outlet.name)},
            "correction": _correction(item, rendered),
            "articleSection": one_line(item.channel.name),
            "keywords": list(rendered.keywords) or None,
            **_public_media(item, publisher),
            **_rights(item, publisher),
            "mainEntityOfPage": rendered.address,
            "url": rendered.address,
        }
    )


def _public_media(item: StampedItem, publisher: Publisher) -> dict[str, list[dict[str, Any]]]:
    """The files that the public page shows, by the property that holds them."""
    if not isinstance(item.recipient, Public):
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    shown = [item, *(one.media for one in item.associations if one.media is not None)]
    for media in shown:
        if media.renditions:
            written = _media_object(media, publisher)
            found.setdefault(_PROPERTIES[written["@type"]], []).append(written)
    return found


def _media_object(media: StampedItem, publisher: Publisher) -> dict[str, Any]:
    """An ImageObject, AudioObject or VideoObject. A sound or film with no preview has its picture alone."""
    best = media.renditions[0]
    file, picture = best.rendition, best.rendition.content_type.startswith("image/")
    own = picture == (media.medium is Medium.PICTURE)
    caption = one_line(shown_caption(media)) or None
    described = "caption" if media.medium is Medium.PICTURE else "description"
    return _without_blanks(
        {
            "@type": _type(media.medium),
            "name": one_line(media.headline),
            described: caption,
            "contentUrl": best.address if own else None,
            "thumbnailUrl": best.address if picture else None,
            "encodingFormat": file.content_type if own else None,
            "contentSize": size_text(best.size) if own else None,
            "width": file.width if own else None,
            "height": file.height if own else None,
            "duration": None if file.duration is None else iso_duration(file.duration),
            "uploadDate": rfc3339(media.published),
            "creator": _person(one_line(media.byline or "")),
            "copyrightHolder": _organization(publisher),
            **_rights(media, publisher),
            "url": address(media.page),
        }
    )


def _type(medium: Medium) -> str:
    return {Medium.AUDIO: "AudioObject", Medium.VIDEO: "VideoObject"}.get(medium, "ImageObject")


def _rights(item: StampedItem, publisher: Publisher) -> dict[str, str]:
    """The stamp, whose it is, and where to get a licence."""
    return {
        "creditText": item.stamp,
        "copyrightNotice": rights_line(item, publisher).zh,
        "license": terms_address(publisher),
        "acquireLicensePage": licence_address(publisher),
    }


def _organization(publisher: Publisher) -> dict[str, str]:
    return {"@type": "NewsMediaOrganization", "name": publisher.name, "url": address(publisher.home)}


def _person(name: str | None) -> dict[str, str] | None:
    return {"@type": "Person", "name": name} if name else None


def _correction(item: StampedItem, rendered: RenderedText) -> dict[str, str] | None:
    if rendered.note is None:
        return None
    return {"@type": "CorrectionComment", "text": rendered.note, "datePublished": rfc3339(item.updated)}


def _without_blanks(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}
