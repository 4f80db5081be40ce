"""The policy, as a table of `allow` and `deny` lines in the words of a contract."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from syndicate.model.feeds import feeds_of
from syndicate.model.holds import Embargo, Exclusive, Holds, Recall, RecallReason
from syndicate.model.item import ChannelId, Item, Medium
from syndicate.model.parties import PUBLIC, Recipient
from syndicate.model.rights import Clause, Except, Form, Licence, Mandate, Use, Window
from syndicate.policy import Clearance, Refusal, admit, clear, clear_preferred
from syndicate.policy.reasons import HIDDEN, REASONS, Reason
from tests.support.factories import (
    ASK,
    DAILY,
    HEALTH,
    NEWS,
    NOON,
    OTHER,
    PUBLISHER,
    RADIO,
    TV,
    YEAR,
    ZJOL,
    a_grant,
    a_licence,
    a_mandate,
    an_item,
    days,
    minutes,
)


def allow(
    item: Item,
    *licences: Licence,
    to: Recipient = ZJOL,
    use: Use = Use.REPRINT,
    at: datetime = NOON,
    mandates: Iterable[Mandate] = (a_mandate(),),
    clause: str | None = None,
) -> Clearance:
    verdict = clear(item, to, mandates, licences, use, at)
    assert isinstance(verdict, Clearance), verdict
    assert clause is None or verdict.clause == clause
    return verdict


def deny(
    item: Item,
    *licences: Licence,
    to: Recipient = ZJOL,
    use: Use = Use.REPRINT,
    at: datetime = NOON,
    mandates: Iterable[Mandate] = (a_mandate(),),
    because: Reason,
    clause: str | None = None,
) -> Refusal:
    verdict = clear(item, to, mandates, licences, use, at)
    assert isinstance(verdict, Refusal), verdict
    assert (verdict.reason, verdict.clause) == (because, clause)
    return verdict


# Silence means no.


def test_a_partner_without_a_licence_gets_nothing() -> None:
    deny(an_item(), because=Reason.NO_LICENCE)


def test_a_licence_with_another_partner_counts_for_nothing() -> None:
    deny(an_item(), a_licence(partner=OTHER), because=Reason.NO_LICENCE)


def test_a_licence_without_grants_releases_nothing() -> None:
    empty = replace(a_licence(), grants=())
    deny(an_item(), empty, because=Reason.USE_NOT_GRANTED, clause="XSW-1")


@pytest.mark.parametrize("part", ["uses", "outlets", "media", "channels"])
def test_an_empty_part_of_a_grant_means_nothing_and_not_everything(part: str) -> None:
    grant = replace(a_grant(), **{part: frozenset()})  # type: ignore[arg-type]
    verdict = clear(an_item(), ZJOL, [a_mandate()], [a_licence(grant)], Use.REPRINT, NOON)
    assert isinstance(verdict, Refusal)


def test_without_a_mandate_nothing_is_released_to_anybody() -> None:
    deny(an_item(), a_licence(), mandates=[], because=Reason.NO_MANDATE)
    deny(an_item(), to=PUBLIC, use=Use.LINK, mandates=[], because=Reason.NO_MANDATE)


def test_a_mandate_for_another_outlet_or_medium_counts_for_nothing() -> None:
    deny(an_item(), a_licence(), mandates=[a_mandate(outlets=[TV])], because=Reason.NO_MANDATE)
    deny(an_item(), a_licence(), mandates=[a_mandate(media=[Medium.VIDEO])], because=Reason.NO_MANDATE)


def test_an_item_of_no_outlet_of_ours_is_never_released() -> None:
    foreign = an_item(source="杭州日报", outlet=None)
    everything = a_grant(uses=Use, outlets=[DAILY, TV, RADIO], media=Medium, archive=days(9999))
    deny(foreign, a_licence(everything), because=Reason.NOT_OURS)
    deny(foreign, to=PUBLIC, use=Use.LINK, because=Reason.NOT_OURS)
    assert Reason.NOT_OURS in HIDDEN


# Mandates.


def test_a_mandate_that_ends_closes_every_licence_under_it_at_that_second() -> None:
    mandate = a_mandate(window=Window(YEAR.opens, NOON + minutes(5)))
    allow(an_item(), a_licence(), mandates=[mandate], at=NOON + minutes(4))
    deny(
        an_item(),
        a_licence(),
        mandates=[mandate],
        at=NOON + minutes(5),
        because=Reason.MANDATE_ENDED,
        clause="HEAD-1",
    )


def test_a_mandate_that_has_not_begun_releases_nothing_yet() -> None:
    mandate = a_mandate(window=Window(NOON + minutes(1)))
    refusal = deny(
        an_item(), a_licence(), mandates=[mandate], because=Reason.MANDATE_NOT_BEGUN, clause="HEAD-1"
    )
    assert refusal.until == NOON + minutes(1)


def test_a_second_mandate_takes_over_where_the_first_ends() -> None:
    first = a_mandate("HEAD-1", window=Window(YEAR.opens, NOON))
    second = a_mandate("HEAD-2", window=Window(NOON))
    assert allow(an_item(), a_licence(), mandates=[first, second]).mandate == "HEAD-2"


# The public.


def test_the_public_may_have_the_summary_under_the_mandate() -> None:
    verdict = allow(an_item(), to=PUBLIC, use=Use.LINK, clause="HEAD-1")
    assert verdict.form is Form.SUMMARY


@pytest.mark.parametrize("use", [Use.REPRINT, Use.REPOST, Use.COPY])
def test_the_public_may_never_have_more(use: Use) -> None:
    deny(an_item(), a_licence(), to=PUBLIC, use=use, because=Reason.SUMMARY_ONLY, clause="HEAD-1")


def test_nobody_learns_of_an_item_before_it_is_published() -> None:
    coming = an_item(published=NOON + minutes(1))
    deny(coming, to=PUBLIC, use=Use.LINK, because=Reason.NOT_PUBLISHED)
    refusal = deny(coming, a_licence(), because=Reason.NOT_PUBLISHED)
    assert refusal.until == NOON + minutes(1)
    allow(coming, a_licence(), at=NOON + minutes(1))


# Windows, delay, archive, retention.


def test_a_licence_includes_its_opening_and_not_its_close() -> None:
    licence = a_licence(a_grant(archive=days(999)))
    deny(
        an_item(published=NOON - days(330)),
        licence,
        at=YEAR.opens - minutes(0.001),
        because=Reason.LICENCE_NOT_BEGUN,
        clause="XSW-1",
    )
    allow(an_item(published=NOON - days(330)), licence, at=YEAR.opens)
    assert YEAR.closes is not None
    allow(an_item(), licence, at=YEAR.closes - minutes(0.001))
    deny(an_item(), licence, at=YEAR.closes, because=Reason.LICENCE_ENDED, clause="XSW-1")


def test_a_delay_holds_a_story_back_for_its_partner_only() -> None:
    licence = a_licence(a_grant(delay=minutes(30)))
    refusal = deny(an_item(), licence, at=NOON + minutes(29), because=Reason.DELAYED, clause="XSW-1#1")
    assert refusal.until == NOON + minutes(30)
    allow(an_item(), licence, at=NOON + minutes(30))
    allow(an_item(), to=PUBLIC, use=Use.LINK, at=NOON)


def test_without_an_archive_only_what_was_published_in_the_window_is_released() -> None:
    early = an_item(published=YEAR.opens - minutes(1))
    deny(early, a_licence(), because=Reason.OUTSIDE_ARCHIVE, clause="XSW-1#1")
    allow(an_item(published=YEAR.opens), a_licence())


def test_an_archive_says_how_old_an_item_may_be() -> None:
    licence = a_licence(a_grant(archive=days(400)))
    old = an_item(published=NOON - days(399))
    assert allow(old, licence).until == NOON + days(1)
    deny(old, licence, at=NOON + days(1), because=Reason.OUTSIDE_ARCHIVE, clause="XSW-1#1")


def test_retention_ends_and_says_when_to_take_down() -> None:
    licence = a_licence(a_grant(retain=days(7)))
    assert allow(an_item(), licence).take_down == NOON + days(7)
    deny(an_item(), licence, at=NOON + days(7), because=Reason.RETENTION_ENDED, clause="XSW-1#1")


# Uses, outlets, media, channels.


def test_a_link_releases_the_summary_and_the_others_the_full_text() -> None:
    licence = a_licence(a_grant(uses=Use))
    assert allow(an_item(), licence, use=Use.LINK).form is Form.SUMMARY
    for use in (Use.REPRINT, Use.REPOST, Use.COPY):
        assert allow(an_item(), licence, use=use).form is Form.FULL


def test_what_is_not_granted_is_refused_with_the_nearest_clause() -> None:
    licence = a_licence(a_grant(channels=[NEWS, HEALTH]))
    deny(an_item(), licence, use=Use.COPY, because=Reason.USE_NOT_GRANTED, clause="XSW-1#1")
    tv = an_item(outlet=TV)
    mandates = [a_mandate(outlets=[DAILY, TV])]
    deny(tv, licence, mandates=mandates, because=Reason.OUTLET_NOT_GRANTED, clause="XSW-1#1")
    video = an_item(medium=Medium.VIDEO)
    deny(video, licence, because=Reason.MEDIUM_NOT_GRANTED, clause="XSW-1#1")
    deny(an_item(channel=ASK), licence, because=Reason.CHANNEL_NOT_GRANTED, clause="XSW-1#1")


def test_the_refusal_nearest_to_a_yes_is_the_one_that_is_told() -> None:
    licence = a_licence(a_grant("XSW-1#1", uses=[Use.COPY]), a_grant("XSW-1#2", delay=minutes(30)))
    deny(an_item(), licence, because=Reason.DELAYED, clause="XSW-1#2")


def test_the_first_grant_that_releases_gives_its_clause() -> None:
    licence = a_licence(a_grant("XSW-1#1", channels=[ASK]), a_grant("XSW-1#2"), a_grant("XSW-1#3"))
    allow(an_item(), licence, clause="XSW-1#2")


# Exceptions.


def test_an_exception_beats_every_grant() -> None:
    licence = a_licence(
        a_grant(), excepts=[Except(clause=Clause("XSW-1#except-1"), channels=frozenset([ASK]))]
    )
    allow(an_item(), licence)
    deny(an_item(channel=ASK), licence, because=Reason.EXCEPTED, clause="XSW-1#except-1")


def test_an_exception_in_one_licence_beats_the_grants_of_another() -> None:
    first = a_licence(excepts=[Except(clause=Clause("XSW-1#except-1"), channels=frozenset([ASK]))])
    second = a_licence(a_grant("XSW-2#1"), number="XSW-2")
    deny(an_item(channel=ASK), second, first, because=Reason.EXCEPTED, clause="XSW-1#except-1")


def test_an_exception_of_a_licence_that_is_not_in_force_excludes_nothing() -> None:
    ended = a_licence(
        window=Window(YEAR.opens, NOON - days(1)),
        excepts=[Except(clause=Clause("x"), channels=frozenset([NEWS]))],
    )
    allow(an_item(), ended, a_licence(a_grant("XSW-2#1"), number="XSW-2"), clause="XSW-2#1")


def test_an_ended_licence_gives_nothing_beside_one_in_force() -> None:
    ended = a_licence(
        a_grant("XSW-0#1", uses=Use, archive=days(999)), number="XSW-0", window=Window(YEAR.opens, NOON)
    )
    deny(an_item(), ended, a_licence(), use=Use.COPY, because=Reason.USE_NOT_GRANTED, clause="XSW-1#1")
    allow(an_item(), ended, a_licence(), clause="XSW-1#1")


def test_an_exception_applies_only_where_all_its_parts_do() -> None:
    licence = a_licence(
        a_grant(uses=Use),
        excepts=[Except(clause=Clause("x"), uses=frozenset([Use.COPY]), channels=frozenset([NEWS]))],
    )
    allow(an_item(), licence, use=Use.REPRINT)
    deny(an_item(), licence, use=Use.COPY, because=Reason.EXCEPTED, clause="x")


# Suspension, preference, admission.


def test_a_suspended_partner_gets_nothing() -> None:
    deny(an_item(), a_licence(), to=replace(ZJOL, suspended=NOON), because=Reason.SUSPENDED)


def test_a_request_without_a_use_gets_the_first_granted() -> None:
    def first(*uses: Use) -> Use:
        licence = a_licence(a_grant(uses=uses))
        verdict = clear_preferred(an_item(), ZJOL, [a_mandate()], [licence], None, NOON)
        assert isinstance(verdict, Clearance)
        return verdict.use

    assert first(*Use) is Use.REPRINT
    assert first(Use.LINK, Use.REPOST, Use.COPY) is Use.COPY
    assert first(Use.LINK, Use.REPOST) is Use.REPOST
    assert first(Use.LINK) is Use.LINK


def test_admission_says_why_nothing_at_all_can_be_released() -> None:
    def why(
        *licences: Licence, use: Use | None = None, mandates: Iterable[Mandate] = (a_mandate(),)
    ) -> object:
        refusal = admit(ZJOL, mandates, licences, use, NOON)
        return None if refusal is None else (refusal.reason, refusal.clause)

    assert why() == (Reason.NO_LICENCE, None)
    assert why(a_licence(window=Window(YEAR.opens, NOON))) == (Reason.LICENCE_ENDED, "XSW-1")
    assert why(a_licence(window=Window(NOON + days(1)))) == (Reason.LICENCE_NOT_BEGUN, "XSW-1")
    assert why(a_licence(), use=Use.COPY) == (Reason.USE_NOT_GRANTED, "XSW-1")
    assert why(a_licence(), mandates=[]) == (Reason.NO_MANDATE, None)
    assert why(a_licence(), mandates=[a_mandate(window=Window(YEAR.opens, NOON))]) == (
        Reason.MANDATE_ENDED,
        "HEAD-1",
    )
    assert why(a_licence()) is None


def test_every_reason_has_its_words_in_both_languages() -> None:
    assert set(REASONS) == set(Reason)
    assert all(text.zh and text.en for text in REASONS.values())


def test_a_feed_holds_what_fits_one_of_its_selectors_and_nothing_by_lack_of_one() -> None:
    feeds = feeds_of(PUBLISHER)
    foreign = an_item(outlet=None, channel=HEALTH)
    assert foreign in feeds["all"]
    assert foreign in feeds["health"]
    assert not any(foreign in feeds[name] for name in ("news", "daily", "tv", "pictures", "video"))
    shown = an_item(medium=Medium.VIDEO)
    told = an_item(channel=ChannelId("video"))
    assert all(item in feeds["video"] for item in (shown, told))
    assert an_item() not in feeds["video"]


# What holds an item back beats every agreement.


def held(**parts: Any) -> Item:
    return replace(an_item(), holds=Holds(**parts))


def test_what_is_held_back_is_refused_to_all_whom_it_is_held_from_and_opens_by_itself() -> None:
    later = NOON + days(1)
    embargoed, withheld = held(embargo=Embargo(later)), held(withheld=True)
    exclusive = held(exclusive=Exclusive(OTHER.id, later))
    for item, reason in (
        (embargoed, Reason.EMBARGOED),
        (withheld, Reason.WITHHELD),
        (exclusive, Reason.EXCLUSIVE),
    ):
        assert reason in HIDDEN
        deny(item, a_licence(), because=reason)
        deny(item, because=reason)
        deny(item, to=PUBLIC, use=Use.LINK, because=reason)
    allow(exclusive, a_licence(partner=OTHER), to=OTHER)
    deny(exclusive, to=OTHER, because=Reason.NO_LICENCE)
    for item in (embargoed, exclusive):
        assert deny(item, a_licence(), because=clear_reason(item)).until == later
        allow(item, a_licence(), at=later)
        allow(item, to=PUBLIC, use=Use.LINK, at=later)
    deny(withheld, a_licence(), at=NOON + days(30), because=Reason.WITHHELD)


def clear_reason(item: Item) -> Reason:
    verdict = clear(item, ZJOL, [a_mandate()], [a_licence()], Use.REPRINT, NOON)
    assert isinstance(verdict, Refusal)
    return verdict.reason


def test_a_recalled_item_is_gone_for_who_could_have_had_it_and_was_never_there_for_others() -> None:
    recall = Recall(RecallReason.LEGAL, "法院裁定", NOON + minutes(10), NOON + days(1), NOON)
    gone, after = held(recall=recall), NOON + minutes(11)
    for at in (NOON + minutes(10), after, NOON + days(400)):
        assert deny(gone, a_licence(), at=at, because=Reason.RECALLED, clause="XSW-1#1").recall == recall
        deny(gone, to=PUBLIC, use=Use.LINK, at=at, because=Reason.RECALLED, clause="HEAD-1")
    # Whom its licence never gave it hears that it is gone, and has no clause to be told by.
    deny(gone, at=after, because=Reason.RECALLED)
    # It was under embargo when it was recalled: for good it was never there.
    unseen = held(recall=recall, embargo=Embargo(NOON + minutes(30)))
    for at in (after, NOON + minutes(31), NOON + days(400)):
        deny(unseen, a_licence(), at=at, because=Reason.EMBARGOED)
        deny(unseen, to=PUBLIC, use=Use.LINK, at=at, because=Reason.EMBARGOED)
    early = a_licence(a_grant(early=True))
    deny(unseen, early, at=after, because=Reason.EMBARGOED)
    # What no mandate covered was nothing to the public.
    deny(gone, to=PUBLIC, use=Use.LINK, mandates=[], at=after, because=Reason.NO_MANDATE)


def test_early_access_takes_a_grant_that_names_it_and_the_partners_promise() -> None:
    until = NOON + days(1)
    licence = a_licence(a_grant("XSW-1#1"), a_grant("XSW-1#2", early=True, delay=minutes(30)))
    open_, promised = Embargo(until), Embargo(until, frozenset({ZJOL.id}))
    deny(held(embargo=open_), licence, because=Reason.EMBARGO_UNACKNOWLEDGED, clause="XSW-1#2")
    assert Reason.EMBARGO_UNACKNOWLEDGED not in HIDDEN
    cleared = allow(held(embargo=promised), licence, clause="XSW-1#2")
    assert cleared.embargoed_until == until
    assert allow(held(embargo=promised), licence, at=until).embargoed_until is None
    # Somebody else's promise is nobody's but theirs; and what nothing would release stays unseen.
    deny(held(embargo=Embargo(until, frozenset({OTHER.id}))), a_licence(), because=Reason.EMBARGOED)
    elsewhere = a_licence(a_grant(early=True, outlets=[TV]))
    deny(held(embargo=promised), elsewhere, because=Reason.EMBARGOED)


def test_who_had_an_item_early_keeps_it_when_the_embargo_ends() -> None:
    until = NOON + days(1)
    promised = Embargo(until, frozenset({ZJOL.id}))
    licence = a_licence(a_grant(early=True, delay=minutes(30)))
    for holds, now, expected in (
        (Holds(embargo=promised), NOON, True),
        (Holds(embargo=promised), until, True),
        (Holds(embargo=Embargo(until)), until, False),
        (Holds(embargo=Embargo(until)), until + minutes(30), True),
    ):
        item = replace(an_item(), holds=holds)
        verdict = clear(item, ZJOL, [a_mandate()], [licence], Use.REPRINT, now)
        assert isinstance(verdict, Clearance) is expected, (holds, now)
