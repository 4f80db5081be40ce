"""What a recipient may do with an item, in sentences: the stamp first, then the terms of its grant."""

from __future__ import annotations

from typing import Final

from syndicate.formats.timestamps import MINUTE, readable, rounded_up
from syndicate.language import Text, verbatim
from syndicate.model.parties import Public, Publisher
from syndicate.model.rights import use_name
from syndicate.stamping import StampedItem

_RESERVED: Final = Text(
    "未经协议授权不得转载、链接、转贴或以其他方式复制发表。",
    "Without an agreement it may not be reprinted, linked, reposted or copied in any other way.",
)


def rights_line(item: StampedItem, publisher: Publisher) -> Text:
    """Whose the item is, for a format's field of rights. Begins with the stamp."""
    return rights_under(item.stamp, publisher)


def rights_under(stamp: str, publisher: Publisher) -> Text:
    """`rights_line` for what has no item any more."""
    return (
        verbatim(stamp)
        + Text(f"。© {publisher.name}，", f". © {publisher.name_en or publisher.name}. ")
        + _RESERVED
    )


def conditions(item: StampedItem, publisher: Publisher) -> Text:
    """What the grant asks of its partner beyond the stamp; for the public, what is reserved.

    A whole sentence, with its full stop.
    """
    if isinstance(item.recipient, Public):
        return _RESERVED
    said = Text("授权使用方式：", "Granted use: ") + use_name(item.use)
    said += (
        Text("；可修改文章", "; the article may be edited")
        if item.may_edit
        else Text("；不得修改文章", "; the article must not be edited")
    )
    embargo = embargo_ends(item, publisher)
    if embargo is not None:
        said += Text(f"；{embargo.zh}前不得发布", f"; must not be published before {embargo.en}")
    if item.take_down is not None:
        moment = readable(item.take_down, publisher.zone)
        said += Text(f"；须于{moment.zh}前撤下", f"; must be taken down by {moment.en}")
    return said + Text("。", ".")


def embargo_ends(item: StampedItem, publisher: Publisher) -> Text | None:
    """Until when nothing of it may be published, for people; None where it may be at once."""
    if item.embargoed_until is None:
        return None
    return readable(rounded_up(item.embargoed_until, MINUTE), publisher.zone)


def usage_terms(item: StampedItem, publisher: Publisher) -> Text:
    """All terms as one readable paragraph. It quotes the stamp, which every use must show."""
    return (
        Text("使用时必须注明“", "Every use must carry “")
        + verbatim(item.stamp)
        + Text("”；", "”. ")
        + conditions(item, publisher)
        + Text(f"完整条款：{terms_address(publisher)}", f" Full terms: {terms_address(publisher)}")
    )


def terms_address(publisher: Publisher) -> str:
    """Where the rights notice stands; what every `license` link names."""
    return f"{publisher.base_url}/terms"
