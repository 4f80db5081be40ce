"""The servers that are compared: each a process of its own, on the first core, on a port of 127.0.0.1."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.bench.machine import SERVER_CORE, program
from tests.support.servers import free_port

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    """A server under way: the process that was started, and its port."""

    pid: int
    port: int


@contextmanager
def ours(
    data: Path,
    *,
    workers: int = 1,
    module: str = "syndicate",
    cores: Sequence[int] = (SERVER_CORE,),
    pin: bool = False,
    checkout: Path = PROJECT,
) -> Iterator[Server]:
    """This server on a data folder; of another module, the same with something held back."""
    port = free_port()
    environ = {"SYNDICATE_BASE_URL": f"http://127.0.0.1:{port}", "PYTHONPATH": str(checkout)}
    words = ["--data", str(data), "serve", "--port", str(port), "--host", "127.0.0.1"]
    words += ["--workers", str(workers)] if workers > 1 else []
    words += ["--pin"] if pin else []
    # The working directory too: `python -m` looks there first.
    with started([sys.executable, "-m", module, *words], port, environ, cores, cwd=checkout) as server:
        yield server


@contextmanager
def bare(files: Path, *, with_feedgen: bool = False) -> Iterator[Server]:
    """Bare aiohttp that answers the bytes of `files`, or builds a feed with feedgen at every request."""
    port = free_port()
    words = [sys.executable, "-m", "tests.bench.bare", str(files), str(port)]
    with started(words + (["--feedgen"] if with_feedgen else []), port) as server:
        yield server


@contextmanager
def nginx(folder: Path) -> Iterator[Server | None]:
    """The same files by nginx, one process, `gzip_static`, no access log; None where there is no nginx."""
    path = program("nginx")
    if path is None:
        yield None
        return
    port = free_port()
    folder.chmod(0o755)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"""
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; types {{ application/rss+xml rss; }}
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; gzip_static on; }}
}}
"""
    )
    with started([path, "-c", str(configuration), "-p", str(folder)], port) as server:
        yield server


@contextmanager
def started(
    command: list[str],
    port: int,
    environ: Mapping[str, str] | None = None,
    cores: Sequence[int] = (SERVER_CORE,),
    cwd: Path = PROJECT,
) -> Iterator[Server]:
    """A server process on these cores, ready; ended with SIGTERM."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=cwd,
            env={**os.environ, **(environ or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, set(cores)),
        )
        try:
            _wait(process, port, log)
            yield Server(process.pid, port)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: IO[str]) -> None:
    for _ in range(4800):  # a machine may be busy with other things
        if process.poll() is not None:
            log.seek(0)
            raise SystemExit(f"a contestant ended at once: {process.args!r}\n{log.read()[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"a contestant did not answer: {process.args!r}")
