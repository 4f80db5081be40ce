"""What is written into a media file before it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

DATA_MINING_PROHIBITED: Final = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"
"""PLUS vocabulary: no data mining, no training of models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """The attribution of one version of a media item.

    `stamp` is the publisher's line and never empty. `data_mining` is a term of the PLUS vocabulary (URI),
    `digital_source_type` one of IPTC's. `uri` is the item's identity, `created` its time of publication
    (aware). What does not apply is None.
    """

    stamp: str
    credit: str | None = None
    headline: str | None = None
    caption: str | None = None
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
