"""Compare the article that was found on a page with the one that an extraction library finds."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from syndicate.characters import clean, line
from syndicate.ingest.furniture import is_disclaimer, is_firm_end, is_prose
from syndicate.ingest.text import folded
from syndicate.language import Text
from syndicate.model.item import Block
from syndicate.model.notes import Note, quoted

MOST_COMPARED: Final = 400_000
"""Characters of HTML above which a page is not compared: the library's time grows faster than the page."""
_LEAST: Final = 60
"""Characters of sentences that must differ, and the share of the shorter text, before a note says so."""
_SHARE: Final = 0.2


def second_opinion(html: str, body: Sequence[Block], captions: Sequence[str] = ()) -> tuple[Note, ...]:
    """Return a note where the library's article has sentences that `body` lacks, or the other way round.

    `captions` were taken off the body: they are not missed. The library is readability-lxml, the port of
    the algorithm behind browsers' reader views.
    """
    if len(html) > MOST_COMPARED:
        return ()
    theirs = list(_sentences(_extracted(html)))
    ours = [part for block in body for part in _sentences(block.text)]
    if not theirs or not ours:
        return ()
    more, fewer = _missing(theirs, [*ours, *captions]), _missing(ours, theirs)
    least = max(_LEAST, _SHARE * min(_length(theirs), _length(ours)))
    if _length(more) >= least:
        said = Text(
            f"页面中“{quoted(more[0])}”等 {_length(more)} 字未收入，另一种提取方法认为属于正文；请核对",
            f"“{quoted(more[0])}” and more, {_length(more)} characters in all, were left out;"
            f" another method"
            " of extraction counts them as the article: check the story",
        )
        return (Note("extraction_differs", "body", said),)
    if _length(fewer) >= least:
        said = Text(
            f"正文中“{quoted(fewer[0])}”等 {_length(fewer)} 字，另一种提取方法认为不属于正文；请核对",
            f"“{quoted(fewer[0])}” and more, {_length(fewer)} characters in all, are no part of the article"
            " for another method of extraction: check the story",
        )
        return (Note("extraction_differs", "body", said),)
    return ()


def _extracted(html: str) -> str:
    # Imported here: loading it takes longer than reading a page, and most pages have a known template.
    from lxml.etree import LxmlError
    from lxml.html import fromstring
    from readability import Document
    from readability.readability import Unparseable

    # The library logs a page that it cannot read with a traceback; that page has no second opinion.
    logging.getLogger("readability").disabled = True
    logging.getLogger("readability.readability").disabled = True
    try:
        summary = Document(html).summary(html_partial=True)
        return "\n".join(map(str, fromstring(summary).itertext())) if summary.strip() else ""
    except (Unparseable, LxmlError, ValueError):
        return ""


def _sentences(text: str) -> Iterator[str]:
    for part in clean(text).split("\n"):
        said = line(part)
        if is_prose(said) and not is_firm_end(said) and not is_disclaimer(said):
            yield said


def _missing(wanted: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return the sentences of one text that the other lacks."""
    whole = folded("".join(given))
    return [one for one in wanted if folded(one) not in whole]


def _length(sentences: Sequence[str]) -> int:
    return sum(map(len, sentences))
