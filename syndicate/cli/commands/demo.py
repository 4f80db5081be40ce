"""`demo`: a real article, media of our own, mandates, a partner with licences and a key, made once."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syndicate.cli.app import Command, acting, given
from syndicate.cli.ui.output import Output, iso
from syndicate.durable_files import PRIVATE, replace_files
from syndicate.errors import Faulty, TokenRejected
from syndicate.language import Text
from syndicate.model.actors import Actor, Way
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.register import Key, Register
from syndicate.model.rights import Use
from syndicate.policy import Refusal
from syndicate.policy.reasons import REASONS, Reason
from syndicate.wiring import Services, initialise, opened

if TYPE_CHECKING:
    from syndicate.config import Settings

PARTNER = PartnerId("demo")
NAME = "示范媒体"
ARTICLE = "seed.txt"
MANDATES = ("mandate-daily.toml", "mandate-broadcast.toml")
LICENCE = "licence.toml"
MEDIA_LICENCE = "licence-media.toml"
KEY_FILE = "demo.key"
_ENDED = {
    Reason.LICENCE_ENDED: ("示范协议已终止", "the demonstration's licence has ended"),
    Reason.MANDATE_ENDED: ("示范的独家发布权已终止", "the demonstration's mandate has ended"),
    Reason.SUSPENDED: ("示范媒体已暂停", "the demonstration's partner is suspended"),
}
"""What people do to the demonstration while they try the commands."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration has: its article, its partner's key, and where the key is kept."""

    item: ItemId
    token: str
    key: Key
    kept: Path
    renewed: bool
    """Whether an earlier key was kept, and opened no more."""
    closed: Refusal | None
    """Why the partner may not reprint the article."""
    hidden: Refusal | None
    """Why the public may not even have its headline."""
    media: ShownMedia | None
    """The demonstration's media, where they were asked for."""


@dataclass(frozen=True, slots=True)
class ShownMedia:
    """The story with its picture, and the three media items; each only where the public may know of it."""

    story: ItemId | None
    picture: ItemId | None
    audio: ItemId | None
    video: ItemId | None
    file: ItemId | None
    """The picture, where the partner may have its original."""


@click.command(cls=Command)
@click.option("--message", is_flag=True, help="显示可以打开和试用的地址 · say what to open and to try")
@click.option(
    "--media", is_flag=True, help="另收示范图片、音频和视频 · with a picture, a sound and a film as well"
)
def demo(message: bool, media: bool) -> None:
    """准备示范数据，可重复执行 · Make a demonstration; safe to repeat.

    真实稿件、独家发布权、授权媒体、授权协议和密钥。
    A real article, its mandates, a partner with a licence and a key.

    \b
    例 · Example:
      syndicate demo --message
    """
    settings = given().settings()
    voice = replace(given().voice(), zone=settings.publisher.zone)
    shown = asyncio.run(prepare(settings, acting(Way.DEMO), voice, media=media))
    voice.give(
        {
            "item": shown.item,
            "partner": PARTNER,
            "jti": shown.key.jti,
            "expires": iso(shown.key.expires),
            "key_file": str(shown.kept),
        }
    )
    if message:
        voice.say(message_for(shown, settings, serving=False))


async def prepare(settings: Settings, actor: Actor, voice: Output, *, media: bool) -> Shown:
    """Make what is missing of the demonstration; with `media`, of its picture, sound and film as well."""
    from syndicate.cli.ingestion.document_intake import ACTIONS

    await initialise(settings, actor)
    # Its own sound and film are short: the public may hear and see them wherever ffmpeg is there.
    async with opened(replace(settings, media_previews=True)) as services:
        shipped = files("syndicate") / "demo"
        taken = await services.items.take_in(
            actor, (shipped / ARTICLE).read_bytes(), f"syndicate/demo/{ARTICLE}"
        )
        if taken.item is None:
            raise Faulty(ARTICLE, taken.faults)
        voice.aside(
            Text("示范稿件：已收入（", "the article: taken in (") + ACTIONS[taken.action] + Text("）", ")")
        )
        await _agreements(services, actor, shipped)
        shown = await _media(services, actor, shipped) if media else None
        kept, item = settings.data / KEY_FILE, taken.item.id
        token, key, renewed = await _key(services, actor, kept)
        closed = await _refusal(services, PARTNER, item, Use.REPRINT)
        hidden = await _refusal(services, "public", item, Use.LINK)
        return Shown(item, token, key, kept, renewed, closed, hidden, shown)


async def _media(services: Services, actor: Actor, shipped: Traversable) -> ShownMedia:
    """Take in the media, add the licence for them where it is missing, and say what may be shown."""
    from syndicate.cli.ingestion.demonstration_media import take_in_media

    taken = await take_in_media(services, actor, shipped)
    text = (shipped / MEDIA_LICENCE).read_text(encoding="utf-8")
    if tomllib.loads(text)["number"] not in _numbers(await services.rights.register()):
        await services.rights.add_licence(actor, text, MEDIA_LICENCE)

    async def public(item: ItemId) -> ItemId | None:
        return item if await _refusal(services, "public", item, Use.LINK) is None else None

    picture = taken.picture.id
    refused = await _refusal(services, PARTNER, picture, Use.REPRINT)
    return ShownMedia(
        story=await public(taken.story.id),
        picture=await public(picture),
        audio=await public(taken.audio.id),
        video=await public(taken.video.id),
        file=picture if refused is None else None,
    )


async def _refusal(services: Services, partner: str, item: ItemId, use: Use) -> Refusal | None:
    """Why the demonstration does not show what it should; None while it does."""
    verdict = (await services.explanation.explain(partner, item, use)).verdict
    return verdict if isinstance(verdict, Refusal) else None


async def _agreements(services: Services, actor: Actor, shipped: Traversable) -> None:
    """Mandates, partner and licence, where they are missing. One that was ended stays ended."""
    register = await services.rights.register()
    known = _numbers(register)
    for name in MANDATES:
        text = (shipped / name).read_text(encoding="utf-8")
        if tomllib.loads(text)["number"] not in known:
            await services.rights.add_mandate(actor, text, name)
    if PARTNER not in register.partners:
        await services.rights.add_partner(actor, PARTNER, NAME)
    text = (shipped / LICENCE).read_text(encoding="utf-8")
    if tomllib.loads(text)["number"] not in known:
        await services.rights.add_licence(actor, text, LICENCE)


def _numbers(register: Register) -> set[str]:
    licences = (one.number for licences in register.licences.values() for one in licences)
    return {one.number for one in register.mandates} | set(licences)


async def _key(services: Services, actor: Actor, kept: Path) -> tuple[str, Key, bool]:
    """The kept key while it opens; else a new one, and whether there was one before."""
    token = await asyncio.to_thread(_read, kept)
    if token is not None:
        try:
            bearer = services.signing_keys.verify(token, await services.signing_keys.load(services.store))
        except TokenRejected:
            bearer = None
        known = None if bearer is None else (await services.rights.register()).keys.get(bearer.jti)
        if known is not None and known.partner == PARTNER and known.revoked is None:
            return token, known, False
    issued = await services.keys.issue(actor, PARTNER, label="demo")
    await asyncio.to_thread(_keep, kept, issued.token)
    return issued.token, issued.key, token is not None


def _read(kept: Path) -> str | None:
    try:
        return kept.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _keep(kept: Path, token: str) -> None:
    """Write the key for its owner's eyes alone, whole or not at all."""
    replace_files({kept: f"{token}\n".encode("ascii")}, mode=PRIVATE)


def message_for(shown: Shown, settings: Settings, *, serving: bool) -> str:
    """What to open and to try, of what works; what works no more, and how to have it again.

    `serving` says that the server's port is open.
    """
    publisher = settings.publisher
    zh, en = "示范已备好，启动服务后即可试用", "the demonstration is made; start the server to try it"
    if serving:
        zh, en = "授权分发已就绪", "syndication is ready"
    head = f"""
{publisher.name} · {zh}
{publisher.name_en} · {en}
"""
    tail = f"""
密钥保存在 · The key is kept in {shown.kept}
停止服务按 Ctrl-C · Ctrl-C stops the server
"""
    return "".join([head, _troubles(shown), *_steps(shown, settings), tail])


def _troubles(shown: Shown) -> str:
    """What somebody has ended since, and a way to a fresh demonstration; empty if it is whole."""
    said = []
    if shown.renewed:
        said.append(
            "原密钥已撤销或失效，已签发新的密钥 · the earlier key opens no more: a new one was issued"
        )
    if (closed := shown.closed) is not None:
        zh, en = _ENDED.get(closed.reason, (REASONS[closed.reason].zh, REASONS[closed.reason].en))
        said += [
            f"{zh}：示范媒体得不到全文 · {en}: the demo partner gets no full text",
            f"  原因 · Why: syndicate explain --partner {PARTNER} --item {shown.item} --use {Use.REPRINT}",
        ]
        if closed.reason is Reason.SUSPENDED:
            said.append(f"  恢复 · To let it in again: syndicate partner resume {PARTNER}")
        else:
            said.append(
                "  要一套新的示范，换一个数据文件夹 · For a fresh demonstration, another data folder:\n"
                "    SYNDICATE_DATA=var2 make run"
            )
    return "\n" + "\n".join(said) + "\n" if said else ""


def _steps(shown: Shown, settings: Settings) -> Iterator[str]:
    base, stamp = settings.base_url, settings.publisher.stamp
    licensed, n = f"{base}/licensed/feeds/all.rss", count(1)
    yield f"""
打开 · Open
  首页：订阅源和授权说明 · the home page: feeds and terms
    {base}/
"""
    if shown.hidden is None:
        yield f"""\
  一篇真实稿件，2018 年 1 月 22 日刊 · a real story of 22 January 2018
    {base}/items/{shown.item}
{_pages(shown.media, base)}
{next(n)} 公开订阅：标题、摘要和“{stamp}” · the public feed: headline, abstract, stamp

curl {base}/feeds/all.rss
"""
    if shown.closed is None:
        yield f"""
{next(n)} 授权订阅：凭密钥得到全文，每篇都带来源标注 · the licensed feed: stamped full text, with the key

curl -H 'Authorization: Bearer {shown.token}' {licensed}
"""
    if shown.media is not None and shown.media.file is not None:
        original = f"{base}/licensed/media/{shown.media.file}/original"
        yield f"""
{next(n)} 图片原件：凭密钥下载，来源标注写在文件里 · the picture, with the key: the stamp is inside

curl -o xianghu.jpg -H 'Authorization: Bearer {shown.token}' {original}
"""
    yield f"""
{next(n)} 授权地址，不带密钥：被拒绝，401 token_missing · without the key: refused, 401 token_missing

curl -i {licensed}
"""


def _pages(media: ShownMedia | None, base: str) -> str:
    """The pages of the story with its picture, of the sound and of the film, as far as they are public."""
    if media is None:
        return ""
    named = [
        ("带图片的稿件 · a story with a picture", f"items/{media.story}", media.story),
        ("图片 · a picture", f"items/{media.picture}", media.picture),
        ("音频 · a sound", f"items/{media.audio}", media.audio),
        ("视频 · a film", f"items/{media.video}", media.video),
        ("音频播客 · the podcast of sounds", "feeds/audio.podcast.rss", media.audio),
    ]
    return "".join(f"  {name}\n    {base}/{path}\n" for name, path, item in named if item is not None)
