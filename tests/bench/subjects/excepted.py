"""Measure how long a licensed feed takes to build where `[[except]]` hides the newest items.

Two partners have the same grant in one archive. The licence of one excepts the channel of the newest 6,000
items. Both feeds end with 50 items; the one has to be found behind what is excepted.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from syndicate.config import load
from syndicate.model.feeds import FEED_LENGTH
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.register import Register
from syndicate.services.delivery.editions import Editions
from syndicate.store.protocol import Change
from syndicate.wiring import Services, initialise, opened
from tests.bench.rows import Bench, Row, ratios, spread
from tests.support.factories import ASK, NEWS, NOON, STAFF, an_item
from tests.test_store.samples import an_act

NAMES = ("excepted",)
EXCEPTED_ITEMS = 6_000
LICENCE = (
    'number="{0}"\npartner="{0}"\nvalid_from=2015-01-01\nvalid_until=2099-01-01\n'
    '[[grant]]\nuses=["reprint"]\noutlets=["daily"]\nmedia=["text"]\n'
)
EXCEPT = '[[except]]\nchannels=["ask"]\n'


def rows(bench: Bench) -> Iterator[Row]:
    """The row of this subject, if it is wanted."""
    if not bench.wants(*NAMES):
        return
    bench.say(f"excepted: {EXCEPTED_ITEMS:,} items of the newest hidden by an exception")
    plain, excepting = zip(
        *asyncio.run(_build_times(bench.scratch / "excepted", bench.rounds)), strict=True
    )
    yield Row(
        "excepted",
        f"time to build a licensed feed, newest {EXCEPTED_ITEMS:,} items excepted",
        "1,300 ms",
        "bounded by the feed",
        f"{spread(ratios(excepting, plain), 1)} × the feed without an exception",
        None,
        f"without {statistics.median(plain) * 1e3:.1f} ms, with {statistics.median(excepting) * 1e3:.1f}",
    )


async def _build_times(folder: Path, rounds: int) -> list[tuple[float, float]]:
    settings = load(None, {}, data=folder)
    await initialise(settings, STAFF)
    async with opened(settings) as services:
        await _furnish(services)
        register, revision = await services.rights_cache.read()
        taken = []
        for number in range(rounds + 1):
            plain = await _build(services, register.partners[PartnerId("plain")], register, revision)
            excepting = await _build(
                services, register.partners[PartnerId("excepting")], register, revision
            )
            if number > 0:  # the first round warms up
                taken.append((plain, excepting))
        return taken


async def _furnish(services: Services) -> None:
    """Make the mandate, both licences, 50 older items that both may have, and the newest 6,000."""
    await services.rights.add_mandate(
        STAFF,
        'number="M"\nholder="萧山日报社"\noutlets=["daily"]\nmedia=["text"]\nexclusive=true\n'
        "valid_from=2015-01-01\n",
        "mandate",
    )
    for partner, more in (("plain", ""), ("excepting", EXCEPT)):
        await services.rights.add_partner(STAFF, partner, "基准测试")
        await services.rights.add_licence(STAFF, LICENCE.format(partner) + more, "licence")
    async with services.store.writing() as tx:
        for number in range(EXCEPTED_ITEMS + FEED_LENGTH):
            item = an_item(
                id=f"20260101-{number:010d}",
                channel=NEWS if number < FEED_LENGTH else ASK,
                published=NOON - timedelta(minutes=EXCEPTED_ITEMS + FEED_LENGTH - number),
            )
            await tx.put_item(item, [])
        await tx.append(an_act())
        await tx.changed(Change.ITEM)


async def _build(services: Services, partner: Partner, register: Register, revision: int) -> float:
    """Build the feed `all` for a partner with an empty cache; return the seconds that it took."""
    delivery = services.delivery
    editions = Editions(services.store, services.settings.publisher, delivery.quotas, services.clock)
    begun = time.perf_counter()
    made = await editions.of_feed(delivery.feeds["all"], partner, None, register, revision)
    spent = time.perf_counter() - begun
    channels = {one.channel.id for one in made.edition.items}
    expected = {ASK} if partner.id == "plain" else {NEWS}
    if len(made.edition.items) != FEED_LENGTH or channels != expected:
        raise SystemExit(f"{partner.id}: {len(made.edition.items)} items of {channels} were built")
    return spent
