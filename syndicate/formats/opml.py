"""Write the list of public feeds as OPML 2.0, which feed readers import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from syndicate.formats import feed_metadata
from syndicate.formats.clean import address, one_line
from syndicate.formats.registry import FEED_FORMATS
from syndicate.formats.rendered import Rendered
from syndicate.model.feeds import Feed
from syndicate.model.parties import Publisher

CONTENT_TYPE: Final = "text/x-opml; charset=utf-8"


def opml(publisher: Publisher, feeds: Iterable[Feed]) -> Rendered:
    """List these public feeds in their order, under Chinese titles, in the formats that OPML lists."""
    listed = [(format.id, format.opml_version) for format in FEED_FORMATS.values() if format.opml_version]
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = one_line(f"{publisher.name} · 公开订阅源")
    etree.SubElement(head, "ownerName").text = one_line(publisher.name)
    body = etree.SubElement(root, "body")
    for feed in feeds:
        title = one_line(feed_metadata.feed_title(publisher, feed).zh)
        for suffix, version in listed:
            etree.SubElement(
                body,
                "outline",
                {
                    "type": "rss",
                    "text": title,
                    "title": title,
                    "xmlUrl": feed_metadata.feed_address(publisher, feed.id, suffix, public=True),
                    "htmlUrl": address(publisher.home),
                    "language": publisher.language.lower(),
                    "version": version,
                },
            )
    written = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return Rendered(CONTENT_TYPE, written)
