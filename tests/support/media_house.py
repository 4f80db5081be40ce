"""A house with a story, its picture, a sound and a film, taken in as the newsroom gives them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from PIL import Image

from syndicate.ingest.draft import Parsed
from syndicate.ingest.sidecar import read_sidecar
from syndicate.model.holds import RecallReason
from syndicate.model.item import Item, ItemId, Medium
from syndicate.model.media_events import MediaDelivered
from syndicate.model.parties import PartnerId
from syndicate.services.delivery.player_editions import for_players
from syndicate.services.newsroom.document_parsing import ParsedDocument, parse_document
from tests.support.factories import STAFF
from tests.support.fixtures import jti_of, session_for
from tests.support.servers import Serving, serving

CAPTION = "图为湘湖一角，摄于清晨。"
CREDIT = "记者 甲一"
FILE_NAME = "lake-at-dawn.jpg"
STAMP = "稿件来源:萧山网"
STORY = """<!doctype html><html><head><meta charset="utf-8"><title>湘湖</title></head><body>
<div class="con_title">{headline}</div><div class="time">2026年11月2日 11:30</div>
<div class="confrom">来源:萧山日报</div><div class="xs_content">
<p>{headline}：这是第一段，写得比较长一些，以便成为正文的开头，和别的稿件也不一样。</p>
{picture}
<p>第二段写得更细，也要足够长，才能成为{headline}的一部分，而不是别的什么。</p></div></body></html>"""
ALT = "芦苇丛中停着两只白鹭"
_PICTURE = (
    f'<figure><img src="{FILE_NAME}" alt="{ALT}"><figcaption>{CAPTION}{CREDIT} 摄</figcaption></figure>'
)
FOREIGN_PICTURE = (
    f'<figure><img src="{FILE_NAME}"><figcaption>湖景。新华社记者 丙三 摄</figcaption></figure>'
)
"""A picture that another agency's photographer took."""
RECORDINGS = Path(__file__).parents[1] / "media" / "recordings"


@dataclass(frozen=True)
class House:
    """Its items, and the keys of its partners by id."""

    story: Item
    picture: Item
    sound: Item
    film: Item
    keys: Mapping[str, str]


def a_picture(width: int = 1200, height: int = 800, *, orientation: int = 1, seed: int = 0) -> bytes:
    """A JPEG of two colours: the left half is red."""
    picture = Image.new("RGB", (width, height), (20, 120 + seed, 200))
    picture.paste((200, 20, 20), (0, 0, width // 2, height))
    exif = picture.getexif()
    exif[0x0112] = orientation
    exif[0x010F] = "CameraMaker"
    written = io.BytesIO()
    picture.save(written, "JPEG", exif=exif)
    return written.getvalue()


def mandate(*, public_preview: bool = False) -> str:
    """A mandate of all media of every outlet."""
    return f"""number = "HEAD-1"
holder = "萧山日报社"
outlets = ["daily", "tv", "radio"]
media = ["text", "picture", "audio", "video"]
exclusive = true
valid_from = 2015-01-01
public_preview = {str(public_preview).lower()}
"""


def licence(partner: str, media: str, more: str = "") -> str:
    """A licence of these media (TOML list without brackets)."""
    return f"""number = "L-{partner}"
partner = "{partner}"
valid_from = 2026-01-01
valid_until = 2027-01-01
[[grant]]
uses = ["reprint"]
outlets = ["daily", "tv", "radio"]
media = [{media}]
{more}"""


ALL = '"text", "picture", "audio", "video"'
LICENCES = {"txt": licence("txt", '"text"'), "all": licence("all", ALL)}


async def story_with(
    here: Serving, folder: Path, data: bytes | None, headline: str, *, alt: str = ALT
) -> ParsedDocument:
    """A story of this headline, parsed, with a picture in it unless `data` is None."""
    house = here.house
    html = STORY.format(headline=headline, picture="" if data is None else _PICTURE.replace(ALT, alt))
    document = parse_document(html.encode(), "story.html", house.items.rules, here.clock())
    if data is None:
        return document
    assert isinstance(document.content, Parsed), document.content
    file = folder / FILE_NAME
    file.write_bytes(data)
    found = {one.source: file for one in document.content.media}
    return await house.media_intake.with_media(document, found)


async def recording(here: Serving, name: str, source: str, medium: Medium) -> Item:
    """A recording of the tests, taken in alone with a sidecar."""
    said = f"""headline = "{name} 的标题"
caption = "{name} 的说明"
source = "{source}"
published = 2026-11-02T09:00:00+08:00
"""
    publisher = here.house.settings.publisher
    sidecar = read_sidecar(said.encode(), name="a.toml", medium=medium, publisher=publisher)
    document = await here.house.media_intake.standing_alone(RECORDINGS / name, name, sidecar, here.clock())
    (taken,) = await here.house.items.take_in_group(STAFF, [document])
    assert taken.item is not None, taken.faults
    return taken.item


async def furnish(
    here: Serving,
    folder: Path,
    licences: Mapping[str, str],
    *,
    public_preview: bool = False,
    picture: bytes | None = None,
) -> House:
    """Take everything in, and make a partner of each licence, with a key."""
    house = here.house
    document = await story_with(here, folder, picture or a_picture(), "湘湖水质持续提升")
    (taken,) = await house.items.take_in_group(STAFF, [document])
    assert taken.item is not None, taken.faults
    (shown,) = taken.media
    assert shown.item is not None
    sound = await recording(here, "sound.mp3", "萧山网-萧山人民广播电台", Medium.AUDIO)
    film = await recording(here, "film.mp4", "萧山网-萧山电视台", Medium.VIDEO)
    await house.rights.add_mandate(STAFF, mandate(public_preview=public_preview), "m.toml")
    keys = {}
    for partner, text in licences.items():
        await house.rights.add_partner(STAFF, PartnerId(partner), partner)
        await house.rights.add_licence(STAFF, text, f"{partner}.toml")
        keys[partner] = (await house.keys.issue(STAFF, PartnerId(partner))).token
    return House(taken.item, shown.item, sound, film, keys)


def in_house(
    folder: Path,
    act: Callable[[Serving, House], Awaitable[None]],
    licences: Mapping[str, str] = LICENCES,
    *,
    public_preview: bool = False,
    picture: bytes | None = None,
) -> None:
    """Do this in such a house."""

    async def inside() -> None:
        async with serving(folder / "house") as here:
            house = await furnish(here, folder, licences, public_preview=public_preview, picture=picture)
            await act(here, house)

    asyncio.run(inside())


async def media_lines(here: Serving) -> list[MediaDelivered]:
    """The lines of the trail about files that left, in order."""
    found = await here.house.store.lines(limit=10_000)
    return [one.entry.event for one in found if isinstance(one.entry.event, MediaDelivered)]


async def recall(here: Serving, item: ItemId, reason: RecallReason = RecallReason.EDITORIAL) -> None:
    """Recall the item."""
    await here.house.holds.recall(STAFF, item, reason, "测试", timedelta(hours=1))


async def signed_addresses(here: Serving, key: str, partner: str, feed: str = "pictures") -> list[str]:
    """The signed addresses in the partner's edition of a feed, as paths."""
    house = here.house
    session = await session_for(house, PartnerId(partner), jti_of(key))
    edition = await house.delivery.licensed_feed(feed, session, None)
    signer = await house.authenticator.address_signer()
    signed = for_players(edition, signer, session.register, house.settings.base_url, house.clock())
    base = house.settings.base_url
    return [one.address.removeprefix(base) for item in signed.edition.items for one in item.renditions]
