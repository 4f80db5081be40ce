"""Recognise section headings in a body, by one rule for every kind of document.

A heading is short, does not end like a sentence, and stands above text. A row of three or more short
lines is a list of names or a poem, and stays paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from syndicate.ingest.labels import labelled
from syndicate.ingest.text import heading
from syndicate.model.item import Block, BlockKind

_LONGEST: Final = 30
_ENDS_LIKE_A_SENTENCE: Final = re.compile(
    r"[。.!?;:,、…—\uff01\uff0c\uff0e\uff1a\uff1b\uff1f][”’」』)\uff09\"']*$|[。!?\uff01\uff1f]"
)
_IS_NO_HEADING: Final = re.compile(
    r"[(\uff08【\[].*[)\uff09】\]]$"  # (记者 周喆), (完)
    r"|[■●◆□○]?\s?(?:本报|本网|首席|见习|实习|特约)*(?:记者|通讯员|摄影|摄)"
    r"|[图文摄]\s?[/:|\uff0f\uff1a\uff5c]|[\W\d_]*$"
)
_LONGEST_ROW: Final = 2


def with_headings(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Return the blocks with section headings marked as such. Idempotent."""
    rows = [(kind, list(row)) for kind, row in groupby(blocks, key=_could_be)]
    return tuple(_judged(rows))


def _judged(rows: Sequence[tuple[bool, list[Block]]]) -> Iterator[Block]:
    for place, (could_be, row) in enumerate(rows):
        text_follows = place + 1 < len(rows) and rows[place + 1][1][0].kind is not BlockKind.HEADING
        if could_be and len(row) <= _LONGEST_ROW and text_follows:
            yield from (heading(block.text) for block in row)
        else:
            yield from row


def _could_be(block: Block) -> bool:
    return (
        block.kind is BlockKind.PARAGRAPH
        and len(block.text) <= _LONGEST
        and not _ENDS_LIKE_A_SENTENCE.search(block.text)
        and not _IS_NO_HEADING.match(block.text)
        and not labelled(block.text).values
    )
