"""Nothing that comes in can act on a reader, break a feed, or hide from an editor's eye."""

from __future__ import annotations

import re

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from syndicate.characters import clean, line
from tests.support.ingest_helpers import article, item_of

HOSTILE = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='  JaVaScRiPt:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='//evil.example/x'>x</a>",
    "<a href='/relative'>x</a>",
    "<a href='https://user:pw@evil.example/'>x</a>",
    "<a href='https://x.cn/\" onclick=alert(1) x=\"'>x</a>",
    "<a href=https://x.cn/ onclick=alert(1) style='position:fixed' target=_blank ping=//evil>x</a>",
    "<iframe src='https://evil.example'></iframe>",
    "<object data=x.swf></object><embed src=x.swf><applet code=x></applet>",
    "<form action=https://evil.example><input name=q value=x><button>go</button></form>",
    "<style>body{background:url(https://evil.example)}</style>",
    "<p style='background:url(https://evil.example/t.gif)'>x</p>",
    "<link rel=stylesheet href=https://evil.example><meta http-equiv=refresh content=0>",
    "<base href='https://evil.example/'><a href=x>x</a>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<listing>&lt;img onerror=alert(1) src=x&gt;</listing>",
    "<textarea><img title='</textarea><img src onerror=alert(1)>'></textarea>",
    "<select><noembed></select><script>x='<img src=x onerror=alert(1)>';</script>",
    "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
    "<b onmouseover=alert(1)>x</b><i/onclick=alert(1)>x",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<video src=https://evil.example/v.mp4 autoplay></video><audio src=x></audio>",
    "<img src='https://evil.example/pixel.gif' width=1 height=1>",
    "<table background='https://evil.example/t.gif'><tr><td>a<td>b<tr><td>c<td>d</table>",
    "<plaintext><img src=x onerror=alert(1)>",
]
FRAME = "<p>开头的第一段。</p>{}<p>结尾的最后一段。</p>"
ALLOWED = {"a", "strong", "em", "sub", "sup", "br", "li", "tr", "td", "th"}
XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def html_of(body: str, head: str = "") -> list[str]:
    return [block.html for block in item_of(article(body, head=head)).body]


def harmless(html: str) -> None:
    """The markup, read by a browser's rules, has allowed elements, and of attributes only web addresses."""
    tree = LexborHTMLParser(f"<table><tbody>{html}</tbody></table>" if html.startswith("<tr>") else html)
    assert tree.body is not None
    for node in tree.body.css("*"):
        if node.tag in ("body", "table", "tbody"):
            continue
        assert node.tag in ALLOWED
        assert set(node.attributes) <= ({"href"} if node.tag == "a" else set())
        if node.tag == "a":
            assert re.match(r"https?://[^/@]+(/|$)", node.attributes["href"] or "")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_hostile_markup_survives_in_a_body(hostile: str) -> None:
    written = html_of(FRAME.format(hostile))
    assert written[0] == "开头的第一段。"
    for html in written:
        harmless(html)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_second_sanitizer_finds_nothing_left_to_do(hostile: str) -> None:
    for html in html_of(FRAME.format(hostile)):
        if not html.startswith("<tr>"):
            assert nh3.clean(html, tags=ALLOWED, attributes={"a": {"href"}}, link_rel=None) == html


@given(
    st.lists(
        st.sampled_from(
            [
                *HOSTILE,
                "<b>",
                "</b>",
                "<p>",
                "<a href='https://x.cn/'>",
                "</a>",
                "<table>",
                "<tr><td>",
                "字",
            ]
        ),
        max_size=6,
    )
)
def test_no_mixture_of_hostile_markup_survives(parts: list[str]) -> None:
    for html in html_of(FRAME.format("".join(parts))):
        harmless(html)


def test_emphasis_and_links_stay() -> None:
    (html,) = html_of(
        "<p>见<a href='https://x.cn/?a=1&amp;b=2'><b>这里</b></a>,H<sub>2</sub>O &lt;水&gt;<i>好</i>。</p>"
    )
    assert html == (
        '见<a href="https://x.cn/?a=1&amp;b=2"><strong>这里</strong></a>,'
        "H<sub>2</sub>O &lt;水&gt;<em>好</em>。"
    )


def test_relative_links_need_the_address_of_the_page() -> None:
    link = "<p>见<a href='../2.shtml'>此文</a>的报道。</p>"
    known = "<link rel='canonical' href='https://www.xsnet.cn/news/a/1.shtml'>"
    assert html_of(link) == ["见此文的报道。"]
    assert html_of(link, known) == ['见<a href="https://www.xsnet.cn/news/2.shtml">此文</a>的报道。']


def test_what_a_reader_of_the_page_does_not_see_is_not_taken_in() -> None:
    body = "<p>看得见。<span style='display: none'>抄袭标记</span></p><p hidden>藏</p><p>也看得见。</p>"
    assert html_of(body) == ["看得见。", "也看得见。"]


@pytest.mark.parametrize(
    "bad",
    [
        "\x0b",
        "\x01",
        "\x7f",
        "\x85",
        "\x9f",
        "\ufffe",
        "\uffff",
        "\ufdd0",
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
    ],
)
def test_characters_that_break_a_feed_or_hide_are_gone(bad: str) -> None:
    item = item_of(f"标题\n2018年1月22日 8:1来源:萧山日报\n正{bad}文一。\n正文二。\n")
    assert bad not in item.headline + "".join(block.text + block.html for block in item.body)


def test_full_width_punctuation_and_emoji_stay_as_they_were_written() -> None:
    kept = "“萧山”,共建:共享!(完)\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert line(kept) == kept


def test_letters_and_their_accents_are_composed() -> None:
    assert clean("e\u200b\u0301") == "\u00e9"


@given(st.text(st.characters(), max_size=40))
def test_clean_text_is_xml_and_stays_what_it_is(text: str) -> None:
    cleaned = clean(text)
    assert not XML.search(cleaned)
    assert clean(cleaned) == cleaned
