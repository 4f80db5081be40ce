"""Read the decisions about items from a trail line: delivered under which clause, or refused and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from syndicate.errors import AddressExpired, Unknown
from syndicate.language import Text
from syndicate.model.events import EditionDelivered, EditionPolled, Event, ItemDelivered, ReleaseRefused
from syndicate.model.item import ItemId
from syndicate.model.lifecycle_events import ChangesDelivered
from syndicate.model.media import RenditionName
from syndicate.model.media_events import MediaDelivered
from syndicate.model.rights import Use
from syndicate.policy import Clearance, Verdict
from syndicate.policy.reasons import Reason
from syndicate.store.protocol import Store

NO_SUCH_ITEM: Final = "unknown"
"""Refusal reason: the item does not exist."""
QUOTA: Final = "quota_exceeded"
"""Refusal reason: the policy allowed the item, but the quota was used up."""
_ITEM: Final = "item:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision about one item. `reason` None is a yes.

    `asked` is the use that was asked for (None: none was named), `use` the one that it was given for.
    `rendition` is the file that the decision is about, None for the item itself. `version` and `mandate`
    are None where the line does not say them. `counted`: take this record into account when quota use is
    replayed. It is True for items and files sent with their content (not for HEAD, an export, or an answer
    without content) and for the refusal of a single item, which other rights may allow.
    `clause_recorded` is False for a recall listed in a feed: the manifest keeps no clause for it, so none
    is compared.
    """

    item: ItemId
    asked: Use | None
    use: Use | None = None
    version: int | None = None
    rendition: RenditionName | None = None
    reason: str | None = None
    clause: str | None = None
    mandate: str | None = None
    counted: bool = False
    clause_recorded: bool = True

    def agrees(self, verdict: Verdict | None) -> bool:
        """Whether this is what the policy answers; a verdict of None: there is no such item."""
        if verdict is None or self.reason == NO_SUCH_ITEM:
            return verdict is None and self.reason == NO_SUCH_ITEM
        if isinstance(verdict, Clearance):
            yes = self.reason is None or self.reason == QUOTA
            given = (self.use or verdict.use, self.mandate or verdict.mandate)
            return yes and self.clause == verdict.clause and given == (verdict.use, verdict.mandate)
        clause = verdict.clause if self.clause_recorded else None
        return (self.reason, self.clause) == (verdict.reason.value, clause)


async def decided(store: Store, event: Event) -> list[Decided]:
    """Every decision about an item that an event records; none where it records none.

    Raises Unknown where the list that it names is not kept.
    """
    match event:
        case ItemDelivered():
            use = Use(event.use)
            return [
                Decided(
                    item=ItemId(event.item),
                    asked=use,
                    use=use,
                    version=event.version,
                    clause=event.clause,
                    mandate=event.mandate,
                    counted=event.status == 200 and event.method not in ("HEAD", "EXPORT"),
                )
            ]
        case MediaDelivered():
            use = Use(event.use)
            return [
                Decided(
                    item=ItemId(event.item),
                    asked=use,
                    use=use,
                    version=event.version,
                    rendition=RenditionName(event.rendition),
                    clause=event.clause,
                    mandate=event.mandate,
                    counted=event.status in (200, 206) and event.method == "GET",
                )
            ]
        # That an address is over says nothing about rights.
        case ReleaseRefused() if event.subject.startswith(_ITEM) and event.reason != AddressExpired.code:
            return [
                Decided(
                    item=ItemId(event.subject.removeprefix(_ITEM)),
                    asked=Use(event.use) if event.use else None,
                    rendition=None if event.rendition is None else RenditionName(event.rendition),
                    reason=event.reason,
                    clause=event.clause,
                    counted=True,
                )
            ]
        case EditionDelivered():
            counted = event.status == 200 and event.method != "HEAD"
            asked = Use(event.use) if event.use else None
            return _listed(await _kept(store, event.edition), asked, counted)
        case EditionPolled():
            asked = Use(event.use) if event.use else None
            return _listed(await _kept(store, event.edition), asked, False)
        case ChangesDelivered() if event.edition:
            return _listed(await _kept(store, event.edition), None, True)
        case _:
            return []


async def _kept(store: Store, digest: str) -> dict[str, Any]:
    content = await store.manifest(digest)
    if content is None:
        raise Unknown(Text("清单", "list of what was given"), digest)
    return dict(json.loads(content))


def _listed(manifest: dict[str, Any], asked: Use | None, counted: bool) -> list[Decided]:
    """What a stored manifest says was delivered, and which recalls it contained."""
    given = [
        Decided(
            item=ItemId(item),
            asked=asked,
            use=Use(use),
            version=version,
            clause=clause,
            mandate=mandate,
            counted=counted,
        )
        for item, version, use, clause, mandate in manifest.get("items", ())
    ]
    recalled = [
        Decided(
            item=ItemId(item),
            asked=asked,
            version=version,
            reason=Reason.RECALLED.value,
            clause_recorded=False,
        )
        for item, version, *_ in manifest.get("recalled", ())
    ]
    return given + recalled
