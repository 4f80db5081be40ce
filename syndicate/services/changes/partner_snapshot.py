"""One partner's rights at one moment: what its change sequence is judged by."""

from __future__ import annotations

import hashlib
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

UNDER_WAY = timedelta(minutes=2)
"""What was judged this long before a mark may have been given after it, and is looked at once more."""


@dataclass(frozen=True, slots=True)
class PartnerSnapshot:
    """One partner's rights at one moment: what everything here is judged by."""

    partner: Partner
    register: Register
    judged: int
    now: datetime
    rights: str

    @property
    def licences(self) -> tuple[Licence, ...]:
        """The partner's own."""
        return self.register.licences_of(self.partner.id)

    def verdict(self, item: Item) -> Verdict:
        """What the policy says. A suspension closes the door and leaves what was agreed as it is."""
        partner = replace(self.partner, suspended=None)
        return clear_preferred(item, partner, self.register.mandates, self.licences, None, self.now)

    def mark(self) -> Watermark:
        """Up to here."""
        return Watermark(self.judged, self.now, self.rights)

    def stands(self, mark: Watermark | None, before: timedelta = timedelta(0)) -> bool:
        """Whether the partner's rights are what they were at the mark, and so long before it: no agreement
        changed, none began or ended."""
        if mark is None or mark.rights != self.rights or mark.at > self.now:
            return False
        return not any(mark.at - before < edge <= self.now for edge in self.edges())

    def edges(self) -> list[datetime]:
        """When agreements that matter to the partner begin and end."""
        windows = [one.window for one in self.register.mandates] + [one.window for one in self.licences]
        return [edge for one in windows for edge in (one.opens, one.closes) if edge is not None]

    def moved(self, mark: Watermark) -> CandidateQuery:
        """What can have changed since the mark, while the rights stood."""
        published, available = self.ages()
        since = mark.at - UNDER_WAY
        return CandidateQuery(
            mark.change,
            tuple((since - age, self.now - age) for age in sorted(published)),
            tuple((since - age, self.now - age) for age in sorted(available)),
            (since, self.now),
        )

    def ages(self) -> tuple[set[timedelta], set[timedelta]]:
        """The ages at which an item opens or closes: from its publication, and from when it is out."""
        grants = [grant for licence in self.licences for grant in licence.grants]
        spans = [span for grant in grants for span in (grant.archive, grant.retain) if span is not None]
        return {timedelta(0), *spans}, {timedelta(0), *(grant.delay for grant in grants)}


def partner_snapshot(
    partner: Partner, register: Register, judged: int, now: datetime, zone: tzinfo
) -> PartnerSnapshot:
    """A partner's rights now, under a name that is the same for the same rights on every worker."""
    name = _name_of(register.mandates, register.licences_of(partner.id), zone)
    return PartnerSnapshot(partner, register, judged, now, name)


@lru_cache(maxsize=2_048)
def _name_of(mandates: tuple[Mandate, ...], licences: tuple[Licence, ...], zone: tzinfo) -> str:
    agreed = {
        "mandates": [written_mandate(one, zone) for one in mandates],
        "licences": [written(one, zone) for one in licences],
    }
    return hashlib.sha256(canonical_json(agreed)).hexdigest()[:32]
