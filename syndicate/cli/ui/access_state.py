"""What stands beside the rights when a partner asks for an item: its suspension, holds, quota and keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from syndicate.cli.ui.hold_text import hold_state
from syndicate.cli.ui.key_state import signers, state
from syndicate.cli.ui.output import Output, iso
from syndicate.language import Text
from syndicate.model.holds import Holds, in_force
from syndicate.model.parties import Partner
from syndicate.wiring import Services

if TYPE_CHECKING:
    from syndicate.services.audit.explanation import Explanation
    from syndicate.services.audit.quota_use import QuotaUse


@dataclass(frozen=True, slots=True)
class AccessState:
    """The state of one partner (None: the public) and one item at a given time.

    `usable_keys` is how many of the partner's keys the server accepts now. It is None for the public, and
    for a time other than now: past states of keys are not kept.
    """

    partner: Partner | None
    at: datetime
    holds: Holds
    quota: QuotaUse | None
    usable_keys: int | None

    @property
    def suspended(self) -> datetime | None:
        """Since when the partner is suspended at `at`; None if it is not."""
        since = None if self.partner is None else self.partner.suspended
        return since if since is not None and since <= self.at else None

    def as_json(self) -> dict[str, object]:
        """The state for programs."""
        quota = self.quota
        return {
            "suspended": iso(self.suspended),
            "holds": in_force(self.holds, self.at),
            "usable_keys": self.usable_keys,
            "quota": None
            if quota is None
            else {
                "clause": quota.clause,
                "items": quota.quota.items,
                "per": quota.quota.per,
                "used": quota.used,
                "left": quota.left,
                "charged": quota.charged,
                "resets": iso(quota.period.ends),
            },
        }

    def say(self, voice: Output) -> None:
        """Print the state for people; what is in order is not mentioned, but for the quota."""
        if self.suspended is not None:
            since = voice.exactly(self.suspended)
            voice.say(Text(f"授权媒体已暂停：自 {since}", f"the partner is suspended since {since}"))
        held = hold_state(self.holds, self.at, voice)
        if held:
            voice.say(Text(f"稿件状态：{held}", f"the item: {held}"))
        if self.quota is not None:
            voice.say(_quota_text(self.quota, voice))
        if self.usable_keys is not None:
            count = self.usable_keys
            voice.say(Text(f"可用密钥：{count} 把", f"usable keys: {count}"))

    def remedies(self, voice: Output) -> list[Text]:
        """What must change, beside the agreements, before a request is answered with the item."""
        found = []
        quota = self.quota
        if quota is not None and quota.exceeded:
            resets = voice.exactly(quota.period.ends)
            found.append(
                Text(
                    f"等到 {resets} 配额重新计数，或签一份配额更大的协议",
                    f"wait until {resets}, when the quota is counted anew, or agree on a larger one",
                )
            )
        if self.usable_keys == 0 and self.partner is not None:
            command = f"syndicate key issue {self.partner.id}"
            found.append(
                Text(
                    f"该媒体没有可用的密钥，目前无法取稿；签发一把：{command}",
                    f"the partner has no usable key and cannot ask for anything; issue one: {command}",
                )
            )
        return found


async def access_state(services: Services, explained: Explanation, voice: Output) -> AccessState:
    """The state that an explanation was given in."""
    recipient = explained.recipient
    partner = recipient if isinstance(recipient, Partner) else None
    usable: int | None = None
    if partner is not None and explained.present:
        keys, ring = await services.keys.keys(partner.id), await signers(services, voice)
        now = services.clock()
        usable = sum(state(key, now, ring) == "in_force" for key in keys)
    return AccessState(partner, explained.at, explained.item.holds, explained.quota, usable)


def _quota_text(quota: QuotaUse, voice: Output) -> Text:
    resets = voice.moment(quota.period.ends)
    day = quota.quota.per == "day"
    text = Text(
        f"配额：{'每日' if day else '每月'} {quota.quota.items} 篇，已用 {quota.used} 篇，"
        f"还剩 {quota.left} 篇，{resets} 重新计数",
        f"quota: {quota.quota.items} items a {'day' if day else 'month'}, {quota.used} used, "
        f"{quota.left} left, counted anew at {resets}",
    )
    if quota.charged:
        text += Text(
            "；这一版已经计入，再取不计", "; this version is counted already, taking it again is free"
        )
    return text
