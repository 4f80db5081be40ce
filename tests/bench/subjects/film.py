"""Measure the memory of a worker while fifty slow readers take a film of two gigabytes.

ffmpeg makes the film of random pictures. It goes through `ingest` and leaves with the stamp inside. Each
reader takes 16 KiB at a time, then all of them read as fast as they can.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from syndicate.config import load as settings_of
from syndicate.wiring import opened
from tests.bench import contestants, load
from tests.bench.agreements import MANDATES, licence, partner
from tests.bench.commands import checked
from tests.bench.contestants import Server
from tests.bench.machine import memory, program
from tests.bench.partners import add_partners
from tests.bench.rows import Bench, Row
from tests.support.factories import STAFF

NAMES = ("film",)
GOAL: Final = 1.5
READERS: Final = 50
SIP: Final = 16 << 10
"""Bytes that a reader takes at a time, and what its kernel holds for it."""
ROUND: Final = 16
"""Times that each reader reads between two looks at the memory."""
PAUSE: Final = 0.5
"""Seconds between two rounds of slow readers."""
SLOW: Final = 8
"""Rounds with that pause."""
FAST: Final = 2 << 30
"""Bytes that leave after these, without any pause."""
FRAMES: Final = 980
"""Of 1280 × 720 pixels without loss, at 2.2 MB each: a bit more than two gigabytes."""
SIDECAR: Final = """headline = "钱塘江大潮全程实录"
source = "萧山网-萧山电视台"
published = {day}T09:00:00+08:00
"""


def rows(bench: Bench) -> Iterator[Row]:
    """The row of this subject, if it is wanted."""
    if not bench.wants(*NAMES):
        return
    ffmpeg = program("ffmpeg")
    if ffmpeg is None:
        bench.say("film: left out, ffmpeg is not installed")
        return
    data, newsroom = bench.scratch / "film-data", bench.scratch / "film-newsroom"
    bench.say("film: ffmpeg makes two gigabytes")
    size = _make(ffmpeg, newsroom)
    checked(["--data", str(data), "init"])
    key = asyncio.run(_licensed(data))
    cost = checked(["--data", str(data), "ingest", str(newsroom)])
    bench.say(f"film: taken in, {cost.wall:.0f} s")
    with contestants.ours(data) as server:
        yield _measured(bench, server, {"Authorization": f"Bearer {key}"}, size, cost.memory)


def _make(ffmpeg: str, newsroom: Path) -> int:
    """Write the film and its sidecar; its size in bytes."""
    newsroom.mkdir()
    film = newsroom / "film.mp4"
    source = ["-f", "rawvideo", "-s", "1280x720", "-pix_fmt", "yuv420p", "-r", "25", "-i", "/dev/urandom"]
    codec = ["-frames:v", str(FRAMES), "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0"]
    subprocess.run([ffmpeg, "-v", "error", "-nostdin", *source, *codec, str(film)], check=True)
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
    (newsroom / "film.toml").write_text(SIDECAR.format(day=day))
    return film.stat().st_size


async def _licensed(data: Path) -> str:
    """A mandate of the film, and the key of a partner who may have it."""
    async with opened(settings_of(None, {}, data=data)) as services:
        for number, mandate in enumerate(MANDATES):
            await services.rights.add_mandate(STAFF, mandate, f"mandate-{number}.toml")
        (key,) = (await add_partners(services, {partner(0): licence(0)})).values()
        return key


def _measured(bench: Bench, server: Server, key: dict[str, str], size: int, taking_in: int) -> Row:
    feed = json.loads(load.ask(server.port, "/licensed/feeds/all.json", key).body)
    [film] = (
        one for item in feed["items"] for one in item["attachments"] if one["mime_type"] == "video/mp4"
    )
    whole = load.request_bytes(server.port, urlsplit(film["url"]).path, key)
    with ExitStack() as stack:
        begun = time.perf_counter()
        _begin(stack, server.port, whole).close()
        first = time.perf_counter() - begun
        bench.say(f"film: stamped, {first:.0f} s")
        before = memory(server.pid)[0]
        readers = [_begin(stack, server.port, whole) for _ in range(READERS)]
        most, read = 0, 0
        for number in range(SLOW):
            time.sleep(PAUSE if number else 0)
            read += _read(readers)
            most = max(most, memory(server.pid)[0])
        bench.say(f"film: {READERS} slow readers, {most / 2**20:.0f} MB")
        while read < FAST:
            read += _read(readers)
            most = max(most, memory(server.pid)[0])
    ratio = most / before
    return Row(
        "film",
        f"memory of a worker with {READERS} readers of a film of {size / 2**30:.1f} GiB / without",
        "not measured",
        f"≤ {GOAL} ×",
        f"{ratio:.2f} ×",
        ratio <= GOAL,
        f"{before / 2**20:.0f} MB without, {most / 2**20:.0f} MB while {read / 2**30:.1f} GiB leave, "
        f"first slowly, then fast; whoever came first waited {first:.0f} s until the stamp was written; "
        f"`ingest` had {taking_in / 2**20:.0f} MB at most",
    )


def _begin(stack: ExitStack, port: int, request: bytes) -> socket.socket:
    """A connection that has asked, and has had the head of the answer. Raises SystemExit."""
    reader = stack.enter_context(socket.socket())
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIP)
    reader.settimeout(120)
    reader.connect(("127.0.0.1", port))
    reader.sendall(request)
    head = reader.recv(4096, socket.MSG_PEEK)
    if not head.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"the film was not given: {head[:300]!r}")
    return reader


def _read(readers: Sequence[socket.socket]) -> int:
    """Let each reader read `ROUND` times; how many bytes came."""
    return sum(len(reader.recv(SIP)) for _ in range(ROUND) for reader in readers)
