"""Make items of pictures, sounds and films: whose they are, what they say, and what they go by. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syndicate.errors import Fault, Faulty
from syndicate.ingest.abstract import abstract_of
from syndicate.ingest.draft import Draft, Parsed
from syndicate.ingest.identity import item_id
from syndicate.ingest.media_references import MediaReference
from syndicate.ingest.outlets import outlet_of
from syndicate.ingest.sidecar import Sidecar
from syndicate.ingest.text import lines, paragraph
from syndicate.language import Text
from syndicate.media.embedded_fields import EmbeddedFields
from syndicate.media.inspection import Inspected
from syndicate.model.item import Item, Medium, OutletId, medium_name
from syndicate.model.media import Rendition
from syndicate.model.notes import Note, quoted
from syndicate.model.parties import Publisher

_AFTER_OUTLET: Final = re.compile(r"[\s:：,，/／|·\-—©(（]|记者|摄影|通讯员|首席|见习|实习|特约|供图|摄|图")
"""What may follow the name of an outlet in a credit: 萧山日报记者 甲一 摄."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFields:
    """What is said of a media file, by itself, by its sidecar or by its document."""

    headline: str
    caption: str | None
    alt: str | None
    byline: str | None
    credit: str | None
    source: str
    outlet: OutletId | None
    published: datetime


def credited_outlet(credit: str, publisher: Publisher) -> OutletId | None:
    """Return the outlet that a credit names, alone or before a person (`萧山日报记者 甲一`)."""
    known = outlet_of(credit, publisher)
    if known is not None:
        return known
    said = credit.strip()
    for outlet in publisher.outlets:
        for source in sorted(outlet.sources, key=len, reverse=True):
            if said.startswith(source) and _AFTER_OUTLET.match(said[len(source) :]):
                return outlet.id
    return None


def owner_of(
    credits: list[str | None], byline: str | None, fallback: OutletId | None, publisher: Publisher
) -> tuple[OutletId | None, str | None]:
    """Return whose a file is, and the credit that says that it is not ours.

    Every credit counts: one that names nobody of ours makes the file nobody's. A credit that only repeats
    the byline says nothing. Without any credit the file is of who published it.
    """
    found: OutletId | None = None
    for credit in credits:
        if credit is None or not credit.strip() or credit.strip() == (byline or "").strip():
            continue
        if credit.strip() in (publisher.name, publisher.stamp):
            continue
        outlet = credited_outlet(credit, publisher)
        if outlet is None:
            return None, credit
        found = found or outlet
    return found or fallback, None


def of_story(
    reference: MediaReference, number: int, fields: EmbeddedFields, story: Item, publisher: Publisher
) -> tuple[MediaFields, tuple[Note, ...]]:
    """Return what is said of a file of a story: by the file first, then by the story.

    `number` is its place among the story's files, from 1. A caption is no headline: everybody may read the
    headline, and the caption is licensed.
    """
    byline = fields.byline or reference.byline
    credits = [fields.credit, fields.source, reference.credit, *fields.attributions]
    own = None if reference.own is None else reference.own.source or None
    outlet, foreign = owner_of([*credits, own], byline, story.outlet, publisher)
    caption = reference.caption or fields.caption
    named = None if reference.own is None else reference.own.headline or None
    kind = medium_name(reference.medium).zh
    said = fields.headline or named or f"{story.headline}（{kind} {number}）"
    source = fields.source or own or (story.source if foreign is None else foreign)
    notes = () if foreign is None else (foreign_note(reference.source, foreign),)
    return (
        MediaFields(
            headline=said,
            caption=caption,
            alt=alternative(fields.alt or reference.alt, story.headline, caption, fields.caption),
            byline=byline,
            credit=fields.credit or reference.credit,
            source=source,
            outlet=outlet,
            published=story.published,
        ),
        notes,
    )


def alternative(alt: str | None, headline: str, *captions: str | None) -> str | None:
    """Return the alternative text, unless it only repeats the headline or a caption, as on many pages.

    It leaves with every file of the picture, a public preview too; a caption does not.
    """
    said = _plain(alt or "")
    texts = [_plain(one) for one in captions if one]
    copied = any(one in said and 2 * len(one) > len(said) for one in texts if one)
    repeats = copied or any(said in one for one in (_plain(headline), *texts))
    return None if repeats or not said else alt


def _plain(text: str) -> str:
    """The text without blanks, points and brackets."""
    return re.sub(r"[\W_]", "", text)


def foreign_note(name: str, credit: str) -> Note:
    """Note that a file is not ours: it is kept, and never leaves."""
    return Note(
        "media_not_ours",
        "media",
        Text(
            f"“{quoted(name)}”署名“{quoted(credit)}”，不属本网媒体，文件不会发出",
            f"“{quoted(name)}” is credited to “{quoted(credit)}”, none of our outlets: it never leaves",
        ),
    )


def parsed_media(
    fields: MediaFields,
    inspected: Inspected,
    renditions: tuple[Rendition, ...],
    *,
    story: Item | None,
    draft: Draft | None,
    file_name: str,
    publisher: Publisher,
    now: datetime,
    notes: tuple[Note, ...],
    embargo: datetime | None = None,
    withhold: str | None = None,
) -> Parsed:
    """Make the item of a media file, new at `now`. `story` is what it came with; None: it stands alone."""
    medium = inspected.type.medium or Medium.PICTURE
    body = tuple(paragraph(one) for one in lines(fields.caption or "") if one)
    channel = story.channel if story is not None else None
    if draft is not None and draft.channel is not None:
        channel = draft.channel
    keywords = inspected.fields.keywords if draft is None or not draft.keywords else draft.keywords
    key = f"file:{fields.outlet or 'nobody'}:{renditions[0].sha256}"
    day = fields.published.astimezone(publisher.zone)
    item = Item(
        id=item_id(day, key),
        version=1,
        ingested=now,
        first_ingested=now,
        headline=fields.headline,
        abstract=abstract_of(body, None, publisher.abstract_length),
        body=body,
        published=fields.published,
        source=fields.source,
        outlet=fields.outlet,
        byline=fields.byline,
        editor=draft.editor if draft is not None else (story.editor if story is not None else None),
        channel=channel or publisher.default_channel,
        medium=medium,
        address=None,
        language=inspected.fields.language or (story.language if story is not None else publisher.language),
        keywords=keywords,
        renditions=renditions,
        credit=fields.credit,
        alt=fields.alt,
        digital_source_type=inspected.fields.digital_source_type,
        file_name=file_name,
        standalone=story is None,
    )
    return Parsed(item, (key,), (key,), notes, embargo=embargo, withhold=withhold)


def alone(
    sidecar: Sidecar | None,
    fields: EmbeddedFields,
    *,
    name: str,
    publisher: Publisher,
) -> tuple[MediaFields, tuple[Note, ...]]:
    """Return what is said of a file that stands alone: by its sidecar first, then by the file itself.

    Raises Faulty where headline, source or time of publication are said nowhere.
    """
    draft = None if sidecar is None else sidecar.draft
    credit = None if sidecar is None else sidecar.credit
    alt = None if sidecar is None else sidecar.alt
    headline = (draft.headline if draft is not None else "") or fields.headline or ""
    source = (draft.source if draft is not None else "") or fields.source or fields.credit or ""
    published = (draft.published if draft is not None else None) or fields.created
    missing = {"headline": not headline, "source": not source, "published": published is None}
    faults = [
        Fault(f"{field}_missing", field, _SAID_NOWHERE) for field, absent in missing.items() if absent
    ]
    if faults or published is None:
        raise Faulty(name, faults)
    byline = (draft.byline if draft is not None else None) or fields.byline
    credits = [source, credit, fields.credit, fields.source, *fields.attributions]
    outlet, foreign = owner_of(credits, byline, None, publisher)
    caption = "\n".join(block.text for block in draft.body) if draft is not None and draft.body else None
    caption = caption or fields.caption
    return (
        MediaFields(
            headline=headline,
            caption=caption,
            alt=alt or alternative(fields.alt, headline, caption),
            byline=byline,
            credit=credit or fields.credit,
            source=source,
            outlet=outlet,
            published=published,
        ),
        () if foreign is None else (foreign_note(name, foreign),),
    )


_SAID_NOWHERE: Final = Text(
    "文件里和旁注文件里都没有；请在文件旁放一个同名的 .toml 旁注文件写明",
    "neither the file nor a sidecar says it: put a sidecar, a .toml of the same name, beside the file",
)


def medium_note(reference: MediaReference, found: Medium) -> Note | None:
    """Note that a document uses a file as another medium than it is; None where both agree."""
    if found is reference.medium:
        return None
    was, is_ = medium_name(reference.medium), medium_name(found)
    name = quoted(reference.source)
    return Note(
        "media_type_differs",
        "media",
        Text(f"“{name}”稿件中作{was.zh}，文件是{is_.zh}", f"“{name}” is used as {was.en} and is {is_.en}"),
    )
