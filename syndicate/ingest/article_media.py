"""Tell which pictures, sounds and films of a page belong to its article, and take their captions off it.

A caption belongs to its picture and not to the text. One that is not certain stays in the body, and a note
says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from selectolax.lexbor import LexborNode

from syndicate.ingest.furniture import is_follow_us, is_prose
from syndicate.ingest.markup import Extract
from syndicate.ingest.media_captions import (
    Caption,
    is_caption,
    is_caption_above,
    is_credit,
    is_group_credit,
    photo_credit,
    read_caption,
)
from syndicate.ingest.media_elements import Shown
from syndicate.ingest.media_references import MOST_REFERENCES, MediaReference, distinct, places_in
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind
from syndicate.model.notes import Note, quoted

_LONGEST_DOUBT: Final = 80
_LONGEST_CLASSED: Final = 300
_MOST_LOOKED_AT: Final = 2 * MOST_REFERENCES
_MOST_NOTES: Final = 10
_MOST_TRAILING: Final = 6
_CENTRED: Final = re.compile(r"text-align\s*:\s*center", re.I)
_SMALL: Final = re.compile(
    r"font-size\s*:\s*(?:(?:[6-9]|1[0-3])(?:\.\d*)?p[xt]|0?\.[5-8]\d*r?em|x?-?small)|color\s*:\s*(?:gr[ae]y|#([6-9a])\1\1|#([6-9a]\w)\2\2)\b",
    re.I,
)
_CAPTION_CLASS: Final = re.compile(
    r"(?:^|[\s_-])(?:caption|cap|(?:pic|img|image|photo|tu|figure)[_-]?(?:caption|desc|describe|info|text|txt|intro|note|title|source|author|credit)"
    r"|tuzhu|tushuo|wp-caption-text)(?:$|[\s_-])",
    re.I,
)
_BOLD: Final = frozenset({"b", "strong", "h1", "h2", "h3", "h4", "h5", "h6"})
_DEEPEST: Final = 4


@dataclass(frozen=True, slots=True)
class Pictured:
    """A page whose captions were taken off.

    Attributes:
        extract: its blocks without captions, its media with their places among these.
        captions: what is said of each of `extract.media`.
        doubtful: blocks beside pictures that may be captions.
        off: the lines that were taken off, and those of figures.
    """

    extract: Extract
    captions: tuple[Caption, ...]
    doubtful: tuple[Block, ...] = ()
    off: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[tuple[None, str], ...]:
        """Every line, those of captions last: they stand beside the story, not above it."""
        return tuple((None, text) for text in (*(block.text for block in self.extract.blocks), *self.off))


def with_captions_off(extract: Extract) -> Pictured:
    """Take the lines off that are certainly captions or credits of the pictures beside them."""
    if not extract.media:
        return Pictured(extract, ())
    blocks = extract.blocks
    taken: dict[int, list[int]] = {}
    doubtful: list[Block] = []
    media = [one for one in extract.media[:_MOST_LOOKED_AT] if not _asks_to_scan(one, blocks)]
    for place, group in groupby(range(len(media)), key=lambda number: media[number].place):
        beside = [number for number in group if media[number].source is not None]
        if not beside:
            continue
        above = place - 1
        if (
            above >= 0
            and above not in taken
            and _is_line(blocks[above])
            and is_caption_above(blocks[above].text)
        ):
            taken[above] = beside
            continue
        below = place
        while below < len(blocks) and below not in taken and below - place < 2 and _is_line(blocks[below]):
            text = blocks[below].text
            shown = media[beside[-1]]
            certain = (
                is_credit(text) if below > place else is_caption(text) or _is_set_as_caption(shown, text)
            )
            if not certain:
                break
            taken[below] = beside
            below += 1
        if below == place and place < len(blocks) and _may_be_caption(media[beside[-1]], blocks[place]):
            doubtful.append(blocks[place])
    said = [[*one.captions] for one in media]
    for place, numbers in taken.items():
        for number in numbers:
            said[number].append(blocks[place].text)
    for place, block in enumerate(blocks):
        if media and place not in taken and _is_line(block) and is_group_credit(block.text):
            taken[place] = []
            for lines in said:
                lines.append(block.text)
    places = sorted(taken)
    kept = [block for place, block in enumerate(blocks) if place not in taken]
    moved = tuple(
        replace(one, place=one.place - sum(place < one.place for place in places)) for one in media
    )
    captions = tuple(place - sum(one < place for one in places) for place in extract.captions)
    off = replace(extract, blocks=kept, media=moved, captions=captions)
    lifted = [blocks[place].text for place in places] + [text for one in media for text in one.captions]
    return Pictured(off, tuple(map(_read, said)), tuple(doubtful), tuple(lifted))


def as_it_is(extract: Extract) -> Pictured:
    """The page with every line of it, also those that are captions: where it has no other text."""
    media = tuple(one for one in extract.media[:_MOST_LOOKED_AT] if not _asks_to_scan(one, extract.blocks))
    return Pictured(replace(extract, media=media), tuple(_read(one.captions) for one in media))


def media_of(
    page: Pictured, body: Sequence[Block], *, begin: int | None = None, end: int | None = None
) -> tuple[tuple[MediaReference, ...], tuple[Note, ...]]:
    """Return the media of the article whose body was cut out of the page, and notes about what is left out.

    `begin` and `end` are the first and the last place that belong to the article; where they are not
    known, only what stands right above, between and right below its blocks does.
    """
    extract = page.extract
    if not body or not (extract.media or extract.captions):
        return (), ()
    places = places_in(body, extract.blocks)
    first = places[0] if begin is None else min(begin, places[0])
    last = places[-1] + 1 if end is None else max(end, places[-1] + 1)
    trailing = [block.text for block in extract.blocks[places[-1] + 1 : places[-1] + 1 + _MOST_TRAILING]]
    whole = next((one for text in trailing if (one := photo_credit(text)) is not None), None)
    references = []
    left_out = 0
    for shown, caption in zip(extract.media, page.captions, strict=True):
        if not first <= shown.place <= last:
            continue
        if shown.source is None:
            left_out += 1
            continue
        if whole is not None and caption.credit is None and caption.byline is None:
            caption = replace(whole, text=caption.text)
        alternative = read_caption(shown.headline or "")
        if caption.credit is None and caption.byline is None:
            caption = replace(alternative, text=caption.text)
        references.append(
            MediaReference(
                source=shown.source,
                medium=shown.medium,
                place=sum(place < shown.place for place in places),
                caption=caption.text,
                credit=caption.credit,
                byline=caption.byline,
                headline=alternative.text,
                alt=alternative.text,
                others=shown.others,
            )
        )
    kept = distinct(references)
    left_out += len(kept[MOST_REFERENCES:])
    captions = sum(first <= place <= last for place in extract.captions)
    inside = {block.text for block in body}
    doubts = [block for block in page.doubtful if block.text in inside]
    return kept[:MOST_REFERENCES], (*_left_out(left_out, captions), *map(_doubt, doubts[:_MOST_NOTES]))


def _read(lines: Sequence[str]) -> Caption:
    """Read the lines of a caption, of which the last may be its credit."""
    read = [read_caption(one) for one in lines]
    text = " ".join(dict.fromkeys(one.text for one in read if one.text))
    credit = next((one.credit for one in read if one.credit), None)
    byline = next((one.byline for one in read if one.byline), None)
    return Caption(text or None, credit, byline)


def _is_line(block: Block) -> bool:
    return block.kind is BlockKind.PARAGRAPH


def _asks_to_scan(shown: Shown, blocks: Sequence[Block]) -> bool:
    """Whether the line beside a picture asks readers to scan it or to follow: it is a code."""
    beside = blocks[max(shown.place - 1, 0) : shown.place + 1]
    return shown.source is not None and any(is_follow_us(block.text) for block in beside)


def _is_set_as_caption(shown: Shown, text: str) -> bool:
    """Whether the page sets a line as captions are set: by its class, or small and centred."""
    node = shown.beside
    if node is None or len(text) > _LONGEST_CLASSED:
        return False
    centred = small = False
    for element in _around(node):
        attributes = element.attributes
        style = attributes.get("style") or ""
        if element.tag in _BOLD:
            return False
        if _CAPTION_CLASS.search(attributes.get("class") or ""):
            return True
        centred |= _is_centred(element)
        small |= (
            element.tag == "small"
            or _SMALL.search(style) is not None
            or attributes.get("size") in ("1", "2")
        )
    return centred and small and len(text) <= _LONGEST_DOUBT


def _may_be_caption(shown: Shown, block: Block) -> bool:
    """Whether a line below a picture may be its caption: short, and centred or with a word of credits."""
    if not _is_line(block) or len(block.text) > _LONGEST_DOUBT or is_follow_us(block.text):
        return False
    around = list(_around(shown.beside)) if shown.beside is not None else []
    if any(element.tag in _BOLD for element in around):
        return False
    centred = any(_is_centred(element) for element in around)
    return (centred and not is_prose(block.text)) or re.search(
        r"[摄攝](?:影)?[)）。]?$|供图", block.text
    ) is not None


def _around(node: LexborNode) -> list[LexborNode]:
    """The elements around a text, up to those that hold more than its line."""
    found: list[LexborNode] = []
    above = node.parent
    while (
        above is not None
        and len(found) < _DEEPEST
        and above.tag not in ("body", "td", "article", "section")
    ):
        found.append(above)
        if above.tag in ("p", "div", "center", "figcaption"):
            break
        above = above.parent
    return found


def _is_centred(element: LexborNode) -> bool:
    attributes = element.attributes
    return (
        element.tag == "center"
        or (attributes.get("align") or "").lower() == "center"
        or _CENTRED.search(attributes.get("style") or "") is not None
    )


def _left_out(media: int, captions: int) -> list[Note]:
    notes = []
    if media:
        said = Text(
            f"正文中有 {media} 处图片或音视频未收入：页面没有给出可用的文件",
            "pictures, sounds or films left out of the body, for the page names no file of theirs:"
            f" {media}",
        )
        notes.append(Note("media_left_out", "body", said))
    if captions:
        said = Text(
            f"有 {captions} 条图片说明随图片一并略去", f"captions left out with their pictures: {captions}"
        )
        notes.append(Note("captions_left_out", "body", said))
    return notes


def _doubt(block: Block) -> Note:
    return Note(
        "caption_uncertain",
        "body",
        Text(
            f"“{quoted(block.text)}”可能是图片说明，仍在正文中，会随文字发出；如是，请放入 figcaption"
            " 后重新收稿",
            f"“{quoted(block.text)}” may be the caption of a picture, and still stands in the text, with"
            " which it leaves; if it is one, put it into a figcaption and take the document in again",
        ),
    )
