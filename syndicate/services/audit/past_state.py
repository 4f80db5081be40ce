"""Judge one item for one recipient by what was on record at one line of the trail.

The trail's numbers order what became known: everything written with line 120 is known after line 120. A
decision is judged with what was known, at the time that it applies to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from syndicate.model.item import Item
from syndicate.model.media import RenditionName
from syndicate.model.parties import PUBLIC, Partner, PartnerId, Recipient
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Use
from syndicate.policy import Clearance, Refusal, Verdict, clear_preferred
from syndicate.policy.reasons import Reason


@dataclass(frozen=True, slots=True)
class Known:
    """The rights, an item and who asks for it, as they stood on record."""

    register: Register
    item: Item
    recipient: Recipient

    def verdict(self, use: Use | None, at: datetime, rendition: RenditionName | None = None) -> Verdict:
        """Return the policy's answer at `at`; without a use, for the first that is granted.

        With `rendition`, about that file of the item.

        A suspension and a recall have no end on record, but a beginning: what came after `at` does not
        count against it.
        """
        own: tuple[Licence, ...] = ()
        if isinstance(self.recipient, Partner):
            own = self.register.licences_of(self.recipient.id)
        return judge(self.item, self.recipient, self.register, own, use, at, rendition)

    def obstacles(
        self, use: Use | None, at: datetime, rendition: RenditionName | None = None
    ) -> tuple[list[Refusal], Clearance | None]:
        """Return every refusal at `at`, the policy's own first, and the clearance without them.

        The clearance is None if an obstacle cannot be left out.

        The policy names one reason. A suspension, a hold or a recall may hide another: each of these is
        left out in turn, and the question is asked again.
        """
        refusals: list[Refusal] = []
        state: Known | None = self
        while state is not None:
            verdict = state.verdict(use, at, rendition)
            if isinstance(verdict, Clearance):
                return refusals, verdict
            refusals.append(verdict)
            state = state._without(verdict.reason)
        return refusals, None

    def _without(self, obstacle: Reason) -> Known | None:
        """The state without what this reason names; None where agreements or the time are the reason."""
        holds = self.item.holds
        match obstacle:
            case Reason.SUSPENDED:
                if not isinstance(self.recipient, Partner):
                    return None
                return replace(self, recipient=replace(self.recipient, suspended=None))
            case Reason.WITHHELD:
                holds = replace(holds, withheld=False)
            case Reason.EXCLUSIVE:
                holds = replace(holds, exclusive=None)
            case Reason.EMBARGOED | Reason.EMBARGO_UNACKNOWLEDGED:
                holds = replace(holds, embargo=None)
            case Reason.RECALLED:
                holds = replace(holds, recall=None)
            case (
                Reason.NOT_OURS
                | Reason.NOT_PUBLISHED
                | Reason.NO_MANDATE
                | Reason.MANDATE_NOT_BEGUN
                | Reason.MANDATE_ENDED
                | Reason.SUMMARY_ONLY
                | Reason.NO_LICENCE
                | Reason.LICENCE_ENDED
                | Reason.LICENCE_NOT_BEGUN
                | Reason.EXCEPTED
                | Reason.USE_NOT_GRANTED
                | Reason.OUTLET_NOT_GRANTED
                | Reason.MEDIUM_NOT_GRANTED
                | Reason.CHANNEL_NOT_GRANTED
                | Reason.RENDITION_NOT_GRANTED
                | Reason.OUTSIDE_ARCHIVE
                | Reason.RETENTION_ENDED
                | Reason.DELAYED
            ):
                return None
            case _:
                assert_never(obstacle)
        return None if holds == self.item.holds else replace(self, item=replace(self.item, holds=holds))

    def turn(
        self, use: Use | None, at: datetime, rendition: RenditionName | None = None
    ) -> datetime | None:
        """When the answer at `at` becomes another one by itself, as far as was known; None for never."""
        verdict = self.verdict(use, at, rendition)
        until = self._next(verdict, at)
        while until is not None:
            later = self.verdict(use, until, rendition)
            if not same(verdict, later):
                break
            until = self._next(later, until)
        return until

    def _next(self, verdict: Verdict, at: datetime) -> datetime | None:
        """Return the next time after `at` at which to ask again."""
        recall, recipient = self.item.holds.recall, self.recipient
        suspended = recipient.suspended if isinstance(recipient, Partner) else None
        times = (verdict.until, suspended, None if recall is None else recall.at)
        return min((one for one in times if one is not None and one > at), default=None)


def judge(
    item: Item,
    recipient: Recipient,
    register: Register,
    licences: Iterable[Licence],
    use: Use | None,
    at: datetime,
    rendition: RenditionName | None = None,
) -> Verdict:
    """The policy's answer at `at` with these licences, as `Known.verdict` says."""
    recall = item.holds.recall
    if recall is not None and at < recall.at:
        item = replace(item, holds=replace(item.holds, recall=None))
    if isinstance(recipient, Partner) and recipient.suspended is not None and at < recipient.suspended:
        recipient = replace(recipient, suspended=None)
    return clear_preferred(item, recipient, register.mandates, licences, use, at, rendition)


def recipient_in(register: Register, partner: str) -> Recipient | None:
    """Who goes by this id, `public` being the public; None for nobody on record."""
    return PUBLIC if partner == "public" else register.partners.get(PartnerId(partner))


def same(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts give the recipient the same answer."""
    if isinstance(one, Refusal) or isinstance(other, Refusal):
        return (
            isinstance(one, Refusal)
            and isinstance(other, Refusal)
            and (one.reason, one.clause) == (other.reason, other.clause)
        )
    return (one.clause, one.form, one.mandate, one.renditions) == (
        other.clause,
        other.form,
        other.mandate,
        other.renditions,
    )


def has_file(item: Item, rendition: RenditionName) -> bool:
    """Whether the item has this file, and it can leave."""
    return any(one.name is rendition and one.stamped_size is not None for one in item.renditions)
