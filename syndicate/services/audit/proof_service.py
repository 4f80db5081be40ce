"""Sign checkpoints of the trail, verify the trail, and build proofs of its lines.

A checkpoint holds the number of lines and one hash over all of them. It adds no line to the trail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from syndicate.access.rights_cache import Clock
from syndicate.errors import Conflict, Fault, KeyringFault
from syndicate.language import Text
from syndicate.model.actors import Actor
from syndicate.model.events import SigningKeyMade
from syndicate.model.records import Checkpoint, Entry
from syndicate.services.audit.proof_builder import Proofs, broken, leaves
from syndicate.store.protocol import Reads, Store, Writing
from syndicate.trail.checkpoint import Head, VerifierKey, opened, signed
from syndicate.trail.line_verifier import Findings
from syndicate.trail.merkle import Frontier
from syndicate.trail.verification import Audit

_ROWS: Final = 1_000
_TRIES: Final = 5
_AGAIN: Final = timedelta(minutes=10)
"""After which a trail that was found broken is looked at again without being asked to."""


class Signer(Protocol):
    """The signing key in use."""

    @property
    def public(self) -> bytes:
        """The public key: 32 bytes (Ed25519)."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature of these bytes, in 64 bytes."""


class TrailKeys(Protocol):
    """The trail's signing keys, in a folder or in the database; every call may raise KeyringFault."""

    async def exist(self, reads: Reads) -> bool:
        """Whether there is a key."""

    async def renew(self, tx: Writing, now: datetime, *, lost: bool = False) -> str:
        """Make a new signing key and return its id. Signatures of earlier keys stay valid.

        `lost`: also where the database keeps keys that cannot be decrypted any more.
        """

    async def signer(self, reads: Reads) -> Signer:
        """Return the signing key in use."""

    async def publics(self, reads: Reads) -> tuple[bytes, ...]:
        """Return the public keys whose signatures are still accepted, the signing key first."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of verifying the whole trail.

    `root` is the hash over all `lines`; `signed` is the last line that a correct checkpoint covers;
    `count` is the number of faults, and `faults` are the first thousand of them.
    """

    lines: int
    root: bytes
    signed: int
    checkpoints: int
    lists: int
    faults: tuple[Fault, ...]
    count: int

    @property
    def whole(self) -> bool:
        """Whether the trail has no fault."""
        return self.count == 0


class ProofService:
    """Sign checkpoints, verify the trail and build proofs.

    Raises Unknown, Conflict (`trail_broken`), Faulty, KeyringFault, StoreFault.
    """

    def __init__(self, store: Store, keys: TrailKeys, origin: str, clock: Clock) -> None:
        self._store, self._keys, self._origin, self._clock = store, keys, origin, clock
        self._turn = asyncio.Lock()
        self._settled = Frontier()
        """The tree over the lines of `_basis`, the newest kept checkpoint that they were compared with."""
        self._basis: Checkpoint | None = None
        self._latest: Checkpoint | None = None
        self._refused: datetime | None = None

    async def make_key(self, actor: Actor) -> str | None:
        """Make the first signing key of the trail and record it; return None if there is one.

        Raises KeyringFault where checkpoints were signed before and the key is gone: a new one is never
        made in silence.
        """
        async with self._store.writing() as tx:
            if await self._keys.exist(tx):
                return None
            if await tx.checkpoints():
                raise _lost()
            return await self._renew(tx, actor)

    async def rotate_key(self, actor: Actor, *, lost: bool = False) -> str:
        """Sign checkpoints with a new key from now on. Signatures of the old one stay valid.

        `lost`: also where the database keeps the old one and nobody can decrypt it any more.
        """
        async with self._store.writing() as tx:
            return await self._renew(tx, actor, lost=lost)

    async def _renew(self, tx: Writing, actor: Actor, *, lost: bool = False) -> str:
        kid = await self._keys.renew(tx, self._clock(), lost=lost)
        await tx.append(Entry(self._clock(), str(actor), SigningKeyMade(f"trail:{kid}")))
        return kid

    async def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """Return the keys that outsiders need to check a signature, the signing key first."""
        publics = await self._keys.publics(self._store)
        return tuple(VerifierKey(self._origin, public) for public in publics)

    async def newest(self) -> Checkpoint | None:
        """Return the newest stored checkpoint, or None."""
        kept = await self._store.checkpoints()
        return kept[-1] if kept else None

    async def checkpoint(self, at_least: timedelta | None = None) -> Checkpoint | None:
        """Sign and store a checkpoint of all committed lines; return None if there is no new line.

        With `at_least`, also None while the newest is younger than that: every worker may ask as often as
        it likes, one of them signs. Raises Conflict (`trail_broken`) where the lines are not those that
        were signed before: nothing is then signed, and with `at_least` nothing is looked at again for ten
        minutes, since that means reading the whole trail.
        """
        async with self._turn:
            now = self._clock()
            if at_least is not None and self._refused is not None and abs(now - self._refused) < _AGAIN:
                return None
            try:
                self._refused = None
                return await self._checkpoint(at_least)
            except Conflict:
                self._refused = now
                raise

    async def _checkpoint(self, at_least: timedelta | None) -> Checkpoint | None:
        for _ in range(_TRIES):
            # What was seen last spares the store most of the asking.
            if self._latest is not None and not self._due(self._latest, at_least):
                return None
            kept = await self._store.checkpoints()
            self._latest = kept[-1] if kept else None
            if self._latest is not None and not self._due(self._latest, at_least):
                return None
            # Before the lines are read, which would be for nothing without a key.
            signer = await self._keys.signer(self._store)
            tree = await self._advance(kept)
            if tree.size == (kept[-1].size if kept else 0):
                return None
            if await self._sign(tree, signer):
                return self._basis
        return None

    async def _sign(self, tree: Frontier, signer: Signer) -> bool:
        """Sign this tree and keep the checkpoint; False if others were quicker while it was being read."""
        (line,) = await self._store.written(tree.size - 1, 1)
        async with self._store.writing() as tx:
            kept = await tx.checkpoints()
            last = kept[-1] if kept else None
            if last != self._basis:
                return False
            at = max(self._clock(), line.at, line.at if last is None else last.at)
            head = Head(self._origin, tree.size, tree.root(), at)
            note = signed(head, VerifierKey(self._origin, signer.public), signer.sign)
            made = Checkpoint(head.size, head.root, head.at, note)
            await tx.put_checkpoint(made)
        self._settled, self._basis, self._latest = tree, made, made
        return True

    async def verify(
        self, saved: str | None = None, progress: Callable[[int], None] | None = None
    ) -> Verified:
        """Verify the whole trail; `saved` is a checkpoint (the note) that was stored elsewhere.

        `progress` gets the number of lines read. Raises Faulty for a `saved` of another server.
        """
        keys = await self.verifier_keys()
        head = None if saved is None else opened(saved, keys, cosigned=True)
        findings = Findings()
        audit = Audit(findings, self._origin, keys)
        kept = await self._store.checkpoints()
        audit.expect(kept, head)
        after = lists = 0
        while rows := await self._store.written(after, _ROWS):
            for row in rows:
                digest = audit.take(row)
                if digest is not None:
                    lists += 1
                    audit.manifest(row.seq, digest, await self._store.manifest(digest))
            after = rows[-1].seq
            if progress is not None:
                progress(audit.size)
        audit.close()
        faults = tuple(findings.faults)
        return Verified(audit.size, audit.root(), audit.signed, len(kept), lists, faults, findings.count)

    async def prove(self, seq: int) -> bytes:
        """Return the file that proves line `seq`. Raises Unknown for a line that does not exist."""
        return await Proofs(self._store, self._origin).line(seq, await self._covering(seq))

    async def export(
        self, first: int | datetime = 1, last: int | datetime | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the file that proves a range, in pieces.

        It is complete only if the iteration ends normally. Numbers are the first and last line. Times
        select the lines at or after `first` and before `last`. Raises Unknown for a range without lines.
        """
        begin = await self._line_before(first) + 1 if isinstance(first, datetime) else first
        end = await self._line_before(last) if isinstance(last, datetime) else last
        checkpoint = await self._covering(end)
        async for piece in Proofs(self._store, self._origin).range(begin, end, checkpoint):
            yield piece

    async def growth(self, old: str) -> bytes:
        """Return the file that proves that lines were only added since the checkpoint `old` (the note).

        Raises Faulty for a checkpoint of another server, Conflict (`trail_broken`) if it cannot be proved.
        """
        head = opened(old, await self.verifier_keys())
        new = await self._covering(None)
        if new is None or new.size < head.size:
            raise Conflict(
                Text(
                    f"所给检查点有 {head.size} 条记录，现在却不足：记录被删除，或数据库是从旧备份恢复的",
                    f"the given checkpoint counts {head.size} lines, and there are fewer now: lines were "
                    "removed, or an older backup was restored",
                ),
                code="trail_broken",
            )
        return await Proofs(self._store, self._origin).growth(old, head, new)

    async def _line_before(self, moment: datetime) -> int:
        """Return the number of the last line before this time; 0 if there is none."""
        return await self._store.line_at(moment - timedelta(microseconds=1))

    async def _covering(self, seq: int | None) -> Checkpoint | None:
        """The newest checkpoint if it covers line `seq`, else a new one; None (also) for all lines."""
        newest = await self.newest()
        if seq is not None and newest is not None and newest.size >= seq:
            return newest
        return await self.checkpoint() or await self.newest()

    def _due(self, newest: Checkpoint, at_least: timedelta | None) -> bool:
        # A clock that jumped back must not stop the signing until it has caught up.
        return at_least is None or abs(self._clock() - newest.at) >= at_least

    async def _advance(self, kept: list[Checkpoint]) -> Frontier:
        """The tree over all lines, found to agree with every checkpoint that was signed before.

        It goes on from the newest of these, unless the database is not the one that was read before.
        """
        if self._basis is not None and self._basis not in kept:
            self._settled, self._basis = Frontier(), None
        tree = self._settled.copy()
        if tree.size and [row.seq for row in await self._store.written(tree.size - 1, 1)] != [tree.size]:
            raise broken(tree.size)
        ahead = [one for one in kept if one.size > tree.size]
        async for leaf in leaves(self._store, tree.size):
            tree.add(leaf)
            if ahead and ahead[0].size == tree.size:
                if ahead[0].root != tree.root():
                    raise broken()
                self._settled, self._basis = tree.copy(), ahead.pop(0)
        if ahead:
            raise broken()
        return tree


def _lost() -> KeyringFault:
    return KeyringFault(
        Text(
            "审计记录的签名密钥（keys 文件夹中的 trail）不见了，而已有检查点由它签署："
            "请检查 SYNDICATE_KEYS 是否指向本系统的密钥文件夹，或从备份恢复；"
            "确已丢失时，执行 syndicate trail key --rotate 换用新的，旧检查点将无从检验",
            "the trail's signing key (the folder trail among the keys) is gone, and checkpoints were "
            "signed with it: set SYNDICATE_KEYS to the folder of this server's keys, or restore it from a "
            "backup; if it is lost for good, "
            "`syndicate trail key --rotate` makes a new one, and nobody can check old checkpoints any more",
        )
    )
