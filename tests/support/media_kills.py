"""A newsroom that hands in pictures, sound and film, and partners who download them while processes die."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import re
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from tests.support.ingest_helpers import article
from tests.support.recordings import RECORDINGS
from tests.support.servers import command
from tests.support.shell import Shell

_FILM = 1 << 20
_LONG_FILM = 16 << 20
"""Bytes of a film, and of the first one: more than a connection holds, so that kills hit it."""
_SIDECAR = 'headline = "{headline}"\nsource = "萧山网-{outlet}"\npublished = {day}T09:00:00+08:00\n'
_MANDATE = """number = "M-1"
holder = "萧山日报社"
outlets = ["daily", "tv", "radio"]
media = ["text", "picture", "audio", "video"]
exclusive = true
valid_from = 2015-01-01
"""
_LICENCE = """number = "L-1"
partner = "hzw"
valid_from = 2026-01-01
valid_until = 2099-01-01
[[grant]]
uses = ["reprint"]
outlets = ["daily", "tv", "radio"]
media = ["text", "picture", "audio", "video"]
"""


def furnished(shell: Shell) -> str:
    """A house with a mandate and a licence of all media; the key of its partner."""
    shell.good("init")
    for kind, text in (("mandate", _MANDATE), ("licence", _LICENCE)):
        file = shell.data.with_name(f"{kind}.toml")
        file.write_text(text)
        if kind == "licence":
            shell.good("partner", "add", "hzw", "--name", "杭州网")
        shell.good(kind, "add", str(file))
    token: str = shell.good("key", "issue", "hzw", "--json").json["token"]
    return token


def _with_padding(name: str, padding: bytes) -> bytes:
    """A recording of the tests with data at its end that no track names, which makes it another file."""
    return (RECORDINGS / name).read_bytes() + struct.pack(">I4s", 8 + len(padding), b"mdat") + padding


def hand_in(folder: Path, number: int) -> Path:
    """Write a folder with a story and its picture, a sound and a film, unlike those of other numbers."""
    day = datetime.now(UTC).date() - timedelta(days=1)
    folder = folder / f"{number}"
    folder.mkdir(parents=True)
    written = io.BytesIO()
    Image.effect_noise((480, 320), 20 + number % 80).save(written, "JPEG")
    (folder / "lake.jpg").write_bytes(written.getvalue())
    paragraphs = (f"湘湖第{number}次{words}，沿线新种了三千株樱花，周末就能去走一走。" for words in "春夏")
    picture = "<figure><img src='lake.jpg'><figcaption>湖边。记者 甲一 摄</figcaption></figure>"
    (folder / "story.html").write_text(article(
        picture.join(f"<p>{one}</p>" for one in paragraphs), headline=f"湘湖水质第{number}次提升",
        time=f"{day} 08:00"
    ))  # fmt: skip
    film = random.Random(number).randbytes(_LONG_FILM if number == 1 else _FILM)
    for name, padding, outlet in (
        ("sound.m4a", film[:64], "萧山人民广播电台"),
        ("film.mp4", film, "萧山电视台"),
    ):
        (folder / name).write_bytes(_with_padding(name, padding))
        said = _SIDECAR.format(headline=f"湘湖第{number}次{name}", outlet=outlet, day=day)
        (folder / f"{name}.toml").write_text(said)
    return folder


TAKEN = {"text": 1, "picture": 1, "audio": 1, "video": 1}
"""Items of each medium that such a folder is taken in as."""


def take_in(data: Path, folder: Path) -> list[str]:
    """Ingest the folder to its end, and return what became of its three documents."""
    done = command("ingest", str(folder), "--json", data=data)
    assert done.returncode == 0, done
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == 3, results
    actions = [one["action"] for one in results]
    actions_of_files = [one["action"] for result in results for one in result.get("media", ())]
    assert {*actions, *actions_of_files} <= {"created", "unchanged"}, results
    return actions


@dataclass(frozen=True)
class Received:
    """What a client had of an answer when it ended or the connection broke: `sha256` of the whole file as
    the head says, `whole` whether all of the body came."""

    name: str
    status: int
    sha256: str
    whole: bool


@dataclass
class Downloads:
    """Clients that ask for one file after the other, each on a new connection, whatever dies."""

    port: int
    token: str
    paths: list[str] = field(default_factory=list)
    long_film: str = ""
    """What every third client asks for, and plays rather than copies."""
    received: list[Received] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _busy: set[int] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, clients: int, seed: int) -> None:
        """Begin, with so many clients at once."""
        for number in range(clients):
            chance = random.Random(seed + number)
            self._threads.append(threading.Thread(target=self._go_on, args=(chance,)))
            self._threads[-1].start()

    def stop(self) -> None:
        """Let every client end what it has begun."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def cut(self) -> int:
        """How many answers broke off."""
        return sum(not one.whole for one in list(self.received))

    @property
    def under_way(self) -> int:
        """How many clients have a part of an answer and wait for the rest."""
        return len(self._busy)

    def look(self) -> None:
        """Learn the addresses of all that there is: with the key, and signed ones for players."""
        feed = json.loads(self._said("/licensed/feeds/all.json"))
        files = [one for item in feed["items"] for one in item.get("attachments", ())]
        if not self.long_film:
            self.long_film = urlsplit(max(files, key=lambda one: one["size_in_bytes"])["url"]).path
        urls = [one["url"] for one in files] + [item["image"] for item in feed["items"] if "image" in item]
        urls += re.findall(r'<enclosure [^>]*url="([^"]+)"', self._said("/licensed/feeds/all.podcast.rss"))
        self.paths = [urlsplit(url).path for url in urls]

    def _said(self, path: str) -> str:
        heard = b"".join(self._heard(path, ()))
        assert heard.startswith(b"HTTP/1.1 200 "), heard[:500]
        return heard.partition(b"\r\n\r\n")[2].decode()

    def _heard(self, path: str, headers: tuple[str, ...]) -> list[bytes]:
        """Whatever comes until the connection ends or breaks."""
        key = () if path.startswith("/media/") else (f"Authorization: Bearer {self.token}",)
        lines = (f"GET {path} HTTP/1.1", "Host: a", "Connection: close", *key, *headers)
        heard: list[bytes] = []
        with suppress(ConnectionError, TimeoutError), socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
            line.settimeout(60)
            line.connect(("127.0.0.1", self.port))
            line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            while some := line.recv(1 << 16):
                heard.append(some)
                self._busy.add(threading.get_ident())
                if path == self.long_film:
                    self._stop.wait(0.004)
        self._busy.discard(threading.get_ident())
        return heard

    def _go_on(self, chance: random.Random) -> None:
        while not self._stop.wait(chance.uniform(0, 0.1)):
            if not self.paths:
                continue
            path = self.long_film if chance.random() < 0.3 else chance.choice(self.paths)
            whole = chance.random() < 0.6
            heard = self._heard(path, () if whole else (f"Range: bytes={chance.randrange(3000)}-",))
            if heard:
                self._keep(path, b"".join(heard))

    def _keep(self, path: str, heard: bytes) -> None:
        top, blank, body = heard.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        said = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if not blank or status not in (200, 206):
            self.faults.append(f"{path}: {top!r} {body[:500]!r}")
            return
        length = int(said["content-length"])
        sha256 = base64.b64decode(said["repr-digest"].removeprefix("sha-256=:").rstrip(":")).hex()
        if len(body) > length:
            self.faults.append(f"{path}: {len(body)} bytes, not {length}")
        if status == 200 and len(body) == length and hashlib.sha256(body).hexdigest() != sha256:
            self.faults.append(f"{path}: not the bytes of its digest")
        self.received.append(Received(said["x-request-id"], status, sha256, len(body) == length))
