"""An answer may have no entries although there is more: a client from the documents alone goes on."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from syndicate.client.change_api import open_change_api
from syndicate.client.folder import open_folder
from syndicate.client.media_fetch import FileOutcome
from syndicate.client.sync import Synchronizer
from syndicate.client.sync_outcomes import Ending, Outcome, SyncOptions
from syndicate.errors import SyndicateError
from syndicate.language import Text
from syndicate.model.parties import PartnerId
from syndicate.services.changes import change_detector
from syndicate.store.protocol import Change
from tests.support.factories import ASK, an_item, minutes
from tests.support.servers import Serving, serving
from tests.test_changes import REPRINT, acknowledge, changes, furnish, page, take_in
from tests.test_store.samples import an_act

HIDDEN = 8
EXCEPTED, BATCH = 500, 50
"""Ten answers without entries. The fault was seen with 5,000 items and a batch of 500."""
EXCEPT_ASK = f'{REPRINT}\n[[except]]\nchannels = ["ask"]'


async def follow(
    here: Serving, key: str, after: int = 0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read as docs/how-to/keep-a-copy-in-step.md says; the entries, and every answer."""
    entries: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    while not answers or answers[-1]["more"]:
        _, answer = await changes(here, key, after)
        answers.append(answer)
        entries += answer["changes"]
        assert answer["next"] > after or not answer["more"]
        after = answer["next"]
    return entries, answers


@pytest.fixture
def tiny_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """One item a batch, and no time for a second batch in one answer."""
    monkeypatch.setattr(change_detector, "_BATCH", 1)


def stop_after_one_batch(here: Serving) -> None:
    here.house.changes._detector._work_seconds = 0.0


async def furnish_hidden(here: Serving) -> tuple[str, str]:
    """Excepted items first, then one that may leave; the partner's key and that item's id."""
    keys, open_item = await furnish_excepted(here, HIDDEN)
    return keys["zjol"], open_item


def test_items_that_may_not_leave_make_answers_without_entries_whose_next_grows(
    tmp_path: Path, tiny_batches: None
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key, open_item = await furnish_hidden(here)
            stop_after_one_batch(here)
            entries, answers = await follow(here, key)
            assert [one["id"] for one in entries] == [open_item]
            empty = [one for one in answers if not one["changes"] and one["more"]]
            assert len(empty) >= HIDDEN - 1
            # Such a cursor never expires: it is answered with what came after it, also later.
            for answer in empty:
                again, document = await changes(here, key, answer["next"])
                assert [one["id"] for one in again] == [open_item]
                assert document["reset"] is False
            # It is no entry: there is nothing to acknowledge.
            status, problem = await acknowledge(here, key, empty[0]["next"])
            assert (status, problem["code"]) == (400, "unknown_change")
            stored = await here.house.store.entries_after(PartnerId("zjol"), 0, 100)
            assert [one.item for one in stored] == [open_item]

    asyncio.run(act())


def test_the_server_goes_on_searching_before_it_answers_without_entries(
    tmp_path: Path, tiny_batches: None
) -> None:
    async def act() -> None:
        async with serving(tmp_path) as here:
            key, open_item = await furnish_hidden(here)
            entries, answers = await follow(here, key)
            assert [one["id"] for one in entries] == [open_item]
            assert len(answers) == 1

    asyncio.run(act())


def read_all(address: str, key: str) -> tuple[list[str], list[dict[str, Any]]]:
    """A client that knows docs/reference/http.md and no code of ours: the ids that it may hold, and every
    answer.

    It asks with `next` of the last answer until `more` is false, and refuses an answer with `more` whose
    `next` does not grow.
    """
    held: dict[str, int] = {}
    answers: list[dict[str, Any]] = []
    cursor, more = 0, True
    while more:
        request = urllib.request.Request(
            f"{address}/licensed/changes?after={cursor}&limit=200",
            headers={"Authorization": f"Bearer {key}"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        answers.append(answer)
        for entry in answer["changes"]:
            if entry["action"] in ("put", "correct"):
                held[entry["id"]] = entry["version"]
            elif entry["action"] in ("recall", "withdraw"):
                held.pop(entry["id"], None)
        more = answer["more"]
        assert answer["next"] > (0 if answer["reset"] else cursor) or not more, answer
        cursor = answer["next"]
    return sorted(held), answers


class Quiet:
    """Watches a run of our own client, and keeps what was done."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def on_outcome(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def on_unreadable(self, id: str, error: Exception) -> None:
        raise AssertionError((id, error))

    def on_wait(self, why: Text, seconds: float) -> None:
        raise AssertionError((why, seconds))

    def on_file(self, outcome: FileOutcome) -> None:
        """No media here."""

    def on_file_failed(self, error: SyndicateError, seconds: float | None) -> None:
        """No media here."""

    def on_bytes(self, came: int, left: int) -> None:
        """No media here."""

    def on_synced(self, held: int) -> None:
        assert held == 1


async def furnish_excepted(here: Serving, count: int = EXCEPTED) -> tuple[dict[str, str], str]:
    """So many items that no licence releases, then one that may leave; two partners' keys, and its id."""
    keys = await furnish(here, {"zjol": EXCEPT_ASK, "hzw": EXCEPT_ASK})
    first = here.clock.now - minutes(count)
    async with here.house.store.writing() as tx:
        for number in range(count):
            published = first + minutes(number)
            await tx.put_item(an_item(id=f"20261030-{number:010d}", channel=ASK, published=published), [])
        await tx.append(an_act())
        await tx.changed(Change.ITEM)
    return keys, await take_in(here, page("可发稿", "2026年11月2日 12:00"), "open.txt")


def test_a_client_from_the_documents_and_our_own_walk_past_many_items_that_may_not_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_detector, "_BATCH", BATCH)

    async def act() -> None:
        async with serving(tmp_path / "server") as here:
            keys, open_item = await furnish_excepted(here)
            stop_after_one_batch(here)
            held, answers = await asyncio.to_thread(read_all, here.address, keys["zjol"])
            assert held == [open_item]
            assert sum(not one["changes"] and one["more"] for one in answers) >= 9
            with open_folder(tmp_path / "copy", here.address) as folder:
                async with open_change_api(URL(here.address), keys["hzw"], 60, Quiet().on_wait) as sequence:
                    quiet = Quiet()
                    run = Synchronizer(folder, sequence, SyncOptions(), quiet, time.monotonic)
                    assert await run.run() is Ending.IN_STEP
                assert folder.held() == {open_item}
            assert [(one.action, one.result.value) for one in quiet.outcomes] == [("put", "new")]

    asyncio.run(act())
