"""Write the trail records of licensed responses, unless rights changed since they were decided.

The caller commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from syndicate.model.changes import Charge, Holding
from syndicate.model.rights import FORM_OF, Form, Use
from syndicate.store.counters import Counters, lock_counters, save_counters, write_lines
from syndicate.store.database import Transaction
from syndicate.store.protocol import Outcome, Pending, SequenceUpdate
from syndicate.store.queries.change_rows import after_charge
from syndicate.store.quota_counter import QuotaCounter, delivery_values
from syndicate.store.schema.rows import TrailRow
from syndicate.store.schema.tables import as_moment
from syndicate.store.transaction import SqlWriting


async def record(transaction: Transaction, pending: Sequence[Pending]) -> list[Outcome]:
    """Write the records that are still valid; return the outcome of each. See `Store.record`."""
    return await record_at(transaction, await lock_counters(transaction), pending)


async def record_at(transaction: Transaction, count: Counters, pending: Sequence[Pending]) -> list[Outcome]:
    """`record`, with the counters that were just locked; they are left as they are written."""
    if are_plain(pending):
        leaving = [one for one in pending if is_current(one, count)]
        if leaving:
            await _write(transaction, count, leaving)
            await save_counters(transaction, count)
        if len(leaving) == len(pending):
            return [Outcome.WRITTEN] * len(pending)
        return [Outcome.WRITTEN if is_current(one, count) else Outcome.STALE for one in pending]
    return await _record_giving(transaction, count, pending)


def are_plain(pending: Sequence[Pending]) -> bool:
    """Whether none of these gives or confirms anything, or appends to a change sequence."""
    return not any(one.charges or one.links or one.confirms or one.sequence for one in pending)


def is_current(one: Pending, count: Counters) -> bool:
    """Whether rights are still as they were when the answer was judged.

    A number from beyond the newest change comes from a database that was since restored.
    """
    return one.judged is None or count.rights <= one.judged <= count.change


async def _write(transaction: Transaction, count: Counters, leaving: Sequence[Pending]) -> list[TrailRow]:
    """Write the records, and the lists that they name."""
    lists = dict(one.manifest for one in leaving if one.manifest is not None)
    if lists:
        await transaction.keep_manifests(lists)
    return await write_lines(transaction, count, [one.entry for one in leaving])


async def _record_giving(
    transaction: Transaction, count: Counters, pending: Sequence[Pending]
) -> list[Outcome]:
    """`record`, where an answer gives or confirms something or appends to a change sequence."""
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
    rows = await _write(transaction, count, [one for one, _ in leaving])
    given = [(charge, row) for (_, new), row in zip(leaving, rows, strict=True) for charge in new]
    await counting.keep([delivery_values(charge, as_moment(row.at), row.seq) for charge, row in given])
    before = [charge for one, new in leaving for charge in set(one.charges).difference(new)]
    before += [charge for one, _ in leaving for charge in one.confirms if counting.knows(charge)]
    again = await _given_again(writing, before)
    links = [charge for one, _ in leaving for charge in one.links]
    await writing.give([*again, *links, *(charge for charge, _ in given)])
    await save_counters(transaction, count)
    return outcomes


async def _given_again(writing: SqlWriting, charges: Sequence[Charge]) -> list[Charge]:
    """Return the already charged items that the partner no longer holds, or holds only as a summary.

    The partner gets them again now. That costs nothing, but they must be recorded as held: the next recall
    must reach them.
    """
    found: list[Charge] = []
    for partner in {one.partner for one in charges}:
        theirs = [one for one in charges if one.partner == partner]
        known = await writing.held(partner, {one.item for one in theirs})
        found += [one for one in theirs if one.item not in known or _more(one, known[one.item])]
    return found


def _more(charge: Charge, holding: Holding) -> bool:
    """Whether this gives a newer version to a partner that had none, or the full text for a summary."""
    full = FORM_OF[Use(charge.use)] is Form.FULL
    return holding.version < charge.version or (full and not holding.terms.full)


async def _admit(
    writing: SqlWriting, count: Counters, counting: QuotaCounter, one: Pending
) -> tuple[Outcome, list[Charge]]:
    """Return the outcome, and the charges not counted before."""
    if not is_current(one, count):
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
        await writing.append_entries(_as_given(sequence, one.charges))
    return Outcome.WRITTEN, new


def _as_given(sequence: SequenceUpdate, charges: Sequence[Charge]) -> SequenceUpdate:
    """The update with its holdings as they are once the answer is given, so that each is written once."""
    given = {one.item: one for one in charges}
    held = (after_charge(one, given[one.item]) if one.item in given else one for one in sequence.held)
    return replace(sequence, held=tuple(held))
