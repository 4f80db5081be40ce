"""Decide whether a partner must remove an item that it holds, why, and by when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from syndicate.model.changes import Action, ChangeEntry, Holding, Terms
from syndicate.model.item import Item, canonical_json
from syndicate.model.rights import Clause, Form, Licence
from syndicate.policy import Clearance
from syndicate.policy.reasons import HIDDEN_IN_REMOVALS, Reason
from syndicate.services.changes.partner_snapshot import PartnerSnapshot


@dataclass(frozen=True, slots=True)
class Removal:
    """A holding that has ended, and the entry that tells the partner so; its `seq` is 0 until written."""

    holding: Holding
    entry: ChangeEntry


def removal(snapshot: PartnerSnapshot, holding: Holding, item: Item) -> Removal | None:
    """Return the removal of a holding that the partner may not keep; None if it may.

    `item` is the newest version, an outline is enough. A recall is given its own deadline, any other
    removal the time that the licence of the holding's clause allows.
    """
    verdict = snapshot.verdict(item)
    if isinstance(verdict, Clearance):
        if not holding.terms.full or verdict.form is Form.FULL:
            return None
        reason, clause = Reason.USE_NOT_GRANTED.value, holding.clause
    else:
        # A partner may not learn that an item is under embargo, exclusive or withheld.
        reason = "held_back" if verdict.reason in HIDDEN_IN_REMOVALS else verdict.reason.value
        clause = verdict.clause or holding.clause
    action, note = Action.WITHDRAW, None
    deadline = snapshot.now + _time_to_remove(snapshot.licences, holding.clause)
    recall = item.holds.recall
    if recall is not None:
        action, reason, note = Action.RECALL, recall.reason.value, recall.note
        clause, deadline = holding.clause, recall.deadline
    entry = ChangeEntry(
        partner=holding.partner,
        seq=0,
        at=snapshot.now,
        action=action,
        item=item.id,
        version=holding.version,
        clause=clause,
        reason=reason,
        note=note,
        deadline=deadline,
    )
    return Removal(holding, entry)


def _time_to_remove(licences: Sequence[Licence], clause: Clause) -> timedelta:
    """How long the licence of this clause allows for a removal; a day where the licence is not known."""
    return next((one.takedown for one in licences if one.number == clause.agreement), timedelta(days=1))


def terms_name(clearance: Clearance) -> Terms:
    """A name for the terms that an item comes under: the form, then a digest of all other terms.

    Equal terms have equal names. A new name means that the partner must be given the item again.
    """
    terms: list[object] = [
        clearance.use.value,
        clearance.clause,
        clearance.may_edit,
        None if clearance.take_down is None else clearance.take_down.astimezone(UTC).isoformat(),
        None if clearance.embargoed_until is None else clearance.embargoed_until.isoformat(),
    ]
    if clearance.renditions:
        terms.append(sorted(clearance.renditions))
    if clearance.lined:
        terms.append(["line", *sorted(clearance.lined)])
    return Terms.of(clearance.form, hashlib.sha256(canonical_json(terms)).hexdigest()[:16])
