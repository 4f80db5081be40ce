"""The services on both databases: items and their identity, agreements, keys, recorded deliveries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from syndicate.errors import Conflict, Faulty, NotLicensed, StoreBusy, TokenRejected, Unknown
from syndicate.language import Text
from syndicate.model.events import (
    EditionDelivered,
    Event,
    ItemIngested,
    KeyRejected,
    KeyRevoked,
    ReleaseRefused,
)
from syndicate.model.item import ItemId, tag_uri
from syndicate.model.parties import PUBLIC, PartnerId
from syndicate.model.rights import Form, Use
from syndicate.policy import Clearance, Refusal
from syndicate.policy.reasons import Reason
from syndicate.services.delivery.delivery_events import RequestContext
from syndicate.services.newsroom.document_decision import Action, Taken
from syndicate.store.sql_store import SqlStore
from syndicate.wiring import Services, build
from tests.support.databases import opened
from tests.support.factories import NOON, STAFF, days, minutes
from tests.support.fixtures import session_for
from tests.support.servers import MovableClock, settings_for

ZJOL = PartnerId("zjol")
ASKED = RequestContext("0123456789abcdef", "GET", "rss")
MANDATE = """
number = "HEAD-1"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text"]
exclusive = true
valid_from = 2015-01-01
"""
LICENCE = """
number = "XSW-1"
partner = "zjol"
valid_from = 2026-01-01
valid_until = 2027-01-01

[[grant]]
uses = ["reprint", "link"]
outlets = ["daily"]
media = ["text"]
"""
BODY = "这一段写得足够长,因此摘要只取开头的一句。后面的内容只有全文才有,读者要到首发页面去看。"


def page(headline: str = "湘湖水质提升", body: str = BODY, *, address: str = "", minute: int = 0) -> bytes:
    canonical = f'<link rel="canonical" href="{address}">' if address else ""
    return f"""<html><head><meta charset="utf-8">{canonical}</head><body>
<div class="con_title">{headline}</div>
<span class="time">2026年11月2日 11:{minute:02}</span><span class="confrom">来源:萧山日报</span>
<div class="xs_content"><p>{body}</p><p>第二段也写得很长,里面有更多细节,也有更多数字。</p></div>
<div class="con_edit">作者:记者 王小明 编辑:桂信怡</div></body></html>""".encode()


@dataclass
class Here:
    house: Services
    clock: MovableClock
    store: SqlStore


@asynccontextmanager
async def a_house(address: str, folder: Path) -> AsyncIterator[Here]:
    clock = MovableClock()
    async with opened(address) as store:
        house = build(settings_for(folder), store, clock)
        await house.keys.make_signing_key(STAFF)
        yield Here(house, clock, store)
        await house.delivery.close()


def on(address: str, folder: Path, story: Callable[[Here], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with a_house(address, folder) as here:
            await story(here)

    asyncio.run(tell())


async def licensed(here: Here) -> str:
    """A mandate, a partner with a licence and a key, one item; the key's jti."""
    await here.house.rights.add_mandate(STAFF, MANDATE, "m.toml")
    await here.house.rights.add_partner(STAFF, ZJOL, "浙江在线", ["zjol.com.cn"])
    await here.house.rights.add_licence(STAFF, LICENCE, "l.toml")
    await here.house.items.take_in(STAFF, page(), "a.html")
    return (await here.house.keys.issue(STAFF, ZJOL)).key.jti


async def events(here: Here) -> list[Event]:
    return [line.entry.event for line in await here.store.lines(limit=1000)]


def taken_id(taken: Taken) -> str:
    assert taken.item is not None, taken.faults
    return taken.item.id


# Items: one story is one item.


def test_the_same_story_again_is_unchanged_and_leaves_nothing_behind(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        first = await here.house.items.take_in(STAFF, page(), "a.html")
        lines = await events(here)
        again = await here.house.items.take_in(STAFF, page(), "b.html")
        assert (first.action, again.action) == (Action.CREATED, Action.UNCHANGED)
        assert taken_id(first) == taken_id(again)
        assert await events(here) == lines
        assert [type(event) for event in lines if isinstance(event, ItemIngested)] == [ItemIngested]

    on(store_address, tmp_path, story)


def test_changed_text_is_a_new_version_of_the_same_item(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        first = await here.house.items.take_in(STAFF, page(), "a.html")
        here.clock.move(minutes(7))
        second = await here.house.items.take_in(STAFF, page(body=BODY + "更正一处数字。"), "a.html")
        third = await here.house.items.take_in(
            STAFF, page("湘湖水质再提升", BODY + "更正一处数字。"), "a.html"
        )
        assert [taken.action for taken in (second, third)] == [Action.UPDATED, Action.UPDATED]
        assert taken_id(first) == taken_id(second) == taken_id(third)
        versions = await here.house.items.versions(ItemId(taken_id(first)))
        assert [item.version for item in versions] == [1, 2, 3]
        assert versions[0].headline == "湘湖水质提升"
        assert versions[2].first_ingested == versions[0].ingested == NOON
        assert versions[2].updated == NOON + minutes(7)

    on(store_address, tmp_path, story)


def test_two_stories_with_one_headline_in_one_minute_stay_two(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        news = here.house.items
        one = await news.take_in(
            STAFF, page("图片新闻", address="http://www.xsnet.cn/news/1.shtml"), "1.html"
        )
        two = await news.take_in(
            STAFF,
            page(
                "图片新闻",
                "另一张图片的说明,写得同样足够长,读者一看就明白。",
                address="http://www.xsnet.cn/news/2.shtml",
            ),
            "2.html",
        )
        assert (one.action, two.action) == (Action.CREATED, Action.CREATED)
        assert taken_id(one) != taken_id(two)
        # Each is found again by its own address, also when its headline changes.
        again = await news.take_in(
            STAFF, page("图片新闻更正", address="http://www.xsnet.cn/news/2.shtml"), "2.html"
        )
        assert (again.action, taken_id(again)) == (Action.UPDATED, taken_id(two))

    on(store_address, tmp_path, story)


def test_an_address_once_known_is_not_lost_by_a_text_without_it(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        news = here.house.items
        await news.take_in(STAFF, page(address="http://www.xsnet.cn/news/1.shtml"), "1.html")
        again = await news.take_in(STAFF, page(), "1.txt")
        assert again.action is Action.UNCHANGED
        assert again.item is not None
        assert again.item.address == "http://www.xsnet.cn/news/1.shtml"

    on(store_address, tmp_path, story)


def test_a_refused_document_changes_nothing_but_the_trail(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        before = await here.store.sequence()
        taken = await here.house.items.take_in(STAFF, b"\x00\x01", "binary.bin")
        assert taken.action is Action.REFUSED
        assert taken.faults[0].code == "binary"
        assert await here.house.items.items() == []
        assert await here.store.sequence() == before
        assert (await events(here))[-1].kind == "document_refused"

    on(store_address, tmp_path, story)


# Agreements and their partners.


def test_a_number_can_be_used_once(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        lines = len(await events(here))
        with pytest.raises(Conflict) as mandate:
            await here.house.rights.add_mandate(STAFF, MANDATE, "m.toml")
        with pytest.raises(Conflict) as licence:
            await here.house.rights.add_licence(STAFF, LICENCE, "l.toml")
        with pytest.raises(Conflict) as taken:
            await here.house.rights.add_licence(STAFF, LICENCE.replace("XSW-1", "HEAD-1"), "l.toml")
        with pytest.raises(Conflict):
            await here.house.rights.add_partner(STAFF, ZJOL, "又一个")
        assert {mandate.value.code, licence.value.code, taken.value.code} == {"duplicate_number"}
        assert len(await events(here)) == lines

    on(store_address, tmp_path, story)


def test_a_licence_for_an_unknown_outlet_or_partner_is_refused_with_every_fault(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        faulty = LICENCE.replace('["daily"]', '["dialy"]').replace("2027", "2025")
        with pytest.raises(Faulty) as refused:
            await here.house.rights.add_licence(STAFF, faulty, "l.toml")
        faults = {fault.field: fault for fault in refused.value.faults}
        assert {"partner", "grant[0].outlets"} <= set(faults)
        assert any(field.startswith("valid_") for field in faults)
        assert all(fault.line for fault in refused.value.faults)
        assert await here.store.sequence() == await here.store.sequence()
        assert (await here.house.rights.register()).licences == {}

    on(store_address, tmp_path, story)


@pytest.mark.parametrize(
    ("id", "name", "domains", "codes"),
    [
        ("Zjol", "浙江在线", [], {"partner_id_invalid"}),
        ("public", "浙江在线", [], {"partner_id_invalid"}),
        ("a:b", " ", ["http://x"], {"partner_id_invalid", "partner_name_invalid", "domain_invalid"}),
        ("", "x\x00", ["x"], {"partner_id_invalid", "partner_name_invalid", "domain_invalid"}),
    ],
)
def test_what_is_no_partner_is_refused_with_every_fault(
    sqlite_address: str, tmp_path: Path, id: str, name: str, domains: list[str], codes: set[str]
) -> None:
    async def story(here: Here) -> None:
        with pytest.raises(Faulty) as refused:
            await here.house.rights.add_partner(STAFF, id, name, domains)
        assert {fault.code for fault in refused.value.faults} == codes

    on(sqlite_address, tmp_path, story)


def test_ending_a_licence_or_mandate_closes_it_now_and_only_once(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        here.clock.move(minutes(5))
        rights = here.house.rights
        ended = await rights.end_licence(STAFF, "XSW-1")
        assert ended.window.closes == NOON + minutes(5)
        assert (await rights.licence("XSW-1"))[1] == LICENCE
        with pytest.raises(Conflict):
            await rights.end_licence(STAFF, "XSW-1")
        assert (await rights.end_mandate(STAFF, "HEAD-1")).window.closes == NOON + minutes(5)
        with pytest.raises(Unknown):
            await rights.end_mandate(STAFF, "HEAD-2")

    on(store_address, tmp_path, story)


def test_an_explanation_says_why_and_when(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        (item,) = await here.house.items.items()
        why = here.house.explanation
        yes = (await why.explain("zjol", item.id, Use.REPRINT, None)).verdict
        assert isinstance(yes, Clearance)
        assert (yes.clause, yes.form) == ("XSW-1#1", Form.FULL)
        no = (await why.explain("zjol", item.id, Use.REPRINT, NOON + days(365))).verdict
        assert isinstance(no, Refusal)
        assert (no.reason, no.clause) == (Reason.LICENCE_ENDED, "XSW-1")
        public = (await why.explain("public", item.id, Use.COPY, None)).verdict
        assert isinstance(public, Refusal)
        assert public.reason is Reason.SUMMARY_ONLY
        with pytest.raises(Unknown):
            await why.explain("nobody", item.id, Use.COPY, None)

    on(store_address, tmp_path, story)


# Keys.


def test_several_keys_live_at_once_and_the_token_is_kept_nowhere(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        old, new = [await here.house.keys.issue(STAFF, ZJOL, label=label) for label in ("旧", "新")]
        for issued in (old, new):
            assert (await session_for(here.house, ZJOL, issued.key.jti)).partner.id == ZJOL
            assert issued.token not in repr(issued)
        await here.house.keys.revoke(STAFF, old.key.jti)
        with pytest.raises(TokenRejected) as rejected:
            await session_for(here.house, ZJOL, old.key.jti)
        assert rejected.value.code == "key_revoked"
        await session_for(here.house, ZJOL, new.key.jti)
        with pytest.raises(Conflict):
            await here.house.keys.revoke(STAFF, old.key.jti)
        written = json.dumps([str(line) for line in await here.store.lines(limit=1000)])
        for issued in (old, new):
            assert issued.token.split(".")[2] not in written
        assert any(isinstance(event, KeyRevoked) for event in await events(here))

    on(store_address, tmp_path, story)


@pytest.mark.parametrize("days", [0, -1, 100_000])
def test_a_key_has_a_bounded_life(sqlite_address: str, tmp_path: Path, days: int) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        with pytest.raises(Faulty):
            await here.house.keys.issue(STAFF, ZJOL, days=days)

    on(sqlite_address, tmp_path, story)


# Delivery: decided, recorded, sent.


def test_what_was_judged_before_a_revocation_is_not_delivered_after_it(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        front = here.house.delivery
        caller = await session_for(here.house, ZJOL, jti)
        served = await front.licensed_feed("all", caller, None)
        # Another process revokes the key while the answer is being made.
        async with opened(store_address) as elsewhere:
            other = build(here.house.settings, elsewhere, here.clock)
            await other.keys.revoke(STAFF, jti)
        assert await front.deliver(served, caller, 200, ASKED) is False
        assert not any(isinstance(event, EditionDelivered) for event in await events(here))
        with pytest.raises(TokenRejected):
            await session_for(here.house, ZJOL, jti)

    on(store_address, tmp_path, story)


def test_the_line_names_an_edition_whose_list_says_exactly_what_was_given(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        front = here.house.delivery
        caller = await session_for(here.house, ZJOL, jti)
        served = await front.licensed_feed("all", caller, None)
        for status in (200, 304, 304):
            assert await front.deliver(served, caller, status, ASKED)
        delivered = [event for event in await events(here) if isinstance(event, EditionDelivered)]
        assert len(delivered) == 3
        assert len({event.edition for event in delivered}) == 1
        kept = await here.store.manifest(delivered[0].edition)
        assert kept is not None
        (item,) = served.edition.items
        assert json.loads(kept) == {
            "recipient": "partner:zjol",
            "feed": "all",
            "items": [[item.id, 1, "reprint", "XSW-1#1", "HEAD-1"]],
        }
        (key,) = await here.house.keys.keys(ZJOL)
        assert key.last_used is not None

    on(store_address, tmp_path, story)


def test_a_kept_edition_is_the_same_until_its_content_changes(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        front = here.house.delivery
        first = await front.public_feed("all")
        here.clock.move(minutes(3))
        assert (await front.public_feed("all")).edition is first.edition
        await here.house.items.take_in(
            STAFF, page("别处新闻", minute=3).replace("萧山日报".encode(), "新华社".encode()), "b.html"
        )
        same = await front.public_feed("all")
        assert (same.edition.updated, same.content) == (first.edition.updated, first.content)
        await here.house.items.take_in(
            STAFF, page("又一条新闻", "另一条新闻的正文也写得足够长,读者读得明白。" * 2, minute=4), "c.html"
        )
        changed = await front.public_feed("all")
        assert changed.content != first.content
        assert changed.edition.updated > first.edition.updated

    on(store_address, tmp_path, story)


def test_refusals_are_written_and_floods_of_forged_keys_are_counted(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        front = here.house.delivery
        caller = await session_for(here.house, ZJOL, jti)
        with pytest.raises(NotLicensed) as refused:
            await front.licensed_feed("all", caller, Use.COPY)
        await front.refuse(caller, "feed:all", Use.COPY, refused.value, ASKED)
        for _ in range(100):
            await front.reject(TokenRejected("token_invalid", "forged"), ASKED)
        here.clock.move(minutes(2))
        await front.reject(TokenRejected("token_invalid", "forged"), ASKED)
        written = await events(here)
        refusal = next(event for event in written if isinstance(event, ReleaseRefused))
        assert (refusal.reason, refusal.subject) == ("use_not_granted", "feed:all")
        rejections = [event for event in written if isinstance(event, KeyRejected)]
        assert len(rejections) == 61
        assert sum(event.times for event in rejections) == 101

    on(store_address, tmp_path, story)


def test_many_answers_under_way_share_a_commit_and_each_gets_its_own_line(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        front = here.house.delivery
        caller = await session_for(here.house, ZJOL, jti)
        served = await front.licensed_feed("all", caller, None)
        written = await asyncio.gather(
            *(front.deliver(served, caller, 200, replace(ASKED, request=f"{n:016}")) for n in range(64))
        )
        assert all(written)
        delivered = [event for event in await events(here) if isinstance(event, EditionDelivered)]
        assert {event.request for event in delivered} == {f"{n:016}" for n in range(64)}

    on(store_address, tmp_path, story)


def test_a_partners_summary_feed_and_the_publics_are_two_editions(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        front = here.house.delivery
        caller = await session_for(here.house, ZJOL, jti)
        own = await front.licensed_feed("all", caller, Use.LINK)
        public = await front.public_feed("all")
        assert own.edition.recipient == caller.partner
        assert public.edition.recipient == PUBLIC
        assert all(item.body == () for item in (*own.edition.items, *public.edition.items))

    on(store_address, tmp_path, story)


def test_what_is_refused_does_not_hide_what_is_older_and_cleared(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        await here.house.rights.add_licence(
            STAFF, LICENCE.replace("XSW-1", "XSW-2") + '\n[[except]]\nchannels = ["ask"]\n', "l.toml"
        )
        for number in range(130):
            crumb = "<div class='navigate'><div class='rute'>您的位置:萧山网 > 网络问政 > 正文</div></div>"
            asked = (
                page(f"问政{number}", f"第{number}个问题这样写。{BODY}", minute=30)
                .decode()
                .replace("<body>", f"<body>{crumb}")
            )
            taken = await here.house.items.take_in(STAFF, asked.encode(), f"{number}.html")
            assert taken.item is not None
            assert taken.item.channel == "ask"
        for number in range(5):
            await here.house.items.take_in(
                STAFF,
                page(f"旧闻{number}", f"第{number}条旧闻这样写。{BODY}", minute=1),
                f"old-{number}.html",
            )
        caller = await session_for(here.house, ZJOL, jti)
        served = await here.house.delivery.licensed_feed("all", caller, None)
        assert [item.channel.id for item in served.edition.items] == ["news"] * 6
        assert len((await here.house.delivery.public_feed("all")).edition.items) == 50

    on(store_address, tmp_path, story)


def test_an_item_that_must_not_be_known_leaves_the_same_kind_of_line_as_one_that_is_not(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        front = here.house.delivery
        foreign = await here.house.items.take_in(
            STAFF,
            page("外来新闻", f"外来的第一段。{BODY}", minute=3).replace(
                "萧山日报".encode(), "新华社".encode()
            ),
            "x.html",
        )
        caller = await session_for(here.house, ZJOL, jti)
        reasons = []
        for id in (taken_id(foreign), "20261102-zzzzzzzzzz"):
            with pytest.raises(Unknown) as absent:
                await front.licensed_item(ItemId(id), caller, None)
            await front.refuse(caller, f"item:{id}", None, absent.value, ASKED)
            reasons.append((await events(here))[-1])
        assert [event.reason for event in reasons if isinstance(event, ReleaseRefused)] == [
            "not_ours",
            "unknown",
        ]

    on(store_address, tmp_path, story)


# What an attacker found, each held shut.


def test_a_retired_signing_key_closes_every_key_it_signed_one_by_one(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        (old,) = [key.kid for key in await here.house.keys.keys(ZJOL)]
        await here.house.keys.rotate_signing_key(STAFF)
        new = (await here.house.keys.issue(STAFF, ZJOL)).key
        await here.house.keys.retire_signing_key(STAFF, old)
        # A worker that cannot read the folder of signing keys at this moment refuses it all the same.
        with pytest.raises(TokenRejected) as rejected:
            await session_for(here.house, ZJOL, jti)
        assert rejected.value.code == "key_revoked"
        assert (await session_for(here.house, ZJOL, new.jti)).key.jti == new.jti
        written = await events(here)
        assert [event.jti for event in written if isinstance(event, KeyRevoked)] == [jti]

    on(store_address, tmp_path, story)


def test_new_items_do_not_hold_up_answers_but_what_takes_away_does(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        front, news = here.house.delivery, here.house.items
        caller = await session_for(here.house, ZJOL, jti)
        served = await front.licensed_feed("all", caller, None)
        await news.take_in(STAFF, page("又一条新闻", f"另一条新闻。{BODY}", minute=4), "b.html")
        assert await front.deliver(served, caller, 200, ASKED)
        # The story turns out to be another paper's: what was judged before must not leave.
        caller = await session_for(here.house, ZJOL, jti)
        served = await front.licensed_feed("all", caller, None)
        moved = page(address="http://www.xsnet.cn/1.shtml", minute=9)
        await news.take_in(STAFF, moved, "a.html")
        caller = await session_for(here.house, ZJOL, jti)
        served = await front.licensed_feed("all", caller, None)
        taken = await news.take_in(STAFF, moved.replace("萧山日报".encode(), "新华社".encode()), "a.html")
        assert taken.action is Action.UPDATED
        assert await front.deliver(served, caller, 200, ASKED) is False

    on(store_address, tmp_path, story)


def test_a_foreign_document_cannot_take_an_item_over_by_its_public_identity(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        (ours,) = await here.house.items.items()
        forged = {
            "uri": tag_uri(here.house.settings.publisher.authority, ours.id),
            "standard": {"name": "ninjs", "version": "3.1"},
            "type": "text",
            "firstCreated": "2026-11-02T11:00:00+08:00",
            "headlines": [{"value": "别家的稿件"}],
            "bodies": [{"value": BODY * 2, "contentType": "text/plain"}],
            "infoSources": [{"literal": "杭州日报"}],
        }
        taken = await here.house.items.take_in(STAFF, json.dumps(forged).encode(), "take.json")
        assert taken.action is Action.REFUSED
        assert [fault.code for fault in taken.faults] == ["uri_claimed"]
        (still,) = await here.house.items.items()
        assert still == ours

    on(store_address, tmp_path, story)


def test_what_is_hidden_is_not_read_so_that_it_takes_no_longer_than_what_is_not(
    store_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(here: Here) -> None:
        jti = await licensed(here)
        foreign = await here.house.items.take_in(
            STAFF,
            page("外来新闻", f"外来的第一段。{BODY}", minute=3).replace(
                "萧山日报".encode(), "新华社".encode()
            ),
            "x.html",
        )
        caller = await session_for(here.house, ZJOL, jti)

        async def unread(id: ItemId, version: int | None = None) -> None:
            raise AssertionError(f"{id} was read")

        monkeypatch.setattr(here.store, "item", unread)
        for id in (taken_id(foreign), "20261102-zzzzzzzzzz"):
            with pytest.raises(Unknown):
                await here.house.delivery.public_item(ItemId(id))
            with pytest.raises(Unknown):
                await here.house.delivery.licensed_item(ItemId(id), caller, None)

    on(store_address, tmp_path, story)


def test_an_edition_too_large_to_be_kept_is_served_all_the_same(
    sqlite_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndicate.services.delivery.edition_cache._SIZE_OF_EDITION", 9 * 2**20)

    async def story(here: Here) -> None:
        jti = await licensed(here)
        caller = await session_for(here.house, ZJOL, jti)
        for _ in range(2):
            served = await here.house.delivery.licensed_feed("all", caller, None)
            assert len(served.edition.items) == 1
            assert await here.house.delivery.deliver(served, caller, 200, ASKED)

    on(sqlite_address, tmp_path, story)


def test_an_explanation_names_the_moment_at_which_the_answer_really_changes(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        (item,) = await here.house.items.items()
        early = await here.house.explanation.explain("zjol", item.id, Use.REPRINT, NOON - days(4000), NOON)
        assert isinstance(early.verdict, Refusal)
        assert (early.verdict.reason, early.until) == (Reason.NOT_PUBLISHED, item.published)
        await here.house.rights.end_mandate(STAFF, "HEAD-1")
        ended = await here.house.explanation.explain("zjol", item.id, Use.REPRINT, None)
        assert isinstance(ended.verdict, Refusal)
        assert (ended.verdict.reason, ended.until) == (Reason.MANDATE_ENDED, None)

    on(store_address, tmp_path, story)


def test_a_moment_that_could_not_be_kept_is_asked_for_again(
    store_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(here: Here) -> None:
        await licensed(here)
        (item,) = await here.house.items.items()
        # Another worker has asked already; this one meets a busy store, five minutes later.
        async with opened(store_address) as elsewhere:
            other = build(here.house.settings, elsewhere, here.clock).delivery
            moments = [
                (await other.public_feed("all")).edition.updated,
                (await other.public_item(item.id)).edition.updated,
            ]
        here.clock.move(minutes(5))
        front = here.house.delivery

        async def busy(*_: object, **__: object) -> None:
            raise StoreBusy(Text("忙", "busy"))

        with monkeypatch.context() as patched:
            patched.setattr(here.store, "edition_moment", busy)
            for served in (await front.public_feed("all"), await front.public_item(item.id)):
                assert [one.id for one in served.edition.items] == [item.id]
        assert [
            (await front.public_feed("all")).edition.updated,
            (await front.public_item(item.id)).edition.updated,
        ] == moments

    on(store_address, tmp_path, story)
