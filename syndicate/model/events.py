"""Events of the trail, one type per kind: ingest, rights, keys, and answers to partners.

An event holds no token, no reader's address and no personal data: a partner's id, a key's `jti`, an
item's id and version, a clause; of what staff wrote freely (a note) only its SHA-256. The table `EVENTS`
is the only place that maps kinds to types. A field that a later release added has a default, so that
lines written before it can still be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from syndicate.model.lifecycle_events import (
    ChangesAcknowledged,
    ChangesDelivered,
    EmbargoAcknowledged,
    ItemCorrected,
    ItemHeld,
    ItemRecalled,
    ItemReinstated,
    ItemReleased,
    TakedownOrdered,
    TakedownOverdue,
)
from syndicate.model.media_events import MediaDelivered


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
    """Staff added a partner; `partner` is its id."""

    kind: ClassVar[str] = "partner_added"
    partner: str


@dataclass(frozen=True, slots=True)
class PartnerSuspended:
    """A partner was suspended: all its keys are refused."""

    kind: ClassVar[str] = "partner_suspended"
    partner: str


@dataclass(frozen=True, slots=True)
class PartnerResumed:
    """Staff resumed a suspended partner."""

    kind: ClassVar[str] = "partner_resumed"
    partner: str


@dataclass(frozen=True, slots=True)
class MandateAdded:
    """Staff added a mandate; `digest` is the SHA-256 (hex) of its file as it was read."""

    kind: ClassVar[str] = "mandate_added"
    mandate: str
    digest: str


@dataclass(frozen=True, slots=True)
class MandateEnded:
    """Staff ended a mandate; `closes` is its new end (ISO 8601)."""

    kind: ClassVar[str] = "mandate_ended"
    mandate: str
    closes: str


@dataclass(frozen=True, slots=True)
class LicenceAdded:
    """Staff added a licence; `digest` is the SHA-256 of its file."""

    kind: ClassVar[str] = "licence_added"
    licence: str
    partner: str
    digest: str


@dataclass(frozen=True, slots=True)
class LicenceEnded:
    """Staff ended a licence; `closes` is its new end (ISO 8601)."""

    kind: ClassVar[str] = "licence_ended"
    licence: str
    partner: str
    closes: str


@dataclass(frozen=True, slots=True)
class KeyIssued:
    """Staff issued a key to a partner: its id, the signing key's id, and its end (ISO 8601)."""

    kind: ClassVar[str] = "key_issued"
    partner: str
    jti: str
    kid: str
    expires: str
    label: str


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """Staff revoked a partner's key; `jti` is its id."""

    kind: ClassVar[str] = "key_revoked"
    partner: str
    jti: str


@dataclass(frozen=True, slots=True)
class SigningKeyMade:
    """The server made a signing key; `kid` is its id."""

    kind: ClassVar[str] = "signing_key_made"
    kid: str


@dataclass(frozen=True, slots=True)
class SigningKeyAdopted:
    """A signing key that was there already became one of those that the database knows."""

    kind: ClassVar[str] = "signing_key_adopted"
    kid: str


@dataclass(frozen=True, slots=True)
class SigningKeyRetired:
    """Staff retired a signing key: partner keys that it signed are refused from now on."""

    kind: ClassVar[str] = "signing_key_retired"
    kid: str


@dataclass(frozen=True, slots=True)
class SigningKeysMoved:
    """Staff moved the signing keys: `to` is `database` (encrypted under `kek`, an id) or `folder`."""

    kind: ClassVar[str] = "signing_keys_moved"
    to: str
    kek: str | None


@dataclass(frozen=True, slots=True)
class SigningKeysRewrapped:
    """Staff encrypted the signing keys in the database anew; `kek` is the key-encryption key's id."""

    kind: ClassVar[str] = "signing_keys_rewrapped"
    kek: str


@dataclass(frozen=True, slots=True)
class ClockAccepted:
    """A person declared the machine's clock right although the trail's newest record is later.

    `machine` and `newest_record` are RFC 3339, UTC: the machine's time, and that of the record before.
    """

    kind: ClassVar[str] = "clock_accepted"
    machine: str
    newest_record: str
    reason: str


@dataclass(frozen=True, slots=True)
class MediaFilesCollected:
    """Staff removed files that no item names and that were added before `before` (RFC 3339).

    Written before the first is removed: `files` and `bytes` are the most that were.
    """

    kind: ClassVar[str] = "media_files_collected"
    files: int
    bytes: int
    before: str


@dataclass(frozen=True, slots=True)
class EditionDelivered:
    """A licensed feed was sent. `edition` is the digest of the manifest that lists its items.

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
class EditionPolled:
    """A partner asked `times` times with one key for a feed that had not changed, and was answered 304.

    Each time it held the edition already, and had been told so. `since` is when the first of these
    requests was answered (RFC 3339, UTC); `request` is the newest one's id. The record is written within a
    second of `since`.
    """

    kind: ClassVar[str] = "edition_polled"
    partner: str
    jti: str
    feed: str
    format: str
    use: str
    edition: str
    since: str
    times: int
    request: str


@dataclass(frozen=True, slots=True)
class ItemDelivered:
    """A licensed item was sent: which version, for which use, under which clause."""

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
    mandate: str | None = None


@dataclass(frozen=True, slots=True)
class LicenceShown:
    """A partner looked at its own licences and keys."""

    kind: ClassVar[str] = "licence_shown"
    partner: str
    jti: str
    request: str


@dataclass(frozen=True, slots=True)
class ReleaseRefused:
    """A partner with a valid key asked for something that it may not have."""

    kind: ClassVar[str] = "release_refused"
    partner: str
    jti: str
    subject: str
    """`item:ID` or `feed:ID`."""
    use: str
    reason: str
    clause: str | None
    request: str
    rendition: str | None = None
    """The file of the item that was asked for; None for what is no file."""


@dataclass(frozen=True, slots=True)
class KeyRejected:
    """A key was not accepted. `partner` and `jti` only where the signature was verified.

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
    | SigningKeyAdopted
    | SigningKeyRetired
    | SigningKeysMoved
    | SigningKeysRewrapped
    | ClockAccepted
    | MediaFilesCollected
    | EditionDelivered
    | EditionPolled
    | ItemDelivered
    | MediaDelivered
    | LicenceShown
    | ReleaseRefused
    | KeyRejected
    | ItemHeld
    | ItemReleased
    | ItemCorrected
    | ItemRecalled
    | ItemReinstated
    | EmbargoAcknowledged
    | ChangesDelivered
    | ChangesAcknowledged
    | TakedownOrdered
    | TakedownOverdue
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
        SigningKeyAdopted,
        SigningKeyRetired,
        SigningKeysMoved,
        SigningKeysRewrapped,
        ClockAccepted,
        MediaFilesCollected,
        EditionDelivered,
        EditionPolled,
        ItemDelivered,
        MediaDelivered,
        LicenceShown,
        ReleaseRefused,
        KeyRejected,
        ItemHeld,
        ItemReleased,
        ItemCorrected,
        ItemRecalled,
        ItemReinstated,
        EmbargoAcknowledged,
        ChangesDelivered,
        ChangesAcknowledged,
        TakedownOrdered,
        TakedownOverdue,
    )
}
