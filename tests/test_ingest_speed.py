"""What makes parsing fast changes no result: quick checks pass on all that their patterns match."""

from __future__ import annotations

import random
import re

from syndicate import characters
from syndicate.decoding import decode
from syndicate.errors import Fault
from syndicate.ingest import embargo_words, furniture, label_words
from syndicate.ingest.line_cache import cached, cached_with
from tests.support.ingest_helpers import GOLDEN, NOTICE

SAID = (
    *NOTICE,
    *re.split(
        "、",
        "发布、刊发、禁发、稿件、解禁、统一、提前、通知、早于、embargo、hold、published、releases、used、post",
    ),
    *re.split(
        "、",
        "ICP备、ICP、公网安备、copyright、2018、©、all、rights、reserved、版权所有：、关于我们、|、新闻",
    ),
    *re.split(
        "、",
        "来源、來源、稿源、发布于2018、更新时间:、时间：、發布時間2018、责任编辑:、作者、:、（、｜、\n、 ",
    ),
)


def lines(count: int) -> list[str]:
    """Lines of words that the patterns look for, in any order."""
    chance = random.Random(8)
    return ["".join(chance.choices(SAID, k=chance.randrange(1, 14))) for _ in range(count)]


def test_no_character_that_must_be_cleaned_is_taken_for_clean() -> None:
    for code in [*range(0x10000), *range(0xE0000, 0xE0100)]:
        one = chr(code)
        if (
            characters._BREAKS.search(one)
            or characters._BLANKS.search(one)
            or characters._FORBIDDEN.search(f"a{one}")
        ):
            assert characters._UNCLEAN.search(one), hex(code)


def test_quick_checks_pass_every_line_that_holds_what_they_stand_for() -> None:
    words = rf"{embargo_words._VERB}|[禁稿]|解禁|统一|提前|通知|早于|embargo|publi|releas|broadcast|post"
    found = 0
    for line in lines(3000):
        if re.search(words, line):
            found += 1
            assert embargo_words._GATE.search(line), line
        if label_words.LABEL.search(line):
            found += 1
            assert label_words.MAY_BE_LABEL.search(line), line
        if furniture._TAIL.search(line):
            assert furniture._MAY_HAVE_TAIL.search(line), line
    assert found > 1000


def test_a_footer_is_found_wherever_it_stands_in_its_line() -> None:
    for words in (
        "浙ICP备05000001号",
        "icp 证",
        "Copyright © 2019",
        "ALL RIGHTS RESERVED",
        "版权所有：本网",
    ):
        assert furniture.is_firm_end(f"湘湖边 {words} 的一行")
    assert not furniture.is_firm_end("公共交通改善，新的版面也关注联运")


def test_a_line_is_looked_at_once_and_a_long_text_is_not_kept() -> None:
    seen: list[str] = []

    @cached
    def length(line: str) -> int:
        seen.append(line)
        return len(line)

    @cached_with
    def more(line: str, rest: int) -> int:
        seen.append(line)
        return len(line) + rest

    assert [length("一行"), length("一行"), more("一行", 1), more("一行", 2), more("一行", 1)] == [
        2,
        2,
        3,
        4,
        3,
    ]
    assert seen == ["一行"] * 3
    long = "长" * 1001
    assert [length(long), length(long)] == [1001, 1001]
    assert seen[3:] == [long, long]


def test_golden_documents_of_gbk_are_told_from_broken_utf_8() -> None:
    page = (GOLDEN / "article-gb18030" / "page.shtml").read_bytes()
    assert isinstance(decode(page), str)
    broken = page.decode("gb18030").replace("gb2312", "utf-8").encode()
    assert isinstance(decode(broken[:3000] + b"\xff" + broken[3000:]), Fault)
