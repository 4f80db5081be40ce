"""Hold one partner's rights at one time, by which its change sequence is judged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from syndicate.agreements.writer import written, written_mandate
from syndicate.model.changes import Watermark
from syndicate.model.item import Item, canonical_json
from syndicate.model.parties import Partner
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Mandate
from syndicate.policy import Verdict, clear_preferred
from syndicate.store.protocol import CandidateQuery

IN_FLIGHT = timedelta(minutes=2)
"""An answer may be delivered this long after it was judged. Searches begin that much before a watermark."""


@dataclass(frozen=True, slots=True)
class PartnerSnapshot:
    """One partner's rights at the time `now`.

    `change` is the change number that `register` was read at. `rights` names the partner's licences and the
    mandates that bear on them: equal names mean equal agreements.
    """

    partner: Partner
    register: Register
    change: int
    now: datetime
    rights: str

    @property
    def licences(self) -> tuple[Licence, ...]:
        """The partner's own licences."""
        return self.register.licences_of(self.partner.id)

    def verdict(self, item: Item) -> Verdict:
        """What the policy says about the item.

        A suspension is not considered: it closes the server to the partner and ends no licence.
        """
        partner = self.partner if self.partner.suspended is None else replace(self.partner, suspended=None)
        return clear_preferred(item, partner, self.register.mandates, self.licences, None, self.now)

    def watermark(self) -> Watermark:
        """The watermark of a search that was made with this snapshot."""
        return Watermark(self.change, self.now, self.rights)

    def same_rights_since(self, watermark: Watermark | None, slack: timedelta = timedelta(0)) -> bool:
        """Whether the partner's rights are what they were at the watermark, and `slack` before it.

        They are not if an agreement was changed, or if one began or ended by its own dates.
        """
        if watermark is None or watermark.rights != self.rights or watermark.at > self.now:
            return False
        return not any(watermark.at - slack < edge <= self.now for edge in self.window_edges())

    @property
    def mandates(self) -> tuple[Mandate, ...]:
        """The mandates that may bear on what the partner's licences release."""
        return relevant_mandates(self.register.mandates, self.licences)

    def window_edges(self) -> list[datetime]:
        """When the mandates and the partner's licences begin and end."""
        windows = [one.window for one in self.mandates] + [one.window for one in self.licences]
        return [edge for one in windows for edge in (one.opens, one.closes) if edge is not None]

    def candidates_since(self, watermark: Watermark) -> CandidateQuery:
        """A query for the items whose verdict may have changed since the watermark.

        It is complete only while `same_rights_since(watermark)` holds.
        """
        published, available = self.transition_ages()
        since = watermark.at - IN_FLIGHT
        return CandidateQuery(
            watermark.change,
            tuple((since - age, self.now - age) for age in sorted(published)),
            tuple((since - age, self.now - age) for age in sorted(available)),
            (since, self.now),
        )

    def transition_ages(self) -> tuple[set[timedelta], set[timedelta]]:
        """The ages at which a grant opens or closes.

        The first set counts from an item's publication, the second from when it became available.
        """
        return transition_ages(self.licences)


def partner_snapshot(
    partner: Partner, register: Register, change: int, now: datetime, zone: tzinfo
) -> PartnerSnapshot:
    """Make the snapshot of a partner from a register that was read at this change number.

    `zone` is the publisher's time zone: agreements are named by their text in it, so that every worker
    gives equal rights the same name.
    """
    return PartnerSnapshot(partner, register, change, now, rights_name(partner, register, zone))


def relevant_mandates(mandates: Iterable[Mandate], licences: Iterable[Licence]) -> tuple[Mandate, ...]:
    """The mandates with an outlet and a medium that some grant of these licences names.

    The others decide nothing: what they are about, no grant releases.
    """
    grants = [grant for licence in licences for grant in licence.grants]
    return tuple(
        one
        for one in mandates
        if any(one.outlets & grant.outlets and one.media & grant.media for grant in grants)
    )


def transition_ages(licences: Iterable[Licence]) -> tuple[set[timedelta], set[timedelta]]:
    """`PartnerSnapshot.transition_ages` of any licences."""
    published, available = {timedelta(0)}, {timedelta(0)}
    for licence in licences:
        for grant in licence.grants:
            published.update(span for span in (grant.archive, grant.retain) if span is not None)
            available.add(grant.delay)
    return published, available


def rights_name(partner: Partner, register: Register, zone: tzinfo) -> str:
    """A name for the partner's licences and the mandates they need; equal agreements have equal names."""
    licences = register.licences_of(partner.id)
    return _name_of(relevant_mandates(register.mandates, licences), licences, zone)


@lru_cache(maxsize=2_048)
def _name_of(mandates: tuple[Mandate, ...], licences: tuple[Licence, ...], zone: tzinfo) -> str:
    agreed = {
        "mandates": [written_mandate(one, zone) for one in mandates],
        "licences": [written(one, zone) for one in licences],
    }
    return hashlib.sha256(canonical_json(agreed)).hexdigest()[:32]
