"""The abstract ends where a reader sees the end of a character."""

from __future__ import annotations

import pytest

from syndicate.ingest.abstract import shortened

CLUSTERS = [
    "👨\u200d👩\u200d👧",
    "🏳\ufe0f\u200d🌈",
    "🇨🇳",
    "👍🏽",
    "1\ufe0f\u20e3",
    "e\u0301\u0323",
    "क्ष",
    "\u1112\u1161\u11ab",
]


def test_flags_in_a_row_are_cut_between_flags() -> None:
    row = "🇨🇳🇺🇸🇫🇷"
    assert [shortened([row + "。" * 9], limit) for limit in (3, 4, 5, 6)] == [
        "🇨🇳…",
        "🇨🇳…",
        "🇨🇳🇺🇸…",
        "🇨🇳🇺🇸…",
    ]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_an_abstract_that_is_too_long_leaves_the_whole_cluster_out(cluster: str) -> None:
    sentence = f"运动会今天开幕{cluster}，来自各地的选手参加。"
    for limit in range(9, 8 + len(cluster)):
        assert shortened([sentence], limit) == "运动会今天开幕…"
    assert shortened([sentence], 8 + len(cluster)) == f"运动会今天开幕{cluster}…"


def test_a_mark_after_the_end_of_a_sentence_stays_with_it() -> None:
    text = "好消息!\ufe0f下一句写得很长很长很长。"
    assert shortened([text], 8) == "好消息!\ufe0f"


def test_nothing_is_left_where_not_one_character_fits() -> None:
    assert shortened(["👨\u200d👩\u200d👧的一天。"], 4) == ""
    assert shortened(["一天。"], 0) == ""
