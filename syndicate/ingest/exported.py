"""What our exports add to a body, taken off again when one comes back.

An export ends with its credits and the stamp (contract, section 6). They are fields of the item, not part
of the story: a round trip must not make a new version of it.
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
    """The story alone: without the stamp at its end and, in an export of `ours`, without its credits."""
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
