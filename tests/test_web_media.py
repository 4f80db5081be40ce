"""Files of pictures, sounds and films, from outside: who gets which, in which parts, and what is inside."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from syndicate.ingest.draft import Parsed
from syndicate.media.pictures.jpeg_file import jpeg_metadata
from syndicate.media.xmp import read_xmp
from syndicate.model.item import Item
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Use
from syndicate.services.newsroom.document_parsing import parse_document
from syndicate.web.licensed import media_handlers
from syndicate.web.server import middleware
from tests.support.factories import STAFF
from tests.support.fixtures import code_of, jti_of, session_for
from tests.support.media_house import (
    ALL,
    ALT,
    CAPTION,
    CREDIT,
    FILE_NAME,
    FOREIGN_PICTURE,
    STAMP,
    STORY,
    House,
    a_picture,
    in_house,
    licence,
    media_lines,
    recall,
    story_with,
)
from tests.support.servers import BASE_URL, Answer, Serving


async def _ninjs(here: Serving, path: str, key: str) -> Any:
    answer = await here.get(path, key=key)
    assert answer.status == 200, answer.text
    return json.loads(answer.body)


def _kinds(house: House) -> list[tuple[Item, str]]:
    return [(house.picture, "image/jpeg"), (house.sound, "audio/mpeg"), (house.film, "video/mp4")]


def _media(item: Any, rendition: str = "original") -> str:
    return f"/licensed/media/{item.id}/{rendition}"


def test_a_text_licence_gets_the_story_and_nothing_of_its_picture(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        key = house.keys["txt"]
        story = await _ninjs(here, f"/licensed/items/{house.story.id}", key)
        (link,) = story["associations"]
        assert set(link) == {"name", "rel", "uri", "type", "usageTerms"}
        assert link["type"] == "picture"
        paths = [f"/licensed/items/{house.story.id}", "/licensed/changes"]
        paths += [f"/licensed/feeds/all.{one}" for one in ("rss", "atom", "json")]
        for path in paths:
            answer = await here.get(path, key=key)
            assert answer.status == 200
            for word in (CAPTION, CAPTION[:6], ALT, "甲一", FILE_NAME, "/licensed/media/"):
                assert word not in answer.text, (path, word)
        for rendition in ("original", "web", "preview", "thumbnail"):
            refused = await here.get(_media(house.picture, rendition), key=key)
            assert code_of(refused) == (403, "not_licensed")
            assert json.loads(refused.body)["reason"] == "medium_not_granted"
        assert code_of(await here.get(f"/licensed/items/{house.picture.id}", key=key))[0] == 403
        assert await media_lines(here) == []

    in_house(tmp_path, act)


def test_a_licence_of_pictures_gets_the_picture_with_its_caption_credit_and_files(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        story = await _ninjs(here, f"/licensed/items/{house.story.id}", house.keys["all"])
        (link,) = story["associations"]
        assert link["rel"] == "body:1"
        assert CAPTION in link["bodies"][1]["value"]
        assert CREDIT in link["by"]
        assert STAMP in link["bodies"][1]["value"]
        for one in link["renditions"]:
            path = one["href"].removeprefix(here.house.settings.base_url)
            answer = await here.get(path, key=house.keys["all"])
            assert answer.status == 200
            assert len(answer.body) == one["sizeInBytes"] == int(answer.headers["Content-Length"])
            assert answer.headers["Content-Type"] == one["contentType"]

    in_house(tmp_path, act)


def test_what_a_picture_shows_leaves_with_it_in_each_format_and_inside_the_file(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        key = house.keys["all"]
        said = {"role": "altText", "contentType": "text/plain", "value": ALT}
        (link,) = (await _ninjs(here, f"/licensed/items/{house.story.id}", key))["associations"]
        picture = await _ninjs(here, f"/licensed/items/{house.picture.id}", key)
        assert link["descriptions"][-1] == picture["descriptions"][-1] == said
        feed = await _ninjs(here, "/licensed/feeds/all.json", key)
        (story,) = (one for one in feed["items"] if one["id"].endswith(house.story.id))
        assert [one["alt"] for one in story["_syndicate"]["associations"]] == [ALT]
        for rendition in ("original", "web", "preview", "thumbnail"):
            file = await here.get(_media(house.picture, rendition), key=key)
            (packet,) = jpeg_metadata(file.body).xmp
            fields = read_xmp(packet)
            assert fields is not None
            assert fields.all("Iptc4xmpCore:AltTextAccessibility") == (ALT,)

    in_house(tmp_path, act)


def test_a_story_says_of_a_picture_that_is_there_already_what_it_shows_in_it(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        document = await story_with(here, tmp_path, a_picture(), "白鹭又回到湘湖", alt="白鹭正在筑巢")
        (taken,) = await here.house.items.take_in_group(STAFF, [document])
        assert taken.item is not None, taken.faults
        (link,) = taken.item.associations
        assert (link.item, link.alt) == (house.picture.id, "白鹭正在筑巢")
        key = house.keys["all"]
        (link_out,) = (await _ninjs(here, f"/licensed/items/{taken.item.id}", key))["associations"]
        said = [one["value"] for one in link_out["descriptions"] if one["role"] == "altText"]
        assert said == ["白鹭正在筑巢"]
        read = await here.house.store.item(taken.item.id)
        assert read is not None
        assert read.associations == taken.item.associations

    in_house(tmp_path, act)


def test_a_file_carries_the_stamp_its_digest_and_its_name_and_its_line_is_in_the_trail(
    tmp_path: Path,
) -> None:
    async def act(here: Serving, house: House) -> None:
        for item, kind in _kinds(house):
            answer = await here.get(_media(item), key=house.keys["all"])
            assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
            assert STAMP.encode() in answer.body or STAMP.encode("utf-16-le") in answer.body
            digest = hashlib.sha256(answer.body)
            wanted = base64.b64encode(digest.digest()).decode()
            assert answer.headers["Repr-Digest"] == f"sha-256=:{wanted}:"
            assert answer.headers["Cache-Control"] == "private, no-cache, no-transform"
            assert "attachment" in answer.headers["Content-Disposition"]
            line = (await media_lines(here))[-1]
            assert (line.item, line.sha256, line.status, line.range) == (
                item.id,
                digest.hexdigest(),
                200,
                None,
            )
            assert (line.partner, line.clause, line.signed) == ("all", "L-all#1", False)
            again = await here.get(_media(item), key=house.keys["all"])
            assert again.body == answer.body
            known = {"If-None-Match": answer.headers["ETag"]}
            unchanged = await here.get(_media(item), key=house.keys["all"], headers=known)
            assert (unchanged.status, unchanged.body) == (304, b"")

    in_house(tmp_path, act)


def test_an_original_keeps_its_pixels_and_loses_its_camera_and_renditions_are_upright(
    tmp_path: Path,
) -> None:
    taken = a_picture(1200, 800, orientation=6)

    async def act(here: Serving, house: House) -> None:
        original = (await here.get(_media(house.picture), key=house.keys["all"])).body
        assert b"CameraMaker" not in original
        with Image.open(io.BytesIO(taken)) as before, Image.open(io.BytesIO(original)) as after:
            assert before.tobytes() == after.tobytes()
            assert after.getexif()[0x0112] == 6
        web = (await here.get(_media(house.picture, "web"), key=house.keys["all"])).body
        with Image.open(io.BytesIO(web)) as upright:
            assert upright.size == (800, 1200)
            top, bottom = upright.getpixel((400, 100)), upright.getpixel((400, 1100))
            assert isinstance(top, tuple)
            assert isinstance(bottom, tuple)
            assert top[0] > 2 * bottom[0]

    in_house(tmp_path, act, picture=taken)


def test_each_part_of_a_file_has_its_line_and_an_impossible_part_is_refused(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        key, path = house.keys["all"], _media(house.film)
        whole = (await here.get(path, key=key)).body
        part = await here.get(path, key=key, headers={"Range": "bytes=100-199"})
        assert (part.status, part.body) == (206, whole[100:200])
        line = (await media_lines(here))[-1]
        assert (line.status, line.range) == (206, f"bytes 100-199/{len(whole)}")
        last = await here.get(path, key=key, headers={"Range": "bytes=-10"})
        assert (last.status, last.body) == (206, whole[-10:])
        lines = len(await media_lines(here))
        beyond = await here.get(path, key=key, headers={"Range": f"bytes={len(whole)}-"})
        assert code_of(beyond) == (416, "range_not_satisfiable")
        assert beyond.headers["Content-Range"] == f"bytes */{len(whole)}"
        many = ", ".join(f"{at}-{at}" for at in range(300))
        assert (await here.get(path, key=key, headers={"Range": f"bytes={many}"})).status == 416
        assert len(await media_lines(here)) == lines
        head = await here.get(path, key=key, method="HEAD")
        assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(whole)), b"")

    in_house(tmp_path, act)


def test_a_grant_gives_the_renditions_that_it_names_and_no_other(tmp_path: Path) -> None:
    licences = {"web": licence("web", ALL, 'renditions = ["web", "缩略图"]')}

    async def act(here: Serving, house: House) -> None:
        key = house.keys["web"]
        found = await _ninjs(here, f"/licensed/items/{house.picture.id}", key)
        assert [one["name"] for one in found["renditions"]] == ["web", "thumbnail"]
        assert (await here.get(_media(house.picture, "web"), key=key)).status == 200
        refused = await here.get(_media(house.picture), key=key)
        assert json.loads(refused.body)["reason"] == "rendition_not_granted"
        # Of the sound it may have no file at all: the item says so by having none.
        assert "renditions" not in await _ninjs(here, f"/licensed/items/{house.sound.id}", key)

    in_house(tmp_path, act, licences)


def test_a_picture_counts_once_however_often_and_in_however_many_parts_it_is_fetched(
    tmp_path: Path,
) -> None:
    licences = {"few": licence("few", '"picture", "audio"', 'quota = { items = 1, per = "day" }')}

    async def act(here: Serving, house: House) -> None:
        key, path = house.keys["few"], _media(house.picture, "web")
        assert (await here.get(path, key=key, method="HEAD")).status == 200
        for headers in ({"Range": "bytes=0-9"}, {"Range": "bytes=10-19"}, {}):
            assert (await here.get(path, key=key, headers=headers)).status in (200, 206)
        over = await here.get(_media(house.sound), key=key)
        assert code_of(over) == (429, "quota_exceeded")
        assert (await here.get(_media(house.picture), key=key)).status == 200

    in_house(tmp_path, act, licences)


def test_the_public_sees_a_preview_only_where_the_owner_allows_one(tmp_path: Path) -> None:
    async def closed(here: Serving, house: House) -> None:
        for item in (house.picture, house.sound, house.film):
            assert (await here.get(f"/items/{item.id}/preview")).status == 404
        page = await here.get(f"/items/{house.story.id}", headers={"Accept": "text/html"})
        assert "<img" not in page.text
        assert CAPTION not in page.text
        assert ALT not in page.text
        for item in (house.picture, house.sound, house.film, house.story):
            page = await here.get(f"/items/{item.id}", headers={"Accept": "text/html"})
            for trace in ("contentUrl", "thumbnailUrl", "og:image", "og:audio", "og:video", "/preview"):
                assert trace not in page.text, (item.medium, trace)

    async def opened(here: Serving, house: House) -> None:
        preview_address = f"{BASE_URL}/items/{house.picture.id}/preview.jpg"
        preview = await here.get(f"/items/{house.picture.id}/preview")
        assert (preview.status, preview.headers["Content-Type"]) == (200, "image/jpeg")
        with Image.open(io.BytesIO(preview.body)) as shown:
            assert max(shown.size) == 640
        assert STAMP.encode() in preview.body
        assert CAPTION.encode() not in preview.body
        assert "public" in preview.headers["Cache-Control"]
        page = await here.get(f"/items/{house.story.id}", headers={"Accept": "text/html"})
        assert f'<img src="/items/{house.picture.id}/preview" alt="{ALT}"' in page.text
        assert f'property="og:image" content="{preview_address}"' in page.text
        assert f'"contentUrl": "{preview_address}"' in page.text
        assert CAPTION not in page.text
        assert (await here.get(f"/items/{house.sound.id}/preview")).status == 404
        assert (await here.get(f"/items/{house.story.id}/preview")).status == 404
        assert (await here.get(f"/items/{house.picture.id}/original")).status == 404
        assert await media_lines(here) == []

    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    in_house(tmp_path / "closed", closed, {})
    in_house(tmp_path / "open", opened, {}, public_preview=True)


def test_a_hidden_picture_leaves_no_trace_in_its_story(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        services, key = here.house, house.keys["all"]
        document = await story_with(here, tmp_path, None, "没有图片的稿件")
        (plain,) = await services.items.take_in_group(STAFF, [document])
        assert plain.item is not None
        await services.holds.withhold(STAFF, house.picture.id)
        story = await _ninjs(here, f"/licensed/items/{house.story.id}", key)
        other = await _ninjs(here, f"/licensed/items/{plain.item.id}", key)
        assert set(story) == set(other)
        assert "associations" not in story
        hidden = await here.get(_media(house.picture), key=key)
        unknown = await here.get("/licensed/media/20260101-aaaaaaaaaa/original", key=key)
        assert _apart_from_id(hidden) == _apart_from_id(unknown)
        await services.holds.release(STAFF, house.picture.id)
        assert len((await _ninjs(here, f"/licensed/items/{house.story.id}", key))["associations"]) == 1

    in_house(tmp_path, act)


def _apart_from_id(answer: Answer) -> tuple[int, dict[str, Any]]:
    return answer.status, {**json.loads(answer.body), "request_id": ""}


def test_a_kept_feed_takes_the_story_again_when_its_picture_may_not_be_had_any_more(
    tmp_path: Path,
) -> None:
    async def act(here: Serving, house: House) -> None:
        path, key = "/licensed/feeds/daily.json", house.keys["all"]
        session = await _session(here, key)
        before = await here.house.delivery.licensed_feed("daily", session, None)
        assert [len(item.associations) for item in before.edition.items] == [1]
        etag = (await here.get(path, key=key)).headers["ETag"]
        await recall(here, house.picture.id)
        after = await here.house.delivery.licensed_feed("daily", await _session(here, key), None)
        assert [len(item.associations) for item in after.edition.items] == [0]
        assert (await here.get(path, key=key, headers={"If-None-Match": etag})).status in (200, 304)
        assert code_of(await here.get(_media(house.picture), key=key)) == (410, "recalled")

    in_house(tmp_path, act)


async def _session(here: Serving, key: str) -> Any:
    return await session_for(here.house, PartnerId("all"), jti_of(key))


def test_a_lost_file_is_a_503_and_an_alarm_and_the_text_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def act(here: Serving, house: House) -> None:
        key = house.keys["all"]
        sha256 = house.picture.renditions[0].sha256
        assert await here.house.files.delete(sha256)
        lost = await here.get(_media(house.picture), key=key)
        assert code_of(lost) == (503, "unavailable")
        assert "Retry-After" in lost.headers
        assert (await here.get(_media(house.picture, "web"), key=key)).status == 200
        assert (await here.get(f"/licensed/items/{house.story.id}", key=key)).status == 200
        assert (await here.get("/licensed/feeds/all.rss", key=key)).status == 200
        assert [one.rendition for one in await media_lines(here)] == ["web"]

    in_house(tmp_path, act)
    assert "file_missing" in capsys.readouterr().out


def test_a_file_that_was_stamped_is_not_read_from_the_store_again(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        key = house.keys["all"]
        first = await here.get(_media(house.picture), key=key)
        await here.house.files.delete(house.picture.renditions[0].sha256)
        again = await here.get(_media(house.picture), key=key)
        assert (again.status, again.body) == (200, first.body)

    in_house(tmp_path, act)


def test_whoever_asks_first_for_a_long_film_gets_the_time_that_its_stamp_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film of two gigabytes takes longer to stamp than any other answer may take."""
    longer: list[float] = []

    class Watched(asyncio.Timeout):  # type: ignore[misc]
        def reschedule(self, when: float | None) -> None:
            before = self.when()
            assert before is not None
            assert when is not None
            if when != before:  # it is set once at the beginning
                longer.append(when - before)
            super().reschedule(when)

    def timeout(seconds: float) -> Watched:
        return Watched(asyncio.get_running_loop().time() + seconds)

    async def act(here: Serving, house: House) -> None:
        monkeypatch.setattr(middleware, "asyncio", SimpleNamespace(timeout=timeout))
        monkeypatch.setattr(media_handlers, "SLOWEST_DISK", 100)
        (film,) = (one for one in house.film.renditions if one.name is RenditionName.ORIGINAL)
        for method in ("HEAD", "GET"):
            assert (await here.get(_media(house.film), key=house.keys["all"], method=method)).status == 200
        assert longer == pytest.approx([film.size / 100] * 2)

    in_house(tmp_path, act)


def test_the_same_file_of_two_owners_is_two_items_with_rights_of_their_own(tmp_path: Path) -> None:
    """One file in the store; the second story credits another agency, whose picture never leaves."""

    async def act(here: Serving, house: House) -> None:
        data = (tmp_path / FILE_NAME).read_bytes()
        html = STORY.format(
            headline="另一篇稿件",
            picture=FOREIGN_PICTURE,
        )
        document = parse_document(html.encode(), "b.html", here.house.items.rules, here.clock())
        assert isinstance(document.content, Parsed)
        found = {one.source: tmp_path / FILE_NAME for one in document.content.media}
        (taken,) = await here.house.items.take_in_group(
            STAFF, [await here.house.media_intake.with_media(replace(document), found)]
        )
        (other,) = taken.media
        assert other.item is not None
        assert taken.item is not None
        assert other.item.id != house.picture.id
        assert other.item.outlet is None
        assert other.item.renditions[0].sha256 == house.picture.renditions[0].sha256
        assert hashlib.sha256(data).hexdigest() == house.picture.renditions[0].sha256
        assert code_of(await here.get(_media(other.item), key=house.keys["all"]))[0] == 404
        story = await _ninjs(here, f"/licensed/items/{taken.item.id}", house.keys["all"])
        assert "associations" not in story
        assert (await here.get(_media(house.picture), key=house.keys["all"])).status == 200

    in_house(tmp_path, act)


def test_a_use_without_full_text_gives_no_file(tmp_path: Path) -> None:
    licences = {"link": licence("link", ALL).replace('uses = ["reprint"]', 'uses = ["link"]')}

    async def act(here: Serving, house: House) -> None:
        key = house.keys["link"]
        refused = await here.get(_media(house.picture), key=key)
        assert code_of(refused) == (403, "not_licensed")
        found = await _ninjs(here, f"/licensed/items/{house.picture.id}?use={Use.LINK}", key)
        assert "renditions" not in found
        assert "associations" not in await _ninjs(here, f"/licensed/items/{house.story.id}", key)

    in_house(tmp_path, act, licences)
