"""Files of media items come into a partner's folder, are shown in its pages, and go with the right."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from selectolax.lexbor import LexborHTMLParser

from syndicate.client.media_fetch import AT_ONCE
from tests.support.shell import Outcome, no_settings
from tests.support.stub_media import content
from tests.support.stub_publisher import STAMP, Partner, Publishing, an_id, holding, partner, problem

__all__ = ["no_settings", "partner"]

LARGE = 3 * 2**20


def media(partner: Partner) -> dict[str, bytes]:
    """The media files of the folder, by name; nothing half fetched is left."""
    assert parts(partner) == []
    return {path.name: path.read_bytes() for path in (partner.folder / "media").iterdir()}


def parts(partner: Partner) -> list[Path]:
    return list((partner.folder / ".syndicate" / "parts").iterdir())


def name(number: int, rest: str) -> str:
    return f"{an_id(number)}.{rest}"


def page(partner: Partner, number: int) -> LexborHTMLParser:
    return LexborHTMLParser((partner.folder / "items" / f"{an_id(number)}.html").read_text())


def sources(tree: LexborHTMLParser, selector: str = "img") -> list[str | None]:
    return [one.attributes.get("src") for one in tree.css(selector)]


def files(outcome: Outcome) -> list[tuple[str, str]]:
    """(name, result) of every file that a run tells."""
    return [(line["file"], line["result"]) for line in outcome.lines if line["action"] == "file"]


def test_a_picture_comes_with_its_file_and_its_page_shows_it(partner: Partner) -> None:
    data = content("one", 5_000)
    partner.server.put_media(1, files={"web": data, "original": content("large", 9_000)})
    outcome = partner.pull()
    assert (outcome.code, media(partner)) == (0, {name(1, "web.jpg"): data})
    assert outcome.lines[1] == {
        "seq": None,
        "action": "file",
        "id": an_id(1),
        "version": 1,
        "result": "fetched",
        "rendition": "web",
        "file": f"media/{name(1, 'web.jpg')}",
        "size": 5_000,
    }
    assert sources(page(partner, 1)) == [f"../media/{name(1, 'web.jpg')}"]
    assert partner.good("--verify") == []


def test_with_nothing_said_the_files_that_a_page_shows_come(partner: Partner) -> None:
    a = b"a" * 100
    partner.server.put_media(1, files={"original": a, "preview": a, "thumbnail": a})
    partner.server.put_media(2, medium="audio", files={"original": a, "preview": a, "transcript": a})
    partner.server.put_media(3, medium="video", files={"original": a, "preview": a, "poster": a})
    partner.server.put_media(4, medium="audio", files={"preview": a})
    partner.good_media()
    assert set(media(partner)) == {
        name(1, "original.jpg"),
        name(2, "original.mp3"),
        name(2, "transcript.vtt"),
        name(3, "original.mp4"),
        name(3, "poster.jpg"),
        name(4, "preview.mp3"),
    }
    video = page(partner, 3).css_first("video")
    assert video is not None
    assert "controls" in video.attributes
    assert video.attributes["poster"] == f"../media/{name(3, 'poster.jpg')}"
    assert sources(page(partner, 3), "video source") == [f"../media/{name(3, 'original.mp4')}"]
    assert sources(page(partner, 2), "audio[controls]") == [f"../media/{name(2, 'original.mp3')}"]


def test_which_files_come_can_be_said_and_changed(partner: Partner) -> None:
    a = b"a" * 100
    partner.server.put_media(1, files={"original": a, "web": a, "thumbnail": a})
    partner.good_media("--no-media")
    assert media(partner) == {}
    assert sources(page(partner, 1)) == []
    partner.good_media("--renditions", "thumbnail")
    assert set(media(partner)) == {name(1, "thumbnail.jpg")}
    partner.good_media("--renditions", "all")
    assert set(media(partner)) == {name(1, f"{one}.jpg") for one in ("original", "web", "thumbnail")}
    partner.good_media("--no-media")
    assert len(media(partner)) == 3


@pytest.mark.parametrize(
    "words", [["--renditions", "big"], ["--renditions", ""], ["--renditions", "web", "--no-media"]]
)
def test_a_rendition_that_there_is_not_is_wrong_usage(partner: Partner, words: list[str]) -> None:
    outcome = partner.pull(*words)
    assert (outcome.code, outcome.json["error"]) == (2, "usage")
    assert partner.server.asked == []


@pytest.mark.parametrize("act", [Publishing.recall, Publishing.withdraw])
def test_files_are_gone_before_a_removal_is_acknowledged(partner: Partner, act: Any) -> None:
    partner.server.put_media(1)
    partner.server.put(2, associations=[partner.server.association(1)])
    partner.good_media()
    assert len(sources(page(partner, 2))) == 1
    there: list[tuple[set[str], int]] = []

    def look(request: web.Request) -> None:
        if request.method == "POST":
            there.append((set(media(partner)), len(sources(page(partner, 2)))))

    partner.server.before = look
    act(partner.server, 1)
    partner.good_media()
    assert there == [(set(), 0)]


def test_a_new_version_takes_the_place_of_the_files_of_the_old_one(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.good_media()
    new = content("new", 6_000)
    partner.server.put_media(1, 2, files={"web": new})
    lost = problem(503, "file_lost", {"Retry-After": "4000"})
    partner.server.media.refusals[an_id(1), "web"] = lost
    # What was replaced is not shown any more, also where the new file cannot be had.
    outcome = partner.pull()
    assert (outcome.code, media(partner), sources(page(partner, 1))) == (1, {}, [])
    assert "尚欠 1 个文件" in outcome.err
    partner.server.media.refusals.clear()
    partner.good_media()
    assert media(partner) == {name(1, "web.jpg"): new}


def test_the_same_version_under_other_terms_is_compared_and_not_fetched_again(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.good_media()
    partner.server.put_media(1, usageTerms="须于 30 日内撤下")
    outcome = partner.pull()
    assert files(outcome) == [(f"media/{name(1, 'web.jpg')}", "unchanged")]
    assert partner.server.media.given[-1] == ("web", 304, 0)
    partner.server.put_media(
        1, files={"web": content("stamped anew", 5_000)}, usageTerms="须于 60 日内撤下"
    )
    assert files(partner.pull()) == [(f"media/{name(1, 'web.jpg')}", "fetched")]
    assert media(partner) == {name(1, "web.jpg"): content("stamped anew", 5_000)}


def test_a_rendition_that_a_licence_does_not_cover_any_more_goes(partner: Partner) -> None:
    a = b"a" * 100
    partner.server.put_media(1, files={"original": a, "web": a})
    partner.good_media("--renditions", "all")
    partner.server.put_media(1, files={"web": a})
    partner.good_media("--renditions", "all")
    assert set(media(partner)) == {name(1, "web.jpg")}


def test_a_story_shows_its_pictures_at_their_place_with_caption_credit_and_stamp(partner: Partner) -> None:
    server = partner.server
    server.put_media(1, by="首席记者 周喆")
    server.put_media(2)
    caption = [
        {"role": "altText", "value": "两只<白鹭>"},
        {"role": "caption", "value": "湘湖<边>\n" + STAMP},
    ]
    body = "<p>第 1 版</p>\n<h3>一</h3>\n<table><tr><td>二</td></tr></table>\n<p>三</p>"
    server.put(
        3,
        bodies=[{"role": "main", "contentType": "text/html", "value": body}],
        associations=[
            server.association(2, 3),
            server.association(1, 2, descriptions=caption),
            {"name": "图片（未授权）", "rel": "body:0", "type": "picture", "usageTerms": "不在授权范围内"},
            server.association(1, 99, altIds=[{"role": "item", "value": "../../etc/passwd"}]),
        ],
    )
    partner.good_media()
    inside = page(partner, 3).css_first("div.body")
    assert inside is not None
    shown = [one.tag for one in inside.iter()]
    assert shown == ["p", "h3", "figure", "table", "figure", "p"]
    first = inside.css_first("figure")
    assert first is not None
    assert sources(LexborHTMLParser(first.html or "")) == [f"../media/{name(1, 'web.jpg')}"]
    assert [one.attributes["alt"] for one in first.css("img")] == ["两只<白鹭>"]
    assert first.text().split() == ["湘湖<边>", "首席记者", "周喆", "·", STAMP]


def test_a_page_shows_only_what_lies_in_the_folder(partner: Partner) -> None:
    server = partner.server
    server.put_media(1)
    shown = server.association(1)
    server.entries.clear()
    server.put(2, associations=[shown])
    partner.server.stories.pop(an_id(1))
    partner.good_media()
    assert (media(partner), sources(page(partner, 2))) == ({}, [])
    # It comes later, and goes again: the page of the story follows.
    server.put_media(1)
    partner.good_media("--verify")
    assert sources(page(partner, 2)) == [f"../media/{name(1, 'web.jpg')}"]
    server.withdraw(1)
    partner.good_media("--verify")
    assert sources(page(partner, 2)) == []


def test_a_folder_of_a_release_without_media_gets_its_files(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.server.put(2, associations=[partner.server.association(1)])
    partner.good_media("--no-media")
    (partner.folder / ".syndicate" / "media.db").unlink()
    partner.good_media("--verify")
    assert set(media(partner)) == {name(1, "web.jpg")}
    assert len(sources(page(partner, 2))) == 1


def test_a_recall_does_not_wait_for_a_film_and_takes_what_came_of_it(partner: Partner) -> None:
    server, begun = partner.server, threading.Event()
    server.put_media(1, medium="video", files={"original": content("film", LARGE)})

    async def slow(request: web.Request) -> web.StreamResponse:
        file = server.media.files[an_id(1), "original"]
        response = web.StreamResponse(headers=file.headers)
        response.content_length = LARGE
        await response.prepare(request)
        await response.write(file.data[: 2 * 2**20])
        begun.set()
        await asyncio.Event().wait()  # until the client goes away
        return response

    server.media.strange = [slow]
    with partner.following() as running:
        assert running.line()["result"] == "new"
        assert begun.wait(30)
        server.recall(1)
        assert running.line()["result"] == "removed"
        assert media(partner) == {}
        assert running.stop(signal.SIGTERM) == 0
    assert holding(partner.folder) == {}


def test_a_cut_connection_is_resumed_where_it_broke(partner: Partner) -> None:
    film = content("film", LARGE)
    partner.server.put_media(1, medium="video", files={"original": film})
    partner.server.media.cut_after = 2 * 2**20
    outcome = partner.pull()
    assert (outcome.code, media(partner)) == (0, {name(1, "original.mp4"): film})
    statuses = [status for _, status, _ in partner.server.media.given]
    assert statuses[0] == 200
    assert set(statuses[1:]) == {206}


def test_a_file_that_changed_meanwhile_begins_anew(partner: Partner) -> None:
    partner.server.put_media(1, medium="video", files={"original": content("film", LARGE)})
    media_ = partner.server.media
    media_.cut_after = 2 * 2**20
    other = content("another", LARGE)

    def changed(request: web.Request) -> None:
        if "Range" in request.headers:
            media_.cut_after = None
            media_.add(an_id(1), "original", other, "video/mp4")

    partner.server.before = changed
    partner.good_media()
    assert [status for _, status, _ in media_.given] == [200, 200]
    assert media(partner) == {name(1, "original.mp4"): other}


def test_at_most_a_few_files_are_asked_for_at_once(partner: Partner) -> None:
    running, most, together = 0, 0, asyncio.Event()

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == AT_ONCE:
            together.set()
        await together.wait()
        running -= 1
        return await partner.server.media.give(request)

    for number in range(12):
        partner.server.put_media(number)
    partner.server.media.strange = [counted] * 12
    partner.good_media()
    assert most == AT_ONCE
    assert len(media(partner)) == 12


def test_what_the_server_does_not_give_any_more_is_not_kept(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.good_media()
    partner.server.put_media(1, files={"web": content("anew", 5_000)}, usageTerms="别的")
    partner.server.media.refusals[an_id(1), "web"] = problem(451, "legal")
    outcome = partner.pull()
    assert files(outcome) == [(f"media/{name(1, 'web.jpg')}", "removed")]
    assert (outcome.code, media(partner), sources(page(partner, 1))) == (0, {}, [])


def test_a_file_that_the_publisher_lost_stops_no_other(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.server.put_media(2)
    partner.server.media.refusals[an_id(1), "web"] = problem(503, "file_lost", {"Retry-After": "3600"})
    outcome = partner.pull("--lang", "en")
    assert (outcome.code, set(media(partner))) == (1, {name(2, "web.jpg")})
    assert "the server asks to wait (503 file_lost); the next run tries again" in outcome.err
    assert "1 files (5.0 KB) are still owed" in outcome.err
    partner.server.media.refusals.clear()
    partner.good_media()
    assert len(media(partner)) == 2


def test_a_quota_leaves_the_files_to_a_later_run(partner: Partner) -> None:
    partner.server.put_media(1)
    refused = problem(429, "quota_exceeded", {"Retry-After": "40000"})
    partner.server.media.refusals[an_id(1), "web"] = refused
    outcome = partner.pull()
    assert (outcome.code, outcome.lines[-1]["error"], outcome.lines[-1]["owed"]) == (
        75,
        "quota_exceeded",
        1,
    )
    assert outcome.lines[-1]["until"] is not None
    partner.server.media.refusals.clear()
    partner.good_media()
    assert len(media(partner)) == 1


def test_a_key_that_does_not_open_ends_the_run(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.server.media.refusals[an_id(1), "web"] = problem(401, "key_revoked")
    outcome = partner.pull()
    assert (outcome.code, outcome.lines[-1]["error"]) == (1, "key_revoked")


def test_files_that_other_hands_changed_are_told_and_restart_mends_them(partner: Partner) -> None:
    for number in (1, 2, 3):
        partner.server.put_media(number)
    partner.good_media("--verify")
    place = partner.folder / "media"
    (place / name(1, "web.jpg")).unlink()
    (place / name(2, "web.jpg")).write_bytes(b"x" * 5_000)
    (place / "notes.txt").write_text("!")
    outcome = partner.pull("--verify")
    assert outcome.json["error"] == "folder_tampered"
    assert [fault["code"] for fault in outcome.json["faults"]] == ["foreign", "missing", "changed"]
    (place / "notes.txt").unlink()
    partner.server.media.given.clear()
    partner.good_media("--restart", "--verify")
    assert len(media(partner)) == 3
    assert len(partner.server.media.given) == 2


def test_a_damaged_index_is_told_and_restart_mends_it(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.good_media()
    (partner.folder / ".syndicate" / "media.db").write_bytes(b"no database" * 1000)
    outcome = partner.pull()
    assert (outcome.code, outcome.json["error"]) == (1, "folder_damaged")
    partner.good_media("--restart")
    assert set(media(partner)) == {name(1, "web.jpg")}


def test_files_left_without_a_row_by_a_crash_are_removed(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.good_media()
    (partner.folder / "media" / name(7, "web.jpg")).write_bytes(b"left")
    (partner.folder / ".syndicate" / "parts" / name(7, "web.part")).write_bytes(b"left")
    partner.good_media()
    assert set(media(partner)) == {name(1, "web.jpg")}


def test_a_folder_of_text_has_no_index_of_media(partner: Partner) -> None:
    partner.server.put(1)
    partner.good()
    assert not (partner.folder / ".syndicate" / "media.db").exists()


def test_the_index_says_what_the_files_are(partner: Partner) -> None:
    partner.server.put_media(1)
    partner.good_media()
    with sqlite3.connect(partner.folder / ".syndicate" / "media.db") as database:
        (row,) = database.execute("SELECT item, owed, sha256 FROM file").fetchall()
    database.close()
    assert row == (an_id(1), 0, hashlib.sha256(content(f"{an_id(1)} 1", 5_000)).hexdigest())
    assert json.loads((partner.folder / "items" / f"{an_id(1)}.json").read_bytes())["type"] == "picture"
