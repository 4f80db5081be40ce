"""The promise, stated once: whatever is rendered was cleared, is stamped, and is cut to its form.

Hypothesis looks for the exception over items, licences, mandates, moments and formats. What may leave is
worked out a second time here, from the contract's words alone and without `policy`, and what did leave
is read back by readers that we did not write.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import feedparser
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from syndicate.formats import FEED_FORMATS, FORMATS, SERVED_FORMATS
from syndicate.model.archives import NO_LINKS, ArchiveLinks
from syndicate.model.feeds import feeds_of
from syndicate.model.item import Item, Medium
from syndicate.model.media import Association, Rendition, RenditionName
from syndicate.model.parties import PUBLIC, Partner, Recipient
from syndicate.model.rights import Clause, Except, Licence, Mandate, Use, Window
from syndicate.policy import Clearance, clear_preferred
from syndicate.stamping import Edition, stamp
from tests.support.factories import (
    ASK,
    DAILY,
    HEALTH,
    NEWS,
    NOON,
    OTHER,
    PUBLISHER,
    RADIO,
    SECRET,
    TV,
    ZJOL,
    a_grant,
    a_licence,
    a_mandate,
    an_item,
)

T = TypeVar("T")

OUTLETS, CHANNELS = [DAILY, TV, RADIO], [NEWS, HEALTH, ASK]
FULL = {Use.REPRINT, Use.REPOST, Use.COPY}

hours = st.integers(-96, 96).map(lambda number: timedelta(hours=number))
spans = st.integers(1, 96).map(lambda number: timedelta(hours=number))
moments = hours.map(lambda span: NOON + span)
windows = st.builds(
    lambda opens, length: Window(opens, None if length is None else opens + length),
    moments,
    st.none() | spans,
)


WIDE = Window(NOON - timedelta(days=30), NOON + timedelta(days=30))
"""Most agreements of a newsroom are in force: the search should spend its time where something leaves."""


def mostly(usual: Any) -> Callable[[st.SearchStrategy[Any]], st.SearchStrategy[Any]]:
    """The usual thing three times out of four, else another."""
    return lambda other: st.integers(0, 3).flatmap(lambda dice: st.just(usual) if dice < 3 else other)


def some(values: list[T]) -> st.SearchStrategy[list[T]]:
    return mostly(values)(st.lists(st.sampled_from(values), min_size=1, unique=True))


grants = st.builds(
    lambda **terms: terms,
    uses=some(list(Use)),
    outlets=some(OUTLETS),
    media=some(list(Medium)),
    channels=mostly(None)(some(CHANNELS)),
    delay=mostly(timedelta(0))(spans),
    archive=mostly(timedelta(days=9))(st.none() | spans),
    retain=mostly(None)(spans),
)
excepts = st.builds(
    lambda uses, channels: (uses, channels),
    st.none() | st.lists(st.sampled_from(list(Use)), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2, unique=True),
)


@st.composite
def licences(draw: st.DrawFn) -> Licence:
    number = f"L-{draw(st.integers(1, 9))}"
    terms = [draw(grants) for _ in range(draw(st.integers(1, 3)))]
    out = [draw(excepts)] if draw(st.integers(0, 3)) == 3 else []
    return a_licence(
        *(a_grant(f"{number}#{at}", **term) for at, term in enumerate(terms, 1)),
        number=number,
        partner=draw(mostly(ZJOL)(st.just(OTHER))),
        window=draw(mostly(WIDE)(windows)),
        excepts=[
            Except(
                clause=Clause(f"{number}#except-1"),
                uses=None if uses is None else frozenset(uses),
                channels=None if channels is None else frozenset(channels),
            )
            for uses, channels in out
        ],
    )


@st.composite
def item_lists(draw: st.DrawFn) -> list[Item]:
    return [
        an_item(
            id=f"20261102-aaaaaaaaa{number}",
            headline=f"第{number}篇稿件",
            body=(f"第{number}篇的导语。", f"{SECRET}{number}。"),
            abstract=f"第{number}篇的导语。",
            outlet=draw(mostly(DAILY)(st.sampled_from([*OUTLETS, None]))),
            channel=draw(st.sampled_from(CHANNELS)),
            medium=draw(mostly(Medium.TEXT)(st.sampled_from(list(Medium)))),
            published=NOON + draw(st.integers(-96, 12).map(lambda number: timedelta(hours=number))),
        )
        for number in range(draw(st.integers(0, 6).map(lambda number: 6 - number)))
    ]


mandates = st.builds(
    lambda number, outlets, media, window: a_mandate(
        f"HEAD-{number}", outlets=outlets, media=media, window=window
    ),
    st.integers(1, 9),
    some(OUTLETS),
    some(list(Medium)),
    mostly(WIDE)(windows),
)


nows = st.integers(-47, 96).map(lambda number: NOON + timedelta(hours=number))
recipients = mostly(ZJOL)(st.sampled_from([PUBLIC, OTHER]))


def several(values: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    """None at all now and then, mostly one to three."""
    return st.integers(0, 7).flatmap(
        lambda dice: st.just([]) if dice == 7 else st.tuples(*[values] * (1 + dice % 3)).map(list)
    )


def uses_for(
    item: Item, to: Recipient, mandates: list[Mandate], agreed: list[Licence], now: datetime
) -> set[Use]:
    """What the contract allows, worked out use by use in the plainest way."""
    if item.outlet is None or now < item.published:
        return set()
    if not any(
        item.outlet in m.outlets
        and item.medium in m.media
        and m.window.opens <= now
        and (m.window.closes is None or now < m.window.closes)
        for m in mandates
    ):
        return set()
    if not isinstance(to, Partner):
        return {Use.LINK}
    allowed: set[Use] = set()
    barred: set[Use] = set()
    for licence in agreed:
        opens, closes = licence.window.opens, licence.window.closes
        if licence.partner != to.id or now < opens or (closes is not None and now >= closes):
            continue
        for out in licence.excepts:
            if out.channels is None or item.channel in out.channels:
                barred |= set(Use) if out.uses is None else set(out.uses)
        for grant in licence.grants:
            age = now - item.published
            in_window = opens <= item.published and (closes is None or item.published < closes)
            fresh = in_window if grant.archive is None else age < grant.archive
            if (
                item.outlet in grant.outlets
                and item.medium in grant.media
                and (grant.channels is None or item.channel in grant.channels)
                and fresh
                and age >= grant.delay
                and (grant.retain is None or age < grant.retain)
            ):
                allowed |= set(grant.uses)
    return allowed - barred


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    item_lists(),
    recipients,
    several(mandates),
    several(licences()),
    nows,
    mostly(None)(st.sampled_from(list(Use))),
    st.sampled_from(sorted(FEED_FORMATS)),
    st.sampled_from([NO_LINKS, ArchiveLinks("2026-11", "2026-10", "2026-12", Use.COPY)]),
)
def test_whatever_is_rendered_was_cleared_is_stamped_and_is_cut_to_its_form(
    items: list[Item],
    to: Recipient,
    heads: list[Mandate],
    agreed: list[Licence],
    now: datetime,
    use: Use | None,
    format: str,
    archive: ArchiveLinks,
) -> None:
    verdicts = [clear_preferred(item, to, heads, agreed, use, now) for item in items]
    cleared = [verdict for verdict in verdicts if isinstance(verdict, Clearance)]
    edition = Edition(
        publisher=PUBLISHER,
        recipient=to,
        feed=feeds_of(PUBLISHER)["all"],
        items=tuple(stamp(verdict, PUBLISHER) for verdict in cleared),
        updated=now,
        until=None,
        archive=archive,
    )
    body = FEED_FORMATS[format].render(edition).body
    read = _read(format, body)
    expected = {}
    for item in items:
        given_uses = uses_for(item, to, heads, agreed, now)
        given_uses &= {use} if use is not None else set(Use)
        if given_uses:
            expected[item.headline] = (f"{SECRET}{item.id[-1]}", bool(given_uses & FULL))
    event(f"{len(expected)} items leave")
    assert set(read) == set(expected)
    for headline, texts in read.items():
        secret, full = expected[headline]
        assert all(PUBLISHER.stamp in text for text in texts)
        assert any(secret in text for text in texts) is full
    for item in items:
        secret, full = expected.get(item.headline, (f"{SECRET}{item.id[-1]}", False))
        assert (secret in body.decode()) is full


@settings(max_examples=100, deadline=None)
@given(item_lists(), recipients, several(licences()), nows)
def test_a_single_item_keeps_the_promise_in_every_format(
    items: list[Item], to: Recipient, agreed: list[Licence], now: datetime
) -> None:
    heads = [a_mandate(outlets=OUTLETS)]
    for item in items:
        verdict = clear_preferred(item, to, heads, agreed, None, now)
        uses = uses_for(item, to, heads, agreed, now)
        assert isinstance(verdict, Clearance) is bool(uses)
        if not isinstance(verdict, Clearance):
            continue
        edition = Edition(
            publisher=PUBLISHER,
            recipient=to,
            feed=None,
            items=(stamp(verdict, PUBLISHER),),
            updated=now,
            until=None,
        )
        for format in FORMATS.values():
            text = format.render(edition).body.decode()
            assert PUBLISHER.stamp in text
            assert (SECRET in text) is bool(uses & FULL)


@st.composite
def pictured(draw: st.DrawFn) -> tuple[Item, Item]:
    """A story and its picture, each with an owner, channel and time of its own."""
    story, picture = (
        an_item(
            id=f"20261102-{letter * 10}",
            headline=headline,
            body=body,
            outlet=draw(mostly(DAILY)(st.sampled_from([*OUTLETS, None]))),
            channel=draw(mostly(NEWS)(st.sampled_from(CHANNELS))),
            medium=medium,
            published=NOON + draw(st.integers(-60, 12).map(lambda number: timedelta(hours=number))),
        )
        for letter, headline, body, medium in (
            ("s", "有图的稿件", ("第一段在图片前面。", "第二段在图片后面。"), Medium.TEXT),
            ("p", "图片自己的标题", (CAPTION,), Medium.PICTURE),
        )
    )
    files = tuple(
        Rendition(
            name=name, content_type="image/jpeg", size=900, sha256=letter * 64, stamped_size=stamped_size
        )
        for name, letter, stamped_size in (
            (RenditionName.ORIGINAL, "a", draw(mostly(1_000)(st.none()))),
            (RenditionName.THUMBNAIL, "b", 950),
        )
    )
    picture = replace(
        picture, renditions=files, byline=CREDIT, credit=CREDIT, alt=ALT, file_name="kept-name"
    )
    link = Association(
        item=picture.id,
        place=1,
        caption=draw(st.sampled_from([None, OWN_CAPTION])),
        alt=draw(st.sampled_from([None, OWN_ALT])),
    )
    return replace(story, associations=(link,)), picture


CAPTION, CREDIT, ALT = "图上说的这一句", "署名某某", "看不见的人听到的话"
OWN_CAPTION, OWN_ALT = "稿件自己的图说", "稿件自己的替代文字"
named = st.sampled_from([None, frozenset({RenditionName.THUMBNAIL}), frozenset({RenditionName.POSTER})])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pictured(), recipients, several(mandates), several(licences()), named, nows)
def test_a_story_tells_of_its_picture_only_what_the_picture_s_own_rights_allow(
    both: tuple[Item, Item],
    to: Recipient,
    heads: list[Mandate],
    agreed: list[Licence],
    renditions: frozenset[RenditionName] | None,
    now: datetime,
) -> None:
    story, picture = both
    agreed = [
        replace(one, grants=tuple(replace(grant, renditions=renditions) for grant in one.grants))
        for one in agreed
    ]
    verdict = clear_preferred(story, to, heads, agreed, None, now)
    if not isinstance(verdict, Clearance):
        return
    about = clear_preferred(picture, to, heads, agreed, verdict.use, now)
    stamped = stamp(verdict, PUBLISHER, {picture.id: (picture, about)})
    names = {RenditionName.ORIGINAL, RenditionName.THUMBNAIL} if renditions is None else renditions
    files = {one for one in picture.renditions if one.name in names and one.stamped_size is not None}
    full = isinstance(to, Partner) and verdict.use in FULL
    may = full and verdict.use in uses_for(picture, to, heads, agreed, now) and bool(files)
    unseen = picture.outlet is None or now < picture.published or not full
    event("the picture is told" if may else "it leaves no trace" if unseen else "there is one")
    edition = Edition(
        publisher=PUBLISHER,
        recipient=to,
        feed=None,
        items=(stamped,),
        updated=now,
        until=None,
    )
    for name, one in {**FORMATS, **SERVED_FORMATS}.items():
        text = one.render(replace(edition, feed=feeds_of(PUBLISHER)["all"])).body.decode()
        told = [OWN_CAPTION, OWN_ALT, CAPTION, CREDIT, ALT, picture.headline, "kept-name"]
        told += [f"/media/{picture.id}/", "a" * 64, "b" * 64]
        if not may:
            assert not [word for word in told if word in text], name
        elif name == "ninjs":
            (link,) = story.associations
            assert (link.caption or CAPTION) in text
            assert (link.alt or ALT) in text
            assert CREDIT in text
            addressed = {file for file in picture.renditions if f"/media/{picture.id}/{file.name}" in text}
            assert addressed == files
        if unseen:
            assert picture.id not in text, name


def _read(format: str, body: bytes) -> dict[str, list[str]]:
    """Each entry's headline, and every text of it that a reader might show."""
    if format == "json":
        return {
            entry["title"]: [
                entry[name] for name in ("content_html", "content_text", "summary") if name in entry
            ]
            for entry in json.loads(body)["items"]
        }
    feed = feedparser.parse(body)
    assert not feed.bozo, feed.bozo_exception
    return {
        entry.title: [entry.summary, *(content.value for content in entry.get("content", []))]
        for entry in feed.entries
    }
