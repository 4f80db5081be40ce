"""Convert an article's HTML to text blocks, keeping only what a reader of the page sees.

Scripts, styles, frames, form controls and hidden text are removed with their content; pictures, sound and
film are removed and counted, because they are licensed separately. Block elements break lines; inline
marks, links, lists, tables and quotes are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborNode

from syndicate.ingest.addresses import resolved
from syndicate.ingest.furniture import is_prose
from syndicate.ingest.groups import Group
from syndicate.ingest.inline import MARKS, Run, line_of, unfolded
from syndicate.ingest.text import heading, line, words
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind
from syndicate.model.notes import Note

MOST_TAGS: Final = 20_000
"""A page with more is refused before parsing: parsing time grows with the square of the nesting depth."""
_TAG: Final = re.compile("<[a-zA-Z]")
_MEDIA: Final = words("img picture image audio video map svg")
_STRUCK: Final = words("del s strike")
_STRUCK_STYLE: Final = re.compile(r"text-decoration(?:-line)?\s*:[^;]*line-through", re.I)
_FORMULAS: Final = words("math")
_FRAMES: Final = words("iframe frame frameset object embed applet")
_REMOVED_TAGS: Final = words(
    "script style template noscript noframes noembed head title link meta base input button select"
    " textarea option optgroup datalist keygen canvas xmp plaintext listing track source param"
    " area progress meter rp rt"
)
_BREAKS: Final = words(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset"
    " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol p"
    " pre search section summary table tbody td tfoot th thead tr ul"
)
_HEADINGS: Final = words("h1 h2 h3 h4 h5 h6")
_GROUPS: Final = {
    "ul": BlockKind.LIST,
    "ol": BlockKind.LIST,
    "menu": BlockKind.LIST,
    "table": BlockKind.TABLE,
    "blockquote": BlockKind.QUOTE,
}
_HIDING_STYLE: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?:\.0*)?(?![.\d])"
    r"|(?:text-indent|left|top)\s*:\s*-\d{3,}",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Extract:
    """The blocks of an element in reading order, and notes about what was left out.

    `hidden` counts the characters of sentences that the page hides from its readers.
    """

    blocks: list[Block]
    notes: tuple[Note, ...]
    hidden: int = 0


def too_many_tags(html: str) -> bool:
    """Return whether the page has more than `MOST_TAGS` tags."""
    return sum(1 for _ in _TAG.finditer(html)) > MOST_TAGS


def blocks_of(root: LexborNode, base: str | None, *, shown: bool = False) -> Extract:
    """Convert the content of `root` to blocks in reading order, with notes about what was left out.

    Relative links are resolved against `base`; where it is None they lose their link and keep their text.
    With `shown`, `root` is read even if its own style hides it.
    """
    body = _Body(base)
    for node, entering in _walk(root, shown=shown):
        if entering:
            body.enter(node, unread=_is_skipped(node) and not (shown and node == root))
        else:
            body.leave(node)
    body.end_line()
    return Extract(body.blocks, _notes(body.dropped), body.hidden)


def _walk(root: LexborNode, *, shown: bool) -> Iterator[tuple[LexborNode, bool]]:
    """Yield each node under `root` when it starts (True) and ends (False), without recursion."""
    pending: list[tuple[LexborNode, bool]] = [(root, True)]
    first = shown
    while pending:
        node, entering = pending.pop()
        yield node, entering
        if not entering or not node.is_element_node:
            continue
        pending.append((node, False))
        if first or not _is_skipped(node):
            children = []
            child = node.first_child
            while child is not None:
                children.append((child, True))
                child = child.next
            pending.extend(reversed(children))
        first = False


def _is_skipped(node: LexborNode) -> bool:
    tag = node.tag or ""
    if tag in _REMOVED_TAGS or tag in _MEDIA or tag in _FRAMES or tag in _FORMULAS or _is_struck(node):
        return True
    return _is_hidden(node) or (tag == "figcaption" and _has_media(node))


def _is_hidden(node: LexborNode) -> bool:
    if not node.is_element_node:
        return False
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDING_STYLE.search(attributes.get("style") or ""))


def _is_struck(node: LexborNode) -> bool:
    return node.is_element_node and (
        (node.tag or "") in _STRUCK or bool(_STRUCK_STYLE.search(node.attributes.get("style") or ""))
    )


def _has_media(caption: LexborNode) -> bool:
    """Whether the caption's figure has a picture, sound or film: both are removed."""
    figure = caption.parent
    return figure is not None and figure.css_first(", ".join(sorted(_MEDIA))) is not None


def _hidden_characters(node: LexborNode) -> int:
    """Count the characters of the sentences under a hidden node."""
    texts = (unfolded(one) for one in node.text(separator="\n").split("\n"))
    return sum(len(one.strip()) for one in texts if is_prose(one.strip()))


class _Body:
    """Build the blocks of a body from start tags, texts and end tags."""

    def __init__(self, base: str | None) -> None:
        self.blocks: list[Block] = []
        self.dropped: Counter[str] = Counter()
        self._base = base
        self._runs: list[Run] = []
        self._marks: list[str] = []
        self._links: list[str | None] = []
        self._heading = False
        self._group: Group | None = None
        self.hidden = 0
        self.struck = ""
        self._skipped: list[LexborNode] = []

    def enter(self, node: LexborNode, *, unread: bool = False) -> None:
        """Handle a start tag or a text. An `unread` element is only counted, never written."""
        tag = node.tag or ""
        if unread and tag not in _REMOVED_TAGS and tag not in _MEDIA and tag not in _FRAMES:
            self._leave_out(node, tag)
        elif node.is_text_node:
            self._write(unfolded(node.text_content or ""))
        elif tag in _MEDIA:
            self.dropped["media"] += 1
        elif tag in _FRAMES:
            self.dropped["frames"] += 1
        elif tag in MARKS:
            self._marks.append(MARKS[tag])
        elif tag == "q":
            self._write("“")
        elif tag == "a":
            self._links.append(resolved(node.attributes.get("href") or "", self._base))
        elif tag in _BREAKS:
            self.end_line()
            self._heading = tag in _HEADINGS
            if self._group is not None:
                self._group.enter(tag, node.attributes)
            elif tag in _GROUPS:
                self._group = Group(_GROUPS[tag], tag, node.attributes)

    def _leave_out(self, node: LexborNode, tag: str) -> None:
        """Count an element that is left out."""
        said = line(node.text())
        if _is_struck(node):
            self.dropped["struck"] += 1 if said else 0
            self.struck = self.struck or said
        elif tag in _FORMULAS:
            self.dropped["formulas"] += 1
        elif tag == "figcaption":
            self.dropped["captions"] += 1 if said else 0
        else:
            self.hidden += _hidden_characters(node)
        self._skipped.append(node)

    def leave(self, node: LexborNode) -> None:
        """Handle an end tag."""
        tag = node.tag or ""
        if self._skipped and self._skipped[-1] == node:
            self._skipped.pop()
            return
        if tag in MARKS:
            self._marks.remove(MARKS[tag])
        elif tag == "q":
            self._write("”")
        elif tag == "a":
            self._links.pop()
        elif tag in _BREAKS:
            self.end_line()
            self._heading = self._heading and tag not in _HEADINGS
            if self._group is not None and self._group.leave(tag):
                self.blocks += self._group.blocks()
                self.dropped["spans"] += self._group.spanning_cells
                self._group = None

    def _write(self, text: str) -> None:
        self._runs.append(Run(text, frozenset(self._marks), self._links[-1] if self._links else None))

    def end_line(self) -> None:
        """Finish the current line and add it as a block."""
        found, self._runs = line_of(self._runs), []
        if found is None:
            return
        block = heading(found.text) if self._heading else Block(BlockKind.PARAGRAPH, found.text, found.html)
        if self._group is None:
            self.blocks.append(block)
        else:
            self._group.add(block)


_NOTES: Final = {
    "media": (
        "media_left_out",
        "正文中有 {} 处图片或音视频未收入；其权利须另行授权",
        "pictures, sounds or films left out of the body, for they have rights of their own: {}",
    ),
    "frames": (
        "frames_left_out",
        "正文中有 {} 处内嵌页面未收入",
        "embedded frames left out of the body: {}",
    ),
    "captions": (
        "captions_left_out",
        "图片未收入，{} 条图片说明也一并略去",
        "captions left out with their pictures: {}",
    ),
    "struck": (
        "struck_text_left_out",
        "有 {} 处划去的文字未收入；请核对改后的句子",
        "struck-out passages left out: {}; check the sentences as they read now",
    ),
    "formulas": (
        "formulas_left_out",
        "有 {} 个公式未收入；请改用文字或上下标",
        "formulas left out: {}; write them as text, or with sub and sup",
    ),
    "spans": (
        "table_spans_repeated",
        "表格中有 {} 个合并单元格已拆开，内容在各格中重复；请核对",
        "table cells that span several, with their content repeated in each: {}; check the table",
    ),
}
"""Count in `_Body.dropped` → the code of its note, and its sentence in Chinese and English."""


def _notes(dropped: Counter[str]) -> tuple[Note, ...]:
    return tuple(
        Note(code, "body", Text(zh.format(dropped[name]), en.format(dropped[name])))
        for name, (code, zh, en) in _NOTES.items()
        if dropped[name]
    )
