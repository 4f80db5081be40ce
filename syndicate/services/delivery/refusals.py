"""Turn the policy's refusals into errors, and errors into the reasons that the trail writes."""

from __future__ import annotations

from syndicate.errors import AddressExpired, NotLicensed, QuotaExceeded, Recalled, Unknown
from syndicate.language import Text
from syndicate.model.item import ItemId
from syndicate.model.parties import PUBLIC, Recipient
from syndicate.policy import Refusal
from syndicate.policy.reasons import HIDDEN, REASONS, RECALLS, Reason


def refusal_error(refusal: Refusal, item: ItemId, recipient: Recipient) -> NotLicensed | Recalled | Unknown:
    """Return the error for an item that was refused: Unknown where the recipient must not know of it."""
    if refusal.recall is not None:
        recall = refusal.recall
        return Recalled(recall.reason.value, recall.at, RECALLS[recall.reason], clause=refusal.clause)
    if recipient == PUBLIC or refusal.reason in HIDDEN:
        return Unknown(Text("稿件", "item"), item, reason=refusal.reason.value)
    return NotLicensed(refusal.reason.value, refusal.clause, REASONS[refusal.reason])


def refusal_reason(refusal: NotLicensed | Unknown | Recalled | QuotaExceeded | AddressExpired) -> str:
    """Return the reason as the trail writes it. Every recall is the policy's one reason RECALLED."""
    match refusal:
        case Recalled():
            return Reason.RECALLED.value
        case QuotaExceeded(code=code) | AddressExpired(code=code):
            return code
        case _:
            return refusal.reason
