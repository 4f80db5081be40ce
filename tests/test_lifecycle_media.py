"""The picture of a story through its whole life, held against one table at every step.

The table says what the public and three partners may have of the picture after each step, on every way: its
files with the key and by signed address, the item, the story that shows it, feeds and archives, the public
preview; and what the change sequence tells of it there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syndicate.access.media_addresses import MediaAddress
from syndicate.model.holds import RecallReason
from syndicate.model.item import Item
from syndicate.model.media import RenditionName
from syndicate.model.media_events import MediaDelivered
from syndicate.model.parties import PartnerId
from syndicate.services.newsroom.document_holds import Keep
from tests.support.factories import STAFF
from tests.support.media_house import licence, mandate
from tests.support.servers import Answer, MovableClock, Serving, serving
from tests.support.stories_with_media import Pic, story
from tests.test_changes import changes

TABLE = """
2026-11-02 12:00:00  taken in under an embargo until 13:00
    public   absent
    txt      absent
    small    absent
    all      absent

2026-11-02 13:00:00  the embargo opens by itself
    public   preview
    txt      named medium_not_granted
    small    thumbnail                      told: put
    all      every file                     told: put

2026-11-02 15:00:00  exclusive to all until 18:00
    public   absent
    txt      absent
    small    absent                         told: withdraw held_back
    all      every file

2026-11-02 18:00:00  the exclusive ends by itself
    public   preview
    txt      named medium_not_granted
    small    thumbnail                      told: put
    all      every file

2026-11-02 19:00:00  the picture is recalled
    public   gone
    txt      gone
    small    gone                           told: recall editorial
    all      gone                           told: recall editorial

2026-11-02 20:00:00  the picture is reinstated
    public   preview
    txt      named medium_not_granted
    small    thumbnail                      told: put
    all      every file                     told: put

2026-11-02 21:00:00  the law takes the story down
    public   gone by law
    txt      gone by law
    small    gone by law                    told: recall legal
    all      gone by law                    told: recall legal

2026-11-02 22:00:00  the story is reinstated
    public   preview
    txt      named medium_not_granted
    small    thumbnail                      told: put
    all      every file                     told: put

2026-11-03 09:00:00  the story is withheld
    public   absent
    txt      absent
    small    absent                         told: withdraw held_back
    all      absent                         told: withdraw held_back

2026-11-03 10:00:00  the story is released
    public   preview
    txt      named medium_not_granted
    small    thumbnail                      told: put
    all      every file                     told: put

2026-12-31 23:59:59  the last second of the licences
    public   preview
    txt      named medium_not_granted
    small    thumbnail
    all      every file

2027-01-01 00:00:00  the licences end
    public   preview
    txt      refused licence_ended
    small    refused licence_ended          told: withdraw licence_ended
    all      refused licence_ended          told: withdraw licence_ended

2027-01-01 01:00:00  the mandate ends
    public   absent
    txt      refused mandate_ended
    small    refused mandate_ended
    all      refused mandate_ended
"""
"""every file, thumbnail: these are given, and the story tells of it · named: 403 with this reason, and the
story says that there is a picture · refused: 403 with this reason, and the story is refused too · absent:
404 and no trace · gone, gone by law: 410, 451 and no trace in the story · preview: the public's small one.
A signed address is 403 `address_expired` where the key would get another 403."""

PIC = Pic(1)
LICENCES = {
    "txt": licence("txt", '"text"'),
    "small": licence("small", '"text", "picture"', 'renditions = ["thumbnail"]'),
    "all": licence("all", '"text", "picture"'),
}
FILES = (RenditionName.ORIGINAL, RenditionName.THUMBNAIL)
GIVEN = {"every file": set(FILES), "thumbnail": {RenditionName.THUMBNAIL}}
REFUSED = {"absent": 404, "gone": 410, "gone by law": 451}


@dataclass(frozen=True)
class Step:
    """One block of the table: `may` and `told` by recipient."""

    at: datetime
    what: str
    may: dict[str, str]
    told: dict[str, str]


def read_table(table: str) -> list[Step]:
    """The blocks of the table, in order."""
    steps = []
    for block in table.strip().split("\n\n"):
        head, *rows = block.splitlines()
        may, told = {}, {}
        for name, row in (line.strip().split(maxsplit=1) for line in rows):
            cell, _, said = row.partition("told:")
            may[name], told[name] = cell.strip(), said.strip()
        at = datetime.fromisoformat(f"{head[:19]}+08:00")
        steps.append(Step(at, head[19:].strip(), may, told))
    return steps


STEPS = read_table(TABLE)


class Life:
    """The story and its picture in their house."""

    def __init__(self, here: Serving) -> None:
        self.here, self.house = here, here.house
        self.keys: dict[str, str] = {}
        self.cursors = dict.fromkeys(LICENCES, 0)
        self.story: Item
        self.picture: Item

    async def begin(self) -> None:
        await self.house.rights.add_mandate(STAFF, mandate(public_preview=True), "m.toml")
        for partner, text in LICENCES.items():
            await self.house.rights.add_partner(STAFF, PartnerId(partner), partner)
            await self.house.rights.add_licence(STAFF, text, f"{partner}.toml")
            issued = await self.house.keys.issue(STAFF, PartnerId(partner), days=300)
            self.keys[partner] = issued.token

    async def taken_in(self) -> None:
        keep = Keep(embargo=self.here.clock() + timedelta(hours=1))
        self.story, (self.picture,) = await story(self.here, "有图的稿件", [PIC], keep)

    async def exclusive(self) -> None:
        until = self.here.clock() + timedelta(hours=3)
        await self.house.holds.exclusive(STAFF, self.story.id, PartnerId("all"), until)

    async def recalled(self) -> None:
        await self._recall(self.picture, RecallReason.EDITORIAL)

    async def recalled_by_law(self) -> None:
        await self._recall(self.story, RecallReason.LEGAL)

    async def _recall(self, item: Item, reason: RecallReason) -> None:
        await self.house.holds.recall(STAFF, item.id, reason, "不再发布", timedelta(hours=1))

    async def picture_reinstated(self) -> None:
        await self.house.holds.reinstate(STAFF, self.picture.id)

    async def reinstated(self) -> None:
        await self.house.holds.reinstate(STAFF, self.story.id)

    async def withheld(self) -> None:
        await self.house.holds.withhold(STAFF, self.story.id)

    async def released(self) -> None:
        await self.house.holds.release(STAFF, self.story.id)

    async def mandate_ends(self) -> None:
        await self.house.rights.end_mandate(STAFF, "HEAD-1")

    async def nothing(self) -> None:
        """Only the clock moves."""


ACTS: dict[str, Callable[[Life], Awaitable[None]]] = {
    "taken in under an embargo until 13:00": Life.taken_in,
    "the embargo opens by itself": Life.nothing,
    "exclusive to all until 18:00": Life.exclusive,
    "the exclusive ends by itself": Life.nothing,
    "the picture is recalled": Life.recalled,
    "the picture is reinstated": Life.picture_reinstated,
    "the law takes the story down": Life.recalled_by_law,
    "the story is reinstated": Life.reinstated,
    "the story is withheld": Life.withheld,
    "the story is released": Life.released,
    "the last second of the licences": Life.nothing,
    "the licences end": Life.nothing,
    "the mandate ends": Life.mandate_ends,
}


@pytest.mark.timeout(300)
def test_a_picture_is_at_every_step_of_its_story_s_life_what_the_table_says(
    tmp_path: Path,
) -> None:
    async def act() -> None:
        clock = MovableClock(STEPS[0].at)
        async with serving(tmp_path / "data", clock=clock) as here:
            life = Life(here)
            await life.begin()
            for step in STEPS:
                try:
                    await _live(life, step)
                except AssertionError as differs:
                    differs.add_note(f"at {step.at}: {step.what}")
                    raise

    asyncio.run(act())


async def _live(life: Life, step: Step) -> None:
    here = life.here
    here.clock.now = step.at
    await ACTS[step.what](life)
    await life.house.scheduler.round()
    await _public(life, step.may["public"])
    for name in LICENCES:
        seen = (await here.house.store.lines(limit=1, newest_first=True))[0].seq
        cell, reason = _cell(step.may[name])
        given = await _files(life, name, cell, reason)
        await _item(life, name, cell, reason)
        await _story(life, name, cell)
        await _feeds(life, name, cell)
        await _changes(life, name, step.told[name])
        lines = await here.house.store.lines(after=seen, limit=10_000)
        left = [one.entry.event for one in lines if isinstance(one.entry.event, MediaDelivered)]
        # A line for each file that left, and no file without its line.
        assert sorted((one.rendition, one.signed) for one in left) == sorted(
            (file.value, signed) for file in given for signed in (False, True)
        )
        assert {one.clause for one in left} <= {f"L-{name}#1"}


def _cell(said: str) -> tuple[str, str]:
    """What the table says, and the reason beside it, empty where there is none."""
    word, _, reason = said.partition(" ")
    return (word, reason) if word in ("named", "refused") else (said, "")


async def _public(life: Life, cell: str) -> None:
    preview = await life.here.get(f"/items/{life.picture.id}/preview")
    assert preview.status == (200 if cell == "preview" else REFUSED[cell])
    page = await life.here.get(f"/items/{life.story.id}", headers={"Accept": "text/html"})
    assert (f"/items/{life.picture.id}/preview" in page.text) is (cell == "preview")
    # With the preview goes whom it credits, and never the caption.
    assert PIC.caption not in page.text
    assert (PIC.credit in page.text) is (cell == "preview")


async def _files(life: Life, name: str, cell: str, reason: str) -> set[RenditionName]:
    """Ask for each file with the key and by a signed address; those that were given."""
    given = GIVEN.get(cell, set())
    for file in FILES:
        keyed = await life.here.get(f"/licensed/media/{life.picture.id}/{file}", key=life.keys[name])
        signed = await life.here.get(await _signed(life, name, file))
        assert PIC.caption.encode() not in keyed.body or file in given
        if file in given:
            assert (keyed.status, signed.status) == (200, 200)
            assert keyed.body == signed.body
        elif cell in REFUSED:
            assert (keyed.status, signed.status) == (REFUSED[cell],) * 2
        else:
            assert (keyed.status, _member(keyed, "reason")) == (403, reason or "rendition_not_granted")
            assert (signed.status, _member(signed, "code")) == (403, "address_expired")
    return given


async def _signed(life: Life, name: str, file: RenditionName) -> str:
    signer = await life.house.authenticator.address_signer()
    end = life.here.clock() + timedelta(minutes=1)
    return f"/media/{signer.sign(MediaAddress(PartnerId(name), 0, life.picture.id, 1, file, None, end))}"


async def _item(life: Life, name: str, cell: str, reason: str) -> None:
    answer = await life.here.get(f"/licensed/items/{life.picture.id}", key=life.keys[name])
    if cell in GIVEN:
        assert {one["name"] for one in json.loads(answer.body)["renditions"]} >= GIVEN[cell]
        assert ("original" in answer.text.partition('"renditions"')[2]) is (cell == "every file")
        return
    assert answer.status == REFUSED.get(cell, 403)
    assert not any(one in answer.text for one in PIC.secrets)
    if reason:
        assert _member(answer, "reason") == reason


async def _story(life: Life, name: str, cell: str) -> None:
    answer = await life.here.get(f"/licensed/items/{life.story.id}", key=life.keys[name])
    links = json.loads(answer.body).get("associations", []) if answer.status == 200 else []
    assert len(links) == (cell in GIVEN or cell == "named")
    assert any("renditions" in one for one in links) is (cell in GIVEN)
    assert (PIC.caption in answer.text) is (cell in GIVEN)


async def _feeds(life: Life, name: str, cell: str) -> None:
    for feed in ("pictures", "all"):
        for end in (".json", ".rss", ".atom", "/2026-11.json"):
            answer = await life.here.get(f"/licensed/feeds/{feed}{end}", key=life.keys[name])
            assert (f"/licensed/media/{life.picture.id}/" in answer.text) is (cell in GIVEN), (feed, end)
            if cell not in GIVEN:
                assert not any(one in answer.text for one in PIC.secrets), (feed, end)


async def _changes(life: Life, name: str, told: str) -> None:
    entries, page = await changes(life.here, life.keys[name], life.cursors[name])
    life.cursors[name] = page["next"]
    about = [one for one in entries if one["id"] == life.picture.id]
    said = [f"{one['action']} {one.get('reason', '')}".strip() for one in about]
    assert said == ([told] if told else [])


def _member(answer: Answer, name: str) -> Any:
    return json.loads(answer.body)[name]


def test_the_table_is_whole() -> None:
    """Each step says it of everybody, in order, and everything that can be done is done."""
    assert all(step.may.keys() == {"public", *LICENCES} for step in STEPS)
    assert {step.what for step in STEPS} == ACTS.keys()
    assert [step.at for step in STEPS] == sorted({step.at for step in STEPS})
