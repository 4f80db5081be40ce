"""Decide whether a recipient may have an item, for a use, at an instant.

Every list, item, feed and cache asks here. Silence means no: what no mandate and no grant releases is
refused, and every refusal says why and under which clause. Pure: data and `now` in, a verdict out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from typing import Final, final

from syndicate.model.holds import Embargo, Recall
from syndicate.model.item import Item, Medium
from syndicate.model.media import RenditionName
from syndicate.model.parties import Partner, Public, Recipient
from syndicate.model.rights import (
    FORM_OF,
    PREFERRED_USES,
    Clause,
    Form,
    Grant,
    Licence,
    Mandate,
    Quota,
    Use,
)
from syndicate.policy import scope
from syndicate.policy.reasons import HIDDEN, Reason

_RANK: Final = {reason: rank for rank, reason in enumerate(Reason)}
_SEAL: Final = object()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """A yes: what may leave, to whom, in which form, under which clause. Only this module makes one.

    `until` is the next time at which the answer may change; None if it never does by itself.
    `take_down` is when the recipient must have taken the item down, if its grant says so.
    """

    item: Item
    recipient: Recipient
    use: Use
    form: Form
    clause: Clause
    licence: str | None
    mandate: str
    may_edit: bool
    take_down: datetime | None
    quota: Quota | None
    renditions: frozenset[RenditionName]
    """Which files of a picture, sound or film it releases."""
    lined: frozenset[RenditionName]
    """Which of these, of a picture, leave with the visible line: every grant that gives them says so."""
    embargoed_until: datetime | None
    """Set where the item is given early: nobody may publish it before."""
    until: datetime | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only policy.clear() makes a Clearance")


@final
@dataclass(frozen=True, slots=True)
class Refusal:
    """A no: why, and under which clause (None where there is no agreement at all).

    `until` is the next time at which the answer may change; None if it never does by itself. A
    recalled item's refusal carries the recall, and as clause the one that it had been released under.
    """

    reason: Reason
    clause: Clause | None = None
    until: datetime | None = None
    recall: Recall | None = None


Verdict = Clearance | Refusal


def clear(
    item: Item,
    recipient: Recipient,
    mandates: Iterable[Mandate],
    licences: Iterable[Licence],
    use: Use,
    now: datetime,
    rendition: RenditionName | None = None,
) -> Verdict:
    """Decide about one item, one recipient and one use, at the aware time `now`.

    With `rendition`, about that file of it.

    `licences` may hold anybody's; only the recipient's own count. An exception in any licence in force
    beats every grant of that partner. `archive` and `retain` count from publication, `delay` from when
    the item is out (`Item.available`), and every span includes its opening and not its close. What holds
    the item back beats every agreement, and what was never out is not said to be recalled.
    """
    licences = (
        [] if isinstance(recipient, Public) else [one for one in licences if one.partner == recipient.id]
    )
    mandates = [m for m in mandates if item.outlet in m.outlets and item.medium in m.media]
    recall = item.holds.recall
    if recall is None:
        return _clear(item, recipient, mandates, licences, use, now, rendition)
    stood = replace(item, published=min(item.published, recall.published))
    before = _clear(stood, recipient, mandates, licences, use, min(now, recall.at), rendition)
    if isinstance(before, Refusal):
        if before.reason in HIDDEN or isinstance(recipient, Public):
            return Refusal(before.reason, before.clause)
        if before.reason is Reason.EMBARGO_UNACKNOWLEDGED:
            return Refusal(Reason.EMBARGOED)
        return Refusal(Reason.RECALLED, None, None, recall)
    return Refusal(Reason.RECALLED, before.clause, None, recall)


def _clear(
    item: Item,
    recipient: Recipient,
    mandates: Sequence[Mandate],
    own: Sequence[Licence],
    use: Use,
    now: datetime,
    rendition: RenditionName | None,
) -> Verdict:
    """`clear` for an item that is not recalled; the agreements are those on the subject."""
    if item.outlet is None:
        return Refusal(Reason.NOT_OURS)
    until = scope.upcoming(scope.instants(item, mandates, own), now)
    held = _held(item, recipient, now)
    if held is not None and (held is not Reason.EMBARGOED or isinstance(recipient, Public)):
        return Refusal(held, None, until)
    if held is None:
        return _judge(item, recipient, mandates, own, use, now, until, rendition)
    # Under embargo every recipient gets the same reason, except one with early access.
    embargo = item.holds.embargo
    early = _judge(item, recipient, mandates, own, use, now, until, rendition, embargo=embargo)
    if isinstance(recipient, Public) or embargo is None or not isinstance(early, Clearance):
        return Refusal(Reason.EMBARGOED, None, until)
    if recipient.id not in embargo.acknowledged:
        return Refusal(Reason.EMBARGO_UNACKNOWLEDGED, early.clause, until)
    return early


def _held(item: Item, recipient: Recipient, now: datetime) -> Reason | None:
    """What keeps the item back from this recipient, whatever was agreed; None for nothing."""
    holds = item.holds
    if now < item.published:
        return Reason.NOT_PUBLISHED
    if holds.withheld:
        return Reason.WITHHELD
    exclusive = holds.exclusive
    theirs = isinstance(recipient, Partner) and exclusive is not None and exclusive.partner == recipient.id
    if exclusive is not None and now < exclusive.until and not theirs:
        return Reason.EXCLUSIVE
    if holds.embargo is not None and now < holds.embargo.until:
        return Reason.EMBARGOED
    return None


def _judge(
    item: Item,
    recipient: Recipient,
    mandates: Sequence[Mandate],
    own: Sequence[Licence],
    use: Use,
    now: datetime,
    until: datetime | None,
    rendition: RenditionName | None,
    *,
    embargo: Embargo | None = None,
) -> Verdict:
    """Decide by the agreements alone about an item that nothing holds back.

    With `embargo`: about having the item before the embargo ends, which a grant must allow by name.
    """
    mandate = next((m for m in mandates if now in m.window), None)
    if mandate is None:
        return _no_mandate(mandates, now, until)
    if isinstance(recipient, Public):
        if FORM_OF[use] is not Form.SUMMARY:
            return Refusal(Reason.SUMMARY_ONLY, mandate.clause, until)
        previewed = next((m for m in mandates if now in m.window and m.public_preview), None)
        mandate = previewed or mandate
        shown = previewed is not None and item.medium is not Medium.TEXT
        given = scope.PUBLIC_RENDITIONS if shown else frozenset[RenditionName]()
        if rendition is not None and rendition not in given:
            return Refusal(Reason.RENDITION_NOT_GRANTED, mandate.clause, until)
        return Clearance(
            item=item,
            recipient=recipient,
            use=use,
            form=Form.SUMMARY,
            clause=mandate.clause,
            licence=None,
            mandate=mandate.number,
            may_edit=False,
            take_down=None,
            quota=None,
            renditions=given,
            lined=frozenset(),
            embargoed_until=None,
            until=until,
            seal=_SEAL,
        )
    refusal = _not_admitted(recipient, own, now, until)
    if refusal is not None:
        return refusal
    in_force = [licence for licence in own if now in licence.window]
    known = item.holds.embargo
    promised = known is not None and recipient.id in known.acknowledged
    for exception in (one for licence in in_force for one in licence.excepts):
        if scope.excepts(exception, item, use):
            return Refusal(Reason.EXCEPTED, exception.clause, until)
    nearest: Refusal | None = None

    def obstacle(grant: Grant, licence: Licence) -> Reason | None:
        early = embargo is not None
        return scope.grant_obstacle(
            grant, licence, item, use, now, early=early, promised=promised, rendition=rendition
        )

    for licence in in_force:
        for grant in licence.grants:
            reason = obstacle(grant, licence)
            if reason is None:
                given, lined = _renditions(item, use, in_force, obstacle)
                return Clearance(
                    item=item,
                    recipient=recipient,
                    use=use,
                    form=FORM_OF[use],
                    clause=grant.clause,
                    licence=licence.number,
                    mandate=mandate.number,
                    may_edit=grant.may_edit,
                    take_down=None if grant.retain is None else item.published + grant.retain,
                    quota=grant.quota,
                    renditions=given,
                    lined=lined,
                    embargoed_until=None if embargo is None else embargo.until,
                    until=until,
                    seal=_SEAL,
                )
            if nearest is None or _RANK[reason] > _RANK[nearest.reason]:
                nearest = Refusal(reason, grant.clause, until)
    return nearest or Refusal(Reason.USE_NOT_GRANTED, in_force[0].clause, until)


def _renditions(
    item: Item,
    use: Use,
    in_force: Iterable[Licence],
    obstacle: Callable[[Grant, Licence], Reason | None],
) -> tuple[frozenset[RenditionName], frozenset[RenditionName]]:
    """The files that any grant which releases the item gives for this use, and those with a visible line.

    A text has none. A file that one grant gives without the line leaves without it.
    """
    nothing = frozenset[RenditionName]()
    if item.medium is Medium.TEXT:
        return nothing, nothing
    releasing = [one for licence in in_force for one in licence.grants if obstacle(one, licence) is None]
    given = nothing.union(*(scope.renditions_of(one, use) for one in releasing))
    if item.medium is not Medium.PICTURE:
        return given, nothing
    plain = nothing.union(*(scope.renditions_of(one, use) - scope.lined_by(one) for one in releasing))
    return given, given - plain


def clear_preferred(
    item: Item,
    recipient: Recipient,
    mandates: Iterable[Mandate],
    licences: Iterable[Licence],
    use: Use | None,
    now: datetime,
    rendition: RenditionName | None = None,
) -> Verdict:
    """`clear` for `use`; for None, for the first use that is granted of reprint, copy, repost, link.

    The public, which names no use, is asked about `link`.
    """
    if isinstance(recipient, Public):
        return clear(item, recipient, mandates, licences, use or Use.LINK, now, rendition)
    if use is not None:
        return clear(item, recipient, mandates, licences, use, now, rendition)
    mandates, licences = tuple(mandates), tuple(licences)
    refusals: list[Refusal] = []
    for one in PREFERRED_USES:
        verdict = clear(item, recipient, mandates, licences, one, now, rendition)
        if isinstance(verdict, Clearance):
            return verdict
        refusals.append(verdict)
    # A recall is the same for every use; the use that the item had been released for names its clause.
    return max(refusals, key=lambda refusal: (_RANK[refusal.reason], refusal.clause is not None))


def clear_with_text(outline: Clearance, item: Item) -> Clearance | None:
    """The clearance of an outline as that of the whole item; None where another decision is needed.

    A verdict rests on the outline's fields alone. Both must agree in every one of them, or nothing is
    cleared.
    """
    known = outline.item
    if (
        known.id != item.id
        or known.version != item.version
        or known.outlet != item.outlet
        or known.channel != item.channel
        or known.medium is not item.medium
        or known.published != item.published
        or known.holds != item.holds
    ):
        return None
    return replace(outline, item=item, seal=_SEAL)


def admit(
    recipient: Recipient,
    mandates: Iterable[Mandate],
    licences: Iterable[Licence],
    use: Use | None,
    now: datetime,
) -> Refusal | None:
    """Why nothing at all can be released to this recipient now; None where something may be.

    What a feed answers before it looks at items: it never says yes to an item, that is `clear`'s alone.
    """
    mandates = tuple(mandates)
    in_force = [m for m in mandates if now in m.window]
    own = () if isinstance(recipient, Public) else [one for one in licences if one.partner == recipient.id]
    until = scope.upcoming((*scope.edges(mandates), *scope.edges(own)), now)
    if isinstance(recipient, Public):
        return None if in_force else _no_mandate(mandates, now, until)
    refusal = _not_admitted(recipient, own, now, until)
    if refusal is not None:
        return refusal
    grants = [grant for licence in own if now in licence.window for grant in licence.grants]
    granted = [grant for grant in grants if use is None or use in grant.uses]
    if not granted:
        first = next(licence for licence in own if now in licence.window)
        return Refusal(Reason.USE_NOT_GRANTED, first.clause, until)
    if not any(g.outlets & m.outlets and g.media & m.media for g in granted for m in in_force):
        related = [m for m in mandates if any(g.outlets & m.outlets and g.media & m.media for g in granted)]
        return _no_mandate(related, now, until)
    return None


def _no_mandate(mandates: Sequence[Mandate], now: datetime, until: datetime | None) -> Refusal:
    """The refusal where none of these mandates, all on the subject, is in force."""
    if not mandates:
        return Refusal(Reason.NO_MANDATE, None, until)
    coming = [m for m in mandates if now < m.window.opens]
    if coming:
        return Refusal(Reason.MANDATE_NOT_BEGUN, min(coming, key=lambda m: m.window.opens).clause, until)
    last = max(mandates, key=lambda m: m.window.closes or m.window.opens)
    return Refusal(Reason.MANDATE_ENDED, last.clause, until)


def _not_admitted(
    partner: Partner, own: Sequence[Licence], now: datetime, until: datetime | None
) -> Refusal | None:
    """Why this partner has no licence to speak of now."""
    if partner.suspended is not None:
        return Refusal(Reason.SUSPENDED, None, until)
    if not own:
        return Refusal(Reason.NO_LICENCE, None, until)
    if any(now in licence.window for licence in own):
        return None
    coming = [licence for licence in own if now < licence.window.opens]
    if coming:
        first = min(coming, key=lambda licence: licence.window.opens)
        return Refusal(Reason.LICENCE_NOT_BEGUN, first.clause, until)
    last = max(own, key=lambda licence: licence.window.closes or licence.window.opens)
    return Refusal(Reason.LICENCE_ENDED, last.clause, until)
