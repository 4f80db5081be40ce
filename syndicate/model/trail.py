"""审计记录: the trail's events, one type per kind of event, and the line that carries one.

An event holds no token, no reader's address and no personal data: a partner's id, a key's `jti`, an
item's id and version, a clause. The table `EVENTS` is the only place that maps kinds to types.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, TypeAlias


@dataclass(frozen=True, slots=True)
class ItemIngested:
    """A document became a version of an item."""

    kind: ClassVar[str] = "item_ingested"
    item: str
    version: int
    digest: str
    document: str


@dataclass(frozen=True, slots=True)
class DocumentRefused:
    """A document could not become an item; `faults` are their codes."""

    kind: ClassVar[str] = "document_refused"
    document: str
    faults: list[str]


@dataclass(frozen=True, slots=True)
class PartnerAdded:
    kind: ClassVar[str] = "partner_added"
    partner: str


@dataclass(frozen=True, slots=True)
class PartnerSuspended:
    kind: ClassVar[str] = "partner_suspended"
    partner: str


@dataclass(frozen=True, slots=True)
class PartnerResumed:
    kind: ClassVar[str] = "partner_resumed"
    partner: str


@dataclass(frozen=True, slots=True)
class MandateAdded:
    """`digest` is the SHA-256 (hex) of the agreement's file as it was read."""

    kind: ClassVar[str] = "mandate_added"
    mandate: str
    digest: str


@dataclass(frozen=True, slots=True)
class MandateEnded:
    kind: ClassVar[str] = "mandate_ended"
    mandate: str
    closes: str


@dataclass(frozen=True, slots=True)
class LicenceAdded:
    kind: ClassVar[str] = "licence_added"
    licence: str
    partner: str
    digest: str


@dataclass(frozen=True, slots=True)
class LicenceEnded:
    kind: ClassVar[str] = "licence_ended"
    licence: str
    partner: str
    closes: str


@dataclass(frozen=True, slots=True)
class KeyIssued:
    kind: ClassVar[str] = "key_issued"
    partner: str
    jti: str
    kid: str
    expires: str
    label: str


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    kind: ClassVar[str] = "key_revoked"
    partner: str
    jti: str


@dataclass(frozen=True, slots=True)
class SigningKeyMade:
    kind: ClassVar[str] = "signing_key_made"
    kid: str


@dataclass(frozen=True, slots=True)
class SigningKeyRetired:
    kind: ClassVar[str] = "signing_key_retired"
    kid: str


@dataclass(frozen=True, slots=True)
class EditionDelivered:
    """A licensed feed was answered. `edition` names the kept list of what was in it.

    `status` is 200 or 304: a 304 says again that the partner holds that edition.
    """

    kind: ClassVar[str] = "edition_delivered"
    partner: str
    jti: str
    feed: str
    format: str
    use: str
    edition: str
    status: int
    method: str
    request: str


@dataclass(frozen=True, slots=True)
class ItemDelivered:
    """A licensed item was answered: which version, for which use, under which clause."""

    kind: ClassVar[str] = "item_delivered"
    partner: str
    jti: str
    item: str
    version: int
    use: str
    clause: str
    status: int
    method: str
    request: str


@dataclass(frozen=True, slots=True)
class LicenceShown:
    """A partner looked at its own licences and keys."""

    kind: ClassVar[str] = "licence_shown"
    partner: str
    jti: str
    request: str


@dataclass(frozen=True, slots=True)
class ReleaseRefused:
    """A known partner asked for what it may not have."""

    kind: ClassVar[str] = "release_refused"
    partner: str
    jti: str
    subject: str
    """`item:ID` or `feed:ID`."""
    use: str
    reason: str
    clause: str | None
    request: str


@dataclass(frozen=True, slots=True)
class KeyRejected:
    """A key did not open. `partner` and `jti` only where the signature was verified.

    Beyond a rate, rejections of unverified keys are counted instead of written one by one: `times` is
    how many this line stands for.
    """

    kind: ClassVar[str] = "key_rejected"
    code: str
    detail: str
    partner: str | None
    jti: str | None
    times: int
    request: str


Event: TypeAlias = (
    ItemIngested
    | DocumentRefused
    | PartnerAdded
    | PartnerSuspended
    | PartnerResumed
    | MandateAdded
    | MandateEnded
    | LicenceAdded
    | LicenceEnded
    | KeyIssued
    | KeyRevoked
    | SigningKeyMade
    | SigningKeyRetired
    | EditionDelivered
    | ItemDelivered
    | LicenceShown
    | ReleaseRefused
    | KeyRejected
)

EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        ItemIngested,
        DocumentRefused,
        PartnerAdded,
        PartnerSuspended,
        PartnerResumed,
        MandateAdded,
        MandateEnded,
        LicenceAdded,
        LicenceEnded,
        KeyIssued,
        KeyRevoked,
        SigningKeyMade,
        SigningKeyRetired,
        EditionDelivered,
        ItemDelivered,
        LicenceShown,
        ReleaseRefused,
        KeyRejected,
    )
}

INDEXED = ("partner", "jti", "item")
"""Names of event fields that the store keeps beside the line, to find it by."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its actor and time, not yet written. `actor`: `staff`, `system` or a partner's id."""

    at: datetime
    actor: str
    event: Event


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trail as it was written; `seq` grows by the order of writing."""

    seq: int
    entry: Entry


def event_fields(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values."""
    return {field.name: getattr(event, field.name) for field in fields(event)}


def event_from(kind: str, values: dict[str, Any]) -> Event:
    """The inverse of `event_fields`. Raises KeyError for an unknown kind, TypeError for wrong fields."""
    event = EVENTS[kind]
    names = {field.name for field in fields(event)}
    if names != set(values):
        raise TypeError(f"{kind}: expected {sorted(names)}, found {sorted(values)}")
    return event(**values)
