"""Find the end of an article and take off credits, links and notices under it.

In a container that is known to hold the article and nothing else, only what trails is taken off. On a page
without one, a firm end (`相关新闻`) closes the article; a loose end (`评论`) does so only where no prose
follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from syndicate.characters import line
from syndicate.ingest.furniture import (
    FRAME,
    is_disclaimer,
    is_finis,
    is_firm_end,
    is_follow_us,
    is_furniture,
    is_loose_end,
    is_pager,
    is_prose,
    is_sentence,
)
from syndicate.ingest.label_words import DATES, NAMES, Label
from syndicate.ingest.labels import NOBODY, Credits, Labelled, credit_line, credits_of, is_byline, labelled
from syndicate.ingest.text import folded
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind
from syndicate.model.notes import Note, quoted
from syndicate.model.parties import Publisher

_LONGEST_CREDIT: Final = 150
_MOST_TRAILING: Final = 40
_LONGEST_TITLE: Final = 60
_ENDING: Final = (Label.BYLINE, Label.EDITOR, Label.RESPONSIBLE)


@dataclass(frozen=True, slots=True)
class Article:
    """An article without what stood under it, its credits, and notes about what was taken off.

    `end` is how many of the given blocks stand before what announces that the article ends.
    """

    body: tuple[Block, ...]
    credits: Credits
    notes: tuple[Note, ...] = ()
    trailing: tuple[Labelled, ...] = ()
    end: int = 0


def ends_article(text: str, publisher: Publisher) -> bool:
    """Whether a line of this text announces what follows the articles of the site."""
    return is_firm_end(text) or is_loose_end(text) or _same(text, publisher.notice)


def is_stamp(text: str, publisher: Publisher) -> bool:
    """Whether the line is the publisher's stamp, which our exports add and no story contains."""
    return _same(text, publisher.stamp)


def _same(text: str, words: str) -> bool:
    """Whether two texts have the same words. Compares lengths first, which is fast and mostly enough."""
    return len(text) <= 2 * len(words) and len(words) <= 2 * len(text) and folded(text) == folded(words)


def trimmed(
    blocks: Sequence[Block],
    publisher: Publisher,
    *,
    container: bool = False,
    numbers: Sequence[int | None] = (),
    head: Credits = NOBODY,
) -> Article:
    """Return the article in `blocks`, which begin with its first line. `head` is what stands above it.

    `container` says that the blocks are those of an element that holds the article alone. `numbers` are
    the blocks' lines in the document, where it has lines.
    """
    lines = [*numbers] or [None] * len(blocks)
    end = _end(blocks, publisher, container=container)
    story, rest = list(blocks[:end]), list(blocks[end:])
    taken: list[tuple[Block, int | None]] = []
    found: list[Labelled] = []
    while story and len(taken) < _MOST_TRAILING and _trails(story[-1], publisher):
        if _is_one_of_several(story) or _is_of_a_book(story):
            break
        taken.insert(0, (story.pop(), lines[len(story)]))
    if not story and not rest:
        # Nothing but credits: there is no article above them.
        story, taken = [], taken
    for block, _ in taken:
        found += [credit_line(part) for part in block.text.split("\n")]
    for block in rest[:_MOST_TRAILING]:
        one = credit_line(block.text)
        if one.only_labels and any(label in (*NAMES, *DATES) for label, _ in one.values):
            found.append(one)
        elif not is_stamp(block.text, publisher):
            break
    said = credits_of(one for one in found if not is_stamp(one.text, publisher))
    notes = [*_unused(taken, head | said, publisher), *_left_out(rest, lines[end : end + 1], publisher)]
    return Article(tuple(story), said, tuple(notes), tuple(found), end)


def _end(blocks: Sequence[Block], publisher: Publisher, *, container: bool) -> int:
    """Return how many blocks come before the first line that ends the article."""
    for place, block in enumerate(blocks):
        text = block.text
        if _same(text, publisher.notice):
            return place
        following = blocks[place + 1].text if place + 1 < len(blocks) else ""
        if is_loose_end(text) and is_disclaimer(following):
            return place
        if is_firm_end(text) and len(text) <= _LONGEST_CREDIT:
            if not container or _prose(blocks[place + 1 :], publisher) <= _prose(blocks[:place], publisher):
                return place
        elif (is_loose_end(text) or (not container and _is_credit(place, blocks))) and not _prose(
            blocks[place + 1 :], publisher
        ):
            return place
    return len(blocks)


def _is_credit(place: int, blocks: Sequence[Block]) -> bool:
    """Whether the line names author or editor, and is the only one that does: a list of books has more."""
    found = credit_line(blocks[place].text)
    if not found.only_labels or found.values[0][0] not in _ENDING or _is_of_a_book(blocks[: place + 1]):
        return False
    label = found.values[0][0]
    others = (*blocks[:place], *blocks[place + 1 :])
    return not any(one is label for block in others for one, _ in labelled(block.text).values)


def _prose(blocks: Sequence[Block], publisher: Publisher) -> int:
    """Count the characters of sentences in these blocks, without the publisher's notice."""
    return sum(
        len(block.text)
        for block in blocks
        if is_prose(block.text) and not _same(block.text, publisher.notice) and not is_firm_end(block.text)
    )


def _is_one_of_several(story: Sequence[Block]) -> bool:
    """Whether the last line names an author as other lines do: a list of books, not a credit."""
    labels = {label for label, _ in labelled(story[-1].text).values} & {Label.BYLINE}
    return any(label in labels for block in story[:-1] for label, _ in labelled(block.text).values)


def _is_of_a_book(story: Sequence[Block]) -> bool:
    """Whether the last line names the author of a book whose title is the line above it."""
    if len(story) < 2 or not any(label is Label.BYLINE for label, _ in labelled(story[-1].text).values):
        return False
    above = story[-2].text
    return len(above) <= _LONGEST_TITLE and "《" in above and not is_sentence(above)


def _trails(block: Block, publisher: Publisher) -> bool:
    """Whether a line at the end of an article is no part of it."""
    text = block.text
    if (
        block.kind not in (BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.LIST)
        or len(text) > _LONGEST_CREDIT
    ):
        return False
    if (
        is_stamp(text, publisher)
        or is_furniture(text)
        or is_pager(text)
        or is_follow_us(text)
        or is_loose_end(text)
        or is_finis(text)
    ):
        return True
    found = credit_line(text)
    credit = {
        Label.SOURCE,
        Label.BYLINE,
        Label.EDITOR,
        Label.RESPONSIBLE,
        Label.OTHER,
        Label.PUBLISHED,
        Label.UPDATED,
    }
    return found.only_labels and all(label in credit for label, _ in found.values)


def _unused(taken: Sequence[tuple[Block, int | None]], said: Credits, publisher: Publisher) -> list[Note]:
    """Make a note for each credit under the article that became no field of the item."""
    known = {folded(value) for value in (said.source, said.byline, said.editor) if value}
    notes = []
    for block, number in taken:
        text = block.text
        if (
            is_stamp(text, publisher)
            or is_furniture(text)
            or is_pager(text)
            or is_follow_us(text)
            or is_loose_end(text)
            or is_finis(text)
        ):
            continue
        values = [value for one in map(credit_line, text.split("\n")) for _, value in one.values if value]
        if any(not any(folded(value.strip(FRAME)) == one for one in known) for value in values):
            notes.append(
                Note(
                    "credit_left_out",
                    "body",
                    Text(
                        f"文末“{quoted(text)}”未收入正文；如属正文请改写后重新收稿",
                        f"“{quoted(text)}” under the article was left out; reword it if it belongs"
                        " to the story",
                    ),
                    number,
                )
            )
    return notes


def _left_out(rest: Sequence[Block], number: Sequence[int | None], publisher: Publisher) -> list[Note]:
    """Make a note where sentences were cut off behind the end of the article."""
    sentences = [
        block
        for block in rest[1:]
        if is_sentence(block.text)
        and not _same(block.text, publisher.notice)
        and not is_firm_end(block.text)
        and not is_byline(block.text)
        and not is_disclaimer(block.text)
        and not labelled(block.text).only_labels
    ]
    if not sentences:
        return []
    count = sum(len(block.text) for block in sentences)
    return [
        Note(
            "end_left_out",
            "body",
            Text(
                f"“{quoted(rest[0].text)}”起 {len(rest)} 段（含 {count}"
                " 字的句子）按页面附加内容未收入；请核对正文是否完整",
                f"{len(rest)} paragraphs from “{quoted(rest[0].text)}” on ({count} characters of"
                " sentences) were left out as page furniture; check that the story is whole",
            ),
            next(iter(number), None),
        )
    ]


def without_stamp(text: str, publisher: Publisher) -> str:
    """Remove the stamp that our exports put at the end of a text."""
    stamp = line(publisher.stamp)
    while text.endswith(stamp):
        text = text.removesuffix(stamp).rstrip()
    return text
