"""Write an edition as an Atom feed (RFC 4287), with tombstones (RFC 6721) and archives (RFC 5005)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from feedgen.feed import FeedGenerator

from syndicate.formats import feed_metadata, recall_notices
from syndicate.formats.attached_media import AttachedMedia, attached_media
from syndicate.formats.clean import address, clean, one_line
from syndicate.formats.feedgen_extension import HISTORY, TOMBSTONES, AtomExtension, Element
from syndicate.formats.media_topics import VOCABULARY
from syndicate.formats.rendered_text import RenderedText, render_text
from syndicate.formats.timestamps import rfc3339, whole
from syndicate.formats.usage_terms import rights_line, terms_address
from syndicate.formats.written_items import OF_THE_AGREEMENT, WrittenItems, joined
from syndicate.stamping import Edition, StampedItem, Tombstone

_ENTRY: Final = re.compile(rb" *<entry[ >].*?</entry>\n", re.DOTALL)
_WRITTEN: Final = WrittenItems(without=OF_THE_AGREEMENT)


def write(edition: Edition) -> bytes:
    """Write the edition as an Atom feed (RFC 4287).

    A single item is a feed of one entry: more readers can open that than an entry document.
    """
    return joined(edition, _WRITTEN, _write, _ENTRY)


def _write(edition: Edition, items: Sequence[StampedItem]) -> bytes:
    publisher = edition.publisher
    feed: Any = FeedGenerator()
    feed.register_extension("repairs", AtomExtension, AtomExtension, rss=False)
    feed.id(feed_metadata.edition_id(edition))
    feed.title(feed_metadata.title(edition))
    feed.subtitle(clean(feed_metadata.description(edition)))
    feed.updated(whole(edition.updated))
    feed.author(name=publisher.name, uri=address(publisher.home))
    feed.language(publisher.language)
    feed.rights(clean(publisher.notice))
    feed.generator("syndicate")
    feed.repairs.elements.extend(_feed_links(edition))
    feed.repairs.elements.extend(_deleted(one, edition) for one in recall_notices.gone(edition))
    for item in items:
        _add(feed, edition, item, render_text(item, publisher))
    written: bytes = feed.atom_str(pretty=True)
    return written


def _feed_links(edition: Edition) -> list[Element]:
    publisher = edition.publisher
    links = [
        _link("alternate", "text/html", address(publisher.home)),
        _link("license", "text/html", terms_address(publisher)),
    ]
    own = feed_metadata.own_address(edition, "atom")
    if own is not None:
        links.append(_link("self", "application/atom+xml", own))
    archive = feed_metadata.archive_links(edition, "atom")
    links += [_link(rel, "application/atom+xml", href) for rel, href in archive]
    if edition.archive.own is not None:
        links.append(Element(f"{{{HISTORY}}}archive"))
    return links


def _deleted(tombstone: Tombstone, edition: Edition) -> Element:
    """The tombstone of an entry (RFC 6721, section 3). Of what the entry was it says its identity alone."""
    publisher = edition.publisher
    return Element(
        f"{{{TOMBSTONES}}}deleted-entry",
        None,
        {"ref": tombstone.uri, "when": rfc3339(tombstone.when, publisher.zone)},
        (
            Element(f"{{{TOMBSTONES}}}by", children=(Element("name", one_line(publisher.name)),)),
            Element(f"{{{TOMBSTONES}}}comment", recall_notices.why(tombstone).zh),
        ),
    )


def _add(feed: Any, edition: Edition, item: StampedItem, rendered: RenderedText) -> None:
    publisher = edition.publisher
    entry = feed.add_entry(order="append")
    entry.id(item.uri)
    entry.title(rendered.headline)
    entry.published(whole(item.published))
    entry.updated(whole(item.updated))
    entry.summary(rendered.summary)
    if rendered.html is not None:
        entry.content(rendered.html, type="html")
    if rendered.byline is not None:
        entry.author(name=rendered.byline)
    if rendered.editor is not None:
        entry.contributor(name=rendered.editor)
    entry.category(term=item.channel.id, label=one_line(item.channel.name))
    for word in rendered.keywords:
        entry.category(term=word)
    for code in item.channel.media_topics:
        entry.category(term=code, scheme=VOCABULARY)
    rights = rights_line(item, publisher).zh
    entry.rights(rights)
    entry.link(href=rendered.address, rel="alternate")
    if rendered.language != publisher.language:
        entry.repairs.language = rendered.language
    entry.repairs.elements.extend(
        (
            _link("alternate", "text/html", rendered.address),
            _link("license", "text/html", terms_address(publisher)),
            *(_enclosure(one) for one in attached_media(item)),
            _source(edition, item, rights),
        )
    )


def _enclosure(one: AttachedMedia) -> Element:
    """The link to a picture, sound or film (RFC 4287, section 4.2.7.2)."""
    file = one.main
    title = {"title": one_line(one.item.headline) or one.item.id}
    written = _link("enclosure", file.rendition.content_type, file.address)
    return Element("link", None, {**written.attributes, "length": str(file.size), **title})


def _source(edition: Edition, item: StampedItem, rights: str) -> Element:
    """Where the entry comes from: its outlet's public feed, in the stamp's words (RFC 4287, 4.2.11).

    Its `updated` is the entry's: the last moment of that feed that this item vouches for.
    """
    publisher = edition.publisher
    return Element(
        "source",
        children=(
            Element("id", feed_metadata.feed_id(publisher, item.outlet.id, public=True)),
            Element("title", item.stamp),
            Element("updated", rfc3339(item.updated)),
            Element("author", children=(Element("name", one_line(item.outlet.name)),)),
            _link(
                "self",
                "application/atom+xml",
                feed_metadata.feed_address(publisher, item.outlet.id, "atom", public=True),
            ),
            _link("license", "text/html", terms_address(publisher)),
            Element("rights", rights),
        ),
    )


def _link(rel: str, kind: str, href: str) -> Element:
    return Element("link", None, {"href": href, "rel": rel, "type": kind})
