"""What cannot become an item is refused, with every fault; nothing else is ever raised."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicate.errors import Faulty
from syndicate.ingest.document_parser import MAX_DOCUMENT, parse
from tests.support.ingest_helpers import (
    PUBLISHER,
    article,
    codes_of,
    faults_of,
    item_of,
    ninjs,
    parsed,
    seed,
)


def test_every_fault_of_a_page_is_told_together() -> None:
    page = article("", headline="", time="2018年13月22日 8:1", source="")
    assert [(fault.code, fault.field) for fault in faults_of(page)] == [
        ("headline_missing", "headline"),
        ("published_invalid", "published"),
        ("source_missing", "source"),
        ("body_missing", "body"),
    ]


def test_every_fault_of_a_saved_page_is_told_together_with_its_line() -> None:
    faults = faults_of("手机网\n微信\n\n2018年1月22日 25:61来源:\n\n相关新闻\n")
    assert [fault.code for fault in faults] == [
        "headline_missing",
        "published_invalid",
        "source_missing",
        "body_missing",
    ]
    assert faults[1].line == 4


@pytest.mark.parametrize(
    "date", ["2018年1月22日", "2018年2月30日 8:1", "1018年1月22日 8:1", "2018年1月22日 8:75"]
)
def test_a_date_without_a_moment_is_refused(date: str) -> None:
    assert codes_of(f"标题\n{date} 来源:萧山日报\n正文。\n") == {"published_invalid"}


def test_text_that_is_no_page_lacks_everything() -> None:
    assert codes_of("今天天气不错。") == {
        "headline_missing",
        "published_missing",
        "source_missing",
        "body_missing",
    }


def test_a_headline_has_three_hundred_characters_at_most() -> None:
    assert len(item_of(article("<p>一。</p>", headline="长" * 300)).headline) == 300
    assert codes_of(article("<p>一。</p>", headline="长" * 301)) == {"headline_too_long"}


def test_a_page_without_a_source_line_is_refused() -> None:
    assert codes_of("标题\n2018年1月22日 8:1\n正文一。\n正文二。\n") == {"source_missing"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\t", "empty"),
        (b"x" * (MAX_DOCUMENT + 1), "too_large"),
        (b"%PDF-1.7 ...", "binary"),
        (b"PK\x03\x04docx", "binary"),
        ("标题".encode() + b"\x00", "binary"),
        (b"\x89PNG\r\n", "binary"),
        (b"\xff\xfe\x00\x00x\x00\x00\x00", "encoding"),
        (b"{\\rtf1\\ansi}", "unsupported_kind"),
        (b"<?xml version='1.0'?><rss><channel/></rss>", "unsupported_kind"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "unsupported_kind"),
        (b"<!DOCTYPE lolz [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><lolz>&b;</lolz>", "unsupported_kind"),
        (
            b"<?xml version='1.0'?><!DOCTYPE html [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><html>&a;</html>",
            "unsupported_kind",
        ),
    ],
)
def test_what_is_no_document_of_ours_is_refused_by_its_kind(data: bytes, code: str) -> None:
    assert codes_of(data) == {code}


def test_a_page_that_declares_xml_is_still_a_page() -> None:
    assert item_of("<?xml version='1.0' encoding='UTF-8'?>\n" + article("<p>一。</p>")).headline


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_the_seed_is_the_same_in_every_encoding_of_the_newsroom(encoding: str) -> None:
    assert item_of(seed().decode().encode(encoding)) == item_of(seed())


def test_broken_utf8_is_refused_and_never_read_as_other_characters() -> None:
    whole, dice = seed(), random.Random(1)
    for _ in range(300):
        place = dice.randrange(len(whole))
        size = dice.choice([1, 2, 3])
        for broken in (whole[:place] + whole[place + size :], whole[:place] + b"\xff" + whole[place:]):
            try:
                broken.decode()
            except UnicodeDecodeError:
                (fault,) = faults_of(broken)
                assert fault.code == "encoding"
                assert fault.line is not None


def test_utf8_that_lost_a_byte_of_every_character_is_refused() -> None:
    lost = b"".join(
        char.encode()[:2] + b"?" if char > "\u2e80" else char.encode() for char in seed().decode()
    )
    assert codes_of(lost) == {"encoding"}


@pytest.mark.parametrize("words", ["长句。", "萧山", "今天天气不错。", "共建共治共享", "湘湖"])
def test_short_gb18030_is_not_taken_for_broken_utf8(words: str) -> None:
    page = article(f"<p>{words}</p><p>{words}</p>", head="").replace("<meta charset='utf-8'>", "")
    assert item_of(page.encode("gb18030")).body[0].text == words
    text = f"{words}\n2018年1月22日 8:1来源:萧山日报\n" + f"{words}\n" * 500
    assert item_of(text.encode("gb18030")).headline == words


def test_a_page_that_declares_utf8_and_is_not_is_refused() -> None:
    assert codes_of(article("<p>正文。</p>").encode("gb18030")) == {"encoding"}


def test_an_encoding_that_we_do_not_read_is_named() -> None:
    page = article("<p>正文。</p>").replace("charset='utf-8'", "charset='shift_jis'")
    (fault,) = faults_of(page.encode("gb18030"))
    assert (fault.code, "shift_jis" in fault.text.en) == ("encoding", True)


@pytest.mark.parametrize("bomb", ["<div>" * 2_000_000, "<b id=1>" * 20_000 + "<p>" * 20_000])
def test_a_page_of_endless_tags_is_refused_before_it_is_parsed(bomb: str) -> None:
    assert codes_of(article(bomb)) == {"too_complex"}


def test_deep_nesting_below_the_limit_is_read_without_recursion() -> None:
    assert item_of(article("<div>" * 5000 + "深处的一段。")).body[0].text == "深处的一段。"


def test_json_nested_without_end_is_refused() -> None:
    assert codes_of('{"a":' * 100_000, "x.json") == {"json_too_deep"}
    assert codes_of("[" * 100_000, "x.json") == {"json_too_deep"}


PIECES = (
    "2018年1月22日 8:1来源:|萧山日报|\n|标题|作者:|正文。|<p>|</p>|<br>|<b>|</b>|</a>"
    "|<div class='xs_content'>"
    "|<div class='con_title'>|<span class='time'>|<table><tr><td>|<ul><li>|</table>|<a href='//"
    "|<blockquote>"
    "|<svg><style>|<!--|-->|<html>|\ud800|\u202e|&#0;|<template>|<plaintext>|\x00|}"
    '|{"uri":"urn:a:b"|,"bodies":[{"value":"<p>"}]'
)
pieces = st.lists(st.sampled_from(PIECES.split("|")) | st.text(max_size=5), max_size=25).map("".join)


@given(st.binary(max_size=300) | pieces.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise_anything_but_faulty(data: bytes) -> None:
    for name in ("x", "x.json"):
        try:
            parse(data, name=name, publisher=PUBLISHER, now=datetime(2026, 1, 1, tzinfo=UTC))
        except Faulty:
            continue


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["2018-01-22T08:01:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "role", "contentType", "name", "rel", "literal"]), inner
        )
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*sorted(ninjs()), "by", "people", "altIds", "subjects"]), json_values)
)
def test_no_ninjs_values_raise_anything_but_faulty(values: dict[str, object]) -> None:
    try:
        item_of(ninjs(**values))
    except Faulty:
        return


@pytest.mark.parametrize(
    "line",
    [
        unit * count + end
        for unit in (
            "1",
            "1,",
            "1.",
            "1 ",
            "[",
            "【",
            "·",
            "分享到微信",
            "评论",
            "共3页",
            "2018-01-22 ",
            "记者 甲一 ",
        )
        for count in (40, 400)
        for end in ("", "x")
    ],
    ids=lambda text: f"{text[:4]}-{len(text)}-{text[-1]}",
)
def test_a_line_of_repeated_digits_brackets_or_buttons_is_read_at_once(line: str) -> None:
    """A pattern that tries every way to part such a line would never end: the time limit would tell."""
    date_line = f"2018年1月22日 8:01 来源:萧山日报 {line[:90]}"
    page = f"湘湖三期游步道全线贯通\n{line}\n{date_line}\n第一段写得很长很长。\n{line}\n"
    assert outcome(page) in ("item", "faults")


def outcome(page: str) -> str:
    try:
        return "item" if parsed(page).item.headline else "empty"
    except Faulty as refused:
        return "faults" if refused.faults else "empty"
