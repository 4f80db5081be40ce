"""Pictures as WebP for who asks for it: the choice by Accept, and each type a file of its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from syndicate.model.media_events import MediaDelivered
from syndicate.model.parties import PartnerId
from syndicate.services.delivery.player_editions import for_players
from tests.support.fixtures import jti_of, session_for
from tests.support.media_house import STAMP, House, a_picture, furnish, licence
from tests.support.nginx import nginx_before
from tests.support.servers import Answer, Serving, serving

JPEG, WEBP = "image/jpeg", "image/webp"
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
RENDITIONS = ("web", "preview", "thumbnail")


async def _house(here: Serving, folder: Path) -> House:
    licences = {"all": licence("all", '"text", "picture", "audio", "video"')}
    return await furnish(here, folder, licences, public_preview=True, picture=a_picture(orientation=6))


def _type(answer: Answer) -> str:
    """The type that is said, which the bytes are."""
    said = answer.headers["Content-Type"]
    with Image.open(io.BytesIO(answer.body)) as image:
        assert image.get_format_mimetype() == said
    return said


def _digest(answer: Answer) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(answer.body).digest()).decode()}:"


async def _lines(here: Serving) -> list[MediaDelivered]:
    found = await here.house.store.lines(limit=10_000)
    return [one.entry.event for one in found if isinstance(one.entry.event, MediaDelivered)]


def test_accept_chooses_the_type_and_each_is_a_file_of_its_own(tmp_path: Path) -> None:
    """One house for the whole of it: each part says what it is about."""

    async def inside() -> None:
        async with serving(tmp_path / "house") as here:
            house = await _house(here, tmp_path)
            key = house.keys["all"]
            await _by_accept(here, f"/licensed/media/{house.picture.id}/web", key)
            await _by_accept(here, f"/items/{house.picture.id}/preview", None)
            for rendition in RENDITIONS:
                await _two_files(here, f"/licensed/media/{house.picture.id}/{rendition}", key)
            await _two_files(here, f"/items/{house.picture.id}/preview", None)
            await _trail(here, house, key)
            await _original_and_others(here, house, key)
            await _feeds_mean_one_type(here, house, key)

    asyncio.run(inside())


async def _by_accept(here: Serving, path: str, key: str | None) -> None:
    """Who names image/webp, and wants it no less than JPEG, gets it."""
    wanted = {
        None: JPEG,
        "*/*": JPEG,
        "image/*": JPEG,
        "image/jpeg": JPEG,
        "image/webp;q=0": JPEG,
        "image/webp;q=0, */*": JPEG,
        "image/webp;q=0.5, image/jpeg": JPEG,
        "image/webp;q=0.5, */*": JPEG,
        "image/webp;q=zwei": JPEG,
        "nothing": JPEG,
        "image/avif": JPEG,
        "image/webp": WEBP,
        "IMAGE/WebP": WEBP,
        "image/webp, image/jpeg": WEBP,
        "image/webp;q=0.8, image/jpeg;q=0.8": WEBP,
        "image/webp;q=0.3, image/jpeg;q=0": WEBP,
        "image/webp, */*;q=0.1": WEBP,
        CHROME: WEBP,
    }
    for accept, type_ in wanted.items():
        headers = {"Accept": accept} if accept is not None else {}
        answer = await here.get(path, key=key, headers=headers)
        assert (answer.status, _type(answer)) == (200, type_), accept
        assert "Accept" in answer.headers["Vary"].split(", ")
        ending = await here.get(f"{path}.jpg", key=key, headers=headers)
        assert (ending.status, _type(ending)) == (200, JPEG), accept
        assert "Accept" not in ending.headers.get("Vary", "").split(", ")


async def _two_files(here: Serving, path: str, key: str | None) -> None:
    """Each type has its own bytes, validators, digest and length, and parts of it are parts of no other."""
    files = {one: await here.get(path, key=key, headers={"Accept": one}) for one in (JPEG, WEBP)}
    assert files[JPEG].headers["ETag"] != files[WEBP].headers["ETag"]
    assert len(files[WEBP].body) < len(files[JPEG].body)
    sizes = set()
    for one, other in ((JPEG, WEBP), (WEBP, JPEG)):
        file, etag = files[one], files[one].headers["ETag"]
        assert _type(file) == one
        assert STAMP.encode() in file.body
        assert file.headers["Content-Length"] == str(len(file.body))
        assert file.headers["Repr-Digest"] == _digest(file)
        ending = {JPEG: ".jpg", WEBP: ".webp"}[one]
        assert ending in file.headers["Content-Disposition"]
        head = await here.get(path, key=key, method="HEAD", headers={"Accept": one})
        for name in ("Content-Type", "Content-Length", "ETag", "Repr-Digest", "Vary"):
            assert head.headers[name] == file.headers[name]
        asked = {"Accept": one, "Range": "bytes=10-59"}
        part = await here.get(path, key=key, headers={**asked, "If-Range": etag})
        assert (part.status, part.body) == (206, file.body[10:60])
        assert part.headers["Content-Range"] == f"bytes 10-59/{len(file.body)}"
        assert part.headers["Repr-Digest"] == file.headers["Repr-Digest"]
        whole = await here.get(path, key=key, headers={**asked, "If-Range": files[other].headers["ETag"]})
        assert (whole.status, whole.body) == (200, file.body)
        known = await here.get(path, key=key, headers={"Accept": one, "If-None-Match": etag})
        assert (known.status, known.body) == (304, b"")
        mixed = {"Accept": one, "If-None-Match": files[other].headers["ETag"]}
        assert (await here.get(path, key=key, headers=mixed)).body == file.body
        again = await here.get(path, key=key, headers={"Accept": one})
        assert again.body == file.body
        with Image.open(io.BytesIO(file.body)) as image:
            sizes.add(image.size)
    ((width, height),) = sizes
    assert width < height  # it was taken on its side


async def _trail(here: Serving, house: House, key: str) -> None:
    for one in (JPEG, WEBP):
        answer = await here.get(
            f"/licensed/media/{house.picture.id}/web",
            key=key,
            headers={"Accept": one, "Range": "bytes=0-9"},
        )
        line = (await _lines(here))[-1]
        assert (line.type, line.rendition, line.status) == (one, "web", 206)
        assert (
            f"sha-256=:{base64.b64encode(bytes.fromhex(line.sha256)).decode()}:"
            == (answer.headers["Repr-Digest"])
        )


async def _original_and_others(here: Serving, house: House, key: str) -> None:
    """What was not made here leaves as it is, whatever is asked for."""
    for item, type_ in ((house.picture, JPEG), (house.sound, "audio/mpeg"), (house.film, "video/mp4")):
        answers = [
            await here.get(f"/licensed/media/{item.id}/original", key=key, headers={"Accept": one})
            for one in (CHROME, WEBP, "*/*")
        ]
        assert {one.headers["Content-Type"] for one in answers} == {type_}
        assert len({one.body for one in answers}) == 1
        assert {one.headers["Vary"] for one in answers} == {"Authorization"}


async def _feeds_mean_one_type(here: Serving, house: House, key: str) -> None:
    """The address that a feed, an item or a player's feed gives has the type and the size that it says."""
    base = here.house.settings.base_url
    found: list[tuple[str, str, int]] = []
    item = json.loads((await here.get(f"/licensed/items/{house.picture.id}", key=key)).body)
    found += [(one["href"], one["contentType"], one["sizeInBytes"]) for one in item["renditions"]]
    for path, mine in (("/licensed/feeds/pictures.json", key), ("/feeds/pictures.json", None)):
        feed: Any = json.loads((await here.get(path, key=mine)).body)
        attached = feed["items"][0]["attachments"]
        found += [(one["url"], one["mime_type"], one["size_in_bytes"]) for one in attached]
    session = await session_for(here.house, PartnerId("all"), jti_of(key))
    edition = await here.house.delivery.licensed_feed("pictures", session, None)
    signer = await here.house.authenticator.address_signer()
    signed = for_players(edition, signer, session.register, base, here.clock())
    for file in signed.edition.items[0].renditions:
        found.append((file.address, file.rendition.content_type, file.size))
    assert len(found) >= 12
    for address, type_, size in found:
        path = address.removeprefix(base)
        own = None if path.startswith(("/media/", "/items/")) else key
        for accept in (CHROME, WEBP, "*/*"):
            answer = await here.get(path, key=own, headers={"Accept": accept})
            assert (answer.headers["Content-Type"], len(answer.body)) == (type_, size), address
    page = await here.get(f"/items/{house.picture.id}", headers={"Accept": "text/html"})
    assert f'src="/items/{house.picture.id}/preview"' in page.text


def test_the_nginx_that_we_ship_keeps_both_types_and_mixes_none_up(tmp_path: Path) -> None:
    async def inside() -> None:
        async with serving(tmp_path / "house") as here:
            house = await _house(here, tmp_path)
            path = f"/items/{house.picture.id}/preview"
            own = {one: (await here.get(path, headers={"Accept": one})).body for one in (JPEG, CHROME)}
            async with nginx_before(here.address, tmp_path / "nginx") as proxy:
                seen = []
                for accept in (CHROME, JPEG, CHROME, JPEG):
                    async with here.client.get(proxy + path, headers={"Accept": accept}) as answer:
                        assert await answer.read() == own[accept]
                        seen.append((answer.headers["Content-Type"], answer.headers["X-Cache"]))
                assert seen == [(WEBP, "MISS"), (JPEG, "MISS"), (WEBP, "HIT"), (JPEG, "HIT")]
                part = {"Accept": CHROME, "Range": "bytes=0-9"}
                async with here.client.get(proxy + path, headers=part) as answer:
                    assert (answer.status, await answer.read()) == (206, own[CHROME][:10])

    asyncio.run(inside())


def test_exiftool_reads_the_stamp_inside_the_webp(tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("no exiftool: apt-get install libimage-exiftool-perl")

    async def inside() -> list[bytes]:
        async with serving(tmp_path / "house") as here:
            house = await _house(here, tmp_path)
            asked = {"Accept": WEBP}
            paths = [f"/licensed/media/{house.picture.id}/{one}" for one in RENDITIONS]
            mine = [await here.get(path, key=house.keys["all"], headers=asked) for path in paths]
            return [
                one.body
                for one in (*mine, await here.get(f"/items/{house.picture.id}/preview", headers=asked))
            ]

    files = []
    for number, content in enumerate(asyncio.run(inside())):
        files.append(tmp_path / f"{number}.webp")
        files[-1].write_bytes(content)
    read = subprocess.run(
        ["exiftool", "-j", "-G1", "-struct", "-all", "-validate", *map(str, files)],
        capture_output=True,
        check=True,
    )
    found = json.loads(read.stdout)
    assert len(found) == len(files)
    for one in found:
        assert (one["File:MIMEType"], one["ExifTool:Validate"]) == (WEBP, "OK")
        assert one["XMP-dc:Rights"].startswith(STAMP)
        assert one["XMP-photoshop:Instructions"] == STAMP
        assert one["XMP-photoshop:Credit"] == "萧山网"
        assert one["XMP-xmpRights:Marked"] is True
        assert "prohibited" in one["XMP-plus:DataMining"].lower()
        assert not [name for name in one if name.startswith(("GPS", "IFD0", "ExifIFD"))]
