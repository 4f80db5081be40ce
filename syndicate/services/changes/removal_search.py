"""Find the partners that have something to remove, by what has changed since the last search.

A search looks at agreements that changed or reached their dates, at items that changed, and at items that
reached an age at which a grant closes. It asks who holds those items, and judges them. So it costs what has
happened, not what there is: partners and their holdings that nothing has happened to are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from syndicate.model.changes import Progress
from syndicate.model.item import ItemId
from syndicate.model.parties import PartnerId
from syndicate.model.register import Register
from syndicate.model.rights import Form, Licence, Mandate
from syndicate.policy import Refusal
from syndicate.services.changes.partner_snapshot import (
    IN_FLIGHT,
    PartnerSnapshot,
    partner_snapshot,
    relevant_mandates,
    transition_ages,
)
from syndicate.store.protocol import CandidateQuery, Reads

_MOST_TOUCHED = 5_000
"""With more holdings touched since the last search, their partners are not judged here but searched."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Up to where all partners' removals are written: by this register, its change number, at this time."""

    register: Register
    change: int
    at: datetime


async def find_due(
    reads: Reads, before: Sequence[Searched], now_by: Searched, zone: tzinfo
) -> set[PartnerId]:
    """Find the partners that hold something and may have to remove it now.

    `before` are the searches made until now, the newest last; the first of them is older than the time that
    an answer may take from its judgement to its record. Without any, and after a restored backup or a clock
    that was set back, each partner's own watermark says from where to search.
    """
    if not before or before[-1].change > now_by.change or before[-1].at > now_by.at:
        due, since = await _by_watermarks(reads, now_by, zone)
    else:
        due = _with_changed_rights(before[-1], now_by)
        # An item may have changed while an answer that gives it was on its way.
        since = before[0].change, before[-1].at
    due |= await _touched(reads, since, now_by, due)
    return await reads.holding_anything(due)


async def _by_watermarks(
    reads: Reads, now_by: Searched, zone: tzinfo
) -> tuple[set[PartnerId], tuple[int, datetime]]:
    """The partners whose rights differ from those at their watermark; the oldest watermark of the rest."""
    holders = await reads.holding_anything(now_by.register.partners)
    progress = await reads.progress_of(holders)
    due: set[PartnerId] = set()
    change, at = now_by.change, now_by.at
    for id in holders:
        partner = now_by.register.partners[id]
        snapshot = partner_snapshot(partner, now_by.register, now_by.change, now_by.at, zone)
        watermark = progress.get(id, Progress(id)).removals_until
        if watermark is None or not snapshot.same_rights_since(watermark, IN_FLIGHT):
            due.add(id)
        else:
            change, at = min(change, watermark.change), min(at, watermark.at)
    return due, (change, at)


def _with_changed_rights(before: Searched, now_by: Searched) -> set[PartnerId]:
    """The partners whose agreements have changed, or began or ended by their dates, since `before`."""
    register, since = now_by.register, before.at - IN_FLIGHT
    mandates = _differing(before.register.mandates, register.mandates)
    mandates += [one for one in register.mandates if _edge_within(one, since, now_by.at)]
    due: set[PartnerId] = set()
    for id in register.partners:
        licences = register.licences_of(id)
        if (
            licences != before.register.licences_of(id)
            or any(_edge_within(one, since, now_by.at) for one in licences)
            or (mandates and relevant_mandates(mandates, licences))
        ):
            due.add(id)
    return due


def _differing(before: Sequence[Mandate], now: Sequence[Mandate]) -> list[Mandate]:
    """The mandates that are in one of the two and not, or not like this, in the other."""
    if before == now:
        return []
    return [one for one in before if one not in now] + [one for one in now if one not in before]


def _edge_within(agreement: Mandate | Licence, since: datetime, now: datetime) -> bool:
    window = agreement.window
    return since < window.opens <= now or (window.closes is not None and since < window.closes <= now)


async def _touched(
    reads: Reads, since: tuple[int, datetime], now_by: Searched, known: set[PartnerId]
) -> set[PartnerId]:
    """The partners that hold an item which changed or reached an age since then, and may not keep it."""
    register, now = now_by.register, now_by.at
    published, available = _all_ages(register)
    begin = since[1] - IN_FLIGHT
    query = CandidateQuery(
        since[0],
        tuple((begin - age, now - age) for age in sorted(published)),
        tuple((begin - age, now - age) for age in sorted(available)),
        (begin, now),
    )
    touched = await reads.touched_holdings(query, _MOST_TOUCHED)
    if len(touched) >= _MOST_TOUCHED:
        return set(register.partners)
    outlines = await reads.outlines({item for _, item in touched})
    due: set[PartnerId] = set()
    for partner, items in _by_partner(touched).items():
        if partner in known or partner not in register.partners:
            continue
        snapshot = PartnerSnapshot(register.partners[partner], register, now_by.change, now, "")
        for item in items:
            verdict = snapshot.verdict(outlines[item])
            if isinstance(verdict, Refusal) or verdict.form is not Form.FULL:
                due.add(partner)
                break
    return due


def _by_partner(touched: Iterable[tuple[PartnerId, ItemId]]) -> dict[PartnerId, list[ItemId]]:
    found: dict[PartnerId, list[ItemId]] = {}
    for partner, item in touched:
        found.setdefault(partner, []).append(item)
    return found


def _all_ages(register: Register) -> tuple[set[timedelta], set[timedelta]]:
    """The ages at which any partner's grant opens or closes: from publication, and from being out."""
    return transition_ages(one for licences in register.licences.values() for one in licences)
