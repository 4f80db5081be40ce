"""Write licences and mandates as JSON values, with the names that their files use."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any

import isodate

from syndicate.model.rights import Except, Grant, Licence, Mandate


def written(licence: Licence, zone: tzinfo) -> dict[str, Any]:
    """The licence as JSON values: names as in its file, times in `zone`, spans as ISO 8601.

    What the file left out is null; `clause` is the name under which refusals and the trail cite a part.
    """
    window = licence.window
    return {
        "number": licence.number,
        "partner": licence.partner,
        "valid_from": _instant(window.opens, zone),
        "valid_until": _instant(window.closes, zone),
        "takedown": span(licence.takedown),
        "overdue": "suspend" if licence.suspend_overdue else None,
        "grants": [_grant(grant) for grant in licence.grants],
        "except": [_except(exception) for exception in licence.excepts],
    }


def written_mandate(mandate: Mandate, zone: tzinfo) -> dict[str, Any]:
    """The mandate as JSON values, in the same way as `written`."""
    window = mandate.window
    return {
        "number": mandate.number,
        "holder": mandate.holder,
        "outlets": _names(mandate.outlets),
        "media": _names(mandate.media),
        "exclusive": mandate.exclusive,
        "valid_from": _instant(window.opens, zone),
        "valid_until": _instant(window.closes, zone),
        "public_preview": mandate.public_preview,
    }


def span(of: timedelta | None) -> str | None:
    """A duration in ISO 8601, such as `PT30M`; None for None."""
    return None if of is None else str(isodate.duration_isoformat(of))


def _grant(grant: Grant) -> dict[str, Any]:
    quota = grant.quota
    return {
        "clause": grant.clause,
        "uses": _names(grant.uses),
        "outlets": _names(grant.outlets),
        "media": _names(grant.media),
        "channels": _names(grant.channels),
        "delay": span(grant.delay),
        "archive": span(grant.archive),
        "retain": span(grant.retain),
        "may_edit": grant.may_edit,
        "quota": None if quota is None else {"items": quota.items, "per": quota.per},
        "early": grant.early,
        "renditions": _names(grant.renditions),
        "visible_line": grant.visible_line,
    }


def _except(exception: Except) -> dict[str, Any]:
    return {
        "clause": exception.clause,
        "uses": _names(exception.uses),
        "outlets": _names(exception.outlets),
        "media": _names(exception.media),
        "channels": _names(exception.channels),
    }


def _names(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _instant(instant: datetime | None, zone: tzinfo) -> str | None:
    return None if instant is None else instant.astimezone(zone).isoformat()
