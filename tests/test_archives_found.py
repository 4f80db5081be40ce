"""Who follows a feed into its archive is shown everything that it may have, and comes to an end.

Random agreements are asked about one random archive, on both databases. What may be had is what judging
every item gives.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from syndicate.model.archives import ArchiveSpan, archive_span, part_from, spans_of
from syndicate.model.feeds import Feed
from syndicate.model.item import Item
from syndicate.model.parties import PUBLIC, Partner, Recipient
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Mandate, Use
from syndicate.policy import Clearance
from syndicate.policy.coverage import reach
from syndicate.services.delivery import archive_builder, archive_links
from syndicate.services.delivery.archive_builder import ArchiveContent, build_archive
from syndicate.services.delivery.feed_builder import FeedRequest, is_placed
from tests.support.factories import NOON, PUBLISHER, ZJOL
from tests.test_feeds_found import (  # noqa: F401  (fixtures)
    ARCHIVE,
    ASKED,
    LENGTH,
    Archive,
    _short_feeds,
    archive,
    licences,
)
from tests.test_promise import mandates, mostly, several

ZONE = PUBLISHER.zone


@pytest.fixture(autouse=True)
def _short_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (archive_builder, archive_links):
        monkeypatch.setattr(module, "ARCHIVE_LENGTH", LENGTH + 1)
    monkeypatch.setattr(archive_builder, "_BATCH", 5)


def may_have(request: FeedRequest) -> list[Item]:
    """All that the recipient may have of the feed, newest first, judged one by one."""
    known = reach(request.recipient, request.register.mandates, request.licences, request.now)
    return [
        item
        for item in ARCHIVE
        if known is not None
        and item in known
        and item in request.feed
        and is_placed(item, PUBLISHER)
        and isinstance(request.verdict(item), Clearance)
    ]


def shown_in(span: ArchiveSpan, items: list[Item]) -> list[Item]:
    """Those of these items that the document is about; as many as it holds."""
    top = span.newest or (span.until, "")
    within = [
        item
        for item in items
        if item.published >= span.since
        and ((item.published, item.id) < top or (item.published, item.id) == span.newest)
    ]
    return within[: LENGTH + 1]


def document(archive: Archive, request: FeedRequest, name: str) -> ArchiveContent | None:  # noqa: F811
    span = archive_span(name, ZONE)
    assert span is not None
    return archive.runner.run(
        archive.store.read(lambda reads: build_archive(request, PUBLISHER, reads, span))
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(ASKED),
    mostly(ZJOL)(st.just(PUBLIC)),
    several(mandates),
    several(licences()),
    st.integers(-72 * 60, 96 * 60).map(lambda number: NOON + timedelta(minutes=number)),
    mostly(None)(st.sampled_from(list(Use))),
)
def test_the_links_lead_from_a_feed_through_everything_and_back(
    archive: Archive,  # noqa: F811
    feed: Feed,
    to: Recipient,
    heads: list[Mandate],
    agreed: list[Licence],
    now: object,
    use: Use | None,
) -> None:
    own = {to.id: tuple(agreed)} if isinstance(to, Partner) else {}
    request = FeedRequest(feed, to, use, Register(1, {}, tuple(heads), own, {}), now)  # type: ignore[arg-type]
    everything = may_have(request)
    found = archive.build(request)
    seen = {item.id for item in found.items}
    name, path, previous = found.archive, [], None
    while name is not None:
        assert name not in path, "a loop"
        path.append(name)
        span, content = archive_span(name, ZONE), document(archive, request, name)
        assert span is not None
        assert content is not None, "a link to a document that has nothing"
        assert [item.id for item in content.items] == [item.id for item in shown_in(span, everything)]
        seen |= {item.id for item in content.items}
        if previous is not None:
            assert content.items[-1].id < previous.items[-1].id or (
                content.items[-1].published < previous.items[-1].published
            )
        name, previous = content.previous, content
    assert seen == {item.id for item in everything}
    event(f"{len(path)} documents")
    if not path:
        return
    # Back again: nothing between the first document and the last one reached is left out.
    back, name = set(), path[-1]
    for _ in range(len(ARCHIVE)):
        content = document(archive, request, name)
        assert content is not None
        back |= {item.id for item in content.items}
        newest = content.items[0]
        if content.next is None:
            break
        name = content.next
    else:
        pytest.fail("a loop upwards")
    assert back >= {
        item.id for item in everything if (item.published, item.id) <= (newest.published, newest.id)
    }


def test_every_moment_is_in_its_month_day_and_hour_in_any_zone() -> None:
    for span in spans_of(NOON, ZONE):
        assert NOON in span
        assert archive_span(span.name, ZONE) == span
    assert [span.name for span in spans_of(NOON, ZONE)] == ["2026-11", "2026-11-02", "2026-11-02T12"]
    part = part_from(NOON + timedelta(minutes=5), ARCHIVE[0].id, ZONE)
    assert part.name == f"2026-11-02T12-300000000-{ARCHIVE[0].id}"
    assert archive_span(part.name, ZONE) == part
