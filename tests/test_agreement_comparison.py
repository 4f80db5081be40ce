"""Two licences side by side: what differs, and whether it widens or narrows what the partner may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syndicate.agreements.comparison import Effect, Part, compare
from syndicate.model.item import Medium
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId
from syndicate.model.rights import Clause, Except, Grant, Licence, Quota, Use, Window
from tests.support.factories import (
    ASK,
    DAILY,
    HEALTH,
    NEWS,
    PUBLISHER,
    RADIO,
    TV,
    YEAR,
    a_grant,
    a_licence,
    days,
)

FULL = a_grant("A#1", uses=(Use.REPRINT, Use.COPY), archive=days(100), retain=days(90))
TV_LINKS = a_grant("A#2", uses=(Use.LINK,), outlets=(TV,), media=(Medium.VIDEO,))


def differences(old: Licence, new: Licence) -> list[tuple[str, str | None, str | None, Effect]]:
    found = compare(old, new, PUBLISHER.zone)
    turned = compare(new, old, PUBLISHER.zone)
    opposite = {Effect.WIDENS: Effect.NARROWS, Effect.NARROWS: Effect.WIDENS, Effect.BOTH: Effect.BOTH}
    # Read backwards, the same things differ and do the opposite.
    assert sorted((one.field, opposite[one.effect]) for one in turned) == sorted(
        (one.field, one.effect) for one in found
    )
    return [(one.field, one.old_clause, one.new_clause, one.effect) for one in found]


def test_a_licence_under_another_number_with_the_same_terms_is_the_same() -> None:
    renamed = [replace(grant, clause=Clause(grant.clause.replace("A", "B"))) for grant in (FULL, TV_LINKS)]
    old = a_licence(
        FULL, TV_LINKS, number="A", excepts=[Except(clause=Clause("A#except-1"), channels=frozenset({ASK}))]
    )
    new = a_licence(
        *renamed, number="B", excepts=[Except(clause=Clause("B#except-1"), channels=frozenset({ASK}))]
    )
    assert compare(old, new, PUBLISHER.zone) == []
    assert compare(old, old, PUBLISHER.zone) == []


@pytest.mark.parametrize(
    ("field", "change", "effect"),
    [
        ("uses", {"uses": frozenset(Use)}, Effect.WIDENS),
        ("uses", {"uses": frozenset({Use.COPY})}, Effect.NARROWS),
        ("uses", {"uses": frozenset({Use.COPY, Use.LINK})}, Effect.BOTH),
        ("outlets", {"outlets": frozenset({DAILY, TV})}, Effect.WIDENS),
        ("outlets", {"outlets": frozenset({RADIO})}, Effect.BOTH),
        ("media", {"media": frozenset(Medium)}, Effect.WIDENS),
        ("channels", {"channels": frozenset({NEWS})}, Effect.NARROWS),
        ("delay", {"delay": timedelta(minutes=5)}, Effect.NARROWS),
        ("archive", {"archive": days(101)}, Effect.WIDENS),
        ("archive", {"archive": None}, Effect.BOTH),
        ("retain", {"retain": None}, Effect.WIDENS),
        ("retain", {"retain": days(80)}, Effect.NARROWS),
        ("may_edit", {"may_edit": True}, Effect.WIDENS),
        ("quota", {"quota": Quota(1000, "day")}, Effect.NARROWS),
        ("early", {"early": True}, Effect.WIDENS),
        ("visible_line", {"visible_line": True}, Effect.NARROWS),
        ("renditions", {"renditions": frozenset({RenditionName.WEB})}, Effect.NARROWS),
    ],
)
def test_each_term_of_a_grant_widens_or_narrows(field: str, change: dict[str, Any], effect: Effect) -> None:
    old, new = a_licence(FULL, number="A"), a_licence(replace(FULL, **change), number="A")
    assert differences(old, new) == [(field, "A#1", "A#1", effect)]


def test_renditions_that_are_added_or_exchanged_widen_or_do_both() -> None:
    both: dict[str, Any] = {"renditions": frozenset({RenditionName.WEB, RenditionName.ORIGINAL})}
    other = {"renditions": frozenset({RenditionName.ORIGINAL})}
    one = a_licence(replace(FULL, renditions=frozenset({RenditionName.WEB})), number="A")
    for change, effect in (
        (both, Effect.WIDENS),
        (other, Effect.BOTH),
        ({"renditions": None}, Effect.WIDENS),
    ):
        new = a_licence(replace(FULL, **change), number="A")
        assert differences(one, new) == [("renditions", "A#1", "A#1", effect)]


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        (Quota(10, "day"), Quota(11, "day"), Effect.WIDENS),
        (Quota(10, "day"), Quota(9, "day"), Effect.NARROWS),
        (Quota(10, "month"), Quota(10, "day"), Effect.WIDENS),
        (Quota(10, "day"), Quota(310, "month"), Effect.WIDENS),
        (Quota(10, "day"), Quota(309, "month"), Effect.BOTH),
    ],
)
def test_quotas_of_days_and_of_months_are_weighed(old: Quota, new: Quota, effect: Effect) -> None:
    licences = [a_licence(replace(FULL, quota=quota)) for quota in (old, new)]
    assert differences(*licences) == [("quota", "A#1", "A#1", effect)]


def test_an_inserted_grant_does_not_make_the_later_ones_differ() -> None:
    inserted = a_grant("B#1", uses=(Use.REPOST,), outlets=(RADIO,), media=(Medium.AUDIO,))
    old = a_licence(FULL, TV_LINKS, number="A")
    new = a_licence(
        inserted, replace(FULL, clause=Clause("B#2")), replace(TV_LINKS, clause=Clause("B#3")), number="B"
    )
    assert differences(old, new) == [("grant", None, "B#1", Effect.WIDENS)]


def test_of_two_grants_each_is_held_against_the_one_most_like_it() -> None:
    near = replace(FULL, clause=Clause("B#2"), retain=days(30))
    other = replace(TV_LINKS, clause=Clause("B#1"), may_edit=True)
    found = differences(a_licence(FULL, TV_LINKS, number="A"), a_licence(other, near, number="B"))
    assert found == [
        ("retain", "A#1", "B#2", Effect.NARROWS),
        ("may_edit", "A#2", "B#1", Effect.WIDENS),
        ("grants", None, None, Effect.BOTH),
    ]


def test_a_grant_that_became_another_is_one_gone_and_one_come() -> None:
    found = compare(a_licence(FULL), a_licence(TV_LINKS), PUBLISHER.zone)
    assert [(one.field, one.effect) for one in found] == [
        ("grant", Effect.NARROWS),
        ("grant", Effect.WIDENS),
    ]
    assert found[0].now is None
    assert found[0].was["outlets"] == ["daily"]
    assert (found[1].was, found[1].now["outlets"]) == (None, ["tv"])


def test_what_is_excepted_more_narrows() -> None:
    some = Except(clause=Clause("A#except-1"), channels=frozenset({ASK}))
    more = replace(some, channels=frozenset({ASK, HEALTH}))
    fewer_uses = replace(some, uses=frozenset({Use.COPY}))
    cases: list[tuple[tuple[Except, ...], tuple[Except, ...], str, Effect]] = [
        ((some,), (more,), "channels", Effect.NARROWS),
        ((some,), (fewer_uses,), "uses", Effect.WIDENS),
    ]
    cases += [((some,), (), "except", Effect.WIDENS), ((), (some,), "except", Effect.NARROWS)]
    for old, new, field, effect in cases:
        ((found, _, _, what),) = differences(a_licence(excepts=old), a_licence(excepts=new))
        assert (found, what) == (field, effect)


@pytest.mark.parametrize(
    ("field", "change", "effect"),
    [
        ("valid_from", {"window": Window(YEAR.opens - days(1), YEAR.closes)}, Effect.WIDENS),
        ("valid_until", {"window": Window(YEAR.opens, YEAR.opens + days(9))}, Effect.NARROWS),
        ("partner", {"partner": PartnerId("hzw")}, Effect.BOTH),
        ("takedown", {"takedown": timedelta(hours=2)}, Effect.NARROWS),
        ("overdue", {"suspend_overdue": True}, Effect.NARROWS),
    ],
)
def test_each_term_of_the_agreement_is_compared(field: str, change: dict[str, Any], effect: Effect) -> None:
    old = a_licence()
    assert differences(old, replace(old, **change)) == [(field, None, None, effect)]


def test_values_are_in_the_words_of_the_file() -> None:
    (found,) = compare(a_licence(FULL), a_licence(replace(FULL, retain=None)), PUBLISHER.zone)
    assert (found.part, found.was, found.now) == (Part.GRANT, "P90D", None)
    window = Window(YEAR.opens, YEAR.opens + days(31))
    (found,) = compare(a_licence(), replace(a_licence(), window=window), PUBLISHER.zone)
    assert found.now == "2026-02-01T08:00:00+08:00"


def test_hundreds_of_grants_are_compared() -> None:
    grants: list[Grant] = [replace(FULL, clause=Clause(f"A#{n}"), retain=days(n)) for n in range(1, 301)]
    assert compare(a_licence(*grants), a_licence(*grants), PUBLISHER.zone) == []
