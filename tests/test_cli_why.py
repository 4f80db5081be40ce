"""Why, then and what if, at the command line: two times, a replayed line, a draft compared and tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.shell import Shell, demo, no_settings, prepared

__all__ = ["demo", "no_settings", "prepared"]

DRAFT = """
number      = "XSW-DEMO-2"
partner     = "demo"
valid_from  = 2026-01-01
valid_until = 2099-01-01
takedown    = "PT2H"
overdue     = "suspend"
[[grant]]
uses     = ["link"]
outlets  = ["daily"]
media    = ["text"]
archive  = "P20000D"
early    = true
quota    = { items = 100, per = "day" }
"""


@pytest.fixture
def story(demo: Shell) -> str:
    """The id of the demonstration's article."""
    return str(demo.good("item", "list", "--json").json["id"])


def exported(demo: Shell, item: str, *more: str) -> int:
    """The number of the line about this item, given to the partner."""
    demo.good("item", "export", item, "--as", "ninjs", "--partner", "demo", *more)
    return int(demo.good("trail", "list", "--json").lines[0]["seq"])


def test_a_line_is_decided_again_and_agrees_whatever_was_ended_since(demo: Shell, story: str) -> None:
    seq = exported(demo, story)
    demo.good("licence", "end", "XSW-DEMO-1")
    said = demo.good("explain", "--line", str(seq), "--json").json
    assert (said["line"], said["kind"], said["agrees"]) == (seq, "item_delivered", True)
    (one,) = said["decisions"]
    assert one["recorded"] == one["replayed"]
    assert one["recorded"] == {"decision": "allow", "reason": None, "clause": "XSW-DEMO-1#1"}
    told = demo.good("explain", "--line", str(seq)).out
    assert "重演与记录一致" in told
    assert demo("explain", "--line", "1", "--json").json["error"] == "no_decision"
    assert demo("explain", "--line", "99999", "--json").json["error"] == "not_found"
    assert demo("explain", "--line", "1", "--item", story).code == 2


def test_an_answer_names_both_its_times_and_what_is_known_now(demo: Shell, story: str) -> None:
    before = datetime.now(UTC)
    demo.good("licence", "end", "XSW-DEMO-1")
    words = ["explain", "--partner", "demo", "--item", story, "--use", "reprint"]
    then = demo.good(*words, "--known", before.isoformat(), "--json").json
    assert (then["decision"], then["superseded"]) == ("allow", True)
    assert then["now"] == {"decision": "deny", "reason": "licence_ended", "clause": "XSW-DEMO-1"}
    assert datetime.fromisoformat(then["known"]) == before
    assert "按现在所知，同一时刻的答案不同：不可以：授权协议已终止（XSW-DEMO-1）" in (
        demo.good(*words, "--known", before.isoformat()).out
    )
    now = demo.good(*words, "--json").json
    assert (now["decision"], now["superseded"], now["now"]) == ("deny", False, None)
    english = demo.good(*words, "--at", before.isoformat(), "--lang", "en").out
    assert "as of: " in english
    assert "with what was known at: " in english


def test_what_was_not_on_record_yet_says_since_when(demo: Shell, story: str) -> None:
    words = [
        "explain",
        "--partner",
        "demo",
        "--item",
        story,
        "--use",
        "reprint",
        "--at",
        "2020-01-01T00:00:00Z",
    ]
    refused = demo(*words, "--json")
    assert (refused.code, refused.json["error"]) == (1, "not_known_then")
    assert "--known 20" in refused.err
    assert demo.good(*words, "--known", "now", "--json").json["known"] is not None


@pytest.mark.parametrize("word", ["2999-01-01T00:00:00Z", "2026-01-01T25:00:00", "yesterday"])
def test_knowledge_of_no_moment_that_has_been_is_wrong_usage(demo: Shell, story: str, word: str) -> None:
    words = ["explain", "--partner", "demo", "--item", story, "--use", "link", "--known", word]
    assert demo(*words).code == 2


def test_two_licences_are_compared_by_number_and_by_file(demo: Shell, tmp_path: Path) -> None:
    file = tmp_path / "draft.toml"
    file.write_text(DRAFT)
    outcome = demo("licence", "diff", "XSW-DEMO-1", str(file), "--json")
    assert (outcome.code, outcome.json["same"]) == (1, False)
    fields = {(one["field"], one["effect"]) for one in outcome.json["differences"]}
    assert {("takedown", "narrows"), ("overdue", "narrows")} <= fields
    said = demo("licence", "diff", "XSW-DEMO-1", str(file)).out
    assert "协议：撤稿时限 1 天 → 2 小时〔收紧〕" in said
    english = demo("licence", "diff", "XSW-DEMO-1", str(file), "--lang", "en").out
    assert "licence: overdue only recorded → the partner is suspended [narrows]" in english
    demo.good("licence", "add", str(file))
    same = demo.good(
        "licence", "diff", "XSW-DEMO-2", "-", "--json", stdin=DRAFT.replace("XSW-DEMO-2", "X").encode()
    )
    assert same.json == {"same": True, "old": "XSW-DEMO-2", "new": "X", "differences": []}
    assert demo("licence", "diff", "XSW-DEMO-1", "NO-SUCH", "--json").json["error"] == "not_found"
    assert demo("licence", "diff", "XSW-DEMO-1", "no-such.toml").code == 2


def test_a_draft_with_no_licence_to_stand_in_for_says_so(demo: Shell) -> None:
    said = demo.good("licence", "try", "-", "--since", "P30D", stdin=DRAFT.encode())
    assert "用草案 XSW-DEMO-2（期间没有可代替的协议），重新判断授权媒体 demo 自 " in said.out + said.err
    english = demo.good("licence", "try", "-", "--since", "P30D", "--lang", "en", stdin=DRAFT.encode())
    assert "draft XSW-DEMO-2 (no licence to stand in for), judged on" in english.out + english.err


def test_a_difference_names_the_whole_lists_of_both_sides(demo: Shell, tmp_path: Path) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(DRAFT.replace('["link"]', '["link", "copy", "reprint"]'))
    new.write_text(DRAFT.replace('["text"]', '["video", "text"]').replace('["link"]', '["copy", "link"]'))
    said = demo("licence", "diff", str(old), str(new)).out
    assert "使用方式 转载、链接、以其他方式复制发表 → 链接、以其他方式复制发表〔收紧〕" in said
    assert "类型 文字 → 文字、视频〔放宽〕" in said
    english = demo("licence", "diff", str(old), str(new), "--lang", "en").out
    assert "uses reprint, link, copy in another way → link, copy in another way [narrows]" in english
    assert "media text → text, video [widens]" in english


def test_a_draft_is_tried_on_what_was_really_asked(demo: Shell, story: str, tmp_path: Path) -> None:
    exported(demo, story)
    exported(demo, story)
    exported(demo, story, "--use", "link")
    before = demo.good("trail", "list", "--json").out
    outcome = demo("licence", "try", "-", "--since", "P30D", "--json", stdin=DRAFT.encode())
    assert outcome.code == 1
    changed, total = outcome.lines
    assert changed["item"] == story
    assert changed["was"] == {
        "decision": "allow",
        "reason": None,
        "clause": "XSW-DEMO-1#1",
        "use": "reprint",
    }
    assert changed["would_be"]["reason"] == "use_not_granted"
    assert changed["would_be"]["clause"] == "XSW-DEMO-2#1"
    assert changed["times"] == 2
    assert (total["answers"], total["distinct"], total["changed"], total["answers_changed"]) == (3, 2, 1, 2)
    assert total["instead_of"] == ["XSW-DEMO-1"]
    people = demo("licence", "try", "-", "--since", "P30D", stdin=DRAFT.encode()).out
    assert "会变的答案：1 个，共 2 次" in people
    assert demo.good("trail", "list", "--json").out == before
    assert len(demo.good("licence", "list", "--json").lines) == 1


def test_a_draft_beside_what_is_there_changes_nothing(demo: Shell, story: str) -> None:
    exported(demo, story)
    opens = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    widened = DRAFT.replace('["link"]', '["link", "reprint"]').replace("2026-01-01", opens)
    total = demo.good("licence", "try", "-", "--since", "P30D", "--json", stdin=widened.encode()).json
    assert (total["changed"], total["answers"], total["begun_early"]) == (0, 1, True)
    said = demo.good("licence", "try", "-", "--since", "P30D", stdin=widened.encode()).out
    assert "草案在此期间尚未生效，按已经生效判断" in said
    assert "答案都不会变" in said


def test_a_draft_that_cannot_be_tried_says_why_and_all_of_it(demo: Shell, story: str) -> None:
    faulty = DRAFT.replace('["link"]', '["lnk"]').replace("PT2H", "P0D").replace('"suspend"', '"fine"')
    outcome = demo("licence", "try", "-", "--since", "P30D", "--json", stdin=faulty.encode())
    assert outcome.code == 1
    assert [one["code"] for one in outcome.json["faults"]] == [
        "zero_duration",
        "unknown_consequence",
        "unknown_use",
    ]
    words = ["licence", "try", "-", "--json"]
    for since in ("30", "P1M", "-P1D", "P0D"):
        assert demo(*words, "--since", since, stdin=DRAFT.encode()).code == 2
    unknown = demo(*words, "--since", "P1D", "--instead-of", "NO-SUCH", stdin=DRAFT.encode())
    assert (unknown.code, unknown.json["error"]) == (1, "not_found")
    mandate = demo(*words, "--since", "P1D", stdin=DRAFT.replace("XSW-DEMO-2", "HEAD-DEMO-1").encode())
    assert (mandate.code, mandate.json["error"]) == (1, "duplicate_number")
    demo.good("partner", "add", "other", "--name", "别家")
    theirs = demo(
        *words,
        "--since",
        "P1D",
        "--instead-of",
        "XSW-DEMO-1",
        stdin=DRAFT.replace('"demo"', '"other"').encode(),
    )
    assert (theirs.code, theirs.json["error"]) == (1, "other_partner")


def test_the_terms_of_a_licence_are_shown_with_its_duties(demo: Shell) -> None:
    demo.good("licence", "add", "-", stdin=DRAFT.encode())
    shown = demo.good("licence", "show", "XSW-DEMO-2", "--json").json
    assert (shown["takedown"], shown["overdue"], shown["grants"][0]["early"]) == ("PT2H", "suspend", True)
    said = demo.good("licence", "show", "XSW-DEMO-2").out
    assert "接到撤稿通知后 2 小时内" in said
    assert "暂停该授权媒体" in said
    assert "每日 100 篇\n" in said
    assert demo.good("licence", "show", "XSW-DEMO-1", "--json").json["takedown"] == "P1D"
