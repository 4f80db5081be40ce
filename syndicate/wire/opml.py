"""OPML 2.0: every public feed in one file that a feed reader can take in at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from syndicate.model.feeds import Feed
from syndicate.model.parties import Publisher
from syndicate.wire import masthead
from syndicate.wire.clean import address, one_line
from syndicate.wire.rendered import Rendered

CONTENT_TYPE: Final = "text/x-opml; charset=utf-8"


def opml(publisher: Publisher, feeds: Iterable[Feed]) -> Rendered:
    """The public RSS address of each of these feeds, in their order, under Chinese titles."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = one_line(f"{publisher.name} · 公开订阅源")
    etree.SubElement(head, "ownerName").text = one_line(publisher.name)
    body = etree.SubElement(root, "body")
    for feed in feeds:
        title = one_line(masthead.feed_title(publisher, feed).zh)
        etree.SubElement(
            body,
            "outline",
            {
                "type": "rss",
                "text": title,
                "title": title,
                "xmlUrl": masthead.feed_address(publisher, feed.id, "rss", public=True),
                "htmlUrl": address(publisher.home),
                "language": publisher.language.lower(),
                "version": "RSS2",
            },
        )
    written = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return Rendered(CONTENT_TYPE, written)
