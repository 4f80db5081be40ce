"""Why somebody may have a file or not: explained, proved again from the trail, and tried with a draft."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from syndicate.agreements import read_licence
from syndicate.errors import Conflict, Unknown
from syndicate.model.events import ReleaseRefused
from syndicate.model.item import Item
from syndicate.model.media import RenditionName
from syndicate.model.media_events import MediaDelivered
from syndicate.model.parties import PartnerId
from syndicate.model.records import Line
from syndicate.model.rights import Licence, Use
from syndicate.policy import Clearance, Refusal
from syndicate.policy.reasons import Reason
from tests.support.factories import STAFF, minutes
from tests.support.media_house import ALL, House, in_house, licence, signed_addresses
from tests.support.servers import Serving
from tests.support.shell import Shell, no_settings

__all__ = ["no_settings"]

PARTNER = PartnerId("all")
TWO_GRANTS = (
    licence("all", '"text", "picture"', 'renditions = ["thumbnail", "web"]')
    + """
[[grant]]
uses = ["reprint"]
outlets = ["daily"]
media = ["picture", "audio"]
renditions = ["original"]
"""
)
"""The first grant gives the small files of a picture, the second its original; of the sound only that."""
LICENCES = {"all": TWO_GRANTS}
ORIGINAL, WEB, PREVIEW = RenditionName.ORIGINAL, RenditionName.WEB, RenditionName.PREVIEW


async def _asked(here: Serving, house: House, item: Item, *files: RenditionName) -> None:
    for file in files:
        await here.get(f"/licensed/media/{item.id}/{file}", key=house.keys["all"])


async def _lines(here: Serving) -> list[Line]:
    """The lines that decided about a file."""
    lines = await here.house.store.lines(limit=1_000)
    return [one for one in lines if isinstance(one.entry.event, MediaDelivered | ReleaseRefused)]


def test_the_trail_proves_which_grant_allowed_each_file_and_why_others_were_refused(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        await _asked(here, house, house.picture, WEB, ORIGINAL, PREVIEW)
        await _asked(here, house, house.film, ORIGINAL)
        # The story has no file, and nobody may learn so by another answer.
        await _asked(here, house, house.story, ORIGINAL)
        (address, *_) = await signed_addresses(here, house.keys["all"], "all")
        await here.get(address)
        here.clock.move(minutes(13 * 60))
        await here.get(address)
        *lines, expired = await _lines(here)
        # What was agreed since changes nothing of what was right then.
        await here.house.rights.end_licence(STAFF, "L-all")
        decided = []
        for line in lines:
            replay = await here.house.explanation.replay(line.seq)
            (one,) = replay.decisions
            assert replay.agrees, line
            decided.append(
                (one.decided.item, one.decided.rendition, one.decided.reason, one.decided.clause)
            )
        picture, film = house.picture.id, house.film.id
        assert decided == [
            (picture, WEB, None, "L-all#1"),
            (picture, ORIGINAL, None, "L-all#2"),
            (picture, PREVIEW, "rendition_not_granted", "L-all#1"),
            (film, ORIGINAL, "medium_not_granted", "L-all#1"),
            (house.story.id, ORIGINAL, "rendition_not_granted", "L-all#1"),
            (picture, ORIGINAL, None, "L-all#2"),
        ]
        # That an address was over is no decision about rights.
        with pytest.raises(Conflict, match="no decision"):
            await here.house.explanation.replay(expired.seq)

    in_house(tmp_path, act, LICENCES)


def test_a_line_that_names_another_grant_than_the_one_that_gives_the_file_is_found(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        await _asked(here, house, house.picture, ORIGINAL)
        (line,) = await _lines(here)
        (one,) = (await here.house.explanation.replay(line.seq)).decisions
        assert one.agrees
        assert isinstance(one.verdict, Clearance)
        assert one.verdict.clause == "L-all#2"
        assert not replace(one, decided=replace(one.decided, clause="L-all#1")).agrees
        assert not replace(one, decided=replace(one.decided, reason="rendition_not_granted")).agrees

    in_house(tmp_path, act, LICENCES)


def test_a_file_is_explained_by_itself_and_a_story_names_its_media(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        explain = here.house.explanation.explain
        for file, clause in ((WEB, "L-all#1"), (ORIGINAL, "L-all#2")):
            found = await explain(PARTNER, house.picture.id, Use.REPRINT, rendition=file)
            assert isinstance(found.verdict, Clearance)
            assert (found.allowed, found.verdict.clause) == (True, clause)
        refused = await explain(PARTNER, house.picture.id, Use.REPRINT, rendition=PREVIEW)
        assert isinstance(refused.verdict, Refusal)
        assert refused.verdict.reason is Reason.RENDITION_NOT_GRANTED
        with pytest.raises(Unknown):
            await explain(PARTNER, house.picture.id, Use.REPRINT, rendition=RenditionName.POSTER)
        whole = await explain(PARTNER, house.picture.id, Use.REPRINT)
        assert set(whole.renditions) == {ORIGINAL, WEB, RenditionName.THUMBNAIL}
        story = await explain(PARTNER, house.story.id, Use.REPRINT)
        (one,) = story.media
        assert (one.item.id, one.renditions) == (house.picture.id, whole.renditions)
        # The public may have the story, and of its picture nothing without a preview.
        public = await explain("public", house.story.id, Use.LINK)
        assert public.allowed
        assert [each.renditions for each in public.media] == [()]
        # Yesterday's records: neither was there.
        here.clock.move(minutes(60))
        before = here.clock()
        await here.house.rights.end_licence(STAFF, "L-all")
        here.clock.move(minutes(60))
        past = await explain(PARTNER, house.story.id, Use.REPRINT, at=before - minutes(1))
        assert [each.renditions for each in past.media] == [whole.renditions]
        now = await explain(PARTNER, house.story.id, Use.REPRINT)
        assert [each.renditions for each in now.media] == [()]

    in_house(tmp_path, act, LICENCES)


def test_a_draft_is_tried_on_each_file_that_was_asked_for(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        begun = here.clock()
        here.clock.move(minutes(1))
        await _asked(here, house, house.picture, WEB, WEB, ORIGINAL, PREVIEW)
        draft = _read(here, licence("all", ALL, 'renditions = ["preview"]'))
        trial = await here.house.explanation.try_licence(draft, begun)
        changed = {
            (one.item, one.rendition): (one.was.reason, one.would.reason, one.times)
            for one in trial.changed
        }
        picture, no = house.picture.id, "rendition_not_granted"
        assert changed == {
            (picture, WEB): (None, no, 2),
            (picture, ORIGINAL): (None, no, 1),
            (picture, PREVIEW): (no, None, 1),
        }
        same = await here.house.explanation.try_licence(_read(here, TWO_GRANTS), begun)
        assert same.changed == ()
        assert same.answers == 4

    in_house(tmp_path, act, LICENCES)


def _read(here: Serving, text: str) -> Licence:
    publisher = here.house.settings.publisher
    return read_licence(text, name="draft.toml", publisher=publisher, partners=[PARTNER])


def test_the_command_says_which_files_somebody_may_have(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("demo", "--media")
    items = {one["medium"]: one["id"] for one in shell.good("item", "list", "--json").lines[::-1]}
    stories = [one["id"] for one in shell.good("item", "list", "--medium", "text", "--json").lines]
    words = ("explain", "--partner", "demo", "--use", "reprint")
    web = shell.good(*words, "--item", items["picture"], "--rendition", "web", "--json").json
    assert (web["decision"], web["rendition"], web["clause"]) == ("allow", "web", "XSW-DEMO-2#1")
    names = ["original", "web", "preview", "thumbnail"]
    whole = shell.good(*words, "--item", items["picture"], "--lang", "en")
    assert "renditions: original, web, preview, thumbnail" in whole.out
    shown = [shell.good(*words, "--item", one, "--json").json["media"] for one in stories]
    ((one,),) = (media for media in shown if media)
    assert one == {
        "item": items["picture"],
        "medium": "picture",
        "place": one["place"],
        "decision": "allow",
        "reason": None,
        "clause": "XSW-DEMO-2#1",
        "renditions": names,
    }
    story = next(id for id, media in zip(stories, shown, strict=True) if media)
    told = shell.good(*words, "--item", story, "--lang", "en").out
    assert (
        f"picture {items['picture']} (after block {one['place']}): yes (XSW-DEMO-2#1), renditions: " in told
    )
    shell.good("licence", "end", "XSW-DEMO-2")
    told = shell.good(*words, "--item", story).out
    assert f"图片 {items['picture']}（第 {one['place']} 段后）：不可以：" in told
    none = shell(
        "explain", "--partner", "demo", "--use", "reprint", "--item", story, "--rendition", "web", "--json"
    )
    assert none.json["error"] == "not_found"
    assert (
        json.loads(shell.good("item", "show", story, "--json").out)["associations"][0]["item"]
        == items["picture"]
    )
