"""The one decision: may this recipient have this item, for this use, now?

Every list, item, feed and cache asks here. Silence means no: what no mandate and no grant releases is
refused, and every refusal says why and under which clause. Pure: data and `now` in, a verdict out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, final

from syndicate.language import Text
from syndicate.model.item import Item
from syndicate.model.parties import Partner, Public, Recipient
from syndicate.model.rights import FORM_OF, PREFERRED_USES, Except, Form, Grant, Licence, Mandate, Use


class Reason(StrEnum):
    """Why an item is refused. The order is from furthest from a yes to nearest to it."""

    NOT_OURS = "not_ours"
    NOT_PUBLISHED = "not_published"
    NO_MANDATE = "no_mandate"
    MANDATE_NOT_BEGUN = "mandate_not_begun"
    MANDATE_ENDED = "mandate_ended"
    SUMMARY_ONLY = "summary_only"
    SUSPENDED = "partner_suspended"
    NO_LICENCE = "no_licence"
    LICENCE_ENDED = "licence_ended"
    LICENCE_NOT_BEGUN = "licence_not_begun"
    EXCEPTED = "excepted"
    USE_NOT_GRANTED = "use_not_granted"
    OUTLET_NOT_GRANTED = "outlet_not_granted"
    MEDIUM_NOT_GRANTED = "medium_not_granted"
    CHANNEL_NOT_GRANTED = "channel_not_granted"
    OUTSIDE_ARCHIVE = "outside_archive"
    RETENTION_ENDED = "retention_ended"
    DELAYED = "delayed"


REASONS: Final = {
    Reason.NOT_OURS: Text("来源不属于本网媒体，本网无权授权", "its source is none of our outlets"),
    Reason.NOT_PUBLISHED: Text("尚未到发布时间", "its time of publication has not come"),
    Reason.NO_MANDATE: Text(
        "没有独家发布权覆盖该媒体和稿件类型", "no mandate covers its outlet and medium"
    ),
    Reason.MANDATE_NOT_BEGUN: Text("独家发布权尚未生效", "the mandate has not begun"),
    Reason.MANDATE_ENDED: Text("独家发布权已终止", "the mandate has ended"),
    Reason.SUMMARY_ONLY: Text(
        "公众只能获得标题和摘要", "the public may have headline and abstract, never more"
    ),
    Reason.SUSPENDED: Text("该授权媒体已被暂停", "the partner is suspended"),
    Reason.NO_LICENCE: Text("没有授权协议", "there is no licence"),
    Reason.LICENCE_ENDED: Text("授权协议已到期", "the licence has ended"),
    Reason.LICENCE_NOT_BEGUN: Text("授权协议尚未生效", "the licence has not begun"),
    Reason.EXCEPTED: Text("属于协议的除外条款", "an exception of the licence excludes it"),
    Reason.USE_NOT_GRANTED: Text("协议未授权这种使用方式", "no grant gives this use"),
    Reason.OUTLET_NOT_GRANTED: Text("协议未授权该媒体的稿件", "no grant covers its outlet"),
    Reason.MEDIUM_NOT_GRANTED: Text("协议未授权这类稿件", "no grant covers its medium"),
    Reason.CHANNEL_NOT_GRANTED: Text("协议未授权该频道", "no grant covers its channel"),
    Reason.OUTSIDE_ARCHIVE: Text(
        "发布时间不在协议允许的范围内", "it was published outside what the grant reaches back to"
    ),
    Reason.RETENTION_ENDED: Text("保留期限已过，应当撤下", "its retention has run out"),
    Reason.DELAYED: Text("延迟发布期未满", "its delay has not passed"),
}
"""Each reason in words."""

HIDDEN: Final = frozenset({Reason.NOT_OURS, Reason.NOT_PUBLISHED})
"""Reasons for which nobody outside may learn that the item exists."""

_RANK: Final = {reason: rank for rank, reason in enumerate(Reason)}
_SEAL: Final = object()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """A yes: what may leave, to whom, in which form, under which clause. Only `clear` makes one.

    `until` is the next moment at which the answer may change; None if it never does by itself.
    `take_down` is when the recipient must have taken the item down, if its grant says so.
    """

    item: Item
    recipient: Recipient
    use: Use
    form: Form
    clause: str
    licence: str | None
    mandate: str
    may_edit: bool
    take_down: datetime | None
    until: datetime | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only policy.clear() makes a Clearance")


@final
@dataclass(frozen=True, slots=True)
class Refusal:
    """A no: why, and under which clause (None where there is no agreement at all).

    `until` is the next moment at which the answer may change; None if it never does by itself.
    """

    reason: Reason
    clause: str | None = None
    until: datetime | None = None


Verdict = Clearance | Refusal


def clear(
    item: Item,
    recipient: Recipient,
    mandates: Iterable[Mandate],
    licences: Iterable[Licence],
    use: Use,
    now: datetime,
) -> Verdict:
    """Decide about one item, one recipient, one use, at the aware moment `now`.

    `licences` may hold anybody's; only the recipient's own count. An exception in any licence in force
    beats every grant of that partner. `delay`, `archive` and `retain` count from publication, and every
    span includes its opening and not its close.
    """
    if item.outlet is None:
        return Refusal(Reason.NOT_OURS)
    mandates = [m for m in mandates if item.outlet in m.outlets and item.medium in m.media]
    own = () if isinstance(recipient, Public) else [one for one in licences if one.partner == recipient.id]
    until = _next(_moments(item, mandates, own), now)
    if now < item.published:
        return Refusal(Reason.NOT_PUBLISHED, None, until)
    mandate = next((m for m in mandates if now in m.window), None)
    if mandate is None:
        return _no_mandate(mandates, now, until)
    if isinstance(recipient, Public):
        if FORM_OF[use] is not Form.SUMMARY:
            return Refusal(Reason.SUMMARY_ONLY, mandate.number, until)
        return Clearance(
            item=item,
            recipient=recipient,
            use=use,
            form=Form.SUMMARY,
            clause=mandate.number,
            licence=None,
            mandate=mandate.number,
            may_edit=False,
            take_down=None,
            until=until,
            seal=_SEAL,
        )
    refusal = _not_admitted(recipient, own, now, until)
    if refusal is not None:
        return refusal
    in_force = [licence for licence in own if now in licence.window]
    for exception in (one for licence in in_force for one in licence.excepts):
        if _excepts(exception, item, use):
            return Refusal(Reason.EXCEPTED, exception.clause, until)
    nearest: Refusal | None = None
    for licence in in_force:
        for grant in licence.grants:
            reason = _withheld(grant, licence, item, use, now)
            if reason is None:
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
                    until=until,
                    seal=_SEAL,
                )
            if nearest is None or _RANK[reason] > _RANK[nearest.reason]:
                nearest = Refusal(reason, grant.clause, until)
    return nearest or Refusal(Reason.USE_NOT_GRANTED, in_force[0].number, until)


def clear_preferred(
    item: Item,
    recipient: Recipient,
    mandates: Iterable[Mandate],
    licences: Iterable[Licence],
    use: Use | None,
    now: datetime,
) -> Verdict:
    """`clear` for `use`; for None, for the first use that is granted of reprint, copy, repost, link.

    The public, which names no use, is asked about `link`.
    """
    if isinstance(recipient, Public):
        return clear(item, recipient, mandates, licences, use or Use.LINK, now)
    if use is not None:
        return clear(item, recipient, mandates, licences, use, now)
    mandates, licences = tuple(mandates), tuple(licences)
    verdicts = [clear(item, recipient, mandates, licences, one, now) for one in PREFERRED_USES]
    for verdict in verdicts:
        if isinstance(verdict, Clearance):
            return verdict
    refusals = [verdict for verdict in verdicts if isinstance(verdict, Refusal)]
    return max(refusals, key=lambda refusal: _RANK[refusal.reason])


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
    until = _next((*_edges(mandates), *_edges(own)), now)
    if isinstance(recipient, Public):
        return None if in_force else _no_mandate(mandates, now, until)
    refusal = _not_admitted(recipient, own, now, until)
    if refusal is not None:
        return refusal
    grants = [grant for licence in own if now in licence.window for grant in licence.grants]
    granted = [grant for grant in grants if use is None or use in grant.uses]
    if not granted:
        first = next(licence for licence in own if now in licence.window)
        return Refusal(Reason.USE_NOT_GRANTED, first.number, until)
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
        return Refusal(Reason.MANDATE_NOT_BEGUN, min(coming, key=lambda m: m.window.opens).number, until)
    last = max(mandates, key=lambda m: m.window.closes or m.window.opens)
    return Refusal(Reason.MANDATE_ENDED, last.number, until)


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
        return Refusal(Reason.LICENCE_NOT_BEGUN, first.number, until)
    last = max(own, key=lambda licence: licence.window.closes or licence.window.opens)
    return Refusal(Reason.LICENCE_ENDED, last.number, until)


def _excepts(exception: Except, item: Item, use: Use) -> bool:
    return (
        (exception.uses is None or use in exception.uses)
        and (exception.outlets is None or item.outlet in exception.outlets)
        and (exception.media is None or item.medium in exception.media)
        and (exception.channels is None or item.channel in exception.channels)
    )


def _withheld(grant: Grant, licence: Licence, item: Item, use: Use, now: datetime) -> Reason | None:
    """Why this grant does not release the item; None where it does."""
    if use not in grant.uses:
        return Reason.USE_NOT_GRANTED
    if item.outlet not in grant.outlets:
        return Reason.OUTLET_NOT_GRANTED
    if item.medium not in grant.media:
        return Reason.MEDIUM_NOT_GRANTED
    if grant.channels is not None and item.channel not in grant.channels:
        return Reason.CHANNEL_NOT_GRANTED
    if grant.archive is None:
        if item.published not in licence.window:
            return Reason.OUTSIDE_ARCHIVE
    elif now >= item.published + grant.archive:
        return Reason.OUTSIDE_ARCHIVE
    if grant.retain is not None and now >= item.published + grant.retain:
        return Reason.RETENTION_ENDED
    if now < item.published + grant.delay:
        return Reason.DELAYED
    return None


def _moments(item: Item, mandates: Iterable[Mandate], licences: Iterable[Licence]) -> Iterator[datetime]:
    """Every moment at which a verdict about the item may change by itself."""
    yield item.published
    yield from _edges(mandates)
    for licence in licences:
        yield from _edges((licence,))
        for grant in licence.grants:
            for span in (grant.delay, grant.archive, grant.retain):
                if span:
                    yield item.published + span


def _edges(agreements: Iterable[Mandate | Licence]) -> Iterator[datetime]:
    for agreement in agreements:
        yield agreement.window.opens
        if agreement.window.closes is not None:
            yield agreement.window.closes


def _next(moments: Iterable[datetime], now: datetime) -> datetime | None:
    return min((moment for moment in moments if moment > now), default=None)
