"""The change sequence over HTTP: everything a partner must do, in order, none missing, none twice."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import brotli
import pytest

from syndicate.model.holds import RecallReason
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.services.changes.page_builder import Page
from syndicate.services.delivery.delivery_events import RequestContext
from syndicate.store.protocol import Reads
from tests.support.factories import STAFF, days, minutes
from tests.support.fixtures import jti_of, session_for
from tests.support.indistinguishability import questions_to_database
from tests.support.servers import Serving, serving

MANDATE = """
number = "HEAD-1"
holder = "萧山日报社"
outlets = ["daily"]
media = ["text"]
exclusive = true
valid_from = 2015-01-01
"""


def page(headline: str, moment: str = "2026年11月2日 11:00", body: str = "湘湖水质持续向好。") -> bytes:
    return f"{headline}\n\n{moment}来源:萧山日报\n\n  {body}{body}\n\n编辑:桂信怡\n".encode()


async def furnish(here: Serving, terms: Mapping[str, str]) -> dict[str, str]:
    """A mandate, and for each partner a licence with this grant (and what follows it); the keys."""
    await here.house.rights.add_mandate(STAFF, MANDATE, "mandate.toml")
    keys = {}
    for partner, grant in terms.items():
        await here.house.rights.add_partner(STAFF, partner, f"授权媒体 {partner}")
        head, _, body = grant.rpartition("---")
        document = (
            f'number = "L-{partner}"\npartner = "{partner}"\nvalid_from = 2026-01-01\n'
            f'valid_until = 2027-01-01\n{head}\n[[grant]]\noutlets = ["daily"]\nmedia = ["text"]\n'
            f'archive = "P999D"\n{body}'
        )
        await here.house.rights.add_licence(STAFF, document, "licence.toml")
        keys[partner] = (await here.house.keys.issue(STAFF, PartnerId(partner), days=900)).token
    return keys


async def take_in(here: Serving, document: bytes, name: str = "a.txt") -> ItemId:
    taken = await here.house.items.take_in(STAFF, document, name)
    assert taken.item is not None, taken.faults
    return taken.item.id


async def changes(
    here: Serving, key: str, after: int = 0, limit: int | None = None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    query = f"?after={after}" + ("" if limit is None else f"&limit={limit}")
    answer = await here.get(f"/licensed/changes{query}", key=key)
    assert answer.status == 200, answer.text
    document = json.loads(answer.body)
    return document["changes"], document


async def acknowledge(here: Serving, key: str, *seqs: int) -> tuple[int, dict[str, Any]]:
    async with here.client.post(
        here.address + "/licensed/changes/ack",
        data=json.dumps({"ack": seqs}),
        headers={"Authorization": f"Bearer {key}"},
    ) as answer:
        return answer.status, json.loads(await answer.read())


REPRINT = 'uses = ["reprint"]'


def test_a_story_is_put_corrected_recalled_and_put_again_in_this_order(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT, "idle": 'uses = ["reprint"]'})
            key = keys["zjol"]
            assert await changes(here, key) == (
                [],
                {"changes": [], "next": 0, "more": False, "reset": False},
            )
            id = await take_in(here, page("一稿"))
            (put,), answer = await changes(here, key)
            assert (put["action"], put["id"], put["version"], put["clause"]) == ("put", id, 1, "L-zjol#1")
            assert put["item"]["pubStatus"] == "usable"
            assert answer["next"] == put["seq"]
            assert (await changes(here, key, put["seq"]))[0] == []
            await here.house.items.correct(
                STAFF, id, page("一稿", body="湘湖水质好转。"), "b.txt", "数字有误"
            )
            (correct,), _ = await changes(here, key, put["seq"])
            assert (correct["action"], correct["version"], correct["note"]) == ("correct", 2, "数字有误")
            await here.house.holds.recall(STAFF, id, RecallReason.EDITORIAL, "事实有误", timedelta(hours=2))
            (recall,), _ = await changes(here, key, correct["seq"])
            assert (recall["action"], recall["reason"], recall["note"]) == (
                "recall",
                "editorial",
                "事实有误",
            )
            assert recall["item"]["pubStatus"] == "canceled"
            assert "deadline" in recall
            # Nobody else was given it, so nobody else is told.
            assert (await changes(here, keys["idle"]))[0] == []
            await here.house.holds.reinstate(STAFF, id)
            (again,), _ = await changes(here, key, recall["seq"])
            assert (again["action"], again["version"]) == ("put", 2)
            # From the beginning: the same entries in the same order; only what stands has its text.
            whole, _ = await changes(here, key)
            assert [one["seq"] for one in whole] == [one["seq"] for one in (put, correct, recall, again)]
            assert [one["action"] for one in whole if "item" in one] == ["put"]
            assert whole[-1] == again

    asyncio.run(act())


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_pages_of_any_size_have_the_same_entries(tmp_path: Path, limit: int) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT, "hzw": REPRINT})
            for number in range(7):
                await take_in(here, page(f"第{number}稿", f"2026年11月2日 1{number % 2}:0{number}"))
            all_at_once, _ = await changes(here, keys["hzw"])
            paged: list[dict[str, Any]] = []
            after, more = 0, True
            while more:
                part, answer = await changes(here, keys["zjol"], after, limit)
                assert len(part) <= limit
                paged += part
                after, more = answer["next"], answer["more"]
            assert [one["id"] for one in paged] == [one["id"] for one in all_at_once]
            assert len({one["seq"] for one in paged}) == 7

    asyncio.run(act())


def test_the_end_of_a_right_is_told_with_its_clause_and_acknowledged(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(
                here, {"kept": 'takedown = "PT6H"\n---' + REPRINT + '\nretain = "P7D"', "other": REPRINT}
            )
            key = keys["kept"]
            id = await take_in(here, page("一稿"))
            (put,), _ = await changes(here, key)
            await changes(here, keys["other"])
            here.clock.move(days(7))
            (withdraw,), _ = await changes(here, key, put["seq"])
            assert (withdraw["action"], withdraw["id"], withdraw["clause"], withdraw["reason"]) == (
                "withdraw",
                id,
                "L-kept#1",
                "retention_ended",
            )
            status, body = await acknowledge(here, keys["other"], withdraw["seq"])
            assert (status, body["code"], body["unknown"]) == (400, "unknown_change", [withdraw["seq"]])
            for _ in range(2):
                assert await acknowledge(here, key, withdraw["seq"]) == (
                    200,
                    {"acknowledged": [withdraw["seq"]]},
                )
            _, before = await changes(here, keys["other"])
            await here.house.rights.end_licence(STAFF, "L-other")
            (theirs,), _ = await changes(here, keys["other"], before["next"])
            assert (theirs["action"], theirs["reason"], theirs["clause"]) == (
                "withdraw",
                "licence_ended",
                "L-other",
            )

    asyncio.run(act())


def test_a_cursor_from_the_future_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT})
            answer = await here.get(f"/licensed/changes?after={2**53 - 1}", key=keys["zjol"])
            problem = json.loads(answer.body)
            assert (answer.status, problem["code"], problem["field"]) == (400, "cursor_unknown", "after")
            assert "after=0" in problem["detail"]

    asyncio.run(act())


def test_a_delay_passes_while_the_partner_waits(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            keys = await furnish(here, {"zjol": REPRINT + '\ndelay = "PT2H"'})
            id = await take_in(here, page("一稿"))
            waiting = asyncio.create_task(here.get("/licensed/changes?wait=20", key=keys["zjol"]))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            here.clock.move(minutes(60))
            answer = json.loads((await waiting).body)
            assert [one["id"] for one in answer["changes"]] == [id]

    asyncio.run(act())


def test_an_answer_whose_item_may_not_leave_any_more_is_neither_recorded_nor_sent(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            await take_in(here, page("一稿"))
            partner, service = PartnerId("zjol"), here.house.changes
            session = await session_for(here.house, partner, jti_of(key))
            made = await service.read(session, 0, 200)
            assert made.until == datetime.fromisoformat("2027-01-01T00:00:00+08:00")
            before = await here.house.store.lines(limit=100)
            here.clock.now = made.until
            assert not await service.deliver(made, session, RequestContext("r1", "GET", "json"))
            assert await here.house.store.lines(limit=100) == before
            here.clock.now -= timedelta(microseconds=1)
            assert await service.deliver(made, session, RequestContext("r2", "GET", "json"))

    asyncio.run(act())


def test_an_embargo_that_is_over_is_acknowledged_without_a_promise(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT + "\nearly = true"}))["zjol"]
            id = await take_in(here, page("一稿"))
            until = here.clock.now + minutes(90)
            await here.house.holds.embargo(STAFF, id, until)
            told, _ = await changes(here, key)
            here.clock.now = until
            assert await acknowledge(here, key, told[-1]["seq"]) == (
                200,
                {"acknowledged": [told[-1]["seq"]]},
            )
            lines = await here.house.store.lines(limit=100)
            kinds = [line.entry.event.kind for line in lines]
            assert "changes_acknowledged" in kinds
            assert "embargo_acknowledged" not in kinds

    asyncio.run(act())


def test_a_key_revoked_in_the_middle_of_an_acknowledgement_acknowledges_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            await take_in(here, page("一稿"))
            told, _ = await changes(here, key)
            session = await session_for(here.house, PartnerId("zjol"), jti_of(key))
            await here.house.keys.revoke(STAFF, jti_of(key))
            context = RequestContext("r1", "POST", "json")
            assert await here.house.changes.acknowledge(session, [told[-1]["seq"]], context) is None
            kinds = [line.entry.event.kind for line in await here.house.store.lines(limit=100)]
            assert "changes_acknowledged" not in kinds

    asyncio.run(act())


def test_the_items_of_an_answer_are_read_many_at_a_time(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            ids = [
                await take_in(here, page(f"第{n}稿", body=f"第{n}次说。"), f"{n}.txt") for n in range(45)
            ]
            with questions_to_database() as asked:
                told, _ = await changes(here, key)
            assert [one["id"] for one in told] == [one["item"]["uri"].rpartition(":")[2] for one in told]
            assert {one["id"] for one in told} == set(ids)
            assert sum("FROM versions" in statement for statement in asked) == 1

    asyncio.run(act())


def test_an_item_corrected_while_an_answer_is_made_is_given_in_the_version_that_its_entry_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            id = await take_in(here, page("一稿"))
            read = here.house.store.read

            async def then_corrected(work: Callable[[Reads], Awaitable[Any]]) -> Any:
                """Read; before anything is made of what was read, the item is corrected."""
                found = await read(work)
                if not isinstance(found, Page):
                    return found
                monkeypatch.undo()
                corrected = page("一稿", body="湘湖水质持续变好。")
                await here.house.items.correct(STAFF, id, corrected, "b.txt", "更正一处")
                return found

            monkeypatch.setattr(here.house.store, "read", then_corrected)
            (first,), answer = await changes(here, key)
            assert (first["version"], first["item"]["version"]) == (1, "1")
            assert "持续向好" in json.dumps(first["item"], ensure_ascii=False)
            (second,), _ = await changes(here, key, answer["next"])
            assert (second["action"], second["item"]["version"]) == ("correct", "2")

    asyncio.run(act())


def test_changes_are_compressed_as_the_client_asks_and_say_the_same(tmp_path: Path) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here, aiohttp.ClientSession(auto_decompress=False) as client:
            key = (await furnish(here, {"zjol": REPRINT}))["zjol"]
            await take_in(here, page("一稿", body="湘湖水质好转。" * 100))
            plain = await here.get("/licensed/changes", key=key, headers={"Accept-Encoding": "identity"})
            codings = {"br": brotli.decompress, "gzip": gzip.decompress, "identity": bytes}
            for asked, coding in (("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0", "identity")):
                headers = {"Authorization": f"Bearer {key}", "Accept-Encoding": asked}
                async with client.get(f"{here.address}/licensed/changes", headers=headers) as answer:
                    body = await answer.read()
                    assert answer.headers.get("Content-Encoding", "identity") == coding
                    assert answer.headers["Vary"] == "Authorization, Accept-Encoding"
                    assert answer.headers["Cache-Control"] == "private, no-store"
                assert codings[coding](body) == plain.body
                assert (len(body) < len(plain.body)) == (coding != "identity")
                # Nothing secret stands beside what a document says, so that its length gives nothing away.
                assert key.encode() not in plain.body
                assert not any(part.encode() in plain.body for part in key.split("."))
                after = json.loads(plain.body)["next"]
                async with client.get(
                    f"{here.address}/licensed/changes?after={after}", headers=headers
                ) as short:
                    assert "Content-Encoding" not in short.headers

    asyncio.run(act())
