"""The parties: the publisher with its outlets and channels, partners, and the public."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from syndicate.model.names import ChannelId, OutletId, PartnerId

__all__ = [
    "PUBLIC",
    "STAMP",
    "Channel",
    "Outlet",
    "Partner",
    "PartnerId",
    "Public",
    "Publisher",
    "Recipient",
    "recipient_id",
]

STAMP = "稿件来源:萧山网"
"""The stamp as the notice fixes it: 8 characters, with an ASCII colon."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """媒体: a newspaper or broadcaster whose work an item is. `sources`: its source lines, normalised."""

    id: OutletId
    name: str
    sources: tuple[str, ...]
    name_en: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """频道: a section of the site.

    `media_topics` are the IPTC Media Topics that all of its items are about, each `medtop:` and 8 digits.
    """

    id: ChannelId
    name: str
    name_en: str = ""
    media_topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Publisher:
    """本网: who runs the server, with its stamp, addresses, outlets and channels.

    `base_url` has no slash at its end; every address that leaves is built from it. `authority` is the
    tagging authority (RFC 4151) of item identities. `abstract_length` is in characters.
    """

    name: str
    name_en: str
    stamp: str
    base_url: str
    authority: str
    home: str
    outlets: tuple[Outlet, ...]
    channels: tuple[Channel, ...]
    default_channel: ChannelId
    abstract_length: int
    notice: str
    notice_en: str
    contact: str
    timezone: str = "Asia/Shanghai"
    language: str = "zh-CN"
    visible_line: bool = False
    """Whether the attribution line is drawn on the pictures that the public gets."""

    @property
    def zone(self) -> tzinfo:
        """The newsroom's time zone, in which documents give their times."""
        return ZoneInfo(self.timezone)

    def outlet(self, outlet: OutletId | None) -> Outlet | None:
        """The outlet with this id."""
        return next((one for one in self.outlets if one.id == outlet), None)

    def channel(self, channel: str) -> Channel | None:
        """The channel with this id."""
        return next((one for one in self.channels if one.id == channel), None)


@dataclass(frozen=True, slots=True)
class Public:
    """The recipient without a key, who gets headline and abstract."""

    @property
    def name(self) -> str:
        """The Chinese word for the public."""
        return "公众"


PUBLIC = Public()


@dataclass(frozen=True, slots=True)
class Partner:
    """授权媒体: a medium with a licence."""

    id: PartnerId
    name: str
    domains: tuple[str, ...] = ()
    added: datetime | None = None
    suspended: datetime | None = field(default=None)


Recipient = Public | Partner


def recipient_id(recipient: Recipient) -> str:
    """The recipient's id: `public`, or `partner:` and the partner's id."""
    return "public" if isinstance(recipient, Public) else f"partner:{recipient.id}"
