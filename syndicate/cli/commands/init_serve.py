"""`init` makes the database and the keys once; `serve` runs the server."""

from __future__ import annotations

import asyncio

import click

from syndicate.cli.app import Command, acting, given
from syndicate.cli.ui.failures import WrongSettings
from syndicate.errors import Faulty
from syndicate.language import Text, verbatim
from syndicate.model.actors import Way
from syndicate.wiring import Initialised, initialise


@click.command(cls=Command)
def init() -> None:
    """建立数据库和签名密钥 · Make the database and the signing keys.

    \b
    例 · Example:
      syndicate --data /srv/syndicate init
    """
    settings, voice = given().settings(), given().voice()
    made = asyncio.run(initialise(settings, acting()))
    voice.give(
        {
            "data": str(settings.data),
            "database": settings.database_shown,
            "keys": "database" if made.keys_in_database else str(settings.keys),
            "database_made": made.database,
            "signing_key": made.signing_key,
            "trail_key": made.trail_key,
        }
    )
    stored = Text("（加密存于数据库）", " (in the database, encrypted)")
    if made.database:
        voice.say(Text("数据库已就绪：", "the database is ready: ") + verbatim(settings.database_shown))
    if made.signing_key is not None:
        where = verbatim(made.signing_key) + (
            stored if made.keys_in_database else verbatim(f" ({settings.keys})")
        )
        voice.say(Text("签名密钥已生成：", "a signing key was made: ") + where)
    if made.trail_key is not None:
        folder = verbatim(f" ({settings.keys / 'trail'})")
        where = verbatim(made.trail_key) + (stored if made.keys_in_database else folder)
        voice.say(Text("审计记录的签名密钥已生成：", "the trail's signing key was made: ") + where)
    if made == Initialised(False, None, None, made.keys_in_database):
        voice.say(Text("均已就绪，无需改动", "everything was there already; nothing was changed"))


@click.command(cls=Command)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="监听地址 · address to listen on",
    metavar="HOST",
)
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="端口 · port",
    metavar="PORT",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="工作进程数 · worker processes",
    metavar="N",
)
@click.option(
    "--pin",
    is_flag=True,
    help="每个工作进程固定用一个处理器核，适合专用服务器 · "
    "a core of its own for each worker, on a machine that serves nothing else",
)
@click.option(
    "--demo",
    "demonstration",
    is_flag=True,
    help="先备好示范，端口开放后显示试用办法 · make the demonstration and say what to try",
)
def serve(host: str, port: int, workers: int, pin: bool, demonstration: bool) -> int:
    """启动服务，按 Ctrl-C 停止 · Run the server until Ctrl-C or SIGTERM.

    \b
    例 · Example:
      syndicate serve --port 9000 --workers 2
      syndicate serve --workers 2 --pin
    """
    # Here, not above: of all commands this one alone needs the web server.
    from syndicate.cli.commands.demo import message_for, prepare
    from syndicate.web.server import runner

    settings, voice = given().settings(), given().voice()
    shown = asyncio.run(prepare(settings, acting(Way.DEMO), voice, media=True)) if demonstration else None
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    voice.give({"event": "starting", "address": address, "base_url": settings.base_url, "workers": workers})
    voice.aside(Text(f"启动中，监听 {address}", f"starting on {address}"))
    if settings.base_url != address:
        voice.aside(Text(f"对外地址 {settings.base_url}", f"readers reach it as {settings.base_url}"))

    def listening() -> None:
        voice.give({"event": "ready", "address": address})
        if shown is None:
            voice.aside(Text(f"已就绪：{address}", f"ready: {address}"))
        else:
            voice.say(message_for(shown, settings, serving=True))

    try:
        return runner.serve(settings, host=host, port=port, workers=workers, pin=pin, listening=listening)
    except Faulty as faulty:
        raise WrongSettings(faulty) from None
