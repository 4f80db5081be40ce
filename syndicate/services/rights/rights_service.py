"""Manage partners, mandates and licences. Every act has an actor and is written to the trail."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from syndicate.access.rights_cache import Clock
from syndicate.errors import Conflict, Fault, Faulty, NotStampable, Unknown
from syndicate.language import Text, verbatim
from syndicate.model.actors import Actor
from syndicate.model.events import (
    Event,
    LicenceAdded,
    LicenceEnded,
    MandateAdded,
    MandateEnded,
    PartnerAdded,
    PartnerResumed,
    PartnerSuspended,
)
from syndicate.model.parties import Partner, PartnerId, Publisher
from syndicate.model.records import Entry
from syndicate.model.register import Register
from syndicate.model.rights import Licence, Mandate, Window
from syndicate.store.protocol import Change, Store, Writing

_PARTNER_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_TAKEN = frozenset({"public", "staff", "system", "unknown"})


class RightsService:
    """Manage partners, mandates and licences. Raises Unknown, Conflict, Faulty, StoreFault.

    An act and its trail record are one transaction.
    """

    def __init__(
        self, store: Store, publisher: Publisher, clock: Clock, check_line: Callable[[], object]
    ) -> None:
        """`check_line` raises NotStampable where no visible line can be drawn. It blocks."""
        self._store, self._publisher, self._clock = store, publisher, clock
        self._check_line = check_line

    async def register(self) -> Register:
        """Return all rights as they are now."""
        return await self._store.register()

    async def add_partner(self, actor: Actor, id: str, name: str, domains: Sequence[str] = ()) -> Partner:
        """Add a partner. Raises Faulty for an invalid id, name or domain, Conflict for an id in use."""
        faults = _partner_faults(id, name, domains)
        if faults:
            raise Faulty(id, faults)
        now = self._clock()
        partner = Partner(PartnerId(id), name.strip(), tuple(one.lower() for one in domains), now)
        async with self._store.writing() as tx:
            if partner.id in (await tx.register()).partners:
                raise Conflict(
                    Text(f"授权媒体 {id} 已存在", f"partner {id} exists already"), code="duplicate_partner"
                )
            await tx.put_partner(partner)
            await self._done(tx, actor, now, PartnerAdded(partner.id))
        return partner

    async def suspend(self, actor: Actor, id: PartnerId) -> Partner:
        """Suspend a partner: none of its keys is accepted until it is resumed. Raises Unknown, Conflict."""
        now = self._clock()
        async with self._store.writing() as tx:
            partner = _partner(await tx.register(), id)
            if partner.suspended is not None:
                raise Conflict(Text(f"授权媒体 {id} 已处于暂停状态", f"partner {id} is suspended already"))
            partner = replace(partner, suspended=now)
            await tx.put_partner(partner)
            await self._done(tx, actor, now, PartnerSuspended(partner.id))
        return partner

    async def resume(self, actor: Actor, id: PartnerId) -> Partner:
        """Resume a suspended partner. Raises Unknown, Conflict."""
        now = self._clock()
        async with self._store.writing() as tx:
            partner = _partner(await tx.register(), id)
            if partner.suspended is None:
                raise Conflict(Text(f"授权媒体 {id} 并未暂停", f"partner {id} is not suspended"))
            partner = replace(partner, suspended=None)
            await tx.put_partner(partner)
            await self._done(tx, actor, now, PartnerResumed(partner.id))
        return partner

    async def add_mandate(self, actor: Actor, document: str, name: str) -> Mandate:
        """Add a head agreement from its TOML. Raises Faulty, Conflict for a number in use."""
        # Here and below, not above: a command that lists partners reads no agreement.
        from syndicate.agreements import read_mandate

        mandate = read_mandate(document, name=name, publisher=self._publisher)
        now = self._clock()
        async with self._store.writing() as tx:
            _number_is_free(await tx.register(), mandate.number)
            await tx.put_mandate(mandate, document, now)
            await self._done(tx, actor, now, MandateAdded(mandate.number, _digest(document)))
        return mandate

    async def end_mandate(self, actor: Actor, number: str) -> Mandate:
        """End a mandate now: nothing is released under it any more. Raises Unknown, Conflict."""
        now = self._clock()
        async with self._store.writing() as tx:
            register = await tx.register()
            mandate = next((one for one in register.mandates if one.number == number), None)
            if mandate is None:
                raise Unknown(Text("独家发布权", "mandate"), number)
            mandate = replace(mandate, window=_ended(mandate.window, number, now))
            await tx.put_mandate(mandate, await self._document(number), now)
            await self._done(tx, actor, now, MandateEnded(number, _closes(mandate.window)))
        return mandate

    async def add_licence(self, actor: Actor, document: str, name: str) -> Licence:
        """Add a licence from its TOML. Raises Faulty with every fault, Conflict for a number in use.

        One whose grant needs a visible line is refused where this machine cannot draw it.
        """
        now = self._clock()
        licence = await self.draft(document, name)
        await self._check_visible_lines(licence, name)
        async with self._store.writing() as tx:
            register = await tx.register()
            _number_is_free(register, licence.number)
            _partner(register, licence.partner)
            await tx.put_licence(licence, document, now)
            await self._done(
                tx, actor, now, LicenceAdded(licence.number, licence.partner, _digest(document))
            )
        return licence

    async def _check_visible_lines(self, licence: Licence, name: str) -> None:
        lined = [number for number, one in enumerate(licence.grants) if one.visible_line]
        if lined:
            try:
                await asyncio.to_thread(self._check_line)
            except NotStampable as error:
                faults = [Fault("no_font", f"grant[{number}].visible_line", error.why) for number in lined]
                raise Faulty(name, faults) from error

    async def draft(self, document: str, name: str) -> Licence:
        """Read a licence from its TOML without storing it. Raises Faulty with every fault."""
        from syndicate.agreements import read_licence

        known = await self._store.register()
        return read_licence(document, name=name, publisher=self._publisher, partners=known.partners)

    async def end_licence(self, actor: Actor, number: str) -> Licence:
        """End a licence now. Raises Unknown, Conflict."""
        now = self._clock()
        async with self._store.writing() as tx:
            licence = _licence(await tx.register(), number)
            licence = replace(licence, window=_ended(licence.window, number, now))
            await tx.put_licence(licence, await self._document(number), now)
            await self._done(tx, actor, now, LicenceEnded(number, licence.partner, _closes(licence.window)))
        return licence

    async def licence(self, number: str) -> tuple[Licence, str]:
        """Return a licence and its TOML as it was added. Raises Unknown."""
        return _licence(await self._store.register(), number), await self._document(number)

    async def _document(self, number: str) -> str:
        return await self._store.document(number) or ""

    async def _done(self, tx: Writing, actor: Actor, now: datetime, event: Event) -> None:
        await tx.append(Entry(now, str(actor), event))
        await tx.changed(Change.RIGHTS)


def _partner_faults(id: str, name: str, domains: Sequence[str]) -> list[Fault]:
    faults = []
    if not _PARTNER_ID.fullmatch(id) or id in _TAKEN:
        text = Text(
            "应为 1 到 64 个小写字母、数字或连字符，且不是保留字",
            "expected 1 to 64 lower-case letters, digits or hyphens, and no reserved word",
        )
        faults.append(Fault("partner_id_invalid", "id", text))
    if not name.strip() or len(name) > 200 or not name.isprintable():
        text = Text("应为 1 到 200 个可见字符", "expected 1 to 200 visible characters")
        faults.append(Fault("partner_name_invalid", "name", text))
    for index, domain in enumerate(domains):
        if not _DOMAIN.fullmatch(domain.lower()) or len(domain) > 253:
            text = Text(f"{domain!r} 不是域名", f"{domain!r} is no domain name; expected e.g. zjol.com.cn")
            faults.append(Fault("domain_invalid", f"domain[{index}]", text))
    return faults


def _partner(register: Register, id: PartnerId) -> Partner:
    partner = register.partners.get(id)
    if partner is None:
        raise Unknown(Text("授权媒体", "partner"), id)
    return partner


def _licence(register: Register, number: str) -> Licence:
    for licences in register.licences.values():
        for licence in licences:
            if licence.number == number:
                return licence
    raise Unknown(Text("授权协议", "licence"), number)


def _number_is_free(register: Register, number: str) -> None:
    taken = {mandate.number for mandate in register.mandates} | {
        licence.number for licences in register.licences.values() for licence in licences
    }
    if number in taken:
        text = Text("编号已被使用：", "the number is in use: ") + verbatim(number)
        raise Conflict(text, code="duplicate_number")


def _ended(window: Window, number: str, now: datetime) -> Window:
    """The window closed at `now`; one that has not begun never opens."""
    if window.closes is not None and window.closes <= now:
        raise Conflict(Text(f"{number} 已经终止", f"{number} has ended already"), code="ended_already")
    return Window(window.opens, max(now, window.opens))


def _closes(window: Window) -> str:
    return window.closes.isoformat() if window.closes is not None else ""


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()
