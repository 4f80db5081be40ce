"""Read the metadata of an HTML page: JSON-LD (schema.org) and meta elements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from selectolax.lexbor import LexborHTMLParser

from syndicate.characters import line
from syndicate.ingest.dates import PRINTED

_TYPES: Final = (
    "newsarticle",
    "article",
    "reportagenewsarticle",
    "reportage",
    "blogposting",
    "analysisnewsarticle",
)
_PUBLISHED: Final = (
    "article:published_time",
    "og:article:published_time",
    "og:published_time",
    "pubdate",
    "publishdate",
    "publish_date",
    "publishtime",
    "publish_time",
    "pubtime",
    "dc.date.issued",
    "dc.date",
    "date",
    "weibo: article:create_at",
    "bytedance:published_time",
    "apub:time",
)
_HEADLINE: Final = ("og:title", "articletitle", "contenttitle", "twitter:title", "dc.title")
_SOURCE: Final = (
    "source",
    "contentsource",
    "article:source",
    "og:article:source",
    "news_source",
    "dc.source",
)
_AUTHOR: Final = ("author", "article:author", "og:article:author", "contentauthor", "dc.creator")
_MOST_JSON: Final = 500_000
_LONGEST_SUFFIX: Final = 24


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a page; None or empty where it has none.

    `published` is text with a printed date in it. `publisher` is JSON-LD's publisher: whose site it is,
    and only a weak hint at whose work the article is.
    """

    headline: str = ""
    title: str = ""
    published: str = ""
    source: str = ""
    publisher: str = ""
    author: str = ""


def metadata_of(tree: LexborHTMLParser) -> Metadata:
    """Read the page's metadata, each field from JSON-LD, else from meta elements."""
    metas = _metas(tree)
    article = _json_ld(tree)

    def meta(names: Sequence[str]) -> str:
        return next((metas[name] for name in names if metas.get(name)), "")

    dates = [one for name in _PUBLISHED if PRINTED.search(one := metas.get(name, ""))]
    title = tree.css_first("title")
    return Metadata(
        headline=_text(article.get("headline")) or meta(_HEADLINE),
        title="" if title is None else line(title.text()),
        published=_text(article.get("datePublished")) or next(iter(dates), ""),
        source=_name(article.get("sourceOrganization")) or _name(article.get("provider")) or meta(_SOURCE),
        publisher=_name(article.get("publisher")),
        author=_name(article.get("author")) or meta(_AUTHOR),
    )


def title_part(title: str, headline: str) -> bool:
    """Whether a page's title is this headline, with at most the site's name behind it."""
    return (
        bool(headline) and title.startswith(headline) and len(title) - len(headline) <= 2 * _LONGEST_SUFFIX
    )


def _metas(tree: LexborHTMLParser) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in tree.css("meta"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        content = line(attributes.get("content") or "")
        if name and content:
            found.setdefault(name.strip().lower(), content)
    for node in tree.css('[itemprop="datePublished"], time[pubdate]')[:2]:
        said = node.attributes.get("datetime") or node.attributes.get("content") or ""
        if said:
            found.setdefault("pubdate", line(said))
    times = {
        one for node in tree.css("time[datetime]") if (one := line(node.attributes.get("datetime") or ""))
    }
    if len(times) == 1:
        found.setdefault("pubdate", times.pop())
    return found


def _json_ld(tree: LexborHTMLParser) -> dict[str, Any]:
    """Return the first article in the page's JSON-LD; empty where none can be read."""
    for node in tree.css('script[type="application/ld+json" i]')[:5]:
        text = node.text()
        if len(text) > _MOST_JSON:
            continue
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
        for one in _objects(value):
            types = one.get("@type")
            named = types if isinstance(types, list) else [types]
            if any(isinstance(name, str) and name.lower() in _TYPES for name in named):
                return one
    return {}


def _objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value[:50]:
            yield from _objects(one, depth)
    elif isinstance(value, dict) and depth <= 3:
        yield value
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            if name in value:
                yield from _objects(value[name], depth + 1)


def _name(value: Any) -> str:
    """Return the name of a person or organization, or of several."""
    if isinstance(value, list):
        return " ".join(name for one in value[:5] if (name := _name(one)))
    return _text(value.get("name")) if isinstance(value, dict) else _text(value)


def _text(value: Any) -> str:
    return line(value) if isinstance(value, str) else ""
