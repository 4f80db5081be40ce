"""Find the embargo instructions in a document, take them out of the story and tell what they ask.

A false hold costs staff one command, a leak costs an exclusive: an instruction whose end is certain holds
the item until then; every other one, and every sentence that may be one, withholds it until staff release
it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from html import escape
from itertools import pairwise
from typing import Final

from syndicate.ingest.embargo_words import (
    Judgement,
    asks_in_remark,
    instruction_lines,
    is_instruction,
    joined_label,
    judge,
)
from syndicate.ingest.line_cache import cached, cached_with
from syndicate.ingest.text import folded
from syndicate.ingest.text import lines as lines_of
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind
from syndicate.model.notes import Note, quoted

_OPENING: Final = re.compile(r"\s*([(（【\[〔][^()（）【】\[\]〔〕]{2,120}[)）】\]〕])\s*")
_CLOSING: Final = re.compile(r"([(（【\[〔][^()（）【】\[\]〔〕]{2,120}[)）】\]〕])\s*$")
_SENTENCE_ENDS: Final = re.compile(r"(?:^|[。.!?…\uff01\uff1f][”’」』)\uff09\"']*)$")
_LONGEST_END: Final = 8
"""Characters before a bracket that are looked at for the end of a sentence."""
_MOST_NOTES: Final = 20
_LONGEST_LINE: Final = 120
"""Characters of a line outside the story that may hold an instruction beside other words."""
_STORY: Final = frozenset({"headline", "abstract", "body"})


@dataclass(frozen=True, slots=True)
class Instruction:
    """One text of a document that asks for an embargo, or may.

    Attributes:
        field: where it stands: `document`, `headline`, `abstract`, `body`, or a property of ninjs.
        text: as it is written.
        line: the number of its line, from 1, where the document has lines.
        asks: what it asks.
        stays: whether it stands in the text that is to be released, where it cannot be cut out.
    """

    field: str
    text: str
    line: int | None
    asks: Judgement
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """The texts of a document that may be released, without the instructions that stood in them."""

    headline: str
    abstract: str | None
    body: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What the embargo words of a document ask for.

    Attributes:
        until: the latest certain end (UTC, may have passed); None where no instruction has one.
        withhold: the words that withhold the item, in one spelling, to know them again; None for none.
        story: the document's texts without instructions.
        notes: one for each instruction, with its line.
    """

    until: datetime | None
    withhold: str | None
    story: Story
    notes: tuple[Note, ...]


def embargo_request(
    story: Story,
    *,
    lines: Sequence[tuple[int | None, str]],
    remarks: Sequence[tuple[str, str]],
    given: datetime | None,
    zone: tzinfo,
) -> Request:
    """Read the embargo words of a document.

    Args:
        story: what is to be released of it.
        lines: every line of it with its number, where it has lines; also those outside the story.
        remarks: field and text of what is written for editors (ninjs `edNote`).
        given: the end of an embargo that the document gives in a field made for it.
        zone: what a wall clock without a zone means.
    """
    cleaned = _without(story)
    found = _distinct(
        [
            *_in_remarks(remarks, zone),
            *_in_lines(lines, zone),
            *(_checked(one, cleaned) for one in _in_story(story, lines, zone)),
        ]
    )
    unclear = [one for one in found if one.asks.instant is None and not _is_given(one, given)]
    ends = [one.asks.instant for one in found if one.asks.instant is not None]
    words = "\n".join(sorted(folded(one.text) for one in unclear)) if unclear else None
    notes = tuple(_note(one, given) for one in found[:_MOST_NOTES])
    return Request(max(ends, default=None), words, cleaned, notes)


def _is_given(one: Instruction, given: datetime | None) -> bool:
    """Whether the document's own field gives the exact end of the embargo that these words name."""
    return given is not None and one.asks.timed and (one.asks.clear or one.field not in _STORY)


def _distinct(found: Sequence[Instruction]) -> list[Instruction]:
    """Keep each instruction once: a page repeats its lines. A clear one goes before a doubt."""
    first: dict[str, Instruction] = {}
    for one in found:
        key = folded(one.text)
        known = first.get(key)
        if known is None or one.stays or (one.asks.clear and not (known.asks.clear or known.stays)):
            first[key] = one if known is None or one.line is not None else replace(one, line=known.line)
    return list(first.values())


def _checked(one: Instruction, cleaned: Story) -> Instruction:
    """Return the instruction, as a doubt where it could not be taken out (as from a row of a table)."""
    texts = [cleaned.headline, cleaned.abstract or "", *(block.text for block in cleaned.body)]
    if one.asks.clear and any(one.text in text for text in texts):
        return replace(one, asks=Judgement(False, None, one.asks.timed), stays=True)
    return one


def _in_remarks(remarks: Sequence[tuple[str, str]], zone: tzinfo) -> Iterator[Instruction]:
    for field, text in remarks:
        for one in lines_of(text):
            asks = asks_in_remark(one, zone)
            if asks is not None:
                yield Instruction(field, one, None, asks)


def _in_lines(lines: Sequence[tuple[int | None, str]], zone: tzinfo) -> Iterator[Instruction]:
    """Find lines and brackets of the page that are an instruction, and short lines that may be one."""
    for (number, text), (_, following) in pairwise([*lines, (None, "")]):
        whole = joined_label(text, following)
        if whole is not None and (asks := judge(whole, zone)) is not None:
            yield Instruction("document", whole, number, asks)
            continue
        for one in text.split("\n"):
            for unit, asks in _judged(one, zone):
                if asks.clear or len(unit) <= _LONGEST_LINE:
                    yield Instruction("document", unit, number, asks)


def _in_story(story: Story, lines: Sequence[tuple[int | None, str]], zone: tzinfo) -> Iterator[Instruction]:
    """Find instructions in what is to be released, and sentences there that may be one."""
    numbers = {text: number for number, text in reversed(lines)}
    texts = [("headline", story.headline), ("abstract", story.abstract or "")]
    texts += [("body", block.text) for block in story.body]
    for field, text in texts:
        for one in text.split("\n"):
            for unit, asks in _judged(one, zone):
                yield Instruction(field, unit, numbers.get(text), asks)


@cached_with
def _judged(text: str, zone: tzinfo) -> tuple[tuple[str, Judgement], ...]:
    """Read one line: each bracket at its ends that is an instruction, then the rest of it."""
    brackets = [
        (unit, asks) for unit in _brackets(text) if (asks := judge(unit, zone)) is not None and asks.clear
    ]
    asks = judge(_unbracketed(text) if brackets else text, zone)
    return (*brackets, *([(text, asks)] if asks is not None else []))


def _brackets(text: str) -> Iterator[str]:
    """Return the brackets at both ends of a text that are sentences of their own."""
    opening, closing = _OPENING.match(text), _CLOSING.search(text)
    if opening is not None and opening.end() < len(text):
        yield opening[1]
    if closing is not None and _follows_sentence(text, closing.start()):
        yield closing[1]


def _follows_sentence(text: str, start: int) -> bool:
    """Whether a sentence ends right before this place of the text."""
    before = text[max(start - _LONGEST_END, 0) : start].rstrip()
    return start > 0 and _SENTENCE_ENDS.search(before) is not None


@cached
def _unbracketed(text: str) -> str:
    """Remove the brackets at the ends of a text that are instructions."""
    opening = _OPENING.match(text)
    if opening is not None and opening.end() < len(text) and is_instruction(opening[1]):
        text = text[opening.end() :]
    closing = _CLOSING.search(text)
    if closing is not None and _follows_sentence(text, closing.start()) and is_instruction(closing[1]):
        text = text[: closing.start()].rstrip()
    return text


def _without(story: Story) -> Story:
    """Remove from the story what is clearly an instruction."""
    body = []
    left_out = instruction_lines([block.text for block in story.body])
    for place, block in enumerate(story.body):
        if block.kind in (BlockKind.PARAGRAPH, BlockKind.HEADING):
            if place in left_out:
                continue
            text = _unbracketed(block.text)
            # Only a block without markup inside is cut: elsewhere the words may stand across its tags.
            if text != block.text and block.html == escape(block.text, quote=False):
                block = Block(block.kind, text, escape(text, quote=False))
        body.append(block)
    headline = "" if is_instruction(story.headline) else _unbracketed(story.headline)
    abstract = story.abstract
    if abstract is not None:
        abstract = None if is_instruction(abstract) else _unbracketed(abstract) or None
    return Story(headline, abstract, tuple(body))


def _note(one: Instruction, given: datetime | None) -> Note:
    """Note what was read, what follows, and how to change it."""
    words = quoted(one.text)
    if one.asks.instant is not None:
        until = one.asks.instant.isoformat(timespec="minutes")
        said = Text(
            f"“{words}”是禁发要求，禁发至 {until}，不作为正文",
            f"“{words}” asks for an embargo until {until}; it is not part of the story",
        )
        return Note("embargo_words", one.field, said, one.line)
    if _is_given(one, given):
        said = Text(
            f"“{words}”是禁发要求，时刻以 embargoedUntil 为准，不作为正文",
            f"“{words}” asks for an embargo; embargoedUntil says until when; it is not part of the story",
        )
        return Note("embargo_words", one.field, said, one.line)
    if one.asks.clear:
        said = Text(
            f"“{words}”是禁发要求，但没有写明年份、日期和钟点，已扣发；确认可发后用 item release 放行",
            f"“{words}” asks for an embargo and does not name one year, day and time: withheld;"
            " release it with item release",
        )
    elif one.field not in _STORY:
        said = Text(
            f"“{words}”可能是禁发要求，已扣发；请核对，可发则用 item release 放行",
            f"“{words}” may ask for an embargo: withheld; check it, and release the item with item release"
            " if it may go out",
        )
    else:
        said = Text(
            f"“{words}”可能是禁发要求，已扣发，文字仍在正文中；请核对，可发则用 item release 放行",
            f"“{words}” may ask for an embargo: withheld, and the words still stand in the text; check"
            " them, and release the item with item release if it may go out",
        )
    return Note("embargo_unclear", one.field, said, one.line)
