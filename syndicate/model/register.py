"""The register of rights: all partners, mandates, licences and keys after one change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from syndicate.model.parties import Partner, PartnerId
from syndicate.model.rights import Licence, Mandate


@dataclass(frozen=True, slots=True)
class Key:
    """密钥: a partner's key as it is kept, without the token itself. All times are aware, UTC."""

    jti: str
    partner: PartnerId
    kid: str
    label: str
    issued: datetime
    expires: datetime
    revoked: datetime | None = None
    last_used: datetime | None = None
    """Filled in by listings alone."""


@dataclass(frozen=True, slots=True)
class Register:
    """All rights as they stand after change `seq`, as one immutable value.

    `keys` holds every key ever issued, by `jti`: a key that is not here is rejected, however well it
    is signed.
    """

    seq: int
    partners: Mapping[PartnerId, Partner]
    mandates: tuple[Mandate, ...]
    licences: Mapping[PartnerId, tuple[Licence, ...]]
    keys: Mapping[str, Key]

    def licences_of(self, partner: PartnerId) -> tuple[Licence, ...]:
        """The partner's licences, in force or not; none is an empty tuple."""
        return self.licences.get(partner, ())

    def licences_with_line(self, now: datetime) -> list[str]:
        """The numbers of the licences, not ended yet, of which a grant needs the visible line."""
        return sorted(
            one.number
            for licences in self.licences.values()
            for one in licences
            if one.window.state(now) != "ended" and any(grant.visible_line for grant in one.grants)
        )
