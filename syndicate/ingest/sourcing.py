"""Find the source line and the channel of a ninjs document."""

from __future__ import annotations

import re
from typing import Final

from syndicate.ingest.article_end import is_stamp
from syndicate.ingest.properties import Properties
from syndicate.model.item import ChannelId
from syndicate.model.parties import Publisher

_CODE: Final = re.compile(r"[!-~]*")
_ORIGINATOR, _DISTRIBUTOR = "originator", "distributor"


def source_in(document: Properties, publisher: Publisher) -> str:
    """Return the source line: of the info sources the originator's, else any that is not the distributor's.

    An entry that carries our stamp says through whom the item came, not whose it is; it counts only where
    there is no other. A code without a name (`AFP`) is a source like any other: whose work it is must not
    be guessed from what stands behind it. Without info sources, the holder of the copyright.
    """
    ranked = []
    for place, one in enumerate(document.objects("infoSources")):
        literal, name, role = one.text("literal"), one.text("name"), one.text("role")
        stamped = is_stamp(literal, publisher) or is_stamp(name, publisher)
        # A literal is the source line as printed, or a code such as `nd:xsrb`, which nobody prints.
        said = name if stamped or (name and _CODE.fullmatch(literal)) else literal
        rank = (stamped, role.endswith(_DISTRIBUTOR), not role.endswith(_ORIGINATOR), place)
        if said and not is_stamp(said, publisher):
            ranked.append((rank, said))
    return min(ranked)[1] if ranked else document.text("copyrightHolder")


def channel_in(document: Properties, publisher: Publisher) -> ChannelId | None:
    """Return the channel that a subject names, by its Chinese name, its id, or `channel:` and its id."""
    for one in document.objects("subjects"):
        said = {one.text("name"), one.text("literal"), one.text("literal").removeprefix("channel:")}
        for channel in publisher.channels:
            if channel.name in said or channel.id in said:
                return channel.id
    return None
