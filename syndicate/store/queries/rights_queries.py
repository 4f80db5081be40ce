"""Read and write partners, mandates, licences and keys in SQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Row, Select, Table, delete, desc, insert, select
from typing_extensions import override

from syndicate.model.parties import Partner, PartnerId
from syndicate.model.register import Key, Register
from syndicate.model.rights import Licence, Mandate
from syndicate.model.wrapped_keys import KeyPurpose, WrappedKey
from syndicate.store.counters import reached
from syndicate.store.database import Transaction
from syndicate.store.protocol import Reached, RightsReads, RightsWrites
from syndicate.store.queries.revisions import add_revision, newest_revisions
from syndicate.store.queries.sql_reads import SqlReads, SqlWrites
from syndicate.store.schema.hold_json import partner_text
from syndicate.store.schema.rows import (
    key_from,
    key_values,
    licence_from,
    licence_text,
    mandate_from,
    mandate_text,
    partner_from,
    partner_values,
)
from syndicate.store.schema.tables import (
    keys,
    licences,
    mandates,
    partner_revisions,
    partners,
    signing_keys,
    trail,
    wrapped_keys,
)
from syndicate.store.schema.wrapped_key_rows import wrapped_key_from, wrapped_key_values

_MOST_AGREEMENTS: Final = 4_096
# Agreements are read again after every change of rights, and most have not changed: equal text, one value.
_mandate = lru_cache(_MOST_AGREEMENTS)(mandate_from)
_licence = lru_cache(_MOST_AGREEMENTS)(licence_from)


class SqlRightsReads(SqlReads, RightsReads):
    """SQL implementation of `RightsReads`."""

    async def _reached(self, transaction: Transaction) -> Reached:
        """The newest change number and the last that concerned rights."""
        return await reached(transaction)

    @override
    async def register(self) -> Register:
        async with self._reading() as transaction:
            change = (await self._reached(transaction)).change
            agreed = await transaction.rows(_newest_contents(licences))
            mandated = await transaction.rows(_newest_contents(mandates))
            parties = await transaction.rows(select(partners).order_by(partners.c.id))
            issued = await transaction.rows(select(keys).order_by(keys.c.jti))
        return Register(
            seq=change,
            partners={PartnerId(row.id): partner_from(row) for row in parties},
            mandates=tuple(_mandate(row.content) for row in mandated),
            licences=licences_by_partner([_licence(row.content) for row in agreed]),
            keys={row.jti: key_from(row) for row in issued},
        )

    @override
    async def keys(self, partner: PartnerId | None = None) -> list[Key]:
        # Here, not above: see `model.records`.
        from syndicate.model.events import EditionDelivered, EditionPolled, ItemDelivered
        from syndicate.model.media_events import MediaDelivered

        uses = (EditionDelivered.kind, EditionPolled.kind, ItemDelivered.kind, MediaDelivered.kind)
        # The newest such record is also the latest: the trail's time never decreases.
        used = (
            select(trail.c.at)
            .where(
                trail.c.partner == keys.c.partner,
                trail.c.jti == keys.c.jti,
                trail.c.kind.in_(uses),
            )
            .order_by(desc(trail.c.seq))
            .limit(1)
            .scalar_subquery()
        )
        query = select(keys, used.label("last_used")).order_by(desc(keys.c.issued), keys.c.jti)
        if partner is not None:
            query = query.where(keys.c.partner == partner)
        return [key_from(row, row.last_used) for row in await self._rows(query)]

    @override
    async def signing_keys(self) -> frozenset[str]:
        return frozenset(row.kid for row in await self._rows(select(signing_keys.c.kid)))

    @override
    async def wrapped_keys(self, purpose: KeyPurpose) -> list[WrappedKey]:
        query = select(wrapped_keys).where(wrapped_keys.c.purpose == purpose.value)
        query = query.order_by(desc(wrapped_keys.c.created), wrapped_keys.c.kid)
        return [wrapped_key_from(row) for row in await self._rows(query)]

    @override
    async def document(self, number: str) -> str | None:
        found: list[Row[Any]] = []
        async with self._reading() as transaction:
            for agreements in (mandates, licences):
                query = (
                    select(agreements.c.known_from, agreements.c.document)
                    .where(agreements.c.number == number)
                    .order_by(desc(agreements.c.revision))
                    .limit(1)
                )
                row = await transaction.row(query)
                if row is not None:
                    found.append(row)
        newest = max(found, key=lambda row: row.known_from, default=None)
        return None if newest is None else str(newest.document)


class SqlRightsWrites(SqlWrites, RightsWrites):
    """SQL implementation of `RightsWrites`."""

    @override
    async def put_partner(self, partner: Partner) -> None:
        self._has_written = True
        await self._upsert(partners, "id", partner_values(partner))
        values = {"content": partner_text(partner), "line": self._next_line}
        await add_revision(self._transaction, partner_revisions, {"partner": partner.id}, values)

    @override
    async def put_mandate(self, mandate: Mandate, document: str, at: datetime) -> None:
        self._has_written = True
        values = self._agreement(document, mandate_text(mandate), at)
        await add_revision(self._transaction, mandates, {"number": mandate.number}, values)

    @override
    async def put_licence(self, licence: Licence, document: str, at: datetime) -> None:
        self._has_written = True
        values = {**self._agreement(document, licence_text(licence), at), "partner": licence.partner}
        await add_revision(self._transaction, licences, {"number": licence.number}, values)

    @override
    async def put_key(self, key: Key) -> None:
        self._has_written = True
        await self._upsert(keys, "jti", key_values(key))

    @override
    async def put_signing_keys(self, kids: Collection[str]) -> None:
        await self._transaction.run(delete(signing_keys))
        if kids:
            await self._transaction.run(insert(signing_keys), [{"kid": kid} for kid in sorted(kids)])

    @override
    async def put_wrapped_keys(self, purpose: KeyPurpose, kept: Collection[WrappedKey]) -> None:
        await self._transaction.run(delete(wrapped_keys).where(wrapped_keys.c.purpose == purpose.value))
        if kept:
            await self._transaction.run(insert(wrapped_keys), [wrapped_key_values(one) for one in kept])

    def _agreement(self, document: str, content: str, at: datetime) -> dict[str, Any]:
        return {"document": document, "content": content, "known_from": at, "line": self._next_line}


def _newest_contents(agreements: Table) -> Select[Any]:
    """The newest revision of each agreement, without its file's text."""
    return newest_revisions(agreements, agreements.c.number).with_only_columns(agreements.c.content)


def licences_by_partner(licences: list[Licence]) -> dict[PartnerId, tuple[Licence, ...]]:
    """Each partner's licences, in their order."""
    grouped: dict[PartnerId, tuple[Licence, ...]] = {}
    for licence in licences:
        grouped[licence.partner] = (*grouped.get(licence.partner, ()), licence)
    return grouped
