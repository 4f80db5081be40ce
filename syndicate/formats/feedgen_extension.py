"""Extensions of feedgen: elements that it cannot write, and corrections of those that it writes wrongly.

feedgen 1.0 drops `rel` and `type` of an Atom entry's links, takes the last link for an RSS channel's,
writes no byline or rights to RSS, dates a feed by the wall clock, and formats dates by switching the
locale of the whole process. So links, dates and rights are written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

ATOM: Final = "http://www.w3.org/2005/Atom"
TOMBSTONES: Final = "http://purl.org/atompub/tombstones/1.0"
HISTORY: Final = "http://purl.org/syndication/history/1.0"
DC: Final = "http://purl.org/dc/elements/1.1/"
DCTERMS: Final = "http://purl.org/dc/terms/"
MEDIA: Final = "http://search.yahoo.com/mrss/"
ITUNES: Final = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST: Final = "https://podcastindex.org/namespace/1.0"


@dataclass(frozen=True, slots=True)
class Element:
    """An element to write: its name (with `{namespace}` where it has one), text, attributes, children."""

    name: str
    text: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Element, ...] = ()


class UnwrittenTime(datetime):
    """A datetime that is falsy, so feedgen stores it but writes nothing.

    feedgen would write it after switching the process's locale, which other threads see.
    """

    def __bool__(self) -> bool:
        return False


class _FeedExtension:
    """Base class with feedgen's extension interface. Writes `elements`, in order, after feedgen's own."""

    def __init__(self) -> None:
        self.elements: list[Element] = []

    def extend_ns(self) -> dict[str, str]:
        return {}

    def _written(self, namespaces: Mapping[str, str]) -> dict[str, str]:
        """Those of the namespaces that an element is in."""
        return {
            prefix: name
            for prefix, name in namespaces.items()
            if any(one.name.startswith(f"{{{name}}}") for one in self.elements)
        }

    def extend_rss(self, node: etree._Element) -> None:
        channel = node.find("channel")
        _write(self.elements, node if channel is None else channel)

    def extend_atom(self, node: etree._Element) -> None:
        _write(self.elements, node)


class RssExtension(_FeedExtension):
    """Extension of an RSS channel and its items: the elements of other namespaces."""

    def __init__(self) -> None:
        super().__init__()
        self.more_namespaces: dict[str, str] = {}
        """Those that items use beside the usual ones, by prefix. For the channel's extension."""

    def extend_ns(self) -> dict[str, str]:
        """Return the namespaces to declare, by prefix."""
        return {"dc": DC, "dcterms": DCTERMS, **self._written({"fh": HISTORY}), **self.more_namespaces}


class AtomExtension(_FeedExtension):
    """Extension of an Atom feed and its entries: links, an entry's language, tombstones and archives."""

    def __init__(self) -> None:
        super().__init__()
        self.language: str | None = None

    def extend_ns(self) -> dict[str, str]:
        """Return the namespaces to declare, by prefix."""
        return self._written({"at": TOMBSTONES, "fh": HISTORY})

    def extend_atom(self, node: etree._Element) -> None:
        """Write the elements into the feed or entry; feedgen calls this."""
        # feedgen demands an alternate link before it writes an entry, and loses its `rel` and `type`.
        for link in node.findall("link"):
            node.remove(link)
        if self.language is not None:
            node.set("{http://www.w3.org/XML/1998/namespace}lang", self.language)
        super().extend_atom(node)


def _write(elements: Iterable[Element], parent: etree._Element) -> None:
    for element in elements:
        node = etree.SubElement(parent, element.name, dict(element.attributes))
        node.text = element.text
        _write(element.children, node)
