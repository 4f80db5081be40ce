"""What `pull` says while it works: each entry and what it did, what is waited for, and the sum."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from syndicate.cli.ui.output import Output, printable
from syndicate.language import Text

if TYPE_CHECKING:
    from rich.progress import Progress

    from syndicate.client.client_errors import WrongAnswer
    from syndicate.client.sync import Outcome
    from syndicate.model.item import ItemId

_RESULTS: Final = {
    "new": Text("新收", "new"),
    "replaced": Text("替换", "replaced"),
    "unchanged": Text("未变", "unchanged"),
    "removed": Text("移除", "removed"),
    "absent": Text("未持有", "absent"),
    "offered": Text("可提前获取", "offered"),
}
"""What became of an entry, in words."""
_SHORT_WAIT: Final = 120
"""Waits shorter than this are shown in seconds, longer ones by the time at which they end."""


class PullProgress:
    """Says what happens: each entry on stdout, how it goes on stderr."""

    def __init__(self, voice: Output, bar: Progress) -> None:
        self._voice, self._bar = voice, bar
        self._task = bar.add_task(Text("读取中", "reading").in_(voice.lang), total=None)
        self.counts: Counter[str] = Counter()

    def became(self, outcome: Outcome) -> None:
        """One line for one entry, and for people what an entry says that they must know."""
        voice, entry, result = self._voice, outcome.entry, outcome.result.value
        self.counts[result] += 1
        self._bar.update(self._task, advance=1)
        voice.give(
            {
                "seq": outcome.seq,
                "action": outcome.action,
                "id": outcome.id,
                "version": outcome.version,
                "result": result,
            }
        )
        version = "" if outcome.version is None else f" v{outcome.version}"
        voice.say(f"{_RESULTS[result].in_(voice.lang)}  {outcome.id}{version}  {outcome.action}")
        if entry is None or outcome.action == "put":
            return
        if why := " ".join(part for part in (entry.reason, entry.clause, entry.note) if part):
            # What the server wrote stays on its line: it must not look like one of ours.
            said = printable(why, lines=False)
            voice.aside(Text(f"    原因：{said}", f"    why: {said}"))
        if entry.until is not None:
            until = voice.exactly(entry.until)
            voice.aside(Text(f"    禁发至 {until}", f"    embargoed until {until}"))

    def unreadable(self, id: ItemId, error: WrongAnswer) -> None:  # noqa: ARG002 - `sync` passes it
        """An item is left for later."""
        self._voice.aside(
            error.text + Text("；暂不收入，稍后再取", "; not taken in, asked for again later")
        )

    def waits(self, why: Text, seconds: float) -> None:
        """Nothing happens for a while."""
        if seconds < _SHORT_WAIT:
            shown = max(1, round(seconds))
            self._voice.aside(why + Text(f"，{shown} 秒后再试", f"; trying again in {shown} s"))
        else:
            at = self._voice.moment(datetime.now(UTC) + timedelta(seconds=seconds))
            self._voice.aside(why + Text(f"，{at} 再试", f"; trying again at {at}"))

    def in_step(self, held: int) -> None:
        """Said whenever the end is reached after something changed."""
        if not held:
            self._voice.aside(Text("已同步，尚无稿件", "in step, nothing held"))
            return
        self._voice.aside(Text(f"已同步，持有 {held} 篇", f"in step, {held} held"))

    def summary(self, held: int) -> Text:
        """How many became what."""
        parts = [(name, self.counts[word]) for word, name in _RESULTS.items() if self.counts[word]]
        zh = "，".join(f"{name.zh} {count}" for name, count in parts) or "没有变化"
        en = ", ".join(f"{count} {name.en}" for name, count in parts) or "nothing changed"
        return Text(f"本次：{zh}；现持有 {held} 篇", f"this run: {en}; {held} held now")


@contextmanager
def telling(voice: Output) -> Iterator[PullProgress]:
    """A teller, with a sign of life on stderr where that is a screen."""
    # Here, not above: rich takes long to load.
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        yield PullProgress(voice, bar)
