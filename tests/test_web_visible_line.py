"""The visible line, from outside: who gets a picture with it, who without, and what is said of it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from PIL import Image, ImageFont

from syndicate.cli.ui.media_text import media_as_json, who_may_have
from syndicate.errors import Faulty
from syndicate.media.pictures import line_font
from syndicate.media.pictures.jpeg_file import jpeg_metadata
from syndicate.media.pictures.line_font import known_font
from syndicate.media.xmp import read_xmp
from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName
from syndicate.model.media_events import MediaDelivered
from syndicate.model.parties import PartnerId
from syndicate.services.delivery.player_editions import for_players
from tests.support.factories import STAFF
from tests.support.fixtures import code_of, jti_of, session_for
from tests.support.media_house import STAMP, House, a_picture, furnish, licence
from tests.support.servers import Serving, free_port, serving
from tests.support.shell import Shell

ALL = '"text", "picture", "audio", "video"'
PREVIEWS = 'renditions = ["web", "预览"]\nvisible_line = true'
LICENCES = {
    "plain": licence("plain", ALL),
    "lined": licence("lined", ALL, PREVIEWS),
    # One of its grants gives the preview without a line.
    "both": licence("both", ALL, "visible_line = true\n")
    + '[[grant]]\nuses = ["reprint"]\noutlets = ["daily"]\nmedia = ["picture"]\n',
}
Act = Callable[[Serving, House], Awaitable[None]]


@pytest.fixture
def font() -> Path:
    found = known_font()
    if found is None:
        pytest.skip("no font with Chinese characters found: apt-get install fonts-wqy-microhei")
    return found


@pytest.fixture
def latin(tmp_path: Path) -> Path:
    """A font without Chinese characters: the one that comes with Pillow."""
    inside = ImageFont.load_default(10)
    assert isinstance(inside, ImageFont.FreeTypeFont)
    assert isinstance(inside.path, io.BytesIO)
    file = tmp_path / "latin.ttf"
    file.write_bytes(inside.path.getvalue())
    return file


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    """`serve` says where the log of its process goes; the tests of other files read it elsewhere."""
    yield
    structlog.reset_defaults()


def in_house(
    folder: Path,
    act: Act,
    licences: Mapping[str, str] = LICENCES,
    *,
    settings: str = "",
    picture: bytes | None = None,
) -> None:
    file = folder / "settings.toml"
    file.write_text(settings)

    async def inside() -> None:
        async with serving(folder / "house", file=file) as here:
            house = await furnish(here, folder, licences, public_preview=True, picture=picture)
            await act(here, house)

    asyncio.run(inside())


def _media(item: Any, rendition: str = "preview") -> str:
    return f"/licensed/media/{item.id}/{rendition}"


def _has_line(content: bytes) -> bool:
    """Whether light characters stand on a dark strip at the lower edge of a picture."""
    with Image.open(io.BytesIO(content)) as image:
        grey = image.convert("L")
    greys = grey.crop((0, grey.height - 16, *grey.size)).tobytes()
    return min(greys) < 50 and max(greys) > 200


def _above(content: bytes) -> list[int]:
    """The colours of what no line covers, few enough to be compared."""
    with Image.open(io.BytesIO(content)) as image:
        whole = image.convert("RGB")
    return list(whole.crop((0, 0, whole.width, whole.height * 4 // 5)).resize((16, 8)).tobytes())


async def _lines(here: Serving) -> list[MediaDelivered]:
    found = await here.house.store.lines(limit=10_000)
    return [one.entry.event for one in found if isinstance(one.entry.event, MediaDelivered)]


@pytest.mark.usefixtures("font")
def test_a_preview_has_the_line_at_its_edge_for_whose_grant_says_so_and_for_no_other(
    tmp_path: Path,
) -> None:
    async def act(here: Serving, house: House) -> None:
        path = _media(house.picture)
        found = {who: await here.get(path, key=house.keys[who]) for who in ("lined", "plain", "both")}
        assert {who: answer.status for who, answer in found.items()} == dict.fromkeys(found, 200)
        assert {who: _has_line(answer.body) for who, answer in found.items()} == {
            "lined": True,
            "plain": False,
            "both": False,
        }
        lined, plain = found["lined"], found["plain"]
        assert plain.body == found["both"].body
        assert _above(lined.body) == pytest.approx(_above(plain.body), abs=12)
        for one in (lined, plain):
            (packet,) = jpeg_metadata(one.body).xmp
            fields = read_xmp(packet)
            assert fields is not None
            assert fields.all("photoshop:Instructions") == (STAMP,)
        # What a cache of a partner has of the one file is not taken for the other.
        assert lined.headers["ETag"] != plain.headers["ETag"]
        for who, other in (("lined", plain), ("plain", lined)):
            known = {"If-None-Match": other.headers["ETag"]}
            assert (await here.get(path, key=house.keys[who], headers=known)).body == found[who].body
            known = {"If-None-Match": found[who].headers["ETag"]}
            assert (await here.get(path, key=house.keys[who], headers=known)).status == 304
            part = await here.get(
                path,
                key=house.keys[who],
                headers={"Range": "bytes=-100", "If-Range": found[who].headers["ETag"]},
            )
            assert (part.status, part.body) == (206, found[who].body[-100:])
            whole = await here.get(
                path,
                key=house.keys[who],
                headers={"Range": "bytes=-100", "If-Range": other.headers["ETag"]},
            )
            assert (whole.status, whole.body) == (200, found[who].body)
        shown = media_as_json(house.picture, [], await who_may_have(here.house, house.picture))
        files = shown["renditions"]
        assert isinstance(files, list)
        with_line = {one["name"]: one["with_line"] for one in files}
        assert with_line == {"original": [], "web": [], "preview": ["lined"], "thumbnail": []}
        for line in await _lines(here):
            assert line.visible_line == (line.partner == "lined")
            assert line.sha256 == hashlib.sha256(found[line.partner].body).hexdigest()
        stamped = here.house.settings.stamped
        kept = [one.suffix.removeprefix(".") for one in stamped.glob("??/*.*")]
        assert sorted(kept) == sorted(hashlib.sha256(one.body).hexdigest() for one in (lined, plain))

    in_house(tmp_path, act)


@pytest.mark.usefixtures("font")
def test_the_other_renditions_have_no_line_and_items_and_players_are_told_the_right_size(
    tmp_path: Path,
) -> None:
    async def act(here: Serving, house: House) -> None:
        key, base = house.keys["lined"], here.house.settings.base_url
        assert not _has_line((await here.get(_media(house.picture, "web"), key=key)).body)
        item = json.loads((await here.get(f"/licensed/items/{house.picture.id}", key=key)).body)
        sizes = {one["name"]: one["sizeInBytes"] for one in item["renditions"]}
        for name, size in sizes.items():
            assert len((await here.get(_media(house.picture, name), key=key)).body) == size
        session = await session_for(here.house, PartnerId("lined"), jti_of(key))
        edition = await here.house.delivery.licensed_feed("pictures", session, None)
        signer = await here.house.authenticator.address_signer()
        signed = for_players(edition, signer, session.register, base, here.clock())
        (picture,) = signed.edition.items
        (preview,) = (one for one in picture.renditions if one.rendition.name is RenditionName.PREVIEW)
        opened = await here.get(preview.address.removeprefix(base))
        assert opened.body == (await here.get(_media(house.picture), key=key)).body
        assert preview.size == len(opened.body)
        assert _has_line(opened.body)

    in_house(tmp_path, act)


@pytest.mark.usefixtures("font")
@pytest.mark.parametrize("asked", [True, False])
def test_the_public_preview_has_the_line_where_the_publisher_says_so(tmp_path: Path, asked: bool) -> None:
    async def act(here: Serving, house: House) -> None:
        seen = await here.get(f"/items/{house.picture.id}/preview")
        assert seen.status == 200
        assert _has_line(seen.body) == asked
        page = await here.get(f"/items/{house.picture.id}", headers={"Accept": "text/html"})
        assert f"/items/{house.picture.id}/preview" in page.text
        feed = json.loads((await here.get("/feeds/pictures.json")).body)
        (attached,) = feed["items"][0]["attachments"]
        assert attached["size_in_bytes"] == len(seen.body)
        # A partner's files follow its own grants.
        for who, lined in (("plain", False), ("lined", True)):
            mine = await here.get(_media(house.picture), key=house.keys[who])
            assert _has_line(mine.body) == lined

    in_house(tmp_path, act, settings=f"[publisher]\nvisible_line = {str(asked).lower()}\n")


@pytest.mark.usefixtures("font")
def test_a_picture_too_small_for_the_line_stays_where_a_line_is_needed(tmp_path: Path) -> None:
    async def act(here: Serving, house: House) -> None:
        assert (await here.get(_media(house.picture), key=house.keys["plain"])).status == 200
        assert code_of(await here.get(_media(house.picture), key=house.keys["lined"]))[0] == 404
        item = await here.get(f"/licensed/items/{house.picture.id}", key=house.keys["lined"])
        assert [one["name"] for one in json.loads(item.body)["renditions"]] == ["web"]
        for path in (f"/items/{house.picture.id}/preview", f"/items/{house.picture.id}/preview.jpg"):
            assert (await here.get(path)).status == 404
        notes = await here.house.store.notes(ItemId(house.picture.id), 1)
        assert "media_line_missing" in [one.code for one in notes]

    small = io.BytesIO()
    Image.new("RGB", (60, 40), (90, 140, 90)).save(small, "JPEG")
    in_house(tmp_path, act, settings="[publisher]\nvisible_line = true\n", picture=small.getvalue())


@pytest.mark.usefixtures("font")
def test_a_font_that_is_lost_later_stops_the_previews_with_a_line_and_nothing_else(tmp_path: Path) -> None:
    font = tmp_path / "own.ttc"
    found = known_font()
    assert found is not None
    font.write_bytes(found.read_bytes())

    async def act(here: Serving, house: House) -> None:
        font.unlink()
        lost = await here.get(_media(house.picture), key=house.keys["lined"])
        assert code_of(lost) == (503, "unavailable")
        assert await _lines(here) == []
        assert (await here.get(_media(house.picture), key=house.keys["plain"])).status == 200
        assert (await here.get(_media(house.picture, "web"), key=house.keys["lined"])).status == 200
        assert (await here.get(f"/licensed/items/{house.story.id}", key=house.keys["lined"])).status == 200
        font.write_bytes(found.read_bytes())
        assert _has_line((await here.get(_media(house.picture), key=house.keys["lined"])).body)

    in_house(tmp_path, act, settings=f'[publisher]\nvisible_line_font = "{font}"\n')


@pytest.mark.usefixtures("_log_as_before")
@pytest.mark.parametrize("which", ["missing", "latin", "none"])
def test_nothing_begins_with_a_line_that_cannot_be_drawn(
    tmp_path: Path, latin: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    font = {"missing": tmp_path / "nowhere.ttf", "latin": latin, "none": None}[which]
    monkeypatch.setattr(line_font, "FONTS", ())
    named = "" if font is None else f'visible_line_font = "{font}"\n'
    file = tmp_path / "settings.toml"
    file.write_text(f"[publisher]\nvisible_line = true\n{named}")
    shell = Shell(tmp_path / "var")
    shell.good("init")
    story = tmp_path / "story.txt"
    story.write_text("湘湖\n")
    for words in (("serve", "--port", str(free_port())), ("ingest", str(story))):
        refused = shell("--config", str(file), *words)
        assert refused.code == 2
        field = "publisher.visible_line" if font is None else "publisher.visible_line_font"
        assert f"{field}：" in refused.err
        said = {"missing": "fonts-noto-cjk", "latin": "缺字：稿件来源", "none": "fonts-noto-cjk"}[which]
        assert said in refused.err
        assert "就绪" not in refused.err
        english = shell("--config", str(file), "--lang", "en", *words)
        assert "font" in english.err


def test_a_licence_with_a_line_is_refused_where_none_can_be_drawn_or_no_preview_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_font, "FONTS", ())

    async def inside() -> None:
        async with serving(tmp_path / "house") as here:
            rights = here.house.rights
            await rights.add_partner(STAFF, PartnerId("lined"), "lined")
            with pytest.raises(Faulty) as caught:
                await rights.add_licence(STAFF, LICENCES["lined"], "l.toml")
            (fault,) = caught.value.faults
            assert (fault.code, fault.field) == ("no_font", "grant[0].visible_line")
            assert "fonts-noto-cjk" in fault.text.zh
            for media, renditions in (('"text"', ""), ('"picture"', 'renditions = ["web"]\n')):
                with pytest.raises(Faulty) as caught:
                    await rights.add_licence(
                        STAFF, licence("lined", media, f"{renditions}visible_line = true"), "l.toml"
                    )
                (fault,) = caught.value.faults
                assert fault.code == "no_preview"
            assert (await rights.register()).licences_of(PartnerId("lined")) == ()

    asyncio.run(inside())


@pytest.mark.usefixtures("font")
def test_ingest_says_which_licences_get_no_preview_where_the_font_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path / "var")
    shell.good("init")
    shell.good("partner", "add", "lined", "--name", "lined")
    agreed = tmp_path / "l.toml"
    agreed.write_text(LICENCES["lined"].replace("valid_until = 2027", "valid_until = 2999"))
    shell.good("licence", "add", str(agreed))
    (tmp_path / "a.jpg").write_bytes(a_picture())
    (tmp_path / "a.toml").write_text(
        'headline = "湘湖"\nsource = "萧山网-萧山日报"\npublished = 2026-11-02T09:00:00+08:00\n'
    )
    monkeypatch.setattr(line_font, "FONTS", ())
    taken = shell.good("ingest", str(tmp_path / "a.jpg"))
    assert "协议 L-lined 要求预览带可见标注，但画不上" in taken.err
    assert "fonts-noto-cjk" in taken.err


@pytest.mark.usefixtures("font")
def test_staff_read_who_gets_the_line(tmp_path: Path) -> None:
    shell, folder = Shell(tmp_path / "var"), tmp_path / "in"
    shell.good("init")
    folder.mkdir()
    (folder / "a.jpg").write_bytes(a_picture())
    (folder / "a.toml").write_text(
        'headline = "湘湖"\ncaption = "图"\nsource = "萧山网-萧山日报"\n'
        "published = 2026-11-02T09:00:00+08:00\n"
    )
    (taken,) = shell.good("ingest", "--json", str(folder)).lines
    for partner in ("plain", "lined"):
        shell.good("partner", "add", partner, "--name", partner)
        file = tmp_path / f"{partner}.toml"
        file.write_text(LICENCES[partner])
        shell.good("licence", "add", str(file))
    mandate = tmp_path / "m.toml"
    mandate.write_text(
        'number = "H"\nholder = "萧山日报社"\noutlets = ["daily"]\nmedia = ["picture"]\nexclusive = true\n'
        "valid_from = 2015-01-01\n"
    )
    shell.good("mandate", "add", str(mandate))
    at, id = "2026-11-03 08:00", taken["id"]
    asked = ("explain", "--item", id, "--use", "reprint", "--at", at, "--known", "now")
    told = shell.good(*asked, "--partner", "lined")
    assert "文件规格：网页版、预览" in told.err + told.out
    assert "带可见标注：预览" in told.err + told.out
    assert shell.good(*asked, "--partner", "lined", "--json").json["visible_line"] == ["preview"]
    assert shell.good(*asked, "--partner", "plain", "--json").json["visible_line"] == []
    shown = shell.good("licence", "show", "L-lined")
    assert "画在图片的预览上" in shown.out + shown.err
    compared = shell("licence", "diff", "L-plain", str(tmp_path / "lined.toml"))
    assert "预览带可见标注 否 → 是〔收紧〕" in compared.out + compared.err
