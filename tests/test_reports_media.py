"""Statements count pictures, sounds and films by owner, medium and partner, as they count text."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from syndicate.model.item import Medium
from syndicate.model.media_events import MediaDelivered
from syndicate.model.parties import PartnerId
from syndicate.model.statement import Account, Balance, total
from tests.support.factories import STAFF, minutes
from tests.support.media_house import (
    ALL,
    House,
    in_house,
    licence,
    mandate,
    recall,
    signed_addresses,
)
from tests.support.servers import Serving

PAPER, BROADCASTER = "萧山日报社", "萧山广电局"
LICENCES = {"all": licence("all", ALL), "few": licence("few", '"picture"', 'renditions = ["thumbnail"]')}


async def _two_owners(here: Serving) -> None:
    """The broadcaster's outlets under a mandate of its own."""
    rights = here.house.rights
    await rights.end_mandate(STAFF, "HEAD-1")
    paper = mandate().replace("HEAD-1", "HEAD-P").replace('"daily", "tv", "radio"', '"daily"')
    other = mandate().replace("HEAD-1", "HEAD-B").replace('"daily", "tv", "radio"', '"tv", "radio"')
    await rights.add_mandate(STAFF, paper, "p.toml")
    await rights.add_mandate(STAFF, other.replace(PAPER, BROADCASTER), "b.toml")


async def _read(here: Serving, house: House) -> None:
    """What two partners fetch in a day: whole files, parts, by signed address, and what gives nothing."""
    everything, few = house.keys["all"], house.keys["few"]
    picture, film = f"/licensed/media/{house.picture.id}", f"/licensed/media/{house.film.id}"
    answers = [
        # One picture, however many of its files are fetched and in however many parts.
        await here.get(f"{picture}/web", key=everything, headers={"Range": "bytes=0-9"}),
        await here.get(f"{picture}/web", key=everything, headers={"Range": "bytes=10-19"}),
        await here.get(f"{picture}/original", key=everything),
        await here.get(f"{picture}/thumbnail", key=few),
        # A sound by a signed address alone.
        await here.get((await signed_addresses(here, everything, "all", "audio"))[0]),
        # The text of the story, which tells of the picture.
        await here.get(f"/licensed/items/{house.story.id}", key=everything),
    ]
    assert [one.status for one in answers] == [206, 206, 200, 200, 200, 200]
    nothing = [
        await here.get(f"{film}/original", key=everything, method="HEAD"),
        await here.get(f"{film}/original", key=few),
        await here.get(f"{picture}/original", key=few),
    ]
    assert [one.status for one in nothing] == [200, 403, 403]


def test_files_are_reckoned_by_owner_medium_and_partner_and_agree_with_the_trail(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        await _two_owners(here)
        await _read(here, house)
        made = await here.house.reports.statement(2026, 11, lines=True, check=True)
        everything, few = PartnerId("all"), PartnerId("few")
        assert {row.account: row.balance for row in made.rows} == {
            Account(PAPER, Medium.TEXT, everything): Balance(1),
            Account(PAPER, Medium.PICTURE, everything): Balance(1),
            Account(PAPER, Medium.PICTURE, few): Balance(1),
            Account(BROADCASTER, Medium.AUDIO, everything): Balance(1),
        }
        # Held against the trail, in which each file, and each part of one, has its line.
        assert made.differences == ()
        lines = {one.seq: one.entry.event for one in await here.house.store.lines(limit=1_000)}
        for row in made.rows:
            for seq in row.lines:
                event = lines[seq]
                assert isinstance(event, MediaDelivered) is (row.account.medium is not Medium.TEXT)
        usage = await here.house.reports.usage(date(2026, 11, 1), date(2026, 11, 30), check=True)
        assert usage.differences == ()
        assert total(usage.rows).delivered == 4

    in_house(tmp_path, act, LICENCES)


def test_a_recalled_picture_is_taken_off_in_the_statement_of_whoever_had_it(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        await _read(here, house)
        here.clock.move(minutes(60))
        await recall(here, house.picture.id)
        made = await here.house.reports.statement(2026, 11, lines=True, check=True)
        pictures = {
            row.account.partner: row.balance for row in made.rows if row.account.medium is Medium.PICTURE
        }
        assert pictures == {"all": Balance(1, 1), "few": Balance(1, 1)}
        assert {row.balance for row in made.rows if row.account.medium is not Medium.PICTURE} == {
            Balance(1)
        }
        assert made.differences == ()
        await here.house.holds.reinstate(STAFF, house.picture.id)
        again = await here.house.reports.statement(2026, 11, check=True)
        assert total(again.rows).reinstated == 2
        assert again.differences == ()

    in_house(tmp_path, act, LICENCES)
