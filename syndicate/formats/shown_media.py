"""The pictures, sounds and films that a page shows, with whom they credit."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from syndicate.formats.clean import clean, one_line
from syndicate.formats.timestamps import clock_duration
from syndicate.language import Text, size_text
from syndicate.model.item import medium_name
from syndicate.stamping import StampedAssociation, StampedItem


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMedia:
    """One figure of a page.

    `element` is `img`, `audio` or `video`; empty for a file that no element shows. `address` is a path of
    this server, `url` the whole address. `duration` and `size` are for people. `alt` says what a picture
    shows, for who cannot see it. `page` is the path of the media item's own page, None on that page itself.
    """

    element: str
    address: str
    url: str
    content_type: str
    width: int | None
    height: int | None
    duration: str | None
    size: str
    alt: str
    caption: str | None
    credit: str | None
    stamp: str
    medium: Text
    page: str | None


def shown_media(item: StampedItem) -> list[ShownMedia]:
    """What the page of an item shows: its own file, or those of its associations, in order."""
    own = _shown(item, None, None)
    found = [own] if own is not None else []
    for one in item.associations:
        shown = None if one.media is None else _shown(one.media, one, _path(one.media.page))
        found += [shown] if shown is not None else []
    return found


def shown_caption(item: StampedItem) -> str:
    """What is said under a picture, sound or film: its text as far as the recipient may have it."""
    return "\n".join(block.text for block in item.body) or item.abstract


def _shown(item: StampedItem, link: StampedAssociation | None, page: str | None) -> ShownMedia | None:
    if not item.renditions:
        return None
    best = item.renditions[0]
    file = best.rendition
    headline = one_line(item.headline)
    caption = clean((link.caption if link is not None else None) or shown_caption(item)).strip()
    alt = link.alt if link is not None and link.alt is not None else item.alt
    return ShownMedia(
        element=_element(file.content_type),
        address=_path(best.negotiated_address),
        url=best.address,
        content_type=file.content_type,
        width=file.width,
        height=file.height,
        duration=None if file.duration is None else clock_duration(file.duration),
        size=size_text(best.size),
        alt=one_line(alt or "") or one_line(caption) or headline,
        caption=caption or headline if link is not None else (caption or None),
        credit=one_line(item.byline or item.credit or "") or None,
        stamp=item.stamp,
        medium=medium_name(item.medium),
        page=page,
    )


def _element(content_type: str) -> str:
    kind = content_type.partition("/")[0]
    return {"image": "img", "audio": "audio", "video": "video"}.get(kind, "")


def _path(address: str) -> str:
    """The path of an address of this server, so that a page works under whatever name it is asked for."""
    return urlsplit(address).path
