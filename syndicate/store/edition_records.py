"""Read and write edition records: since when a feed has had its content for one recipient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from syndicate.store.counters import lock_counters
from syndicate.store.database import Transaction
from syndicate.store.queries.sql_reads import batches
from syndicate.store.schema.tables import editions


@dataclass(frozen=True, slots=True)
class EditionRecord:
    """A feed's content for one recipient: digest, time of last change, change number."""

    digest: str
    judged: int
    since: datetime


@dataclass(frozen=True, slots=True)
class EditionContent:
    """A feed's content for one recipient as it was judged: what `Store.edition_moment` is asked about."""

    feed: str
    recipient: str
    digest: str
    judged: int
    at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """Which record is about it."""
        return self.feed, self.recipient


_Key = tuple[str, str]
"""Feed and recipient."""
_RECORDS: Final = select(editions.c.feed, editions.c.digest, editions.c.judged, editions.c.since)
_NEW: Final[dict[str, Any]] = {name: bindparam(f"new_{name}") for name in ("digest", "judged", "since")}
_UPDATE: Final = (
    update(editions)
    .where(editions.c.feed == bindparam("of_feed"), editions.c.recipient == bindparam("of_recipient"))
    .values(_NEW)
)
_INSERT: Final = insert(editions).values(
    {"feed": bindparam("of_feed"), "recipient": bindparam("of_recipient"), **_NEW}
)


def whole_second(moment: datetime) -> datetime:
    """Convert to UTC and drop the fraction of a second, as HTTP dates do."""
    return moment.astimezone(UTC).replace(microsecond=0)


def answer(
    known: EditionRecord | None, content: EditionContent
) -> tuple[datetime | None, EditionRecord | None]:
    """Return since when the feed has this content, and the record to write, if any.

    None instead of a time where another worker recorded other content at a newer change number: this
    content is out of date.
    """
    digest, judged = content.digest, content.judged
    now = whole_second(content.at)
    if known is None:
        return now, EditionRecord(digest, judged, now)
    if known.digest == digest:
        return known.since, None
    if judged < known.judged:
        return None, None
    since = max(now, known.since + timedelta(seconds=1))
    return since, EditionRecord(digest, judged, since)


async def edition_records(
    transaction: Transaction, contents: Sequence[EditionContent]
) -> list[EditionRecord | None]:
    """Read the stored EditionRecord of each, or None."""
    found: dict[_Key, EditionRecord] = {}
    asked: dict[str, set[str]] = {}
    for content in contents:
        asked.setdefault(content.recipient, set()).add(content.feed)
    for recipient, feeds in asked.items():
        # Not pairs of both: SQLite would read the whole table for those.
        query = _RECORDS.where(editions.c.recipient == recipient)
        for batch in batches(feeds):
            for row in await transaction.rows(query.where(editions.c.feed.in_(batch))):
                found[row.feed, recipient] = EditionRecord(row.digest, row.judged, row.since)
    return [found.get(content.key) for content in contents]


async def edition_moments(
    transaction: Transaction, contents: Sequence[EditionContent]
) -> list[datetime | None]:
    """Lock, read again, and store the new times. See `Store.edition_moment`."""
    await lock_counters(transaction)
    before = await edition_records(transaction, contents)
    records = {content.key: record for content, record in zip(contents, before, strict=True)}
    known = {key for key, record in records.items() if record is not None}
    moments: list[datetime | None] = []
    changed: dict[_Key, EditionRecord] = {}
    for content in contents:  # a feed may be among them twice, judged at two numbers
        since, news = answer(records[content.key], content)
        moments.append(since)
        if news is not None:
            records[content.key] = changed[content.key] = news
    rows = [_values(key, record) for key, record in changed.items() if key in known]
    if rows:
        await transaction.run(_UPDATE, rows)
    rows = [_values(key, record) for key, record in changed.items() if key not in known]
    if rows:
        await transaction.run(_INSERT, rows)
    return moments


def _values(key: _Key, record: EditionRecord) -> dict[str, Any]:
    return {
        "of_feed": key[0],
        "of_recipient": key[1],
        "new_digest": record.digest,
        "new_judged": record.judged,
        "new_since": record.since,
    }
