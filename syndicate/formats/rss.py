"""Write an edition as RSS 2.0, by the RSS Advisory Board's profile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from feedgen.feed import FeedGenerator

from syndicate.formats import feed_metadata
from syndicate.formats.attached_media import attached_media
from syndicate.formats.clean import address, clean, one_line
from syndicate.formats.feedgen_extension import (
    ATOM,
    DC,
    DCTERMS,
    HISTORY,
    MEDIA,
    Element,
    RssExtension,
    UnwrittenTime,
)
from syndicate.formats.media_rss import enclosure, media_elements
from syndicate.formats.media_topics import VOCABULARY
from syndicate.formats.rendered_text import render_text
from syndicate.formats.timestamps import rfc822, rfc3339, whole
from syndicate.formats.usage_terms import rights_line, terms_address
from syndicate.formats.written_items import OF_THE_AGREEMENT, WrittenItems, joined
from syndicate.stamping import Edition, StampedItem

MINUTES_TO_LIVE: Final = 5
"""How long a reader may keep a public feed; agrees with the answer's `max-age` of 300 seconds."""

_NEVER: Final = UnwrittenTime.fromisoformat("2018-01-22T00:00:00+00:00")


ITEM: Final = re.compile(rb" *<item>.*?</item>\n", re.DOTALL)
"""An item in the bytes of a channel."""
_WRITTEN: Final = WrittenItems(without=OF_THE_AGREEMENT)


def write(edition: Edition) -> bytes:
    """Write the edition as an RSS channel: full text in `content:encoded`, the stamp after each text."""
    return joined(edition, _WRITTEN, _write, ITEM)


def _write(edition: Edition, items: Sequence[StampedItem]) -> bytes:
    feed = channel(edition, "rss")
    # By all of its items, also those that are not written now: they are joined under the same root.
    if any(item.renditions or item.associations for item in edition.items):
        feed.repairs.more_namespaces["media"] = MEDIA
    for item in items:
        add_item(feed, edition, item)
    written: bytes = feed.rss_str(pretty=True)
    return written


def channel(edition: Edition, extension: str) -> Any:
    """The channel of the edition without its items, at the addresses that end with this extension."""
    publisher = edition.publisher
    feed: Any = FeedGenerator()
    feed.register_extension("repairs", RssExtension, RssExtension, atom=False)
    feed.title(feed_metadata.title(edition))
    feed.description(clean(feed_metadata.description(edition)))
    # The one and only link: feedgen takes the last one, whatever its rel, for the channel's own.
    feed.link(href=address(publisher.home), rel="alternate")
    feed.language(publisher.language.lower())
    feed.copyright(clean(publisher.notice))
    feed.generator("syndicate")
    feed.updated(_NEVER)
    if edition.public and edition.archive.own is None:
        feed.ttl(MINUTES_TO_LIVE)
    feed.repairs.elements.append(Element("lastBuildDate", rfc822(edition.updated)))
    own = feed_metadata.own_address(edition, extension)
    if own is not None:
        feed.repairs.elements.append(_link("self", "application/rss+xml", own))
    feed.repairs.elements.append(_link("license", "text/html", terms_address(publisher)))
    archive = feed_metadata.archive_links(edition, extension)
    feed.repairs.elements.extend(_link(rel, "application/rss+xml", href) for rel, href in archive)
    if edition.archive.own is not None:
        feed.repairs.elements.append(Element(f"{{{HISTORY}}}archive"))
    return feed


def add_item(feed: Any, edition: Edition, item: StampedItem, *, enclosed_alone: bool = False) -> Any:
    """Add the item to the channel, and return feedgen's entry for it.

    `enclosed_alone`: of its files the enclosure alone, without Media RSS.
    """
    publisher = edition.publisher
    rendered = render_text(item, publisher)
    entry = feed.add_entry(order="append")
    entry.title(rendered.headline)
    entry.link(href=rendered.address)
    entry.description(rendered.description, isSummary=True)
    if rendered.html is not None:
        entry.content(rendered.html)
    entry.guid(item.uri, permalink=False)
    for word in dict.fromkeys((one_line(item.channel.name), *rendered.keywords)):
        entry.category(term=word)
    for code in item.channel.media_topics:
        entry.category(term=code, scheme=VOCABULARY)
    outlet_feed = feed_metadata.feed_address(publisher, item.outlet.id, "rss", public=True)
    rights = [
        Element("pubDate", rfc822(item.published)),
        Element("source", rendered.stamp, {"url": outlet_feed}),
        Element(f"{{{DC}}}creator", rendered.byline),
        Element(f"{{{DC}}}contributor", rendered.editor),
        Element(f"{{{DC}}}rights", rights_line(item, publisher).zh),
        # Not the Creative Commons module: its name would promise what no licence of ours does.
        Element(f"{{{DCTERMS}}}license", terms_address(publisher)),
    ]
    if whole(item.updated) != whole(item.published):
        rights.append(Element(f"{{{ATOM}}}updated", rfc3339(item.updated)))
    entry.repairs.elements.extend(element for element in rights if element.text)
    found = attached_media(item)
    enclosed = enclosure(found)
    if enclosed is not None:
        entry.repairs.elements.append(enclosed)
    if not enclosed_alone:
        entry.repairs.elements.extend(media_elements(one, publisher) for one in found)
    return entry


def _link(rel: str, kind: str, href: str) -> Element:
    return Element(f"{{{ATOM}}}link", None, {"href": href, "rel": rel, "type": kind})
