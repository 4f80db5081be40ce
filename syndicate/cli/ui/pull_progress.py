"""Progress of `pull` in the terminal: each change, waits, and the summary."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from syndicate.cli.ui.output import Output, printable
from syndicate.language import Text

if TYPE_CHECKING:
    from syndicate.client.client_errors import InvalidResponse
    from syndicate.client.sync import Outcome
    from syndicate.model.item import ItemId

_RESULTS: Final = {
    "new": Text("新收", "new"),
    "replaced": Text("替换", "replaced"),
    "unchanged": Text("未变", "unchanged"),
    "removed": Text("移除", "removed"),
    "absent": Text("未持有", "absent"),
    "offered": Text("可提前取得", "offered"),
}
"""The results of an entry, in words."""
_SHORT_WAIT: Final = 120
"""Waits shorter than this are shown in seconds, longer ones by the time at which they end."""


class PullProgress:
    """Report progress: each entry on stdout, waits and errors on stderr. `count` moves a spinner."""

    def __init__(self, voice: Output, count: Callable[[], None] | None = None) -> None:
        self._voice, self._count = voice, count
        self.counts: Counter[str] = Counter()

    def on_outcome(self, outcome: Outcome) -> None:
        """Write one line for an entry; for people also its reason and its embargo."""
        voice, entry, result = self._voice, outcome.entry, outcome.result.value
        self.counts[result] += 1
        if self._count is not None:
            self._count()
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
            reason = printable(why, lines=False)
            voice.aside(Text(f"    原因：{reason}", f"    why: {reason}"))
        if entry.until is not None:
            until = voice.exactly(entry.until)
            voice.aside(Text(f"    禁发至 {until}", f"    embargoed until {until}"))

    def on_unreadable(self, id: ItemId, error: InvalidResponse) -> None:  # noqa: ARG002 - `sync` passes it
        """Report an item whose document is invalid."""
        self._voice.aside(
            error.text + Text("；暂不收入，稍后再取", "; not taken in, asked for again later")
        )

    def on_wait(self, why: Text, seconds: float) -> None:
        """Report a wait of so many seconds."""
        if seconds < _SHORT_WAIT:
            shown = max(1, round(seconds))
            self._voice.aside(why + Text(f"，{shown} 秒后再试", f"; trying again in {shown} s"))
        else:
            at = self._voice.moment(datetime.now(UTC) + timedelta(seconds=seconds))
            self._voice.aside(why + Text(f"，{at} 再试", f"; trying again at {at}"))

    def on_synced(self, held: int) -> None:
        """Report that the folder is in step."""
        if not held:
            self._voice.aside(Text("已同步，尚无稿件", "in step, nothing held"))
            return
        self._voice.aside(Text(f"已同步，持有 {held} 篇", f"in step, {held} held"))

    def summary(self, held: int) -> Text:
        """Return the count of each result."""
        parts = [(name, self.counts[word]) for word, name in _RESULTS.items() if self.counts[word]]
        zh = "，".join(f"{name.zh} {count}" for name, count in parts) or "没有变化"
        en = ", ".join(f"{count} {name.en}" for name, count in parts) or "nothing changed"
        return Text(f"本次：{zh}；现持有 {held} 篇", f"this run: {en}; {held} held now")


@contextmanager
def show_progress(voice: Output) -> Iterator[PullProgress]:
    """Show the progress of the block; with a spinner on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield PullProgress(voice)
        return
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
    )
    with bar:
        task = bar.add_task(Text("读取中", "reading").in_(voice.lang), total=None)
        yield PullProgress(voice, lambda: bar.update(task, advance=1))
