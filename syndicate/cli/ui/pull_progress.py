"""Progress of `pull` in the terminal: each change, waits, and the summary."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from syndicate.cli.ui.output import Output, printable
from syndicate.language import Text, size_text

if TYPE_CHECKING:
    from syndicate.client.client_errors import InvalidResponse
    from syndicate.client.media_fetch import FileOutcome
    from syndicate.client.sync_outcomes import Outcome
    from syndicate.errors import SyndicateError
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
_FILES: Final = {
    "fetched": Text("取到", "fetched"),
    "unchanged": Text("未变", "unchanged"),
    "removed": Text("不再提供", "not given any more"),
}
"""What became of a file, in words."""
_SHORT_WAIT: Final = 120
"""Waits shorter than this are shown in seconds, longer ones by the time at which they end."""


class PullProgress:
    """Report progress: each entry and file on stdout, waits and errors on stderr.

    `count` moves a spinner; `measure` moves a bar by bytes: how many have come, of how many.
    """

    def __init__(
        self,
        voice: Output,
        count: Callable[[], None] | None = None,
        measure: Callable[[int, int], None] | None = None,
    ) -> None:
        self._voice, self._count, self._measure = voice, count, measure
        self.counts: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self._came = 0

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

    def on_file(self, outcome: FileOutcome) -> None:
        """Write one line for a file of a media item."""
        voice, result = self._voice, outcome.result.value
        self.files[result] += 1
        voice.give(
            {
                "seq": None,
                "action": "file",
                "id": outcome.id,
                "version": outcome.version,
                "result": result,
                "rendition": outcome.rendition.value,
                "file": f"media/{outcome.name}",
                "size": outcome.size,
            }
        )
        voice.say(f"{_FILES[result].in_(voice.lang)}  media/{outcome.name}  {size_text(outcome.size)}")

    def on_file_failed(self, error: SyndicateError, seconds: float | None) -> None:
        """Report a file that did not come, and when it is asked for again."""
        if seconds is None:
            self._voice.aside(error.text + Text("；下次运行再取", "; the next run tries again"))
        else:
            self.on_wait(error.text, seconds)

    def on_bytes(self, came: int, left: int) -> None:
        """Move the bar."""
        self._came += came
        if self._measure is not None:
            self._measure(self._came, self._came + left)

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
        files = self.files["fetched"]
        zh += f"，取到 {files} 个文件" if files else ""
        en += f", {files} files fetched" if files else ""
        return Text(f"本次：{zh}；现持有 {held} 篇", f"this run: {en}; {held} held now")


@contextmanager
def show_progress(voice: Output) -> Iterator[PullProgress]:
    """Show the progress of the block; with a spinner on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield PullProgress(voice)
        return
    # Here, not above: rich takes long to load.
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text as RichText

    class Amount(DownloadColumn):
        """Entries as their number; files by their bytes, of how many."""

        def render(self, task: Task) -> RichText:
            return RichText(str(int(task.completed))) if task.total is None else super().render(task)

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        Amount(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        task = bar.add_task(Text("读取中", "reading").in_(voice.lang), total=None)
        files = bar.add_task(Text("取文件", "files").in_(voice.lang), total=None, visible=False)
        yield PullProgress(
            voice,
            lambda: bar.update(task, advance=1),
            lambda came, total: bar.update(files, completed=came, total=total, visible=True),
        )
