"""Write the files of an item as Media RSS, within what the W3C's feed validator knows of it (1.1).

So there is no `media:rights` and no `media:license`: the item's own elements say both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndicate.formats.attached_media import AttachedMedia, seconds
from syndicate.formats.clean import address, one_line
from syndicate.formats.feedgen_extension import MEDIA, Element
from syndicate.formats.usage_terms import rights_line, terms_address
from syndicate.model.item import Medium
from syndicate.model.parties import Publisher
from syndicate.stamping import StampedRendition

_ROLES: Final = {Medium.PICTURE: "photographer", Medium.AUDIO: "reporter", Medium.VIDEO: "reporter"}
"""What the byline of a medium did, in the words of the EBU that the validator knows."""


def enclosure(found: Sequence[AttachedMedia]) -> Element | None:
    """The one enclosure of an RSS item: sound or film if there is any, else the first picture.

    More than one would be against the RSS Advisory Board's profile.
    """
    best = next((one for one in found if one.plays), next(iter(found), None))
    if best is None:
        return None
    file = best.main
    wanted = {"url": file.address, "length": str(file.size), "type": file.rendition.content_type}
    return Element("enclosure", None, wanted)


def media_elements(one: AttachedMedia, publisher: Publisher) -> Element:
    """One picture, sound or film: `media:content`, or a `media:group` of its files."""
    about = _about(one, publisher)
    if len(one.files) == 1:
        return _content(one.main, one, about)
    contents = (_content(file, one, (), default=file is one.main) for file in one.files)
    return Element(_name("group"), children=(*contents, *about))


def _content(
    file: StampedRendition,
    one: AttachedMedia,
    children: tuple[Element, ...],
    *,
    default: bool | None = None,
) -> Element:
    kept = file.rendition
    duration = seconds(kept.duration)
    written = {
        "url": file.address,
        "fileSize": str(file.size),
        "type": kept.content_type,
        "medium": kept.content_type.partition("/")[0],
        "isDefault": None if default is None else str(default).lower(),
        "duration": None if duration is None else str(duration),
        "width": None if kept.width is None else str(kept.width),
        "height": None if kept.height is None else str(kept.height),
        "lang": None if one.item.medium is Medium.PICTURE else one_line(one.item.language) or None,
    }
    attributes = {name: value for name, value in written.items() if value is not None}
    return Element(_name("content"), None, attributes, children)


def _about(one: AttachedMedia, publisher: Publisher) -> tuple[Element, ...]:
    """What is said of all files of a medium: caption or title, small picture, who made it, whose it is.

    The caption is the title: feedparser takes `media:description` for a text of the item itself.
    """
    item = one.item
    byline, credit = one_line(item.byline or ""), one_line(item.credit or "")
    elements = [
        Element(_name("title"), one_line(one.caption or item.headline) or item.id, {"type": "plain"}),
        Element(_name("credit"), byline, {"role": _ROLES.get(item.medium, "author"), "scheme": "urn:ebu"}),
        Element(_name("credit"), credit if credit != byline else ""),
        Element(
            _name("credit"),
            one_line(publisher.name),
            {"role": "distribution company", "scheme": "urn:ebu"},
        ),
        Element(
            _name("copyright"), rights_line(item, publisher).zh, {"url": address(terms_address(publisher))}
        ),
    ]
    small = () if one.small is None else (_thumbnail(one.small),)
    return (*(element for element in elements if element.text), *small)


def _thumbnail(file: StampedRendition) -> Element:
    kept = file.rendition
    sizes = {"width": kept.width, "height": kept.height}
    written = {name: str(value) for name, value in sizes.items() if value is not None}
    return Element(_name("thumbnail"), None, {"url": file.address, **written})


def _name(name: str) -> str:
    return f"{{{MEDIA}}}{name}"
