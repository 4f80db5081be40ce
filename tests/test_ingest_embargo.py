"""Embargo words hold an item until their time, or withhold it; a story about embargoes is a story."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from syndicate.ingest.draft import Parsed
from syndicate.model.holds import RecallReason
from syndicate.model.item import BlockKind, Item, ItemId
from syndicate.services.newsroom.document_decision import Action, Taken
from tests.support.factories import STAFF, days, minutes
from tests.support.ingest_helpers import PUBLISHER, article, ninjs, parsed
from tests.support.servers import serving
from tests.test_changes import REPRINT, changes, furnish
from tests.test_services import Here, on, taken_id

EIGHT = datetime.fromisoformat("2030-01-01T08:00:00+08:00")

CERTAIN = [
    "禁发时间:2030-01-01 08:00",
    "禁发时间：2030年1月1日8时",
    "禁发时间 2030年1月1日 8:00",
    "禁发截止时间: 2030年1月1日 08:00 (北京时间)",
    "禁发期至2030年1月1日上午八时",
    "禁发至:2030/1/1 8:00",
    "【禁发至2030年1月1日8时】",
    "★★★禁发★★★ 2030.1.1 8:00",
    "禁發至2030年1月1日8時",
    "解禁时间：2030年1月1日（星期二）8:00",
    "解禁：2030年1月1日 上午8点",
    "本稿禁发期至2030年1月1日八点",
    "（本稿2030年1月1日8时前请勿发布）",
    "此稿2030年1月1日上午8点前禁止刊播",
    "各媒体2030年1月1日早上8点前不得发布",
    "请勿在2030年1月1日8:00之前推送",
    "2030年1月1日8时解禁",
    "2030年1月1日8:00后方可刊发",
    "请于2030年1月1日8时后发布",
    "不得早于2030年1月1日8时发布",
    "早于2030年1月1日8时不得刊播",
    "定时发布:2030-01-01 08:00",
    "本稿统发时间为2030年1月1日8时",
    "Embargo: 2030-01-01 08:00",
    "EMBARGOED UNTIL 2030-01-01T08:00:00+08:00",
    "Embargoed until 1 January 2030, 00:00 GMT",
    "Strictly embargoed until 0000 GMT on 1 January 2030",
    "embargo date: January 1st, 2030 8:00 AM Beijing time",
    "Not for publication before 8 a.m. on January 1, 2030",
    "Do not publish before 08:00 on 1 Jan. 2030",
    "For release at 08:00 on 1 January 2030",
]
OPEN = [
    "禁发",
    "本稿禁发",
    "(本稿1月1日前请勿发布)",
    "2030年1月1日前禁止对外发布",
    "【1月1日8:00解禁】",
    "禁发令：1月1日8时前不得发布",
    "禁发至明天上午8时",
    "禁发时间:2030年1月1日8时至2030年1月2日8时",
    "禁发至2030年2月30日8时",
    "Embargoed until 8am EST on 1 January 2030",
    "请在5月1日之后再发",
    "6月1日才能发",
    "明早八点前别发",
    "各媒体请勿提前发布",
    "（未经通知，请勿刊发）",
    "稿件待发，请等通知",
    "待会议结束后方可发布",
    "会议结束前不得发布",
    "压稿，等通知",
    "本稿暂缓刊发",
    "内部稿件，暂不发布",
    "明天见报，网站请等见报后再发",
    "本稿件于2030年1月1日上午8点统一发布，请勿提前",
    "保密至2030年1月1日",
    "UNDER EMBARGO",
    "HOLD FOR RELEASE until 8am Monday",
    "Press release - embargoed to 8am 1/1/2030",
    "Not for release",
]
STORIES = [
    "美国宣布解除对古巴的贸易禁运。",
    "The United States lifted its arms embargo on Cuba in 2016.",
    "EU extends oil embargo until 31 December 2026",
    "Reporters broke the embargo on the report.",
    "The study was embargoed until Wednesday, the journal said.",
    "《自然》杂志对这篇论文设有禁发期，直到周三晚才解禁。",
    "培训课上，老师讲解了什么是禁发时间。",
    "这份报告原定1月10日前不得发布，却被网站提前刊出。",
    "此前有媒体提前刊发，被认为违反禁发约定。",
    "这批限售股将于2018年2月5日解禁。",
    "开禁首日 象山渔港千帆竞发",
    "中国自5月1日起进入休渔期，8月16日解禁。",
    "该消息未经证实，请勿转发。",
    "请勿转发！警方辟谣",
    "未经本网书面授权，任何媒体、网站不得转载、链接、转贴或以其他方式复制发表。",
    "市民请勿信谣传谣，不得在网上发布未经证实的消息。",
    "成绩将于6月25日统一公布，考生可在当天10时后查询。",
    "该电视剧2018年2月5日20:00后播出。",
    "国家统计局规定，数据在上午10时前不得发布，违者追责。",
    "不得早于5月1日开业",
    "通知：明日8时前请勿发车",
    "保密期限为五年",
    "征稿启事：稿件一经采用，不得再投其他媒体。",
    "投票时间：2018年1月22日8时至1月30日17时",
    "待发展的城北新区",
    "禁发时间：无",
    "Please do not use the old entrance before 1 May.",
    "The book will be released on 1 May 2018 at 08:00.",
    "For immediate release",
]
INSIDE = [
    "记者王小明报道。本稿1月1日8时前请勿发布。",
    "因涉及重大项目签约，1月1日8时前请勿发布，谢谢。",
    "湘湖二期开园，禁发至2030年1月1日8时。请各位编辑注意。",
    "开园仪式明天举行。此稿请在2030年1月1日10时后刊发。",
    "湘湖开园（禁发至2030年1月1日8时）吸引了众多游客前来",
    "Embargoed until noon. The mayor said the park will open.",
]
FIRST = "湘湖二期昨天开园，首日迎来游客三万人。"
SECOND = "园区新增两条步道，周末将延长开放时间。"

PLAIN = "<html><body><h1>湘湖水质再提升</h1><p>2018-01-22 08:01 来源:萧山日报</p>{}</body></html>"


def as_text(instruction: str, place: str) -> str:
    parts = {"top": "", "head": "", "body": "", "end": "", place: f"{instruction}\n"}
    return (
        f"{parts['top']}湘湖二期开园迎客\n{parts['head']}2018年1月22日 8:1来源:萧山日报\n"
        f"{parts['body']}{FIRST}\n{SECOND}\n{parts['end']}"
    )


def said(item: Item) -> str:
    """Everything of an item that could be released."""
    return "\n".join([item.headline, item.abstract, *(block.text for block in item.body)])


def codes(found: Parsed | Taken) -> list[str]:
    return [note.code for note in found.notes if note.code.startswith("embargo")]


def is_story(item: Item) -> bool:
    """Whether headline and body are those of `as_text`, and nothing else."""
    return (item.headline, [block.text for block in item.body]) == ("湘湖二期开园迎客", [FIRST, SECOND])


@pytest.mark.parametrize("instruction", CERTAIN)
@pytest.mark.parametrize("place", ["top", "head", "body", "end"])
def test_an_instruction_with_a_certain_end_is_an_embargo_until_then(instruction: str, place: str) -> None:
    found = parsed(as_text(instruction, place))
    assert (found.embargo, found.withhold) == (EIGHT, None)
    assert is_story(found.item)
    (note,) = [note for note in found.notes if note.code == "embargo_words"]
    assert note.line == {"top": 1, "head": 2, "body": 3, "end": 5}[place]
    assert instruction[:20] in note.text.zh


@pytest.mark.parametrize("instruction", OPEN)
@pytest.mark.parametrize("place", ["top", "head", "body", "end"])
def test_an_instruction_without_a_certain_end_withholds_the_item(instruction: str, place: str) -> None:
    found = parsed(as_text(instruction, place))
    assert found.withhold is not None
    assert found.embargo is None
    assert is_story(found.item)
    (note,) = [note for note in found.notes if note.code == "embargo_unclear"]
    assert note.line == {"top": 1, "head": 2, "body": 3, "end": 5}[place]
    assert "item release" in note.text.zh


@pytest.mark.parametrize("sentence", STORIES)
def test_a_story_that_speaks_of_embargoes_is_neither_held_nor_cut(sentence: str) -> None:
    found = parsed(f"湘湖二期开园迎客\n2018年1月22日 8:1来源:萧山日报\n{FIRST}\n{sentence}\n{SECOND}\n")
    assert (found.embargo, found.withhold, codes(found)) == (None, None, [])
    assert sentence in said(found.item)


@pytest.mark.parametrize("sentence", INSIDE)
def test_a_sentence_of_the_story_that_may_be_an_instruction_withholds_it_and_is_noted(
    sentence: str,
) -> None:
    found = parsed(f"湘湖二期开园迎客\n2018年1月22日 8:1来源:萧山日报\n{FIRST}\n{sentence}\n{SECOND}\n")
    assert found.withhold is not None
    assert codes(found) == ["embargo_unclear"]
    assert [note.line for note in found.notes if note.code == "embargo_unclear"] == [4]


@pytest.mark.parametrize(
    "page",
    [
        article(f"<p>{FIRST}</p><p>{SECOND}</p>", rute="禁发时间:2030-01-01 08:00"),
        article(f"<p><strong>【禁发至2030年1月1日8时】</strong></p><p>{FIRST}</p><p>{SECOND}</p>"),
        article(f"<p>【禁发至2030年1月1日8时】{FIRST}</p><p>{SECOND}</p>"),
        article(f"<p>{FIRST}</p><p>{SECOND}（禁发至2030年1月1日8时）</p>"),
        article(f"<p>{FIRST}</p><p>{SECOND}</p>", headline="【禁发至2030年1月1日8时】湘湖水质再提升"),
        article(f"<p>{FIRST}</p><p>{SECOND}</p><div>Embargo: 2030-01-01 08:00</div>"),
        article(f"<p>{FIRST}</p><p>{SECOND}</p>").replace(
            "<body>", "<body><div><span>禁发时间</span></div><div>2030-01-01 08:00</div>"
        ),
        PLAIN.format(f"<p>禁发至2030年1月1日8时</p><p>{FIRST}</p><p>{SECOND}</p>"),
        PLAIN.format(f"<div id='zoom'><p>禁发至2030年1月1日8时</p><p>{FIRST}</p><p>{SECOND}</p></div>"),
    ],
)
def test_an_instruction_in_a_page_holds_its_item_and_is_no_part_of_it(page: str) -> None:
    found = parsed(page)
    assert (found.embargo, found.withhold) == (EIGHT, None)
    assert codes(found) == ["embargo_words"]
    assert found.item.headline == "湘湖水质再提升"
    assert [block.text for block in found.item.body] == [FIRST, SECOND]


def test_an_instruction_in_a_row_of_a_table_withholds_since_it_cannot_be_cut_out() -> None:
    rows = (
        "<tr><td>景区</td><td>120</td></tr><tr><td>酒店</td><td>80</td></tr>"
        "<tr><td>禁发至</td><td>2030年1月1日8时</td></tr>"
    )
    found = parsed(article(f"<p>{FIRST}</p><table>{rows}</table><p>{SECOND}</p>"))
    assert [block.kind for block in found.item.body].count(BlockKind.TABLE) == 1
    assert found.withhold is not None
    assert codes(found) == ["embargo_unclear"]


@pytest.mark.parametrize("field", ["edNote", "slugline"])
def test_a_remark_to_editors_in_ninjs_holds_the_item(field: str) -> None:
    certain = parsed(ninjs(**{field: "EMBARGOED UNTIL 2030-01-01T08:00:00+08:00"}))
    assert (certain.embargo, certain.withhold, codes(certain)) == (EIGHT, None, ["embargo_words"])
    unclear = parsed(ninjs(**{field: "Embargo lifts when the minister speaks, check with the desk first"}))
    assert unclear.withhold is not None
    assert [(note.code, note.field) for note in unclear.notes] == [("embargo_unclear", field)]
    plain = parsed(ninjs(**{field: "Pictures to follow. No embargo."}))
    assert (plain.embargo, plain.withhold, codes(plain)) == (None, None, [])


def test_the_later_of_two_embargoes_counts_and_a_field_makes_loose_words_certain() -> None:
    both = parsed(ninjs(embargoedUntil="2029-06-01T00:00:00Z", edNote="Embargo: 2030-01-01 08:00"))
    assert both.embargo == EIGHT
    named = parsed(ninjs(embargoedUntil="2030-01-01T00:00:00Z", edNote="Embargoed until Tuesday 8am"))
    assert (named.embargo, named.withhold) == (EIGHT, None)


def test_an_instruction_in_the_body_of_ninjs_is_no_part_of_its_text_or_abstract() -> None:
    html = f"<p>禁发时间:2030-01-01 08:00</p><p>{FIRST}</p><p>{SECOND}</p>"
    found = parsed(ninjs(bodies=[{"role": "main", "contentType": "text/html", "value": html}]))
    assert found.embargo == EIGHT
    assert said(found.item) == f"湘湖水质再提升\n{FIRST}\n{FIRST}\n{SECOND}"


def test_a_wall_clock_is_the_publishers_and_another_zone_is_taken_only_where_it_is_named() -> None:
    assert PUBLISHER.zone.utcoffset(EIGHT.replace(tzinfo=None)) == timedelta(hours=8)
    assert parsed(as_text("Embargo: 2030-01-01 00:00 UTC", "head")).embargo == EIGHT
    assert parsed(as_text("Embargo: 2030-01-01 00:00 Z", "head")).embargo == EIGHT
    unknown = parsed(as_text("Embargo: 2030-01-01 08:00 New York time", "head"))
    assert (unknown.embargo, unknown.withhold is None) == (None, False)


@pytest.mark.parametrize(
    "part", ["1/", "2030年1月1日8时", "本稿", "请勿", "（禁发）", "一二三", "embargo "]
)
def test_a_remark_or_a_line_of_repeated_words_is_read_in_linear_time(part: str) -> None:
    """A quadratic search would take minutes for these, and the test's time limit end it."""
    long = part * (40_000 // len(part))
    parsed(ninjs(edNote=long))
    parsed(as_text(long, "end"))


# Through the store and the public feed. The clock of these tests stands at 2026-11-02 12:00 +08:00.


def published(instruction: str, body: str = FIRST) -> bytes:
    return (
        f"湘湖二期开园迎客\n2026年11月2日 11:00 来源:萧山日报\n{instruction}\n{body}\n{SECOND}\n".encode()
    )


async def in_public_feed(here: Here) -> list[str]:
    return [item.id for item in (await here.house.delivery.public_feed("all")).edition.items]


def test_an_embargoed_document_is_not_in_the_public_feed_until_its_time(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        await here.house.rights.add_mandate(
            STAFF,
            'number = "H"\nholder = "萧山日报社"\noutlets = ["daily"]\nmedia = ["text"]\nexclusive = true\n'
            "valid_from = 2015-01-01\n",
            "m.toml",
        )
        taken = await here.house.items.take_in(STAFF, published("禁发至2026年11月2日18时"), "a.txt")
        assert [note.code for note in taken.notes] == ["embargo_words", "embargoed"]
        assert await in_public_feed(here) == []
        here.clock.move(minutes(6 * 60) - timedelta(seconds=1))
        assert await in_public_feed(here) == []
        here.clock.move(timedelta(seconds=1))
        assert await in_public_feed(here) == [taken_id(taken)]

    on(store_address, tmp_path, story)


def test_what_is_withheld_for_its_words_stays_released_once_staff_release_it(
    store_address: str, tmp_path: Path
) -> None:
    async def story(here: Here) -> None:
        items = here.house.items
        plain = await items.take_in(STAFF, published(""), "a.txt")
        id = ItemId(taken_id(plain))
        # The words alone are no new version, and still withhold.
        words = await items.take_in(STAFF, published("各媒体请勿提前发布"), "a.txt")
        assert (words.action, words.item and words.item.holds.withheld) == (Action.UNCHANGED, True)
        assert {"embargo_unclear", "withheld"} <= {note.code for note in words.notes}
        await here.house.holds.release(STAFF, id)
        for again in (published("各媒体请勿提前发布"), published("各媒体请勿提前发布！", f"{FIRST}更正。")):
            taken = await items.take_in(STAFF, again, "a.txt")
            assert taken.item is not None
            assert not taken.item.holds.withheld
        other = await items.take_in(STAFF, published("本稿暂缓刊发"), "a.txt")
        assert other.item is not None
        assert other.item.holds.withheld

    on(store_address, tmp_path, story)


def test_words_that_come_while_an_item_is_recalled_withhold_it_when_it_is_reinstated(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT})
            items, holds = here.house.items, here.house.holds
            taken = await items.take_in(STAFF, published(""), "a.txt")
            id = ItemId(taken_id(taken))
            assert [one["action"] for one in (await changes(here, keys["zjol"]))[0]] == ["put"]
            await holds.recall(STAFF, id, RecallReason.EDITORIAL, "核实", days(1))
            recalled = await items.take_in(STAFF, published("本稿暂缓刊发"), "a.txt")
            assert recalled.item is not None
            assert not recalled.item.holds.withheld
            await holds.reinstate(STAFF, id)
            assert (await items.item(id)).holds.withheld

    asyncio.run(act())


@pytest.mark.parametrize(
    "words", ["此稿作废", "撤稿", "慎发", "发布窗口:2030年1月1日8时起", "开闸 2030-01-01 08:00"]
)
def test_a_killed_story_and_a_time_to_come_above_it_are_withheld(words: str) -> None:
    page = f"湖边的路通了\n2018年1月22日 8:01 来源:萧山日报\n{words}\n湖边的路昨天通了,很好走。\n"
    taken = parsed(page)
    assert taken.withhold is not None
    assert [(note.code, note.line) for note in taken.notes] == [("embargo_unclear", 3)]
    assert words not in taken.item.abstract


def test_a_time_gone_by_above_a_story_withholds_nothing() -> None:
    page = "湖边的路通了\n2018年1月22日 8:01 来源:萧山日报\n更新时间:2018-01-23 09:30\n湖边的路通了。\n"
    assert (parsed(page).withhold, parsed(page).notes) == (None, ())


@pytest.mark.parametrize("headline", ["禁发的电文", "缓发的快件", "待发的列车"])
def test_a_headline_that_describes_something_held_back_stays_a_headline(headline: str) -> None:
    page = f"{headline}\n2018年1月22日 8:01 来源:萧山日报\n湖边的路昨天通了,很好走。\n"
    taken = parsed(page)
    assert (taken.item.headline, taken.withhold, taken.notes) == (headline, None, ())


@pytest.mark.parametrize("line", ["禁发的稿件", "【禁发的通稿】", "缓发的新闻"])
def test_a_line_that_describes_the_document_as_held_back_withholds_it(line: str) -> None:
    page = f"湖边的路通了\n2018年1月22日 8:01 来源:萧山日报\n{line}\n湖边的路昨天通了,很好走。\n"
    assert parsed(page).withhold is not None
