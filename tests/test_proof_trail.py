"""The stored trail is looked through: whoever reaches past the guards is found out, and told where."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from syndicate.access.keyring_storage import KeyringStorage
from syndicate.access.trail_keys import TrailKeys
from syndicate.errors import Conflict, Faulty, KeyringFault
from syndicate.model.records import Checkpoint, leaf_hash, line_bytes, line_record
from syndicate.model.wrapped_keys import KeyPurpose
from syndicate.services.audit.proof_service import ProofService, Verified
from syndicate.store.sql_store import SqlStore
from syndicate.trail.checkpoint import Head, signed
from syndicate.trail.offline_check import check
from tests.support.databases import (
    bare_address,
    opened,
    postgresql_address,
    postgresql_server,
    sqlite_address,
    sqlite_pattern,
    store_address,
)
from tests.support.factories import NOON, STAFF
from tests.support.trail_fixtures import (
    DIGEST,
    ORIGIN,
    Keys,
    Ticking,
    a_desk,
    a_key,
    a_signer,
    behind,
    octets,
    write,
)
from tests.test_store.raw import by_hand
from tests.test_store.samples import an_act

__all__ = [
    "bare_address",
    "postgresql_address",
    "postgresql_server",
    "sqlite_address",
    "sqlite_pattern",
    "store_address",
]

HOUR = timedelta(hours=1)


async def signed_trail(store: SqlStore) -> tuple[ProofService, list[Checkpoint]]:
    """Twelve lines with checkpoints at 4, 8 and 12."""
    clock = Ticking()
    desk = a_desk(store, clock=clock)
    made = []
    for _ in range(3):
        await write(store, 4, clock.now)
        clock.forward(HOUR)
        checkpoint = await desk.checkpoint()
        assert checkpoint is not None
        made.append(checkpoint)
    return desk, made


async def leaf_of(address: str, seq: int, body: str) -> bytes:
    """What the leaf of this line would be with another body."""
    (row,) = await by_hand(address, f"SELECT at, actor, kind FROM trail WHERE seq = {seq}")
    at = NOON.fromtimestamp(0, NOON.tzinfo) + timedelta(microseconds=row.at)
    return leaf_hash(line_bytes(line_record(seq, at, row.actor, row.kind, json.loads(body))))


def findings(found: Verified) -> list[tuple[str, str]]:
    return [(fault.code, fault.field) for fault in found.faults]


def run(address: str, act: Callable[[SqlStore], Awaitable[None]]) -> None:
    async def enter() -> None:
        async with opened(address) as store:
            await act(store)

    asyncio.run(enter())


def test_a_trail_that_nobody_touched_is_whole(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, made = await signed_trail(store)
        await write(store, 2, NOON + timedelta(hours=4))
        counted: list[int] = []
        found = await desk.verify(made[0].note, counted.append)
        assert (found.whole, found.lines, found.signed, found.checkpoints, found.lists) == (
            True,
            14,
            12,
            3,
            1,
        )
        assert counted == [14]
        assert [one.size for one in made] == [4, 8, 12]

    run(store_address, act)


BODY = '{"item":"20260301-0000000001","jti":"key-1","partner":"zjol","use":"copy"}'
OTHER = BODY.replace("key-1", "key-2")

COLUMNS = "seq, at, kind, actor, partner, jti, item, body, leaf"

TAMPERED: dict[str, tuple[list[str], set[tuple[str, str]]]] = {
    "a changed actor": (["UPDATE trail SET actor = 'nobody' WHERE seq = 6"], {("line_changed", "seq 6")}),
    "a changed kind": (
        ["UPDATE trail SET kind = 'licence_shown' WHERE seq = 6"],
        {("line_changed", "seq 6")},
    ),
    "a changed body": ([f"UPDATE trail SET body = '{BODY}' WHERE seq = 6"], {("line_changed", "seq 6")}),
    "a body that is no JSON": (
        ["UPDATE trail SET body = 'spoiled' WHERE seq = 5"],
        {("line_changed", "seq 5"), ("line_index", "seq 5")},
    ),
    "a body spelt otherwise": (
        ["UPDATE trail SET body = replace(body, ',', ', ') WHERE seq = 6"],
        {("line_changed", "seq 6")},
    ),
    "a changed moment": (["UPDATE trail SET at = at - 1 WHERE seq = 6"], {("line_changed", "seq 6")}),
    "a changed partner beside the line": (
        ["UPDATE trail SET partner = 'hzw' WHERE seq = 6"],
        {("line_index", "seq 6")},
    ),
    "an item put beside a line that is about none": (
        ["UPDATE trail SET item = '20260301-0000000001' WHERE seq = 5"],
        {("line_index", "seq 5")},
    ),
    "a key taken from beside the line": (
        ["UPDATE trail SET jti = NULL WHERE seq = 6"],
        {("line_index", "seq 6")},
    ),
    "a missing line": (
        ["DELETE FROM trail WHERE seq = 6"],
        {("line_missing", "seq 6"), ("checkpoint_mismatch", "seq 5-8"), ("line_missing", "seq 12")},
    ),
    "missing lines": (
        ["DELETE FROM trail WHERE seq BETWEEN 6 AND 7"],
        {("line_missing", "seq 6-7"), ("checkpoint_mismatch", "seq 5-8"), ("line_missing", "seq 11-12")},
    ),
    "no first line": (
        ["DELETE FROM trail WHERE seq = 1"],
        {("line_missing", "seq 1"), ("checkpoint_mismatch", "seq 1-4"), ("line_missing", "seq 12")},
    ),
    "two lines exchanged": (
        [
            "UPDATE trail SET seq = 99 WHERE seq = 6",
            "UPDATE trail SET seq = 6 WHERE seq = 10",
            "UPDATE trail SET seq = 10 WHERE seq = 99",
        ],
        {("line_moved", "seq 6"), ("line_moved", "seq 10"), ("checkpoint_mismatch", "seq 5-8")},
    ),
    "a line put behind the others": (
        ["UPDATE trail SET seq = 13 WHERE seq = 6"],
        {("line_missing", "seq 6"), ("line_moved", "seq 13"), ("checkpoint_mismatch", "seq 5-8")},
    ),
    "a line put in between, the others moved": (
        [
            *(f"UPDATE trail SET seq = {seq + 1} WHERE seq = {seq}" for seq in range(12, 8, -1)),
            f"INSERT INTO trail ({COLUMNS}) SELECT 9, {COLUMNS[5:]} FROM trail WHERE seq = 8",
        ],
        {
            *(("line_moved", f"seq {seq}") for seq in range(9, 14)),
            ("checkpoint_mismatch", "seq 9-12"),
        },
    ),
    "a truncated trail": (["DELETE FROM trail WHERE seq > 9"], {("line_missing", "seq 10-12")}),
    "an empty trail": (["DELETE FROM trail"], {("line_missing", "seq 1-12")}),
    "a list that is gone": (["DELETE FROM manifests"], {("manifest_missing", "seq 3")}),
    "a checkpoint of another size": (
        ["UPDATE checkpoints SET size = 7 WHERE size = 8"],
        {("checkpoint_changed", "checkpoint 7")},
    ),
    "a checkpoint of another moment": (
        ["UPDATE checkpoints SET at = at + 1 WHERE size = 8"],
        {("checkpoint_changed", "checkpoint 8")},
    ),
    "a checkpoint in other words": (
        ["UPDATE checkpoints SET note = replace(note, 'xsnet.cn', 'xsnet.co') WHERE size = 8"],
        {("checkpoint_unknown_key", "checkpoint 8")},
    ),
    "a checkpoint that is none": (
        ["UPDATE checkpoints SET note = '' WHERE size = 8"],
        {("checkpoint_malformed", "checkpoint 8")},
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_tampered_with_is_named(store_address: str, what: str) -> None:
    statements, expected = TAMPERED[what]

    async def act(store: SqlStore) -> None:
        desk, _ = await signed_trail(store)
        await behind(store_address, *statements)
        found = await desk.verify()
        assert set(findings(found)) == expected
        assert (found.whole, found.count) == (False, len(found.faults))

    run(store_address, act)


def test_a_changed_hash_is_named(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, _ = await signed_trail(store)
        other = octets(store_address, bytes(32))
        await behind(store_address, f"UPDATE trail SET leaf = {other} WHERE seq = 6")
        assert findings(await desk.verify()) == [("line_changed", "seq 6")]
        with pytest.raises(Conflict, match="trail verify"):
            await desk.prove(6)
        with pytest.raises(Conflict, match="trail verify"):
            await desk.prove(2)
        with pytest.raises(Conflict, match="trail verify"):
            _ = [piece async for piece in desk.export()]

    run(store_address, act)


def test_a_line_changed_together_with_its_hash_is_found_between_two_checkpoints(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, made = await signed_trail(store)
        leaf = octets(store_address, await leaf_of(store_address, 6, OTHER))
        await behind(
            store_address,
            f"UPDATE trail SET body = '{OTHER}', jti = 'key-2', leaf = {leaf} WHERE seq = 6",
        )
        assert findings(await desk.verify()) == [("checkpoint_mismatch", "seq 5-8")]
        saved = await desk.verify(made[2].note)
        assert findings(saved) == [("checkpoint_mismatch", "seq 5-8"), ("checkpoint_mismatch", "seq 1-12")]
        assert saved.signed == 4
        with pytest.raises(Conflict, match="trail verify"):
            await desk.prove(2)
        with pytest.raises(Conflict, match="trail verify"):
            await desk.growth(made[0].note)

    run(store_address, act)


def test_a_changed_list_is_named(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, _ = await signed_trail(store)
        other = octets(store_address, b"{}")
        await behind(store_address, f"UPDATE manifests SET content = {other} WHERE digest = '{DIGEST}'")
        assert findings(await desk.verify()) == [("manifest_changed", "seq 3")]
        with pytest.raises(Conflict, match="line 3"):
            await desk.prove(3)

    run(store_address, act)


def test_time_that_runs_back_is_named(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        await write(store, 4, NOON)
        (row,) = await by_hand(store_address, "SELECT body FROM trail WHERE seq = 2")
        await behind(store_address, "UPDATE trail SET at = at - 60000000 WHERE seq = 2")
        leaf = octets(store_address, await leaf_of(store_address, 2, row.body))
        await behind(store_address, f"UPDATE trail SET leaf = {leaf} WHERE seq = 2")
        assert findings(await a_desk(store).verify()) == [("line_time_back", "seq 2")]

    run(store_address, act)


def test_a_forged_checkpoint_is_named(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, made = await signed_trail(store)
        head = Head(ORIGIN, 8, bytes(32), made[1].at)
        forged = signed(head, a_key(9), a_signer(9).sign)
        await behind(
            store_address,
            f"UPDATE checkpoints SET note = '{forged}', root = {octets(store_address, bytes(32))} "
            "WHERE size = 8",
        )
        assert findings(await desk.verify()) == [("checkpoint_unknown_key", "checkpoint 8")]
        await behind(store_address, f"UPDATE checkpoints SET note = '{made[0].note}' WHERE size = 8")
        assert findings(await desk.verify()) == [("checkpoint_changed", "checkpoint 8")]

    run(store_address, act)


def test_a_rewritten_trail_is_found_with_a_checkpoint_that_was_kept_elsewhere(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, made = await signed_trail(store)
        # The whole end is removed, with the checkpoints over it: from inside nothing is to be seen.
        await behind(
            store_address, "DELETE FROM trail WHERE seq > 8", "DELETE FROM checkpoints WHERE size > 8"
        )
        assert (await desk.verify()).whole
        assert findings(await desk.verify(made[2].note)) == [
            ("checkpoint_missing", "checkpoint 12"),
            ("line_missing", "seq 9-12"),
        ]
        with pytest.raises(Conflict, match="fewer"):
            await desk.growth(made[2].note)

    run(store_address, act)


def test_a_removed_checkpoint_is_named_by_who_kept_it(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, made = await signed_trail(store)
        await behind(store_address, "DELETE FROM checkpoints WHERE size = 8")
        assert findings(await desk.verify(made[1].note)) == [("checkpoint_missing", "checkpoint 8")]
        # Without its own, the desk begins anew and still signs what agrees with the others.
        await write(store, 1, NOON + 5 * HOUR)
        again = await desk.checkpoint()
        assert again is not None
        assert again.size == 13

    run(store_address, act)


def test_a_saved_checkpoint_that_is_none_of_ours_is_refused(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, made = await signed_trail(store)
        for note, code in (
            ("", "checkpoint_malformed"),
            (made[0].note.replace("\n4\n", "\n5\n"), "checkpoint_signature"),
            (
                signed(Head(ORIGIN, 4, made[0].root, NOON), a_key(5), a_signer(5).sign),
                "checkpoint_unknown_key",
            ),
        ):
            for ask in (desk.verify, desk.growth):
                with pytest.raises(Faulty, match=code):
                    await ask(note)

    run(store_address, act)


def test_checkpoints_are_signed_for_new_lines_and_not_too_often(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        clock = Ticking()
        desk = a_desk(store, clock=clock)
        assert await desk.checkpoint(HOUR) is None
        await write(store, 3, NOON)
        first = await desk.checkpoint(HOUR)
        assert first is not None
        assert (first.size, first.at) == (3, NOON)
        assert await desk.checkpoint() is None
        await write(store, 1, NOON)
        clock.forward(HOUR - timedelta(seconds=1))
        assert await desk.checkpoint(HOUR) is None
        clock.forward(timedelta(seconds=1))
        second = await desk.checkpoint(HOUR)
        assert second is not None
        assert (second.size, second.at) == (4, NOON + HOUR)
        # A clock that jumps back does not stop the signing, and no checkpoint is older than one before.
        clock.forward(-2 * HOUR)
        await write(store, 1, NOON)
        third = await desk.checkpoint(HOUR)
        assert third is not None
        assert (third.size, third.at) == (5, NOON + HOUR)
        assert await desk.newest() == third
        assert (await desk.verify()).whole

    run(store_address, act)


def test_workers_that_sign_at_once_sign_one_trail(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        await write(store, 3)
        async with opened(store_address) as other:
            desks = [a_desk(one) for one in (store, other, store, other)]
            made = await asyncio.gather(*(desk.checkpoint(HOUR) for desk in desks))
            assert [one.size for one in made if one is not None] == [3]
            for _ in range(4):
                await asyncio.gather(write(store, 3), *(desk.checkpoint() for desk in desks))
            await desks[1].checkpoint()
            newest = await desks[2].newest()
            assert newest is not None
            assert newest.size == 15
            assert (await desks[3].verify()).whole

    run(store_address, act)


def test_nothing_is_signed_over_a_trail_that_was_changed(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        await signed_trail(store)
        leaf = octets(store_address, bytes(32))
        await behind(store_address, f"UPDATE trail SET leaf = {leaf} WHERE seq = 2")
        await write(store, 1, NOON + 5 * HOUR)
        clock = Ticking()
        desk = a_desk(store, clock=clock)
        for _ in range(2):
            with pytest.raises(Conflict, match="trail verify") as refused:
                await desk.checkpoint(HOUR)
            assert refused.value.code == "trail_broken"
            # It is said again from time to time, and not the whole trail read at every round of a clerk.
            assert await desk.checkpoint(HOUR) is None
            with pytest.raises(Conflict, match="trail verify"):
                await desk.checkpoint()
            clock.forward(timedelta(minutes=10))

    run(store_address, act)


@pytest.mark.parametrize("gone", ["seq = 2", "seq = 14", "seq > 9"])
def test_nothing_is_signed_over_a_gap(store_address: str, gone: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, _ = await signed_trail(store)
        await write(store, 4, NOON + 5 * HOUR)
        await behind(store_address, f"DELETE FROM trail WHERE {gone}")
        for one in (a_desk(store), desk) if gone != "seq = 2" else (a_desk(store),):
            with pytest.raises(Conflict, match="trail verify"):
                await one.checkpoint()

    run(store_address, act)


def test_a_range_is_exported_by_number_or_by_moment(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        desk, _ = await signed_trail(store)
        ranges: list[tuple[tuple[int | datetime, int | datetime | None], tuple[int, int]]] = [
            ((1, None), (1, 12)),
            ((5, 8), (5, 8)),
            ((NOON + HOUR, NOON + 2 * HOUR), (5, 8)),
            ((NOON - HOUR, NOON + timedelta(seconds=1)), (1, 4)),
            ((NOON + timedelta(microseconds=1), 6), (5, 6)),
        ]
        for (first, last), lines in ranges:
            raw = b"".join([piece async for piece in desk.export(first, last)])
            found = check(raw.splitlines(keepends=True), [a_key()])
            assert (found.whole, found.lines) == (True, lines)

    run(store_address, act)


def test_what_an_older_key_signed_stays_good(store_address: str) -> None:
    async def act(store: SqlStore) -> None:
        keys = Keys()
        desk = a_desk(store, keys)
        await write(store, 4)
        old = await desk.checkpoint()
        proof = await desk.prove(2)
        await desk.rotate_key(STAFF)
        new = await desk.checkpoint()
        assert old is not None
        assert new is not None
        assert (old.size, new.size) == (4, 5)
        line = (await store.written(4, 1))[0]
        assert (line.kind, line.body) == ("signing_key_made", '{"kid":"trail:kid-2"}')
        assert (await desk.verify(old.note)).whole
        assert check([proof], await desk.verifier_keys()).whole
        assert not check([proof], (await desk.verifier_keys())[:1]).whole
        assert check([await desk.growth(old.note)], await desk.verifier_keys()).whole
        keys.signers = keys.signers[:1]
        assert findings(await desk.verify()) == [("checkpoint_unknown_key", "checkpoint 4")]

    run(store_address, act)


def test_a_lost_key_is_never_replaced_in_silence(sqlite_address: str, tmp_path: Path) -> None:
    async def act(store: SqlStore) -> None:
        keys = TrailKeys(KeyringStorage(KeyPurpose.TRAIL, tmp_path / "keys" / "trail"))
        desk = ProofService(store, keys, ORIGIN, Ticking())
        with pytest.raises(KeyringFault, match="syndicate init"):
            await desk.verifier_keys()
        kid = await desk.make_key(STAFF)
        assert kid is not None
        assert await desk.make_key(STAFF) is None
        assert [line.body for line in await store.written(0, 9)] == [f'{{"kid":"trail:{kid}"}}']
        made = await desk.checkpoint()
        assert made is not None
        (before,) = await desk.verifier_keys()
        keys.storage.folder.rename(tmp_path / "lost")
        with pytest.raises(KeyringFault, match="backup"):
            await desk.make_key(STAFF)
        await desk.rotate_key(STAFF)
        (after,) = await desk.verifier_keys()
        assert before != after
        assert findings(await desk.verify()) == [("checkpoint_unknown_key", "checkpoint 1")]

    run(sqlite_address, act)


def test_of_much_that_is_wrong_all_is_counted(sqlite_address: str) -> None:
    async def act(store: SqlStore) -> None:
        async with store.writing() as tx:
            for _ in range(1200):
                await tx.append(an_act())
        await behind(sqlite_address, "UPDATE trail SET actor = 'nobody'")
        found = await a_desk(store).verify()
        assert (found.count, len(found.faults)) == (1200, 1000)

    run(sqlite_address, act)
