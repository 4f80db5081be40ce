"""A repeated request is answered from the request cache, exactly as the parser would answer it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.model.item import ItemId
from syndicate.web.server.request_ids import new_request_id
from tests.support.factories import STAFF, days
from tests.support.fixtures import Keys, an_id, visit
from tests.support.raw_connections import Line, connected, same
from tests.support.servers import Serving
from tests.test_matrix import DOCUMENTS

ASK = b"GET /feeds/all.rss HTTP/1.1\r\nHost: a.example\r\n\r\n"


def told(
    folder: Path, story: Callable[[Serving, Line], Awaitable[None]], *, machine_time: bool = False
) -> None:
    async def tell(here: Serving, _: Keys) -> None:
        async with connected(here) as line:
            await line.ask(ASK)  # the edition is made, and the head is learned
            await story(here, line)

    visit(folder, tell, machine_time=machine_time)


def test_the_same_bytes_get_the_same_answer_without_being_parsed(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        ordinary = await here.get("/feeds/all.rss", headers={"Accept-Encoding": "identity"})
        again = [await line.ask(ASK) for _ in range(20)]
        assert here.worker.request_cache.hits == 20
        assert all(status == 200 and body == ordinary.body for status, _, body in again)
        assert all(same(headers, again[0][1]) for _, headers, _ in again)
        assert again[0][1]["etag"] == ordinary.headers["ETag"]
        assert len({headers["x-request-id"] for _, headers, _ in again}) == 20

    told(tmp_path, story)


def test_another_connection_profits_too_and_a_condition_is_kept(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        _, headers, _ = await line.ask(ASK)
        conditional = ASK[:-2] + f"If-None-Match: {headers['etag']}\r\n\r\n".encode()
        for expected in (1, 1, 2, 3):
            async with connected(here) as other:
                await asyncio.sleep(0.02)
                status, _, body = await other.ask(conditional)
                assert (status, body) == (304, b"")
            assert here.worker.request_cache.hits in (expected, expected - 1, expected + 1)
        assert here.worker.request_cache.hits > 2

    told(tmp_path, story)


def test_an_answer_that_is_kept_ready_ends_with_any_change_and_with_its_time(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        item = ItemId(await an_id(here, "日报新闻"))
        for _ in range(20):
            assert "日报新闻" in (await line.ask(ASK))[2].decode()
        assert here.worker.request_cache.hits > 10
        until = here.house.clock() + timedelta(seconds=0.7)
        await here.house.holds.embargo(STAFF, item, until)
        seen = []
        while here.house.clock() < until + timedelta(seconds=0.2):
            asked = here.house.clock()
            shown = "日报新闻" in (await line.ask(ASK))[2].decode()
            # Judged between the two readings of the clock.
            assert shown or asked < until, "the embargo is over, and the item is not shown"
            assert not shown or here.house.clock() >= until, "shown under embargo"
            seen.append(shown)
        assert here.worker.request_cache.hits > len(seen) > 20
        assert set(seen) == {True, False}

    told(tmp_path, story, machine_time=True)


def test_a_client_that_reads_late_gets_every_answer_whole_and_in_order(tmp_path: Path) -> None:
    async def story(here: Serving, _: Line) -> None:
        async with connected(here, receive_buffer=4096) as line:
            await reads_late(here, line)

    async def reads_late(here: Serving, line: Line) -> None:
        body = (await line.ask(ASK))[2]
        # More than the kernel takes: the transport sends what it leaves, and what comes then is parsed.
        times = 4_000_000 // len(body)
        for _ in range(times):
            hits = here.worker.request_cache.hits
            await line.say(ASK)
            for _ in range(20):
                if here.worker.request_cache.hits > hits:
                    break
                await asyncio.sleep(0)
        answers = [await line.hear() for _ in range(times)]
        assert all((status, got) == (200, body) for status, _, got in answers)
        assert len({headers["x-request-id"] for _, headers, _ in answers}) == times
        assert 1 < here.worker.request_cache.hits < times

    told(tmp_path, story)


def test_request_ids_are_never_the_same_also_in_a_child(tmp_path: Path) -> None:
    ids = [new_request_id() for _ in range(2_000)]
    child = os.fork()
    if child == 0:
        (tmp_path / "ids").write_text(" ".join(new_request_id() for _ in range(2_000)))
        os._exit(0)
    ids += [new_request_id() for _ in range(2_000)]
    assert os.waitpid(child, 0)[1] == 0
    ids += (tmp_path / "ids").read_text().split()
    assert len(set(ids)) == 6_000
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)


@pytest.mark.parametrize("cut", [1, 5, 20, len(ASK) - 2, len(ASK) - 1])
def test_a_head_that_comes_in_pieces_is_parsed(tmp_path: Path, cut: int) -> None:
    async def story(here: Serving, line: Line) -> None:
        await line.say(ASK[:cut])
        await asyncio.sleep(0.05)
        await line.say(ASK[cut:])
        status, _, body = await line.hear()
        assert (status, here.worker.request_cache.hits) == (200, 0)
        # After that the connection's place is in doubt, and it stays with the parser for good.
        assert (await line.ask(ASK))[2] == body
        assert here.worker.request_cache.hits == 0

    told(tmp_path, story)


def test_known_bytes_in_the_middle_of_something_else_are_not_a_request(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        # A body that looks like a known head, in a read of its own.
        await line.say(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n" % len(ASK))
        await asyncio.sleep(0.05)
        await line.say(ASK)
        status, _, body = await line.hear()
        assert (status, body) == (200, b"ok\n")
        assert here.worker.request_cache.hits == 0
        with pytest.raises((TimeoutError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(line.reader.readexactly(1), 0.5)

    told(tmp_path, story)


def test_pipelined_requests_are_answered_in_order_and_each_once(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        other = ASK.replace(b"all.rss", b"all.atom")
        await line.say(ASK + other + ASK)
        kinds = [(await line.hear())[1]["content-type"] for _ in range(3)]
        assert [kind.split(";")[0] for kind in kinds] == [
            "application/rss+xml",
            "application/atom+xml",
            "application/rss+xml",
        ]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.reader.readexactly(1), 0.3)

    told(tmp_path, story)


def test_a_head_is_never_learned_for_another_requests_answer(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        slow = b"GET /feeds/news.rss HTTP/1.1\r\nHost: a.example\r\n\r\n"
        quick = b"GET /feeds/daily.atom HTTP/1.1\r\nHost: a.example\r\n\r\n"
        await line.say(slow)
        await line.say(quick)
        await line.hear()
        await line.hear()
        for data, title in ((slow, "新闻"), (quick, "萧山日报")):
            async with connected(here) as fresh:
                for _ in range(3):
                    _, headers, body = await fresh.ask(data)
                    assert title in body.decode().split("</title>")[0]
                    assert ("atom" in headers["content-type"]) is (data is quick)

    told(tmp_path, story)


def test_what_is_close_to_a_known_request_is_not_taken_for_it(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        status, headers, body = await line.ask(ASK.replace(b"GET", b"HEAD"))
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) > 0
        assert (await line.ask(ASK.replace(b"GET", b"PUT")))[0] == 405
        for _ in range(3):
            assert (await line.ask(ASK[:-2] + b"Range: bytes=0-9\r\n\r\n"))[0] == 200
        assert (await line.ask(ASK[:-2] + b"Accept: image/png\r\n\r\n"))[0] == 406
        assert (await line.ask(ASK.replace(b"all.rss", b"none.rss")))[0] == 404
        assert here.worker.request_cache.hits == 0

    told(tmp_path, story)


def test_a_connection_that_is_to_close_closes(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        last = ASK[:-2] + b"Connection: close\r\n\r\n"
        for _ in range(3):
            async with connected(here) as other:
                _, headers, _ = await other.ask(last)
                assert headers["connection"] == "close"
                assert await asyncio.wait_for(other.reader.read(), 5) == b""
        assert here.worker.request_cache.hits == 0

    told(tmp_path, story)


def test_changed_rights_and_items_change_the_very_next_answer(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        assert "电视新闻" in (await line.ask(ASK))[2].decode()
        assert here.worker.request_cache.hits == 1
        await here.house.rights.end_mandate(STAFF, "HEAD-T")
        assert "电视新闻" not in (await line.ask(ASK))[2].decode()
        before = (await line.ask(ASK))[1]
        await here.house.items.take_in(
            STAFF,
            DOCUMENTS[0].replace("日报新闻".encode(), "新到一条".encode()).replace(b"12:00", b"11:59"),
            "new.txt",
        )
        status, headers, body = await line.ask(ASK)
        assert status == 200
        assert "新到一条" in body.decode()
        assert headers["etag"] != before["etag"]

    told(tmp_path, story)


def test_a_moment_that_comes_ends_a_kept_answer(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        assert "未来稿件" not in (await line.ask(ASK))[2].decode()
        here.clock.move(days(1))
        assert "未来稿件" in (await line.ask(ASK))[2].decode()
        here.clock.move(days(8))  # the television's mandate ends
        assert "电视新闻" not in (await line.ask(ASK))[2].decode()

    told(tmp_path, story)


def test_after_the_word_to_stop_everything_goes_the_ordinary_way(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        _, headers, _ = await line.ask(ASK)
        assert "connection" not in headers
        assert here.worker.request_cache.hits == 1
        here.worker.draining = True
        _, headers, _ = await line.ask(ASK)
        assert headers.get("connection") == "close"
        assert here.worker.request_cache.hits == 1

    told(tmp_path, story)


def test_the_item_page_is_not_learned(tmp_path: Path) -> None:
    async def story(here: Serving, line: Line) -> None:
        items = await here.house.items.items()
        ours = next(item for item in items if item.headline == "日报新闻")
        asked = f"GET /items/{ItemId(ours.id)} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        for _ in range(3):
            assert (await line.ask(asked))[0] == 200
        assert here.worker.request_cache.hits == 0

    told(tmp_path, story)
