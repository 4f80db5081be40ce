"""A partner's repeated request is answered by lookup: its line is durable, its rights are in force."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from syndicate.errors import StoreReadOnly
from syndicate.language import verbatim
from syndicate.model.events import EditionDelivered, EditionPolled, ItemDelivered
from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.store.protocol import Outcome
from tests.support.factories import STAFF, days
from tests.support.fixtures import Keys, an_id, jti_of, trail, visit
from tests.support.raw_connections import Line, connected, same
from tests.support.servers import Serving
from tests.test_matrix import DOCUMENTS

BROAD = PartnerId("broad")


@dataclass
class Partner:
    """A server, the raw connection of the partner `broad`, and the head that it sends again and again."""

    here: Serving
    line: Line
    token: str

    @property
    def head(self) -> bytes:
        return self.head_of("/licensed/feeds/all.rss")

    def head_of(self, path: str, *more: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", "Host: a.example", f"Authorization: Bearer {self.token}", *more]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    @property
    def hits(self) -> int:
        return self.here.worker.request_cache.licensed.hits

    async def delivered(self) -> list[str]:
        """The requests that have a line about an edition or item."""
        kinds = (EditionDelivered, ItemDelivered)
        return [event.request for event in await trail(self.here) if isinstance(event, kinds)]


def repeating(folder: Path, story: Callable[[Partner], Awaitable[None]], *, machine: bool = False) -> None:
    """Tell a story that begins with the second answer given by lookup."""

    async def tell(here: Serving, keys: Keys) -> None:
        async with connected(here) as line:
            partner = Partner(here, line, keys["broad"])
            for _ in range(3):
                assert (await line.ask(partner.head))[0] == 200
            # By the machine's clock a second may pass at any time: then the rights are read again.
            assert machine or partner.hits == 2
            await story(partner)

    visit(folder, tell, machine_time=machine)


@pytest.mark.parametrize("machine", [False, True])
def test_the_same_head_gets_the_same_answer_and_each_has_its_line(tmp_path: Path, machine: bool) -> None:
    async def story(partner: Partner) -> None:
        ordinary = await partner.here.get(
            "/licensed/feeds/all.rss", key=partner.token, headers={"Accept-Encoding": "identity"}
        )
        answers = [await partner.line.ask(partner.head) for _ in range(20)]
        assert partner.hits > 15
        assert all(status == 200 and body == ordinary.body for status, _, body in answers)
        assert all(same(headers, answers[0][1]) for _, headers, _ in answers)
        plain = {name.lower(): value for name, value in ordinary.headers.items()}
        assert same(answers[0][1], plain), "as the parser's way answers"
        names = [headers["x-request-id"] for _, headers, _ in answers]
        assert (await partner.delivered())[-20:] == names

    repeating(tmp_path, story, machine=machine)


def test_a_condition_an_item_and_a_use_are_looked_up_too(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        _, headers, _ = await partner.line.ask(partner.head)
        item = await an_id(partner.here, "日报新闻")
        for head, status in (
            (partner.head_of("/licensed/feeds/all.rss", f"If-None-Match: {headers['etag']}"), 304),
            (partner.head_of(f"/licensed/items/{item}"), 200),
            (partner.head_of("/licensed/feeds/all.rss?use=link"), 200),
        ):
            hits, bodies = partner.hits, set()
            for _ in range(4):
                answered, _, body = await partner.line.ask(head)
                assert answered == status
                bodies.add(body)
            assert (partner.hits, len(bodies)) == (hits + 3, 1)

    repeating(tmp_path, story)


async def _revoke(partner: Partner) -> None:
    await partner.here.house.keys.revoke(STAFF, jti_of(partner.token))


async def _suspend(partner: Partner) -> None:
    await partner.here.house.rights.suspend(STAFF, BROAD)


async def _end_licence(partner: Partner) -> None:
    await partner.here.house.rights.end_licence(STAFF, "L-broad")


async def _end_mandate(partner: Partner) -> None:
    await partner.here.house.rights.end_mandate(STAFF, "HEAD-T")


async def _except_health(partner: Partner) -> None:
    document = (
        'number = "L-less"\npartner = "broad"\nvalid_from = 2026-01-01\nvalid_until = 2027-01-01\n'
        '[[grant]]\nuses = ["reprint"]\noutlets = ["daily"]\nmedia = ["text"]\nchannels = ["news"]\n'
        '[[except]]\nchannels = ["health"]\n'
    )
    await partner.here.house.rights.add_licence(STAFF, document, "less.toml")


@pytest.mark.parametrize(("act", "headline"), [(_end_mandate, "电视新闻"), (_except_health, "日报健康")])
def test_what_narrows_a_right_narrows_the_very_next_answer(
    tmp_path: Path, act: Callable[[Partner], Awaitable[None]], headline: str
) -> None:
    """The feed stays, and no item of it changed: what was kept of it must not be carried over."""

    async def story(partner: Partner) -> None:
        assert headline in (await partner.line.ask(partner.head))[2].decode()
        await act(partner)
        status, _, body = await partner.line.ask(partner.head)
        assert status == 200
        assert headline not in body.decode()
        assert "日报新闻" in body.decode()

    repeating(tmp_path, story)


async def _licence_runs_out(partner: Partner) -> None:
    partner.here.clock.move(days(60))


async def _key_expires(partner: Partner) -> None:
    partner.here.clock.move(days(901))


@pytest.mark.parametrize(
    ("act", "status"),
    [(_revoke, 401), (_suspend, 401), (_end_licence, 403), (_licence_runs_out, 403), (_key_expires, 401)],
)
def test_what_ends_a_right_stops_the_very_next_answer(
    tmp_path: Path, act: Callable[[Partner], Awaitable[None]], status: int
) -> None:
    async def story(partner: Partner) -> None:
        await act(partner)
        answered, _, body = await partner.line.ask(partner.head)
        assert (answered, partner.hits) == (status, 2)
        assert b"\xe6\x97\xa5\xe6\x8a\xa5\xe6\x96\xb0\xe9\x97\xbb" not in body

    repeating(tmp_path, story)


def test_a_recall_and_a_new_item_change_the_very_next_answer(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        item = ItemId(await an_id(partner.here, "日报新闻"))
        asked = partner.head_of(f"/licensed/items/{item}")
        for _ in range(3):
            assert (await partner.line.ask(asked))[0] == 200
        await partner.here.house.holds.recall(
            STAFF, item, RecallReason.EDITORIAL, "更正", timedelta(hours=2)
        )
        assert "的导语写在这里" not in _entry((await partner.line.ask(partner.head))[2], "日报新闻")
        assert (await partner.line.ask(asked))[0] == 410
        document = DOCUMENTS[0].replace("日报新闻".encode(), "新到一条".encode())
        await partner.here.house.items.take_in(STAFF, document.replace(b"12:00", b"11:59"), "new.txt")
        assert "新到一条" in (await partner.line.ask(partner.head))[2].decode()

    repeating(tmp_path, story)


def test_content_that_only_a_head_request_saw_is_given_and_recorded_by_the_first_body(
    tmp_path: Path,
) -> None:
    """HEAD makes the edition and gives nothing: the body after it must not be taken for a repetition."""

    async def story(partner: Partner) -> None:
        document = DOCUMENTS[0].replace("日报新闻".encode(), "新到一条".encode())
        taken = await partner.here.house.items.take_in(STAFF, document.replace(b"12:00", b"11:59"), "n.txt")
        assert taken.item is not None
        head = partner.head.replace(b"GET", b"HEAD")
        assert (await partner.line.ask(head))[0] == 200

        async def holders() -> set[str]:
            assert taken.item is not None
            return {one.partner for one in await partner.here.house.store.holders(taken.item.id)}

        assert BROAD not in await holders()
        assert "新到一条" in (await partner.line.ask(partner.head))[2].decode()
        assert BROAD in await holders()

    repeating(tmp_path, story)


def _entry(body: bytes, headline: str) -> str:
    found = [part for part in body.decode().split("<item>") if headline in part]
    return "".join(found)


def polls_of(partner: Partner) -> Callable[[], Awaitable[list[EditionPolled]]]:
    async def found() -> list[EditionPolled]:
        lines = await partner.here.house.store.lines(kinds=[EditionPolled.kind])
        return [event for line in lines if isinstance(event := line.entry.event, EditionPolled)]

    return found


async def conditional(partner: Partner) -> bytes:
    """The head that asks whether the feed has changed. It has been recorded once."""
    _, headers, _ = await partner.line.ask(partner.head)
    head = partner.head_of("/licensed/feeds/all.rss", f"If-None-Match: {headers['etag']}")
    assert (await partner.line.ask(head))[0] == 304
    return head


def test_polls_are_counted_and_recorded_within_a_second(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        head, polls = await conditional(partner), polls_of(partner)
        recorded = len(await partner.delivered())
        begun = time.monotonic()
        names = [(await partner.line.ask(head))[1]["x-request-id"] for _ in range(7)]
        while not await polls():
            await asyncio.sleep(0.02)
        assert time.monotonic() - begun < 1.5  # a second, and what a busy machine takes
        (poll,) = await polls()
        assert (poll.times, poll.request, poll.jti) == (7, names[-1], jti_of(partner.token))
        assert (poll.feed, poll.format, poll.use) == ("all", "rss", "")
        assert poll.since == partner.here.clock().isoformat()
        assert len(await partner.delivered()) == recorded
        (key,) = await partner.here.house.store.keys(BROAD)
        assert key.last_used == partner.here.clock()
        await partner.line.ask(head)
        await partner.here.house.delivery.close()
        assert [one.times for one in await polls()] == [7, 1], "a server that stops writes what is left"

    repeating(tmp_path, story)


def test_a_poll_waits_for_nobody_who_writes(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        head = await conditional(partner)
        async with partner.here.house.store.writing():
            async with asyncio.timeout(3):
                assert [(await partner.line.ask(head))[0] for _ in range(3)] == [304] * 3

    repeating(tmp_path, story)


def test_polls_that_cannot_be_recorded_are_kept_and_each_answer_needs_its_record(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        head, polls, store = await conditional(partner), polls_of(partner), partner.here.house.store

        async def full(_: object) -> list[Outcome]:
            raise StoreReadOnly(verbatim("the disk is full"))

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(store, "record", full)
            assert (await partner.line.ask(head))[0] == 304
            while partner.here.house.delivery.repeats.polls.open:
                await asyncio.sleep(0.02)
            assert (await partner.line.ask(head))[0] == 503
        assert (await partner.line.ask(head))[0] == 304
        async with asyncio.timeout(5):
            while [one.times for one in await polls()] != [1]:
                await asyncio.sleep(0.02)
        assert partner.here.house.delivery.repeats.polls.open

    repeating(tmp_path, story)


@pytest.mark.parametrize(
    ("act", "status"),
    [(_revoke, 401), (_suspend, 401), (_end_licence, 403), (_licence_runs_out, 403), (_key_expires, 401)],
)
def test_what_ends_a_right_stops_the_very_next_poll(
    tmp_path: Path, act: Callable[[Partner], Awaitable[None]], status: int
) -> None:
    async def story(partner: Partner) -> None:
        head = await conditional(partner)
        hits = partner.hits
        assert (await partner.line.ask(head))[0] == 304
        assert partner.hits == hits + 1
        await act(partner)
        assert ((await partner.line.ask(head))[0], partner.hits) == (status, hits + 1)

    repeating(tmp_path, story)


def test_an_answer_that_is_kept_ready_is_not_sent_to_a_key_that_was_revoked_in_the_same_second(
    tmp_path: Path,
) -> None:
    # Only by the machine's clock are answers kept ready. The revocation comes early in a second, so that
    # the change notice stops the answer and not the end of its second.
    async def story(partner: Partner) -> None:
        head = await conditional(partner)
        await asyncio.sleep(1.05 - time.time() % 1)
        for _ in range(3):
            assert (await partner.line.ask(head))[0] == 304
        await _revoke(partner)
        assert (await partner.line.ask(head))[0] == 401

    repeating(tmp_path, story, machine=True)


def test_a_right_that_ends_while_the_line_waits_stops_the_answer(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        async with partner.here.house.store.writing():
            revoking = asyncio.create_task(_revoke(partner))
            await asyncio.sleep(0.1)
            await partner.line.say(partner.head)
            await asyncio.sleep(0.1)
            assert partner.here.connections.busy_count == 1, "a stopping server waits for it"
        await revoking
        assert (await partner.line.hear())[0] == 401
        assert partner.hits == 2
        assert len(await partner.delivered()) == 3

    repeating(tmp_path, story)


def test_what_comes_while_the_line_waits_is_answered_afterwards_in_order(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        public = b"GET /feeds/all.rss HTTP/1.1\r\nHost: a.example\r\n\r\n"
        atom = partner.head_of("/licensed/feeds/all.atom")
        async with partner.here.house.store.writing():
            await partner.line.say(partner.head)
            for data in (public[:20], public[20:], atom, partner.head.replace(b"GET", b"HEAD")):
                await asyncio.sleep(0.05)
                await partner.line.say(data)
            await asyncio.sleep(0.05)
        kinds = []
        for body in (True, True, True, False):
            status, headers, _ = await partner.line.hear(body=body)
            kinds.append((status, headers["content-type"].split(";")[0], headers["vary"]))
        ours, everybodys = "Authorization, Accept-Encoding", "Accept, Accept-Encoding"
        assert kinds == [
            (200, "application/rss+xml", ours),
            (200, "application/rss+xml", everybodys),
            (200, "application/atom+xml", ours),
            (200, "application/rss+xml", ours),
        ]
        assert partner.hits == 3

    repeating(tmp_path, story)


def test_a_client_that_floods_while_its_line_waits_is_not_read_any_further(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        times = 2_000
        async with partner.here.house.store.writing():
            await partner.line.say(partner.head)
            await asyncio.sleep(0.05)
            partner.line.writer.write(b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n" * times * 4)
            await asyncio.sleep(0.3)
            transports = [one.transport for one in partner.here.connections.connections]
            assert [one is not None and one.is_reading() for one in transports] == [False]
        assert (await partner.line.hear())[0] == 200
        answers = [await partner.line.hear() for _ in range(times * 4)]
        assert {(status, body) for status, _, body in answers} == {(200, b"ok\n")}

    repeating(tmp_path, story)


def test_a_client_that_was_held_up_by_its_line_is_read_on_afterwards(tmp_path: Path) -> None:
    """What it sends is held until reading stops, in the middle of a body that nobody reads."""

    async def story(partner: Partner) -> None:
        post = b"POST /feeds/all.rss HTTP/1.1\r\nHost: a.example\r\nContent-Length: 101000\r\n\r\n"
        async with partner.here.house.store.writing():
            await partner.line.say(partner.head)
            await asyncio.sleep(0.05)
            partner.line.writer.write(post + bytes(100_000))
            await asyncio.sleep(0.3)
            (transport,) = [one.transport for one in partner.here.connections.connections]
            assert transport is not None
            assert not transport.is_reading()
        assert (await partner.line.hear())[0] == 200
        assert (await partner.line.hear())[0] == 405
        assert transport.is_reading()
        await partner.line.say(bytes(1_000) + b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert (await partner.line.hear())[0] == 200

    repeating(tmp_path, story)


def test_a_fault_after_the_line_closes_the_connection_so_that_no_answer_is_taken_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(partner: Partner) -> None:
        def fails(*_: object) -> bool:
            raise ZeroDivisionError

        with monkeypatch.context() as patched:
            patched.setattr(partner.here.worker.request_cache.licensed, "finish", fails)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                async with connected(partner.here) as broken:
                    await broken.ask(partner.head)
        async with connected(partner.here) as other:
            assert (await other.ask(partner.head))[0] == 200

    repeating(tmp_path, story)


def test_a_client_that_goes_away_meanwhile_leaves_its_line_and_no_fault(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        async with connected(partner.here) as other, partner.here.house.store.writing():
            await other.say(partner.head)
            await asyncio.sleep(0.1)
            other.writer.transport.abort()
            await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            while len(await partner.delivered()) < 4:
                await asyncio.sleep(0.02)
        assert (await partner.line.ask(partner.head))[0] == 200

    repeating(tmp_path, story)


@pytest.mark.parametrize("cut", [1, 30, -3, -1])
def test_a_head_in_pieces_is_parsed(tmp_path: Path, cut: int) -> None:
    async def story(partner: Partner) -> None:
        await partner.line.say(partner.head[:cut])
        await asyncio.sleep(0.05)
        await partner.line.say(partner.head[cut:])
        assert (await partner.line.hear())[0] == 200
        assert partner.hits == 2

    repeating(tmp_path, story)


def test_pipelined_heads_and_what_is_close_to_a_known_head_are_parsed(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        head = partner.head
        await partner.line.say(head * 3)
        assert [(await partner.line.hear())[0] for _ in range(3)] == [200] * 3
        for other, status in (
            (head.replace(b"GET", b"HEAD"), 200),
            (head[:-2] + b"Range: bytes=0-9\r\n\r\n", 200),
            (head[:-2] + b"Connection: keep-alive\r\n\r\n", 200),
            (head[:-2] + b"Content-Length: 0\r\n\r\n", 200),
            (head[:-2] + b"Accept: image/png\r\n\r\n", 406),
            (head[:-2] + b"Authorization: Bearer x\r\n\r\n", 401),
            (head.replace(b"Bearer e", b"Bearer f"), 401),
            (head.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\n X: folded\r\n"), 400),
        ):
            for _ in range(2):
                async with connected(partner.here) as line:
                    assert (await line.ask(other))[0] == status, other
        assert partner.hits == 2

    repeating(tmp_path, story)


def test_where_a_quota_applies_nothing_is_looked_up(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        await partner.here.house.rights.add_licence(
            STAFF,
            'number = "L-more"\npartner = "broad"\nvalid_from = 2026-01-01\nvalid_until = 2027-01-01\n'
            '[[grant]]\nuses = ["copy"]\noutlets = ["daily"]\nmedia = ["text"]\n'
            'quota = { items = 1000, per = "day" }\n',
            "licence.toml",
        )
        for _ in range(3):
            status, headers, _ = await partner.line.ask(partner.head)
            assert status == 200
            assert "ratelimit" in headers
        assert partner.hits == 2

    repeating(tmp_path, story)


def test_a_server_that_stops_parses_everything(tmp_path: Path) -> None:
    async def story(partner: Partner) -> None:
        partner.here.worker.draining = True
        _, headers, _ = await partner.line.ask(partner.head)
        assert headers["connection"] == "close"
        assert partner.hits == 2

    repeating(tmp_path, story)
