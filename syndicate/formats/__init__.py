"""The way out: one edition, for one recipient, written in the format it was asked for.

rss, atom, jsonfeed      feeds
ninjs, html              one item, for programs and for people
sequence                 a page of a partner's change sequence
opml                     the list of public feeds
galley, masthead, terms  what they all say alike: texts with the stamp, a feed's head, the rights
recalls                  what they say alike of items that were called back
repairs                  what feedgen gets wrong, put right

Pure: the same edition is always the same bytes. Nothing here takes an item that was not stamped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from syndicate.formats import atom, html, jsonfeed, ninjs, rss
from syndicate.formats.opml import opml
from syndicate.formats.rendered import Rendered
from syndicate.stamping import Edition

FEED_FORMATS: Mapping[str, Callable[[Edition], Rendered]] = MappingProxyType(
    {"rss": rss.render, "atom": atom.render, "json": jsonfeed.render}
)
"""How a feed can be written, by the extension of its address."""

ITEM_FORMATS: Mapping[str, Callable[[Edition], Rendered]] = MappingProxyType(
    {"ninjs": ninjs.render, "html": html.render, **FEED_FORMATS}
)
"""How a single item can be written: an edition with `feed` None and exactly one item.

Each raises ValueError for an edition without a feed that has another number of items.
"""

__all__ = ["FEED_FORMATS", "ITEM_FORMATS", "Rendered", "opml"]
