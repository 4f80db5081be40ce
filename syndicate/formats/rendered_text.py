"""The text of one stamped item with its credits and its stamp, as every format shows it.

Every format takes its text from here, so that none can leave the stamp out or say another source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from syndicate.formats.clean import address, as_html, clean, one_line
from syndicate.formats.timestamps import readable
from syndicate.formats.usage_terms import conditions, embargo_ends
from syndicate.language import Text, verbatim
from syndicate.model.item import Block, BlockKind
from syndicate.model.parties import Publisher
from syndicate.model.rights import Form
from syndicate.stamping import StampedItem

CORRECTION: Final = Text("更正", "Correction")
EMBARGO: Final = Text("禁发至", "Embargoed until")
_HEADLINE: Final = Text("原标题", "Original headline")
_SOURCE: Final = Text("来源", "Source")
_AUTHOR: Final = Text("原作者", "Author")
_EDITOR: Final = Text("编辑", "Editor")
_PUBLISHED: Final = Text("首发时间", "First published")
_ADDRESS: Final = Text("首发地址", "First published at")
_TERMS: Final = Text("使用要求", "Terms")

_ELEMENTS = {
    BlockKind.PARAGRAPH: "p",
    BlockKind.HEADING: "h2",
    BlockKind.QUOTE: "blockquote",
    BlockKind.LIST: "ul",
    BlockKind.TABLE: "table",
}


@dataclass(frozen=True, slots=True)
class Credit:
    """One line of what the reprint rules ask for: a label, what it says, and where that leads."""

    label: Text
    value: Text
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedText:
    """An item's text, cleaned, in the forms that formats need.

    `summary` (plain text) and `description` (HTML) end with the stamp. `text` and `html` are the full
    text with its credits, ending with the stamp; None for the summary form. `body` is the HTML of the
    article alone, empty for the summary form. `summary`, `description`, `text` and `html` all carry the
    embargo end and the correction note. Absent names are None, never empty.
    """

    stamp: str
    headline: str
    abstract: str
    note: str | None
    """What this version corrects."""
    embargo: Text | None
    """Until when nothing of it may be published."""
    source: str
    byline: str | None
    editor: str | None
    address: str
    language: str
    keywords: tuple[str, ...]
    summary: str
    description: str
    body: str
    text: str | None
    html: str | None


def render_text(item: StampedItem, publisher: Publisher) -> RenderedText:
    """Render an item's texts for the formats. Never fails on an item's text."""
    headline = one_line(item.headline) or item.id
    abstract = clean(item.abstract).strip()
    body = [block for block in item.body if block.text.strip() or block.html.strip()]
    body_html = "\n".join(_set_block(block) for block in body)
    full = item.form is Form.FULL
    note = one_line(item.note or "") or None
    embargo = embargo_ends(item, publisher)
    notices = _notices(note, embargo)
    lines = (*notices, *_credits(item, publisher, headline)) if full else ()
    stamp = as_html(item.stamp)
    above = [abstract] if abstract else []
    above += [_credit_text(line) for line in notices]
    return RenderedText(
        stamp=item.stamp,
        headline=headline,
        abstract=abstract,
        note=note,
        embargo=embargo,
        source=one_line(item.source),
        byline=one_line(item.byline or "") or None,
        editor=one_line(item.editor or "") or None,
        address=address(item.address),
        language=one_line(item.language) or publisher.language,
        keywords=tuple(dict.fromkeys(word for word in map(one_line, item.keywords) if word)),
        summary="\n".join([*above, item.stamp]),
        description="\n".join([*(f"<p>{as_html(part)}</p>" for part in above), stamp]),
        body=body_html,
        text=_full_text(body, lines, item.stamp) if full else None,
        html=_full_html(body_html, lines, stamp) if full else None,
    )


def _notices(note: str | None, embargo: Text | None) -> tuple[Credit, ...]:
    """Notices: first among the credits, and after the abstract in summaries."""
    lines = []
    if embargo is not None:
        only_after = Text("（此前不得发布）", " (nothing of it may be published before)")
        lines.append(Credit(EMBARGO, embargo + only_after))
    if note is not None:
        lines.append(Credit(CORRECTION, verbatim(note)))
    return tuple(lines)


def _credits(item: StampedItem, publisher: Publisher, headline: str) -> tuple[Credit, ...]:
    published = readable(item.published, publisher.zone)
    first = address(item.address)
    lines = [
        Credit(_HEADLINE, verbatim(headline)),
        Credit(_SOURCE, verbatim(one_line(item.source))),
        Credit(_AUTHOR, verbatim(one_line(item.byline or ""))),
        Credit(_EDITOR, verbatim(one_line(item.editor or ""))),
        Credit(_PUBLISHED, published),
        Credit(_ADDRESS, verbatim(first), first),
        Credit(_TERMS, conditions(item, publisher)),
    ]
    return tuple(line for line in lines if line.value.zh)


def _set_block(block: Block) -> str:
    element = _ELEMENTS[block.kind]
    return f"<{element}>{clean(block.html)}</{element}>"


def _full_text(body: list[Block], lines: tuple[Credit, ...], stamp: str) -> str:
    credited = "\n".join(_credit_text(line) for line in lines)
    return "\n\n".join([*(clean(block.text).strip() for block in body), credited, stamp])


def _full_html(body: str, lines: tuple[Credit, ...], stamp: str) -> str:
    credited = "<br>\n".join(f"{line.label.zh}：{_credit_html(line)}" for line in lines)
    return "\n".join(part for part in (body, f"<p>{credited}</p>", f"<p>{stamp}</p>") if part)


def _credit_text(line: Credit) -> str:
    return f"{line.label.zh}：{line.value.zh}"


def _credit_html(line: Credit) -> str:
    value = as_html(line.value.zh)
    return value if line.address is None else f'<a href="{as_html(line.address)}">{value}</a>'
