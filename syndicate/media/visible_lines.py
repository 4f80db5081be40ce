"""The visible line of a publisher: its font found and checked, and a name for what is drawn with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from syndicate.errors import NotStampable
from syndicate.language import Text
from syndicate.media.file_writing import check_font
from syndicate.media.pictures.line_font import VisibleLine, known_font
from syndicate.media.worker_pool import MediaWorkers


class VisibleLines:
    """Draws the line of one publisher. One per process; any thread may use it."""

    def __init__(self, text: str, font: Path | None) -> None:
        """`text` is the attribution line. `font` None: the first known font that the machine has."""
        self._text, self._font = text, font
        self._digest: tuple[tuple[str, int, int], str] | None = None

    @property
    def line(self) -> VisibleLine | None:
        """The line and its font, which may still be unfit; None where this machine has no known font."""
        font = self._font or known_font()
        return None if font is None else VisibleLine(self._text, font)

    def check(self) -> VisibleLine:
        """Return the line after its font was tried. Raises NotStampable, which says what to install."""
        line = self._found()
        workers = MediaWorkers()  # of its own: what is refused here may end the command
        try:
            workers.run(line.font.name, check_font, line)
        finally:
            workers.close()
        return line

    def named(self) -> tuple[VisibleLine, list[str]]:
        """Return the line, and its text with the SHA-256 of its font: the same pixels for the same name.

        Raises NotStampable where there is no font.
        """
        line = self._found()
        try:
            state = line.font.stat()
            version = (str(line.font), state.st_mtime_ns, state.st_size)
            known = self._digest
            if known is None or known[0] != version:
                with line.font.open("rb") as file:
                    known = version, hashlib.file_digest(file, "sha256").hexdigest()
                self._digest = known
        except OSError as error:
            raise NotStampable(
                Text(f"无法读取字体 {line.font}", f"the font {line.font} cannot be read")
            ) from error
        return line, [line.text, known[1]]

    def _found(self) -> VisibleLine:
        line = self.line
        if line is None:
            raise NotStampable(
                Text(
                    "本机没有中文字体；请安装（apt-get install fonts-noto-cjk），或以"
                    " publisher.visible_line_font 写明字体文件",
                    "this machine has no font with Chinese characters: install one (apt-get install"
                    " fonts-noto-cjk), or name its file with publisher.visible_line_font",
                )
            )
        return line
