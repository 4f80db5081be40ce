"""Rights as values: uses, windows, mandates, licences with grants and exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from syndicate.language import Text
from syndicate.model.item import ChannelId, Medium, OutletId
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId


class Use(StrEnum):
    """使用方式: the four ways of using an item that the publisher's notice names."""

    REPRINT = "reprint"
    LINK = "link"
    REPOST = "repost"
    COPY = "copy"


def use_name(use: Use) -> Text:
    """A use in the words of the publisher's notice."""
    match use:
        case Use.REPRINT:
            return Text("转载", "reprint")
        case Use.LINK:
            return Text("链接", "link")
        case Use.REPOST:
            return Text("转贴", "repost")
        case Use.COPY:
            return Text("以其他方式复制发表", "copy in another way")
    assert_never(use)


class Form(StrEnum):
    """How much of an item a use releases."""

    SUMMARY = "summary"
    """Headline, abstract, address and stamp."""
    FULL = "full"
    """The full text too."""


FORM_OF = {Use.LINK: Form.SUMMARY, Use.REPRINT: Form.FULL, Use.REPOST: Form.FULL, Use.COPY: Form.FULL}
PREFERRED_USES = (Use.REPRINT, Use.COPY, Use.REPOST, Use.LINK)
"""The order in which a request that names no use is served."""


class Clause(str):
    """How answers, refusals and the trail cite an agreement.

    `XSW-1#2` is the second grant of licence XSW-1, `XSW-1#except-1` its first exception, `XSW-1` the
    licence or mandate as a whole. Numbers of agreements have no `#`.
    """

    __slots__ = ()

    @classmethod
    def of_grant(cls, agreement: str, position: int) -> Clause:
        """The clause of the grant at this position in its licence, counted from 1."""
        return cls(f"{agreement}#{position}")

    @classmethod
    def of_exception(cls, agreement: str, position: int) -> Clause:
        """The clause of the exception at this position in its licence, counted from 1."""
        return cls(f"{agreement}#except-{position}")

    @property
    def agreement(self) -> str:
        """The number of the licence or mandate that the clause belongs to."""
        return self.partition("#")[0]


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time that includes its opening and not its close. No close: until further notice."""

    opens: datetime
    closes: datetime | None = None

    def __contains__(self, now: datetime) -> bool:
        return self.opens <= now and (self.closes is None or now < self.closes)

    def state(self, now: datetime) -> str:
        """`not_begun`, `in_force` or `ended`."""
        if now in self:
            return "in_force"
        return "not_begun" if now < self.opens else "ended"


@dataclass(frozen=True, slots=True)
class Mandate:
    """独家发布权: the head agreement by which an outlet's owner gives the publisher its rights."""

    number: str
    holder: str
    outlets: frozenset[OutletId]
    media: frozenset[Medium]
    exclusive: bool
    window: Window
    public_preview: bool = False
    """Whether the public may see one small preview of a picture, sound or film."""

    @property
    def clause(self) -> Clause:
        """How the mandate as a whole is cited."""
        return Clause(self.number)


@dataclass(frozen=True, slots=True)
class Quota:
    """How many items a grant gives in a calendar day or month."""

    items: int
    per: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """授权条款: uses × outlets × media × channels, within limits of time.

    `channels` None means every channel. `archive` and `retain` count from the item's publication, `delay`
    from when it is out (`Item.available`); `archive` None means: published in the licence's window.
    """

    clause: Clause
    uses: frozenset[Use]
    outlets: frozenset[OutletId]
    media: frozenset[Medium]
    channels: frozenset[ChannelId] | None = None
    delay: timedelta = timedelta(0)
    archive: timedelta | None = None
    retain: timedelta | None = None
    may_edit: bool = False
    quota: Quota | None = None
    early: bool = False
    """Whether an embargoed item may be had before its time by a partner who acknowledges the embargo."""
    renditions: frozenset[RenditionName] | None = None
    """Which files of a picture, sound or film it gives; None means every one."""
    visible_line: bool = False
    """可见标注: whether the attribution line is drawn on the `preview` of a picture that it gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Except:
    """除外条款: what no grant of the partner's may release. A part left as None means: whatever."""

    clause: Clause
    uses: frozenset[Use] | None = None
    outlets: frozenset[OutletId] | None = None
    media: frozenset[Medium] | None = None
    channels: frozenset[ChannelId] | None = None


@dataclass(frozen=True, slots=True)
class Licence:
    """授权协议: a dated agreement with one partner.

    `takedown` is how long the partner has to take down what it may no longer have, and to say so;
    `suspend_overdue`: whoever has not done so by then is suspended.
    """

    number: str
    partner: PartnerId
    window: Window
    grants: tuple[Grant, ...]
    excepts: tuple[Except, ...] = ()
    takedown: timedelta = timedelta(days=1)
    suspend_overdue: bool = False

    @property
    def clause(self) -> Clause:
        """How the licence as a whole is cited."""
        return Clause(self.number)
