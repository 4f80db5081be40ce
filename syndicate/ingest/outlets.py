"""Find the outlet of a source line, and the channel that a breadcrumb names.

Only an exact source line counts: `杭州日报-萧山` contains a word of ours and is not ours. Without a source
line there is no outlet.
"""

from __future__ import annotations

import re
from typing import Final

from syndicate.characters import line
from syndicate.ingest.line_cache import cached
from syndicate.model.item import ChannelId, OutletId
from syndicate.model.parties import Publisher

_HYPHEN: Final = re.compile("\\s*[-\u2010-\u2015\u2212\uff0d]+\\s*")
_CRUMB: Final = re.compile(
    "^(?:您|你)?(?:现在|当前)?(?:的|所在)?(?:的)?位置\\s?(?:是)?\\s?[:\uff1a\u2236\ufe30\ufe55]?"
)
_STEP: Final = re.compile("\\s*(?:>+|[\u203a\u00bb\uff1e\u2192]|->)\\s*")


def outlet_of(source: str, publisher: Publisher) -> OutletId | None:
    """Return the outlet with exactly this source line (blanks and hyphens aside), or None."""
    wanted = _normal(source)
    for outlet in publisher.outlets:
        if any(_normal(one) == wanted for one in outlet.sources if one.strip()):
            return outlet.id
    return None


@cached
def _normal(source: str) -> str:
    return _HYPHEN.sub("-", line(source))


def is_breadcrumb(text: str) -> bool:
    """Whether the line says where on the site the reader is: `您的位置:萧山网 > 新闻 > 正文`."""
    return _CRUMB.match(text) is not None and len(_STEP.split(text)) > 1


def channel_of(breadcrumb: str, publisher: Publisher) -> ChannelId | None:
    """Return the channel of the deepest step of a breadcrumb that is a channel's Chinese name."""
    steps = _STEP.split(_CRUMB.sub("", line(breadcrumb)))
    ids = {channel.name: channel.id for channel in publisher.channels}
    return next((ids[step.strip()] for step in reversed(steps) if step.strip() in ids), None)
