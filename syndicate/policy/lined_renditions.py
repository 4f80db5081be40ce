"""Which pictures leave with the visible line: a partner's by its grants, the public's by the publisher."""

from __future__ import annotations

from syndicate.model.media import Rendition, RenditionName
from syndicate.model.parties import Public, Publisher
from syndicate.policy.decision import Clearance


def lined_renditions(clearance: Clearance, publisher: Publisher) -> frozenset[RenditionName]:
    """The files of an item that this recipient gets with the visible line on them."""
    if isinstance(clearance.recipient, Public):
        pictures = (one.name for one in clearance.item.renditions if _is_picture(one))
        return clearance.renditions.intersection(pictures) if publisher.visible_line else frozenset()
    return clearance.lined


def leaving_size(file: Rendition, visible_line: bool) -> int | None:
    """Bytes of the file as it leaves, with the line or without; None where it cannot leave so."""
    return file.lined_size if visible_line else file.stamped_size


def _is_picture(file: Rendition) -> bool:
    return file.content_type.startswith("image/")
