"""Check the `Draft` of a document and make it an item, or report every fault.

Each kind of document has a reader that makes a `Draft`. The rules for all of them are checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Final

from syndicate.errors import Fault, Faulty
from syndicate.ingest.abstract import abstract_of
from syndicate.ingest.addresses import article
from syndicate.ingest.dates import PRINTED
from syndicate.ingest.embargo import Request, Story, embargo_request
from syndicate.ingest.identity import identity
from syndicate.ingest.labels import instant
from syndicate.ingest.media_references import MediaReference, moved, not_looked_for
from syndicate.ingest.outlets import outlet_of
from syndicate.ingest.text import folded
from syndicate.language import Text
from syndicate.model.item import Block, ChannelId, Item, Medium
from syndicate.model.notes import Note, quoted
from syndicate.model.parties import Publisher

_LONGEST_DATED: Final = 120
LONGEST_HEADLINE: Final = 300
_LONGEST_BODY: Final = 500_000
"""Characters of a body: far beyond any report, and far below what would burden every feed it is in."""
_LONGEST: Final = {
    "headline": LONGEST_HEADLINE,
    "source": 100,
    "byline": 300,
    "editor": 100,
}
"""Characters. What is longer is not what the field is for: most likely a page was read wrongly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a reader found in one document, as cleaned text; empty or None where it found nothing.

    `published` is aware. `abstract` is the document's own. `uri` only where the document has one.
    `faults` are those that its reader found.
    """

    headline: str
    published: datetime | None
    source: str
    byline: str | None
    editor: str | None
    body: tuple[Block, ...]
    medium: Medium = Medium.TEXT
    channel: ChannelId | None = None
    abstract: str | None = None
    address: str | None = None
    language: str | None = None
    keywords: tuple[str, ...] = ()
    uri: str | None = None
    embargo: datetime | None = None
    notes: tuple[Note, ...] = ()
    lines: tuple[tuple[int | None, str], ...] = ()
    """Every line of the document with its number, where it has one: for words of an embargo."""
    remarks: tuple[tuple[str, str], ...] = ()
    """Field and text of what is written for editors and never released (ninjs `edNote`)."""
    faults: tuple[Fault, ...] = ()
    media: tuple[MediaReference, ...] = ()
    """The files that it shows or plays, in its order, each once; their places are places in `body`."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document that became an item.

    Attributes:
        item: version 1, taken in at the time of parsing; the service gives it another number where it knows
            the item already.
        keys: what the item goes by, strongest first.
        lookup: what to find it by, strongest first: also the keys that older releases kept.
        notes: what was left out or read with doubt.
        embargo: until when the document asks for an embargo, also where that has passed; None for none.
        withhold: the embargo words that withhold the item, in one spelling; None for none.
        media: the files that the document shows or plays, with their places in the item's body.
        plain: whether the document is plain text, which can name no media.
    """

    item: Item
    keys: tuple[str, ...]
    lookup: tuple[str, ...]
    notes: tuple[Note, ...]
    embargo: datetime | None = None
    withhold: str | None = None
    media: tuple[MediaReference, ...] = ()
    plain: bool = False


def finish(draft: Draft, *, name: str, publisher: Publisher, now: datetime) -> Parsed:
    """Make the draft an item taken in at `now`. Raises Faulty with every fault of the document."""
    asked = _embargo(draft, publisher)
    story = asked.story
    media = moved(draft.media, draft.body, story.body)
    draft = replace(draft, headline=story.headline, abstract=story.abstract, body=story.body)
    faults = [*draft.faults, *_missing(draft), *_too_long(draft), *_too_much(draft)]
    if faults or draft.published is None:
        order = list(_MISSING)
        raise Faulty(name, sorted(faults, key=lambda f: order.index(f.field) if f.field in order else -1))
    address = article(draft.address)
    known = identity(
        headline=draft.headline,
        source=draft.source,
        published=draft.published,
        body=draft.body,
        address=address,
        uri=draft.uri,
        publisher=publisher,
    )
    item = Item(
        id=known.id,
        version=1,
        ingested=now,
        first_ingested=now,
        headline=draft.headline,
        abstract=abstract_of(draft.body, draft.abstract, publisher.abstract_length),
        body=draft.body,
        published=draft.published,
        source=draft.source,
        outlet=outlet_of(draft.source, publisher),
        byline=draft.byline,
        editor=draft.editor,
        channel=draft.channel or publisher.default_channel,
        medium=draft.medium,
        address=address,
        language=draft.language or publisher.language,
        keywords=draft.keywords,
    )
    later = () if asked.notes else tuple(_later_times(draft, item, publisher))
    notes = (
        *asked.notes,
        *draft.notes,
        *not_looked_for(media),
        *_damage(item),
        *_future(draft, item),
        *(note for note, _ in later),
        *_foreign(draft, item),
    )
    ends = [end for end in (draft.embargo, asked.until) if end is not None]
    withhold = asked.withhold or "\n".join(words for _, words in later) or None
    return Parsed(item, known.keys, known.lookup, notes, max(ends, default=None), withhold, media)


def _embargo(draft: Draft, publisher: Publisher) -> Request:
    """Read the document's embargo words; return what they ask, and its texts without these words."""
    return embargo_request(
        Story(draft.headline, draft.abstract, draft.body),
        lines=draft.lines,
        remarks=draft.remarks,
        given=draft.embargo,
        zone=publisher.zone,
    )


def _future(draft: Draft, item: Item) -> Iterator[Note]:
    """Note a time of publication in the future: a typing mistake, or a story that waits."""
    if item.published > item.ingested:
        shown = item.published.isoformat(timespec="minutes")
        yield Note(
            "published_in_future",
            "published",
            Text(
                f"发布时间 {shown} 尚未到，届时才可见；如写错请改文件后重新收稿",
                f"the time of publication, {shown}, is still to come, and nobody sees the item before;"
                " if it is a mistake, correct the document and take it in again",
            ),
            _line_with(draft, tuple(map(str, item.published.timetuple()[:3]))),
        )


def _later_times(draft: Draft, item: Item, publisher: Publisher) -> Iterator[tuple[Note, str]]:
    """Note lines above the story with a future time and no field: they may ask for an embargo.

    Gives each with the words to know it again.
    """
    story = {block.text for block in item.body}
    for number, text in takewhile(lambda line: line[1] not in story, draft.lines):
        found = PRINTED.search(text)
        if found is None or len(text) > _LONGEST_DATED or text == item.headline:
            continue
        time = instant(found, publisher.zone) or _day(found, publisher)
        if time is not None and time > item.ingested and time != item.published:
            said = Text(
                f"“{quoted(text)}”里的时间尚未到，可能是禁发要求，已扣发；请核对，可发则用 item"
                f" release 放行",
                f"“{quoted(text)}” names a time to come and may ask for an embargo: withheld; check it, and"
                " release the item with item release if it may go out",
            )
            yield Note("embargo_unclear", "document", said, number), folded(text)


def _day(found: re.Match[str], publisher: Publisher) -> datetime | None:
    """Return the end of a printed day; None where there is no such day."""
    try:
        return datetime(
            int(found["year"]), int(found["month"]), int(found["day"]), 23, 59, tzinfo=publisher.zone
        )
    except ValueError:
        return None


def _foreign(draft: Draft, item: Item) -> Iterator[Note]:
    """Note a source that is none of our outlets: the item is kept and never released."""
    source = quoted(item.source)
    if item.outlet is None:
        yield Note(
            "source_not_ours",
            "source",
            Text(
                f"来源“{source}”不属本网媒体，稿件不会发出；如只是写法不同，请补入设置 outlet 的 sources",
                f"the source “{source}” is none of our outlets': the item is never released; if it is only"
                " spelled otherwise, add it to the sources of an outlet in the settings",
            ),
            _line_with(draft, ("源", item.source)) or _line_with(draft, (item.source,)),
        )


def _line_with(draft: Draft, words: tuple[str, ...]) -> int | None:
    """Return the number of the first line with all these words; None where the document has no lines."""
    return next((number for number, text in draft.lines if all(word in text for word in words)), None)


_MISSING: Final = {
    "headline": Text(
        "没有标题；应在日期行的正上方", "no headline; expected right above the line with the date"
    ),
    "published": Text(
        "没有发布时间；应为 2018年1月22日 8:1 或带时区的 RFC 3339 时间",
        "no time of publication; expected 2018年1月22日 8:1, or RFC 3339 with an offset",
    ),
    "source": Text("没有来源；应有“来源：…”一行", "no source line; expected 来源:…"),
    "body": Text("没有正文", "no body"),
}


def _missing(draft: Draft) -> Iterator[Fault]:
    """Check what every item needs. A reader's own fault about a field replaces `missing`."""
    absent = {
        "headline": not draft.headline,
        "published": draft.published is None,
        "source": not draft.source,
        "body": draft.medium is Medium.TEXT and not draft.body,
    }
    known = {fault.field for fault in draft.faults}
    for field, missing in absent.items():
        if missing and field not in known:
            yield Fault(f"{field}_missing", field, _MISSING[field])


def _too_long(draft: Draft) -> Iterator[Fault]:
    said = {
        "headline": draft.headline,
        "source": draft.source,
        "byline": draft.byline or "",
        "editor": draft.editor or "",
    }
    for field, text in said.items():
        if len(text) > _LONGEST[field]:
            yield Fault(
                f"{field}_too_long",
                field,
                Text(
                    f"有 {len(text)} 个字，最多 {_LONGEST[field]} 个",
                    f"{len(text)} characters; at most {_LONGEST[field]}",
                ),
            )


def _too_much(draft: Draft) -> Iterator[Fault]:
    length = sum(len(block.text) for block in draft.body)
    if length > _LONGEST_BODY:
        yield Fault(
            "body_too_long",
            "body",
            Text(
                f"正文有 {length} 个字，最多 {_LONGEST_BODY} 个",
                f"the body has {length} characters; at most {_LONGEST_BODY}",
            ),
        )


def _damage(item: Item) -> Iterator[Note]:
    """Note replacement characters: an earlier system lost these letters for good."""
    lost = sum(text.count("\ufffd") for text in (item.headline, *(block.text for block in item.body)))
    if lost:
        yield Note(
            "characters_lost",
            "body",
            Text(
                f"有 {lost} 个字在此前的转码中丢失；请对照原稿补正",
                f"{lost} characters were lost by a system before us; restore them from the original",
            ),
        )
