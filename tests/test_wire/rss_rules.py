"""The rules that the W3C's feed validator holds an RSS feed to, as far as our feeds could break them."""

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
        not (child.text or "").strip() and not child.attrib for child in item
    )
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
