"""Stories with pictures for tests of rights: taken in as documents are, from files made once."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from PIL import Image

from syndicate.ingest.draft import Parsed
from syndicate.media.file_types import JPEG
from syndicate.media.inspection import Inspected
from syndicate.model.holds import Holds
from syndicate.model.item import Item, ItemId, OutletId
from syndicate.model.media import Rendition, RenditionName
from syndicate.services.newsroom.document_decision import Taken
from syndicate.services.newsroom.document_holds import Keep
from syndicate.services.newsroom.document_parsing import ParsedDocument, ParsedMedia, parse_document
from syndicate.services.newsroom.media_items import MediaFields, parsed_media
from tests.support.factories import DAILY, STAFF
from tests.support.servers import Serving

_STORY = """<!doctype html><html><head><meta charset="utf-8"><title>湘湖</title></head><body>
<div class="con_title">{headline}</div><div class="time">{moment}</div>
<div class="confrom">来源:{source}</div><div class="xs_content">{notice}
<p>{headline}的第一段，写得比较长一些，以便成为正文的开头，也就是导语。{body}</p>
<p>第二段写得更细，也要足够长，才能成为正文的一部分，而不是别的什么。</p></div></body></html>"""


@dataclass(frozen=True)
class Pic:
    """A picture in a story. `seed` says which file it is; what is said of it is found in no other text."""

    seed: int
    source: str = "萧山网-萧山日报"
    outlet: OutletId | None = DAILY
    """Whose it is; None: not ours."""

    @property
    def caption(self) -> str:
        return f"图说{self.seed}号只随图片走。"

    @property
    def credit(self) -> str:
        return f"署名{self.seed}号"

    @property
    def file_name(self) -> str:
        return f"photo-file-{self.seed}.jpg"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody reads who may not have the picture."""
        return self.caption[:-1], self.credit, self.file_name.removesuffix(".jpg")


def jpeg(seed: int, size: int) -> bytes:
    """A small picture, another one for each seed and size."""
    written = io.BytesIO()
    Image.new("RGB", (size, size), (seed % 256, 90, size % 256)).save(written, "JPEG")
    return written.getvalue()


_SIZES = {RenditionName.ORIGINAL: 64, RenditionName.PREVIEW: 32, RenditionName.THUMBNAIL: 16}


async def _renditions(here: Serving, pic: Pic) -> tuple[Rendition, ...]:
    found = []
    scratch = here.house.settings.data / "scratch.jpg"
    for name, size in _SIZES.items():
        scratch.write_bytes(jpeg(pic.seed, size))
        kept = await here.house.files.add(scratch)
        found.append(
            Rendition(
                name=name,
                content_type=JPEG.content_type,
                size=kept.size,
                sha256=kept.sha256,
                width=size,
                height=size,
                stamped_size=kept.size + 5_000,
            )
        )
    return tuple(found)


async def document(
    here: Serving,
    headline: str,
    pictures: Sequence[Pic] = (),
    *,
    moment: str = "2026年11月2日 11:30",
    source: str = "萧山日报",
    body: str = "",
    notice: str = "",
) -> ParsedDocument:
    """A parsed document with these pictures behind its first paragraph."""
    html = _STORY.format(headline=headline, moment=moment, source=source, body=body, notice=notice)
    name, at = f"{headline}.html", here.clock()
    parsed = parse_document(html.encode(), name, here.house.items.rules, at)
    assert isinstance(parsed.content, Parsed), parsed.content
    story = parsed.content
    media = [await _picture(here, one, story, at) for one in pictures]
    return replace(parsed, media=tuple(media))


async def _picture(here: Serving, pic: Pic, story: Parsed, at: datetime) -> ParsedMedia:
    fields = MediaFields(
        headline=f"图片{pic.seed}号",
        caption=pic.caption,
        alt=None,
        byline=None,
        credit=pic.credit,
        source=pic.source,
        outlet=pic.outlet,
        published=story.item.published,
    )
    found = parsed_media(
        fields,
        Inspected(type=JPEG, width=64, height=64),
        await _renditions(here, pic),
        story=story.item,
        draft=None,
        file_name=pic.file_name,
        publisher=here.house.settings.publisher,
        now=at,
        notes=(),
        embargo=story.embargo,
        withhold=story.withhold,
    )
    return ParsedMedia(found, 1, None)


async def take_in(here: Serving, parsed: ParsedDocument, keep: Keep | None = None) -> Taken:
    """Take the document in; refused it must not be."""
    (taken,) = await here.house.items.take_in_group(STAFF, [parsed], keep)
    assert taken.item is not None, taken.faults
    return taken


async def story(
    here: Serving, headline: str, pictures: Sequence[Pic] = (), keep: Keep | None = None
) -> tuple[Item, list[Item]]:
    """A story taken in, and its pictures."""
    taken = await take_in(here, await document(here, headline, pictures), keep)
    assert taken.item is not None
    return taken.item, [one.item for one in taken.media if one.item is not None]


async def holds(here: Serving, *ids: ItemId) -> list[Holds]:
    """What holds these items now."""
    found = await here.house.store.newest(ids)
    return [found[id].holds for id in ids]
