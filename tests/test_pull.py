"""A partner's folder follows the change sequence: what may be held is there, what must go is gone."""

from __future__ import annotations

import json
import signal
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web

from syndicate.client.sync_state import decode_state
from tests.support.shell import Running, no_settings
from tests.support.stub_publisher import Partner, Publishing, an_id, holding, partner, problem

__all__ = ["no_settings", "partner"]


def test_an_item_is_held_as_a_document_and_as_a_page_and_told_once(partner: Partner) -> None:
    seq = partner.server.put(1)
    outcome = partner.pull()
    assert outcome.lines == [
        {"seq": seq, "action": "put", "id": an_id(1), "version": 1, "result": "new"},
    ]
    assert holding(partner.folder) == {an_id(1): 1}
    document = json.loads((partner.folder / "items" / f"{an_id(1)}.json").read_bytes())
    assert document == partner.server.stories[an_id(1)]
    assert partner.good() == []


def test_with_nothing_to_hold_it_says_so(partner: Partner) -> None:
    outcome = partner.pull()
    assert (outcome.code, outcome.out) == (0, "")
    assert "已同步，尚无稿件" in outcome.err
    assert "in step, nothing held" in partner.pull("--lang", "en").err


def test_a_correction_replaces_what_is_held_and_shows_its_note(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    partner.server.correct(1, 2, "第二段的数字有误，已更正")
    assert partner.good() == [("correct", an_id(1), "replaced")]
    assert "第二段的数字有误，已更正" in (partner.folder / "items" / f"{an_id(1)}.html").read_text()


def test_the_same_version_may_come_again_under_other_terms(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    partner.server.put(1)
    assert partner.good() == [("put", an_id(1), "unchanged")]
    partner.server.put(1, usageTerms="须于 30 日内撤下")
    assert partner.good() == [("put", an_id(1), "replaced")]


@pytest.mark.parametrize("act", [Publishing.recall, Publishing.withdraw])
def test_what_must_go_is_gone_before_it_is_acknowledged(partner: Partner, act: Any) -> None:
    partner.server.put(1)
    partner.server.put(2)
    partner.good()
    there: list[set[str]] = []

    def look(request: web.Request) -> None:
        if request.method == "POST":
            there.append({path.stem for path in (partner.folder / "items").iterdir()})

    partner.server.before = look
    seq = act(partner.server, 1)
    assert [result for _, _, result in partner.good()] == ["removed"]
    assert partner.server.acknowledged == [seq]
    assert there == [{an_id(2)}]


def test_the_reason_and_the_note_of_a_recall_are_told_to_people(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    partner.server.recall(1)
    assert "editorial XSW-1#1 事实有误" in partner.pull().err


def test_a_removal_of_what_was_never_held_is_acknowledged_too(partner: Partner) -> None:
    seq = partner.server.withdraw(9)
    assert partner.good() == [("withdraw", an_id(9), "absent")]
    assert partner.server.acknowledged == [seq]


def test_put_and_recalled_in_one_page_is_never_held(partner: Partner) -> None:
    partner.server.put(1)
    partner.server.recall(1)
    assert [result for _, _, result in partner.good()] == ["absent", "absent"]


def test_recalled_and_reinstated_in_one_page_is_held(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    partner.server.recall(1)
    partner.server.put(1, 2)
    assert [result for _, _, result in partner.good()] == ["removed", "new"]


def test_many_pages_come_one_after_the_other(partner: Partner) -> None:
    for number in range(25):
        partner.server.put(number)
    for number in range(0, 25, 3):
        partner.server.recall(number)
    partner.good("--limit", "4")
    assert len(partner.server.acknowledged) == 9


def test_an_entry_that_a_later_one_supersedes_is_not_fetched(partner: Partner) -> None:
    partner.server.put(1, lean=True)
    partner.server.put(2)
    partner.server.put(1, 2)
    assert partner.good("--limit", "1") == [
        ("put", an_id(2), "new"),
        ("put", an_id(1), "absent"),
        ("put", an_id(1), "new"),
    ]
    assert not [line for line in partner.server.asked if "/items/" in line]


def test_an_item_that_did_not_come_with_its_entry_is_fetched(partner: Partner) -> None:
    partner.server.put(1, lean=True)
    assert partner.good() == [("put", an_id(1), "new")]
    partner.server.correct(1, 2, "更正", lean=True)
    assert partner.good() == [("correct", an_id(1), "replaced")]


@pytest.mark.parametrize("status", [403, 404, 410, 451])
def test_what_may_not_be_fetched_is_not_held(partner: Partner, status: int) -> None:
    partner.server.put(1)
    partner.good()
    partner.server.put(1, 2, lean=True)
    partner.server.closed[an_id(1)] = status
    assert partner.good() == [("put", an_id(1), "removed")]


def test_a_quota_that_opens_soon_is_waited_for(partner: Partner) -> None:
    partner.server.put(1, lean=True)
    partner.server.quota_after = "1"

    def second_time(request: web.Request) -> None:
        if len([line for line in partner.server.asked if "/items/" in line]) == 2:
            partner.server.quota_after = None

    partner.server.before = second_time
    assert partner.good() == [("put", an_id(1), "new")]


def test_a_quota_that_opens_tomorrow_leaves_the_item_owed_to_the_next_run(partner: Partner) -> None:
    partner.server.put(1, lean=True)
    partner.server.put(2)
    partner.server.quota_after = "40000"
    before = datetime.now(UTC)
    outcome = partner.pull()
    assert outcome.code == 75
    assert "配额已用完，还有 1 篇没有取到；请在 20" in outcome.err
    assert "等待" not in outcome.err
    said = outcome.lines[-1]
    assert (said["error"], said["owed"]) == ("quota_exceeded", 1)
    until = datetime.fromisoformat(said["until"]) - before
    assert timedelta(seconds=39_999) <= until <= timedelta(seconds=40_120)
    assert holding(partner.folder) == {an_id(2): 1}
    partner.server.quota_after = None
    assert partner.good() == [("put", an_id(1), "new")]


def test_a_quota_whose_end_the_server_does_not_say_has_no_time_to_come_back(
    partner: Partner,
) -> None:
    partner.server.put(1, lean=True)
    partner.server.quota_after = "soon"
    outcome = partner.pull("--patience", "0", "--lang", "en")
    assert outcome.code == 75
    assert "items still to come: 1; the server does not say until when" in outcome.err
    assert outcome.lines[-1]["until"] is None


def test_a_recall_does_not_wait_for_a_quota(partner: Partner) -> None:
    partner.server.put(1)
    partner.server.put(2, lean=True)
    partner.server.quota_after = "40000"
    with partner.following() as running:
        assert running.line()["result"] == "new"
        running.wait_for("配额已用完")
        partner.server.recall(1)
        assert running.line()["result"] == "removed"
        assert running.stop(signal.SIGTERM) == 0
    assert holding(partner.folder) == {}


def test_an_item_in_a_form_that_cannot_be_kept_stays_owed_and_stops_nothing(partner: Partner) -> None:
    partner.server.put(1, infoSources=[])
    partner.server.put(2)
    partner.server.put(3, uri="tag:xsnet.cn,2026-01-05:item:20260105-0000000000")
    partner.server.put(4, title="半个\ud83d字")
    outcome = partner.pull()
    assert outcome.code == 1
    assert "没有来源标注" in outcome.err
    assert "尚欠 3 篇" in outcome.err
    assert holding(partner.folder) == {an_id(2): 1}
    for number in (1, 3, 4):
        partner.server.put(number, 2)
    assert [result for _, _, result in partner.good()][-3:] == ["new"] * 3


def test_an_embargo_is_accepted_only_by_whoever_says_so(partner: Partner) -> None:
    first = partner.server.embargo(1)
    assert partner.good() == [("embargo", an_id(1), "offered")]
    assert partner.server.acknowledged == []
    assert partner.good("--restart", "--accept-embargoes") == [("embargo", an_id(1), "offered")]
    assert partner.server.acknowledged == [first]


def test_acknowledgements_that_the_server_does_not_know_are_let_go(partner: Partner) -> None:
    strange, known = partner.server.withdraw(1), partner.server.withdraw(2)
    partner.server.unknown = {strange}
    partner.good()
    assert partner.server.acknowledged == [known]
    partner.good()
    assert len([line for line in partner.server.asked if line.startswith("POST")]) == 2


def test_a_server_that_was_restored_has_the_last_word(partner: Partner) -> None:
    for number in range(6):
        partner.server.put(number)
    partner.good()
    for number in (1, 4):
        partner.server.entries = [one for one in partner.server.entries if one["id"] != an_id(number)]
        del partner.server.stories[an_id(number)]
    partner.server.restored = True
    told = partner.good("--limit", "2")
    assert [one for one in told if one[2] != "unchanged"] == [
        ("reset", an_id(1), "removed"),
        ("reset", an_id(4), "removed"),
    ]


def test_going_through_everything_survives_an_interruption(partner: Partner) -> None:
    for number in range(6):
        partner.server.put(number)
    partner.good()
    partner.server.entries = [one for one in partner.server.entries if one["id"] != an_id(1)]
    del partner.server.stories[an_id(1)]
    partner.server.restored = True

    def cut_short(request: web.Request) -> None:
        if "after=9" in request.path_qs:
            partner.server.before = lambda request: None
            partner.server.strange.append(garbage)

    async def garbage(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"{")

    partner.server.before = cut_short
    assert partner.pull("--limit", "2").code == 1
    assert an_id(1) in holding(partner.folder)
    assert ("reset", an_id(1), "removed") in partner.good("--limit", "2")


def test_a_folder_that_forgot_how_far_it_was_is_compared_with_everything(partner: Partner) -> None:
    partner.server.put(1)
    partner.server.put(2)
    partner.good()
    (partner.folder / ".syndicate" / "state").unlink()
    partner.server.entries = [one for one in partner.server.entries if one["id"] != an_id(1)]
    del partner.server.stories[an_id(1)]
    assert partner.good() == [("put", an_id(2), "unchanged"), ("reset", an_id(1), "removed")]


def test_a_cursor_that_the_server_does_not_know_says_what_to_do(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    partner.server.entries.clear()
    partner.server._seq = 0
    partner.server.put(1)
    partner.server._seq = 1
    partner.server.entries[0]["seq"] = 1
    outcome = partner.pull()
    assert outcome.code == 1
    assert outcome.json["error"] == "cursor_unknown"
    assert "--restart" in outcome.err
    assert partner.good("--restart") == [("put", an_id(1), "unchanged")]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_following_brings_what_comes_later_until_told_to_stop(
    partner: Partner, how: signal.Signals
) -> None:
    waiting = threading.Event()
    partner.server.before = lambda request: waiting.set() if "wait=30" in request.path_qs else None
    running: Running
    with partner.following() as running:
        assert waiting.wait(60)
        partner.server.put(1)
        assert running.line()["result"] == "new"
        partner.server.recall(1)
        assert running.line()["result"] == "removed"
        assert running.stop(how) == 0
    assert "已停止" in running.errors.read_text()
    assert holding(partner.folder) == {}


def test_a_server_that_is_busy_is_asked_again(partner: Partner) -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        return problem(503, "busy", {"Retry-After": "0"})

    async def dropped(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    partner.server.put(1)
    partner.server.strange = [busy, dropped, dropped, busy]
    outcome = partner.pull()
    assert outcome.code == 0
    assert "服务器要求稍候（503 busy）" in outcome.err
    assert "无法连接服务器" in outcome.err


def test_without_following_patience_ends(partner: Partner) -> None:
    async def closed(request: web.Request) -> web.StreamResponse:
        return problem(503, "busy", {"Retry-After": "3600"})

    partner.server.strange = [closed]
    outcome = partner.pull()
    assert (outcome.code, outcome.json["error"]) == (1, "server_away")
    assert len(partner.server.asked) == 1


def test_the_next_page_and_no_other_is_requested_while_a_page_is_written(partner: Partner) -> None:
    saved: dict[int, int] = {}

    def note(request: web.Request) -> None:
        if "after" in request.query:
            state = decode_state((partner.folder / ".syndicate" / "state").read_bytes())
            saved[int(request.query["after"])] = state.after

    partner.server.put(0)
    partner.good()
    partner.server.recall(0)
    ends = [3, *[partner.server.put(number) for number in range(1, 10)][::2]]
    partner.server.before = note
    partner.server.asked.clear()
    partner.good("--limit", "2")
    cursors = ends[:-1]
    assert all(saved[cursor] >= before for before, cursor in pairwise(cursors))
    # The second page is requested before the recall in the first is acknowledged.
    asked = [line.split("&")[0] for line in partner.server.asked]
    assert asked.index("POST /licensed/changes/ack") > asked.index(f"GET /licensed/changes?after={ends[1]}")


def test_only_a_run_that_began_with_items_keeps_a_list_of_names(partner: Partner) -> None:
    listed: list[frozenset[str] | None] = []

    def note(request: web.Request) -> None:
        listed.append(decode_state((partner.folder / ".syndicate" / "state").read_bytes()).named)

    for number in range(6):
        partner.server.put(number)
    partner.server.before = note
    partner.good("--limit", "2")
    assert set(listed) == {None}
    listed.clear()
    partner.good("--restart", "--limit", "2")
    assert {len(names) for names in listed if names is not None} == {0, 2}
