"""Two licences of a partner that grant the same: said when the second is added, with the clauses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from syndicate.agreements.overlap import Overlap, overlaps
from syndicate.model.item import Medium
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Licence, Use, Window
from tests.support.factories import ASK, DAILY, HEALTH, NEWS, TV, YEAR, a_grant, a_licence
from tests.support.shell import Shell, demo, no_settings, prepared

__all__ = ["demo", "no_settings", "prepared"]


def second(number: str = "XSW-2", window: Window = YEAR, **terms: Any) -> Licence:
    return a_licence(a_grant(f"{number}#1", **terms), number=number, window=window)


def test_what_both_grant_is_found_with_its_clauses_and_its_time() -> None:
    half = Window(datetime(2026, 7, 1, tzinfo=UTC), None)
    first = a_licence(
        a_grant(uses={Use.REPRINT, Use.LINK}, outlets={DAILY}, channels={NEWS, HEALTH}), number="XSW-1"
    )
    other = second(uses={Use.REPRINT}, outlets={DAILY, TV}, channels={HEALTH, ASK}, window=half)
    assert YEAR.closes is not None
    assert overlaps(other, [first]) == [
        Overlap(
            other.grants[0].clause,
            first.grants[0].clause,
            frozenset({Use.REPRINT}),
            frozenset({DAILY}),
            frozenset({Medium.TEXT}),
            frozenset({HEALTH}),
            Window(half.opens, YEAR.closes),
        )
    ]


@pytest.mark.parametrize(
    "other",
    [
        second(uses={Use.COPY}),
        second(outlets={TV}),
        second(media={Medium.VIDEO}),
        second(channels={HEALTH}),
        second(window=Window(datetime(2027, 1, 1, tzinfo=UTC))),
        second(window=Window(YEAR.opens, YEAR.opens)),
        second(number="XSW-1"),
        replace(second(), partner=PartnerId("hzw")),
    ],
    ids=["use", "outlet", "medium", "channel", "later", "never opened", "itself", "another partner"],
)
def test_what_differs_in_one_thing_does_not_overlap(other: Licence) -> None:
    first = a_licence(
        a_grant(uses={Use.REPRINT}, outlets={DAILY}, media={Medium.TEXT}, channels={NEWS}), number="XSW-1"
    )
    assert overlaps(other, [first]) == []
    assert overlaps(first, [other]) == []


def test_the_second_licence_is_added_and_its_overlaps_are_named(demo: Shell) -> None:
    draft = (
        b'number="XSW-2"\npartner="demo"\nvalid_from=2026-01-01\nvalid_until=2027-01-01\n'
        b'[[grant]]\nuses=["reprint"]\noutlets=["daily"]\nmedia=["text"]\nchannels=["news"]\n'
    )
    tried = demo(
        "licence", "try", "-", "--since", "1d", "--instead-of", "XSW-DEMO-1", "--json", stdin=draft
    )
    assert tried.lines[-1]["overlaps"] == []
    added = demo.good("licence", "add", "-", "--json", stdin=draft)
    assert [(one["clause"], one["with"]) for one in added.json["overlaps"]] == [("XSW-2#1", "XSW-DEMO-1#1")]
    assert (
        "XSW-2#1 与 XSW-DEMO-1#1：转载；萧山日报；文字；新闻；2026-01-01 00:00 → 2027-01-01 00:00"
        in added.err
    )
    third = draft.replace(b"XSW-2", b"XSW-3")
    tried = demo("licence", "try", "-", "--since", "1d", "--instead-of", "XSW-2", "--json", stdin=third)
    assert [one["with"] for one in tried.lines[-1]["overlaps"]] == ["XSW-DEMO-1#1"]
    demo.good("licence", "end", "XSW-DEMO-1")
    english = demo.good("licence", "add", "-", "--lang", "en", stdin=third)
    assert "XSW-3#1 and XSW-2#1: reprint; Xiaoshan Daily" in english.err
    assert "XSW-DEMO-1" not in english.err
