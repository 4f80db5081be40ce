"""A partner whose licence names text alone, on every way that anything leaves.

It gets the story, and of its picture, of a sound and of a film no file, no address, and no word. The same
ways are walked for a partner that may have everything: each of them really carries what the first is kept
from.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from syndicate.access.media_addresses import MediaAddress
from syndicate.formats import FEED_FORMATS
from syndicate.model.archives import spans_of
from syndicate.model.feeds import feeds_of
from syndicate.model.item import Item, tag_uri
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Use
from tests.support.media_house import (
    ALT,
    CAPTION,
    CREDIT,
    FILE_NAME,
    House,
    in_house,
    media_lines,
)
from tests.support.servers import Serving, command

STORY = "第二段写得更细"
"""Words of the story's full text."""
Found = dict[str, bytes]
"""What a way gave: where, and the bytes."""
Way = Callable[[Serving, House, str, Path], Awaitable[Found]]


def secrets(house: House) -> list[bytes]:
    """What says anything of the picture, the sound and the film, and every form of an address of theirs."""
    words = [CAPTION[:6], CREDIT, ALT, Path(FILE_NAME).stem, "/licensed/media/", "/media/", "/preview"]
    for item in (house.picture, house.sound, house.film):
        words += [one.sha256 for one in item.renditions]
    # The picture came without a headline of its own and goes by its story's.
    words += [house.sound.headline, house.film.headline, house.sound.body[0].text, house.film.body[0].text]
    return [word.encode() for word in words]


async def _answers(here: Serving, key: str | None, paths: list[str]) -> Found:
    """All of these answers, headers too."""
    answers = await asyncio.gather(*(here.get(path, key=key) for path in paths))
    found = {}
    for path, answer in zip(paths, answers, strict=True):
        assert answer.status in (200, 403, 404), (path, answer.status)
        head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        found[path] = head.encode() + answer.body
    return found


async def by_feed(here: Serving, house: House, partner: str, _folder: Path) -> Found:
    """Every feed in every format but podcasts."""
    feeds = feeds_of(here.house.settings.publisher)
    return await _answers(
        here,
        house.keys[partner],
        [f"/licensed/feeds/{feed}.{format}" for feed in feeds for format in FEED_FORMATS],
    )


async def by_podcast(here: Serving, house: House, partner: str, _folder: Path) -> Found:
    """Every feed as a podcast."""
    feeds = feeds_of(here.house.settings.publisher)
    paths = [f"/licensed/feeds/{feed}.podcast.rss" for feed in feeds]
    return await _answers(here, house.keys[partner], paths)


async def by_archive(here: Serving, house: House, partner: str, _folder: Path) -> Found:
    """Every archive document, by month, day and hour."""
    zone = here.house.settings.publisher.zone
    items = (house.story, house.picture, house.sound, house.film)
    spans = sorted({span.name for item in items for span in spans_of(item.published, zone)})
    feeds = ("all", "daily", "pictures", "audio", "video")
    return await _answers(
        here,
        house.keys[partner],
        [
            f"/licensed/feeds/{feed}/{span}.{format}"
            for feed in feeds
            for span in spans
            for format in ("rss", "atom", "json")
        ],
    )


async def by_item(here: Serving, house: House, partner: str, _folder: Path) -> Found:
    """The story and each of the three by itself, for every use."""
    uses = ["", *(f"?use={use}" for use in Use)]
    items = (house.story, house.picture, house.sound, house.film)
    paths = [f"/licensed/items/{item.id}{use}" for item in items for use in uses]
    return await _answers(here, house.keys[partner], paths)


async def by_changes(here: Serving, house: House, partner: str, _folder: Path) -> Found:
    """The whole change sequence."""
    return await _answers(here, house.keys[partner], ["/licensed/changes?limit=500", "/licensed/changes"])


async def by_media_address(here: Serving, house: House, partner: str, _folder: Path) -> Found:
    """The address of every file, with the partner's key."""
    paths = [f"/licensed/media/{item.id}/{name}" for item, name in _files(house)]
    return await _answers(here, house.keys[partner], paths)


async def by_signed_address(here: Serving, house: House, partner: str, _folder: Path) -> Found:
    """A signed address of every file, made as if the partner had a right to it."""
    signer = await here.house.authenticator.address_signer()
    expires = here.clock() + timedelta(hours=6)

    def path(item: Item, name: RenditionName) -> str:
        address = MediaAddress(PartnerId(partner), 0, item.id, item.version, name, Use.REPRINT, expires)
        return f"/media/{signer.sign(address)}"

    return await _answers(here, None, [path(*one) for one in _files(house)])


def _files(house: House) -> list[tuple[Item, RenditionName]]:
    items = (house.picture, house.sound, house.film)
    return [(item, one.name) for item in items for one in item.renditions]


async def by_pull(here: Serving, house: House, partner: str, folder: Path) -> Found:
    """The partner's folder after `pull`, in every file that it may have."""
    key, copy = folder / f"{partner}.key", folder / f"{partner}-copy"
    key.write_text(house.keys[partner])
    key.chmod(0o600)
    words = ["pull", here.address, "--key-file", str(key), "--to", str(copy), "--renditions", "all"]
    done = await asyncio.to_thread(command, *words, data=folder / "client")
    assert done.returncode == 0, done.stderr
    files = (path for path in sorted(copy.rglob("*")) if path.is_file())
    found = {str(path.relative_to(copy)): path.read_bytes() for path in files}
    return {**found, "output": done.stdout.encode() + done.stderr.encode()}


WAYS: dict[str, Way] = {
    "feed": by_feed,
    "podcast": by_podcast,
    "archive": by_archive,
    "item": by_item,
    "changes": by_changes,
    "media address": by_media_address,
    "signed address": by_signed_address,
    "pull": by_pull,
}
FILE_BEGINNINGS = (b"\xff\xd8\xff", b"ID3", b"ftypisom", b"WEBVTT")
"""What a picture, a sound, a film and a transcript begin with."""


def test_a_text_only_partner_gets_the_story_and_nothing_of_any_medium_on_every_way(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        kept = secrets(house)
        for name, way in WAYS.items():
            told = await way(here, house, "txt", tmp_path)
            for where, given in told.items():
                for secret in kept:
                    assert secret not in given, (name, where, secret.decode())
                for beginning in FILE_BEGINNINGS:
                    assert beginning not in given, (name, where, beginning)
            story = any(STORY.encode() in given for given in told.values())
            assert story is (name in ("feed", "archive", "item", "changes", "pull")), name
        assert not [line for line in await media_lines(here) if line.partner == "txt"]
        # The ways are real: each carries words, addresses or files to whoever may have them.
        for name, way in WAYS.items():
            told = await way(here, house, "all", tmp_path)
            carried = [
                where
                for where, given in told.items()
                if any(one in given for one in (*kept, *FILE_BEGINNINGS))
            ]
            assert carried, name
            # The caption is there in the same letters; podcasts have no pictures.
            assert any(CAPTION[:6].encode() in given for given in told.values()) or name == "podcast", name
        left = {(line.item, line.rendition) for line in await media_lines(here)}
        assert left == {(item.id, one.value) for item, one in _files(house)}

    in_house(tmp_path, act)


def test_what_a_text_only_partner_is_told_of_a_picture_is_that_there_is_one(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        key = house.keys["txt"]
        documents = {
            path: json.loads((await here.get(path, key=key)).body)
            for path in (
                f"/licensed/items/{house.story.id}",
                "/licensed/changes",
                "/licensed/feeds/all.json",
            )
        }
        item, changes, feed = documents.values()
        for story in (item, changes["changes"][0]["item"]):
            (link,) = story["associations"]
            assert set(link) == {"name", "rel", "uri", "type", "usageTerms"}
            assert (link["type"], link["uri"]) == ("picture", _uri(here, house.picture))
        assert [one["id"] for one in changes["changes"]] == [house.story.id]
        (entry,) = feed["items"]
        (link,) = entry["_syndicate"]["associations"]
        assert {**link, "place": 1} == {
            "id": _uri(here, house.picture),
            "medium": "picture",
            "place": 1,
            "available": False,
        }
        assert "attachments" not in entry
        assert "image" not in entry
        # RSS and Atom have no word for a picture that cannot be had.
        for format in ("rss", "atom"):
            text = (await here.get(f"/licensed/feeds/all.{format}", key=key)).text
            for word in ("<enclosure", 'rel="enclosure"', "media:", house.picture.id):
                assert word not in text.replace('xmlns:media="', ""), (format, word)

    in_house(tmp_path, act)


def _uri(here: Serving, item: Item) -> str:
    return tag_uri(here.house.settings.publisher.authority, item.id)
