"""How a holding ends: what a partner that may not have an item any more is told, and by when it is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, timedelta

from syndicate.model.changes import Action, ChangeEntry, Holding
from syndicate.model.item import Item, canonical_json
from syndicate.model.rights import Form, Licence
from syndicate.policy import Clearance, Verdict
from syndicate.policy.reasons import HIDDEN, Reason
from syndicate.services.changes.partner_snapshot import PartnerSnapshot


def ended(
    at: PartnerSnapshot, holding: Holding, item: Item, verdict: Verdict, seq: int
) -> ChangeEntry | None:
    """The entry that ends a holding; None where it may be kept."""
    recall = item.holds.recall
    if isinstance(verdict, Clearance):
        less = holding.terms.startswith(Form.FULL.value) and verdict.form is not Form.FULL
        if not less:
            return None
        reason, clause = Reason.USE_NOT_GRANTED.value, holding.clause
    else:
        # A reason that outsiders may not know tells more than that the item must go.
        hidden = verdict.reason in HIDDEN or verdict.reason is Reason.EMBARGO_UNACKNOWLEDGED
        reason = "held_back" if hidden else verdict.reason.value
        clause = verdict.clause or holding.clause
    action, note = Action.WITHDRAW, None
    deadline = at.now + _takedown(at.licences, holding.clause)
    if recall is not None:
        action, reason, note = Action.RECALL, recall.reason.value, recall.note
        clause, deadline = holding.clause, recall.deadline
    return ChangeEntry(
        partner=holding.partner,
        seq=seq,
        at=at.now,
        action=action,
        item=item.id,
        version=holding.version,
        clause=clause,
        reason=reason,
        note=note,
        deadline=deadline,
    )


def _takedown(licences: Sequence[Licence], clause: str) -> timedelta:
    """How long the licence of this clause gives for taking down."""
    number = clause.partition("#")[0]
    return next((one.takedown for one in licences if one.number == number), timedelta(days=1))


def terms_name(clearance: Clearance) -> str:
    """A name for the terms that come with an item: the form first, then all that a partner must know."""
    terms = [
        clearance.use.value,
        clearance.clause,
        clearance.may_edit,
        None if clearance.take_down is None else clearance.take_down.astimezone(UTC).isoformat(),
        None if clearance.embargoed_until is None else clearance.embargoed_until.isoformat(),
    ]
    return f"{clearance.form.value}:{hashlib.sha256(canonical_json(terms)).hexdigest()[:16]}"
