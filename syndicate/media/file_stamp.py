"""What is written into a media file before it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from syndicate.formats.clean import address, clean, one_line
from syndicate.formats.usage_terms import RESERVED, rights_under, terms_address
from syndicate.model.item import Block
from syndicate.model.media import RenditionName
from syndicate.model.parties import Publisher
from syndicate.policy.scope import PUBLIC_RENDITIONS
from syndicate.stamping import StampedItem

DATA_MINING_PROHIBITED: Final = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"
"""PLUS vocabulary: no data mining, no training of models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """The attribution of one version of a media item.

    `stamp` is the publisher's line and never empty. `alt` says what a picture shows, for who cannot see it.
    `data_mining` is a term of the PLUS vocabulary (URI), `digital_source_type` one of IPTC's. `uri` is the
    item's identity, `created` its time of publication (aware). What does not apply is None.
    """

    stamp: str
    credit: str | None = None
    headline: str | None = None
    caption: str | None = None
    alt: str | None = None
    byline: str | None = None
    source: str | None = None
    copyright_notice: str | None = None
    usage_terms: str | None = None
    terms_url: str | None = None
    licensor_name: str | None = None
    licensor_url: str | None = None
    data_mining: str | None = DATA_MINING_PROHIBITED
    digital_source_type: str | None = None
    uri: str | None = None
    version: str | None = None
    created: datetime | None = None

    @property
    def rights(self) -> str:
        """The copyright notice with the attribution line before it, so that a cut never loses that line."""
        notice = self.copyright_notice
        if notice is None or notice in self.stamp:
            return self.stamp
        return notice if notice.startswith(self.stamp) else f"{self.stamp} · {notice}"

    def to_json(self) -> dict[str, str | None]:
        """Every field, for a name of what is written with it."""
        return {
            one.name: value.isoformat() if isinstance(value, datetime) else value
            for one in fields(self)
            for value in (getattr(self, one.name),)
        }


def file_stamp(item: StampedItem, name: RenditionName, publisher: Publisher) -> FileStamp:
    """Return what is written into this file of an item: the same for every recipient.

    What the public may get says no more than the public may know: the abstract in place of the caption.
    """
    return stamp_of(
        publisher,
        uri=item.uri,
        headline=item.headline,
        caption=caption_in(name, item.body, item.abstract),
        alt=item.alt,
        byline=item.byline,
        source=item.source,
        published=item.published,
        digital_source_type=item.digital_source_type,
    )


def caption_in(name: RenditionName, body: Sequence[Block], abstract: str) -> str:
    """Return the caption that a file of this rendition has inside."""
    if name in PUBLIC_RENDITIONS:
        return abstract
    return "\n".join(clean(block.text).strip() for block in body)


def stamp_of(
    publisher: Publisher,
    *,
    uri: str,
    headline: str,
    caption: str,
    alt: str | None,
    byline: str | None,
    source: str,
    published: datetime,
    digital_source_type: str | None,
) -> FileStamp:
    """Return the stamp of a media item by its fields."""
    terms = terms_address(publisher)
    return FileStamp(
        stamp=publisher.stamp,
        credit=publisher.name,
        headline=one_line(headline) or None,
        caption=clean(caption).strip() or None,
        alt=one_line(alt or "") or None,
        byline=one_line(byline or "") or None,
        source=one_line(source) or None,
        copyright_notice=rights_under(publisher.stamp, publisher).zh,
        usage_terms=f"使用时必须注明“{publisher.stamp}”。{RESERVED.zh}完整条款：{terms}",
        terms_url=terms,
        licensor_name=publisher.name,
        licensor_url=address(publisher.home),
        digital_source_type=digital_source_type,
        uri=uri,
        created=published.astimezone(publisher.zone),
    )
