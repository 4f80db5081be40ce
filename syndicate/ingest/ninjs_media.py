"""Read the files of a ninjs document: its own renditions, and those of the media associated with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from syndicate.characters import line
from syndicate.ingest.draft import Draft
from syndicate.ingest.media_elements import is_remote, tidy_source
from syndicate.ingest.media_references import MediaReference
from syndicate.ingest.properties import Properties
from syndicate.language import Text
from syndicate.model.item import Medium
from syndicate.model.notes import Note
from syndicate.model.parties import Publisher

_MEDIA: Final = {medium.value: medium for medium in Medium if medium is not Medium.TEXT}
ALT: Final = "altText"
"""The role of a description that says what a picture shows, for who cannot see it."""
_ORIGINAL: Final = "original"
_PLACE: Final = re.compile(r"body:(\d{1,5})")
"""How our exports say in `rel` behind how many blocks of the body an association stands."""
_LONGEST_HREF: Final = 2000


@dataclass(frozen=True, slots=True)
class NinjsMedia:
    """The files that a document names, in its order, and a note about what has no file."""

    references: tuple[MediaReference, ...]
    notes: tuple[Note, ...]


def media_in(
    document: Properties, medium: Medium, read: Callable[[Properties], Draft], publisher: Publisher
) -> NinjsMedia:
    """Return the media of a document of this medium; `read` reads an association, with faults of its own.

    Places are as the document says them, not yet bounded by its body.
    """
    renditions = document.objects("renditions")
    found: list[MediaReference] = []
    left_out = 0
    if medium is Medium.TEXT:
        left_out = len(renditions)
    elif (source := _file(renditions)) is not None:
        found.append(MediaReference(source=source, medium=medium, place=0, itself=True))
    else:
        left_out = len(renditions)
    for one in document.objects("associations"):
        kind = _MEDIA.get(one.text("type"))
        inner = one.apart()
        source = _file(inner.objects("renditions"))
        if kind is None or source is None:
            left_out += 1
            continue
        own = read(inner)
        holder = one.text("copyrightHolder")
        place = _PLACE.fullmatch(one.text("rel"))
        found.append(
            MediaReference(
                source=source,
                medium=kind,
                place=int(place[1]) if place is not None else 0,
                caption=_caption(inner) or " ".join(block.text for block in own.body) or None,
                credit=holder if holder and holder != publisher.name else None,
                byline=own.byline,
                headline=own.headline or None,
                alt=_alt(inner),
                own=own,
            )
        )
    return NinjsMedia(tuple(found), tuple(_left_out(left_out)))


def _file(renditions: Sequence[Properties]) -> str | None:
    """Choose the file: one beside the document before one on the web, the original before the largest."""
    files = [
        (not is_remote(href), one.text("name") == _ORIGINAL, one.number("width"), href)
        for one in renditions
        if 0 < len(href := one.text("href")) <= _LONGEST_HREF
    ]
    return tidy_source(max(files)[3]) if files else None


def _caption(document: Properties) -> str | None:
    said = {one.text("role"): one.text("value") for one in reversed(document.objects("descriptions"))}
    return said.get("caption") or said.get("") or said.get("summary") or None


def _alt(document: Properties) -> str | None:
    said = (one.text("value") for one in document.objects("descriptions") if one.text("role") == ALT)
    return line(next(said, "")) or None


def _left_out(count: int) -> list[Note]:
    if not count:
        return []
    said = Text(f"{count} 个附件未收入", f"renditions or associated items left out: {count}")
    return [Note("associations_left_out", "associations", said)]
