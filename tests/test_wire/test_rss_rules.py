"""Our RSS breaks none of the validator's rules, and the checker does see broken ones."""

from __future__ import annotations

import pytest

from syndicate.formats import FEED_FORMATS
from tests.test_wire.cases import every_edition, feed_cases
from tests.test_wire.rss_rules import broken_rules

EDITIONS = every_edition()
GOOD = FEED_FORMATS["rss"].render(feed_cases()["partner-feed"]).body.decode()


@pytest.mark.parametrize("case", EDITIONS)
def test_rss_breaks_no_rule_of_the_validator(case: str) -> None:
    edition = EDITIONS[case]
    assert broken_rules(FEED_FORMATS["rss"].render(edition).body, served=edition.feed is not None) == []


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
