"""Signing keys in the database: encrypted, bound to their row, and refused where anything was changed."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syndicate.access import keyring
from syndicate.access.key_encryption import KeyEncryptionKeys
from syndicate.access.keyring import State
from syndicate.access.keyring_storage import KeyringStorage
from syndicate.errors import Conflict, KeyEncryptionFault, KeyringFault, Unknown
from syndicate.model.wrapped_keys import KeyPurpose
from syndicate.store.sql_store import SqlStore
from tests.support.databases import (
    opened,
    postgresql_address,
    postgresql_server,
    sqlite_address,
    sqlite_file,
    sqlite_pattern,
    store_address,
)
from tests.test_store.raw import by_hand

__all__ = ["postgresql_address", "postgresql_server", "sqlite_address", "sqlite_pattern", "store_address"]

NOW = datetime(2026, 3, 1, 1, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
OLD, NEW = (base64.b64encode(bytes((n * 7 + start) % 256 for n in range(32))).decode() for start in (1, 2))


def given(*keys: str) -> KeyEncryptionKeys:
    return KeyEncryptionKeys(value="\n".join(keys))


@dataclass
class House:
    """A database, and the storage of the keys that sign partners' keys, with the key-encryption key OLD."""

    address: str
    store: SqlStore
    storage: KeyringStorage

    def with_kek(self, keks: KeyEncryptionKeys) -> KeyringStorage:
        return replace(self.storage, keks=keks)

    async def wrap(self) -> keyring.Keyring:
        """Keys in the folder, one of them retiring and one retired, moved into the database."""
        folder = self.storage.folder
        first = keyring.make(folder, NOW).current.kid
        keyring.rotate(folder, LATER)
        keyring.rotate(folder, LATER + timedelta(days=1))
        keyring.retire(folder, first, LATER + timedelta(days=2))
        ring = keyring.load(folder)
        async with self.store.writing() as tx:
            assert await self.storage.wrap(tx)
        assert await self.storage.discard_files(self.store) == 2
        return ring


def visit(address: str, folder: Path, act: Callable[[House], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened(address) as store:
            await act(House(address, store, KeyringStorage(KeyPurpose.PARTNER_KEYS, folder, given(OLD))))

    asyncio.run(run())


def test_keys_move_into_the_database_and_back_as_they_were(store_address: str, tmp_path: Path) -> None:
    async def act(house: House) -> None:
        storage, folder = house.storage, house.storage.folder
        ring = await house.wrap()
        assert [path.name for path in folder.iterdir() if path.name != ".lock"] == []
        kept = await storage.load(house.store)
        assert kept == ring
        assert kept.jwks() == ring.jwks()
        assert kept.private.private_bytes_raw() == ring.private.private_bytes_raw()
        assert await storage.listed(house.store) == ring.keys
        async with house.store.writing() as tx:
            assert not await storage.wrap(tx), "a second time there is nothing to move"
            await storage.unwrap(tx)
        assert keyring.load(folder) == ring
        assert not await storage.in_database(house.store)
        async with house.store.writing() as tx:
            with pytest.raises(Conflict, match="wrap"):
                await storage.unwrap(tx)

    visit(store_address, tmp_path / "keys", act)


def test_the_database_holds_no_private_half(sqlite_address: str, tmp_path: Path) -> None:
    async def act(house: House) -> None:
        secret = (await house.wrap()).private.private_bytes_raw()
        database = sqlite_file(house.address)
        held = b"".join(path.read_bytes() for path in database.parent.glob(f"{database.name}*"))
        rows = await house.store.wrapped_keys(KeyPurpose.PARTNER_KEYS)
        assert rows[0].sealed in held
        assert base64.b64decode(OLD) not in held
        for form in (
            secret,
            secret.hex().encode(),
            base64.b64encode(secret),
            base64.urlsafe_b64encode(secret),
        ):
            assert form.rstrip(b"=") not in held
        assert str(rows[0].sealed) not in repr(rows)

    visit(sqlite_address, tmp_path / "keys", act)


def test_a_key_that_signs_no_more_has_no_private_half(sqlite_address: str, tmp_path: Path) -> None:
    async def act(house: House) -> None:
        storage = house.storage
        first = (await house.wrap()).current.kid
        before = {row.kid: row for row in await house.store.wrapped_keys(KeyPurpose.PARTNER_KEYS)}
        async with house.store.writing() as tx:
            second = await storage.rotate(tx, LATER + timedelta(days=3))
        rows = {row.kid: row for row in await house.store.wrapped_keys(KeyPurpose.PARTNER_KEYS)}
        assert (await storage.load(house.store)).current.kid == second
        # A nonce of 12 bytes and a tag of 16, and between them 32 bytes or none.
        assert (len(rows[second].sealed), len(rows[first].sealed)) == (60, 28)
        assert storage.keks.open(before[first]) != storage.keks.open(rows[first]) == b""
        async with house.store.writing() as tx:
            await house.with_kek(KeyEncryptionKeys()).retire(tx, first, LATER + timedelta(days=4))
            with pytest.raises(Conflict, match="rotate"):
                await storage.retire(tx, second, LATER)
            with pytest.raises(Unknown):
                await storage.retire(tx, "nobody", LATER)
        ring = await storage.load(house.store)
        assert ring.public(first) is None
        assert {key.kid: key.state for key in ring.keys}[first] is State.RETIRED
        again = {row.kid: row for row in await house.store.wrapped_keys(KeyPurpose.PARTNER_KEYS)}
        assert (again[first].sealed, again[first].kek) == (b"", "")

    visit(sqlite_address, tmp_path / "keys", act)


STRANGER = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
STRANGER_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
CURRENT, RETIRING, RETIRED = ("state = 'current'", "state = 'retiring'", "state = 'retired'")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (
            "sealed = CAST(substr(sealed, 1, 20) || X'0000000000000000' || substr(sealed, 29) AS BLOB)",
            CURRENT,
        ),
        ("sealed = CAST(X'000000000000000000000000' || substr(sealed, 13) AS BLOB)", CURRENT),
        ("sealed = CAST(substr(sealed, 1, 52) || X'0000000000000000' AS BLOB)", CURRENT),
        ("sealed = X''", CURRENT),
        ("sealed = X'00'", RETIRING),
        (f"sealed = (SELECT sealed FROM wrapped_keys WHERE {RETIRING})", CURRENT),
        (f"sealed = (SELECT sealed FROM wrapped_keys WHERE {CURRENT})", RETIRING),
        ("created = created + 1", CURRENT),
        ("rotated = rotated - 1", RETIRING),
        (f"x = '{STRANGER_X}'", CURRENT),
        (f"x = '{STRANGER_X}', kid = '{STRANGER}'", RETIRING),
        ("state = 'retiring', retired = NULL", RETIRED),
        ("state = 'best'", RETIRED),
    ],
)
def test_a_changed_row_is_refused_and_named(
    sqlite_address: str, tmp_path: Path, change: str, where: str
) -> None:
    async def act(house: House) -> None:
        await house.wrap()
        query = f"SELECT kid FROM wrapped_keys WHERE {where}"
        ((kid,),) = await by_hand(house.address, query)
        await by_hand(house.address, f"UPDATE wrapped_keys SET {change} WHERE {where}")
        if "kid = " in change:
            kid = STRANGER
        with pytest.raises(KeyringFault, match=f"{kid}.*was changed or is damaged") as caught:
            await house.storage.load(house.store)
        assert not isinstance(caught.value, KeyEncryptionFault)
        assert kid in caught.value.text.zh

    visit(sqlite_address, tmp_path / "keys", act)


def test_a_key_of_another_purpose_and_a_second_current_one_are_refused(
    sqlite_address: str, tmp_path: Path
) -> None:
    async def act(house: House) -> None:
        await house.wrap()
        trail = replace(house.storage, purpose=KeyPurpose.TRAIL, folder=tmp_path / "trail")
        async with house.store.writing() as tx:
            kid = await trail.make(tx, NOW)
        assert not trail.folder.exists(), "with a key-encryption key, the first is made in the database"
        await by_hand(
            house.address, f"UPDATE wrapped_keys SET purpose = 'partner_keys' WHERE kid = '{kid}'"
        )
        with pytest.raises(KeyringFault, match="not exactly one is current"):
            await house.storage.load(house.store)
        await by_hand(house.address, f"DELETE FROM wrapped_keys WHERE kid <> '{kid}'")
        with pytest.raises(KeyringFault, match=f"{kid}.*was changed"):
            await house.storage.load(house.store)

    visit(sqlite_address, tmp_path / "keys", act)


def test_the_key_encryption_key_is_changed_while_both_are_known(store_address: str, tmp_path: Path) -> None:
    async def act(house: House) -> None:
        ring = await house.wrap()
        both, new = house.with_kek(given(NEW, OLD)), house.with_kek(given(NEW))
        with pytest.raises(KeyEncryptionFault, match="SYNDICATE_KEY_ENCRYPTION_KEY gives"):
            await new.load(house.store)
        assert await both.load(house.store) == ring
        before = await house.store.wrapped_keys(KeyPurpose.PARTNER_KEYS)
        async with house.store.writing() as tx:
            assert await both.rewrap(tx) == 2, "the retired one is not sealed"
        after = await house.store.wrapped_keys(KeyPurpose.PARTNER_KEYS)
        assert {row.sealed for row in before} & {row.sealed for row in after} == {b""}
        assert await new.load(house.store) == await both.load(house.store) == ring
        with pytest.raises(KeyEncryptionFault, match="was encrypted with the key-encryption key"):
            await house.storage.load(house.store)

    visit(store_address, tmp_path / "keys", act)


def test_every_seal_has_its_own_nonce(tmp_path: Path) -> None:
    key = keyring.make(tmp_path / "keys", NOW).current
    (kek,) = given(OLD).read()
    sealed = {kek.seal(KeyPurpose.TRAIL, key, b"\x01" * 32).sealed for _ in range(100)}
    assert len({one[:12] for one in sealed}) == len({one[12:] for one in sealed}) == 100


def test_lost_keys_are_told_from_keys_whose_setting_is_missing(sqlite_address: str, tmp_path: Path) -> None:
    async def act(house: House) -> None:
        ring = await house.wrap()
        assert not await house.storage.lost(house.store)
        with pytest.raises(KeyEncryptionFault, match="set SYNDICATE_KEY_ENCRYPTION_KEY_FILE"):
            await house.with_kek(KeyEncryptionKeys()).lost(house.store)
        other = house.with_kek(given(NEW))
        assert await other.lost(house.store)
        async with house.store.writing() as tx:
            with pytest.raises(KeyEncryptionFault):
                await other.rotate(tx, LATER)
            kid = await other.replace_private(tx, LATER)
        kept = await other.load(house.store)
        assert kept.current.kid == kid
        assert kept.public(ring.current.kid) is not None, "what it signed is still checked"
        async with house.store.writing() as tx:
            kid = await house.with_kek(given(OLD)).replace(tx, LATER)
        last = await house.storage.load(house.store)
        assert [key["kid"] for key in last.jwks()["keys"]] == [kid]

    visit(sqlite_address, tmp_path / "keys", act)


def _others(path: Path) -> None:
    path.chmod(0o640)


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def _absent(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_others, "chmod 600"),
        (_link, "symbolic link"),
        (_absent, "is not there"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("correct horse battery staple"), "openssl rand -base64 32"),
        (lambda path: path.write_text(OLD[:-8]), "openssl rand -base64 32"),
        (lambda path: path.write_text(f"{OLD}\n{OLD[:20]}\n"), "openssl rand -base64 32"),
        (lambda path: path.write_text(base64.b64encode(b"\0" * 32).decode()), "openssl rand -base64 32"),
        (lambda path: path.write_bytes(b"\xff\xfe" + OLD.encode("utf-16-le")), "openssl rand -base64 32"),
    ],
)
def test_a_key_encryption_file_that_cannot_be_used_is_named_without_its_bytes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None], said: str
) -> None:
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "kek"
    path.touch(mode=0o600)
    path.write_text(f"{OLD}\n")
    (kek,) = KeyEncryptionKeys(path).read()
    assert kek.id == given(OLD).read()[0].id
    assert OLD not in repr(kek) + repr(given(OLD))
    spoil(path)
    with pytest.raises(KeyEncryptionFault, match=said) as caught:
        KeyEncryptionKeys(path).read()
    for text in (caught.value.text.zh, caught.value.text.en):
        assert "SYNDICATE_KEY_ENCRYPTION_KEY_FILE" in text
    seen = f"{caught.value.text}{caught.value!r}{caught.value.__cause__!r}{caplog.text}"
    assert OLD[:10] not in seen
    assert "horse" not in seen


def test_both_spellings_of_base64_are_one_key() -> None:
    raw = bytes(range(200, 232))
    standard, safe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    assert standard != safe
    assert given(standard).read() == given(safe).read()
