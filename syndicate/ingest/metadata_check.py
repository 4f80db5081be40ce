"""Compare what a page shows with its metadata, and note where they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from syndicate.ingest.dates import PRINTED
from syndicate.ingest.draft import Draft
from syndicate.ingest.furniture import is_furniture
from syndicate.ingest.labels import bare_name, instant, is_name
from syndicate.ingest.metadata import Metadata
from syndicate.ingest.outlets import outlet_of
from syndicate.ingest.text import folded
from syndicate.language import Text
from syndicate.model.notes import Note, quoted
from syndicate.model.parties import Publisher

_SHORT: Final = 4


def checked_headline(ones: Sequence[str], said: Metadata) -> tuple[str, tuple[Note, ...]]:
    """Return the headline: the one `h1`, checked against the metadata; empty where neither has one."""
    ones = [text for text in ones if len(text) >= _SHORT and not is_furniture(text)]
    matching = [text for text in ones if _agree(text, said.headline) or _agree(text, said.title)]
    if matching:
        return matching[0], ()
    if len(ones) == 1 and said.headline and not _agree(ones[0], said.headline):
        return ones[0], (
            Note(
                "headline_differs",
                "headline",
                Text(
                    f"标题取 h1“{quoted(ones[0])}”，与 og:title 等“{quoted(said.headline)}”不一致；请核对",
                    f"took the h1 “{quoted(ones[0])}” as the headline; the page's metadata says"
                    f" “{quoted(said.headline)}”: check which is right",
                ),
            ),
        )
    if len(ones) == 1:
        return ones[0], ()
    return said.headline, ()


def _agree(one: str, other: str) -> bool:
    """Whether two forms of a headline are the same, the site's name behind one of them aside."""
    one, other = folded(one), folded(other)
    return bool(one and other) and (one in other or other in one)


def with_metadata(draft: Draft, said: Metadata, publisher: Publisher) -> Draft:
    """Fill the draft with what only metadata says, and add notes where the two disagree."""
    match = PRINTED.search(said.published)
    found = instant(match, publisher.zone) if match else None
    notes = list(draft.notes)
    published, faults = draft.published, draft.faults
    if found is not None and published is None:
        published = found
        faults = tuple(fault for fault in faults if fault.field != "published")
    elif found is not None and published is not None and abs(found - published) >= timedelta(minutes=1):
        notes.append(
            Note(
                "published_differs",
                "published",
                Text(
                    f"发布时间取页面所示 {published:%Y-%m-%d %H:%M}，"
                    f"与元数据“{said.published}”不一致；请核对",
                    f"took {published:%Y-%m-%d %H:%M} from the page as the time of publication;"
                    f" its metadata says “{said.published}”: check which is right",
                ),
            )
        )
    source = draft.source
    named = bare_name(said.source)
    if not source and named:
        source = named
    elif not source and said.publisher:
        source = bare_name(said.publisher)
        notes.append(
            Note(
                "source_from_publisher",
                "source",
                Text(
                    f"页面没有来源，取 JSON-LD 的 publisher“{quoted(source)}”；请核对",
                    f"the page names no source; took JSON-LD's publisher “{quoted(source)}”: check it",
                ),
            )
        )
    elif named and outlet_of(named, publisher) != outlet_of(source, publisher):
        notes.append(
            Note(
                "source_differs",
                "source",
                Text(
                    f"来源取页面所示“{quoted(source)}”，与元数据“{quoted(named)}”不一致；请核对",
                    f"took the source “{quoted(source)}” that the page shows; its metadata says"
                    f" “{quoted(named)}”:"
                    " check which is right",
                ),
            )
        )
    return replace(
        draft,
        headline=draft.headline or said.headline,
        published=published,
        faults=faults,
        source=source,
        byline=draft.byline
        or (bare_name(said.author) if is_name(said.author) and said.author != source else None)
        or None,
        notes=tuple(notes),
    )
