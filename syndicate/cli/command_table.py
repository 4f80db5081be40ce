"""Every command by its name, with its module and its first line of help.

The list is what `syndicate --help` and completion read: neither imports a command. The order is that of
use. A test holds each line of help to the command's own.
"""

from __future__ import annotations

from typing import Final

from syndicate.cli.app import Deferred

_PLACE: Final = "syndicate.cli.commands"

COMMANDS: Final = (
    Deferred(
        "init",
        f"{_PLACE}.init_serve:init",
        "建立数据库和签名密钥 · Make database and signing key; safe to repeat.",
    ),
    Deferred(
        "serve",
        f"{_PLACE}.init_serve:serve",
        "启动服务，直到 SIGTERM 或 Ctrl-C · Serve until SIGTERM or Ctrl-C.",
    ),
    Deferred("ingest", f"{_PLACE}.ingest:ingest", "收稿：文件和文件夹 · Take in files and folders."),
    Deferred("item", f"{_PLACE}.item:item", "稿件 · Items."),
    Deferred("partner", f"{_PLACE}.partner:partner", "授权媒体 · Partners: media with a licence."),
    Deferred("mandate", f"{_PLACE}.mandate:mandate", "独家发布权 · Mandates: head agreements with owners."),
    Deferred(
        "licence", f"{_PLACE}.licence:licence", "授权协议 · Licences: dated agreements with partners."
    ),
    Deferred("key", f"{_PLACE}.key:key", "密钥 · Partners' keys."),
    Deferred(
        "signing-key", f"{_PLACE}.key:signing_key", "签名密钥 · The server's keys that sign partners' keys."
    ),
    Deferred("explain", f"{_PLACE}.explain:explain", "说明可否及缘由 · Why, and what would change it."),
    Deferred("trail", f"{_PLACE}.trail:trail", "审计记录 · The trail."),
    Deferred(
        "pull", f"{_PLACE}.pull:pull", "让文件夹与授权稿件保持一致 · Keep a folder in step with a licence."
    ),
    Deferred(
        "report",
        f"{_PLACE}.report:report",
        "报表：用量、月结与未撤稿件 · Usage, statements and open take-downs.",
    ),
    Deferred(
        "clock",
        f"{_PLACE}.clock:clock",
        "本机时钟与审计记录是否一致 · Whether this machine's clock fits the trail.",
    ),
    Deferred(
        "completion",
        f"{_PLACE}.completion:completion",
        "打印命令补全脚本 · Print the completion script of a shell.",
    ),
    Deferred("demo", f"{_PLACE}.demo:demo", "备好示范 · Make a demonstration; safe to repeat."),
)
