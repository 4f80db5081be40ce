"""Make an item's abstract, the part of it that the public may read.

The document's own abstract is used where it has one. No abstract is longer than half of the body: the
public gets the abstract, and the rest needs a licence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import regex

from syndicate.model.item import Block, BlockKind

_MARKS: Final = "[\\u0300-\\u036f\\u200d\\u20d0-\\u20ff\\ufe00-\\ufe0f]*"
"""Marks that combine with the sign before, such as U+FE0F in an emoji."""
_SENTENCE: Final = re.compile(
    rf".+?(?:[。!?\uff01\uff1f…]+[”’」』)\uff09\"']*{_MARKS}|\.(?=\s)|$)\s*", re.DOTALL
)
_CLUSTER: Final = regex.compile(r"\X")
"""What a reader takes for one character: an extended grapheme cluster (Unicode UAX #29)."""
_CUT: Final = "…"


def abstract_of(body: Sequence[Block], own: str | None, length: int) -> str:
    """Return the document's `own` abstract, else the body's first sentences within `length` characters.

    Both are held to half of the body's characters. An item without a body (a picture) has its own
    abstract or none.
    """
    half = sum(len(block.text) for block in body) // 2
    if not body:
        return own or ""
    if own:
        return shortened([own], half)
    prose = [block.text for block in body if block.kind is not BlockKind.HEADING]
    return shortened(prose or [block.text for block in body], min(length, half))


def shortened(paragraphs: Sequence[str], limit: int) -> str:
    """Take whole sentences from the start, `limit` characters at most; cut a first one that is too long."""
    taken = ""
    for text in paragraphs:
        gap = " " if taken and taken[-1].isascii() and text[:1].isascii() else ""
        for found in _SENTENCE.finditer(text):
            sentence = " ".join(found[0].split()) + found[0][len(found[0].rstrip()) :]
            longer = taken + gap + sentence
            if len(longer.rstrip()) > limit:
                return taken.rstrip() or _cut(sentence, limit)
            taken, gap = longer, ""
    return taken.rstrip()


def _cut(sentence: str, limit: int) -> str:
    """Cut the sentence to `limit` characters, between grapheme clusters, and add an ellipsis."""
    end = 0
    for cluster in _CLUSTER.finditer(sentence):
        if cluster.end() > limit - len(_CUT):
            break
        end = cluster.end()
    start = sentence[:end].rstrip()
    return start + _CUT if start else ""
