"""Write an edition as a podcast: RSS 2.0 with the words of Apple Podcasts and of the podcast namespace.

Only what plays is an episode: an item with a sound or film that the recipient may have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID, uuid5

from syndicate.formats import feed_metadata, rss
from syndicate.formats.attached_media import AttachedMedia, attached_media, seconds
from syndicate.formats.clean import address, one_line
from syndicate.formats.feedgen_extension import ITUNES, PODCAST, Element
from syndicate.formats.usage_terms import terms_address
from syndicate.formats.written_items import OF_THE_AGREEMENT, WrittenItems, joined
from syndicate.model.archives import NO_LINKS
from syndicate.model.item import Medium
from syndicate.model.parties import Publisher
from syndicate.stamping import Edition, StampedItem, StampedRendition, with_addresses

EXTENSION: Final = "podcast.rss"
"""The end of the addresses of podcasts."""
_NAMESPACE: Final = UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
"""In which `podcast:guid` of every podcast is made (podcast namespace, `guid`)."""
_LONGEST_LICENCE: Final = 128
"""Characters of the identifier in `podcast:license`."""
_ENDINGS: Final = {"audio/mpeg": ".mp3", "audio/mp4": ".m4a", "video/mp4": ".mp4"}
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_WRITTEN: Final = WrittenItems(without=OF_THE_AGREEMENT)


def write(edition: Edition) -> bytes:
    """Write the edition's episodes as an RSS channel for podcast players."""
    return joined(episodes(edition), _WRITTEN, _write, rss.ITEM)


def episodes(edition: Edition) -> Edition:
    """The edition with those of its items that a podcast player can play. It has no archive."""
    kept = tuple(item for item in edition.items if _played(item) is not None)
    if edition.public:
        kept = tuple(with_addresses(item, _with_ending) for item in kept)
    return replace(edition, items=kept, archive=NO_LINKS)


def _with_ending(_item: StampedItem, one: StampedRendition) -> str:
    """The address with the ending of its type, by which many players tell whether they can play it."""
    return one.address + _ENDINGS.get(one.rendition.content_type, "")


def _played(item: StampedItem) -> AttachedMedia | None:
    """What the enclosure of the item is, if that plays."""
    return next((one for one in attached_media(item) if one.plays), None)


def _write(edition: Edition, items: Sequence[StampedItem]) -> bytes:
    feed = rss.channel(edition, EXTENSION)
    feed.repairs.more_namespaces.update({"itunes": ITUNES, "podcast": PODCAST})
    feed.repairs.elements.extend(_channel(edition))
    for item in items:
        # Players that know Media RSS too (gPodder) would show each file as another episode's.
        entry = rss.add_item(feed, edition, item, enclosed_alone=True)
        entry.repairs.elements.extend(_episode(edition, item))
    written: bytes = feed.rss_str(pretty=True)
    return written


def _channel(edition: Edition) -> list[Element]:
    publisher = edition.publisher
    own = feed_metadata.own_address(edition, EXTENSION)
    elements = [
        _itunes("author", one_line(publisher.name)),
        _itunes("image", href=f"{publisher.base_url}/static/cover.png"),
        _itunes("category", text="News"),
        _itunes("explicit", "false"),
        _itunes("type", "episodic"),
        _podcast("medium", _medium(edition)),
        _licence(publisher),
    ]
    if own is not None:
        elements.append(_podcast("guid", guid(own)))
    if _EMAIL.fullmatch(publisher.contact):
        name = Element(f"{{{ITUNES}}}name", one_line(publisher.name))
        email = Element(f"{{{ITUNES}}}email", publisher.contact)
        elements.append(Element(f"{{{ITUNES}}}owner", children=(name, email)))
        elements.append(_podcast("locked", "yes", owner=publisher.contact))
    return elements


def _episode(edition: Edition, item: StampedItem) -> list[Element]:
    played, publisher = _played(item), edition.publisher
    if played is None:
        raise ValueError("an item without sound or film is no episode")
    length = seconds(played.main.rendition.duration)
    elements = [
        _itunes("author", one_line(item.byline or "") or one_line(publisher.name)),
        _itunes("explicit", "false"),
        _licence(publisher),
    ]
    if length is not None:
        elements.append(_itunes("duration", str(length)))
    if played.small is not None:
        elements.append(_itunes("image", href=played.small.address))
    if played.transcript is not None:
        file = played.transcript
        language = one_line(played.item.language) or publisher.language
        kind = file.rendition.content_type
        elements.append(_podcast("transcript", url=file.address, type=kind, language=language))
    return elements


def guid(own: str) -> str:
    """The identity of a podcast: a version 5 UUID of its address without scheme and slashes at the end.

    (Podcast namespace, `guid`.)
    """
    return str(uuid5(_NAMESPACE, own.partition("://")[2].rstrip("/")))


def _medium(edition: Edition) -> str:
    """What the podcast is made of, as `podcast:medium` has it: `video` for the feed of films."""
    feed = edition.feed
    return "video" if feed is not None and feed.medium is Medium.VIDEO else "podcast"


def _licence(publisher: Publisher) -> Element:
    """A licence of our own: an identifier in small letters, and the address of the rights notice."""
    name = f"{publisher.authority}-terms".lower()[:_LONGEST_LICENCE]
    return _podcast("license", name, url=address(terms_address(publisher)))


def _itunes(name: str, value: str | None = None, /, **attributes: str) -> Element:
    return Element(f"{{{ITUNES}}}{name}", value, attributes)


def _podcast(name: str, value: str | None = None, /, **attributes: str) -> Element:
    return Element(f"{{{PODCAST}}}{name}", value, attributes)
