"""The proof desk: checkpoints of the trail are signed, the trail is verified, and proofs are given out.

A checkpoint is no act and leaves no line: it says how many lines there were, and one hash over all of them.
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
from syndicate.store.protocol import Store, Writing
from syndicate.trail.checkpoint import Head, VerifierKey, opened, signed
from syndicate.trail.line_verifier import Findings
from syndicate.trail.merkle import Frontier
from syndicate.trail.verification import Audit

_ROWS: Final = 1_000
_TRIES: Final = 5
_AGAIN: Final = timedelta(minutes=10)
"""After which a trail that was found broken is looked at again without being asked to."""


class Signer(Protocol):
    """The key that signs now."""

    @property
    def public(self) -> bytes:
        """Its public half: 32 octets (Ed25519)."""

    def sign(self, data: bytes) -> bytes:
        """The signature of these octets: 64 of them."""


class TrailKeys(Protocol):
    """The trail's signing keys in their folder; every call may raise KeyringFault."""

    def exist(self) -> bool:
        """Whether there is a key."""

    def renew(self, now: datetime) -> str:
        """Make a key that signs from now on; what others signed stays good. Its id."""

    def signer(self) -> Signer:
        """The key that signs now."""

    def publics(self) -> tuple[bytes, ...]:
        """The public halves of all keys whose signatures count, the one that signs first."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look through the whole trail found. `root` is over all `lines`; `signed` is up to which of
    them a checkpoint was found right; `count` is how much was found wrong, `faults` its first thousand."""

    lines: int
    root: bytes
    signed: int
    checkpoints: int
    lists: int
    faults: tuple[Fault, ...]
    count: int

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return self.count == 0


class ProofService:
    """Raises Unknown, Conflict (`trail_broken`), Faulty, KeyringFault, StoreFault."""

    def __init__(self, store: Store, keys: TrailKeys, origin: str, clock: Clock) -> None:
        self._store, self._keys, self._origin, self._clock = store, keys, origin, clock
        self._turn = asyncio.Lock()
        self._settled = Frontier()
        """The tree over the lines of `_basis`, the newest kept checkpoint that they were compared with."""
        self._basis: Checkpoint | None = None
        self._latest: Checkpoint | None = None
        self._refused: datetime | None = None

    async def make_key(self, actor: Actor) -> str | None:
        """Make the first signing key of the trail, with its line; None if there is one.

        Raises KeyringFault where checkpoints were signed before and the key is gone: a new one is never
        made in silence.
        """
        async with self._store.writing() as tx:
            if await asyncio.to_thread(self._keys.exist):
                return None
            if await tx.checkpoints():
                raise _lost()
            return await self._renew(tx, actor)

    async def rotate_key(self, actor: Actor) -> str:
        """Checkpoints are signed by a new key from now on; what the old one signed stays good."""
        async with self._store.writing() as tx:
            return await self._renew(tx, actor)

    async def _renew(self, tx: Writing, actor: Actor) -> str:
        kid = await asyncio.to_thread(self._keys.renew, self._clock())
        await tx.append(Entry(self._clock(), str(actor), SigningKeyMade(f"trail:{kid}")))
        return kid

    async def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """What outsiders need to check a signature, the key that signs now first."""
        publics = await asyncio.to_thread(self._keys.publics)
        return tuple(VerifierKey(self._origin, public) for public in publics)

    async def newest(self) -> Checkpoint | None:
        """The newest checkpoint that is kept."""
        kept = await self._store.checkpoints()
        return kept[-1] if kept else None

    async def checkpoint(self, at_least: timedelta | None = None) -> Checkpoint | None:
        """Sign what is committed, and keep it; None where no line is new since the newest checkpoint.

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
            signer = await asyncio.to_thread(self._keys.signer)
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
        """Look through the whole trail; `saved` is a checkpoint (the note) that was kept elsewhere.

        `progress` is told how many lines have been read. Raises Faulty for a `saved` that is none of ours.
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
        """The file that proves line `seq`. Raises Unknown for a line there is not."""
        return await Proofs(self._store, self._origin).line(seq, await self._covering(seq))

    async def export(
        self, first: int | datetime = 1, last: int | datetime | None = None
    ) -> AsyncIterator[bytes]:
        """The file that proves a range, piece by piece: whole only when the iteration ends by itself.

        A number is the first or last line of it; a moment: from the first line at or after `first`, and
        before `last`. Raises Unknown for a range without lines.
        """
        begin = await self._line_before(first) + 1 if isinstance(first, datetime) else first
        end = await self._line_before(last) if isinstance(last, datetime) else last
        checkpoint = await self._covering(end)
        async for piece in Proofs(self._store, self._origin).range(begin, end, checkpoint):
            yield piece

    async def growth(self, old: str) -> bytes:
        """The file that proves that lines were only added since the checkpoint `old` (the note). Raises
        Faulty where it is none of ours, Conflict (`trail_broken`) where it cannot be proved."""
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
        """The last line before this moment; 0 where it would be the first."""
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
