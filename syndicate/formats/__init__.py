"""Serializers: an edition for one recipient becomes bytes in the format that was asked for.

registry                    every format, with its suffix, media types and serializer
rss, atom, jsonfeed         feeds
podcast                     what plays, for podcast players
attached_media, media_rss   the files of an item, and how RSS writes them
ninjs, html                 one item, for programs and for people
changes_page                a page of a partner's change sequence
opml                        the list of public feeds
rendered_text               an item's text with its credits and stamp, shared by all formats
feed_metadata, usage_terms  a feed's title and addresses; what a recipient may do
written_items               items kept as RSS, Atom and JSON Feed write them, to join feeds from
recall_notices              what a feed says about recalled items
feedgen_extension           corrections of what feedgen writes

Pure: the same edition is always the same bytes. Nothing here takes an item without a stamp.
"""

from __future__ import annotations

from syndicate.formats.registry import (
    CHANGES,
    FEED_FORMATS,
    FORMATS,
    HTML,
    NINJS,
    PODCAST,
    SERVED_FORMATS,
    Format,
    accepted_types,
)
from syndicate.formats.rendered import Rendered

__all__ = [
    "CHANGES",
    "FEED_FORMATS",
    "FORMATS",
    "HTML",
    "NINJS",
    "PODCAST",
    "SERVED_FORMATS",
    "Format",
    "Rendered",
    "accepted_types",
]
