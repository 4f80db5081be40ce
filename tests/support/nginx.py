"""The real nginx with the configuration that we ship."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.servers import PROJECT, free_port, listens


def _configuration(folder: Path, port: int, upstream: str, changes: Mapping[str, str]) -> Path:
    """The configuration that we ship, without TLS, on ports of this test and with its files here."""
    shipped = (PROJECT / "deploy" / "nginx.conf").read_text()
    shipped = re.sub(r"(?ms)^server \{\n    listen 80;.*?^\}\n", "", shipped, count=1)
    shipped = re.sub(r"(?m)^ *(ssl_|listen 443 ).*$", "", shipped)
    for shipped_words, words in changes.items():
        assert shipped_words in shipped
        shipped = shipped.replace(shipped_words, words)
    shipped = shipped.replace("127.0.0.1:8080", upstream)
    shipped = shipped.replace("server_name syndicate", f"listen 127.0.0.1:{port}; server_name syndicate")
    shipped = re.sub(r"/var/l(og|ib)/nginx", str(folder), shipped)
    kinds = ("proxy", "client_body", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{ worker_connections 256; }}\nhttp {{ {temporary}\n{shipped}\n}}\n"
    )
    return path


@asynccontextmanager
async def nginx_before(
    upstream: str, folder: Path, changes: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """nginx before the server at `upstream` (`http://host:port`), with its logs in `folder`; its address.

    `changes` are words of the shipped configuration and what stands there instead. Skips the test where
    there is no nginx.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    folder.mkdir(parents=True)
    port = free_port()
    conf = _configuration(folder, port, upstream.removeprefix("http://"), changes or {})
    early = folder / "early.log"
    process = subprocess.Popen([program, "-e", str(early), "-c", str(conf)])
    try:
        until = time.monotonic() + 20
        while not listens(port):
            assert process.poll() is None, early.read_text()
            assert time.monotonic() < until
            await asyncio.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
