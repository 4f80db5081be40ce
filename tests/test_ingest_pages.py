"""Pages of the site become items: the golden cases, and what each rule of reading promises."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from syndicate.model.item import Block, BlockKind, to_json
from tests.support.ingest_helpers import GOLDEN, NOW, article, faults_of, item_of, parsed, seed

CASES = sorted(path.name for path in GOLDEN.iterdir())
SAME_STORY = [name for name in CASES if name != "hangzhou-daily"]


def document_of(case: str) -> Path:
    return next(path for path in (GOLDEN / case).iterdir() if path.name not in ("why.md", "expected.json"))


@pytest.mark.parametrize("case", CASES)
def test_a_golden_document_gives_exactly_what_is_written_down(case: str) -> None:
    document = document_of(case)
    found = parsed(document.read_bytes(), document.name)
    expected = json.loads((GOLDEN / case / "expected.json").read_text(encoding="utf-8"))
    notes = [note.text.en for note in found.notes]
    assert {
        "id": found.item.id,
        "keys": list(found.keys),
        "notes": notes,
        **to_json(found.item),
    } == expected
    assert (GOLDEN / case / "why.md").read_text(encoding="utf-8").strip()


def test_the_seed_page_is_the_item_of_the_contract() -> None:
    item = item_of(seed())
    assert item.headline == "“2018 我们怎么干”系列报道之四——保障和改善民生 还有更多幸福事值得期待"
    assert item.published.isoformat() == "2018-01-22T08:01:00+08:00"
    assert (item.source, item.outlet, item.medium, item.channel) == (
        "萧山网-萧山日报",
        "daily",
        "text",
        "news",
    )
    assert (item.byline, item.editor) == ("首席记者 周喆", "桂信怡")
    assert item.body[0].text.startswith("新年伊始")
    assert item.body[-1].text.endswith("共建共治共享的萧山样板。")
    headings = [block.text for block in item.body if block.kind is BlockKind.HEADING]
    assert headings == ["深化“最多跑一次”改革", "加快社会事业发展", "加强和创新社会治理"]
    assert [block.kind for block in item.body].count(BlockKind.PARAGRAPH) == 15
    assert len(item.body) == 18
    assert item.version == 1
    assert item.ingested == item.first_ingested == NOW


@pytest.mark.parametrize("case", SAME_STORY)
def test_one_story_in_any_form_has_the_same_content(case: str) -> None:
    item, of_seed = item_of(document_of(case).read_bytes()), item_of(seed())
    same = replace(
        item, id=of_seed.id, address=of_seed.address, keywords=of_seed.keywords, language=of_seed.language
    )
    assert same == of_seed


@pytest.mark.parametrize("case", SAME_STORY)
def test_one_story_in_any_form_is_recognised_by_a_key(case: str) -> None:
    assert set(parsed(document_of(case).read_bytes()).keys) & set(parsed(seed()).keys)


@pytest.mark.parametrize(
    "line",
    [
        "2018年1月22日 8:1来源:萧山日报",
        "2018年1月22日\u00a08：01\u3000来源：萧山日报",
        "2018年01月22日08∶01∶00 来源∶萧山日报",
        "2018-01-22 08:01 来源︰萧山日报",
        "发布时间:2018-01-22 08:01:00 内容来源﹕萧山日报",
        "来源:萧山日报 2018年1月22日 8:1",
        "来源:萧山日报 发布时间:2018年1月22日 8时1分 点击:12",
    ],
)
def test_every_way_to_print_the_date_line_is_read(line: str) -> None:
    item = item_of(f"首页\n标题在此\n{line}\n一段正文。\n又一段正文。\n")
    assert item.published.isoformat() == "2018-01-22T08:01:00+08:00"
    assert (item.headline, item.source, item.outlet) == ("标题在此", "萧山日报", "daily")
    assert [block.text for block in item.body] == ["一段正文。", "又一段正文。"]


def test_a_date_inside_a_sentence_or_in_the_head_of_the_page_does_not_date_the_article() -> None:
    page = (
        "2026年1月1日 星期四\n标题在此\n2018年1月22日 8:1来源:萧山日报\n"
        "2019年3月1日 9:00,大会开幕。\n时间:本周六\n散会。\n"
    )
    item = item_of(page)
    assert item.published == datetime.fromisoformat("2018-01-22T08:01:00+08:00")
    assert [block.text for block in item.body] == ["2019年3月1日 9:00,大会开幕。", "时间:本周六", "散会。"]


@pytest.mark.parametrize(
    "source", ["假萧山日报", "杭州日报-萧山", "萧山日报社", "新华社", "浙江在线", "杭州日报"]
)
def test_a_source_that_only_looks_like_ours_is_nobody_of_ours(source: str) -> None:
    item = item_of(f"标题\n2018年1月22日 8:1来源:{source}\n正文一。\n正文二。\n")
    assert (item.source, item.outlet) == (source, None)


@pytest.mark.parametrize(
    "source",
    ["萧山网-萧山日报", "萧山网 - 萧山日报", "萧山网\uff0d萧山日报", "萧山网—萧山日报", "萧山\u200b日报"],
)
def test_hyphens_blanks_and_invisible_characters_do_not_change_whose_a_source_is(source: str) -> None:
    assert item_of(f"标题\n2018年1月22日 8:1来源:{source}\n正文一。\n正文二。\n").outlet == "daily"


def test_a_breadcrumb_names_the_channel_in_text_and_in_html() -> None:
    crumb = "您的位置:萧山网 > 新闻 > 健康 > 正文"
    text = f"{crumb}\n标题\n2018年1月22日 8:1来源:萧山日报\n正文一。\n正文二。\n"
    assert item_of(text).channel == "health"
    assert item_of(article("<p>一。</p>", rute=crumb.replace(">", "&gt;"))).channel == "health"
    assert item_of(article("<p>一。</p>", rute="您的位置:萧山网 &gt; 健康周刊")).channel == "news"


@pytest.mark.parametrize(
    "end",
    ["相关新闻", "【相关新闻】", "萧山网版权声明", "图片新闻", "作者:王一", "编辑:李二", "下一篇:别的事"],
)
def test_the_body_ends_where_the_page_goes_on_to_other_things(end: str) -> None:
    item = item_of(f"标题\n2018年1月22日 8:1来源:萧山日报\n正文一。\n正文二。\n{end}\n不是正文。\n")
    assert [block.text for block in item.body] == ["正文一。", "正文二。"]


def test_an_interview_does_not_end_at_its_first_question() -> None:
    page = "标题\n2018年1月22日 8:1来源:萧山日报\n记者:怎么干?\n区长:加油干。\n"
    assert len(item_of(page).body) == 2


def test_a_row_of_short_lines_is_a_list_of_names_and_the_last_line_is_no_heading() -> None:
    page = "标题\n2018年1月22日 8:1来源:萧山日报\n获奖名单\n王一\n李二\n名单如上。\n张三\n"
    assert {block.kind for block in item_of(page).body} == {BlockKind.PARAGRAPH}


def test_the_stamp_at_the_end_of_a_page_is_no_part_of_the_story() -> None:
    page = "标题\n2018年1月22日 8:1来源:萧山日报\n正文一。\n正文二。\n稿件来源:萧山网\n"
    item = item_of(page)
    assert (item.source, item.body[-1].text) == ("萧山日报", "正文二。")


@pytest.mark.parametrize(
    "address",
    [
        "/news/1.shtml",
        "javascript:alert(1)",
        "https://user:pw@xsnet.cn/1",
        "ftp://xsnet.cn/1",
        "https://xsnet.cn/",
        "http://x y/",
    ],
)
def test_an_address_that_names_no_page_on_the_web_is_not_taken(address: str) -> None:
    item = item_of(article("<p>一。</p>", head=f"<link rel='canonical' href='{address}'>"))
    assert item.address is None


def test_a_known_template_with_the_date_line_of_2019_is_read_by_its_labels() -> None:
    line = "<div>更新时间:2019年9月29日 8:16 内容来源:杭州日报</div>"
    page = article("<p>一。</p>", time="", source="").replace(
        "<div class='xs_content'>", line + "<div class='xs_content'>"
    )
    item = item_of(page)
    assert (item.published.isoformat(), item.source) == ("2019-09-29T08:16:00+08:00", "杭州日报")
    assert len(item.body) == 1


def test_lists_tables_and_quotes_stay_together() -> None:
    body = (
        "<p>开头的一段。</p><ol><li>第一</li><li>第二<br>续</li></ol><blockquote><p>引一</p><p>引二</p></blockquote>"
        "<table><tr><th>年</th><th>数</th></tr><tr><td>2017</td><td><b>96%</b></td></tr></table>"
    )
    assert item_of(article(body)).body[1:] == (
        Block(BlockKind.LIST, "1. 第一\n2. 第二 续", "<li>1. 第一</li><li>2. 第二<br>续</li>"),
        Block(BlockKind.QUOTE, "引一\n引二", "引一<br>引二"),
        Block(
            BlockKind.TABLE,
            "年\t数\n2017\t96%",
            "<tr><th>年</th><th>数</th></tr><tr><td>2017</td><td><strong>96%</strong></td></tr>",
        ),
    )


def test_a_table_that_only_lays_out_the_page_is_not_kept() -> None:
    body = (
        "<table><tr><td><img src='/a.jpg'></td>"
        "<td><p>一。</p><p>二。</p><p>三。</p><p>四。</p></td></tr></table>"
    )
    assert [block.text for block in item_of(article(body)).body] == ["一。", "二。", "三。", "四。"]


def test_the_public_never_gets_more_than_half_of_a_story() -> None:
    for body in (
        "<p>只有一句话的快讯,没有别的内容。</p>",
        "<p>短。</p>",
        "<p>一。</p><p>" + "长" * 500 + "</p>",
    ):
        item = item_of(article(body))
        assert len(item.abstract) * 2 <= sum(len(block.text) for block in item.body)


FULL_WIDTH = str.maketrans(",!:;()", "\uff0c\uff01\uff1a\uff1b\uff08\uff09")


def test_a_page_with_full_width_punctuation_has_the_same_parts() -> None:
    item, of_seed = item_of(seed().decode().translate(FULL_WIDTH)), item_of(seed())
    assert [block.kind for block in item.body] == [block.kind for block in of_seed.body]
    assert item.published == of_seed.published
    assert (item.source, item.byline, item.editor) == (of_seed.source, of_seed.byline, of_seed.editor)
    assert item.body[3].text == "2018\uff0c让我们向幸福出发\uff01"


def test_a_note_tells_staff_that_pictures_were_left_out() -> None:
    found = parsed(article("<p>一。<img src='https://x.cn/1.jpg'></p><video src=a></video><p>二。</p>"))
    assert [note.text.en for note in found.notes] == [
        "pictures, sounds or films left out of the document, for they have rights of their own: 2"
    ]
    assert "img" not in "".join(block.html for block in found.item.body)


def test_a_page_without_a_date_is_refused_with_the_field() -> None:
    (fault,) = faults_of(article("<p>一。</p>", time=""))
    assert (fault.code, fault.field) == ("published_missing", "published")
