"""Read and write edition records: since when a feed has had its content for one recipient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select, update

from syndicate.store.counters import lock_counters
from syndicate.store.database import Transaction
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


async def edition_record(transaction: Transaction, content: EditionContent) -> EditionRecord | None:
    """Read the stored EditionRecord, or None."""
    row = await transaction.row(
        select(editions.c.digest, editions.c.judged, editions.c.since).where(
            editions.c.feed == content.feed, editions.c.recipient == content.recipient
        )
    )
    return None if row is None else EditionRecord(row.digest, row.judged, row.since)


async def edition_records(
    transaction: Transaction, contents: Sequence[EditionContent]
) -> list[EditionRecord | None]:
    """Read the stored EditionRecord of each."""
    return [await edition_record(transaction, content) for content in contents]


async def edition_moments(
    transaction: Transaction, contents: Sequence[EditionContent]
) -> list[datetime | None]:
    """Lock, read again, and store the new times. See `Store.edition_moment`."""
    await lock_counters(transaction)
    return [await _edition_moment(transaction, content) for content in contents]


async def _edition_moment(transaction: Transaction, content: EditionContent) -> datetime | None:
    since, kept = answer(await edition_record(transaction, content), content)
    if kept is not None:
        values = {"digest": kept.digest, "judged": kept.judged, "since": kept.since}
        here = (editions.c.feed == content.feed, editions.c.recipient == content.recipient)
        if not await transaction.run(update(editions).where(*here).values(values)):
            key = {"feed": content.feed, "recipient": content.recipient}
            await transaction.run(insert(editions), {**key, **values})
    return since
