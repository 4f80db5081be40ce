"""What a file says of itself: the fields that a photographer or a newsroom wrote into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syndicate.characters import clean, line

LONGEST_LINE: Final = 500
"""Characters of a field that is one line, such as a headline or a byline."""
LONGEST_CAPTION: Final = 5000
MOST_KEYWORDS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedFields:
    """The fields of a file, cleaned and bounded in length; what the file does not say is None.

    `created` has its zone; a time without one is left out, and a note says so. `digital_source_type` is an
    IPTC term's address, `language` a BCP 47 tag.
    """

    headline: str | None = None
    caption: str | None = None
    byline: str | None = None
    credit: str | None = None
    source: str | None = None
    copyright: str | None = None
    created: datetime | None = None
    keywords: tuple[str, ...] = ()
    digital_source_type: str | None = None
    language: str | None = None


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
