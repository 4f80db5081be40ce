"""HTML to the blocks of a body: what a reader of the page would see, and nothing else.

Scripts, styles, frames, form controls and hidden text go with their content; pictures, sound and film go
too, and are counted, because a medium has rights of its own. Every other element only breaks lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborNode

from syndicate.ingest.addresses import resolved
from syndicate.ingest.groups import Group
from syndicate.ingest.inline import MARKS, Run, line_of, unfolded
from syndicate.ingest.text import heading, words
from syndicate.language import Text
from syndicate.model.item import Block, BlockKind
from syndicate.model.notes import Note

MOST_TAGS: Final = 20_000
"""A page with more is refused unread: the HTML rules take time that grows with the square of nesting."""
_TAG: Final = re.compile("<[a-zA-Z]")
_MEDIA: Final = words("img picture image audio video map svg")
_FRAMES: Final = words("iframe frame frameset object embed applet")
_GONE: Final = words(
    "script style template noscript noframes noembed head title link meta base input button select"
    " textarea option optgroup datalist keygen canvas math xmp plaintext listing track source param"
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
_UNSEEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.I)


def too_many_tags(html: str) -> bool:
    """Whether the page has more tags than any page of a newspaper."""
    return sum(1 for _ in _TAG.finditer(html)) > MOST_TAGS


def blocks_of(root: LexborNode, base: str | None) -> tuple[list[Block], tuple[Note, ...]]:
    """The blocks under `root` in reading order, and notes on what was left out.

    Relative links are resolved against `base`; where it is None they lose their link and keep their text.
    """
    body = _Body(base)
    for node, entering in _walk(root):
        if entering:
            body.enter(node)
        else:
            body.leave(node)
    body.end_line()
    return body.blocks, _notes(body.dropped)


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Every node under `root`, entered and left, in order; without recursion, however deep the page."""
    pending: list[tuple[LexborNode, bool]] = [(root, True)]
    while pending:
        node, entering = pending.pop()
        yield node, entering
        if not entering or not node.is_element_node:
            continue
        pending.append((node, False))
        if not _unread(node):
            children = []
            child = node.first_child
            while child is not None:
                children.append((child, True))
                child = child.next
            pending.extend(reversed(children))


def _unread(node: LexborNode) -> bool:
    tag = node.tag or ""
    if tag in _GONE or tag in _MEDIA or tag in _FRAMES:
        return True
    attributes = node.attributes
    return "hidden" in attributes or bool(_UNSEEN.search(attributes.get("style") or ""))


class _Body:
    """The body as it is being written, line by line."""

    def __init__(self, base: str | None) -> None:
        self.blocks: list[Block] = []
        self.dropped: Counter[str] = Counter()
        self._base = base
        self._runs: list[Run] = []
        self._marks: list[str] = []
        self._links: list[str | None] = []
        self._heading = False
        self._group: Group | None = None

    def enter(self, node: LexborNode) -> None:
        """Begin an element, or write a text."""
        tag = node.tag or ""
        if node.is_text_node:
            text = unfolded(node.text_content or "")
            self._runs.append(Run(text, frozenset(self._marks), self._links[-1] if self._links else None))
        elif tag in _MEDIA:
            self.dropped["media"] += 1
        elif tag in _FRAMES:
            self.dropped["frames"] += 1
        elif tag in MARKS:
            self._marks.append(MARKS[tag])
        elif tag == "a":
            self._links.append(resolved(node.attributes.get("href") or "", self._base))
        elif tag in _BREAKS:
            self.end_line()
            self._heading = tag in _HEADINGS
            if self._group is not None:
                self._group.enter(tag)
            elif tag in _GROUPS:
                self._group = Group(_GROUPS[tag], tag)

    def leave(self, node: LexborNode) -> None:
        """End an element."""
        tag = node.tag or ""
        if tag in MARKS:
            self._marks.remove(MARKS[tag])
        elif tag == "a":
            self._links.pop()
        elif tag in _BREAKS:
            self.end_line()
            self._heading = self._heading and tag not in _HEADINGS
            if self._group is not None and self._group.leave(tag):
                self.blocks += self._group.blocks()
                self._group = None

    def end_line(self) -> None:
        """What was written since the last break is one line."""
        line, self._runs = line_of(self._runs), []
        if line is None:
            return
        block = heading(line.text) if self._heading else Block(BlockKind.PARAGRAPH, line.text, line.html)
        if self._group is None:
            self.blocks.append(block)
        else:
            self._group.add(block)


def _notes(dropped: Counter[str]) -> tuple[Note, ...]:
    notes = []
    if count := dropped["media"]:
        said = Text(
            f"正文中的 {count} 个图片或音视频未收入：它们的权利需单独授权",
            f"{count} pictures, sounds or films in the body left out: they have rights of their own",
        )
        notes.append(Note("media_left_out", "body", said))
    if count := dropped["frames"]:
        said = Text(
            f"正文中的 {count} 个内嵌页面未收入", f"{count} embedded frames in the body were left out"
        )
        notes.append(Note("frames_left_out", "body", said))
    return tuple(notes)
