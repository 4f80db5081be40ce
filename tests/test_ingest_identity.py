"""One story is one item, however its address, source or headline is spelled; two stories are two."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syndicate.ingest.addresses import article, normal
from syndicate.ingest.identity import agree, is_weak
from syndicate.ingest.text import folded, paragraph
from syndicate.model.events import ItemIngested
from syndicate.model.item import ItemId
from syndicate.model.records import Entry
from syndicate.services.newsroom.document_decision import Action, Taken
from syndicate.store.protocol import Change
from tests.support.factories import STAFF
from tests.support.ingest_helpers import parsed, seed
from tests.test_services import Here, on, page, taken_id

NOTE = "编者按：为深入宣传全区各地各部门的创新举措，本报今起推出“实干看萧山”系列报道，敬请关注。"
HARBOUR = "东部港区昨天完成首次靠泊作业，三艘货轮依次进港。码头工人连夜调试设备，装卸效率比去年提高两成。"
SCHOOL = "城厢街道的新学校将于九月投用，首批招收六个班。校舍采用预制构件，操场下面是社区共用的停车场。"

WECHAT = "https://mp.weixin.qq.com/s?__biz=MzA3&mid=26517&idx=1&sn=8c0f"

ONE_PAGE = [
    ("http://www.xsnet.cn/n/1.shtml", "https://www.xsnet.cn/n/1.shtml"),
    ("http://www.xsnet.cn/n/1.shtml", "http://xsnet.cn/n/1.shtml"),
    ("HTTP://WWW.XSNET.cn:80/n/1.shtml#top", "https://xsnet.cn:443/n/1.shtml"),
    ("http://xsnet.cn/n?id=5&c=2", "http://xsnet.cn/n?c=2&id=5"),
    ("http://xsnet.cn/n?id=5", "http://xsnet.cn/n?id=5&utm_source=wx&utm_medium=social"),
    ("http://xsnet.cn/n?id=5", "http://xsnet.cn/n?from=timeline&id=5&isappinstalled=0"),
    ("http://xsnet.cn/n?id=5", "http://xsnet.cn/n?id=5&spm=a1.b2&share_token=9f"),
    ("http://xsnet.cn/%e6%96%b0", "http://xsnet.cn/%E6%96%B0"),
    (WECHAT, WECHAT.replace("https", "http") + "&chksm=80ab&scene=27&from=groupmessage#rd"),
    ("https://mp.weixin.qq.com/s/Ab_c1", "https://mp.weixin.qq.com/s/Ab_c1?scene=1&poc_token=H"),
]
TWO_PAGES = [
    ("http://xsnet.cn/n/1.shtml", "http://xsnet.cn/n/2.shtml"),
    ("http://xsnet.cn/n?id=5", "http://xsnet.cn/n?id=6"),
    ("http://xsnet.cn/n?id=5&page=2", "http://xsnet.cn/n?id=5"),
    ("http://xsnet.cn/N", "http://xsnet.cn/n"),
    ("http://xsnet.cn:8080/n", "http://xsnet.cn/n"),
    ("http://m.xsnet.cn/n", "http://xsnet.cn/n"),
    ("http://xsnet.cn/app#/news/5", "http://xsnet.cn/app#/news/6"),
    ("http://xsnet.cn/n?fromid=5", "http://xsnet.cn/n?fromid=6"),
    (WECHAT, WECHAT.replace("idx=1", "idx=2")),
    (WECHAT, WECHAT.replace("mid=26517", "mid=26518")),
]


@pytest.mark.parametrize(("one", "other"), ONE_PAGE)
def test_one_page_has_one_normal_address(one: str, other: str) -> None:
    assert normal(one) == normal(other) == normal(normal(one))


@pytest.mark.parametrize(("one", "other"), TWO_PAGES)
def test_what_names_an_article_is_kept_in_its_address(one: str, other: str) -> None:
    assert normal(one) != normal(other)


def test_a_front_page_that_was_shared_still_names_no_item() -> None:
    assert article("http://www.xsnet.cn/?from=timeline&isappinstalled=0") is None


def test_a_corrected_text_keeps_the_headline_key_and_a_corrected_headline_the_text_key() -> None:
    original = parsed(seed())
    corrected = parsed(seed().decode().replace("新年伊始", "新春伊始"))
    renamed = parsed(seed().decode().replace("系列报道之四", "系列报道之五"))
    assert corrected.item.id == original.item.id
    assert set(corrected.keys) & set(original.keys) == {original.keys[0], original.keys[1]}
    assert renamed.item.id != original.item.id
    assert set(renamed.keys) & set(original.keys) == {original.keys[2], original.keys[3]}
    assert [key.partition(":")[0] for key in original.keys] == ["uri", "headline", "text", "opening"]
    assert [is_weak(key) for key in original.keys] == [False, False, False, True]


@pytest.mark.parametrize("address", [pair[1] for pair in ONE_PAGE[:7]])
def test_another_spelling_of_the_address_alone_is_no_new_version(
    address: str, store_address: str, tmp_path: Path
) -> None:
    first = next(one for one, other in ONE_PAGE if other == address)

    async def story(here: Here) -> None:
        one = await here.house.items.take_in(STAFF, page(address=first), "1.html")
        two = await here.house.items.take_in(STAFF, page(address=address), "1.html")
        assert (two.action, taken_id(two)) == (Action.UNCHANGED, taken_id(one))
        changed = await here.house.items.take_in(
            STAFF, page("湘湖水质再提升", "今天更正。" + SCHOOL, address=address), "1.html"
        )
        assert (changed.action, taken_id(changed)) == (Action.UPDATED, taken_id(one))

    on(store_address, tmp_path, story)


def test_another_spelling_of_the_source_is_the_same_item(store_address: str, tmp_path: Path) -> None:
    longer = page().decode().replace("来源:萧山日报", "来源:萧山网-萧山日报").encode()

    async def story(here: Here) -> None:
        one = await here.house.items.take_in(STAFF, longer, "1.html")
        two = await here.house.items.take_in(STAFF, page(), "2.html")
        assert (two.action, taken_id(two)) == (Action.UPDATED, taken_id(one))
        corrected = await here.house.items.take_in(
            STAFF, longer.decode().replace("湘湖水质提升", "湘湖水质再提升").encode(), "3.html"
        )
        assert taken_id(corrected) == taken_id(one)

    on(store_address, tmp_path, story)


def test_the_same_words_of_another_outlet_are_another_item(store_address: str, tmp_path: Path) -> None:
    async def story(here: Here) -> None:
        one = await here.house.items.take_in(STAFF, page(), "1.html")
        of_tv = page().decode().replace("来源:萧山日报", "来源:萧山电视台").encode()
        of_others = page().decode().replace("来源:萧山日报", "来源:杭州日报").encode()
        taken = [
            one,
            *[await here.house.items.take_in(STAFF, data, "2.html") for data in (of_tv, of_others)],
        ]
        assert [each.action for each in taken] == [Action.CREATED] * 3
        assert len({taken_id(each) for each in taken}) == 3

    on(store_address, tmp_path, story)


def story_of(headline: str, *paragraphs: str) -> bytes:
    body = "\n".join(paragraphs)
    return f"{headline}\n2026年11月2日 11:00 来源:萧山日报\n{body}\n".encode()


@pytest.mark.parametrize(
    "intro",
    [
        NOTE,
        "【编者按】" + NOTE.partition("：")[2],
        # No word says that it is an editor's note.
        "为深入宣传全区各地各部门的创新举措，本报今起推出“实干看萧山”系列报道，敬请关注。",
    ],
)
def test_two_stories_that_begin_with_one_editors_note_are_two_items(
    intro: str, store_address: str, tmp_path: Path
) -> None:
    harbour = story_of("首个港区投用", intro, HARBOUR, HARBOUR.replace("昨天", "今后"))
    school = story_of("新学校九月投用", intro, SCHOOL, SCHOOL.replace("九月", "明年"))

    async def story(here: Here) -> None:
        items = here.house.items
        first = [await items.take_in(STAFF, data, "x.txt") for data in (harbour, school)]
        assert [each.action for each in first] == [Action.CREATED] * 2
        again = [await items.take_in(STAFF, data, "x.txt") for data in (harbour, school, harbour)]
        assert [each.action for each in again] == [Action.UNCHANGED] * 3
        # Each is still known by its own text when its headline is corrected.
        renamed = [
            await items.take_in(STAFF, data.decode().replace("投用\n", "正式投用\n").encode(), "x.txt")
            for data in (harbour, school)
        ]
        assert [(each.action, taken_id(each)) for each in renamed] == [
            (Action.UPDATED, taken_id(each)) for each in first
        ]

    on(store_address, tmp_path, story)


def test_a_headline_and_a_number_corrected_together_are_a_new_version(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        before = story_of("首个港区投用", SCHOOL, HARBOUR)
        after = story_of("港区首次投用", SCHOOL, HARBOUR.replace("三艘", "四艘"))
        one, two = [await here.house.items.take_in(STAFF, data, "x.txt") for data in (before, after)]
        assert (two.action, taken_id(two)) == (Action.UPDATED, taken_id(one))

    on(store_address, tmp_path, story)


def test_bodies_agree_where_most_of_their_own_words_are_the_same() -> None:
    harbour, school, note = (paragraph(text) for text in (HARBOUR, SCHOOL, NOTE))
    assert agree([harbour, school], [harbour, school])
    assert agree([harbour, school], [paragraph(HARBOUR.replace("三艘", "四艘")), school])
    assert agree([note, harbour], [harbour])
    assert not agree([note, harbour], [note, school])
    assert not agree([harbour], [school])
    assert not agree([], [harbour])


def _before(*parts: str) -> str:
    """A key's hash as release 0.2 made it."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


@pytest.mark.parametrize("known_by", ["address", "headline", "opening"])
def test_an_item_that_an_older_release_kept_is_found_by_each_of_its_keys(
    known_by: str, store_address: str, tmp_path: Path
) -> None:
    """The keys are those of release 0.2: with `www.`, and the source as it was spelled."""
    kept = page(address="http://www.xsnet.cn/n?id=5&c=2")
    at, source = datetime(2026, 11, 2, 3, 0, tzinfo=UTC).isoformat(), "萧山日报"
    opening = folded(
        "这一段写得足够长,因此摘要只取开头的一句。后面的内容只有全文才有,读者要到首发页面去看。"
    )
    keys = {
        "address": "address:https://www.xsnet.cn/n?id=5&c=2",
        "headline": f"headline:{_before(source, at, folded('湘湖水质提升'))}",
        "opening": f"opening:{_before(source, at, opening)}",
    }
    again = {
        "address": page("另一个标题", HARBOUR, address="https://xsnet.cn/n?id=5&c=2&from=timeline"),
        "headline": page(body=HARBOUR).decode().replace("来源:", "来源:萧山网-").encode(),
        "opening": page("另一个标题").decode().replace("来源:", "来源:萧山网-").encode(),
    }

    async def story(here: Here) -> None:
        item = parsed(kept).item
        async with here.store.writing() as tx:
            await tx.put_item(item, [keys[known_by]])
            await tx.append(Entry(here.clock(), "staff", ItemIngested(item.id, 1, item.digest, "a.html")))
            await tx.changed(Change.ITEM)
        found: Taken = await here.house.items.take_in(STAFF, again[known_by], "b.html")
        assert (found.action, taken_id(found)) == (Action.UPDATED, item.id)
        assert len(await here.house.items.versions(ItemId(item.id))) == 2

    on(store_address, tmp_path, story)
