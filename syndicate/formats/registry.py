"""The registry of output formats: one record per format, read by everything that offers formats.

Routes take their suffixes from here, content negotiation its media types, pages and OPML their links,
`item export` its choices. A new format is one module with a `write` function and one record here.

A serializer is imported when it is first used, so that the command line can list the formats without
loading feedgen, lxml and Jinja.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from syndicate.formats.rendered import Rendered

if TYPE_CHECKING:
    from syndicate.stamping import ChangesPage, Edition

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Generic[Content]):
    """One format in which content leaves the server.

    Attributes:
        id: The name in `item export --as` and in the trail. A feed format's id is also the suffix of its
            addresses: lower-case letters and digits.
        name: What people call it.
        content_type: The whole value of the Content-Type header. JSON types have no charset.
        write: The serializer. The same content is always the same bytes. Raises ValueError for an edition
            without a feed that has another number of items than one.
        feeds: Whether feeds are served in it. Such a format also writes a single item, as a feed of one.
        also_asked_as: Further media types by which an Accept header may ask for it.
        opml_version: `version` of a feed in the OPML list (OPML 2.0, "What is an outline?"); None for
            formats that OPML does not list.
    """

    id: str
    name: str
    content_type: str
    write: Callable[[Content], bytes]
    feeds: bool = False
    also_asked_as: tuple[str, ...] = ()
    for_players: bool = False
    """Whether players that send no key read it: its files have signed addresses."""
    opml_version: str | None = None
    suffix: str = ""
    """The end of a feed's addresses where that is not the id."""

    @property
    def extension(self) -> str:
        """The end of a feed's addresses, behind the dot."""
        return self.suffix or self.id

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0]

    def render(self, content: Content) -> Rendered:
        """The content as bytes with their content type."""
        return Rendered(self.content_type, self.write(content))


def _rss(edition: Edition) -> bytes:
    from syndicate.formats import rss

    return rss.write(edition)


def _podcast(edition: Edition) -> bytes:
    from syndicate.formats import podcast

    return podcast.write(edition)


def _atom(edition: Edition) -> bytes:
    from syndicate.formats import atom

    return atom.write(edition)


def _json_feed(edition: Edition) -> bytes:
    from syndicate.formats import jsonfeed

    return jsonfeed.write(edition)


def _ninjs(edition: Edition) -> bytes:
    from syndicate.formats import ninjs

    return ninjs.write(edition)


def _html(edition: Edition) -> bytes:
    from syndicate.formats import html

    return html.write(edition)


def _changes(page: ChangesPage) -> bytes:
    from syndicate.formats import changes_page

    return changes_page.write(page)


NINJS: Final = Format(id="ninjs", name="ninjs 3.1", content_type="application/json", write=_ninjs)
"""One item for programs: what the licensed item route serves."""

HTML: Final = Format(
    id="html",
    name="HTML",
    content_type="text/html; charset=utf-8",
    write=_html,
    also_asked_as=("application/xhtml+xml",),
)
"""One item for people."""

FORMATS: Final[dict[str, Format[Edition]]] = {
    format.id: format
    for format in (
        Format(
            id="rss",
            name="RSS",
            content_type="application/rss+xml; charset=utf-8",
            write=_rss,
            feeds=True,
            also_asked_as=("application/xml", "text/xml", "application/rdf+xml"),
            opml_version="RSS2",
        ),
        Format(
            id="atom",
            name="Atom",
            content_type="application/atom+xml; charset=utf-8",
            write=_atom,
            feeds=True,
            also_asked_as=("application/xml", "text/xml"),
        ),
        Format(
            id="json",
            name="JSON Feed",
            content_type="application/feed+json",
            write=_json_feed,
            feeds=True,
            also_asked_as=("application/json",),
        ),
        NINJS,
        HTML,
    )
}
"""Every format of editions by its id, in the order in which people should see them."""

CHANGES: Final = Format(id="changes", name="changes", content_type="application/json", write=_changes)
"""A page of a partner's change sequence. It has one format, so it is not among those to choose from."""


FEED_FORMATS: Final[dict[str, Format[Edition]]] = {
    id: format for id, format in FORMATS.items() if format.feeds
}
"""The formats in which feeds are served, by the suffix of their addresses, in the same order."""


PODCAST: Final = Format(
    id="podcast",
    name="Podcast",
    content_type="application/rss+xml; charset=utf-8",
    write=_podcast,
    feeds=True,
    also_asked_as=("application/xml", "text/xml", "application/rdf+xml"),
    for_players=True,
    suffix="podcast.rss",
)
"""What plays, for podcast players. It stands beside the formats in which every feed is listed."""

SERVED_FORMATS: Final[dict[str, Format[Edition]]] = {
    format.extension: format for format in (*FEED_FORMATS.values(), PODCAST)
}
"""Every format that a feed is served in, by the end of its addresses."""


def accepted_types(format: Format[Content]) -> frozenset[str]:
    """The media types by which an Accept header (RFC 9110, section 12.5.1) may ask for the format.

    A feed is accepted by the media type of any feed format: readers ask for the kind they know best and
    follow an address to another kind all the same (rss-parser sends `application/rss+xml` everywhere).
    """
    alike: Iterable[Format[Content] | Format[Edition]] = (
        FEED_FORMATS.values() if format.feeds else (format,)
    )
    return frozenset(name for one in alike for name in (one.media_type, *one.also_asked_as))


def load_serializers() -> None:
    """Import every serializer with its libraries, as a server does before its first request."""
    for name in ("atom", "changes_page", "html", "jsonfeed", "ninjs", "opml", "podcast", "rss"):
        import_module(f"syndicate.formats.{name}")
