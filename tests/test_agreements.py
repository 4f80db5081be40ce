"""What a licence or a mandate file may say, and what is said about one that is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syndicate.agreements import read_licence, read_mandate
from syndicate.config import load
from syndicate.errors import Fault, Faulty
from syndicate.model.changes import Terms
from syndicate.model.item import ChannelId, Medium
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Clause, Except, Form, Grant, Licence, Mandate, Quota, Use, Window
from syndicate.toml_forms import parse
from syndicate.toml_forms.line_numbers import lines_of

PUBLISHER = load(None, {}).publisher
PARTNERS = [PartnerId("zjol"), PartnerId("hangzhou-net")]

CONTRACT = """\
number      = "XSW-2026-017"
partner     = "zjol"
valid_from  = 2026-01-01
valid_until = 2027-01-01          # not included

[[grant]]
uses     = ["reprint"]            # required
outlets  = ["daily"]              # required: silence means no
media    = ["text", "picture"]    # required
channels = ["news", "health"]     # left out: all channels
delay    = "PT30M"                # after publication; default none
archive  = "P365D"                # how old an item may be; default: published in the window
retain   = "P90D"                 # must be taken down after; default: no limit
may_edit = false                  # 可修改文章; default false
quota    = { items = 100, per = "day" }

[[except]]                        # wins over every grant
channels = ["ask"]
"""
MANDATE = """\
number      = "HEAD-2015-1"
holder      = "萧山日报社"
outlets     = ["daily"]
media       = ["text", "picture", "audio", "video"]
exclusive   = true
valid_from  = 2015-01-01
# valid_until left out: until further notice
"""
HEAD = 'number = "X-1"\npartner = "zjol"\nvalid_from = 2026-01-01\nvalid_until = 2027-01-01\n'
GRANT = '[[grant]]\nuses = ["link"]\noutlets = ["tv"]\nmedia = ["video"]\n'


def licence(text: str) -> Licence:
    return read_licence(text, name="licence.toml", publisher=PUBLISHER, partners=PARTNERS)


def faults(text: str) -> list[Fault]:
    with pytest.raises(Faulty) as caught:
        licence(text)
    for fault in caught.value.faults:
        assert any("\u4e00" <= char <= "\u9fff" for char in fault.text.zh), fault
        assert fault.text.en, fault
        assert not any("\u4e00" <= char <= "\u9fff" for char in fault.text.en), fault
    return list(caught.value.faults)


def places(text: str) -> list[tuple[str, str, int | None]]:
    return [(fault.code, fault.field, fault.line) for fault in faults(text)]


def test_the_licence_of_the_contract_is_read_as_it_is_meant() -> None:
    assert licence(CONTRACT) == Licence(
        "XSW-2026-017",
        PARTNERS[0],
        Window(datetime(2025, 12, 31, 16, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)),
        (
            Grant(
                clause=Clause("XSW-2026-017#1"),
                uses=frozenset({Use.REPRINT}),
                outlets=frozenset({PUBLISHER.outlets[0].id}),
                media=frozenset({Medium.TEXT, Medium.PICTURE}),
                channels=frozenset({PUBLISHER.channels[0].id, PUBLISHER.channels[8].id}),
                delay=timedelta(minutes=30),
                archive=timedelta(days=365),
                retain=timedelta(days=90),
                may_edit=False,
                quota=Quota(100, "day"),
            ),
        ),
        (Except(clause=Clause("XSW-2026-017#except-1"), channels=frozenset({PUBLISHER.channels[11].id})),),
    )


def test_the_mandate_of_the_contract_is_read_as_it_is_meant() -> None:
    mandate = read_mandate(MANDATE, name="head.toml", publisher=PUBLISHER)
    assert mandate == Mandate(
        "HEAD-2015-1",
        "萧山日报社",
        frozenset({PUBLISHER.outlets[0].id}),
        frozenset(Medium),
        True,
        Window(datetime(2014, 12, 31, 16, tzinfo=UTC), None),
    )


def test_what_a_grant_leaves_out_has_the_defaults_of_the_contract() -> None:
    (grant,) = licence(HEAD + GRANT).grants
    assert (grant.channels, grant.delay, grant.archive, grant.retain) == (None, timedelta(0), None, None)
    assert (grant.may_edit, grant.quota) == (False, None)


def test_clauses_are_counted_in_the_order_of_the_file_however_it_is_mixed() -> None:
    text = HEAD + GRANT + '[[except]]\nuses = ["copy"]\n' + GRANT + '[[except]]\nmedia = ["text"]\n'
    read = licence(text)
    assert [grant.clause for grant in read.grants] == ["X-1#1", "X-1#2"]
    assert [one.clause for one in read.excepts] == ["X-1#except-1", "X-1#except-2"]


def test_an_offset_time_is_taken_at_its_moment() -> None:
    text = (HEAD + GRANT).replace("= 2026-01-01", "= 2026-01-01T08:00:00+08:00")
    assert licence(text).window.opens == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_file_saved_by_a_windows_editor_is_read_too() -> None:
    assert licence("\ufeff" + CONTRACT.replace("\n", "\r\n")) == licence(CONTRACT)


def test_every_mistake_is_named_at_once_with_its_place_and_line() -> None:
    text = """\
number = "a#1"
partner = "zjo"
valid_from = 2026-01-01T00:00:00
valid_until = 10:00:00
foo = 1
[[grant]]
uses = [
  "reprint",
  "reprnt",
  3,
]
outlets = []
channel = ["news"]
may_edit = "yes"
delay = "P1Y"
quota = { items = true, per = "week" }
[[except]]
[[grant]]
uses = "link"
outlets = ["radios"]
media = ["texts"]
channels = ["newz"]
delay = "P2D"
retain = "P1D"
archive = "PT0S"
[[except]]
uses = ["link"]
x = 1
"""
    assert places(text) == [
        ("number_format", "number", 1),
        ("unknown_partner", "partner", 2),
        ("naive_datetime", "valid_from", 3),
        ("local_time", "valid_until", 4),
        ("unknown_key", "foo", 5),
        ("missing", "grant[0].media", 6),
        ("unknown_use", "grant[0].uses", 9),
        ("wrong_type", "grant[0].uses", 10),
        ("empty", "grant[0].outlets", 12),
        ("unknown_key", "grant[0].channel", 13),
        ("wrong_type", "grant[0].may_edit", 14),
        ("calendar_duration", "grant[0].delay", 15),
        ("wrong_type", "grant[0].quota.items", 16),
        ("unknown_period", "grant[0].quota.per", 16),
        ("exception_empty", "except[0]", 17),
        ("wrong_type", "grant[1].uses", 19),
        ("unknown_outlet", "grant[1].outlets", 20),
        ("unknown_medium", "grant[1].media", 21),
        ("unknown_channel", "grant[1].channels", 22),
        ("never_released", "grant[1].retain", 24),
        ("zero_duration", "grant[1].archive", 25),
        ("unknown_key", "except[1].x", 28),
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('delay = "PT30M"\nretain = "PT30M"', "never_released"),
        ('delay = "P3D"\narchive = "P2D"', "never_released"),
        ('delay = "-PT1M"', "negative_duration"),
        ('retain = "-P1D"', "negative_duration"),
        ('retain = "PT0S"', "zero_duration"),
        ('archive = "P0D"', "zero_duration"),
        ('archive = "P6M"', "calendar_duration"),
        ('archive = "P0Y"', "calendar_duration"),
        ('archive = "P99999999999D"', "too_long"),
        ('archive = "P40000D"', "too_long"),
        ('archive = "P1DT"', "bad_duration"),
        ('archive = "P"', "bad_duration"),
        ('archive = "365"', "bad_duration"),
        ('archive = "P1D\\n"', "bad_duration"),
        ('archive = "P0001-01-01T00:00:00"', "bad_duration"),
        ("archive = 365", "wrong_type"),
        ("delay = 00:30:00", "wrong_type"),
        ('may_edit = "yes"', "wrong_type"),
        ("may_edit = 1", "wrong_type"),
        ("channels = []", "empty"),
        ('channels = "news"', "wrong_type"),
        ('channels = ["all"]', "unknown_channel"),
        ("quota = 100", "wrong_type"),
        ('quota = { items = 0, per = "day" }', "out_of_range"),
        ('quota = { items = -1, per = "day" }', "out_of_range"),
        ('quota = { items = 1.5, per = "day" }', "wrong_type"),
        ('quota = { items = "9", per = "day" }', "wrong_type"),
        ('quota = { items = true, per = "day" }', "wrong_type"),
        ('quota = { items = 1, per = "year" }', "unknown_period"),
        ("quota = { items = 1 }", "missing"),
        ('quota = { items = 1, per = "day", of = 1 }', "unknown_key"),
        ("may_edti = true", "unknown_key"),
        ('early = "yes"', "wrong_type"),
        ("early = 1", "wrong_type"),
    ],
)
def test_a_grant_with_this_line_is_refused(line: str, code: str) -> None:
    found = faults(HEAD + GRANT + line)
    assert [fault.code for fault in found] == [code]
    assert found[0].line == 9 + line.count("\n")
    assert found[0].field.startswith("grant[0].")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("valid_until = 2027-01-01", "valid_until = 2026-01-01", "window_empty"),
        ("valid_until = 2027-01-01", "valid_until = 2025-01-01", "window_empty"),
        ("valid_until = 2027-01-01", 'valid_until = "2027-01-01"', "wrong_type"),
        ("valid_until = 2027-01-01", "valid_until = 2027", "wrong_type"),
        ("valid_until = 2027-01-01", "valid_until = 9999-12-31", "out_of_range"),
        ("valid_from = 2026-01-01", "valid_from = 0001-01-01", "out_of_range"),
        ("valid_from = 2026-01-01", "valid_from = 2026-01-01T00:00:00", "naive_datetime"),
        ("valid_from = 2026-01-01", "valid_from = 08:00:00", "local_time"),
        ('number = "X-1"', 'number = ""', "number_format"),
        ('number = "X-1"', 'number = " X-1"', "number_format"),
        ('number = "X-1"', 'number = "X#1"', "number_format"),
        ('number = "X-1"', 'number = "X\\u0007"', "number_format"),
        ('number = "X-1"', f'number = "{"X" * 65}"', "number_format"),
        ('number = "X-1"', "number = 17", "wrong_type"),
        ('partner = "zjol"', 'partner = "nobody"', "unknown_partner"),
        ('partner = "zjol"', 'partner = ["zjol"]', "wrong_type"),
        ("[[grant]]", "[grant]", "wrong_type"),
        ('uses = ["link"]', 'uses = ["LINK"]', "unknown_use"),
        ('uses = ["link"]', "uses = []", "empty"),
        ('outlets = ["tv"]', 'outlets = ["xinhua"]', "unknown_outlet"),
        ('media = ["video"]', 'media = ["film"]', "unknown_medium"),
    ],
)
def test_a_licence_with_this_change_is_refused(old: str, new: str, code: str) -> None:
    text = HEAD + GRANT
    assert text.count(old) == 1
    line = text[: text.index(old)].count("\n") + 1
    assert [(f.code, f.line) for f in faults(text.replace(old, new))] == [(code, line)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('takedown = "P1M"', "calendar_duration"),
        ('takedown = "PT0S"', "zero_duration"),
        ('takedown = "-PT1H"', "negative_duration"),
        ("takedown = 24", "wrong_type"),
        ('overdue = "suspended"', "unknown_consequence"),
        ("overdue = true", "wrong_type"),
    ],
)
def test_an_agreement_with_this_duty_is_refused(line: str, code: str) -> None:
    (fault,) = faults(f"{HEAD}{line}\n{GRANT}")
    assert (fault.code, fault.field, fault.line) == (code, line.split()[0], 5)


def test_duties_and_early_access_are_read_as_they_are_meant() -> None:
    plain, strict = licence(HEAD + GRANT), licence(f'{HEAD}takedown = "PT2H"\noverdue = "suspend"\n{GRANT}')
    assert (plain.takedown, plain.suspend_overdue) == (timedelta(days=1), False)
    assert (strict.takedown, strict.suspend_overdue) == (timedelta(hours=2), True)
    assert not plain.grants[0].early
    assert licence(HEAD + GRANT + "early = true\n").grants[0].early


@pytest.mark.parametrize("key", ["number", "partner", "valid_from", "valid_until"])
def test_a_licence_without_this_key_is_refused(key: str) -> None:
    text = "".join(line for line in (HEAD + GRANT).splitlines(keepends=True) if not line.startswith(key))
    assert [(fault.code, fault.field) for fault in faults(text)] == [("missing", key)]


@pytest.mark.parametrize("key", ["uses", "outlets", "media"])
def test_silence_about_this_in_a_grant_means_no(key: str) -> None:
    text = HEAD + "".join(line for line in GRANT.splitlines(keepends=True) if not line.startswith(key))
    assert places(text) == [("missing", f"grant[0].{key}", 5)]


def test_a_licence_that_grants_nothing_is_refused() -> None:
    assert [(f.code, f.field) for f in faults(HEAD)] == [("no_grant", "grant")]
    assert places(HEAD + "grant = []\n") == [("no_grant", "grant", 5)]


def test_what_was_meant_and_what_is_allowed_is_said() -> None:
    (fault,) = faults((HEAD + GRANT).replace('"tv"', '"tvv"'))
    assert "daily（萧山日报）、tv（萧山电视台）、radio（萧山人民广播电台）" in fault.text.zh
    assert "did you mean tv?" in fault.text.en
    (key,) = faults(HEAD + GRANT + "retian = 1")
    assert "did you mean retain?" in key.text.en
    with pytest.raises(Faulty, match="none yet"):
        read_licence(HEAD + GRANT, name="l", publisher=PUBLISHER, partners=[])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("number = \n", 1),
        ('number = "X\n', 1),
        ("a = 1\na = 2\n", 2),
        ("a = 1\nq = { b = 1, b = 2 }\n", 2),
        ("x = 2026-13-45\n", 1),
        ("a = 1\n\n\n[[grant]\n", 4),
        ("\x00", 1),
        ("a = " + "[" * 5000, 1),
    ],
)
def test_what_is_not_toml_is_refused_with_its_line(text: str, line: int) -> None:
    (fault,) = faults(text)
    assert fault.code == "syntax"
    assert fault.line == line


IN_CHINESE = """\
number      = "XSW-2026-017"
partner     = "zjol"
valid_from  = 2026-01-01
valid_until = 2027-01-01

[[grant]]
uses     = ["转载", "链接", "转贴", "其他方式复制发表"]
outlets  = ["萧山日报", "萧山电视台", "radio"]
media    = ["文字", "图片", "音频", "视频"]
channels = ["新闻", "即时报", "北干楼宇"]
quota    = { items = 100, per = "日" }

[[except]]
uses     = ["以其他方式复制发表"]
channels = ["网络问政"]
"""


def test_the_chinese_names_of_uses_media_outlets_and_channels_stand_for_their_ids() -> None:
    read = licence(IN_CHINESE)
    (grant,), (exception,) = read.grants, read.excepts
    assert grant.uses == frozenset(Use)
    assert grant.outlets == {"daily", "tv", "radio"}
    assert grant.media == frozenset(Medium)
    assert grant.channels == frozenset(map(ChannelId, ["news", "instant", "beigan"]))
    assert grant.quota == Quota(100, "day")
    assert exception.uses == frozenset({Use.COPY})
    assert exception.channels == frozenset({ChannelId("ask")})
    head = read_mandate(MANDATE.replace('"daily"', '"萧山日报"'), name="h", publisher=PUBLISHER)
    assert head == read_mandate(MANDATE, name="h", publisher=PUBLISHER)


def test_a_name_that_two_outlets_have_stands_for_neither() -> None:
    first, second, *_ = PUBLISHER.outlets
    alike = replace(PUBLISHER, outlets=(first, replace(second, name=first.name)))
    with pytest.raises(Faulty) as caught:
        read_mandate(MANDATE.replace('"daily"', '"萧山日报"'), name="h", publisher=alike)
    assert [fault.code for fault in caught.value.faults] == ["unknown_outlet"]


def test_a_fault_names_the_chinese_names_and_means_the_nearest() -> None:
    with pytest.raises(Faulty) as caught:
        licence((HEAD + GRANT).replace('"tv"', '"萧山晚报"'))
    (fault,) = caught.value.faults
    assert "是否想写 萧山日报？" in fault.text.zh
    assert "daily（萧山日报）" in fault.text.zh
    assert "did you mean daily?" in fault.text.en


@pytest.mark.parametrize(
    ("old", "new", "line", "hint"),
    [
        ('"X-1"', "“X-1”", 1, '“ 写成 "；” 写成 "'),
        ('["link"]', "【“link”】", 6, "【 写成 ["),
        ('["video"]', '["video"，"text"]', 8, "， 写成 ,"),
        ('["video"]', '["video"、"text"]', 8, "、 写成 ,"),
        ("number =", "number：", 1, "： 写成 ="),
        ("number =", "number ＝", 1, "＝ 写成 ="),
        ("[[grant]]", "【【grant】】", 5, "【 写成 ["),
        ('"X-1"', '"X-1”', 1, '” 写成 "'),
        ('["link"]', '["link”, "repost"]', 6, '” 写成 "'),
        ("partner", "\u3000partner", 2, "全角空格 写成 半角空格"),
        ("2026-01-01", "2026-01-01T08：00：00+08:00", 3, "： 写成 :"),
        ("2026-01-01", "２０２６-01-01", 3, "２ 写成 2"),
    ],
)
def test_chinese_punctuation_is_named_with_its_line_and_what_to_write(
    old: str, new: str, line: int, hint: str
) -> None:
    (fault,) = faults((HEAD + GRANT).replace(old, new, 1))
    assert (fault.code, fault.line) == ("chinese_punctuation", line)
    assert "请改用英文标点" in fault.text.zh
    assert hint in fault.text.zh


@pytest.mark.parametrize("date", ["2026年1月1日", "2026年01月01日", "2026/1/1", "2026.1.1", "2026-1-1"])
def test_a_date_as_people_write_it_is_answered_with_the_date_to_write(date: str) -> None:
    (bare,) = faults(HEAD.replace("2026-01-01", date, 1) + GRANT)
    assert (bare.code, bare.line) == ("date_format", 3)
    assert "应写成 2026-01-01" in bare.text.zh
    (quoted,) = faults(HEAD.replace("2026-01-01", f'"{date}"', 1) + GRANT)
    assert (quoted.code, quoted.line) == ("wrong_type", 3)
    assert "应写成 2026-01-01" in quoted.text.zh


def test_every_line_with_such_a_mistake_is_named_at_once_and_no_other() -> None:
    text = (
        (HEAD + GRANT)
        .replace('"X-1"', "“X-1” # 编号，不是【字号】")
        .replace("2027-01-01", "2027年2月30日")
        .replace('["tv"]', '["tv"】')
        .replace('"zjol"', '"zjol" # “授权媒体”')
    )
    found = [(fault.code, fault.line) for fault in faults(text)]
    assert found == [("chinese_punctuation", 1), ("date_format", 4), ("chinese_punctuation", 7)]
    assert "没有这一天" in faults(text)[1].text.zh


def test_chinese_punctuation_in_strings_and_comments_is_no_mistake() -> None:
    read = licence((HEAD + GRANT).replace('"X-1"', '"萧网〔2026〕“17”号" # 编号：【17】'))
    assert read.number == "萧网〔2026〕“17”号"


def test_what_the_parser_finds_is_said_in_chinese() -> None:
    for text in ('number = "X', "number = ", "a = 1\na = 2\n", "= 1", "a = yes", "a = 2026-13-45"):
        (fault,) = faults(text)
        assert not re.search("[A-Za-z]{4,}", fault.text.zh.replace("TOML", "").replace("number", "")), fault


def test_a_text_of_any_size_is_not_read() -> None:
    assert [fault.code for fault in faults("#" * 300_000)] == ["too_long"]


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        ('holder      = "萧山日报社"', 'holder = " "', "blank", "holder"),
        ("exclusive   = true\n", "", "missing", "exclusive"),
        ("exclusive   = true", 'exclusive = "yes"', "wrong_type", "exclusive"),
        ('outlets     = ["daily"]', "outlets = []", "empty", "outlets"),
        ("# valid_until left out", "valid_until = 2014-01-01 #", "window_empty", "valid_until"),
        ("valid_from  = 2015-01-01", "valid_from = 2015-01-01T00:00:00", "naive_datetime", "valid_from"),
    ],
)
def test_a_mandate_with_this_change_is_refused(old: str, new: str, code: str, field: str) -> None:
    assert old in MANDATE
    with pytest.raises(Faulty) as caught:
        read_mandate(MANDATE.replace(old, new), name="head.toml", publisher=PUBLISHER)
    assert [(fault.code, fault.field) for fault in caught.value.faults] == [(code, field)]


def test_lines_are_found_through_strings_comments_and_dotted_names() -> None:
    text = '''\
a.b."c d" = 1
text = """
[[grant]] # not one
x = 1
"""
'q' = [ # one
  { y = """
""" }, { z = 2 },
]
[t.u]
v = 1979-05-27 07:32:00.5 # ]
[[t.w]]
[[t.w]]
n = '[['
[t.w.sub]
k = {}
'''
    parse(text, "x")
    lines, repeated = lines_of(text)
    assert repeated is None
    expected = {
        ("a",): 1, ("a", "b"): 1, ("a", "b", "c d"): 1, ("text",): 2, ("q",): 6, ("q", 0): 7,
        ("q", 0, "y"): 7, ("q", 1): 8, ("q", 1, "z"): 8, ("t",): 10, ("t", "u"): 10, ("t", "u", "v"): 11,
        ("t", "w"): 12, ("t", "w", 0): 12, ("t", "w", 1): 13, ("t", "w", 1, "n"): 14,
        ("t", "w", 1, "sub"): 15, ("t", "w", 1, "sub", "k"): 16,
    }  # fmt: skip
    assert lines == expected


@given(st.text(alphabet="ab=[]{}.,\"'# \n\\1", max_size=60))
def test_finding_lines_never_fails_whatever_the_text(text: str) -> None:
    lines, _ = lines_of(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(st.text(max_size=200) | st.text(alphabet="ab=[]{}.,\"'# \n\\u1-:Td", max_size=80))
def test_a_licence_of_any_text_is_refused_or_read_but_never_breaks(text: str) -> None:
    with pytest.raises(Faulty):
        licence(text)


def test_a_clause_names_its_agreement_and_its_part() -> None:
    assert Clause.of_grant("XSW-1", 2) == "XSW-1#2"
    assert Clause.of_exception("XSW-1", 1) == "XSW-1#except-1"
    assert Clause.of_exception("XSW-1", 1).agreement == Clause("XSW-1").agreement == "XSW-1"
    read = licence(CONTRACT)
    assert {one.clause.agreement for one in read.grants} == {read.number}
    assert {one.clause.agreement for one in read.excepts} == {read.number}
    assert read.clause.agreement == read.number


def test_terms_say_whether_the_full_text_was_given() -> None:
    assert Terms.of(Form.FULL, "0123").full
    assert Terms("full").full
    assert not Terms.of(Form.SUMMARY, "0123").full
    assert not Terms("").full
