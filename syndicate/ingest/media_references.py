"""What a document says of its pictures, sounds and films: which files, where in the body, whose they are.

A reference gives nobody anything: the file becomes an item with rights of its own, or stays out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from syndicate.language import Text
from syndicate.model.item import Block, Medium
from syndicate.model.notes import Note

if TYPE_CHECKING:
    from syndicate.ingest.draft import Draft

MOST_REFERENCES: Final = 200
"""References of one document. A gallery has some dozens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaReference:
    """One file that a document shows or plays. All text is cleaned; None where the document does not say.

    Attributes:
        source: the file's address as the document writes it. A relative path is percent-decoded and has no
            query and no fragment; it may be hostile. An address with a scheme keeps both.
        medium: what the document uses it as; never text.
        place: how many blocks of the body stand before it.
        caption: the words about it, without its credit.
        credit: who supplied it, where that is named beside a person (`新华社`, `视觉中国`).
        byline: who made it, as the document names them (`新华社记者 甲一`).
        headline: its alternative text, or the headline of a ninjs association.
        alt: what it shows for who cannot see it (`<img alt>`), without a credit.
        line: the number of its line, where the document has lines.
        own: what a ninjs association says of itself, with faults of its own.
        others: further addresses of it, best first (smaller sizes of a `srcset`, the `src`), for where
            `source` is not to be had.
        itself: whether the file is the document's item itself, as a rendition of a ninjs picture is.
    """

    source: str
    medium: Medium
    place: int
    caption: str | None = None
    credit: str | None = None
    byline: str | None = None
    headline: str | None = None
    alt: str | None = None
    line: int | None = None
    own: Draft | None = None
    others: tuple[str, ...] = ()
    itself: bool = False


def not_looked_for(media: Sequence[MediaReference]) -> tuple[Note, ...]:
    """Return the note of a document whose files are not looked for: none of them is taken with its text.

    Who looks for them takes the note away again, and says of each file what became of it.
    """
    if not media:
        return ()
    said = Text(
        f"稿件中有 {len(media)} 处图片或音视频未收入；其权利须另行授权",
        "pictures, sounds or films left out of the document, for they have rights of their own:"
        f" {len(media)}",
    )
    return (Note("media_left_out", "media", said),)


def distinct(references: Iterable[MediaReference]) -> tuple[MediaReference, ...]:
    """Keep the first reference to each file, with what a later one says and it does not."""
    first: dict[str, MediaReference] = {}
    for one in references:
        known = first.get(one.source)
        if known is None:
            first[one.source] = one
        else:
            first[one.source] = replace(
                known,
                caption=known.caption or one.caption,
                credit=known.credit or one.credit,
                byline=known.byline or one.byline,
                headline=known.headline or one.headline,
                alt=known.alt or one.alt,
                own=known.own or one.own,
            )
    return tuple(first.values())


def moved(
    references: Sequence[MediaReference], before: Sequence[Block], after: Sequence[Block]
) -> tuple[MediaReference, ...]:
    """Give the references their places in the body `after`, which was made from `before`."""
    if not references or before is after:
        return tuple(references)
    places = places_in(after, before)
    return tuple(replace(one, place=sum(place < one.place for place in places)) for one in references)


def places_in(body: Sequence[Block], blocks: Sequence[Block]) -> list[int]:
    """Find for each block of a body its place among the blocks that the body was cut out of.

    The blocks are known by identity. One that was changed on the way (a heading, a line without its label)
    stands in the gap between its neighbours: at the same text, else at the text that holds its own.
    """
    known = {id(block): place for place, block in enumerate(blocks)}
    found = [known.get(id(block)) for block in body]
    places: list[int] = []
    for number, (block, place) in enumerate(zip(body, found, strict=True)):
        start = places[-1] + 1 if places else 0
        if place is None:
            end = next((one for one in found[number:] if one is not None), len(blocks))
            gap = range(start, end)
            same = next((one for one in gap if blocks[one].text == block.text), None)
            place = same if same is not None else _around(block, blocks, gap)
        places.append(place)
    return places


def _around(block: Block, blocks: Sequence[Block], gap: range) -> int:
    """The first place of the gap whose text holds the block's; else where the gap begins."""
    return next((one for one in gap if block.text and block.text in blocks[one].text), gap.start)
