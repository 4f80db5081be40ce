"""The rules that the W3C's feed validator holds an RSS feed to, as far as our feeds could break them.

The validator itself is in no registry. So its documentation and its messages are the source of these rules:
errors and warnings alike, of RSS 2.0, the RSS Advisory Board's profile, Media RSS 1.1 and Apple's elements.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d [+-]\d{4}"
)
_LANGUAGE = re.compile(r"[a-z]{2}(-[a-z0-9]{2,8})*")
_ONCE_IN_ITEM = ("title", "link", "description", "guid", "pubDate", "source", CONTENT)
_DC = "{http://purl.org/dc/elements/1.1/}"
_SAME_MEANING = {"pubDate": "date", "author": "creator", "category": "subject", "source": "source"}
"""Elements of an item, and the Dublin Core elements that mean the same: an item has one of the two."""
_MEDIA = "{http://search.yahoo.com/mrss/}"
_KNOWN_OF_MEDIA = {
    *("adult", "category", "content", "copyright", "credit", "description", "group", "hash", "keywords"),
    *("player", "rating", "restriction", "text", "thumbnail", "title"),
}
"""Media RSS 1.1: `rights`, `license`, `community` and others came later, and are errors."""
_MEDIA_ATTRIBUTES = {
    "content": (
        "bitrate channels duration expression fileSize framerate height isDefault lang medium samplingrate"
        " type url width"
    ),
    "thumbnail": "height time url width",
    "copyright": "url",
    "credit": "role scheme",
    "title": "type",
    "description": "type",
    "group": "",
}
_NUMBERS = ("fileSize", "duration", "width", "height")
_ROLES = frozenset({"photographer", "reporter", "author", "distribution company"})
"""Those of the EBU's roles that we write; the validator knows them."""
_ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
_CATEGORIES = frozenset({"News", "Education", "Government", "Business", "Society & Culture"})
"""Some of Apple's categories."""
_KNOWN_FILES = ("mp3", "m4a", "mp4", "m4v", "mov", "pdf", "epub")
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_ONCE_IN_CHANNEL = ("title", "link", "description", "language", "copyright", "lastBuildDate", "generator")


def broken_rules(body: bytes, *, served: bool = True) -> list[str]:
    """Every rule that this RSS document breaks, in words; none is an empty list.

    `served` is whether a feed address serves it, so that it must name it.
    """
    root = etree.fromstring(body)
    broken: list[str] = []
    if root.tag != "rss" or root.get("version") != "2.0":
        broken.append("the root is not rss 2.0")
    channel = root.find("channel")
    if channel is None:
        return [*broken, "there is no channel"]
    broken += _counts(channel, _ONCE_IN_CHANNEL)
    broken += [
        f"channel: {name} is missing"
        for name in ("title", "link", "description")
        if not _said(channel, name)
    ]
    if not _LANGUAGE.fullmatch(_said(channel, "language")):
        broken.append("the language is no language tag in small letters")
    selves = [link for link in channel.findall(f"{ATOM}link") if link.get("rel") == "self"]
    if len(selves) != (1 if served else 0):
        broken.append("there is not exactly one atom:link rel=self")
    broken += [
        f"self: wrong type {one.get('type')}" for one in selves if one.get("type") != "application/rss+xml"
    ]
    children = [child.tag for child in channel]
    if "item" in children and set(children[children.index("item") :]) != {"item"}:
        broken.append("a channel element follows an item")
    for node in root.iter():
        broken += _addresses(node) + _dates(node)
    broken += [one for node in root.iter() for one in _media(node)]
    if any(str(node.tag).startswith(_ITUNES) for node in root.iter()):
        broken += _podcast(channel)
    guids = [_said(item, "guid") for item in channel.findall("item")]
    if len(set(guids)) != len(guids):
        broken.append("a guid stands twice in the feed")
    for item in channel.findall("item"):
        broken += _item(item)
    return broken


def _item(item: etree._Element) -> list[str]:
    broken = _counts(item, _ONCE_IN_ITEM)
    tags = [child.tag for child in item]
    guid = item.find("guid")
    if guid is None or not guid.text:
        broken.append("an item has no guid")
    elif guid.get("isPermaLink") != "false" and not guid.text.startswith("http"):
        broken.append("a permanent link is no address")
    if not _said(item, "title") and not _said(item, "description"):
        broken.append("an item has neither title nor description")
    broken += [
        f"an item has both {own} and dc:{other}"
        for own, other in _SAME_MEANING.items()
        if own in tags and f"{_DC}{other}" in tags
    ]
    if CONTENT in tags and ("description" not in tags or tags.index("description") > tags.index(CONTENT)):
        broken.append("description does not stand before content:encoded")
    if item.find("author") is not None and "@" not in _said(item, "author"):
        broken.append("an author is no e-mail address")
    broken += ["an element is empty"] * sum(
        not (child.text or "").strip() and not child.attrib and not len(child) for child in item
    )
    return broken


def _media(node: etree._Element) -> list[str]:
    """What Media RSS and enclosures break."""
    if node.tag == "item":
        return ["there is more than one enclosure"] * (len(node.findall("enclosure")) > 1)
    if node.tag == "enclosure":
        broken = [
            f"enclosure: {name} is missing" for name in ("url", "length", "type") if not node.get(name)
        ]
        if not re.fullmatch(r"[1-9]\d*", node.get("length", "")) or not _TYPE.fullmatch(
            node.get("type", "")
        ):
            broken.append("enclosure: no length or type")
        return broken
    if not str(node.tag).startswith(_MEDIA):
        return []
    name = str(node.tag).removeprefix(_MEDIA)
    if name not in _KNOWN_OF_MEDIA:
        return [f"media:{name} is not known"]
    broken = [
        f"media:{name} has an attribute {one}"
        for one in map(str, node.attrib)
        if one not in _MEDIA_ATTRIBUTES.get(name, "").split()
    ]
    broken += [
        f"media:{name}: {one} is no number above 0"
        for one in _NUMBERS
        if node.get(one) is not None and not re.fullmatch(r"[1-9]\d*", node.get(one, ""))
    ]
    if name == "group" and len(node.findall(f"{_MEDIA}content")) < 2:
        broken.append("media:group has no alternatives")
    if name == "thumbnail" and not node.get("url"):
        broken.append("media:thumbnail has no url")
    if name == "content" and (
        node.get("medium") not in (None, "image", "audio", "video", "document", "executable")
        or not _TYPE.fullmatch(node.get("type", "x/y"))
    ):
        broken.append("media:content: no medium or type")
    if name == "credit" and node.get("role") is not None and node.get("role") not in _ROLES:
        broken.append(f"media:credit: {node.get('role')} is no role")
    parent = node.getparent()
    if (
        name in ("title", "copyright", "description")
        and parent is not None
        and len(parent.findall(node.tag)) > 1
    ):
        broken.append(f"media:{name} stands twice")
    return broken


def _podcast(channel: etree._Element) -> list[str]:
    """What a channel with Apple's elements breaks."""
    broken = [
        f"itunes:{name} is missing"
        for name in ("category", "explicit", "owner", "image", "author")
        if channel.find(f"{_ITUNES}{name}") is None
    ]
    owner = channel.find(f"{_ITUNES}owner")
    if owner is not None and "@" not in (owner.findtext(f"{_ITUNES}email") or ""):
        broken.append("itunes:owner has no e-mail address")
    broken += [
        f"itunes:category: {one.get('text')} is none"
        for one in channel.findall(f"{_ITUNES}category")
        if one.get("text") not in _CATEGORIES
    ]
    for node in channel.iter(f"{_ITUNES}explicit"):
        if node.text not in ("true", "false"):
            broken.append("itunes:explicit is neither true nor false")
    for node in channel.iter(f"{_ITUNES}duration"):
        if not re.fullmatch(r"\d+|(\d+:)?[0-5]?\d:[0-5]\d", node.text or ""):
            broken.append("itunes:duration is no length of time")
    for node in channel.iter(f"{_ITUNES}author"):
        if not 0 < len(node.text or "") <= 255:
            broken.append("itunes:author is empty or too long")
    for item in channel.findall("item"):
        enclosure = item.find("enclosure")
        if enclosure is None:
            broken.append("an episode has no enclosure")
        elif enclosure.get("url", "").rpartition(".")[2] not in _KNOWN_FILES:
            broken.append("an enclosure's address does not end as a file that players know")
    return broken


def _counts(node: etree._Element, once: tuple[str, ...]) -> list[str]:
    return [f"{name} stands twice" for name in once if len(node.findall(name)) > 1]


def _addresses(node: etree._Element) -> list[str]:
    found = [node.text] if node.tag in ("link", "docs") else []
    found += [node.get(name) for name in ("href", "url") if node.get(name) is not None]
    return [
        f"{node.tag}: {address!r} is no absolute address"
        for address in found
        if not address
        or urlsplit(address).scheme not in ("http", "https")
        or not urlsplit(address).netloc
        or not address.isascii()
        or re.search(r'[\s<>"]', address)
    ]


def _dates(node: etree._Element) -> list[str]:
    if node.tag not in ("pubDate", "lastBuildDate") or _DATE.fullmatch(node.text or ""):
        return []
    return [f"{node.tag}: {node.text!r} is no date by RFC 822"]


def _said(node: etree._Element, name: str) -> str:
    return (node.findtext(name) or "").strip()
