"""Readers that we did not write find the files of pictures, sound and film, and the stamp beside them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import feedparser
import podcastparser
import pytest
from lxml import etree

from syndicate.formats import FEED_FORMATS, PODCAST
from syndicate.formats.attached_media import attached_media
from syndicate.formats.podcast import guid
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName
from syndicate.model.parties import STAMP
from syndicate.stamping import Edition, StampedItem
from tests.test_wire.cases import (
    FILM,
    ILLUSTRATED,
    PARTNER,
    PICTURE,
    SOUND,
    every_edition,
    feed_of,
    for_partner,
)
from tests.test_wire.kit import READERS, program, rss_parser

CASES = ("public-media", "partner-media")
EDITIONS = {case: edition for case, edition in every_edition().items() if case in CASES}
MEDIA = "{http://search.yahoo.com/mrss/}"
PLAYED = "{http://www.itunes.com/dtds/podcast-1.0.dtd}duration"
ROME = ("rome", "rome-utils", "jdom2", "slf4j-api", "slf4j-nop")
File = tuple[str, int, str]


def rendered(case: str, format: str) -> bytes:
    known = {**FEED_FORMATS, "podcast": PODCAST}
    return known[format].render(EDITIONS[case]).body


def file_of(item: StampedItem) -> File | None:
    """The one enclosure of an item: address, length, type. Sound and film come before pictures."""
    found = attached_media(item)
    best = next((one for one in found if one.plays), found[0] if found else None)
    return None if best is None else (best.main.address, best.main.size, best.main.rendition.content_type)


def enclosures(edition: Edition) -> dict[str, File]:
    files = {item.uri: file_of(item) for item in edition.items}
    return {uri: file for uri, file in files.items() if file is not None}


@pytest.mark.parametrize("case", CASES)
def test_the_editions_have_pictures_sound_and_film(case: str) -> None:
    kinds = {file[2].partition("/")[0] for file in enclosures(EDITIONS[case]).values()}
    assert kinds == {"image", "audio", "video"}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("format", ["rss", "atom"])
def test_feedparser_finds_enclosures_and_the_stamp(case: str, format: str) -> None:
    edition = EDITIONS[case]
    read = feedparser.parse(rendered(case, format))
    assert not read.bozo
    for entry, item in zip(read.entries, edition.items, strict=True):
        files = [(one.href, int(one.length), one.type) for one in entry.enclosures]
        if format == "rss":
            assert files == [file_of(item)]
        else:
            assert [file[0] for file in files] == [one.main.address for one in attached_media(item)]
            assert file_of(item) in files
        assert entry.title == item.headline
        assert entry.summary.rstrip().endswith(STAMP)
        assert STAMP in entry.rights
    if format == "rss":
        shown = [one["url"] for entry in read.entries for one in entry.media_content]
        every = [
            file.address for item in edition.items for one in attached_media(item) for file in one.files
        ]
        assert sorted(shown) == sorted(every)


@pytest.mark.parametrize("case", CASES)
def test_every_file_in_media_rss_says_whose_it_is(case: str) -> None:
    root = etree.fromstring(rendered(case, "rss"))
    alone = [one for one in root.iter(f"{MEDIA}content") if not _is_in_group(one)]
    groups = [*root.iter(f"{MEDIA}group"), *alone]
    assert len(groups) == sum(len(attached_media(item)) for item in EDITIONS[case].items)
    for group in groups:
        assert (group.findtext(f"{MEDIA}copyright") or "").startswith(STAMP)
        assert "萧山网" in [one.text for one in group.findall(f"{MEDIA}credit")]


def _is_in_group(node: etree._Element) -> bool:
    parent = node.getparent()
    return parent is not None and parent.tag == f"{MEDIA}group"


def test_a_json_feed_has_each_file_as_an_attachment_and_a_picture_for_the_item() -> None:
    edition = EDITIONS["partner-media"]
    items = json.loads(rendered("partner-media", "json"))["items"]
    for written, item in zip(items, edition.items, strict=True):
        files = [(one, file) for one in attached_media(item) for file in one.files]
        assert [one["url"] for one in written["attachments"]] == [file.address for _, file in files]
        for found, (_, file) in zip(written["attachments"], files, strict=True):
            assert (found["mime_type"], found["size_in_bytes"]) == (file.rendition.content_type, file.size)
            assert ("duration_in_seconds" in found) == (file.rendition.duration is not None)
    assert items[0]["image"].endswith("/web.jpg")
    assert items[0]["_syndicate"]["associations"] == [
        {
            "id": f"tag:xsnet.cn,2018-01-20:item:{PICTURE.id}",
            "medium": "picture",
            "place": 1,
            "caption": "湘湖，1月20日",
            "credit": "记者 李四",
            "available": True,
        },
        {"id": f"tag:xsnet.cn,2018-01-19:item:{FILM.id}", "medium": "video", "place": 3, "available": True},
        {
            "id": "tag:xsnet.cn,2018-01-18:item:20180118-elsewhere1",
            "medium": "picture",
            "place": 4,
            "available": False,
        },
    ]


@pytest.mark.parametrize("format", [*FEED_FORMATS, "podcast"])
@pytest.mark.parametrize("case", CASES)
def test_of_what_is_not_ours_nothing_is_told_but_to_a_partner_that_there_is_a_picture(
    case: str, format: str
) -> None:
    written = rendered(case, format).decode()
    assert ("elsewhere" in written) == (case == "partner-media" and format == "json")
    assert "不应出现" not in written


def test_who_has_a_licence_for_text_alone_gets_no_file_of_a_story() -> None:
    edition = feed_of(for_partner(ILLUSTRATED, media=frozenset({Medium.TEXT})), recipient=PARTNER)
    for format in (*FEED_FORMATS.values(), PODCAST):
        written = format.render(edition).body.decode()
        for secret in ("/licensed/media/", "湘湖，1月20日", "李四", "钱塘江大潮", "enclosure"):
            assert secret not in written, format.id
    (item,) = json.loads(FEED_FORMATS["json"].render(edition).body)["items"]
    assert [one["available"] for one in item["_syndicate"]["associations"]] == [False, False, False]
    assert "attachments" not in item


@pytest.mark.parametrize("case", CASES)
def test_the_podcast_has_what_plays_and_nothing_else(case: str) -> None:
    root = etree.fromstring(rendered(case, "podcast"))
    plays = [one for one in EDITIONS[case].items if any(media.plays for media in attached_media(one))]
    assert [item.findtext("guid") for item in root.iter("item")] == [item.uri for item in plays]
    assert 0 < len(plays) < len(EDITIONS[case].items)
    for item in root.iter("item"):
        enclosure = item.find("enclosure")
        assert enclosure is not None
        assert enclosure.get("type", "").startswith(("audio/", "video/"))
        assert (item.findtext(PLAYED) or "").isdigit()


@pytest.mark.parametrize("case", CASES)
def test_gpodder_s_parser_reads_every_episode(case: str, tmp_path: Path) -> None:
    edition = EDITIONS[case]
    file = tmp_path / "feed"
    file.write_bytes(rendered(case, "podcast"))
    with file.open("rb") as stream:
        read = podcastparser.parse("https://feeds.xsnet.example/", stream)
    assert read["cover_url"].endswith("/static/cover.png")
    assert read["explicit"] is False
    expected = enclosures(edition)
    assert read["episodes"]
    for episode in read["episodes"]:
        (found,) = episode["enclosures"]
        address, size, kind = expected[episode["guid"]]
        assert found["url"].removesuffix(".mp3").removesuffix(".mp4") == address
        assert (found["file_size"], found["mime_type"]) == (size, kind)
        assert episode["total_time"] in (61, 754)
        assert STAMP in episode["description"]


NODE = """
import { parseFeed } from "feedsmith";
let text = "";
for await (const part of process.stdin) text += part;
const read = (text) => {
  try { return parseFeed(text); } catch (error) { return { error: String(error) }; }
};
const feeds = Object.entries(JSON.parse(text)).map(([name, feed]) => [name, read(feed)]);
process.stdout.write(JSON.stringify(Object.fromEntries(feeds)));
"""


@pytest.fixture(scope="module")
def feedsmith() -> dict[str, Any]:
    """What feedsmith of npm reads from each feed, CASE.FORMAT."""
    node = program("node", "apt-get install nodejs npm")
    if not (READERS / "node_modules" / "feedsmith").is_dir():
        pytest.skip("feedsmith is not installed: npm ci --prefix tests/readers")
    feeds = {
        f"{case}.{format}": rendered(case, format).decode()
        for case in CASES
        for format in ("rss", "atom", "json", "podcast")
    }
    done = subprocess.run(
        [node, "--input-type=module", "-e", NODE],
        input=json.dumps(feeds).encode(),
        capture_output=True,
        check=False,
        timeout=60,
        cwd=READERS,
    )
    assert done.returncode == 0, done.stderr.decode()
    read: dict[str, Any] = json.loads(done.stdout)
    assert all("error" not in one for one in read.values()), read
    return {name: one["feed"] for name, one in read.items()}


@pytest.mark.parametrize("case", CASES)
def test_feedsmith_of_npm_reads_files_in_every_format(case: str, feedsmith: dict[str, Any]) -> None:
    edition, expected = EDITIONS[case], enclosures(EDITIONS[case])
    for item in feedsmith[f"{case}.rss"]["items"]:
        found = [(one["url"], one["length"], one["type"]) for one in item["enclosures"]]
        assert found == [expected[item["guid"]["value"]]]
        assert STAMP in item["dc"]["rights"][0]
        media = item["media"]
        files = [
            *media.get("contents", []),
            *(one for g in media.get("groups", []) for one in g["contents"]),
        ]
        assert expected[item["guid"]["value"]][0] in {one["url"] for one in files}
    for entry in feedsmith[f"{case}.atom"]["entries"]:
        links = {(one["href"], one["length"]) for one in entry["links"] if one["rel"] == "enclosure"}
        assert expected[entry["id"]][:2] in links
        licences = [one["href"] for one in entry["links"] if one["rel"] == "license"]
        assert licences == [f"{edition.publisher.base_url}/terms"]
    for item in feedsmith[f"{case}.json"]["items"]:
        assert expected[item["id"]][0] in {one["url"] for one in item["attachments"]}


@pytest.mark.parametrize("case", CASES)
def test_feedsmith_of_npm_reads_the_podcast_s_own_elements(case: str, feedsmith: dict[str, Any]) -> None:
    channel = feedsmith[f"{case}.podcast"]
    assert channel["itunes"]["categories"] == [{"text": "News"}]
    assert channel["podcast"]["license"]["url"] == f"{EDITIONS[case].publisher.base_url}/terms"
    assert UUID(channel["podcast"]["guid"]).version == 5
    assert channel["podcast"]["guid"] == guid(channel["atom"]["links"][0]["href"])
    found = {item["guid"]["value"].rpartition(":")[2]: item for item in channel["items"]}
    transcripts = found[SOUND.id].get("podcast", {}).get("transcripts", [])
    assert [one["type"] for one in transcripts] == (["text/vtt"] if case == "partner-media" else [])


def test_rss_parser_of_npm_reads_the_enclosure() -> None:
    node, folder = program("node", "apt-get install nodejs"), rss_parser()
    script = """
      const Parser = require("rss-parser");
      let text = "";
      process.stdin.on("data", (part) => (text += part));
      process.stdin.on("end", async () => {
        const feed = await new Parser().parseString(text);
        process.stdout.write(JSON.stringify(feed.items));
      });
    """
    for case in CASES:
        done = subprocess.run(
            [node, "-e", script], input=rendered(case, "rss"), capture_output=True, check=True, cwd=folder
        )
        items = json.loads(done.stdout)
        found = {
            item["guid"]: (
                item["enclosure"]["url"],
                int(item["enclosure"]["length"]),
                item["enclosure"]["type"],
            )
            for item in items
        }
        assert found == enclosures(EDITIONS[case])


@pytest.mark.parametrize("case", CASES)
def test_rome_reads_enclosures_and_the_stamp(case: str, tmp_path: Path) -> None:
    java = program("java", "apt-get install default-jdk-headless librome-java")
    jars = [Path("/usr/share/java") / f"{name}.jar" for name in ROME]
    if not all(jar.exists() for jar in jars) or shutil.which("javac") is None:
        pytest.skip("ROME is not installed: apt-get install default-jdk-headless librome-java")
    for format in ("rss", "atom", "podcast"):
        (tmp_path / format).write_bytes(rendered(case, format))
    done = subprocess.run(
        [
            java,
            "-cp",
            ":".join(map(str, jars)),
            str(READERS / "ReadWithRome.java"),
            "rss",
            "atom",
            "podcast",
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert all(line[5].endswith(STAMP) for line in lines)
    expected = {(uri, *file) for uri, file in enclosures(EDITIONS[case]).items()}
    for format in ("rss", "atom", "podcast"):
        found = {(line[1], line[2], int(line[3]), line[4]) for line in lines if line[0] == format}
        if format == "podcast":
            assert {one[0] for one in found} < {one[0] for one in expected}
            assert found
        else:
            assert found >= expected


def test_newsboat_stores_enclosures_for_its_player(tmp_path: Path) -> None:
    newsboat = program("newsboat", "apt-get install newsboat")
    for case in CASES:
        folder = tmp_path / case
        folder.mkdir()
        addresses = []
        for format in ("rss", "podcast"):
            (folder / f"{format}.xml").write_bytes(rendered(case, format))
            addresses.append(f"file://{folder}/{format}.xml")
        (folder / "urls").write_text("\n".join(addresses) + "\n")
        done = subprocess.run(
            [newsboat, "-u", "urls", "-c", "cache.db", "-x", "reload"],
            cwd=folder,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        with sqlite3.connect(folder / "cache.db") as cache:
            rows = list(cache.execute("SELECT guid, enclosure_url, enclosure_type, content FROM rss_item"))
        expected = enclosures(EDITIONS[case])
        assert {row[0] for row in rows} == set(expected)
        for uri, address, kind, content in rows:
            if expected[uri][2].startswith("image/"):  # newsboat keeps what its player plays
                assert address == ""
            else:
                assert address.removesuffix(".mp3").removesuffix(".mp4") == expected[uri][0]
                assert kind == expected[uri][2]
            assert STAMP in content


def test_the_first_file_is_one_that_every_player_opens() -> None:
    (film,) = attached_media(for_partner(FILM))
    assert [one.rendition.name for one in film.files] == [RenditionName.PREVIEW, RenditionName.ORIGINAL]
    (sound,) = attached_media(for_partner(SOUND))
    assert sound.main.rendition.name is RenditionName.ORIGINAL
    assert sound.transcript is not None
    (picture,) = attached_media(for_partner(PICTURE))
    assert picture.main.rendition.name is RenditionName.WEB
    assert picture.small is not None
    assert not picture.plays
