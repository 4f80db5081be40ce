"""Our RSS breaks none of the validator's rules, and the checker does see broken ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from syndicate.formats import FEED_FORMATS, PODCAST
from syndicate.media.file_types import suffix_of
from syndicate.stamping import StampedItem, StampedRendition, with_addresses
from tests.test_wire.cases import PUBLISHER, every_edition, feed_cases
from tests.test_wire.rss_rules import broken_rules

EDITIONS = every_edition()
GOOD = FEED_FORMATS["rss"].render(feed_cases()["partner-feed"]).body.decode()


@pytest.mark.parametrize("case", EDITIONS)
def test_rss_breaks_no_rule_of_the_validator(case: str) -> None:
    edition = EDITIONS[case]
    assert broken_rules(FEED_FORMATS["rss"].render(edition).body, served=edition.feed is not None) == []


@pytest.mark.parametrize("case", ["public-media", "partner-media"])
def test_a_podcast_breaks_no_rule_of_the_validator(case: str) -> None:
    edition = replace(EDITIONS[case], publisher=replace(PUBLISHER, contact="feeds@xsnet.example"))
    if not edition.public:  # as the server writes it, with addresses for players
        edition = replace(edition, items=tuple(map(signed, edition.items)))
    broken = broken_rules(PODCAST.render(edition).body)
    assert len(etree.fromstring(PODCAST.render(edition).body).findall("channel/item")) > 1
    assert broken == []


def signed(item: StampedItem) -> StampedItem:
    def address(_: StampedItem, one: StampedRendition) -> str:
        return f"{PUBLISHER.base_url}/media/a-token{suffix_of(one.rendition.content_type)}"

    return with_addresses(item, address)


MEDIA = FEED_FORMATS["rss"].render(EDITIONS["partner-media"]).body.decode()


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("<media:title", "<media:rights status='official'/><media:title", "media:rights is not known"),
        ("<media:title", "<media:license/><media:title", "media:license is not known"),
        ('medium="image"', 'medium="picture"', "no medium"),
        ('fileSize="404000"', 'fileSize="0"', "fileSize is no number"),
        ('duration="61"', 'duration="61.0"', "duration is no number"),
        ('role="photographer"', 'role="摄影"', "is no role"),
        ('width="6000" height="4000"/>', 'size="6000"/>', "has an attribute size"),
        ('length="9004000"', 'length=""', "length is missing"),
        ('length="9004000"', 'length="-1"', "no length"),
        (
            "<enclosure",
            '<enclosure url="https://a.example/" length="1" type="a/b"/><enclosure',
            "more than one",
        ),
        ("<media:group>", "<media:group/><media:group>", "no alternatives"),
        ('enclosure url="https:', 'enclosure url="', "no absolute address"),
    ],
)
def test_the_checker_sees_a_broken_rule_of_media(good: str, bad: str, said: str) -> None:
    assert good in MEDIA
    broken = broken_rules(MEDIA.replace(good, bad).encode())
    assert any(said in rule for rule in broken), broken


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ('<itunes:category text="News"/>', "", "itunes:category is missing"),
        ('text="News"', 'text="新闻"', "is none"),
        ("<itunes:explicit>false", "<itunes:explicit>no", "neither true nor false"),
        ("<itunes:duration>754", "<itunes:duration>12m", "no length of time"),
        ("<enclosure", "<x:enclosure xmlns:x='urn:x'", "has no enclosure"),
        ('contact="', 'contact="', "itunes:owner is missing"),
    ],
)
def test_the_checker_sees_a_broken_rule_of_podcasts(good: str, bad: str, said: str) -> None:
    podcast = PODCAST.render(EDITIONS["partner-media"]).body.decode()
    assert good == bad or good in podcast
    broken = broken_rules(podcast.replace(good, bad).encode())
    assert any(said in rule for rule in broken), broken


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("Mon, 22 Jan 2018", "周一, 22 一月 2018", "no date"),
        ("<link>http://www.xsnet.cn/</link>", "<link>/</link>", "no absolute address"),
        ("zh-cn", "chinese_", "no language tag"),
        ('rel="self"', 'rel="hub"', "rel=self"),
        ("20180121-tables0001</guid>", "20180121-tables0001</guid><guid>x</guid>", "guid stands twice"),
        ("2018-01-21:item:20180121-tables0001", "2018-01-22:item:20180122-abc2345678", "twice in the feed"),
        ('isPermaLink="false"', 'isPermaLink="true"', "permanent link"),
        ("<dc:contributor>桂信怡", "<author>桂信怡</author><dc:contributor>", "e-mail"),
        ("<dc:contributor>", "<dc:source>x</dc:source><dc:contributor>", "both source and dc:source"),
        ("<item>", "<item/><generator>x</generator><item>", "follows an item"),
    ],
)
def test_the_checker_sees_a_broken_rule(good: str, bad: str, said: str) -> None:
    assert good in GOOD
    broken = broken_rules(GOOD.replace(good, bad).encode())
    assert any(said in rule for rule in broken), broken
