"""Convert model values to database rows and back, without loss.

Sets are kept sorted, spans as whole microseconds, moments as UTC: equal values are equal rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Row

from syndicate.errors import StoreDamaged
from syndicate.language import Text
from syndicate.model.item import Item, Medium, canonical_json, from_json, to_json
from syndicate.model.media import RenditionName
from syndicate.model.parties import Partner, PartnerId
from syndicate.model.records import (
    INDEXED,
    Checkpoint,
    Entry,
    Line,
    RepeatedEntry,
    encode_line,
    event_fields,
    event_from,
    leaf_hash,
)
from syndicate.model.register import Key
from syndicate.model.rights import Clause, Except, Grant, Licence, Mandate, Quota, Use, Window
from syndicate.store.requests import HoldState
from syndicate.store.schema.hold_json import holds_from, holds_text
from syndicate.store.schema.tables import as_number

_MICROSECOND: Final = timedelta(microseconds=1)


def json_text(value: object) -> str:
    """Canonical JSON as text; what UTF-8 cannot hold (half a surrogate in a file's name) is escaped."""
    try:
        return canonical_json(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"))


def item_values(item: Item) -> dict[str, Any]:
    """The row of `items`: what listings ask about."""
    return {
        "id": item.id,
        "version": item.version,
        "outlet": item.outlet,
        "channel": item.channel,
        "medium": item.medium.value,
        "standalone": int(item.standalone),
        "published": item.published,
        "available": item.available,
        "exclusive_until": None if item.holds.exclusive is None else item.holds.exclusive.until,
        "holds": holds_text(item.holds),
        **_hold_state(item),
    }


def _hold_state(item: Item) -> dict[str, Any]:
    """The columns `state`, `held_until` and `recalled_at` of `items`."""
    holds, until, recalled_at = item.holds, None, None
    ends = [hold.until for hold in (holds.embargo, holds.exclusive) if hold is not None]
    if item.outlet is None or holds.withheld:
        state = HoldState.CLOSED
    elif holds.recall is not None:
        out = max([min(item.published, holds.recall.published), *ends]) <= holds.recall.at
        state, recalled_at = (HoldState.RECALLED, holds.recall.at) if out else (HoldState.CLOSED, None)
    elif max(ends, default=item.published) > item.published:
        state, until = HoldState.TIMED, max(ends)
    else:
        state = HoldState.OPEN if item.standalone else HoldState.PART
    return {"state": state.value, "held_until": until, "recalled_at": recalled_at}


def exemption_values(item: Item) -> list[dict[str, Any]]:
    """The rows of `hold_exemptions`: the partners that a hold on the item does not hold back."""
    embargo, exclusive = item.holds.embargo, item.holds.exclusive
    exempt = frozenset[PartnerId]() if embargo is None else embargo.acknowledged
    exempt |= frozenset[PartnerId]() if exclusive is None else {exclusive.partner}
    return [
        {"partner": partner, "published": item.published, "item": item.id} for partner in sorted(exempt)
    ]


def version_values(item: Item) -> dict[str, Any]:
    """The row of `versions`."""
    return {
        "item": item.id,
        "version": item.version,
        "ingested": item.ingested,
        "first_ingested": item.first_ingested,
        "content": json_text(to_json(item)),
    }


def item_from(row: Any) -> Item:
    """The inverse of `version_values`; the row has the item's `holds` too."""
    with _readable(f"versions {row.item} {row.version}"):
        return from_json(
            json.loads(row.content),
            id=row.item,
            version=row.version,
            ingested=row.ingested,
            first_ingested=row.first_ingested,
            holds=holds_from(row.holds),
        )


def outline_from(row: Row[Any]) -> Item:
    """An item from a row of `items` alone: it can be judged, and with its empty headline never stamped."""
    with _readable(f"items {row.id}"):
        return Item(
            id=row.id,
            version=row.version,
            ingested=row.published,
            first_ingested=row.published,
            headline="",
            abstract="",
            body=(),
            published=row.published,
            source="",
            outlet=row.outlet,
            byline=None,
            editor=None,
            channel=row.channel,
            medium=Medium(row.medium),
            address=None,
            language="",
            keywords=(),
            standalone=bool(row.standalone),
            holds=holds_from(row.holds),
        )


def partner_values(partner: Partner) -> dict[str, Any]:
    """The row of `partners`."""
    return {
        "id": partner.id,
        "name": partner.name,
        "domains": json_text(list(partner.domains)),
        "added": partner.added,
        "suspended": partner.suspended,
    }


def partner_from(row: Row[Any]) -> Partner:
    """The inverse of `partner_values`."""
    with _readable(f"partners {row.id}"):
        return Partner(
            PartnerId(row.id), row.name, tuple(json.loads(row.domains)), row.added, row.suspended
        )


def key_values(key: Key) -> dict[str, Any]:
    """The row of `keys`; when a key was last used is the trail's to say."""
    return {
        "jti": key.jti,
        "partner": key.partner,
        "kid": key.kid,
        "label": key.label,
        "issued": key.issued,
        "expires": key.expires,
        "revoked": key.revoked,
    }


def key_from(row: Row[Any], last_used: datetime | None = None) -> Key:
    """The inverse of `key_values`."""
    return Key(
        row.jti, PartnerId(row.partner), row.kid, row.label, row.issued, row.expires, row.revoked, last_used
    )


def mandate_text(mandate: Mandate) -> str:
    """The mandate as JSON text."""
    return json_text(
        {
            "number": mandate.number,
            "holder": mandate.holder,
            "outlets": sorted(mandate.outlets),
            "media": sorted(mandate.media),
            "exclusive": mandate.exclusive,
            "window": _window(mandate.window),
            "public_preview": mandate.public_preview,
        }
    )


def mandate_from(content: str) -> Mandate:
    """The inverse of `mandate_text`."""
    with _readable("mandates"):
        values = json.loads(content)
        return Mandate(
            number=values["number"],
            holder=values["holder"],
            outlets=frozenset(values["outlets"]),
            media=frozenset(Medium(one) for one in values["media"]),
            exclusive=values["exclusive"],
            window=_window_from(values["window"]),
            public_preview=values.get("public_preview", False),
        )


def licence_text(licence: Licence) -> str:
    """The licence as JSON text."""
    return json_text(
        {
            "number": licence.number,
            "partner": licence.partner,
            "window": _window(licence.window),
            "grants": [_grant(one) for one in licence.grants],
            "excepts": [_except(one) for one in licence.excepts],
            "takedown": _span(licence.takedown),
            "suspend_overdue": licence.suspend_overdue,
        }
    )


def licence_from(content: str) -> Licence:
    """The inverse of `licence_text`."""
    with _readable("licences"):
        values = json.loads(content)
        return Licence(
            number=values["number"],
            partner=PartnerId(values["partner"]),
            window=_window_from(values["window"]),
            grants=tuple(_grant_from(one) for one in values["grants"]),
            excepts=tuple(_except_from(one) for one in values["excepts"]),
            **_duties(values),
        )


def checkpoint_values(checkpoint: Checkpoint) -> dict[str, Any]:
    """The row of `checkpoints`."""
    return {
        "size": checkpoint.size,
        "root": checkpoint.root,
        "at": checkpoint.at,
        "note": checkpoint.note,
    }


class TrailRow(NamedTuple):
    """A row of `trail`, in the order of its columns, as both drivers take it."""

    seq: int
    at: int
    """Microseconds since 1970 UTC."""
    kind: str
    actor: str
    partner: str | None
    jti: str | None
    item: str | None
    body: str
    leaf: bytes


def trail_row(seq: int, at: datetime, entry: Entry | RepeatedEntry) -> TrailRow:
    """The row of `trail`, with what it is found by beside the event itself."""
    if isinstance(entry, RepeatedEntry):
        known = entry.template
        body, data = known.encode_line(seq, at, entry.request)
        return TrailRow(seq, as_number(at), known.kind, known.actor, *known.found_by, body, leaf_hash(data))
    event = entry.event
    values = event_fields(event)
    body, data = encode_line(seq, at, entry.actor, event.kind, values)
    partner, jti, item = map(values.get, INDEXED)
    return TrailRow(seq, as_number(at), event.kind, entry.actor, partner, jti, item, body, leaf_hash(data))


def line_from(row: Row[Any]) -> Line:
    """The inverse of `trail_row`."""
    with _readable(f"trail {row.seq}"):
        return Line(row.seq, Entry(row.at, row.actor, event_from(row.kind, json.loads(row.body))))


def _window(window: Window) -> list[str | None]:
    return [_utc(window.opens), None if window.closes is None else _utc(window.closes)]


def _window_from(edges: list[str | None]) -> Window:
    opens, closes = edges
    return Window(
        datetime.fromisoformat(str(opens)), None if closes is None else datetime.fromisoformat(closes)
    )


def _utc(moment: datetime) -> str:
    if moment.utcoffset() is None:
        raise ValueError(f"a moment to keep needs its time zone: {moment!r}")
    return moment.astimezone(UTC).isoformat()


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "clause": grant.clause,
        "uses": _sorted(grant.uses),
        "outlets": _sorted(grant.outlets),
        "media": _sorted(grant.media),
        "channels": _sorted(grant.channels),
        "delay": _span(grant.delay),
        "archive": _span(grant.archive),
        "retain": _span(grant.retain),
        "may_edit": grant.may_edit,
        "quota": None if grant.quota is None else [grant.quota.items, grant.quota.per],
        "early": grant.early,
        "renditions": _sorted(grant.renditions),
        "visible_line": grant.visible_line,
    }


def _grant_from(values: dict[str, Any]) -> Grant:
    quota = values["quota"]
    return Grant(
        clause=Clause(values["clause"]),
        uses=frozenset(Use(one) for one in values["uses"]),
        outlets=frozenset(values["outlets"]),
        media=frozenset(Medium(one) for one in values["media"]),
        channels=None if values["channels"] is None else frozenset(values["channels"]),
        delay=timedelta(microseconds=values["delay"]),
        archive=_span_from(values["archive"]),
        retain=_span_from(values["retain"]),
        may_edit=values["may_edit"],
        quota=None if quota is None else Quota(*quota),
        early=values.get("early", False),
        renditions=_renditions_from(values.get("renditions")),
        visible_line=values.get("visible_line", False),
    )


def _renditions_from(names: list[str] | None) -> frozenset[RenditionName] | None:
    return None if names is None else frozenset(map(RenditionName, names))


def _duties(values: dict[str, Any]) -> dict[str, Any]:
    """What a licence says about taking down; one kept by an earlier release says nothing."""
    if "takedown" not in values:
        return {}
    return {
        "takedown": timedelta(microseconds=values["takedown"]),
        "suspend_overdue": values["suspend_overdue"],
    }


def _except(exception: Except) -> dict[str, Any]:
    return {
        "clause": exception.clause,
        "uses": _sorted(exception.uses),
        "outlets": _sorted(exception.outlets),
        "media": _sorted(exception.media),
        "channels": _sorted(exception.channels),
    }


def _except_from(values: dict[str, Any]) -> Except:
    uses, outlets, media, channels = (values[name] for name in ("uses", "outlets", "media", "channels"))
    return Except(
        clause=Clause(values["clause"]),
        uses=None if uses is None else frozenset(Use(one) for one in uses),
        outlets=None if outlets is None else frozenset(outlets),
        media=None if media is None else frozenset(Medium(one) for one in media),
        channels=None if channels is None else frozenset(channels),
    )


def _sorted(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else sorted(str(name) for name in names)


def _span(span: timedelta | None) -> int | None:
    return None if span is None else span // _MICROSECOND


def _span_from(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(microseconds=number)


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """What our own rows hold and we cannot read is damage, not a surprise."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as fault:
        raise StoreDamaged(
            Text(
                f"数据库中的 {what} 无法读取（{fault}）：请从最近的备份恢复",
                f"the database holds {what} in a form that cannot be read ({fault}): "
                "restore the newest backup",
            )
        ) from fault
