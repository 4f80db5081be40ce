"""Chromium opens our pages and files: pictures are upright, sound and film play and seek."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import feedparser
import pytest
from PIL import Image
from playwright.sync_api import Browser

from syndicate.model.parties import STAMP
from tests.support.browser import WIDTHS, Window, chromium, window
from tests.support.servers import command, served

LANGUAGES = ("", "?lang=en")
SIDECAR = """headline = "{name}"
caption = "{name}的说明。"
byline = "记者 甲一"
source = "萧山网-{outlet}"
published = 2018-02-01T08:00:00+08:00
"""
CORNERS = {"blue": (20, 40, 220), "red": (220, 30, 30), "green": (20, 200, 60), "yellow": (230, 220, 30)}
"""The colours of the upright picture: top left, top right, bottom right, bottom left."""
READ_CORNERS = """image => {
    const canvas = document.createElement("canvas"), inset = 20
    const width = canvas.width = image.naturalWidth, height = canvas.height = image.naturalHeight
    const drawn = canvas.getContext("2d", {willReadFrequently: true})
    drawn.drawImage(image, 0, 0)
    const left = inset, right = width - inset, top = inset, bottom = height - inset
    const places = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return {width, height, corners: places.map(([x, y]) => Array.from(drawn.getImageData(x, y, 1, 1).data))}
}"""
"""The size of a picture as the browser shows it, and its colours near the corners, clockwise."""
DECODE_ALL = """() => Promise.all(Array.from(document.images, image => {
    image.loading = "eager"
    return image.decode()
}))"""
"""Waits until every picture of the page is loaded; fails with the first that cannot be shown."""
PLAY_AND_SEEK = """async player => {
    const until = (name, reached = () => true) => new Promise((resolve, reject) => {
        player.addEventListener("error", () => reject(new Error(player.error.message)), {once: true})
        player.addEventListener(name, () => { if (reached()) resolve() })
    })
    if (player.error) throw new Error(player.error.message)
    if (player.readyState < HTMLMediaElement.HAVE_METADATA) await until("loadedmetadata")
    player.muted = true
    const moves = until("timeupdate", () => player.currentTime > 0)
    await player.play()
    await moves
    const loaded = player.buffered.length ? player.buffered.end(player.buffered.length - 1) : 0
    const target = player.duration * 0.9, sought = until("seeked")
    player.currentTime = target
    await sought
    const arrived = player.currentTime
    await until("timeupdate", () => player.currentTime > arrived)
    player.pause()
    return {duration: player.duration, loaded, target, arrived,
            width: player.videoWidth ?? 0, height: player.videoHeight ?? 0}
}"""
"""What a player does that has its metadata: it plays, jumps to nine tenths, and plays on from there."""


@dataclass(frozen=True)
class Site:
    """The demonstration, being served, with a turned picture and a sound and a film of some megabytes.

    `items` are the ids of its items: `story`, `picture`, `audio`, `video` as the demonstration has them,
    `turned`, `long.mp3`, `long.mp4`.
    """

    browser: Browser
    address: str
    items: Mapping[str, str]
    key: str

    def signed(self) -> dict[str, str]:
        """The addresses of the partner's podcast that need no key, by the headline of their item."""
        request = urllib.request.Request(
            f"{self.address}/licensed/feeds/all.podcast.rss",
            headers={"Authorization": f"Bearer {self.key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            read = feedparser.parse(answer.read())
        return {one.title: one.enclosures[0].href for one in read.entries}


def _recordings(folder: Path) -> None:
    """A sound and a film that are larger than what a browser loads ahead, made by ffmpeg."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("ffmpeg not found: apt-get install ffmpeg")
    quick = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10"]
    noise = "testsrc=size=320x240:rate=10:duration=40,noise=alls=80:allf=t"
    tone = "sine=frequency=440:sample_rate=44100:duration=600"
    for name, options in (
        ("long.mp4", [noise, *quick, "-b:v", "3M", "-minrate", "3M", "-maxrate", "3M", "-bufsize", "1M"]),
        ("long.mp3", [tone, "-b:a", "128k"]),
    ):
        made = [program, "-v", "error", "-f", "lavfi", "-i", *options, str(folder / name)]
        subprocess.run(made, check=True, timeout=100)


def _turned_picture(file: Path) -> None:
    """A picture as a telephone held upright writes it: lying on its side, with orientation 6."""
    upright = Image.new("RGB", (400, 600))
    places = ((0, 0), (200, 0), (200, 300), (0, 300))
    for (x, y), colour in zip(places, CORNERS.values(), strict=True):
        upright.paste(colour, (x, y, x + 200, y + 300))
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = lying.getexif()
    exif[0x0112] = 6
    lying.save(file, "JPEG", exif=exif, quality=95)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data, folder = tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("newsroom")
    with chromium() as browser:
        _recordings(folder)
        _turned_picture(folder / "turned.jpg")
        for name, outlet in (
            ("long.mp4", "萧山电视台"),
            ("long.mp3", "萧山人民广播电台"),
            ("turned.jpg", "萧山日报"),
        ):
            said = SIDECAR.format(name=name, outlet=outlet)
            (folder / name).with_suffix(f"{Path(name).suffix}.toml").write_text(said, encoding="utf-8")
        assert command("demo", "--media", data=data).returncode == 0
        taken = command("--json", "ingest", str(folder), data=data)
        assert taken.returncode == 0, taken.stdout + taken.stderr
        listed = command("--json", "item", "list", data=data)
        items = {one["headline"]: one["id"] for one in map(json.loads, listed.stdout.splitlines())}
        with served(data) as server:
            yield Site(browser, server.address, items, (data / "demo.key").read_text().strip())


def corners(shown: Window, selector: str) -> tuple[int, int, list[str]]:
    """Width and height of a picture as it is shown, and the names of its colours, clockwise."""
    picture = shown.page.locator(selector)
    picture.evaluate("image => image.decode()")
    read: dict[str, Any] = picture.evaluate(READ_CORNERS)
    names = [
        min(CORNERS, key=lambda name: sum(abs(a - b) for a, b in zip(CORNERS[name], seen, strict=False)))
        for seen in read["corners"]
    ]
    return read["width"], read["height"], names


def test_a_picture_taken_with_a_turned_camera_is_upright(site: Site) -> None:
    item = site.items["turned.jpg"]
    with window(site.browser) as shown:
        shown.page.goto(f"{site.address}/items/{item}")
        assert corners(shown, "figure img") == (400, 600, list(CORNERS))
        assert shown.faults == []
    with window(site.browser, key=site.key) as shown:
        shown.page.goto(f"{site.address}/terms")
        for rendition in ("original", "web"):
            path = f"/licensed/media/{item}/{rendition}"
            shown.page.locator("main").evaluate(
                "(main, path) => { main.innerHTML = `<img src=${path}>` }", path
            )
            assert corners(shown, "main img") == (400, 600, list(CORNERS)), rendition
        assert shown.faults == []


@pytest.mark.parametrize(("name", "element"), [("long.mp3", "audio"), ("long.mp4", "video")])
def test_a_player_opens_a_signed_address_plays_and_seeks_beyond_what_it_has_loaded(
    site: Site, name: str, element: str
) -> None:
    address = site.signed()[name]
    with window(site.browser) as shown:
        shown.page.goto(address, wait_until="commit")
        # Chromium plays a file that is opened by itself in a `video` element, a sound too.
        seen = shown.page.locator("video").evaluate(PLAY_AND_SEEK)
        assert seen["duration"] == pytest.approx(600 if element == "audio" else 40, abs=1)
        assert seen["loaded"] < seen["target"]
        assert seen["arrived"] == pytest.approx(seen["target"], abs=0.5)
        assert (seen["width"], seen["height"]) == ((0, 0) if element == "audio" else (320, 240))
        asked = shown.statuses(address)
        assert {status for range, status in asked if range} == {206}, asked
        assert any(range not in ("", "bytes=0-") for range, _ in asked), asked
        assert shown.faults == []


@pytest.mark.parametrize(
    ("headline", "element", "length"),
    [("湘湖晨曲（示范音频）", "audio", 12), ("湘湖一日（示范视频）", "video", 5)],
    ids=["audio", "video"],
)
def test_the_page_of_a_sound_and_of_a_film_plays_its_preview(
    site: Site, headline: str, element: str, length: int
) -> None:
    with window(site.browser) as shown:
        shown.page.goto(f"{site.address}/items/{site.items[headline]}")
        seen = shown.page.locator(element).evaluate(PLAY_AND_SEEK)
        assert seen["duration"] == pytest.approx(length, abs=0.2)
        assert seen["arrived"] == pytest.approx(seen["target"], abs=0.2)
        assert {status for _, status in shown.statuses("/preview")} == {206}
        assert shown.faults == []


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_every_page_fits_its_window_and_nothing_on_it_is_blocked_or_missing(site: Site, width: int) -> None:
    pages = [f"/items/{item}" for item in site.items.values()]
    pages += ["/", "/terms", "/feeds/all/2018-01.atom", "/feeds/audio.podcast.rss"]
    pages += [f"/feeds/all.{format}" for format in ("rss", "atom", "json")]
    with window(site.browser, width) as shown:
        for path, language in product(pages, LANGUAGES):
            answer = shown.page.goto(site.address + path + language)
            assert answer is not None
            assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert STAMP in shown.page.inner_text("main"), path
            shown.page.evaluate(DECODE_ALL)
            over = shown.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 0, (path, language)
            assert shown.faults == [], (path, language)
            missing = [one.url for one in shown.responses if one.status >= 400]
            assert missing == [], (path, language)
