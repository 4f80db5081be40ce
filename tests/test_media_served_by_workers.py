"""Media behind two workers: in a folder with SQLite, and in an S3-compatible store with PostgreSQL."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.databases import set_database
from tests.support.media_house import RECORDINGS, STAMP, a_picture, licence, mandate
from tests.support.raw_http import Heard, answers, log_lines, until
from tests.support.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, s3_server
from tests.support.servers import ServerProcess, served
from tests.support.shell import Shell

__all__ = ["set_database"]

BASE_URL = "https://feeds.xsnet.example"
SIDECAR = """headline = "{headline}"
source = "萧山网-{outlet}"
published = 2026-11-02T09:00:00+08:00
"""
NEWSROOM = {
    "lake.jpg": (a_picture(), "湘湖的清晨", "萧山日报"),
    "sound.mp3": ((RECORDINGS / "sound.mp3").read_bytes(), "湘湖的声音", "萧山人民广播电台"),
    "film.mp4": ((RECORDINGS / "film.mp4").read_bytes(), "湘湖的船", "萧山电视台"),
}


@dataclass
class Served:
    """A house behind two workers, and the key of a partner."""

    shell: Shell
    server: ServerProcess
    token: str

    def get(self, path: str, *headers: str, token: str | None = None) -> Heard:
        """GET this on a new connection, with the partner's key unless another is given."""
        key = self.token if token is None else token
        lines = [f"GET {path} HTTP/1.1", "Host: a", "Connection: close", *headers]
        lines += [f"Authorization: Bearer {key}"] if key else []
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as line:
            line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            heard = b""
            while some := line.recv(1 << 18):
                heard += some
        (one,) = answers(heard)
        return one

    def attachments(self) -> list[dict[str, Any]]:
        """The files of every item of the partner's feed."""
        feed = json.loads(self.get("/licensed/feeds/all.json").body)
        return [one for item in feed["items"] for one in item.get("attachments", ())]

    def delivered(self) -> list[dict[str, Any]]:
        """The lines of files in the trail."""
        listed = self.shell.good("trail", "list", "--kind", "media_delivered", "--limit", "1000", "--json")
        return listed.lines

    def workers_of(self, asked: list[Heard]) -> set[int]:
        """The workers that answered these."""
        names = {one.headers["x-request-id"] for one in asked}

        def found() -> dict[str, int]:
            return {one["request_id"]: one["worker"] for one in log_lines(self.server.log)}

        until(lambda: names <= found().keys(), 20, "every answer has its line in the log")
        return {found()[name] for name in names}


@pytest.fixture(scope="module")
def house(set_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """On SQLite with files in a folder; on PostgreSQL with files in a bucket."""
    data = tmp_path_factory.mktemp("house") / "var"
    data.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        if set_database == "postgresql":
            place = s3_server().place()
            settings = data.with_name("settings.toml")
            settings.write_text(
                f'media = "s3://{BUCKET}/{place.prefix}"\nmedia_s3_endpoint = "{place.endpoint}"\n'
            )
            patch.setenv("SYNDICATE_CONFIG", str(settings))
            patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        # Its length is in every stamp, and so in the sizes that feeds say.
        patch.setenv("SYNDICATE_BASE_URL", BASE_URL)
        shell = Shell(data)
        token = _furnished(shell, data.with_name("newsroom"))
        with served(data, workers=2, environ={"SYNDICATE_BASE_URL": BASE_URL}) as server:
            yield Served(shell, server, token)
        assert server.process.code == 0


def _furnished(shell: Shell, newsroom: Path) -> str:
    """Take the files in with the commands of the newsroom; the key of a partner who may have them."""
    shell.good("init")
    newsroom.mkdir()
    for name, (data, headline, outlet) in NEWSROOM.items():
        (newsroom / name).write_bytes(data)
        (newsroom / f"{name}.toml").write_text(SIDECAR.format(headline=headline, outlet=outlet))
    (newsroom.parent / "mandate.toml").write_text(mandate())
    shell.good("mandate", "add", str(newsroom.parent / "mandate.toml"))
    shell.good("partner", "add", "hzw", "--name", "杭州网")
    (newsroom.parent / "licence.toml").write_text(licence("hzw", '"picture", "audio", "video"'))
    shell.good("licence", "add", str(newsroom.parent / "licence.toml"))
    taken = shell.good("ingest", str(newsroom), "--json").lines
    assert {one["action"] for one in taken} == {"created"}, taken
    token: str = shell.good("key", "issue", "hzw", "--json").json["token"]
    return token


def test_every_worker_gives_the_same_bytes_also_to_those_who_ask_first_and_at_once(house: Served) -> None:
    before = len(house.delivered())
    files = house.attachments()
    assert {one["mime_type"] for one in files} == {"image/jpeg", "audio/mpeg", "video/mp4"}
    total = 0
    with ThreadPoolExecutor(12) as pool:
        for file in files:
            path = urlsplit(file["url"]).path
            asked: list[Heard] = []
            for _ in range(10):
                asked += pool.map(house.get, [path] * 12)
                if len(house.workers_of(asked)) == 2:
                    break
            else:
                raise AssertionError("one worker took every connection")
            assert {one.status for one in asked} == {200}
            (content,) = {one.body for one in asked}
            assert len(content) == file["size_in_bytes"]
            assert STAMP.encode() in content or STAMP.encode("utf-16") in content
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            assert {one.headers["repr-digest"] for one in asked} == {f"sha-256=:{digest}:"}
            total += len(asked)
            part = house.get(path, "Range: bytes=-9")
            assert (part.status, part.body) == (206, content[-9:])
            total += 1
    assert len(house.delivered()) - before == total


def test_a_worker_that_dies_while_files_leave_costs_the_others_nothing(house: Served) -> None:
    film = next(one for one in house.attachments() if one["mime_type"] == "video/mp4")
    path = urlsplit(film["url"]).path
    asked = [house.get(path) for _ in range(4)]
    victim = next(iter(house.workers_of(asked)))
    os.kill(victim, signal.SIGKILL)
    known = {one.body for one in asked}

    def answered() -> bool:
        try:
            return house.get(path).body in known
        except (OSError, ValueError):
            return False  # the worker died under it

    until(answered, 60, "the other worker answers")
    verified = house.shell.good("media", "verify", "--json")
    assert verified.lines[-1]["damaged"] == verified.lines[-1]["missing"] == 0
