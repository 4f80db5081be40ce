"""Convert an article's HTML to text blocks, keeping only what a reader of the page sees.

Scripts, styles, frames, form controls and hidden text are removed with their content; pictures, sound and
film are taken out with their captions and named, because they are licensed separately. Block elements
break lines; inline marks, links, lists, tables and quotes are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborNode

from syndicate.characters import line
from syndicate.ingest.addresses import resolved
from syndicate.ingest.furniture import is_prose
from syndicate.ingest.groups import Group
from syndicate.ingest.inline import MARKS, Run, line_of, unfolded
from syndicate.ingest.media_elements import Attributes, Shown, shown_by
from syndicate.ingest.text import heading, words
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind
from syndicate.model.notes import Note

MOST_TAGS: Final = 20_000
"""A page with more is refused before parsing: parsing time grows with the square of the nesting depth."""
_TAG: Final = re.compile("<[a-zA-Z]")
_MEDIA: Final = words("img picture image audio video map svg")
_ANY_MEDIA: Final = ", ".join(sorted(_MEDIA))
_STRUCK: Final = words("del s strike")
_STRUCK_STYLE: Final = re.compile(r"text-decoration(?:-line)?\s*:[^;]*line-through", re.I)
_FORMULAS: Final = words("math")
_FRAMES: Final = words("iframe frame frameset object embed applet")
_REMOVED_TAGS: Final = words(
    "script style template noscript noframes noembed head title link meta base input button select"
    " textarea option optgroup datalist keygen canvas xmp plaintext listing track source param"
    " area progress meter rp rt"
)
_MAYBE_LEFT_OUT: Final = _REMOVED_TAGS | _MEDIA | _FRAMES | _STRUCK | _FORMULAS | frozenset({"figcaption"})
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

    `hidden` counts the characters of sentences that the page hides from its readers. `media` are the
    pictures, sounds and films in their order; `captions` are the places of captions that belong to none of
    them.
    """

    blocks: list[Block]
    notes: tuple[Note, ...]
    hidden: int = 0
    media: tuple[Shown, ...] = ()
    captions: tuple[int, ...] = ()


def too_many_tags(html: str) -> bool:
    """Return whether the page has more than `MOST_TAGS` tags."""
    return sum(1 for _ in _TAG.finditer(html)) > MOST_TAGS


def blocks_of(root: LexborNode, base: str | None, *, shown: bool = False) -> Extract:
    """Convert the content of `root` to blocks in reading order, with notes about what was left out.

    Relative links are resolved against `base`; where it is None they lose their link and keep their text.
    With `shown`, `root` is read even if its own style hides it.
    """
    body = _Body(base)
    opened: list[str] = []
    pending: list[LexborNode | None] = [root]
    while pending:
        node = pending.pop()
        if node is None:
            body.leave(opened.pop())
        elif node.is_text_node:
            body.write(node.text_content or "")
            if body.awaited:
                body.follow(node)
        elif node.is_element_node:
            tag, attributes = node.tag or "", node.attributes
            if not (shown and node is root) and body.skips(node, tag, attributes):
                continue
            body.enter(tag, attributes)
            opened.append(tag)
            pending.append(None)  # the end tag, once the children are read
            pending += reversed(list(node.iter(include_text=True)))
    body.end_line()
    notes = _notes(body.dropped)
    if not body.media and not body.figures:
        return Extract(body.blocks, notes, body.hidden)
    return Extract(body.blocks, notes, body.hidden, tuple(body.media), body.captions())


def _is_hidden(attributes: Attributes) -> bool:
    style = attributes.get("style") or ""
    return "hidden" in attributes or (style != "" and _HIDING_STYLE.search(style) is not None)


def _is_struck(tag: str, attributes: Attributes) -> bool:
    style = attributes.get("style") or ""
    return tag in _STRUCK or (style != "" and _STRUCK_STYLE.search(style) is not None)


def _has_media(caption: LexborNode) -> bool:
    """Whether the caption's figure has a picture, sound or film: both are removed."""
    figure = caption.parent
    return figure is not None and figure.css_first(_ANY_MEDIA) is not None


def _hidden_characters(node: LexborNode) -> int:
    """Count the characters of the sentences under a hidden node."""
    texts = (unfolded(one) for one in node.text(separator="\n").split("\n"))
    return sum(len(one.strip()) for one in texts if is_prose(one.strip()))


class _Body:
    """Build the blocks of a body from start tags, texts and end tags."""

    def __init__(self, base: str | None) -> None:
        self.blocks: list[Block] = []
        self.dropped: Counter[str] = Counter()
        self.hidden = 0
        self.media: list[Shown] = []
        self.figures: list[tuple[int, int, list[str]]] = []
        self.awaited: list[Shown] = []
        self._grouped: list[tuple[Shown, int]] = []
        self._base = base
        self._runs: list[Run] = []
        self._open_marks: list[str] = []
        self._marks: frozenset[str] = frozenset()
        self._links: list[str | None] = []
        self._heading = False
        self._group: Group | None = None

    def skips(self, node: LexborNode, tag: str, attributes: Attributes) -> bool:
        """Whether an element is left out with its content; one that a reader might miss is counted."""
        if tag not in _MAYBE_LEFT_OUT and not ("hidden" in attributes or attributes.get("style")):
            return False
        if tag in _REMOVED_TAGS:
            return True
        if tag in _MEDIA:
            shown = shown_by(node, tag, attributes)
            if shown is not None:
                self._show(shown)
        elif tag in _FRAMES:
            self.dropped["frames"] += 1
        elif _is_struck(tag, attributes):
            self.dropped["struck"] += 1 if line(node.text()) else 0
        elif tag in _FORMULAS:
            self.dropped["formulas"] += 1
        elif _is_hidden(attributes):
            if tag == "figcaption":
                self._caption(node, [])
            else:
                self.hidden += _hidden_characters(node)
        elif tag == "figcaption" and _has_media(node):
            self._caption(node, [block.text for block in blocks_of(node, None, shown=True).blocks])
        else:
            return False
        return True

    def _show(self, shown: Shown) -> None:
        """Keep a picture, sound or film at its place; one inside a line stands behind it."""
        begun = any(not run.text.isspace() for run in self._runs)
        if self._group is not None:
            self._grouped.append((shown, self._group.lines + begun))
        shown.place = len(self.blocks) + begun
        self.media.append(shown)
        self.awaited.append(shown)

    def follow(self, node: LexborNode) -> None:
        """Keep where the first text behind pictures stands."""
        if (node.text_content or "").strip():
            for shown in self.awaited:
                shown.beside = node
            self.awaited = []

    def _caption(self, caption: LexborNode, lines: list[str]) -> None:
        """Keep a figure's caption; one without lines is hidden."""
        figure = caption.parent
        if lines or line(caption.text()):
            self.figures.append((figure.mem_id if figure is not None else 0, len(self.blocks), lines))

    def captions(self) -> tuple[int, ...]:
        """Give the figures' captions to what they are about; return the places of those about nothing."""
        within: dict[int | None, list[Shown]] = {}
        for shown in self.media:
            if shown.source is not None:
                within.setdefault(shown.figure, []).append(shown)
        left = []
        for figure, place, lines in self.figures:
            about = within.get(figure, [])
            for one in about:
                one.captions += lines
            if not about or not lines:
                left.append(place)
        return tuple(left)

    def enter(self, tag: str, attributes: Attributes) -> None:
        """Handle a start tag."""
        if tag in _BREAKS:
            self.end_line()
            self._heading = tag in _HEADINGS
            if self._group is not None:
                self._group.enter(tag, attributes)
            elif tag in _GROUPS:
                self._group = Group(_GROUPS[tag], tag, attributes)
        elif tag in MARKS:
            self._open_marks.append(MARKS[tag])
            self._marks = frozenset(self._open_marks)
        elif tag == "q":
            self.write("“")
        elif tag == "a":
            self._links.append(resolved(attributes.get("href") or "", self._base))

    def leave(self, tag: str) -> None:
        """Handle an end tag."""
        if tag in _BREAKS:
            self.end_line()
            self._heading = self._heading and tag not in _HEADINGS
            if self._group is not None and self._group.leave(tag):
                self._close(self._group)
        elif tag in MARKS:
            self._open_marks.remove(MARKS[tag])
            self._marks = frozenset(self._open_marks)
        elif tag == "q":
            self.write("”")
        elif tag == "a":
            self._links.pop()

    def _close(self, group: Group) -> None:
        """Add the blocks of a list, table or quote, and place what stood in it."""
        made = group.blocks()
        for shown, before in self._grouped:
            # In one block, it stands before the block or behind it; between lines, where it stood.
            shown.place = len(self.blocks) + (
                before if len(made) == group.lines else len(made) * (before > 0)
            )
        self.blocks += made
        self.dropped["spans"] += group.spanning_cells
        self._group, self._grouped = None, []

    def write(self, text: str) -> None:
        """Handle a text as the page has it."""
        if not self._runs and text.isspace():
            return  # no line begins with a blank
        self._runs.append(Run(unfolded(text), self._marks, self._links[-1] if self._links else None))

    def end_line(self) -> None:
        """Finish the current line and add it as a block."""
        if not self._runs:
            return
        found, self._runs = line_of(self._runs), []
        if found is None:
            return
        block = heading(found.text) if self._heading else Block(BlockKind.PARAGRAPH, found.text, found.html)
        if self._group is None:
            self.blocks.append(block)
        else:
            self._group.add(block)


_NOTES: Final = {
    "frames": (
        "frames_left_out",
        "正文中有 {} 处内嵌页面未收入",
        "embedded frames left out of the body: {}",
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
