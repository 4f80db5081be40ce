"""Issue and revoke partners' keys; make, rotate and retire the server's signing keys."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from syndicate.access.rights_cache import Clock
from syndicate.errors import Conflict, Fault, Faulty, StoreReadOnly, Unknown
from syndicate.language import Text
from syndicate.model.actors import Actor
from syndicate.model.events import (
    KeyIssued,
    KeyRevoked,
    SigningKeyAdopted,
    SigningKeyMade,
    SigningKeyRetired,
)
from syndicate.model.parties import PartnerId
from syndicate.model.records import Entry
from syndicate.model.register import Key
from syndicate.services.rights.known_signing_keys import require_common, require_current
from syndicate.store.protocol import Change, Reads, Store, Writing

MOST_DAYS = 3 * 365
"""The longest life of a partner's key."""


class SigningKeys(Protocol):
    """The signing keys, in a folder or in the database; every call may raise KeyringFault."""

    async def place(self, reads: Reads) -> Text:
        """Where they are, for messages."""

    async def ids(self, reads: Reads) -> tuple[str, ...]:
        """Return the ids of the keys whose signatures are still accepted, the current one first."""

    async def check(self, reads: Reads) -> None:
        """Raise KeyringFault where the database keeps keys that cannot be decrypted."""

    async def make_first_key(self, tx: Writing) -> str | None:
        """Make the first signing key; return its id, or None if there is one already."""

    async def rotate(self, tx: Writing) -> str:
        """Make a new current key and return its id. Tokens signed with the old one stay valid."""

    async def retire(self, tx: Writing, kid: str) -> None:
        """Retire a key: its tokens are no longer accepted. Raises Unknown, Conflict for the current key."""

    async def lost(self, reads: Reads) -> bool:
        """Whether the database keeps keys that cannot be decrypted any more."""

    async def replace(self, tx: Writing) -> str:
        """Make a new current key in place of keys that are `lost`, which are retired; return its id."""

    async def sign(
        self, reads: Reads, partner: PartnerId, jti: str, issued: datetime, expires: datetime
    ) -> tuple[str, str]:
        """Return a token signed with the current key, and that key's id."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its token, which is shown once and stored nowhere."""

    token: str
    key: Key

    def __repr__(self) -> str:
        return f"IssuedKey(jti={self.key.jti!r})"


class KeyService:
    """Manage partners' keys and signing keys.

    Raises Unknown, Conflict, Faulty, KeyringFault, StoreFault.
    """

    def __init__(
        self,
        store: Store,
        signing_keys: SigningKeys,
        clock: Clock,
        new_jti: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store, self._signing_keys, self._clock, self._new_jti = store, signing_keys, clock, new_jti

    async def issue(
        self, actor: Actor, partner: PartnerId, *, label: str = "", days: int = 365
    ) -> IssuedKey:
        """Make a key for a partner; several may be in force at once, so that one can replace another."""
        faults = _faults(label, days)
        if faults:
            raise Faulty("key", faults)
        issued = self._clock().replace(microsecond=0)
        expires = issued + timedelta(days=days)
        jti = self._new_jti()
        async with self._store.writing() as tx:
            if partner not in (await tx.register()).partners:
                raise Unknown(Text("授权媒体", "partner"), partner)
            await self._require_current(tx, actor)
            token, kid = await self._signing_keys.sign(tx, partner, jti, issued, expires)
            key = Key(jti, partner, kid, label, issued, expires)
            await tx.put_key(key)
            event = KeyIssued(partner, jti, kid, expires.isoformat(), label)
            await tx.append(Entry(issued, str(actor), event))
            await tx.changed(Change.RIGHTS)
        return IssuedKey(token, key)

    async def keys(self, partner: PartnerId | None = None) -> list[Key]:
        """Keys with their last use, newest first. Raises Unknown for a partner there is not."""
        if partner is not None and partner not in (await self._store.register()).partners:
            raise Unknown(Text("授权媒体", "partner"), partner)
        return await self._store.keys(partner)

    async def revoke(self, actor: Actor, jti: str) -> Key:
        """Revoke a key for good, on every worker, from the next request on. Raises Unknown, Conflict."""
        now = self._clock()
        async with self._store.writing() as tx:
            key = (await tx.register()).keys.get(jti)
            if key is None:
                raise Unknown(Text("密钥", "key"), jti)
            if key.revoked is not None:
                raise Conflict(Text(f"密钥 {jti} 早已撤销", f"key {jti} was revoked already"))
            key = replace(key, revoked=now)
            await tx.put_key(key)
            await tx.append(Entry(now, str(actor), KeyRevoked(key.partner, jti)))
            await tx.changed(Change.RIGHTS)
        return key

    async def check_signing_keys(self, actor: Actor) -> None:
        """Check that the signing keys are those of this database, and can be decrypted where it keeps them.

        A database that knows none yet learns them here, unless it cannot be written. Raises KeyringFault
        where it knows others.
        """
        await self._signing_keys.check(self._store)
        kids = await self._signing_keys.ids(self._store)
        known = await self._store.signing_keys()
        require_common(await self._signing_keys.place(self._store), kids, known)
        if kids and not known:
            with suppress(StoreReadOnly):
                async with self._store.writing() as tx:
                    await self._known(tx, actor, kids)

    async def make_signing_key(self, actor: Actor) -> str | None:
        """Make the first signing key; None if there is one.

        Raises KeyringFault where the database knows signing keys that are not there.
        """
        async with self._store.writing() as tx:
            kids = await self._signing_keys.ids(tx)
            require_common(await self._signing_keys.place(tx), kids, await self._known(tx, actor, kids))
            if kids:
                return None
            kid = await self._signing_keys.make_first_key(tx)
            if kid is not None:
                await tx.put_signing_keys([kid])
                await self._done(tx, actor, SigningKeyMade(kid))
        return kid

    async def rotate_signing_key(self, actor: Actor) -> str:
        """Sign new keys with a new signing key; those of the old one stay valid until it is retired."""
        async with self._store.writing() as tx:
            known = await self._require_current(tx, actor)
            kid = await self._signing_keys.rotate(tx)
            await tx.put_signing_keys(known | {kid})
            await self._done(tx, actor, SigningKeyMade(kid))
        return kid

    async def replace_lost_signing_keys(self, actor: Actor) -> str:
        """Sign with a new key although the database knows others, which are lost.

        Lost is what is not in the folder, and what the database keeps and nobody can decrypt any more. The
        lost ones are retired, and every key that they signed is revoked, each with its record. Returns the
        id of the new key. Raises Conflict (`signing_key_not_lost`) where the current key is known and can
        be read.
        """
        async with self._store.writing() as tx:
            undecryptable = await self._signing_keys.lost(tx)
            kids = () if undecryptable else await self._signing_keys.ids(tx)
            known = await tx.signing_keys()
            if kids and (not known or kids[0] in known):
                place = await self._signing_keys.place(tx)
                raise Conflict(
                    Text(
                        f"签名密钥 {kids[0]} 就在 {place.zh}，并未丢失；"
                        "更换请执行 syndicate signing-key rotate",
                        f"the signing key {kids[0]} is in {place.en} and not lost; "
                        "to replace it, run: syndicate signing-key rotate",
                    ),
                    code="signing_key_not_lost",
                )
            kid: str | None
            if undecryptable:
                kid = await self._signing_keys.replace(tx)
            elif kids:
                kid = await self._signing_keys.rotate(tx)
            else:
                kid = await self._signing_keys.make_first_key(tx)
            if kid is None:
                raise Conflict(
                    Text("刚有其他程序生成了签名密钥", "a signing key has just been made by others")
                )
            await tx.put_signing_keys({kid, *kids})
            await self._done(tx, actor, SigningKeyMade(kid))
            for lost in sorted(known.difference(kids)):
                await self._revoke_signed_by(tx, actor, lost)
                await self._done(tx, actor, SigningKeyRetired(lost))
        return kid

    async def retire_signing_key(self, actor: Actor, kid: str) -> None:
        """Retire a signing key: keys that it signed are no longer accepted. Idempotent.

        The keys that it signed are revoked too, each with its record: a worker that cannot read the folder
        of signing keys at this time still refuses them.
        """
        async with self._store.writing() as tx:
            known = await self._known(tx, actor, await self._signing_keys.ids(tx))
            await self._signing_keys.retire(tx, kid)
            await tx.put_signing_keys(known - {kid})
            await self._revoke_signed_by(tx, actor, kid)
            await self._done(tx, actor, SigningKeyRetired(kid))

    async def _require_current(self, tx: Writing, actor: Actor) -> frozenset[str]:
        """The ids that the database knows. Raises KeyringFault unless the current key is one of them."""
        kids = await self._signing_keys.ids(tx)
        known = await self._known(tx, actor, kids)
        require_current(await self._signing_keys.place(tx), kids, known)
        return known

    async def _known(self, tx: Writing, actor: Actor, kids: Sequence[str]) -> frozenset[str]:
        """The ids that the database knows; those that are there from now on where it knew none."""
        known = await tx.signing_keys()
        if known or not kids:
            return known
        await tx.put_signing_keys(kids)
        for kid in kids:
            await tx.append(Entry(self._clock(), str(actor), SigningKeyAdopted(kid)))
        return frozenset(kids)

    async def _revoke_signed_by(self, tx: Writing, actor: Actor, kid: str) -> None:
        now = self._clock()
        for key in (await tx.register()).keys.values():
            if key.kid == kid and key.revoked is None:
                await tx.put_key(replace(key, revoked=now))
                await tx.append(Entry(now, str(actor), KeyRevoked(key.partner, key.jti)))

    async def _done(self, tx: Writing, actor: Actor, event: SigningKeyMade | SigningKeyRetired) -> None:
        """Append the record of what was done to the files, and announce the change of rights.

        The files are changed inside the transaction: an act that cannot be recorded is not begun, and only
        a crash between the files and the commit leaves an act without its record.
        """
        await tx.append(Entry(self._clock(), str(actor), event))
        await tx.changed(Change.RIGHTS)


def _faults(label: str, days: int) -> list[Fault]:
    faults = []
    if not 1 <= days <= MOST_DAYS:
        text = Text(f"应为 1 到 {MOST_DAYS} 天", f"expected 1 to {MOST_DAYS} days")
        faults.append(Fault("days_invalid", "days", text))
    if len(label) > 100 or (label and not label.isprintable()):
        text = Text("应为至多 100 个可见字符", "expected at most 100 visible characters")
        faults.append(Fault("label_invalid", "label", text))
    return faults
