"""Show pictures, sounds and films in the page of an item, at their place in its body.

Only files that lie in the folder are shown: a page asks nothing of any server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Template
from markupsafe import Markup

from syndicate.client.ninjs_texts import (
    alt_of,
    caption_of,
    credit_of,
    headline_of,
    objects,
    stamp_of,
    text_of,
)
from syndicate.client.offered_files import OfferedFile, offered_files, shown_files, shown_media
from syndicate.model.item import ItemId
from syndicate.model.media import RenditionName

Held = Callable[[ItemId], Mapping[RenditionName, str]]
"""The name of each file of a media item that lies in the folder."""


def nothing_held(id: ItemId) -> Mapping[RenditionName, str]:  # noqa: ARG001 - it answers as `Held` does
    """No media file lies in the folder."""
    return {}


_FOLDER: Final = "../media/"
_TAG: Final = re.compile(r'<(/?)([a-z][a-z0-9]*)(?:\s+[a-z-]+="[^"]*")*\s*/?>')
"""A tag as nh3 writes it: a quote in a value is escaped."""
_EMPTY: Final = frozenset({"br", "hr"})
_INLINE: Final = frozenset({"a", "b", "br", "em", "i", "s", "span", "strong", "sub", "sup", "u"})


@dataclass(frozen=True, slots=True)
class _File:
    """A file that a figure shows."""

    address: str
    content_type: str
    width: int | None
    height: int | None


def own_figure(id: ItemId, document: Mapping[str, Any], held: Held, template: Template) -> Markup:
    """The figure of a media item on its own page; empty where none of its files is here."""
    return _figure(id, document, held, template, with_words=False)


def with_figures(body: Markup, document: Mapping[str, Any], held: Held, template: Template) -> Markup:
    """The body with the media items that lie in the folder, each behind as many blocks as it says."""
    figures = [
        (one.place, figure)
        for one in shown_media(document)
        if (figure := _figure(one.id, one.document, held, template, with_words=True))
    ]
    if not figures:
        return body
    ends = _block_ends(body)
    parts, done = [], 0
    for place, figure in sorted(figures, key=lambda one: one[0]):
        at = 0 if place == 0 or not ends else ends[min(place, len(ends)) - 1]
        parts += [body[done:at], Markup("\n"), figure, Markup("\n")]
        done = at
    return Markup("").join([*parts, body[done:]])


def _block_ends(body: str) -> list[int]:
    """Where each block of the body ends. A block is an outermost element that is no mark in a line."""
    ends, depth, block = [], 0, False
    for tag in _TAG.finditer(body):
        closing, name = tag[1] == "/", tag[2]
        if name in _EMPTY:
            if depth == 0 and name not in _INLINE:
                ends.append(tag.end())
            continue
        if not closing:
            block = name not in _INLINE if depth == 0 else block
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0 and block:
                ends.append(tag.end())
    return ends


def _figure(
    id: ItemId, document: Mapping[str, Any], held: Held, template: Template, *, with_words: bool
) -> Markup:
    medium, names, stamp = text_of(document.get("type")), held(id), stamp_of(document)
    if not names or not stamp:
        return Markup("")
    here = {one.rendition: one for one in offered_files(document).values() if one.rendition in names}
    files = {
        rendition: _file(rendition, one, names[rendition], document)
        for rendition, one in shown_files(medium, here).items()
    }
    posters = (RenditionName.POSTER, RenditionName.THUMBNAIL)
    poster = next((files[name] for name in posters if name in files and medium == "video"), None)
    transcript = files.get(RenditionName.TRANSCRIPT)
    rest = [file for file in files.values() if file is not poster and file is not transcript]
    if not rest:
        return Markup("")
    caption = caption_of(document) or headline_of(document)
    return Markup(  # noqa: S704 - the template escapes
        template.render(
            medium=medium,
            file=rest[0],
            poster=poster,
            transcript=transcript,
            language=text_of(document.get("language")) or "zh-CN",
            caption=caption,
            alt=alt_of(document) or caption,
            credit=credit_of(document),
            stamp=stamp,
            with_words=with_words,
        ).strip()
    )


def _file(rendition: RenditionName, one: OfferedFile, name: str, document: Mapping[str, Any]) -> _File:
    for found in objects(document, "renditions"):
        if found.get("name") == rendition.value:
            return _File(
                _FOLDER + name, one.content_type, _pixels(found.get("width")), _pixels(found.get("height"))
            )
    return _File(_FOLDER + name, one.content_type, None, None)


def _pixels(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 100_000 else None
