"""Name IPTC Media Topics as formats write them: the vocabulary, the code, the address of the concept."""

from __future__ import annotations

from typing import Final

from syndicate.model.parties import Channel

VOCABULARY: Final = "http://cv.iptc.org/newscodes/mediatopic/"
"""The address of the vocabulary, behind which the 8 digits of a concept stand."""


def concept_address(code: str) -> str:
    """The address of the concept that this code, `medtop:` and 8 digits, names."""
    return VOCABULARY + code.removeprefix("medtop:")


def subjects(channel: Channel) -> list[dict[str, str]]:
    """The channel's topics as ninjs `subjects`. The vocabulary's names are not ours to translate."""
    return [
        {"rel": "about", "uri": concept_address(code), "literal": code} for code in channel.media_topics
    ]
