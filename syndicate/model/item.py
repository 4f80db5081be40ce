"""Items (稿件): one story, picture, audio or video, with versions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, assert_never

from syndicate.language import Text
from syndicate.model.holds import NO_HOLDS, Holds
from syndicate.model.media import (
    GIVEN_RENDITIONS,
    Association,
    Rendition,
    rendition_from_json,
    rendition_to_json,
)
from syndicate.model.names import ChannelId, ItemId, OutletId

__all__ = [
    "Block",
    "BlockKind",
    "ChannelId",
    "FileState",
    "Item",
    "ItemId",
    "Medium",
    "OutletId",
    "canonical_json",
    "from_json",
    "medium_name",
    "tag_uri",
    "to_json",
]


class Medium(StrEnum):
    """What an item is made of. Rights are granted by medium."""

    TEXT = "text"
    PICTURE = "picture"
    AUDIO = "audio"
    VIDEO = "video"


def medium_name(medium: Medium) -> Text:
    """A medium as people read it."""
    match medium:
        case Medium.TEXT:
            return Text("文字", "text")
        case Medium.PICTURE:
            return Text("图片", "picture")
        case Medium.AUDIO:
            return Text("音频", "audio")
        case Medium.VIDEO:
            return Text("视频", "video")
    assert_never(medium)


class BlockKind(StrEnum):
    """What a block of a body is."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    QUOTE = "quote"
    LIST = "list"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a body.

    `text` is what a person reads, without markup. `html` is the inside of the block's element, already
    cleaned: inline markup and absolute http(s) links only (list items and table rows for those kinds).
    """

    kind: BlockKind
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One version of one item. All text is cleaned at ingest; all times are aware.

    `published` keeps the offset it was published with. `ingested` is when this version was taken in.
    `outlet` is None where the source line names none of our outlets: such an item is never released.
    """

    id: ItemId
    version: int
    ingested: datetime
    headline: str
    abstract: str
    body: tuple[Block, ...]
    published: datetime
    source: str
    outlet: OutletId | None
    byline: str | None
    editor: str | None
    channel: ChannelId
    medium: Medium
    address: str | None
    """Where it was first published (absolute http or https), if the document says so."""
    language: str
    keywords: tuple[str, ...]
    first_ingested: datetime
    """When version 1 was taken in; equal to `ingested` for version 1."""
    note: str | None = None
    """更正说明: what this version corrects, where it is a correction; it travels with the version."""
    renditions: tuple[Rendition, ...] = ()
    """The files of a picture, sound or film, the original first. Its `body` is the caption."""
    associations: tuple[Association, ...] = ()
    """The pictures, sounds and films of a story, in order."""
    credit: str | None = None
    """署名: whom the file or the document credits, as it is written there."""
    alt: str | None = None
    """替代文字: what a picture shows, for who cannot see it."""
    digital_source_type: str | None = None
    """IPTC's URI for how a picture came to be, where the file says it."""
    file_name: str | None = None
    """The name of the original file, without folders."""
    standalone: bool = True
    """Whether it is news by itself. What came with a story is found in the feeds of its medium alone."""
    holds: Holds = NO_HOLDS
    """What holds the item back; the store fills it in with every version that it reads."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the item's content: equal digests are the same version of a story.

        Of the files of a media item only what the newsroom gave counts: what this server made of it may
        differ from release to release.
        """
        given = tuple(one for one in self.renditions if one.name in GIVEN_RENDITIONS)
        named = [[one.name.value, one.sha256] for one in given]
        content = to_json(self)
        return hashlib.sha256(
            canonical_json({**content, "renditions": named} if named else content)
        ).hexdigest()

    @property
    def updated(self) -> datetime:
        """When readers should see it as changed: publication for version 1, else the version's own time.

        Never before it was reinstated, so that it is later than its tombstone (RFC 6721).
        """
        own = self.published if self.version == 1 else max(self.published, self.ingested)
        return own if self.holds.reinstated is None else max(own, self.holds.reinstated)

    @property
    def available(self) -> datetime:
        """From when the item may be out: publication, or the end of its embargo or withholding if later.

        The delay of a grant counts from here.
        """
        embargo, opened = self.holds.embargo, self.holds.opened
        ends = (self.published, embargo.until if embargo else None, opened)
        return max(instant for instant in ends if instant is not None)


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as ingest read it. SHA-256 of each.

    Attributes:
        place: where it lies.
        digest: what it holds, and by which settings and which release it was read.
    """

    place: bytes
    digest: bytes


def to_json(item: Item) -> dict[str, Any]:
    """The content of an item as JSON values, without what the server added (id, version, ingest time)."""
    content: dict[str, Any] = {
        "headline": item.headline,
        "abstract": item.abstract,
        "body": [[block.kind.value, block.text, block.html] for block in item.body],
        "published": item.published.isoformat(),
        "source": item.source,
        "outlet": item.outlet,
        "byline": item.byline,
        "editor": item.editor,
        "channel": item.channel,
        "medium": item.medium.value,
        "address": item.address,
        "language": item.language,
        "keywords": list(item.keywords),
    }
    return content | _media_to_json(item) | ({} if item.note is None else {"note": item.note})


def _media_to_json(item: Item) -> dict[str, Any]:
    """What only media items and stories with media have. Without them a version's content is as ever."""
    content = {
        "renditions": [rendition_to_json(one) for one in item.renditions],
        "associations": [_link_to_json(one) for one in item.associations],
        "credit": item.credit,
        "alt": item.alt,
        "digital_source_type": item.digital_source_type,
        "file_name": item.file_name,
        "standalone": None if item.standalone else False,
    }
    return {name: value for name, value in content.items() if value not in (None, [])}


def _link_to_json(one: Association) -> list[Any]:
    link = [one.item, one.place, one.caption]
    return link if one.alt is None else [*link, one.alt]


def from_json(
    content: dict[str, Any],
    *,
    id: ItemId,
    version: int,
    ingested: datetime,
    first_ingested: datetime,
    holds: Holds,
) -> Item:
    """The inverse of `to_json`."""
    return Item(
        id=id,
        version=version,
        ingested=ingested,
        first_ingested=first_ingested,
        headline=content["headline"],
        abstract=content["abstract"],
        body=tuple(_block(*values) for values in content["body"]),
        published=datetime.fromisoformat(content["published"]),
        source=content["source"],
        outlet=content["outlet"],
        byline=content["byline"],
        editor=content["editor"],
        channel=content["channel"],
        medium=Medium(content["medium"]),
        address=content["address"],
        language=content["language"],
        keywords=tuple(content["keywords"]),
        note=content.get("note"),
        renditions=tuple(map(rendition_from_json, content.get("renditions", ()))),
        associations=tuple(
            Association(item=ItemId(item), place=place, caption=caption, alt=next(iter(alt), None))
            for item, place, caption, *alt in content.get("associations", ())
        ),
        credit=content.get("credit"),
        alt=content.get("alt"),
        digital_source_type=content.get("digital_source_type"),
        file_name=content.get("file_name"),
        standalone=content.get("standalone", True),
        holds=holds,
    )


def _block(kind: str, text: str, html: str) -> Block:
    # Most blocks have no markup: one string in memory in place of two.
    return Block(BlockKind(kind), text, text if html == text else html)


def canonical_json(value: object) -> bytes:
    """UTF-8 JSON with sorted names and no blanks: the same value is always the same bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@lru_cache(maxsize=4_096)
def tag_uri(authority: str, item: ItemId) -> str:
    """The item's identity in every format: a `tag:` URI (RFC 4151) that never changes."""
    day = date(int(item[:4]), int(item[4:6]), int(item[6:8]))
    return f"tag:{authority},{day.isoformat()}:item:{item}"
