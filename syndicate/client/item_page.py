"""Make the two files of an item: its ninjs document as JSON, and an HTML page that shows the stamp.

The same document always makes the same bytes, so that files can be compared with what the server sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import nh3
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from syndicate.client.client_errors import InvalidResponse
from syndicate.client.figures import Held, nothing_held, own_figure, with_figures
from syndicate.client.ninjs_texts import headline_of, objects, stamp_of, text_of
from syndicate.client.offered_files import has_media
from syndicate.language import Text
from syndicate.model.item import ItemId

_BLOCKS: Final = {"blockquote", "br", "div", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "ul"}
_MARKS: Final = {"a", "b", "em", "i", "s", "span", "strong", "sub", "sup", "u"}
_TABLES: Final = {"caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
_BODY: Final = nh3.Cleaner(
    tags=_BLOCKS | _MARKS | _TABLES,
    attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel="noopener noreferrer",
)
"""The HTML that a body may contain: text and links, no scripts and no external resources."""
_VERSION: Final = re.compile("[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFiles:
    """The two files of one version of an item, as bytes."""

    id: ItemId
    version: int
    ninjs: bytes
    html: bytes


def make_item_files(id: ItemId, ninjs: dict[str, Any], held: Held = nothing_held) -> ItemFiles:
    """Make the files of an item from its ninjs 3.1 document. The page shows media files that are `held`.

    Raises InvalidResponse for a document that is another item's, is not `usable`, or has no version,
    headline or stamp: an item without its stamp is never stored.
    """
    uri, version = ninjs.get("uri"), ninjs.get("version")
    if not isinstance(uri, str) or not uri.endswith(f":item:{id}"):
        raise _wrong(id, "uri", Text("不是这篇稿件的", "is not this item's"))
    if ninjs.get("pubStatus", "usable") != "usable":
        raise _wrong(id, "pubStatus", Text("应为 usable", "should be usable"))
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise _wrong(id, "version", Text("应为写成字符串的整数", "should be a whole number, as a text"))
    try:
        written = json.dumps(ninjs, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False) + "\n"
        return ItemFiles(
            id=id, version=int(version), ninjs=written.encode(), html=_page(id, ninjs, held).encode()
        )
    except (ValueError, RecursionError):
        text = Text(
            "含有无法保存的文字或数值",
            "has a text, a number or a nesting that JSON or HTML cannot represent",
        )
        raise _wrong(id, "item", text) from None


def with_media(kept: ItemFiles, document: dict[str, Any], held: Held) -> ItemFiles:
    """The files of an item, made of this document, with the media files that are `held` in its page."""
    return make_item_files(kept.id, document, held) if has_media(document) else kept


def files_given(
    items: Iterable[tuple[ItemId, dict[str, Any] | None]],
) -> tuple[dict[ItemId, ItemFiles | None], list[tuple[ItemId, InvalidResponse]]]:
    """The files of each item, None where there is no document or an invalid one; and the invalid ones.

    The own address of an item may give a valid document: it is fetched from there at once.
    """
    given: dict[ItemId, ItemFiles | None] = {}
    invalid: list[tuple[ItemId, InvalidResponse]] = []
    for id, document in items:
        given[id] = None
        try:
            if document is not None:
                given[id] = make_item_files(id, document)
        except InvalidResponse as error:
            invalid.append((id, error))
    return given, invalid


def _page(id: ItemId, ninjs: dict[str, Any], held: Held) -> str:
    headline = headline_of(ninjs)
    if not headline:
        raise _wrong(id, "headlines", Text("没有标题", "has no headline"))
    stamp = stamp_of(ninjs)
    if not stamp:
        raise _wrong(id, "infoSources", Text("没有来源标注", "has no stamp"))
    return _ITEM.render(
        language=text_of(ninjs.get("language")) or "zh-CN",
        headline=headline,
        stamp=stamp,
        note=text_of(ninjs.get("edNote")),
        figure=own_figure(id, ninjs, held, _FIGURE),
        # Cleaned by nh3 where it comes from the server: the one text that is not escaped here.
        body=with_figures(_body(ninjs), ninjs, held, _FIGURE),
        rights=text_of(ninjs.get("copyrightNotice")),
    )


def _body(ninjs: dict[str, Any]) -> Markup:
    """Return the full text as safe HTML; the abstract where the licence gives no full text."""
    mains = [one for one in objects(ninjs, "bodies") if one.get("role") == "main"]
    for kind, form in (("text/html", _clean), ("text/plain", _paragraphs)):
        for one in mains:
            if one.get("contentType") == kind:
                return form(text_of(one.get("value")))
    summaries = [text_of(one.get("value")) for one in objects(ninjs, "descriptions")]
    return _paragraphs(next(iter(summaries), ""))


def _clean(html: str) -> Markup:
    return Markup(_BODY.clean(html))  # noqa: S704 - cleaned in this very line


def _paragraphs(text: str) -> Markup:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return Markup("\n").join(Markup("<p>{}</p>").format(line) for line in lines)


def _wrong(id: ItemId, field: str, text: Text) -> InvalidResponse:
    return InvalidResponse(Text(f"稿件 {id}：{field} ", f"item {id}: {field} ") + text)


_PAGES: Final = Environment(
    loader=PackageLoader("syndicate.client"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
)
_ITEM: Final = _PAGES.get_template("item.html")
_FIGURE: Final = _PAGES.get_template("figure.html")
