"""What a file says of itself: the fields that a photographer or a newsroom wrote into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syndicate.characters import clean, line
from syndicate.language import Text
from syndicate.model.notes import Note, quoted

LONGEST_LINE: Final = 500
"""Characters of a field that is one line, such as a headline or a byline."""
LONGEST_CAPTION: Final = 5000
MOST_KEYWORDS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedFields:
    """The fields of a file, cleaned and bounded in length; what the file does not say is None.

    `alt` says what a picture shows, for who cannot see it. `created` has its zone; a time without one is
    left out, and a note says so. `digital_source_type` is an IPTC term's address, `language` a BCP 47 tag.
    `attributions` are all credits and sources that any part of the file says, each once: parts may differ,
    and a file that names somebody else anywhere is not ours.
    """

    headline: str | None = None
    caption: str | None = None
    alt: str | None = None
    byline: str | None = None
    credit: str | None = None
    source: str | None = None
    copyright: str | None = None
    created: datetime | None = None
    keywords: tuple[str, ...] = ()
    digital_source_type: str | None = None
    language: str | None = None
    attributions: tuple[str, ...] = ()


def field_line(text: str | None) -> str | None:
    """A field of one line: cleaned, cut to its length; None where nothing is left."""
    return None if text is None else line(text[: LONGEST_LINE * 4])[:LONGEST_LINE].rstrip() or None


def field_text(text: str | None) -> str | None:
    """A field of several lines: cleaned, cut to its length; None where nothing is left."""
    return None if text is None else clean(text[: LONGEST_CAPTION * 4])[:LONGEST_CAPTION].strip() or None


def field_keywords(found: Iterable[str]) -> tuple[str, ...]:
    """Keywords, each once, in their order, and no more than `MOST_KEYWORDS`."""
    words = dict.fromkeys(word for one in found if (word := field_line(one)) is not None)
    return tuple(words)[:MOST_KEYWORDS]


def zone_missing(text: str) -> Note:
    """The note about a time in a file that says no zone, and was therefore not taken."""
    said = quoted(field_line(text) or "")
    return Note(
        "created_without_zone",
        "published",
        Text(
            f"文件内的时间“{said}”没有时区，未采用；请在旁注文件（.toml）里写明 published",
            f"the time in the file, “{said}”, has no zone and was not used;"
            " say published in a sidecar (.toml)",
        ),
    )
