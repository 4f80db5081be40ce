"""Say where a licence overlaps another of its partner: to people in words, to programs as values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.output import Output, iso
from syndicate.language import Text
from syndicate.model.parties import Publisher
from syndicate.model.register import Register
from syndicate.model.rights import Licence

if TYPE_CHECKING:
    from syndicate.agreements.overlap import Overlap


def overlaps_now(
    licence: Licence, register: Register, now: datetime, replaced: Sequence[str] = ()
) -> list[Overlap]:
    """Return the overlaps with the partner's other licences that are still to come or in force.

    `replaced` are the numbers of licences that this one stands in for.
    """
    # Here, not above: agreements need pydantic, which takes long to load.
    from syndicate.agreements.overlap import overlaps

    others = [
        one
        for one in register.licences_of(licence.partner)
        if one.window.state(now) != "ended" and one.number not in replaced
    ]
    return overlaps(licence, others)


def overlap_as_json(one: Overlap) -> dict[str, object]:
    """Return an overlap for programs; `channels` null: all."""
    return {
        "clause": one.clause,
        "with": one.other,
        "uses": sorted(one.uses),
        "outlets": sorted(one.outlets),
        "media": sorted(one.media),
        "channels": None if one.channels is None else sorted(one.channels),
        "from": iso(one.window.opens),
        "until": iso(one.window.closes),
    }


def say_overlaps(found: Sequence[Overlap], publisher: Publisher, voice: Output) -> None:
    """Say each overlap in a line, and what it means. Nothing where there is none."""
    if not found:
        return
    voice.aside(
        Text(
            "注意：与该媒体的其他协议有重叠，两边都有效，配额各算各的：",
            "note: it overlaps other licences of the partner; both are in force, each with its own quota:",
        )
    )
    for one in found:
        channels = (
            Text("全部频道", "all channels")
            if one.channels is None
            else agreement_words.channels(one.channels, publisher)
        )
        parts = (
            agreement_words.uses(one.uses),
            agreement_words.outlets(one.outlets, publisher),
            agreement_words.media(one.media),
            channels,
        )
        what = Text("；".join(part.zh for part in parts), "; ".join(part.en for part in parts))
        when = agreement_words.period_text(one.window, voice)
        voice.aside(
            Text(
                f"  {one.clause} 与 {one.other}：{what.zh}；{when}",
                f"  {one.clause} and {one.other}: {what.en}; {when}",
            )
        )
