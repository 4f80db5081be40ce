"""Write the trail records of licensed answers: none leaves before its record is durable and still true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, exists, insert, select, update

from syndicate.model.changes import Charge, Holding
from syndicate.model.rights import FORM_OF, Form, Use
from syndicate.store.counters import Counters, lock_counters, save_counters, write_lines
from syndicate.store.database import Transaction
from syndicate.store.protocol import Outcome, Pending
from syndicate.store.quota_counter import QuotaCounter, delivery_values
from syndicate.store.schema.tables import editions, manifests
from syndicate.store.transaction import SqlWriting

_GIVEN_DIGEST = bindparam("given_digest", type_=manifests.c.digest.type)
_GIVEN_CONTENT = bindparam("given_content", type_=manifests.c.content.type)
_KEEP_MANIFEST = insert(manifests).from_select(
    ["digest", "content"],
    select(_GIVEN_DIGEST, _GIVEN_CONTENT).where(
        ~exists(select(manifests.c.digest).where(manifests.c.digest == _GIVEN_DIGEST))
    ),
)
"""Keep a list once. Writers take turns, so nobody can put it there in between."""


async def record(transaction: Transaction, pending: Sequence[Pending]) -> list[Outcome]:
    """See `Store.record`: in one transaction, which of these were still true, and are written."""
    count = await lock_counters(transaction)
    writing = SqlWriting(transaction, count)
    counting = QuotaCounter(writing, transaction)
    await counting.load([charge for one in pending for charge in (*one.charges, *one.confirms)])
    outcomes: list[Outcome] = []
    leaving: list[tuple[Pending, list[Charge]]] = []
    for one in pending:
        outcome, new = await _admit(writing, count, counting, one)
        outcomes.append(outcome)
        if outcome is Outcome.WRITTEN:
            leaving.append((one, new))
    if not leaving:
        return outcomes
    lists = dict(one.manifest for one, _ in leaving if one.manifest is not None)
    if lists:
        await transaction.run(
            _KEEP_MANIFEST,
            [{"given_digest": digest, "given_content": content} for digest, content in lists.items()],
        )
    lines = await write_lines(transaction, count, [one.entry for one, _ in leaving])
    given = [(charge, line) for (_, new), line in zip(leaving, lines, strict=True) for charge in new]
    await counting.keep([delivery_values(charge, line["at"], line["seq"]) for charge, line in given])
    before = [charge for one, new in leaving for charge in set(one.charges).difference(new)]
    before += [charge for one, _ in leaving for charge in one.confirms if counting.knows(charge)]
    again = await _taken_back(writing, before)
    await writing.give([*again, *(charge for charge, _ in given)])
    await save_counters(transaction, count)
    return outcomes


async def _taken_back(writing: SqlWriting, charges: Sequence[Charge]) -> list[Charge]:
    """Of what was given and charged before, give what its partner does not hold, or not in full.

    The partner had to remove it, or had a summary, and gets it now. That costs nothing, and the next recall
    must reach it.
    """
    found: list[Charge] = []
    for partner in {one.partner for one in charges}:
        theirs = [one for one in charges if one.partner == partner]
        known = await writing.held(partner, {one.item for one in theirs})
        found += [one for one in theirs if one.item not in known or _more(one, known[one.item])]
    return found


def _more(charge: Charge, holding: Holding) -> bool:
    """Whether this gives a version to who had none, or the full text to who had less."""
    full = FORM_OF[Use(charge.use)] is Form.FULL
    return holding.version < charge.version or (full and not holding.terms.full)


async def _admit(
    writing: SqlWriting, count: Counters, counting: QuotaCounter, one: Pending
) -> tuple[Outcome, list[Charge]]:
    """Whether this answer may leave, and what it gives for the first time."""
    # A number from beyond the newest one comes from a database that was since restored.
    if one.judged is not None and not count.rights <= one.judged <= count.change:
        return Outcome.STALE, []
    sequence = one.sequence
    if sequence is not None:
        progress = await writing.progress(sequence.progress.partner)
        if progress.revision != sequence.read:
            return Outcome.STALE, []
    new = counting.new(one.charges)
    if new is None:
        return Outcome.OVER, []
    if sequence is not None:
        await writing.append_entries(sequence)
    return Outcome.WRITTEN, new


@dataclass(frozen=True, slots=True)
class EditionRecord:
    """What a feed holds for one recipient, since when, and at which change number that was judged."""

    digest: str
    judged: int
    since: datetime


def whole_second(moment: datetime) -> datetime:
    """The moment in UTC, cut to the second: what an HTTP date can say."""
    return moment.astimezone(UTC).replace(microsecond=0)


def answer(
    known: EditionRecord | None, digest: str, judged: int, at: datetime
) -> tuple[datetime | None, EditionRecord | None]:
    """Since when the feed has this content, and the record to write, if any.

    None instead of a time where another worker recorded other content at a newer change number: this
    content is out of date.
    """
    now = whole_second(at)
    if known is None:
        return now, EditionRecord(digest, judged, now)
    if known.digest == digest:
        return known.since, None
    if judged < known.judged:
        return None, None
    since = max(now, known.since + timedelta(seconds=1))
    return since, EditionRecord(digest, judged, since)


async def edition_record(transaction: Transaction, feed: str, recipient: str) -> EditionRecord | None:
    """What is kept about this feed for this recipient."""
    row = await transaction.row(
        select(editions.c.digest, editions.c.judged, editions.c.since).where(
            editions.c.feed == feed, editions.c.recipient == recipient
        )
    )
    return None if row is None else EditionRecord(row.digest, row.judged, row.since)


async def edition_moment(
    transaction: Transaction, feed: str, recipient: str, digest: str, judged: int, at: datetime
) -> datetime | None:
    """See `Store.edition_moment`: the part that writes. Looks again, now that it is our turn."""
    await lock_counters(transaction)
    since, kept = answer(await edition_record(transaction, feed, recipient), digest, judged, at)
    if kept is not None:
        values = {"digest": kept.digest, "judged": kept.judged, "since": kept.since}
        here = (editions.c.feed == feed, editions.c.recipient == recipient)
        if not await transaction.run(update(editions).where(*here).values(values)):
            await transaction.run(insert(editions), {"feed": feed, "recipient": recipient, **values})
    return since
