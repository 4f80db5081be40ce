"""Items, partners and agreements for tests, in few words. Everything has a default; say what matters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syndicate.config import load
from syndicate.model.actors import Actor, Way
from syndicate.model.item import Block, BlockKind, ChannelId, Item, ItemId, Medium, OutletId
from syndicate.model.parties import Partner, PartnerId, Publisher
from syndicate.model.rights import Clause, Except, Grant, Licence, Mandate, Quota, Use, Window

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
"""Noon in Xiaoshan on an ordinary Monday."""
YEAR = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
DAILY, TV, RADIO = OutletId("daily"), OutletId("tv"), OutletId("radio")
NEWS, HEALTH, ASK = ChannelId("news"), ChannelId("health"), ChannelId("ask")
ZJOL = Partner(PartnerId("zjol"), "浙江在线")
OTHER = Partner(PartnerId("hzw"), "杭州网")
PUBLISHER: Publisher = load(None, {}, data=Path("/nonexistent")).publisher

STAFF = Actor(Way.CLI, "zhou")
"""Who acts for the publisher in tests."""

SECRET = "只有授权媒体才能读到的这一句"
"""Stands in every body of `an_item`, after what an abstract could take from it."""


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def an_item(
    *,
    id: str = "20261102-aaaaaaaaaa",
    version: int = 1,
    headline: str = "湘湖水质持续提升",
    abstract: str = "湘湖水质持续向好。",
    body: Iterable[str] = ("湘湖水质持续向好。", "第二段写得更细。", SECRET + "。"),
    published: datetime = NOON,
    ingested: datetime | None = None,
    outlet: OutletId | None = DAILY,
    source: str = "萧山网-萧山日报",
    channel: ChannelId = NEWS,
    medium: Medium = Medium.TEXT,
    address: str | None = None,
) -> Item:
    taken = ingested or published
    return Item(
        id=ItemId(id),
        version=version,
        ingested=taken,
        first_ingested=taken,
        headline=headline,
        abstract=abstract,
        body=tuple(Block(BlockKind.PARAGRAPH, text, text) for text in body),
        published=published,
        source=source,
        outlet=outlet,
        byline="记者 王小明",
        editor="桂信怡",
        channel=channel,
        medium=medium,
        address=address,
        language="zh-CN",
        keywords=(),
    )


def a_mandate(
    number: str = "HEAD-1",
    *,
    outlets: Iterable[OutletId] = (DAILY,),
    media: Iterable[Medium] = tuple(Medium),
    window: Window | None = None,
) -> Mandate:
    opens = Window(datetime(2015, 1, 1, tzinfo=UTC))
    return Mandate(number, "萧山日报社", frozenset(outlets), frozenset(media), True, window or opens)


def a_grant(
    clause: str = "XSW-1#1",
    *,
    uses: Iterable[Use] = (Use.REPRINT,),
    outlets: Iterable[OutletId] = (DAILY,),
    media: Iterable[Medium] = (Medium.TEXT,),
    channels: Iterable[ChannelId] | None = None,
    delay: timedelta = timedelta(0),
    archive: timedelta | None = None,
    retain: timedelta | None = None,
    may_edit: bool = False,
    quota: Quota | None = None,
    early: bool = False,
) -> Grant:
    return Grant(
        clause=Clause(clause),
        uses=frozenset(uses),
        outlets=frozenset(outlets),
        media=frozenset(media),
        channels=None if channels is None else frozenset(channels),
        delay=delay,
        archive=archive,
        retain=retain,
        may_edit=may_edit,
        quota=quota,
        early=early,
    )


def a_licence(
    *grants: Grant,
    number: str = "XSW-1",
    partner: Partner = ZJOL,
    window: Window = YEAR,
    excepts: Iterable[Except] = (),
) -> Licence:
    return Licence(number, partner.id, window, grants or (a_grant(f"{number}#1"),), tuple(excepts))
