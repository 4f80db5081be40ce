"""Every question the house asks of the database, one function each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Row, Select, Table, and_, desc, func, select

from syndicate.model.events import EditionDelivered, ItemDelivered
from syndicate.model.item import Item, ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.records import Checkpoint, Line, Written
from syndicate.model.register import Key, Register
from syndicate.model.rights import Licence
from syndicate.store.database import Transaction
from syndicate.store.faults import damaged
from syndicate.store.protocol import Reached
from syndicate.store.queries.changes import in_parts
from syndicate.store.schema.rows import (
    item_from,
    key_from,
    licence_from,
    line_from,
    mandate_from,
    outline_from,
    partner_from,
)
from syndicate.store.schema.tables import checkpoints as kept_checkpoints
from syndicate.store.schema.tables import (
    counters,
    item_keys,
    items,
    keys,
    licences,
    mandates,
    manifests,
    partners,
    trail,
    versions,
)

_USES_OF_A_KEY: Final = (EditionDelivered.kind, ItemDelivered.kind)


async def sequence(session: Transaction) -> Reached:
    """How far the change sequence has come."""
    row = await session.row(select(counters.c.change, counters.c.rights))
    if row is None:
        raise damaged()
    return Reached(row.change, row.rights)


async def latest(session: Transaction) -> datetime:
    """The moment of the newest line."""
    row = await session.row(select(counters.c.at))
    if row is None:
        raise damaged()
    return cast("datetime", row.at)


async def register(session: Transaction, change: int) -> Register:
    """All rights as this transaction sees them, after this change."""
    licensed: dict[PartnerId, list[Licence]] = {}
    for row in await session.rows(_newest(licences)):
        licence = licence_from(row.content)
        licensed.setdefault(licence.partner, []).append(licence)
    return Register(
        seq=change,
        partners={
            PartnerId(row.id): partner_from(row)
            for row in await session.rows(select(partners).order_by(partners.c.id))
        },
        mandates=tuple(mandate_from(row.content) for row in await session.rows(_newest(mandates))),
        licences={partner: tuple(held) for partner, held in licensed.items()},
        keys={row.jti: key_from(row) for row in await session.rows(select(keys).order_by(keys.c.jti))},
    )


def _newest(agreements: Table) -> Select[Any]:
    """The newest revision of every agreement, by number."""
    newest = (
        select(agreements.c.number, func.max(agreements.c.revision).label("revision"))
        .group_by(agreements.c.number)
        .subquery()
    )
    return (
        select(agreements.c.content)
        .join(
            newest,
            and_(agreements.c.number == newest.c.number, agreements.c.revision == newest.c.revision),
        )
        .order_by(agreements.c.number)
    )


async def item(session: Transaction, id: ItemId, version: int | None = None) -> Item | None:
    """One item: its newest version, or the one asked for."""
    query = _with_holds().where(versions.c.item == id)
    wanted = items.c.version if version is None else version
    query = query.where(versions.c.version == wanted)
    row = await session.row(query)
    return None if row is None else item_from(row)


def _with_holds() -> Select[Any]:
    """Versions, each with what holds its item back now."""
    return select(versions, items.c.holds).join(items, versions.c.item == items.c.id)


async def outline(session: Transaction, id: ItemId) -> Item | None:
    """What the policy asks of an item, without its text."""
    row = await session.row(select(items).where(items.c.id == id))
    return None if row is None else outline_from(row)


async def outlines(session: Transaction, names: Collection[ItemId]) -> dict[ItemId, Item]:
    """The outlines of several items."""
    found: dict[ItemId, Item] = {}
    for part in in_parts(names):
        for row in await session.rows(select(items).where(items.c.id.in_(part))):
            found[ItemId(row.id)] = outline_from(row)
    return found


async def all_versions(session: Transaction, id: ItemId) -> list[Item]:
    """All versions of an item, oldest first."""
    query = _with_holds().where(versions.c.item == id).order_by(versions.c.version)
    return [item_from(row) for row in await session.rows(query)]


async def find_item(session: Transaction, names: Sequence[str]) -> tuple[Item, str] | None:
    """The newest version of the item that goes by the strongest of these keys, and that key."""
    if not names:
        return None
    rows = await session.rows(
        select(item_keys.c.key, item_keys.c.item).where(item_keys.c.key.in_(list(names)))
    )
    owners = {row.key: ItemId(row.item) for row in rows}
    strongest = next((name for name in names if name in owners), None)
    if strongest is None:
        return None
    found = await item(session, owners[strongest])
    if found is None:
        raise damaged()
    return found, strongest


async def keys_of(session: Transaction, id: ItemId) -> frozenset[str]:
    """Every key that this item goes by."""
    rows = await session.rows(select(item_keys.c.key).where(item_keys.c.item == id))
    return frozenset(row.key for row in rows)


async def partners_keys(session: Transaction, partner: PartnerId | None) -> list[Key]:
    """Keys with their last use, newest issued first."""
    # The newest such line is also the latest: the trail's time never decreases.
    used = (
        select(trail.c.at)
        .where(trail.c.jti == keys.c.jti, trail.c.kind.in_(_USES_OF_A_KEY))
        .order_by(desc(trail.c.seq))
        .limit(1)
        .scalar_subquery()
    )
    query = select(keys, used.label("last_used")).order_by(desc(keys.c.issued), keys.c.jti)
    if partner is not None:
        query = query.where(keys.c.partner == partner)
    return [key_from(row, row.last_used) for row in await session.rows(query)]


async def document(session: Transaction, number: str) -> str | None:
    """The newest file under this number, of a mandate or a licence."""
    found: list[Row[Any]] = []
    for agreements in (mandates, licences):
        query = (
            select(agreements.c.known_from, agreements.c.document)
            .where(agreements.c.number == number)
            .order_by(desc(agreements.c.revision))
            .limit(1)
        )
        row = await session.row(query)
        if row is not None:
            found.append(row)
    newest = max(found, key=lambda row: row.known_from, default=None)
    return None if newest is None else str(newest.document)


async def lines(
    session: Transaction, after: int, limit: int, partner: PartnerId | None, item: ItemId | None
) -> list[Line]:
    """Lines of the trail in order, after line `after`."""
    query = select(trail).where(trail.c.seq > after).order_by(trail.c.seq).limit(limit)
    if partner is not None:
        query = query.where(trail.c.partner == partner)
    if item is not None:
        query = query.where(trail.c.item == item)
    return [line_from(row) for row in await session.rows(query)]


async def manifest(session: Transaction, digest: str) -> bytes | None:
    """The kept list of this name."""
    row = await session.row(select(manifests.c.content).where(manifests.c.digest == digest))
    return None if row is None else bytes(row.content)


async def written(session: Transaction, after: int, limit: int) -> list[Written]:
    """Lines as they stand in the database."""
    query = select(trail).where(trail.c.seq > after).order_by(trail.c.seq).limit(limit)
    return [
        Written(
            row.seq, row.at, row.actor, row.kind, row.body, row.partner, row.jti, row.item, bytes(row.leaf)
        )
        for row in await session.rows(query)
    ]


async def leaves(session: Transaction, after: int, limit: int) -> list[bytes]:
    """The Merkle leaves of the lines after this one."""
    query = select(trail.c.leaf).where(trail.c.seq > after).order_by(trail.c.seq).limit(limit)
    return [bytes(row.leaf) for row in await session.rows(query)]


async def checkpoints(session: Transaction) -> list[Checkpoint]:
    """Every signed checkpoint, smallest first."""
    query = select(kept_checkpoints).order_by(kept_checkpoints.c.size)
    return [Checkpoint(row.size, bytes(row.root), row.at, row.note) for row in await session.rows(query)]
