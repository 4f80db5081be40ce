"""Feed readers that we did not write find every item, its stamp in summary and content, and its links."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import feedparser
import pytest

from syndicate.formats import FEED_FORMATS
from syndicate.model.parties import STAMP
from syndicate.model.rights import Form
from tests.test_wire.cases import PUBLISHER, every_edition
from tests.test_wire.kit import program, rss_parser

EDITIONS = every_edition()
RUBY = """
feed = RSS::Parser.parse(STDIN.read, true)
puts JSON.generate(
  title: feed.channel.title, link: feed.channel.link, language: feed.channel.language,
  items: feed.items.map { |item|
    { guid: item.guid.content, link: item.link, title: item.title, description: item.description,
      content: item.content_encoded, source: item.source.content, creator: item.dc_creator,
      rights: item.dc_rights, date: item.pubDate.to_i }
  }
)
"""
NODE = """
const Parser = require("rss-parser");
const parser = new Parser({ customFields: { item: ["source", "dc:rights"] } });
let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", async () => {
  const feed = await parser.parseString(text);
  process.stdout.write(JSON.stringify(feed));
});
"""


def asked(command: list[str], body: bytes, **where: Any) -> dict[str, Any]:
    done = subprocess.run(command, input=body, capture_output=True, check=False, timeout=60, **where)
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("case", EDITIONS)
@pytest.mark.parametrize("format", ["rss", "atom"])
def test_feedparser_finds_the_stamp_in_the_summary_and_the_content_of_every_item(
    case: str, format: str
) -> None:
    edition = EDITIONS[case]
    read = feedparser.parse(FEED_FORMATS[format].render(edition).body)
    assert not read.bozo
    assert [entry.id for entry in read.entries] == [item.uri for item in edition.items]
    for entry, item in zip(read.entries, edition.items, strict=True):
        assert entry.summary.rstrip().endswith(STAMP)
        assert entry.source.title == STAMP
        assert entry.rights.startswith(STAMP)
        assert entry.published_parsed[:6] == item.published.utctimetuple()[:6]
        assert ("content" in entry) == (item.form is Form.FULL)
        for content in entry.get("content", []):
            assert content.value.rstrip().endswith(f"<p>{STAMP}</p>")


@pytest.mark.parametrize("case", EDITIONS)
def test_feedparser_finds_one_alternate_and_one_licence_link_in_every_atom_entry(case: str) -> None:
    read = feedparser.parse(FEED_FORMATS["atom"].render(EDITIONS[case]).body)
    for entry in read.entries:
        found = {link.rel: link.href for link in entry.links}
        assert len(entry.links) == 2
        assert found == {"alternate": entry.link, "license": f"{PUBLISHER.base_url}/terms"}


@pytest.mark.parametrize("case", EDITIONS)
def test_ruby_s_strict_parser_reads_every_item_with_its_stamp(case: str) -> None:
    ruby = program("ruby", "apt-get install ruby")
    edition = EDITIONS[case]
    command = [ruby, "-EUTF-8:UTF-8", "-rjson", "-rrss", "-e", RUBY]
    read = asked(command, FEED_FORMATS["rss"].render(edition).body)
    assert read["link"] == PUBLISHER.home
    assert read["language"] == "zh-cn"
    assert [item["guid"] for item in read["items"]] == [item.uri for item in edition.items]
    for found, item in zip(read["items"], edition.items, strict=True):
        assert found["description"].endswith(STAMP)
        assert found["source"] == STAMP
        assert STAMP in found["rights"]
        assert found["date"] == int(item.published.timestamp())
        if item.form is Form.FULL:
            assert found["content"].endswith(f"<p>{STAMP}</p>")
        else:
            assert found["content"] is None


@pytest.mark.parametrize("case", EDITIONS)
@pytest.mark.parametrize("format", ["rss", "atom"])
def test_rss_parser_of_npm_reads_every_item_with_its_stamp(case: str, format: str) -> None:
    node, folder = program("node", "apt-get install nodejs"), rss_parser()
    edition = EDITIONS[case]
    read = asked([node, "-e", NODE], FEED_FORMATS[format].render(edition).body, cwd=folder)
    items = read.get("items", [])
    identity = "guid" if format == "rss" else "id"
    assert [item[identity] for item in items] == [item.uri for item in edition.items]
    for found, item in zip(items, edition.items, strict=True):
        summary = found["content"] if format == "rss" else found["summary"]
        assert summary.endswith(STAMP)
        if item.form is Form.FULL:
            assert found["content:encoded" if format == "rss" else "content"].endswith(f"<p>{STAMP}</p>")
