"""Write an edition as RSS 2.0, by the RSS Advisory Board's profile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from feedgen.feed import FeedGenerator

from syndicate.formats import feed_metadata
from syndicate.formats.clean import address, clean, one_line
from syndicate.formats.feedgen_extension import (
    ATOM,
    DC,
    DCTERMS,
    HISTORY,
    Element,
    RssExtension,
    UnwrittenTime,
)
from syndicate.formats.media_topics import VOCABULARY
from syndicate.formats.rendered_text import RenderedText, render_text
from syndicate.formats.timestamps import rfc822, rfc3339, whole
from syndicate.formats.usage_terms import rights_line, terms_address
from syndicate.formats.written_items import OF_THE_AGREEMENT, WrittenItems, joined
from syndicate.stamping import Edition, StampedItem

MINUTES_TO_LIVE: Final = 5
"""How long a reader may keep a public feed; agrees with the answer's `max-age` of 300 seconds."""

_NEVER: Final = UnwrittenTime.fromisoformat("2018-01-22T00:00:00+00:00")


_ITEM: Final = re.compile(rb" *<item>.*?</item>\n", re.DOTALL)
_WRITTEN: Final = WrittenItems(without=OF_THE_AGREEMENT)


def write(edition: Edition) -> bytes:
    """Write the edition as an RSS channel: full text in `content:encoded`, the stamp after each text."""
    return joined(edition, _WRITTEN, _write, _ITEM)


def _write(edition: Edition, items: Sequence[StampedItem]) -> bytes:
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
    own = feed_metadata.own_address(edition, "rss")
    if own is not None:
        feed.repairs.elements.append(_link("self", "application/rss+xml", own))
    feed.repairs.elements.append(_link("license", "text/html", terms_address(publisher)))
    archive = feed_metadata.archive_links(edition, "rss")
    feed.repairs.elements.extend(_link(rel, "application/rss+xml", href) for rel, href in archive)
    if edition.archive.own is not None:
        feed.repairs.elements.append(Element(f"{{{HISTORY}}}archive"))
    for item in items:
        _add(feed, edition, item, render_text(item, publisher))
    written: bytes = feed.rss_str(pretty=True)
    return written


def _add(feed: Any, edition: Edition, item: StampedItem, rendered: RenderedText) -> None:
    publisher = edition.publisher
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


def _link(rel: str, kind: str, href: str) -> Element:
    return Element(f"{{{ATOM}}}link", None, {"href": href, "rel": rel, "type": kind})
