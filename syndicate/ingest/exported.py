"""Remove from a body what our own exports add to it.

An export ends with its credits and the stamp. They are fields of the item, not part of the story: an export
that is ingested again must not make a new version.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from syndicate.ingest.article_end import is_stamp, without_stamp
from syndicate.ingest.text import folded
from syndicate.model.item import Block
from syndicate.model.parties import Publisher

_FIRST_CREDIT: Final = re.compile("原标题\\s?[:\uff1a]\\s?(.*)")
_MOST_CREDITS: Final = 12


def without_additions(
    blocks: Sequence[Block], headline: str, publisher: Publisher, *, ours: bool
) -> tuple[Block, ...]:
    """Remove the stamp at the end of the body and, in an export of `ours`, the credits."""
    story = list(blocks)
    stamped = False
    while story and is_stamp(story[-1].text, publisher):
        story.pop()
        stamped = True
    if story and story[-1].html == story[-1].text != without_stamp(story[-1].text, publisher):
        rest = without_stamp(story[-1].text, publisher)
        story[-1] = replace(story[-1], text=rest, html=rest)
    if stamped and ours:
        for place in range(len(story) - 1, max(len(story) - _MOST_CREDITS, 0) - 1, -1):
            credit = _FIRST_CREDIT.fullmatch(story[place].text)
            if credit and folded(credit[1]) == folded(headline):
                return tuple(story[:place])
    return tuple(story)
