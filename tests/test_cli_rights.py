"""The rights office at the command line: agreements, keys, why, and the trail that says what was done."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest

from syndicate.cli.ui.trail_text import FIELDS, KINDS
from syndicate.model.events import EVENTS
from tests.support.shell import Shell, demo, no_settings, prepared

__all__ = ["demo", "no_settings", "prepared"]

LICENCE = """
number      = "XSW-2026-017"
partner     = "demo"
valid_from  = 2026-01-01
valid_until = 2027-01-01
[[grant]]
uses     = ["reprint"]
outlets  = ["daily"]
media    = ["text"]
delay    = "PT30M"
quota    = { items = 100, per = "day" }
"""


@pytest.fixture
def story(demo: Shell) -> str:
    """The id of the demonstration's article."""
    return str(demo.good("item", "list", "--json").json["id"])


def test_a_faulty_licence_is_refused_with_every_fault_and_its_line(demo: Shell, tmp_path: Path) -> None:
    file = tmp_path / "l.toml"
    file.write_text(LICENCE.replace("2027-01-01", "2025-01-01").replace('["daily"]', '["dayly"]'))
    outcome = demo("licence", "add", str(file), "--json")
    assert outcome.code == 1
    assert [(one["code"], one["line"]) for one in outcome.json["faults"]] == [
        ("window_empty", 5),
        ("unknown_outlet", 8),
    ]
    assert "第 5 行" in outcome.err
    file.write_bytes(b"number = \xff")
    assert demo("licence", "add", str(file), "--json").json["faults"][0]["code"] == "encoding"
    assert len(demo.good("licence", "list", "--json").lines) == 1


def test_a_licence_saved_in_gb18030_is_added_with_its_chinese_names(demo: Shell, tmp_path: Path) -> None:
    file = tmp_path / "l.toml"
    text = LICENCE.replace('["daily"]', '["萧山日报"]').replace("[[grant]]", "[[grant]] # 授权条款")
    file.write_bytes(text.encode("gb18030"))
    added = demo.good("licence", "add", str(file), "--json")
    assert added.json["grants"][0]["outlets"] == ["daily"]
    assert demo.good("licence", "show", "XSW-2026-017", "--json").json["document"] == text


def test_chinese_punctuation_alone_does_not_hide_that_a_file_is_gb18030(
    demo: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "l.toml"
    file.write_bytes(LICENCE.replace('"XSW-2026-017"', "“XSW-2026-017”").encode("gb18030"))
    outcome = demo("licence", "add", str(file), "--json")
    assert [one["code"] for one in outcome.json["faults"]] == ["chinese_punctuation"]
    assert "改用英文标点" in outcome.err


def test_a_licence_lives_from_standard_input_to_its_end(demo: Shell, story: str) -> None:
    added = demo.good("licence", "add", "-", "--json", stdin=LICENCE.encode())
    assert added.json["grants"][0]["delay"] == "PT30M"
    again = demo("licence", "add", "-", "--json", stdin=LICENCE.encode())
    assert (again.code, again.json["error"]) == (1, "duplicate_number")
    assert demo.good("licence", "show", "XSW-2026-017", "--json").json["document"] == LICENCE
    shown = demo.good("licence", "show", "XSW-2026-017").out
    assert "萧山日报" in shown
    assert LICENCE.strip() in shown
    ended = demo.good("licence", "end", "XSW-2026-017", "--json")
    assert (ended.json["state"], ended.json["still_in_force"]) == ("ended", ["XSW-DEMO-1"])
    assert demo("licence", "end", "XSW-2026-017", "--json").json["error"] == "ended_already"


def test_a_mandate_that_ends_says_what_closes(demo: Shell, story: str) -> None:
    ended = demo.good("mandate", "end", "HEAD-DEMO-1", "--json")
    assert ended.json["licences"] == ["XSW-DEMO-1"]
    assert {"outlet": "daily", "medium": "text"} in ended.json["closes"]
    denied = demo.good("explain", "--partner", "demo", "--item", story, "--use", "link", "--json").json
    assert (denied["decision"], denied["reason"]) == ("deny", "mandate_ended")
    (remedy,) = denied["changes"]
    assert "outlets=daily" in remedy


def test_people_too_are_told_what_a_mandate_closed(demo: Shell) -> None:
    said = demo.good("mandate", "end", "HEAD-DEMO-1").out
    assert said.splitlines() == [
        "独家发布权 HEAD-DEMO-1 已终止。",
        "即刻不再向任何人放行：萧山日报·音频、萧山日报·图片、萧山日报·文字、萧山日报·视频。",
        "受影响的授权协议：XSW-DEMO-1",
    ]
    english = demo.good("mandate", "end", "HEAD-DEMO-2", "--lang", "en").out
    assert "from now on released to nobody: Xiaoshan People's Radio audio" in english
    assert "licences that rested on it: XSW-DEMO-1" in english


def test_a_mandate_ends_quietly_where_another_covers_as_much(demo: Shell) -> None:
    mandate = resources.files("syndicate") / "demo" / "mandate-daily.toml"
    demo.good("mandate", "add", "-", stdin=mandate.read_bytes().replace(b"HEAD-DEMO-1", b"M-2"))
    assert "仍由其他独家发布权覆盖" in demo.good("mandate", "end", "HEAD-DEMO-1").out


def test_moments_of_agreements_are_in_the_publishers_zone(demo: Shell) -> None:
    mandates = demo.good("mandate", "list", "--json").lines
    assert {one["valid_from"] for one in mandates} == {"2015-01-01T00:00:00+08:00"}
    ended = demo.good("mandate", "end", "HEAD-DEMO-1", "--json").json
    assert ended["valid_until"].endswith("+08:00")


def test_a_mandate_that_never_began_closes_nothing(demo: Shell) -> None:
    text = """
        number = "M-9"
        holder = "萧山日报社"
        outlets = ["daily"]
        media = ["text"]
        exclusive = true
        valid_from = 2190-01-01
    """
    demo.good("mandate", "add", "-", stdin=text.encode())
    assert demo.good("mandate", "end", "M-9", "--json").json["closes"] == []


def test_a_key_is_alone_on_stdout_so_that_a_script_can_take_it(demo: Shell) -> None:
    issued = demo.good("key", "issue", "demo", "--label", "网站")
    token = issued.out.removesuffix("\n")
    assert token.count(".") == 2
    assert token.isascii()
    assert "\n" not in token
    assert token not in issued.err


def test_a_key_is_issued_listed_and_revoked(demo: Shell) -> None:
    made = demo.good("key", "issue", "demo", "--days", "30", "--label", "网站", "--json").json
    assert list(made) == ["token", "jti", "kid", "expires"]
    life = datetime.fromisoformat(made["expires"]) - datetime.now(UTC)
    assert 29 < life.total_seconds() / 86400 <= 30
    assert datetime.fromisoformat(made["expires"]).utcoffset() == UTC.utcoffset(None)
    states = {one["jti"]: one["state"] for one in demo.good("key", "list", "demo", "--json").lines}
    assert states[made["jti"]] == "in_force"
    assert len(states) == 2
    assert demo.good("key", "revoke", made["jti"], "--json").json["state"] == "revoked"
    assert demo("key", "revoke", made["jti"]).code == 1
    everything = demo.good("key", "list", "--json").out + demo.good("trail", "list", "--json").out
    assert made["token"] not in everything


def test_signing_keys_overlap_until_the_old_one_is_retired(demo: Shell) -> None:
    (old,) = demo.good("signing-key", "list", "--json").lines
    new = demo.good("signing-key", "rotate", "--json").json
    listed = demo.good("signing-key", "list", "--json").lines
    assert [(one["kid"], one["state"]) for one in listed] == [
        (new["kid"], "current"),
        (old["kid"], "retiring"),
    ]
    assert demo("signing-key", "retire", new["kid"], "--json").code == 1
    assert len(demo.good("signing-key", "retire", old["kid"], "--json").json["closes"]) == 1


def test_a_key_whose_signing_key_was_retired_is_not_shown_as_alive(demo: Shell) -> None:
    (old,) = demo.good("signing-key", "list", "--json").lines
    demo.good("signing-key", "rotate")
    assert demo.good("partner", "show", "demo", "--json").json["live_keys"] == 1
    demo.good("signing-key", "retire", old["kid"])
    (key,) = demo.good("key", "list", "--json").lines
    assert key["state"] == "signing_key_retired"
    assert "签名密钥已停用" in demo.good("key", "list").out
    assert demo.good("partner", "show", "demo", "--json").json["live_keys"] == 0


def test_keys_are_listed_without_their_signing_keys_too(
    demo: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNDICATE_KEYS", str(tmp_path / "nowhere"))
    told = demo.good("key", "list", "--json")
    assert [one["state"] for one in told.lines] == ["in_force"]
    assert "nowhere" in told.err
    Shell(tmp_path / "another").good("init")
    assert [one["state"] for one in demo.good("key", "list", "--json").lines] == ["signing_key_missing"]


def test_help_is_no_signing_key_and_a_signing_key_is_no_help(demo: Shell) -> None:
    assert demo.good("signing-key", "retire", "-h").out == demo.good("signing-key", "retire", "--help").out
    outcome = demo("signing-key", "retire", "-hIJ", "--json")
    assert (outcome.code, outcome.json["error"]) == (1, "not_found")
    assert "没有这把签名密钥：-hIJ" in outcome.err


def test_explain_says_yes_with_its_clause_and_form(demo: Shell, story: str) -> None:
    said = demo.good("explain", "--partner", "demo", "--item", story, "--use", "reprint", "--json").json
    assert (said["decision"], said["reason"], said["clause"]) == ("allow", None, "XSW-DEMO-1#1")
    assert (said["form"], said["use"], said["until"]) == ("full", "reprint", "2099-12-31T16:00:00+00:00")
    public = demo.good("explain", "--partner", "public", "--item", story, "--use", "link", "--json").json
    assert (public["decision"], public["form"]) == ("allow", "summary")
    said = demo.good("explain", "--partner", "public", "--item", story, "--use", "link").out
    assert said.startswith("公众可以阅读标题和摘要；转载、链接等使用仍须授权。\n")
    assert (
        "可以：转载，全文。"
        in demo.good("explain", "--partner", "demo", "--item", story, "--use", "reprint").out
    )


def test_explain_judges_at_the_moment_that_is_asked(demo: Shell, story: str) -> None:
    words = ["explain", "--partner", "demo", "--item", story, "--use", "reprint", "--known", "now", "--at"]
    early = demo.good(*words, "2018-01-22T08:00:59+08:00", "--json").json
    assert (early["reason"], early["at"]) == ("not_published", "2018-01-22T08:00:59+08:00")
    assert "2018-01-22 08:01:00 +08:00" in early["changes"][0]
    english = demo.good(*words, "2018-01-22T00:00:59Z", "--lang", "en").out
    assert english.isascii()
    assert "wait until 2018-01-22 08:01:00 +08:00" in english


def test_every_kind_of_event_has_its_words() -> None:
    assert set(KINDS) == set(EVENTS)
    assert set(FIELDS) == {field.name for event in EVENTS.values() for field in fields(event)}


def test_the_trail_continues_after_a_line_and_narrows_to_a_partner(demo: Shell) -> None:
    lines = demo.good("trail", "list", "--reverse", "--json").lines
    assert [one["seq"] for one in lines] == list(range(1, len(lines) + 1))
    assert demo.good("trail", "list", "--after", "3", "--limit", "2", "--json").lines == lines[3:5]
    own = demo.good("trail", "list", "--partner", "demo", "--reverse", "--json").lines
    assert [one["kind"] for one in own] == ["partner_added", "licence_added", "key_issued"]
    assert "收稿" in demo.good("trail", "list").out


def test_a_suspended_partner_is_shown_so_until_it_is_resumed(demo: Shell, story: str) -> None:
    assert demo.good("partner", "suspend", "demo", "--json").json["state"] == "suspended"
    denied = demo.good("explain", "--partner", "demo", "--item", story, "--use", "link", "--json").json
    assert denied["reason"] == "partner_suspended"
    assert "syndicate partner resume demo" in denied["changes"][0]
    assert demo.good("partner", "resume", "demo", "--json").json["state"] == "active"
    assert demo.good("partner", "show", "demo", "--json").json["live_keys"] == 1
