"""Editions for the tests of the way out, made as the house makes them: cleared, then stamped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

from syndicate.formats import CHANGES, FEED_FORMATS, FORMATS, HTML, NINJS, PODCAST, Rendered, html, ninjs
from syndicate.formats.opml import opml
from syndicate.formats.rendered import json_body
from syndicate.language import Lang
from syndicate.model.archives import NO_LINKS, ArchiveLinks
from syndicate.model.changes import Action, ChangeEntry
from syndicate.model.feeds import Feed, feeds_of
from syndicate.model.holds import Embargo, Holds, Recall, RecallReason
from syndicate.model.item import Block, BlockKind, ChannelId, Item, ItemId, Medium, OutletId
from syndicate.model.media import Association, Rendition, RenditionName
from syndicate.model.parties import (
    PUBLIC,
    STAMP,
    Channel,
    Outlet,
    Partner,
    PartnerId,
    Public,
    Publisher,
    Recipient,
)
from syndicate.model.rights import Clause, Grant, Licence, Mandate, Use, Window
from syndicate.policy import Clearance, Refusal, clear
from syndicate.stamping import ChangesPage, Edition, Media, StampedItem, Tombstone, make_tombstone, stamp

PUBLISHER = Publisher(
    name="萧山网",
    name_en="Xiaoshan Net",
    stamp=STAMP,
    base_url="https://feeds.xsnet.example",
    authority="xsnet.cn",
    home="http://www.xsnet.cn/",
    outlets=(
        Outlet(OutletId("daily"), "萧山日报", ("萧山网-萧山日报", "萧山日报"), "Xiaoshan Daily"),
        Outlet(OutletId("tv"), "萧山电视台", ("萧山网-萧山电视台",), "Xiaoshan Television"),
        Outlet(OutletId("radio"), "萧山人民广播电台", ("萧山人民广播电台",)),
    ),
    channels=(
        Channel(ChannelId("news"), "新闻", "News"),
        Channel(ChannelId("health"), "健康", "Health", ("medtop:07000000", "medtop:20000446")),
        Channel(ChannelId("video"), "视频", "Video"),
    ),
    default_channel=ChannelId("news"),
    abstract_length=120,
    notice="本网稿件版权均属萧山网所有，未经协议授权不得使用。\n已经授权的，使用时必须注明“稿件来源:萧山网”。",
    notice_en="All items are the property of Xiaoshan Net.\nWhoever uses them must show 稿件来源:萧山网.",
    contact="版权合作:0571-00000000",
)
PARTNER = Partner(PartnerId("zjol"), "浙江在线 & 合作媒体", ("zjol.example",))
BEIJING = timezone(timedelta(hours=8))
PUBLISHED = datetime(2018, 1, 22, 8, 1, tzinfo=BEIJING)
UPDATED = datetime(2018, 1, 23, 0, 30, tzinfo=UTC)
NOW = datetime(2018, 1, 24, tzinfo=UTC)
MEDIA = frozenset(Medium)
OUTLETS = frozenset(outlet.id for outlet in PUBLISHER.outlets)
MANDATE = Mandate(
    "HEAD-2015-1", "萧山日报社", OUTLETS, MEDIA, True, Window(datetime(2015, 1, 1, tzinfo=BEIJING))
)
MANDATES = (MANDATE, replace(MANDATE, number="HEAD-2015-2", public_preview=True))
HEADINGS = ("深化“最多跑一次”改革", "加快社会事业发展", "加强和创新社会治理")


def paragraph(text: str, html: str | None = None) -> Block:
    return Block(BlockKind.PARAGRAPH, text, text if html is None else html)


def seed_body() -> tuple[Block, ...]:
    """The body of the shipped page, block by block."""
    lines = (files("syndicate") / "demo" / "seed.txt").read_text("utf-8").split("\n")
    body = [line.strip() for line in lines if line.strip()]
    first = next(at for at, line in enumerate(body) if line.startswith("新年伊始"))
    last = next(at for at, line in enumerate(body) if line.endswith("共建共治共享的萧山样板。"))
    return tuple(
        Block(BlockKind.HEADING if line in HEADINGS else BlockKind.PARAGRAPH, line, line)
        for line in body[first : last + 1]
    )


SEED = Item(
    id=ItemId("20180122-abc2345678"),
    version=1,
    ingested=UPDATED,
    first_ingested=UPDATED,
    headline="“2018 我们怎么干”系列报道之四——保障和改善民生 还有更多幸福事值得期待",
    abstract="新年伊始,每个萧山人都满含着对美好生活的新期待。",
    body=seed_body(),
    published=PUBLISHED,
    source="萧山网-萧山日报",
    outlet=OutletId("daily"),
    byline="首席记者 周喆",
    editor="桂信怡",
    channel=ChannelId("news"),
    medium=Medium.TEXT,
    address="http://www.xsnet.cn/news/shms/2018_1/2837262.shtml",
    language="zh-CN",
    keywords=("民生", "最多跑一次"),
)

TABLES = replace(
    SEED,
    id=ItemId("20180121-tables0001"),
    version=2,
    ingested=datetime(2018, 1, 22, 3, 0, 0, 500000, tzinfo=UTC),
    headline="数字与问答:A&B <湘湖> 的“一窗受理”",
    abstract="前台集中受理率达到98.8%,\n窗口缩减55.6%。",
    body=(
        Block(BlockKind.QUOTE, "让群众少跑腿。", "让群众<em>少跑腿</em>。"),
        Block(BlockKind.LIST, "投资审批\n商事登记", "<li>投资审批</li><li>商事登记</li>"),
        Block(BlockKind.TABLE, "窗口 55.6%", "<tr><th>窗口</th><td>55.6%</td></tr>"),
        paragraph(
            "详见湘湖网 1 < 2 & 3。",
            '详见<a href="https://www.xianghu.example/?a=1&amp;b=2">湘湖网</a> 1 &lt; 2 &amp; 3。',
        ),
    ),
    published=datetime(2018, 1, 21, 9, 30, tzinfo=BEIJING),
    byline="记者 王小明",
    editor=None,
    channel=ChannelId("health"),
    address="https://www.xsnet.cn/health/2018_1/2837001.shtml",
    keywords=(),
)

VIDEO = replace(
    SEED,
    id=ItemId("20180120-video00001"),
    headline="Video: snow on Xianghu Lake 湘湖雪景",
    abstract="",
    body=(paragraph("湘湖银装素裹。"),),
    published=datetime(2018, 1, 20, 18, 0, tzinfo=BEIJING),
    source="萧山网-萧山电视台",
    outlet=OutletId("tv"),
    byline=None,
    editor=None,
    channel=ChannelId("video"),
    medium=Medium.VIDEO,
    address=None,
    language="en",
    keywords=(),
)

HOSTILE = replace(
    SEED,
    id=ItemId("20180119-hostile001"),
    headline="\x0b]]> <b>粗体</b> & \ufffe\u202e反转\u202c \U0001f600 </script><!--",
    abstract="<script>alert(1)</script> ]]> \x00&amp; \u2028 مرحبا \ud800",
    body=(paragraph("]]> \x0c 秘文", "]]&gt; \x0c 秘文"),),
    published=datetime(2018, 1, 19, 7, 0, tzinfo=timezone(timedelta(hours=8, minutes=5, seconds=43))),
    byline="\x08 ",
    editor="",
    source="萧山日报\x1f",
    address="http://www.xsnet.cn/新闻?a=\"<b>'",
    keywords=("民生", "民生", "\x02", '<"&'),
    note="</p><script>alert(1)</script> ]]> \x0b&amp;\n\ufffe\ud800第二行",
)


def rendition(name: RenditionName, content_type: str, size: int, **more: int) -> Rendition:
    return Rendition(
        name=name,
        content_type=content_type,
        size=size,
        sha256="0" * 64,
        stamped_size=size + 4_000,
        **more,
    )


PICTURE = replace(
    SEED,
    id=ItemId("20180120-picture001"),
    headline="湘湖雪景",
    abstract="湘湖银装素裹。",
    body=(),
    published=datetime(2018, 1, 20, 12, 0, tzinfo=BEIJING),
    byline="记者 李四",
    credit="萧山日报",
    medium=Medium.PICTURE,
    address=None,
    keywords=("湘湖",),
    renditions=(
        rendition(RenditionName.ORIGINAL, "image/jpeg", 5_000_000, width=6000, height=4000),
        rendition(RenditionName.WEB, "image/jpeg", 400_000, width=1600, height=1067),
        rendition(RenditionName.PREVIEW, "image/jpeg", 60_000, width=640, height=427),
        rendition(RenditionName.THUMBNAIL, "image/jpeg", 20_000, width=320, height=213),
    ),
)
SOUND = replace(
    PICTURE,
    id=ItemId("20180120-sound00001"),
    headline="湘湖的声音 <第一集> & 其他",
    abstract="在湖边录下的一天。",
    published=datetime(2018, 1, 20, 7, 30, tzinfo=BEIJING),
    source="萧山人民广播电台",
    outlet=OutletId("radio"),
    byline="记者 王五",
    credit=None,
    medium=Medium.AUDIO,
    keywords=(),
    renditions=(
        rendition(RenditionName.ORIGINAL, "audio/mpeg", 9_000_000, duration=754_400),
        rendition(RenditionName.PREVIEW, "audio/mpeg", 900_000, duration=754_400),
        rendition(RenditionName.TRANSCRIPT, "text/vtt", 9_000),
    ),
)
FILM = replace(
    SOUND,
    id=ItemId("20180119-film000001"),
    headline="钱塘江大潮",
    abstract="",
    published=datetime(2018, 1, 19, 18, 0, tzinfo=BEIJING),
    source="萧山网-萧山电视台",
    outlet=OutletId("tv"),
    byline=None,
    channel=ChannelId("video"),
    medium=Medium.VIDEO,
    renditions=(
        rendition(
            RenditionName.ORIGINAL, "video/webm", 90_000_000, width=1920, height=1080, duration=61_000
        ),
        rendition(RenditionName.POSTER, "image/jpeg", 90_000, width=1280, height=720),
        rendition(RenditionName.PREVIEW, "video/mp4", 4_000_000, width=640, height=360, duration=61_000),
    ),
)
ILLUSTRATED = replace(
    SEED,
    id=ItemId("20180122-pictures01"),
    associations=(
        Association(item=PICTURE.id, place=1, caption="湘湖，1月20日"),
        Association(item=FILM.id, place=3),
        Association(item=ItemId("20180118-elsewhere1"), place=4, caption="不应出现"),
    ),
)
"""A story with a picture, a film, and a picture that no mandate covers."""

CORRECTED = replace(
    TABLES,
    id=ItemId("20180121-correct001"),
    note="原文“55.6%”有误，应为“65.6%”；窗口数 <3 & >1 不变。",
)

EARLY = replace(
    SEED,
    id=ItemId("20180123-early00001"),
    published=datetime(2018, 1, 23, 20, 0, tzinfo=BEIJING),
    holds=Holds(embargo=Embargo(datetime(2018, 1, 25, 0, 0, 0, 1, tzinfo=UTC), frozenset({PARTNER.id}))),
)
"""Under embargo until a little after eight in the morning of the 25th, in Xiaoshan."""

RECALLED_AT = datetime(2018, 1, 23, 16, 30, 0, 700000, tzinfo=UTC)


def recalled(item: Item, reason: RecallReason, note: str = "", *, at: datetime = RECALLED_AT) -> Item:
    recall = Recall(reason, note, at, at + timedelta(hours=2), item.published)
    return replace(item, holds=replace(item.holds, recall=recall))


CALLED_BACK = (
    recalled(
        replace(SEED, id=ItemId("20180119-recall0001")), RecallReason.EDITORIAL, "事实有误，请勿使用。"
    ),
    recalled(
        replace(TABLES, id=ItemId("20180118-recall0002")), RecallReason.RIGHTS, "<b>图片</b>\x0b & 权利\n人"
    ),
    recalled(replace(VIDEO, id=ItemId("20180117-recall0003")), RecallReason.LEGAL),
)
"""One recalled for each reason."""


def a_licence(
    use: Use = Use.REPRINT,
    *,
    retain: timedelta | None = None,
    may_edit: bool = False,
    early: bool = False,
    media: frozenset[Medium] = MEDIA,
) -> Licence:
    grant = Grant(
        clause=Clause("XSW-2018-001#1"),
        uses=frozenset({use}),
        outlets=OUTLETS,
        media=media,
        archive=timedelta(days=36500),
        retain=retain,
        may_edit=may_edit,
        early=early,
    )
    window = Window(datetime(2018, 1, 1, tzinfo=BEIJING), datetime(2019, 1, 1, tzinfo=BEIJING))
    return Licence("XSW-2018-001", PARTNER.id, window, (grant,))


def for_public(item: Item) -> StampedItem:
    return stamp(_cleared(item, PUBLIC, (), Use.LINK), PUBLISHER, _media_of(item, PUBLIC, (), Use.LINK))


def for_partner(item: Item, use: Use = Use.REPRINT, **terms: Any) -> StampedItem:
    licences = (a_licence(use, **terms),)
    media = _media_of(item, PARTNER, licences, use)
    return stamp(_cleared(item, PARTNER, licences, use), PUBLISHER, media)


def _media_of(item: Item, recipient: Recipient, licences: tuple[Licence, ...], use: Use) -> Media:
    """What the story refers to, as it is judged for the same recipient."""
    theirs = replace(PICTURE, id=ItemId("20180118-elsewhere1"), outlet=OutletId("nobody"))
    known = {one.id: one for one in (PICTURE, SOUND, FILM, theirs)}
    return {
        one.item: (known[one.item], clear(known[one.item], recipient, MANDATES, licences, use, NOW))
        for one in item.associations
    }


def tombstone_of(item: Item, recipient: Recipient = PUBLIC) -> Tombstone:
    """What the recipient, who could have had the item, is told of its recall."""
    use, licences = (Use.LINK, ()) if recipient == PUBLIC else (Use.REPRINT, (a_licence(),))
    verdict = clear(item, recipient, MANDATES, licences, use, NOW)
    assert isinstance(verdict, Refusal)
    made = make_tombstone(item, verdict, recipient, PUBLISHER)
    assert made is not None
    return made


def _cleared(item: Item, recipient: Recipient, licences: tuple[Licence, ...], use: Use) -> Clearance:
    verdict = clear(item, recipient, MANDATES, licences, use, NOW)
    assert isinstance(verdict, Clearance), verdict
    return verdict


def feed_of(
    *items: StampedItem,
    recipient: Recipient = PUBLIC,
    feed: str = "all",
    tombstones: tuple[Tombstone, ...] = (),
    archive: ArchiveLinks = NO_LINKS,
) -> Edition:
    made = _edition(items, recipient, feeds_of(PUBLISHER)[feed])
    return replace(made, tombstones=tombstones, archive=archive)


def alone(item: StampedItem) -> Edition:
    return _edition((item,), item.recipient, None)


def _edition(items: tuple[StampedItem, ...], recipient: Recipient, feed: Feed | None) -> Edition:
    return Edition(
        publisher=PUBLISHER, recipient=recipient, feed=feed, items=items, updated=UPDATED, until=None
    )


def told(seq: int, action: Action, item: Item, **more: Any) -> ChangeEntry:
    """An entry of the partner's change sequence."""
    said: dict[str, Any] = {"partner": PARTNER.id, "clause": "XSW-2018-001#1", "at": NOW, **more}
    return ChangeEntry(seq=seq, action=action, item=item.id, version=item.version, **said)


def changes_of(
    *entries: tuple[ChangeEntry, StampedItem | Tombstone | None], recipient: Partner = PARTNER
) -> ChangesPage:
    last = entries[-1][0].seq if entries else 0
    return ChangesPage(
        publisher=PUBLISHER, recipient=recipient, entries=entries, next=last, more=False, reset=False
    )


def changes_case() -> ChangesPage:
    """A page of the change sequence with every action, with and without an item."""
    gone, hostile, _ = CALLED_BACK
    soon, start = NOW + timedelta(hours=2, microseconds=5), 1_516_752_000_000_000
    return changes_of(
        (told(start, Action.PUT, SEED), for_partner(SEED)),
        (told(start + 7, Action.PUT, VIDEO), None),
        (told(start + 9, Action.CORRECT, CORRECTED, note=CORRECTED.note), for_partner(CORRECTED)),
        (
            told(
                start + 12, Action.EMBARGO, EARLY, clause=None, until=datetime(2018, 1, 25, 0, 0, 0, 1, UTC)
            ),
            None,
        ),
        (told(start + 13, Action.PUT, EARLY), for_partner(EARLY, early=True)),
        (
            told(
                start + 20,
                Action.RECALL,
                gone,
                reason="editorial",
                note="事实有误，请勿使用。",
                deadline=soon,
            ),
            tombstone_of(gone, PARTNER),
        ),
        (
            told(
                start + 21, Action.RECALL, hostile, reason="rights", note="\x0b\ud800<b>\n", deadline=soon
            ),
            tombstone_of(hostile, PARTNER),
        ),
        (told(start + 33, Action.WITHDRAW, TABLES, reason="retention_ended", deadline=soon), None),
    )


def feed_cases() -> dict[str, Edition]:
    """Every edition of a feed that has a golden folder."""
    kept = timedelta(days=90)
    return {
        "public-feed": feed_of(for_public(SEED), for_public(TABLES), for_public(VIDEO)),
        "public-channel": feed_of(for_public(TABLES), feed="health"),
        "partner-feed": feed_of(
            for_partner(SEED, retain=kept),
            for_partner(TABLES, may_edit=True),
            for_partner(VIDEO, Use.LINK),
            recipient=PARTNER,
        ),
        "empty-feed": feed_of(),
        "public-corrected": feed_of(
            for_public(CORRECTED), tombstones=tuple(tombstone_of(item) for item in CALLED_BACK)
        ),
        "partner-corrected": feed_of(
            for_partner(EARLY, early=True),
            for_partner(CORRECTED),
            recipient=PARTNER,
            tombstones=tuple(tombstone_of(item, PARTNER) for item in CALLED_BACK),
        ),
        "public-with-archive": feed_of(
            for_public(CORRECTED),
            tombstones=tuple(tombstone_of(item) for item in CALLED_BACK),
            archive=ArchiveLinks(previous="2017-12"),
        ),
        "public-archive": feed_of(
            for_public(SEED), feed="news", archive=ArchiveLinks("2018-01", "2017-12", "2018-02")
        ),
        "partner-archive": feed_of(
            for_partner(TABLES, Use.LINK),
            recipient=PARTNER,
            archive=ArchiveLinks("2018-01-22T08", "2018-01-21", use=Use.LINK),
        ),
        "public-media": feed_of(for_public(ILLUSTRATED), for_public(PICTURE), for_public(SOUND)),
        "partner-media": feed_of(
            for_partner(ILLUSTRATED),
            for_partner(PICTURE),
            for_partner(SOUND),
            for_partner(FILM),
            recipient=PARTNER,
        ),
        "hostile-public": feed_of(for_public(SEED), for_public(HOSTILE), for_public(VIDEO)),
        "hostile-partner": feed_of(
            for_partner(SEED), for_partner(HOSTILE), for_partner(VIDEO), recipient=PARTNER
        ),
    }


def item_cases() -> dict[str, Edition]:
    """Every edition of a single item that has a golden folder."""
    return {
        "public-item": alone(for_public(SEED)),
        "partner-item": alone(for_partner(SEED, retain=timedelta(days=90))),
        "partner-item-link": alone(for_partner(TABLES, Use.LINK)),
        "public-item-corrected": alone(for_public(CORRECTED)),
        "partner-item-corrected": alone(for_partner(CORRECTED)),
        "partner-item-early": alone(for_partner(EARLY, early=True)),
        "hostile-item": alone(for_partner(HOSTILE)),
    }


FORMS: Mapping[str, Callable[[Edition], Rendered]] = {
    **{format.id: format.render for format in FORMATS.values()},
    "en.html": lambda edition: Rendered(HTML.content_type, html.write(edition, lang=Lang.EN)),
}
SUFFIX = {"ninjs": "ninjs.json"}


def rendered() -> dict[str, Rendered]:
    """Every golden file, by its path under tests/golden/wire."""
    out: dict[str, Rendered] = {}
    for case, edition in feed_cases().items():
        formats = [*FEED_FORMATS.values(), *([PODCAST] if case.endswith("-media") else [])]
        for format in formats:
            out[f"{case}/expected.{format.id}"] = format.render(edition)
    for case, edition in item_cases().items():
        for name, render in FORMS.items():
            out[f"{case}/expected.{SUFFIX.get(name, name)}"] = render(edition)
    out["changes/expected.json"] = CHANGES.render(changes_case())
    for item in CALLED_BACK:
        left = ninjs.canceled(tombstone_of(item, PARTNER), PUBLISHER)
        reason = item.holds.recall.reason if item.holds.recall is not None else None
        out[f"canceled/expected.{reason}.ninjs.json"] = Rendered(NINJS.content_type, json_body(left))
    out["opml/expected.opml"] = opml(PUBLISHER, feeds_of(PUBLISHER).values())
    return out


def every_edition() -> dict[str, Edition]:
    return {**feed_cases(), **item_cases()}


def is_public(edition: Edition) -> bool:
    return isinstance(edition.recipient, Public)
