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
def read(text)
  feed = RSS::Parser.parse(text, true)
  {
    title: feed.channel.title, link: feed.channel.link, language: feed.channel.language,
    items: feed.items.map { |item|
      { guid: item.guid.content, link: item.link, title: item.title, description: item.description,
        content: item.content_encoded, source: item.source.content, creator: item.dc_creator,
        rights: item.dc_rights, date: item.pubDate.to_i }
    }
  }
rescue => error
  { error: error.full_message }
end
puts JSON.generate(JSON.parse(STDIN.read).transform_values { |text| read(text) })
"""
NODE = """
const Parser = require("rss-parser");
const parser = new Parser({ customFields: { item: ["source", "dc:rights"] } });
const read = (text) => parser.parseString(text).catch((error) => ({ error: String(error) }));
let text = "";
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", async () => {
  const answers = {};
  for (const [name, feed] of Object.entries(JSON.parse(text))) answers[name] = await read(feed);
  process.stdout.write(JSON.stringify(answers));
});
"""
Answers = dict[str, dict[str, Any]]


def asked(command: list[str], feeds: dict[str, bytes], **where: Any) -> Answers:
    """What the program reads from each feed: `error` where it does not read it."""
    question = json.dumps({name: body.decode() for name, body in feeds.items()}).encode()
    done = subprocess.run(command, input=question, capture_output=True, check=False, timeout=60, **where)
    assert done.returncode == 0, done.stderr.decode()
    answers: Answers = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="module")
def ruby_answers() -> Answers:
    """What Ruby's parser reads from the RSS feed of each edition."""
    command = [program("ruby", "apt-get install ruby"), "-EUTF-8:UTF-8", "-rjson", "-rrss", "-e", RUBY]
    return asked(command, {case: FEED_FORMATS["rss"].render(one).body for case, one in EDITIONS.items()})


@pytest.fixture(scope="module")
def node_answers() -> Answers:
    """What rss-parser of npm reads from each edition: the names are CASE.FORMAT."""
    node, folder = program("node", "apt-get install nodejs"), rss_parser()
    feeds = {
        f"{case}.{format}": FEED_FORMATS[format].render(one).body
        for case, one in EDITIONS.items()
        for format in ("rss", "atom")
    }
    return asked([node, "-e", NODE], feeds, cwd=folder)


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
        links = [link for link in entry.links if link.rel != "enclosure"]
        found = {link.rel: link.href for link in links}
        assert len(links) == 2
        assert found == {"alternate": entry.link, "license": f"{PUBLISHER.base_url}/terms"}


@pytest.mark.parametrize("format", ["rss", "atom"])
def test_feedparser_finds_media_topics_apart_from_channel_and_keywords(format: str) -> None:
    edition = EDITIONS["public-feed"]
    read = feedparser.parse(FEED_FORMATS[format].render(edition).body)
    for entry, item in zip(read.entries, edition.items, strict=True):
        vocabulary = "http://cv.iptc.org/newscodes/mediatopic/"
        found = {
            scheme: [tag.term for tag in entry.tags if tag.scheme == scheme]
            for scheme in (None, vocabulary)
        }
        assert found[vocabulary] == list(item.channel.media_topics)
        assert len(found[None]) == 1 + len(item.keywords)
    assert any(item.channel.media_topics for item in edition.items)


@pytest.mark.parametrize("case", EDITIONS)
def test_ruby_s_strict_parser_reads_every_item_with_its_stamp(case: str, ruby_answers: Answers) -> None:
    edition, read = EDITIONS[case], ruby_answers[case]
    assert "error" not in read, read
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
def test_rss_parser_of_npm_reads_every_item_with_its_stamp(
    case: str, format: str, node_answers: Answers
) -> None:
    edition, read = EDITIONS[case], node_answers[f"{case}.{format}"]
    assert "error" not in read, read
    items = read.get("items", [])
    identity = "guid" if format == "rss" else "id"
    assert [item[identity] for item in items] == [item.uri for item in edition.items]
    for found, item in zip(items, edition.items, strict=True):
        summary = found["content"] if format == "rss" else found["summary"]
        assert summary.endswith(STAMP)
        if item.form is Form.FULL:
            assert found["content:encoded" if format == "rss" else "content"].endswith(f"<p>{STAMP}</p>")
