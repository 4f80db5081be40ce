"""A small trail to prove things about, its keys in memory, and hands that reach past the store's guards."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from syndicate.model.events import EditionDelivered, KeyRejected
from syndicate.model.item import canonical_json
from syndicate.model.records import Entry
from syndicate.services.audit.proof_service import ProofService
from syndicate.store.protocol import Pending, Reads, Store, Writing
from syndicate.trail.checkpoint import VerifierKey
from tests.support.factories import NOON
from tests.test_store.raw import by_hand
from tests.test_store.samples import a_delivery, an_act

ORIGIN = "xsnet.cn/syndicate-trail"
LIST = canonical_json({"feed": "all", "items": [["20260301-0000000001", 1, "reprint", "XSW-1#1"]]})
DIGEST = hashlib.sha256(LIST).hexdigest()


@dataclass
class Signing:
    """A signer with this private key."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)


@cache
def a_signer(number: int = 1) -> Signing:
    """Always the same one for the same number."""
    return Signing(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


@dataclass
class Keys:
    """`TrailKeys` in memory, the newest first."""

    signers: list[Signing] = field(default_factory=lambda: [a_signer(1)])

    async def exist(self, reads: Reads) -> bool:
        return bool(self.signers)

    async def renew(self, tx: Writing, now: datetime, *, lost: bool = False) -> str:
        self.signers.insert(0, a_signer(len(self.signers) + 1))
        return f"kid-{len(self.signers)}"

    async def signer(self, reads: Reads) -> Signing:
        return self.signers[0]

    async def publics(self, reads: Reads) -> tuple[bytes, ...]:
        return tuple(one.public for one in self.signers)


@dataclass
class Ticking:
    """A clock that is moved by hand."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        self.now += span


@cache
def a_key(number: int = 1, name: str = ORIGIN) -> VerifierKey:
    """The public half of `a_signer`."""
    return VerifierKey(name, a_signer(number).public)


def a_desk(store: Store, keys: Keys | None = None, clock: Ticking | None = None) -> ProofService:
    return ProofService(store, keys or Keys(), ORIGIN, clock or Ticking())


def an_edition(at: datetime = NOON) -> Pending:
    """A line that names a kept list, with the list."""
    event = EditionDelivered("zjol", "key-1", "all", "json", "reprint", DIGEST, 200, "GET", "r2")
    return Pending(Entry(at, "zjol", event), None, (DIGEST, LIST))


async def write(store: Store, lines: int, at: datetime = NOON) -> None:
    """Write this many lines: acts, deliveries, and (each fourth) an edition with its list."""
    for number in range(lines):
        match number % 4:
            case 0:
                async with store.writing() as tx:
                    await tx.append(an_act(at))
            case 1:
                await store.record([Pending(a_delivery(f"20260301-{number:010d}", at=at))])
            case 2:
                await store.record([an_edition(at)])
            case _:
                # What no UTF-8 can hold is kept too: half a character of a hostile request.
                event = KeyRejected("key_invalid", "坏的\ud800“钥匙”", None, None, 1, "r3")
                await store.record([Pending(Entry(at, "system", event))])


async def behind(address: str, *statements: str) -> None:
    """Run these as somebody who owns the database and takes its guards away first."""
    if address.startswith("sqlite"):
        found = await by_hand(address, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
        guards = [f"DROP TRIGGER {row.name}" for row in found]
    else:
        guards = [
            f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in ("trail", "checkpoints", "manifests")
        ]
    await by_hand(address, *guards, *statements)


def octets(address: str, raw: bytes) -> str:
    """Octets as they stand in a statement."""
    return f"X'{raw.hex()}'" if address.startswith("sqlite") else f"decode('{raw.hex()}', 'hex')"
