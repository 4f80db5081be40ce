"""Take the text of documents apart: lines, words, paragraphs, and its form for comparison."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Final

from syndicate.characters import clean
from syndicate.ingest.line_cache import cached
from syndicate.model.item import Block, BlockKind

_NEITHER_LETTER_NOR_DIGIT: Final = re.compile(r"[\W_]+")


def lines(text: str) -> list[str]:
    """Split the text into cleaned lines; empty lines stay, as empty text, so that they can be counted."""
    return [" ".join(one.split()) for one in clean(text).split("\n")]


@cached
def folded(text: str) -> str:
    """Return the text for comparison, without case, width, blanks and punctuation."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _NEITHER_LETTER_NOR_DIGIT.sub("", plain) or "".join(plain.split())


def words(said: str) -> frozenset[str]:
    """Return the words of a list that is written with blanks between them."""
    return frozenset(said.split())


def paragraph(text: str) -> Block:
    """Make a paragraph without markup from one cleaned line."""
    return Block(BlockKind.PARAGRAPH, text, escape(text, quote=False))


def heading(text: str) -> Block:
    """Make a section heading from one cleaned line; a heading carries no markup inside."""
    return Block(BlockKind.HEADING, text, escape(text, quote=False))
