"""Documents name their pictures, sounds and films: the file, the place in the body, caption and credit."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import pytest

from syndicate.ingest.draft import Parsed
from syndicate.ingest.media_captions import is_caption, is_credit, read_caption
from syndicate.ingest.media_elements import tidy_source
from syndicate.ingest.media_references import MediaReference, moved, places_in
from syndicate.ingest.mhtml import files_of_archive
from syndicate.ingest.text import heading, paragraph
from syndicate.model.item import Medium
from tests.support.ingest_helpers import article, parsed

ONE = "湘湖三期的游步道昨天贯通,沿线新种了三千株樱花,市民周末就能去走一走。"
TWO = "区园林管理处介绍,步道全长十二公里,沿途设有六处驿站和两座停车场。"
THREE = "下一步还要沿湖补种水杉,修缮三座老桥,计划在明年春天完工并对外开放。"


def page(*parts: str) -> str:
    """An article in the site's template: texts are paragraphs, what begins with `<` stands as it is."""
    return article("".join(part if part.startswith("<") else f"<p>{part}</p>" for part in parts))


def free(*parts: str, before: str = "", after: str = "") -> str:
    """A page of no known template, with `before` above its headline and `after` under its article."""
    inside = "".join(part if part.startswith("<") else f"<p>{part}</p>" for part in parts)
    head = "<h1>湘湖三期游步道全线贯通</h1><div>2018-01-22 08:01 来源:萧山日报</div>"
    return f"<html><body>{before}{head}{inside}{after}</body></html>"


def only(document: str) -> MediaReference:
    (one,) = parsed(document).media
    return one


def texts(found: Parsed) -> list[str]:
    return [block.text for block in found.item.body]


def codes(found: Parsed) -> list[str]:
    return [note.code for note in found.notes]


@pytest.mark.parametrize("make", [page, free])
def test_a_picture_is_named_with_its_place_caption_and_photographer(make: Callable[..., str]) -> None:
    figure = "<figure><img src='a.jpg' alt='湘湖'><figcaption>湘湖步道。记者 甲一 摄</figcaption></figure>"
    found = parsed(make(ONE, figure, TWO))
    assert found.media == (
        MediaReference(
            source="a.jpg",
            medium=Medium.PICTURE,
            place=1,
            caption="湘湖步道。",
            byline="记者 甲一",
            headline="湘湖",
            alt="湘湖",
        ),
    )
    assert texts(found) == [ONE, TWO]


@pytest.mark.parametrize("make", [page, free])
@pytest.mark.parametrize(
    "below",
    [
        "<p style='text-align:center'>图为湘湖步道。&nbsp;&nbsp;记者 甲一 摄</p>",
        "<p>图为湘湖步道。</p><p>记者 甲一 摄</p>",
        "<p>图为湘湖步道。（记者 甲一 摄）</p>",
        "<p>图为湘湖步道。</p><p>（摄影：甲一）</p>",
    ],
)
def test_a_line_under_a_picture_that_can_be_nothing_else_is_its_caption(
    make: Callable[..., str], below: str
) -> None:
    found = parsed(make(ONE, "<p><img src='a.jpg'></p>", below, TWO))
    (one,) = found.media
    assert (one.place, one.caption, one.credit) == (1, "图为湘湖步道。", None)
    assert one.byline in ("记者 甲一", "甲一")
    assert texts(found) == [ONE, TWO]
    assert "caption_uncertain" not in codes(found)


@pytest.mark.parametrize(
    ("said", "credit"),
    [
        ("湘湖步道。新华社记者 丙丁 摄", "新华社"),
        ("湘湖步道。新华社发（丙丁 摄）", "新华社"),
        ("湘湖步道。 图片来源:视觉中国", "视觉中国"),
        ("湘湖步道（视觉中国供图）", "视觉中国"),
        ("湘湖步道。图/视觉中国", "视觉中国"),
        ("湘湖步道。湘湖管委会 供图", "湘湖管委会"),
        ("湘湖步道（受访者提供）", "受访者"),
        ("湘湖步道。CFP供图", "CFP"),
        ("湘湖步道（新华社 丙丁 摄）", "新华社 丙丁"),
        ("湘湖步道（丙丁/视觉中国）", "丙丁/视觉中国"),
        ("湘湖步道（视觉中国）", "视觉中国"),
        ("湘湖步道 杭州日报记者 丙丁 摄", "杭州日报"),
    ],
)
def test_whose_picture_it_is_is_carried_where_the_caption_says(said: str, credit: str) -> None:
    found = parsed(page(ONE, "<p><img src='a.jpg'></p>", said, TWO))
    (one,) = found.media
    assert one.credit == credit
    assert one.caption is not None
    assert one.caption.startswith("湘湖步道")
    assert credit not in one.caption
    assert texts(found) == [ONE, TWO]


@pytest.mark.parametrize(
    "said",
    [
        "首席记者 丙丁",
        "本报记者 丙丁",
        "本报首席记者丙丁",
        "驻杭州记者 丙丁",
        "全媒体记者 丙丁",
        "通讯员 丙丁",
    ],
)
def test_a_rank_before_a_name_is_no_supplier(said: str) -> None:
    one = only(page(ONE, "<p><img src='a.jpg'></p>", f"湘湖樱花盛开（{said} 摄）", TWO))
    assert (one.caption, one.credit, one.byline) == ("湘湖樱花盛开", None, said)


def test_the_source_line_of_a_story_is_no_credit_of_its_picture() -> None:
    found = parsed(
        page(ONE, TWO, "<p><img src='a.jpg'></p><p>图为湘湖。</p>", "来源：萧山日报", "编辑：戊五")
    )
    assert (found.media[0].caption, found.media[0].credit) == ("图为湘湖。", None)
    assert (found.item.editor, found.item.source) == ("戊五", "萧山日报")
    found = parsed(page(ONE, TWO, "<p><img src='a.jpg'></p>", "来源：萧山日报"))
    assert (found.media[0].caption, found.media[0].credit) == (None, None)


def test_a_credit_in_the_alternative_text_counts() -> None:
    one = only(page(ONE, "<p><img src='a.jpg' alt='湘湖一角。新华社记者 丙丁 摄'></p>", TWO))
    assert (one.headline, one.caption, one.credit) == ("湘湖一角。", None, "新华社")


def test_a_credit_line_at_the_end_is_of_every_picture_without_one() -> None:
    pictures = ("<p><img src='1.jpg'></p>", "<p><img src='2.jpg'></p><p>（新华社记者 丙丁 摄）</p>")
    for line in ("图片来源：视觉中国", "本组图片由视觉中国提供", "文/甲一 图/视觉中国"):
        found = parsed(page(ONE, pictures[0], TWO, pictures[1], THREE, line))
        assert [one.credit for one in found.media] == ["视觉中国", "新华社"], line
        assert texts(found)[:3] == [ONE, TWO, THREE]


def test_a_sentence_of_the_story_under_a_picture_stays_in_it() -> None:
    for line in (
        "记者看到,湖边的樱花已经开了,市民纷纷拿出手机拍摄。",
        "他说,这些数据由区统计局提供。",
        f"{ONE}记者了解到,这里的水质连续五年达标,两岸的居民都说变化很大。（新华社）",
        "（记者 周喆 文/摄）",
        TWO,
    ):
        found = parsed(page(ONE, "<p><img src='a.jpg'></p>", line, THREE))
        assert only(page(ONE, "<p><img src='a.jpg'></p>", line, THREE)).caption is None, line
        assert line in texts(found)


def test_a_doubtful_caption_stays_in_the_body_and_is_noted() -> None:
    centred = "<p style='text-align:center'>湘湖步道一景</p>"
    found = parsed(page(ONE, "<p style='text-align:center'><img src='a.jpg'></p>", centred, TWO))
    assert texts(found) == [ONE, "湘湖步道一景", TWO]
    assert found.media[0].caption is None
    assert "caption_uncertain" in codes(found)
    small = "<p style='text-align:center'><span style='font-size:12px;color:#888'>湘湖步道一景</span></p>"
    found = parsed(page(ONE, "<p style='text-align:center'><img src='a.jpg'></p>", small, TWO))
    assert (texts(found), found.media[0].caption) == ([ONE, TWO], "湘湖步道一景")
    bold = "<p align=center><strong>修桥补绿</strong></p>"
    found = parsed(page(ONE, "<p align=center><img src='a.jpg'></p>", bold, TWO))
    assert texts(found) == [ONE, "修桥补绿", TWO]
    assert "caption_uncertain" not in codes(found)


def test_places_are_right_with_what_is_trimmed_above_and_below() -> None:
    found = parsed(
        free(
            "<p><img src='top.jpg'></p>",
            "（记者 周喆）",
            ONE,
            "<p>一、修桥</p>",
            "<p><img src='middle.jpg'></p>",
            "图为湘湖。记者 甲一 摄",
            TWO,
            "<p><img src='end.jpg'></p>",
            "<p>责任编辑:戊五</p>",
            before="<img src='head.jpg' width=980 height=300><ul><li>新闻</li><li>专题</li></ul>",
            after="<p>相关新闻</p><ul><li><img src='next.jpg'>樱花节周末开幕</li></ul><img src='foot.jpg'>",
        )
    )
    body = texts(found)
    assert [one.source for one in found.media] == ["top.jpg", "middle.jpg", "end.jpg"]
    assert [body[one.place :][:1] for one in found.media] == [[body[0]], [TWO], []]
    assert found.item.editor == "戊五"


def test_pictures_in_tables_that_lay_out_the_page_stand_between_their_lines() -> None:
    inside = (
        f"<table><tr><td><p>{ONE}</p><table><tr><td><img src='a.jpg'></td></tr>"
        f"<tr><td>图为湘湖。</td></tr></table><p>{TWO}</p></td></tr></table>"
    )
    found = parsed(page(inside))
    assert texts(found) == [ONE, TWO]
    assert [(one.place, one.caption) for one in found.media] == [(1, "图为湘湖。")]
    row = "<tr><td>甲</td><td>1</td></tr>"
    data = f"<table>{row}<tr><td>乙<img src='b.jpg'></td><td>2</td></tr></table>"
    assert [one.place for one in parsed(page(ONE, data, TWO)).media] == [2]


@pytest.mark.parametrize(
    ("element", "source"),
    [
        ("<img src='湘湖_files/a.jpg' data-src='https://cdn.example/a.jpg'>", "湘湖_files/a.jpg"),
        ("<img src='loading.gif' data-original='pics/a.jpg'>", "pics/a.jpg"),
        ("<img src='data:image/gif;base64,R0lGOD' data-src='pics/a.jpg'>", "pics/a.jpg"),
        ("<img src='a.jpg' srcset='a-400.jpg 400w, a-1600.jpg 1600w, a-800.jpg 800w'>", "a-1600.jpg"),
        ("<img src='a.jpg' srcset='a.jpg 1x, a2.jpg 2x'>", "a2.jpg"),
        ("<picture><source srcset='b.webp 900w' type='image/webp'><img src='b.jpg'></picture>", "b.webp"),
        ("<picture><source srcset='https://c.example/b.webp'><img src='b.jpg'></picture>", "b.jpg"),
        ("<img src='%E6%B9%98%E6%B9%96.jpg?x=1#top'>", "湘湖.jpg"),
        ("<img src='%CF%E6%BA%FE.jpg'>", "湘湖.jpg"),
        ("<img src='https://x.example/a.jpg?w=1'>", "https://x.example/a.jpg?w=1"),
        ("<img src='images/logo.jpg' width=800 height=600>", "images/logo.jpg"),
    ],
)
def test_the_file_of_a_picture_is_the_local_one_then_the_largest(element: str, source: str) -> None:
    assert only(page(ONE, f"<p>{element}</p>", TWO)).source == source


@pytest.mark.parametrize(
    ("element", "medium", "source"),
    [
        ("<video src='v.mp4' poster='p.jpg'></video>", Medium.VIDEO, "v.mp4"),
        ("<video poster='p.jpg'><source src='v.webm'><source src='v.mp4'></video>", Medium.VIDEO, "v.webm"),
        ("<audio controls><source src='a.mp3'>没有声音</audio>", Medium.AUDIO, "a.mp3"),
    ],
)
def test_sounds_and_films_are_named_without_their_posters(
    element: str, medium: Medium, source: str
) -> None:
    one = only(page(ONE, element, TWO))
    assert (one.medium, one.source, one.place) == (medium, source, 1)


@pytest.mark.parametrize(
    "element",
    [
        "<img src='t.gif' width=1 height=1>",
        "<img src='/images/weixin_qr.png' alt='二维码'>",
        "<img src='x.png' class='share-icon'>",
        "<img src='x.png' style='display:none'>",
        "<img src='data:image/png;base64,iVBORw0KGgo='>",
        "<img src='spacer.gif'>",
        "<img>",
        "<svg width='24' height='24'><path d='M0 0'/></svg>",
        "<p>微信扫一扫关注萧山网<br><img src='code9.png'></p>",
    ],
)
def test_furniture_is_no_picture_of_the_story_and_not_missed(element: str) -> None:
    found = parsed(page(ONE, TWO, element))
    assert found.media == ()
    assert not {"media_left_out", "captions_left_out"} & set(codes(found))


def test_what_the_page_holds_itself_is_left_out_and_said() -> None:
    data = "data:image/jpeg;base64," + "A" * 9000
    figure = f"<figure><img src='{data}'><figcaption>湘湖步道</figcaption></figure>"
    found = parsed(page(ONE, figure, TWO))
    assert (found.media, texts(found)) == ((), [ONE, TWO])
    assert {"media_left_out", "captions_left_out"} <= set(codes(found))


def test_the_same_file_is_named_once_and_at_most_two_hundred_are() -> None:
    found = parsed(page(ONE, "<img src='a.jpg'>", TWO, "<img src='a.jpg'><p>图为湘湖。</p>"))
    assert [(one.place, one.caption) for one in found.media] == [(1, "图为湘湖。")]
    many = "".join(f"<img src='{number}.jpg'>" for number in range(300))
    assert len(parsed(page(ONE, many, TWO)).media) == 200


def test_a_page_that_is_captions_alone_keeps_them_as_its_story() -> None:
    found = parsed(page("<p><img src='a.jpg'></p>", "图为湘湖三期的游步道昨天贯通,市民去走一走。"))
    assert texts(found) == ["图为湘湖三期的游步道昨天贯通,市民去走一走。"]
    assert [one.source for one in found.media] == ["a.jpg"]


def test_an_embargo_in_a_caption_still_holds_the_story() -> None:
    for caption in (
        "<figure><img src='a.jpg'><figcaption>湘湖（禁发至2030年1月1日 8:00）</figcaption></figure>",
        "<p><img src='a.jpg'></p><p>图为湘湖（禁发至2030年1月1日 8:00）</p>",
    ):
        found = parsed(page(ONE, caption, TWO))
        assert found.embargo is not None or found.withhold is not None, caption


def test_places_follow_when_a_line_is_taken_out_of_the_body() -> None:
    before = (paragraph("一"), paragraph("二"), paragraph("三"))
    media = tuple(MediaReference(source=f"{n}.jpg", medium=Medium.PICTURE, place=n) for n in range(4))
    assert [one.place for one in moved(media, before, (before[0], before[2]))] == [0, 1, 1, 2]
    assert places_in((before[0], heading("二"), before[2]), before) == [0, 1, 2]
    assert places_in((paragraph("三"),), before) == [2]


def test_words_that_are_no_credit_are_none() -> None:
    assert not is_credit(ONE)
    assert not is_caption("他爱好摄影")
    assert read_caption("摄" * 5000).byline is None
    assert read_caption("（" * 3000 + "摄").text is not None
    assert re.fullmatch(r"湘湖 100%\.jpg", tidy_source("湘湖 100%.jpg"))


def archive(body: str, *files: tuple[str, bytes]) -> bytes:
    """A page saved as MHTML; each file with its headers."""
    lines = [
        "MIME-Version: 1.0",
        'Content-Type: multipart/related; boundary="b"',
        "",
        "--b",
        "Content-Type: text/html; charset=utf-8",
        "Content-Location: http://www.xsnet.cn/news/2018/1.html",
        "Content-Transfer-Encoding: base64",
        "",
        base64.b64encode(page(ONE, body, TWO).encode()).decode(),
    ]
    for headers, data in files:
        lines += ["--b", headers, "Content-Transfer-Encoding: base64", "", base64.b64encode(data).decode()]
    return "\r\n".join([*lines, "--b--", ""]).encode()


def test_the_files_of_an_archived_page_lie_in_the_archive() -> None:
    data = archive(
        "<img src='http://www.xsnet.cn/pics/%E6%B9%96.jpg'><img src='b.jpg'>"
        "<img src='cid:c@x'><img src='d.jpg'>",
        ("Content-Type: image/jpeg\r\nContent-Location: http://www.xsnet.cn/pics/%E6%B9%96.jpg", b"one"),
        ("Content-Type: image/jpeg\r\nContent-Location: http://www.xsnet.cn/news/2018/b.jpg", b"two"),
        ("Content-Type: image/jpeg\r\nContent-ID: <c@x>", b"three"),
    )
    sources = [one.source for one in parsed(data).media]
    assert sources == ["http://www.xsnet.cn/pics/%E6%B9%96.jpg", "b.jpg", "cid:c@x", "d.jpg"]
    assert files_of_archive(data, sources) == dict(zip(sources, [b"one", b"two", b"three"], strict=False))
    assert files_of_archive(b"MIME-Version: 1.0\r\n\r\nx", ["a.jpg", "http://[::1", "\x00"]) == {}


def test_smaller_sizes_of_a_picture_are_named_after_the_largest() -> None:
    one = only(
        page(ONE, "<img src='s.jpg' srcset='m.jpg 800w, l.jpg 1600w, https://c.example/x.jpg 3000w'>")
    )
    assert (one.source, one.others) == ("l.jpg", ("m.jpg", "s.jpg", "https://c.example/x.jpg"))


def test_captions_taken_off_are_not_missed_by_the_second_reading() -> None:
    long = "图为湘湖三期的游步道昨天贯通后的样子,沿线新种了三千株樱花,市民周末就能去走一走,很是热闹。"
    parts = [
        part for number in range(3) for part in (f"<p><img src='{number}.jpg'></p>", long + str(number))
    ]
    found = parsed(
        free(ONE, TWO, *(f"{part}。" if part.startswith("图") else part for part in parts), THREE)
    )
    assert [one.caption is not None for one in found.media] == [True] * 3
    assert texts(found) == [ONE, TWO, THREE]
    assert "extraction_differs" not in codes(found)
