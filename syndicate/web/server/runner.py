"""Run the server: check everything at start, one or several workers on one socket, drain at SIGTERM."""

from __future__ import annotations

import asyncio
import errno
import gc
import multiprocessing
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from threading import Event
from time import monotonic
from typing import cast

import aiohttp.http_parser
import structlog
import uvloop
from aiohttp import web

from syndicate.config import Settings
from syndicate.errors import NotStampable, SyndicateError
from syndicate.language import Text
from syndicate.model.actors import SCHEDULER
from syndicate.services.delivery.line_check import check_line_of_settings
from syndicate.web.routes import build
from syndicate.web.server import aiohttp_internals
from syndicate.web.server.access_log import configure
from syndicate.web.server.connection import IDLE_SECONDS, ConnectionServer
from syndicate.web.server.draining import DRAIN, drain
from syndicate.web.server.error_answers import unparsable
from syndicate.web.server.worker import WORKER
from syndicate.wiring import Services, opened

_log = structlog.get_logger("syndicate.serving")

BACKLOG = 1024
_COLLECT_AFTER = 25_000
"""New objects after which a worker looks for garbage among the newest, which takes a millisecond or two."""
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STOP_SECONDS = 20.0
_RESTART_PAUSE = 1.0
_MAX_DEATHS, _DEATHS_WITHIN = 5, 20.0
"""The supervisor gives up after so many deaths per worker within so many seconds."""


class CannotServe(SyndicateError):
    """The server refuses to start."""

    code = "cannot_serve"


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int = 1,
    pin: bool = False,
    listening: Callable[[], None] = lambda: None,
) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code.

    `pin` gives each worker a core of its own. `listening` is called once, when the port is bound. Raises
    CannotServe, StoreFault, KeyringFault, or Faulty for the settings, before anything is served.
    """
    configure()
    refuse_unsafe_python()
    cores: Sequence[int | None] = cores_for(workers) if pin else [None] * workers
    asyncio.run(_check(settings))
    bound = listen(host, port)
    try:
        listening()
        if workers == 1:
            work(settings, bound, cores[0])
            return 0
        return _supervise(settings, bound, cores)
    finally:
        bound.close()


def refuse_unsafe_python() -> None:
    """Raise CannotServe for an unsupported aiohttp, one without its C parser, or under `python -O`."""
    refuse_unsupported_aiohttp(aiohttp_internals.installed_version())
    if aiohttp.http_parser.HttpRequestParser is aiohttp.http_parser.HttpRequestParserPy:
        raise CannotServe(
            Text(
                "aiohttp 的 C 解析器不可用，拒绝启动：请安装带二进制扩展的 aiohttp，"
                "并去掉环境变量 AIOHTTP_NO_EXTENSIONS",
                "aiohttp runs without its C parser, which lets more hostile requests through: install "
                "aiohttp with its extensions, and unset AIOHTTP_NO_EXTENSIONS",
            )
        )
    if sys.flags.optimize:
        raise CannotServe(
            Text(
                "不能在 python -O 下运行：它会去掉检查",
                "python -O removes checks that this server needs: run it without -O",
            )
        )


def cores_for(workers: int) -> list[int]:
    """One core of this process's for each worker. Raises CannotServe where there are not as many."""
    if not hasattr(os, "sched_setaffinity"):
        raise CannotServe(
            Text(
                "本系统不支持 --pin：请去掉这个选项",
                "this system cannot keep a process on one core: leave out --pin",
            )
        )
    cores = sorted(os.sched_getaffinity(0))
    if workers > len(cores):
        raise CannotServe(
            Text(
                f"--pin 要求每个工作进程独占一个处理器核：本进程可用 {len(cores)} 个，"
                f"--workers 为 {workers}；请减少 --workers，或去掉 --pin",
                f"--pin needs a core for each worker: this process may use {len(cores)}, and --workers is "
                f"{workers}: use fewer workers, or leave out --pin",
            )
        )
    return cores[:workers]


def refuse_unsupported_aiohttp(installed: str) -> None:
    """Raise CannotServe unless this version of aiohttp is supported and has the internals in use."""
    needed = ".".join(map(str, aiohttp_internals.MINIMUM))
    series = ".".join(map(str, aiohttp_internals.SERIES))
    if not aiohttp_internals.version_is_supported(installed):
        raise CannotServe(
            Text(
                f"已安装的 aiohttp 是 {installed}，本版本需要 {series} 系列的 {needed} 或更新版本："
                f"pip install 'aiohttp~={needed}'",
                f"aiohttp {installed} is installed; this release needs {needed} or newer of the {series} "
                f"series: pip install 'aiohttp~={needed}'",
            )
        )
    missing = asyncio.run(aiohttp_internals.missing_internals())
    if missing:
        names = ", ".join(missing)
        raise CannotServe(
            Text(
                f"aiohttp {installed} 缺少本服务依赖的内部接口：{names}；请安装 aiohttp {needed}",
                f"aiohttp {installed} lacks internals that this server uses: {names}; "
                f"install aiohttp {needed}",
            )
        )


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket for all workers. Raises CannotServe where the address is not available."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as why:
        if why.errno == errno.EADDRINUSE:
            other = 9000 if port != 9000 else 9001
            raise CannotServe(
                Text(
                    f"端口 {port} 已被占用；可换一个端口，例如 make run PORT={other}，"
                    f"或 serve --port {other}",
                    f"port {port} is taken; choose another one, for example: make run PORT={other}, "
                    f"or serve --port {other}",
                )
            ) from why
        raise CannotServe(
            Text(f"无法监听 {host}:{port}：{why}", f"cannot listen on {host}:{port}: {why}")
        ) from why
    listening.setblocking(False)
    return listening


def work(settings: Settings, listening: socket.socket, core: int | None = None) -> None:
    """Run one worker on this socket until SIGTERM or SIGINT; with `core`, on that core alone.

    On one core a thread that wakes another costs a sixth of what it costs across two.
    """
    if core is not None:
        os.sched_setaffinity(0, {core})
    configure()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, listening))


async def _check(settings: Settings) -> None:
    """Raise unless store and signing keys can be read and belong together, and media files be written.

    Raises Faulty where the settings ask for a visible line that cannot be drawn.
    """
    async with opened(settings) as services:
        await services.files.check()
        await services.stamped_files.check()
        await asyncio.to_thread(check_line_of_settings, services.visible_lines, settings)
        await _check_line_of_licences(services)
        await services.signing_keys.load(services.store)
        await services.keys.check_signing_keys(SCHEDULER)


async def _check_line_of_licences(services: Services) -> None:
    """Write an error to the log where a licence needs a visible line that cannot be drawn.

    The server begins all the same: those previews stay here, text and all other files go on.
    """
    register, _ = await services.rights_cache.read()
    licences = register.licences_with_line(services.clock())
    if licences:
        try:
            await asyncio.to_thread(services.visible_lines.check)
        except NotStampable as error:
            _log.error("visible_line_unavailable", licences=licences, why=error.why.en)


class Runner(web.AppRunner):
    """aiohttp's runner with a `ConnectionServer` in place of its server."""

    async def _make_server(self) -> web.Server:
        await super()._make_server()
        listener = ConnectionServer(
            cast("Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]", self.app._handle),
            errors=unparsable(self.app),
            request_cache=self.app[WORKER].request_cache,
            request_factory=self.app._make_request,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=IDLE_SECONDS / 2,
            access_log=None,
        )
        listener.start()
        return listener


async def _work(settings: Settings, listening: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    parent = multiprocessing.parent_process()
    if parent is not None:
        loop.add_reader(parent.sentinel, stop.set)
    async with opened(settings) as services:
        await services.signing_keys.load(services.store)
        services.load()
        app = build(services)
        runner = Runner(app, shutdown_timeout=DRAIN)
        await runner.setup()
        # What is here now stays: looking through it for garbage stops every answer for a tenth of a second.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
        site = web.SockSite(runner, listening, backlog=BACKLOG)
        await site.start()
        _log.info("serving", address=":".join(map(str, listening.getsockname()[:2])))
        scheduler = asyncio.create_task(services.scheduler.work())
        await stop.wait()
        scheduler.cancel()
        await asyncio.gather(scheduler, return_exceptions=True)
        if parent is not None:
            loop.remove_reader(parent.sentinel)
        await drain(app, runner, site, listening)
        _log.info("stopped")


def _supervise(settings: Settings, listening: socket.socket, cores: Sequence[int | None]) -> int:
    """Keep a worker alive for each core: replace one that dies, pass a stop signal on, and wait for all.

    None: wherever the system puts it.
    """
    context = multiprocessing.get_context("spawn")
    stopping = Event()
    # A signal wakes the wait below at once: our copy of the socket must be closed before the workers
    # close theirs, or a client that connects in between is reset.
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())

    def start(core: int | None) -> BaseProcess:
        process = context.Process(target=work, args=(settings, listening, core), name="syndicate-worker")
        # The worker inherits the mask: a stop signal waits until it can end in order. Begun only now, the
        # process that tracks resources would take the mask away.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return process

    def stop(*_: object) -> None:
        stopping.set()
        for process in processes:
            if process.is_alive():
                process.terminate()

    processes: list[BaseProcess] = []
    for number in _STOP_SIGNALS:
        signal.signal(number, stop)
    processes += [start(core) for core in cores]
    deaths: deque[float] = deque(maxlen=len(cores) * _MAX_DEATHS)
    while not stopping.is_set():
        wait([woken, *(process.sentinel for process in processes)])
        for index, process in enumerate(processes):
            if not stopping.is_set() and not process.is_alive():
                _log.error("worker_died", exit_code=process.exitcode)
                deaths.append(monotonic())
                if len(deaths) == deaths.maxlen and deaths[-1] - deaths[0] < _DEATHS_WITHIN:
                    _log.error("giving_up", why="workers die as soon as they are started")
                    stop()
                    return 1
                wait([woken], timeout=_RESTART_PAUSE)
                processes[index] = start(cores[index])
    stop()  # also a worker that was started while the signal came
    listening.close()
    deadline = monotonic() + _STOP_SECONDS
    for process in processes:
        process.join(max(0.0, deadline - monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
    return 0 if all(process.exitcode == 0 for process in processes) else 1
