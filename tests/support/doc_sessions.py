"""The sessions that documents show are run: each `console` block, in order, on a data folder of its own.

A line that begins with `$ ` is a command; the lines up to the next one are what it prints, on both streams.
Times, ids, keys, digests and numbers of the change sequence differ from run to run: each stands for any
value of its kind, a later command that names the document's value gets the real one, and one value is shown
as the same everywhere in a document. `…` inside a line stands for any text, a line of `…` alone for any
lines.

`python -m tests.support.doc_sessions FILE…` writes what the commands really print into the documents.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from syndicate import clock
from syndicate.cli import main
from syndicate.config import load
from syndicate.web.routes import build as build_app
from syndicate.web.server.access_log import AccessLog
from syndicate.web.server.runner import Runner
from syndicate.wiring import opened
from tests.support.pictures import camera_exif, encoded, face_xmp, picture, segment, with_segments

CHINESE: Final = Path(__file__).parents[2] / "docs" / "zh"

_OWN: Final = Path(sys.executable).parent
"""The `python3` and `syndicate` of this environment, which readers of the documents have in PATH."""

_MADE: Final = tempfile.TemporaryDirectory(prefix="doc-sessions-")
"""What `_made_once` has made, for as long as this process runs."""

CHINA: Final = timezone(timedelta(hours=8))
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`([^`\n]+)`：\n\n```(?:text|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PRIVATE = re.compile(r"\(umask 077; (syndicate [^$|;&]+)\)")
_ASSIGNMENT = re.compile(r"([A-Z_]+)=\$\(cat ([^)]+)\)")

_VARIES = re.compile(
    r"""(?P<any>…)
    | (?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:\ ?[+-]\d\d:\d\d|Z)?)
    | (?P<signature>(?<![\w+/])[\w+/]{40,}=)
    | (?P<item>\b\d{8}-[a-z0-9]{10}\b)
    | (?P<token>eyJ[\w.-]+)
    | (?P<hex>\b[0-9a-f]{16,64}\b)
    | (?P<kid>(?<![\w-])[\w-]{43}(?![\w-]))
    | (?P<number>\b\d{16}\b)""",
    re.VERBOSE,
)
_KINDS: Final = {
    "any": r".*?",
    "time": r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?: ?[+-]\d\d:\d\d|Z)?",
    "signature": r"[\w+/]{40,}=",
    "item": r"\d{8}-[a-z0-9]{10}",
    "token": r"eyJ[\w.-]+",
    "hex": r"[0-9a-f]{16,64}",
    "kid": r"[\w-]{43}",
    "number": r"\d{16}",
}
_CARRIED: Final = ("hex", "item", "kid", "number")
"""What a later command may name."""


class MovedDatetime(datetime):
    """`datetime`, with a `now` that was set and goes on from there."""

    ahead: timedelta = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> MovedDatetime:
        return cls.fromtimestamp(time.time(), tz) + cls.ahead


def set_clock(local: str) -> None:
    """Let the machine's clock say this time, in China."""
    then = datetime.strptime(local, "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
    MovedDatetime.ahead = then - datetime.now(UTC)


@dataclass
class Session:
    """A folder in which the commands of one document run."""

    folder: Path
    server: str = ""
    """The address at which a server of this folder's data really listens, where there is one."""
    real: dict[str, str] = field(default_factory=dict)
    """For a value that the document shows: what it is in this run."""
    shown: dict[str, str] = field(default_factory=dict)
    """For a value of this run: what the document shows for it, which is the same everywhere in it."""
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, line: str) -> str:
        """What a command prints, at the end of which there may be `> FILE`. It takes a second."""
        MovedDatetime.ahead += timedelta(seconds=1)
        for shown, real in self.real.items():
            line = line.replace(shown, real)
        if self.server:
            line = line.replace("http://127.0.0.1:8080", self.server)
        if assignment := _ASSIGNMENT.fullmatch(line):
            self.variables[assignment[1]] = self._path(assignment[2]).read_text().strip()
            return ""
        if private := _PRIVATE.fullmatch(line):
            before = os.umask(0o077)
            try:
                return self._syndicate(private[1])
            finally:
                os.umask(before)
        if re.fullmatch(r"syndicate [^$|;&]+", line):
            return self._syndicate(line)
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env={
                **os.environ,
                "HOME": str(self.home),
                "PATH": f"{_OWN}:{os.environ['PATH']}",
                **self.variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout

    @property
    def home(self) -> Path:
        """What `~` is in this session."""
        return self.folder / "home"

    def _path(self, word: str) -> Path:
        """The file that a word of a command names."""
        return self.home / word[2:] if word.startswith("~/") else self.folder / word

    def _syndicate(self, line: str) -> str:
        """Enter the command in this process, which saves its start."""
        words = [str(self._path(word)) if word.startswith("~/") else word for word in shlex.split(line)[1:]]
        out = err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        target = None
        if ">" in words:
            target = self._path(words[words.index(">") + 1])
            del words[words.index(">") :]
            out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with _inside(self.folder), redirect_stdout(out), redirect_stderr(err):
            main(words)
        if target is not None:
            target.write_text(_text(out), encoding="utf-8")
        return _text(err)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def write_files(document: str, folder: Path) -> None:
    """Write each file that the document shows under a line that ends with its name and a colon."""
    for name, content in _FILE.findall(document):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def steps(block: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that it is said to print."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def _squeezed(line: str) -> str:
    return re.sub(r"\s+", " ", line).strip()


def _pattern(line: str) -> tuple[str, list[str]]:
    """A line as a pattern, and the values in it that a later command may name, one for each group."""
    pattern, values, end = "", [], 0
    squeezed = _squeezed(line)
    for found in _VARIES.finditer(squeezed):
        kind = found.lastgroup
        assert kind is not None
        carried = kind in _CARRIED
        pattern += re.escape(squeezed[end : found.start()])
        pattern += f"({_KINDS[kind]})" if carried else f"(?:{_KINDS[kind]})"
        values += [found[0]] if carried else []
        end = found.end()
    return pattern + re.escape(squeezed[end:]), values


def _carried(lines: list[str]) -> list[str]:
    return [value for line in lines for value in _pattern(line)[1]]


def values_that_differ(shown: list[str], printed: str) -> dict[str, str] | None:
    """For the document's values, those of this run; None where something else was printed than is shown."""
    lines = [_squeezed(line) for line in printed.splitlines() if line.strip()]
    whole = ""
    values: list[str] = []
    for line in (line for line in shown if line.strip()):
        if line.strip() == "…":
            whole += r"(?:.*\n)*?"
            continue
        pattern, some = _pattern(line)
        whole, values = whole + pattern + r"\n", values + some
    found = re.fullmatch(whole, "".join(f"{line}\n" for line in lines))
    return None if found is None else dict(zip(values, found.groups(), strict=True))


def check(document: str, session: Session) -> None:
    """Run every block of a document. Fails at the first command that prints another thing than is shown."""
    write_files(document, session.folder)
    for block in _BLOCK.findall(document):
        for command, shown in steps(block):
            printed = session.run(command)
            values = values_that_differ(shown, printed)
            if values is None:
                pytest.fail(f"$ {command}\n--- shown\n{chr(10).join(shown)}\n--- printed\n{printed}")
            for value, real in values.items():
                if session.shown.setdefault(real, value) != value:
                    pytest.fail(f"$ {command}\nshows {value} for what was {session.shown[real]} before")
            session.real.update(values)


def rewritten(document: str, session: Session) -> str:
    """The document with what its commands print, where that is another thing than it shows."""
    write_files(document, session.folder)
    renewed: dict[str, str] = {}

    def block(found: re.Match[str]) -> str:
        lines = []
        for command, shown in steps(found[1]):
            printed = session.run(command)
            values = values_that_differ(shown, printed)
            if values is None:
                old, shown = shown, printed.rstrip().splitlines()
                values = dict(zip(_carried(old), _carried(shown), strict=False))
                renewed.update(values)
            session.real.update(values)
            lines += [f"$ {command}", *shown]
        text = "\n".join(line.rstrip() for line in lines)
        for value, new in renewed.items():
            text = text.replace(value, new)
        return f"```console\n{text}\n```"

    return _BLOCK.sub(block, document)


@contextmanager
def _moved_clock() -> Iterator[None]:
    """The clock of every command in this process can be set with `set_clock`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SYNDICATE_")]:
            patch.delenv(name)
        patch.setenv("SYNDICATE_ACTOR", "王敏")
        patch.setattr(clock, "datetime", MovedDatetime)
        yield


_DAY = ("at 2026-11-30 09:00", "syndicate demo")
_PARTNER = (
    "syndicate partner add zjol --name 浙江在线 --domain zjol.com.cn",
    "syndicate licence add XSW-2026-017.toml",
)
_KEY = ("(umask 077; syndicate key issue zjol --label 网站 --days 180 > ~/zjol.key)",)
_READ = ("KEY=$(cat ~/zjol.key)", 'curl -s -u "zjol:$KEY" http://127.0.0.1:8080/licensed/feeds/all.json')

_PHOTOS = (
    "picture 图片/湖边的早晨.jpg",
    (
        "picture 图片/游船开航.jpg photoshop:Headline=湘湖游船开航 dc:description=第一班游船离开码头。"
        " dc:creator=王琳 photoshop:Source=萧山网-萧山日报 photoshop:DateCreated=2026-11-30T08:10:00+08:00"
    ),
    (
        "picture 图片/钱江潮.jpg photoshop:Headline=钱江潮涌 photoshop:Credit=新华社"
        " photoshop:DateCreated=2026-11-30T08:20:00+08:00"
    ),
    "picture 稿件/花海.jpg",
)

BEFORE: dict[str, tuple[str, ...]] = {
    "first-feed.md": ("at 2026-11-30 09:00", "syndicate demo --media", "serve"),
    "write-a-licence.md": _DAY,
    "issue-and-rotate-keys.md": (*_DAY, *_PARTNER),
    "ingest-from-the-newsroom.md": _DAY,
    "publish-pictures.md": (*_DAY, *_PHOTOS),
    "publish-sound-and-film.md": _DAY,
    "hold-and-recall.md": (*_DAY, *_PARTNER, *_KEY, "serve"),
    "make-the-month-end-statement.md": (*_DAY, *_PARTNER, *_KEY, "serve", *_READ, "at 2026-12-01 09:00"),
    "read-the-trail.md": (*_DAY, *_PARTNER, *_KEY, "serve", *_READ),
    "integrate-as-a-partner.md": (*_DAY, "serve"),
    "read-the-archive.md": (*_DAY, "serve"),
    "keep-a-copy-in-step.md": (*_DAY, *_PARTNER, *_KEY, "serve"),
}
"""What happened before a document begins: commands, `at` a time by the clock, and whether it is served.

`picture PATH FIELD=VALUE…` is a photo that lies there, with these fields of XMP inside.
"""


@contextmanager
def prepared_session(name: str) -> Iterator[Session]:
    """A session in a folder of its own, in which has happened what the document starts from."""
    before = BEFORE[name]
    alike = before[: before.index("serve")] if "serve" in before else before
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(_moved_clock())
        session = Session(folder)
        made, then = _made_once(alike)
        shutil.copytree(made, folder, dirs_exist_ok=True)
        MovedDatetime.ahead = then - datetime.now(UTC)
        write_files((CHINESE / name).read_text(encoding="utf-8"), folder)
        for line in before[len(alike) :]:
            _step(line, session, stack)
        yield session


@cache
def _made_once(steps: tuple[str, ...]) -> tuple[Path, datetime]:
    """A folder to copy, in which these steps have happened, and the time at their end."""
    folder = Path(tempfile.mkdtemp(dir=_MADE.name))
    with ExitStack() as stack:
        if len(steps) > 1:
            made, then = _made_once(steps[:-1])
            shutil.copytree(made, folder, dirs_exist_ok=True)
            MovedDatetime.ahead = then - datetime.now(UTC)
        else:
            write_files((CHINESE / "write-a-licence.md").read_text(encoding="utf-8"), folder)
            Session(folder).home.mkdir()
        _step(steps[-1], Session(folder), stack)
    return folder, MovedDatetime.now(UTC)


def _step(line: str, session: Session, stack: ExitStack) -> None:
    """Do what a line of `BEFORE` says."""
    if line.startswith("at "):
        set_clock(line.removeprefix("at "))
    elif line.startswith("picture "):
        _photo(session.folder, *line.split()[1:])
    elif line == "serve":
        session.server = stack.enter_context(served(session.folder / "var"))
    else:
        session.run(line)


def _photo(folder: Path, name: str, *fields: str) -> None:
    """A photo as a camera and a photo desk leave it; another one for each name."""
    image = picture(2400, 1600)
    image.putpixel((0, 0), (sum(name.encode()) % 256, len(name), 0))
    inside = ""
    for field_, value in (one.split("=", 1) for one in fields):
        list_ = {"dc:creator": "Seq", "dc:description": "Alt"}.get(field_)
        text = value if list_ is None else f"<rdf:{list_}><rdf:li>{value}</rdf:li></rdf:{list_}>"
        inside += f"<{field_}>{text}</{field_}>"
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + face_xmp(inside))
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(with_segments(encoded(image, "JPEG", exif=camera_exif()), xmp))


@contextmanager
def served(data: Path) -> Iterator[str]:
    """A server of this data folder, in a thread of its own; its address."""
    started: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        end = asyncio.Event()
        async with opened(load(None, {}, data=data)) as services:
            runner = Runner(build_app(services, AccessLog(io.StringIO())))
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                address = f"http://127.0.0.1:{runner.addresses[0][1]}"
                started.set_result((address, asyncio.get_running_loop(), end))
                await end.wait()
            finally:
                await runner.cleanup()

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(asyncio.run, serve())
        address, loop, end = started.result(30)
        try:
            yield address
        finally:
            loop.call_soon_threadsafe(end.set)
            ended.result(30)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        document = Path(name)
        with prepared_session(document.name) as session:
            document.write_text(rewritten(document.read_text(encoding="utf-8"), session), encoding="utf-8")
