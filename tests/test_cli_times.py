"""Times, spans and ids of keys as staff type and read them."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syndicate.cli.ui.agreement_words import duration_text
from syndicate.cli.ui.id_prefix import complete_id
from syndicate.errors import Conflict, Unknown
from syndicate.language import Text
from tests.support.shell import Shell, a_page, demo, no_settings, prepared

__all__ = ["demo", "no_settings", "prepared"]


@pytest.fixture
def story(demo: Shell, tmp_path: Path) -> str:
    file = tmp_path / "1.txt"
    file.write_text(a_page(1))
    return str(demo.good("ingest", str(file), "--json").json["id"])


def embargo(demo: Shell, story: str, word: str) -> Any:
    return demo.good("item", "hold", story, "--embargo", word, "--json").json["embargo"]


TIMES = [
    ("2036-12-01 08:00", "2036-12-01T08:00:00+08:00"),
    ("2036-12-01T08:00:30", "2036-12-01T08:00:30+08:00"),
    ("2036-12-01", "2036-12-01T00:00:00+08:00"),
    ("2036/12/1 8:00", "2036-12-01T08:00:00+08:00"),
    ("2036年12月1日", "2036-12-01T00:00:00+08:00"),
    ("2036年12月1日8时", "2036-12-01T08:00:00+08:00"),
    ("2036年12月1日 8时5分", "2036-12-01T08:05:00+08:00"),
    ("2036年12月1日8：30", "2036-12-01T08:30:00+08:00"),
    ("2036-12-01T00:00:00Z", "2036-12-01T08:00:00+08:00"),
    ("2036-12-01 09:00+09:00", "2036-12-01T08:00:00+08:00"),
]


def test_a_time_without_an_offset_is_in_the_publishers_zone(demo: Shell, story: str) -> None:
    for word, instant in TIMES:
        demo("item", "release", story)
        held = datetime.fromisoformat(embargo(demo, story, word))
        assert held == datetime.fromisoformat(instant), word


NO_TIMES = [
    "", "8:00", "tomorrow", "2036-02-30", "2036-12-01 24:30", "2036-13-01", "36-12-01", "2036-12",
    "9036-01-01",
]  # fmt: skip


def test_what_is_no_time_is_wrong_usage_that_names_the_option(demo: Shell, story: str) -> None:
    commands = (
        ["item", "hold", story, "--embargo"],
        ["trail", "list", "--since"],
        ["trail", "export", "--to"],
    )
    for word in NO_TIMES:
        for words in commands:
            refused = demo(*words, word)
            assert (refused.code, words[-1] in refused.err) == (2, True), refused
    assert demo.good("item", "show", story, "--json").json["embargo"] is None


def test_a_local_time_that_is_missing_or_comes_twice_needs_its_offset(
    demo: Shell, story: str, tmp_path: Path
) -> None:
    settings = tmp_path / "berlin.toml"
    settings.write_text('[publisher]\ntimezone = "Europe/Berlin"\n')
    words = ["--config", str(settings), "item", "hold", story, "--embargo"]
    for word in ("2036-03-30 02:30", "2036-10-26 02:30"):
        refused = demo(*words, word)
        assert (refused.code, "请写明时区" in refused.err) == (2, True), word
    held = demo.good(*words, "2036-10-26 02:30+01:00", "--json").json["embargo"]
    assert datetime.fromisoformat(held) == datetime.fromisoformat("2036-10-26T01:30:00+00:00")


SPANS = [
    ("2h", 7_200), ("90m", 5_400), ("1d12h", 129_600), ("1d 12h", 129_600), ("1w", 604_800),
    ("2小时", 7_200), ("1小时30分钟", 5_400), ("7天", 604_800), ("2 hours", 7_200), ("PT2H", 7_200),
]  # fmt: skip


def test_a_deadline_is_an_everyday_span(demo: Shell, story: str) -> None:
    for word, seconds in SPANS:
        demo.good("item", "recall", story, "--reason", "legal", "--note", "裁定", "--deadline", word)
        report = demo.good("item", "recall-report", story, "--json").json
        given = datetime.fromisoformat(report["deadline"]) - datetime.fromisoformat(report["recalled"])
        assert given == timedelta(seconds=seconds), word
        demo.good("item", "reinstate", story)


def test_notes_and_refusals_show_times_as_the_state_does(demo: Shell, tmp_path: Path) -> None:
    story = tmp_path / "story.txt"
    story.write_text(
        "城北新桥通车\n2026年1月22日 8:01来源:萧山日报\n  城北新桥今日上午通车。\n", encoding="utf-8"
    )
    taken = demo.good("ingest", "--embargo", "2036-12-01 08:00", str(story)).out
    assert "禁发至 2036-12-01 08:00:00 +08:00 [embargoed]" in taken
    assert "禁发至 2036-12-01 08:00:00 +08:00" in demo.good("item", "list").out
    item = re.findall(r"\d{8}-[a-z0-9]{10}", taken)[0]
    recall = ("item", "recall", item, "--reason", "legal", "--note", "裁定")
    demo.good(*recall)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+08:00", demo(*recall).err)


def test_a_recall_of_what_nobody_received_has_nothing_to_confirm(demo: Shell, story: str) -> None:
    demo.good("item", "recall", story, "--reason", "editorial", "--note", "事实有误")
    assert "已全部确认" not in demo.good("item", "recall-report", story).out
    report = demo.good("--lang", "en", "item", "recall-report", story).out.splitlines()
    assert report[1:] == ["no partner received it, so none has to confirm"]


NO_SPANS = ["", "2", "h", "0h", "2x", "2h2h", "30m2h", "2H", "1.5h", "99999w", "P1M", "P"]


def test_what_is_no_span_is_wrong_usage_and_recalls_nothing(demo: Shell, story: str) -> None:
    for word in NO_SPANS:
        refused = demo("item", "recall", story, "--reason", "legal", "--note", "裁定", "--deadline", word)
        assert (refused.code, "--deadline" in refused.err) == (2, True), word
        assert demo("item", "recall-report", story, "--json").json["error"] == "not_recalled", word


def test_since_takes_a_span_before_now_or_a_time(demo: Shell) -> None:
    everything = len(demo.good("trail", "list", "--json").lines)
    for word in ("7d", "7天", "P7D", "2020-01-01"):
        assert len(demo.good("trail", "list", "--since", word, "--json").lines) == everything
        assert demo.good("trail", "list", "--until", word, "--json").lines == []
    licence = demo.good("licence", "show", "XSW-DEMO-1", "--json").json["document"].encode()
    for word in ("30d", "2020-01-01", "P30D"):
        demo.good("licence", "try", "-", "--since", word, stdin=licence)
    assert demo("licence", "try", "-", "--since", "2036-01-01", stdin=licence).code == 2


def test_explain_takes_local_times(demo: Shell, story: str) -> None:
    words = ["explain", "--partner", "demo", "--item", story, "--use", "reprint", "--json"]
    later = demo.good(*words, "--at", "2036-11-12").json
    assert datetime.fromisoformat(later["at"]) == datetime.fromisoformat("2036-11-11T16:00:00+00:00")
    now = demo.good(*words, "--at", "2036-11-12 08:00", "--known", "now").json
    assert datetime.fromisoformat(now["at"]) == datetime.fromisoformat("2036-11-12T00:00:00+00:00")


@pytest.mark.parametrize(
    ("of", "zh", "en"),
    [
        (timedelta(days=1), "1 天", "1 day"),
        (timedelta(hours=36), "1 天 12 小时", "1 day 12 hours"),
        (timedelta(minutes=30), "30 分钟", "30 minutes"),
        (timedelta(seconds=1), "1 秒", "1 second"),
        (timedelta(0), "无", "none"),
    ],
)
def test_a_span_is_said_in_words(of: timedelta, zh: str, en: str) -> None:
    assert duration_text(of) == Text(zh, en)


def test_people_are_shown_no_iso_durations_and_no_utc(demo: Shell, story: str, tmp_path: Path) -> None:
    licence = demo.good("licence", "show", "XSW-DEMO-1", "--json").json["document"]
    head = licence.partition("[[grant]]")[0].replace("XSW-DEMO-1", "XSW-DEMO-2")
    draft = tmp_path / "draft.toml"
    terms = (
        'uses=["reprint"]\noutlets=["daily"]\nmedia=["text"]\n'
        'delay="PT30M"\narchive="P365D"\nretain="P90D"\n'
    )
    draft.write_text(f'{head}takedown = "PT2H"\n[[grant]]\n{terms}', encoding="utf-8")
    shown = demo("licence", "diff", "XSW-DEMO-1", str(draft)).out
    demo.good("licence", "add", str(draft))
    shown += demo.good("licence", "show", "XSW-DEMO-2").out.partition("原文")[0]
    assert "30 分钟" in shown
    assert "365 天" in shown
    assert "接到撤稿通知后 2 小时内" in shown
    held = tmp_path / "2.txt"
    held.write_text(a_page(2))
    shown += demo.good("ingest", "--embargo", "2036-12-01T00:00:00Z", str(held)).out
    assert "2036-12-01 08:00" in shown
    shown += demo.good("item", "list").out + demo.good("trail", "list").out + demo.good("key", "list").out
    assert not re.findall(r"\bPT?\d+[DHMS]\b|\+00:00|\dZ\b|\d{4}-\d\d-\d\dT", shown)


def test_a_key_is_revoked_by_the_beginning_of_its_id(demo: Shell) -> None:
    demo.good("key", "issue", "demo")
    jti = demo.good("key", "list", "--json").lines[0]["jti"]
    assert demo("key", "revoke", jti[:3], "--json").json["error"] == "not_found"
    assert demo.good("key", "revoke", jti[:8], "--json").json["jti"] == jti
    states = {one["jti"]: one["state"] for one in demo.good("key", "list", "--json").lines}
    assert list(states.values()).count("revoked") == 1
    assert states[jti] == "revoked"


def test_a_signing_key_is_retired_by_the_beginning_of_its_id(demo: Shell) -> None:
    old = demo.good("signing-key", "list", "--json").json["kid"]
    demo.good("signing-key", "rotate")
    assert demo.good("signing-key", "retire", old[:6], "--json").json["kid"] == old


def test_a_beginning_that_several_ids_have_is_refused_with_the_candidates() -> None:
    ids = ["abcd1", "abcd2", "abcd", "abcde1", "xyz99"]
    kind = Text("密钥", "key")
    assert complete_id("abcd", ids, kind) == "abcd"
    assert complete_id("abcde", ids, kind) == "abcde1"
    with pytest.raises(Conflict, match="abcd1, abcd2") as refused:
        complete_id("abcd", ids[:2], kind)
    assert refused.value.code == "ambiguous_id"
    assert "请多写几位：abcd1、abcd2" in refused.value.text.zh
    for prefix in ("", "xyz", "nope"):
        with pytest.raises(Unknown):
            complete_id(prefix, ids, kind)


def test_programs_still_read_iso(demo: Shell) -> None:
    licence = demo.good("licence", "show", "XSW-DEMO-1", "--json").json
    assert re.fullmatch(r"P\d+D", licence["takedown"])
    assert "T" in json.dumps(licence["valid_from"])
