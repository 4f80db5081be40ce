"""Read licence files (授权协议) and mandate files (独家发布权) into values.

A licence file (`docs/reference/licence-file.md`) becomes a `Licence`, and a mandate file
(`docs/reference/mandate-file.md`) a `Mandate`; a file with mistakes is refused with all of them. Pure: the
text of a file in, a value out.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from syndicate.agreements.field_types import (
    AgreementNumber,
    Amount,
    Channels,
    Closes,
    Delay,
    DurationAfterDelay,
    Holder,
    KnownNames,
    Media,
    Opens,
    Outlets,
    OverdueAction,
    Partner,
    Period,
    Renditions,
    Takedown,
    Uses,
    VisibleLine,
)
from syndicate.language import Text
from syndicate.model.item import ChannelId, Medium, OutletId
from syndicate.model.media import RenditionName
from syndicate.model.parties import PartnerId, Publisher
from syndicate.model.rights import Clause, Except, Grant, Licence, Mandate, Quota, Use, Window
from syndicate.toml_forms import Form, fill, parse, wrong


def read_licence(text: str, *, name: str, publisher: Publisher, partners: Collection[PartnerId]) -> Licence:
    """Read a licence from the text of its file. `name` is what faults call the file.

    A local date is its midnight in the publisher's zone; all times come out in UTC. Grants are called
    `NUMBER#1`, `NUMBER#2` … and exceptions `NUMBER#except-1` …, in the order of the file. Raises Faulty.
    """
    known = KnownNames(publisher, sorted(partners))
    form = fill(_LicenceForm, parse(text, name), name, known)
    grants = tuple(one.grant(Clause.of_grant(form.number, n)) for n, one in enumerate(form.grant, start=1))
    excepts = tuple(
        one.exception(Clause.of_exception(form.number, n)) for n, one in enumerate(form.excepts, start=1)
    )
    window = Window(form.valid_from, form.valid_until)
    return Licence(
        number=form.number,
        partner=PartnerId(form.partner),
        window=window,
        grants=grants,
        excepts=excepts,
        takedown=form.takedown,
        suspend_overdue=form.overdue is not None,
    )


def read_mandate(text: str, *, name: str, publisher: Publisher) -> Mandate:
    """Read a mandate from the text of its file, as `read_licence` does. Raises Faulty."""
    form = fill(_MandateForm, parse(text, name), name, KnownNames(publisher))
    return Mandate(
        number=form.number,
        holder=form.holder,
        outlets=frozenset(map(OutletId, form.outlets)),
        media=frozenset(map(Medium, form.media)),
        exclusive=form.exclusive,
        window=Window(form.valid_from, form.valid_until),
        public_preview=form.public_preview,
    )


def _any_grant(grants: list[_GrantForm]) -> list[_GrantForm]:
    if grants:
        return grants
    raise wrong(
        "no_grant",
        Text(
            "至少要有一条 [[grant]] 授权条款：没有写明的就是不授权",
            "at least one [[grant]] is needed: what is not said is not granted",
        ),
    )


class _QuotaForm(Form):
    items: Amount
    per: Period


class _GrantForm(Form):
    uses: Uses
    outlets: Outlets
    media: Media
    channels: Channels | None = None
    delay: Delay = timedelta(0)
    archive: DurationAfterDelay | None = None
    retain: DurationAfterDelay | None = None
    may_edit: bool = False
    quota: _QuotaForm | None = None
    early: bool = False
    renditions: Renditions | None = None
    visible_line: VisibleLine = False

    def grant(self, clause: Clause) -> Grant:
        return Grant(
            clause=clause,
            uses=frozenset(map(Use, self.uses)),
            outlets=frozenset(map(OutletId, self.outlets)),
            media=frozenset(map(Medium, self.media)),
            channels=None if self.channels is None else frozenset(map(ChannelId, self.channels)),
            delay=self.delay,
            archive=self.archive,
            retain=self.retain,
            may_edit=self.may_edit,
            quota=None if self.quota is None else Quota(self.quota.items, self.quota.per),
            early=self.early,
            renditions=None if self.renditions is None else frozenset(map(RenditionName, self.renditions)),
            visible_line=self.visible_line,
        )


class _ExceptForm(Form):
    uses: Uses | None = None
    outlets: Outlets | None = None
    media: Media | None = None
    channels: Channels | None = None

    @model_validator(mode="after")
    def _names_something(self) -> _ExceptForm:
        if self.uses or self.outlets or self.media or self.channels:
            return self
        raise wrong(
            "exception_empty",
            Text(
                "除外条款应写明 uses、outlets、media、channels 中的至少一项",
                "an exception names at least one of uses, outlets, media, channels",
            ),
        )

    def exception(self, clause: Clause) -> Except:
        return Except(
            clause=clause,
            uses=None if self.uses is None else frozenset(map(Use, self.uses)),
            outlets=None if self.outlets is None else frozenset(map(OutletId, self.outlets)),
            media=None if self.media is None else frozenset(map(Medium, self.media)),
            channels=None if self.channels is None else frozenset(map(ChannelId, self.channels)),
        )


class _LicenceForm(Form):
    number: AgreementNumber
    partner: Partner
    valid_from: Opens
    valid_until: Closes
    takedown: Takedown = timedelta(days=1)
    overdue: OverdueAction | None = None
    grant: Annotated[list[_GrantForm], AfterValidator(_any_grant)] = Field(
        default=[], validate_default=True
    )
    excepts: list[_ExceptForm] = Field(default=[], alias="except")


class _MandateForm(Form):
    number: AgreementNumber
    holder: Holder
    outlets: Outlets
    media: Media
    exclusive: bool
    valid_from: Opens
    valid_until: Closes | None = None
    public_preview: bool = False
