"""A real S3-compatible server for tests: OpenStack Swift, begun once for each process that tests."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from syndicate.store.files.s3_place import S3Place
from tests.support.servers import PROJECT

BUCKET, ACCESS_KEY, SECRET_KEY = "media", "test:tester", "secret-of-the-test"


@dataclass
class S3Server:
    """A server with one bucket; `older` is the port of the same as older releases answer."""

    folder: Path
    port: int = 0
    older: int = 0
    process: subprocess.Popen[str] = field(init=False)

    def begin(self) -> None:
        """Begin, or begin again with what is in the folder, on the same port."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.swift_server", str(self.folder), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline().split()
        assert len(said) == 2, "Swift did not begin; what it said stands above"
        self.port, self.older = map(int, said)

    def kill(self) -> None:
        """End at once, in the middle of what it does."""
        self.process.kill()
        self.process.communicate()

    def place(self, *, older: bool = False, **changes: object) -> S3Place:
        """A place of its own in the bucket."""
        settings: dict[str, object] = {
            "bucket": BUCKET,
            "prefix": f"tests/{uuid.uuid4().hex}",
            "endpoint": f"http://127.0.0.1:{self.older if older else self.port}",
            "credentials": {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY},
            "seconds": 20.0,
            "retries": 2,
        }
        return S3Place(**{**settings, **changes})  # type: ignore[arg-type]


def _skip_elsewhere() -> None:
    if find_spec("swift") is None:
        pytest.skip("OpenStack Swift, which runs on Linux, is not installed: pip install --group test")


@cache
def s3_server() -> S3Server:
    """The server that the tests of this process share; it ends with the process."""
    _skip_elsewhere()
    folder = Path(tempfile.mkdtemp(prefix="syndicate-swift-"))
    server = S3Server(folder)
    server.begin()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.kill)
    return server
