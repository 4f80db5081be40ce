"""Values to keep: one of each kind, and strategies for any of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from syndicate.model.events import EVENTS, Event, ItemDelivered, PartnerAdded
from syndicate.model.item import Block, BlockKind, ChannelId, Item, ItemId, Medium, OutletId
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.records import Entry
from syndicate.model.register import Key
from syndicate.model.rights import Clause, Except, Grant, Licence, Mandate, Quota, Use, Window
from syndicate.store.protocol import Change, Pending, Writing

NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))
ZJOL = Partner(PartnerId("zjol"), "浙江在线", ("zjol.com.cn",), NOON)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def an_item(
    number: int = 1,
    *,
    version: int = 1,
    published: datetime = NOON,
    outlet: str | None = "daily",
    channel: str = "news",
    medium: Medium = Medium.TEXT,
) -> Item:
    return Item(
        id=ItemId(f"20260301-{number:010d}"),
        version=version,
        ingested=NOON + timedelta(hours=version),
        first_ingested=NOON + timedelta(hours=1),
        headline=f"“2018 我们怎么干”之{number}",
        abstract="还有更多幸福事值得期待",
        body=(Block(BlockKind.PARAGRAPH, "新年伊始", "新年<b>伊始</b>"),),
        published=published.astimezone(CHINA),
        source="萧山网-萧山日报",
        outlet=None if outlet is None else OutletId(outlet),
        byline="首席记者 周喆",
        editor="桂信怡",
        channel=ChannelId(channel),
        medium=medium,
        address=None,
        language="zh-CN",
        keywords=("民生",),
    )


def a_mandate(number: str = "HEAD-2015-1") -> Mandate:
    return Mandate(
        number, "萧山日报社", frozenset({OutletId("daily")}), frozenset({Medium.TEXT}), True, Window(NOON)
    )


def a_licence(number: str = "XSW-1", *, closes: datetime | None = None) -> Licence:
    grant = Grant(
        clause=Clause(f"{number}#1"),
        uses=frozenset({Use.REPRINT, Use.LINK}),
        outlets=frozenset({OutletId("daily")}),
        media=frozenset({Medium.TEXT, Medium.PICTURE}),
        delay=timedelta(minutes=30),
        retain=timedelta(days=90),
        quota=Quota(100, "day"),
    )
    exception = Except(clause=Clause(f"{number}!1"), channels=frozenset({ChannelId("ask")}))
    return Licence(number, ZJOL.id, Window(NOON, closes), (grant,), (exception,))


def a_key(jti: str = "key-1", *, issued: datetime = NOON, revoked: datetime | None = None) -> Key:
    return Key(jti, ZJOL.id, "kid-1", "编辑部", issued, NOON + timedelta(days=90), revoked)


def an_act(at: datetime = NOON) -> Entry:
    return Entry(at, "staff", PartnerAdded(str(ZJOL.id)))


def a_delivery(item: str = "20260301-0000000001", *, jti: str = "key-1", at: datetime = NOON) -> Entry:
    event = ItemDelivered(str(ZJOL.id), jti, item, 1, "reprint", "XSW-1#1", 200, "GET", "r1")
    return Entry(at, str(ZJOL.id), event)


def a_pending(judged: int | None, number: int = 1) -> Pending:
    return Pending(a_delivery(f"20260301-{number:010d}"), judged)


async def keep_item(writing: Writing, item: Item, *keys: str) -> None:
    """One whole act: the item, its change, its line."""
    await writing.put_item(item, keys)
    await writing.changed(Change.ITEM)
    await writing.append(an_act())


async def keep_partner(writing: Writing, partner: Partner = ZJOL) -> None:
    await writing.put_partner(partner)
    await writing.changed(Change.RIGHTS)
    await writing.append(an_act())


# What PostgreSQL cannot hold in a text (NUL) and UTF-8 cannot hold at all is cleaned at ingest.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
names = st.text("abcdefghij-0123456789", min_size=1, max_size=12)
moments = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=20_000))
windows = st.builds(Window, moments, st.none() | moments)
media = st.frozensets(st.sampled_from(Medium))
uses = st.frozensets(st.sampled_from(Use))
outlets = st.frozensets(names.map(OutletId), max_size=3)
channels = st.frozensets(names.map(ChannelId), max_size=3)

items = st.builds(
    Item,
    id=names.map(ItemId),
    version=st.integers(1, 9),
    ingested=moments,
    first_ingested=moments,
    headline=words,
    abstract=words,
    body=st.lists(st.builds(Block, st.sampled_from(BlockKind), words, words), max_size=3).map(tuple),
    published=moments,
    source=words,
    outlet=st.none() | names.map(OutletId),
    byline=st.none() | words,
    editor=st.none() | words,
    channel=names.map(ChannelId),
    medium=st.sampled_from(Medium),
    address=st.none() | words,
    language=words,
    keywords=st.lists(words, max_size=3).map(tuple),
)
partners = st.builds(
    Partner, names.map(PartnerId), words, st.lists(words, max_size=3).map(tuple), st.none() | moments,
    st.none() | moments,
)  # fmt: skip
keys = st.builds(
    Key, names, st.just(ZJOL.id), names, words, moments, moments, st.none() | moments, st.none()
)
mandates = st.builds(Mandate, names, words, outlets, media, st.booleans(), windows)
grants = st.builds(
    Grant,
    clause=words,
    uses=uses,
    outlets=outlets,
    media=media,
    channels=st.none() | channels,
    delay=spans,
    archive=st.none() | spans,
    retain=st.none() | spans,
    may_edit=st.booleans(),
    quota=st.none() | st.builds(Quota, st.integers(0, 10**9), st.sampled_from(["day", "month"])),
)
excepts = st.builds(
    Except,
    clause=words,
    uses=st.none() | uses,
    outlets=st.none() | outlets,
    media=st.none() | media,
    channels=st.none() | channels,
)
licences = st.builds(
    Licence,
    names,
    st.just(ZJOL.id),
    windows,
    st.lists(grants, max_size=3).map(tuple),
    st.lists(excepts, max_size=2).map(tuple),
)
events: st.SearchStrategy[Event] = st.one_of(
    [
        st.builds(
            kind,
            **{
                name: {
                    "int": st.integers(0, 10**6),
                    "list[str]": st.lists(words, max_size=3),
                    "str | None": st.none() | words,
                }.get(str(type_), words)
                for name, type_ in kind.__annotations__.items()
                if name != "kind"
            },
        )
        for kind in EVENTS.values()
    ]
)
entries = st.builds(Entry, moments, words, events)
