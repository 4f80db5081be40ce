"""Write the trail records of licensed responses, unless rights changed since they were decided.

The caller commits.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, exists, insert, select

from syndicate.model.changes import Charge, Holding
from syndicate.model.rights import FORM_OF, Form, Use
from syndicate.store.counters import Counters, lock_counters, save_counters, write_lines
from syndicate.store.database import Transaction
from syndicate.store.protocol import Outcome, Pending
from syndicate.store.quota_counter import QuotaCounter, delivery_values
from syndicate.store.schema.tables import manifests
from syndicate.store.transaction import SqlWriting

_GIVEN_DIGEST = bindparam("given_digest", type_=manifests.c.digest.type)
_GIVEN_CONTENT = bindparam("given_content", type_=manifests.c.content.type)
_KEEP_MANIFEST = insert(manifests).from_select(
    ["digest", "content"],
    select(_GIVEN_DIGEST, _GIVEN_CONTENT).where(
        ~exists(select(manifests.c.digest).where(manifests.c.digest == _GIVEN_DIGEST))
    ),
)
"""Insert a manifest unless it is stored already. Writers take turns, so none can insert it in between."""


async def record(transaction: Transaction, pending: Sequence[Pending]) -> list[Outcome]:
    """Write the records that are still valid; return the outcome of each. See `Store.record`."""
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
    again = await _given_again(writing, before)
    await writing.give([*again, *(charge for charge, _ in given)])
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
