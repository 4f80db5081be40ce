"""Sentences that tell a recipient what it may do with an item: the stamp, then the terms of the grant."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final

from syndicate.formats.timestamps import MINUTE, readable, rounded_up
from syndicate.language import Text, verbatim
from syndicate.model.parties import Public, Publisher
from syndicate.model.rights import Use, use_name
from syndicate.stamping import StampedItem

RESERVED: Final = Text(
    "未经协议授权不得转载、链接、转贴或以其他方式复制发表。",
    "Without an agreement it may not be reprinted, linked, reposted or copied in any other way.",
)


def rights_line(item: StampedItem, publisher: Publisher) -> Text:
    """The copyright line for a format's rights field. Begins with the stamp."""
    return rights_under(item.stamp, publisher)


def rights_under(stamp: str, publisher: Publisher) -> Text:
    """The copyright line with this stamp, for a recalled item too."""
    return _copyright(stamp, publisher.name, publisher.name_en or publisher.name)


@lru_cache(maxsize=64)
def _copyright(stamp: str, name: str, name_en: str) -> Text:
    return verbatim(stamp) + Text(f"。© {name}，", f". © {name_en}. ") + RESERVED


def conditions(item: StampedItem, publisher: Publisher) -> Text:
    """What the grant asks of its partner beyond the stamp; for the public, what is reserved.

    A whole sentence, with its full stop.
    """
    if isinstance(item.recipient, Public):
        return RESERVED
    return _conditions(item.use, item.may_edit, item.embargoed_until, item.take_down, publisher.zone)


@lru_cache(maxsize=1_024)
def _conditions(
    use: Use, may_edit: bool, embargoed_until: datetime | None, take_down: datetime | None, zone: tzinfo
) -> Text:
    terms = Text("授权使用方式：", "Granted use: ") + use_name(use)
    terms += (
        Text("；可修改文章", "; the article may be edited")
        if may_edit
        else Text("；不得修改文章", "; the article must not be edited")
    )
    if embargoed_until is not None:
        embargo = _embargo_end(embargoed_until, zone)
        terms += Text(f"；{embargo.zh}前不得发布", f"; must not be published before {embargo.en}")
    if take_down is not None:
        instant = readable(take_down, zone)
        terms += Text(f"；须于{instant.zh}前撤下", f"; must be taken down by {instant.en}")
    return terms + Text("。", ".")


def embargo_ends(item: StampedItem, publisher: Publisher) -> Text | None:
    """The end of the item's embargo, for people; None where it may be published at once."""
    if item.embargoed_until is None:
        return None
    return _embargo_end(item.embargoed_until, publisher.zone)


def _embargo_end(until: datetime, zone: tzinfo) -> Text:
    return readable(rounded_up(until, MINUTE), zone)


def usage_terms(item: StampedItem, publisher: Publisher) -> Text:
    """All terms as one paragraph. It quotes the stamp, which every use must show."""
    terms, notice = conditions(item, publisher), terms_address(publisher)
    return Text(
        f"使用时必须注明“{item.stamp}”；{terms.zh}完整条款：{notice}",
        f"Every use must carry “{item.stamp}”. {terms.en} Full terms: {notice}",
    )


def terms_address(publisher: Publisher) -> str:
    """The URL of the rights notice, which every `license` link names."""
    return f"{publisher.base_url}/terms"


def licence_address(publisher: Publisher) -> str:
    """The URL where a reader learns how to get a licence."""
    return f"{publisher.base_url}/#partner"
