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
        "建立数据库和签名密钥 · Make the database and the signing keys.",
    ),
    Deferred(
        "serve",
        f"{_PLACE}.init_serve:serve",
        "启动服务，按 Ctrl-C 停止 · Run the server until Ctrl-C or SIGTERM.",
    ),
    Deferred("ingest", f"{_PLACE}.ingest:ingest", "收稿，可指定文件或文件夹 · Ingest files and folders."),
    Deferred(
        "item", f"{_PLACE}.item:item", "查看、扣发、更正和撤回稿件 · Show, hold, correct and recall items."
    ),
    Deferred(
        "partner", f"{_PLACE}.partner:partner", "管理授权媒体 · Manage partners: media with a licence."
    ),
    Deferred(
        "mandate",
        f"{_PLACE}.mandate:mandate",
        "管理独家发布权 · Manage mandates: head agreements with owners.",
    ),
    Deferred(
        "licence",
        f"{_PLACE}.licence:licence",
        "管理授权协议 · Manage licences: dated agreements with partners.",
    ),
    Deferred("key", f"{_PLACE}.key:key", "管理授权媒体的密钥 · Issue, list and revoke partners' keys."),
    Deferred(
        "signing-key",
        f"{_PLACE}.signing_key:signing_key",
        "管理签名密钥 · Manage the server's keys that sign partners' keys.",
    ),
    Deferred(
        "explain",
        f"{_PLACE}.explain:explain",
        "说明可否使用及原因 · Explain why a use is allowed or refused.",
    ),
    Deferred(
        "trail", f"{_PLACE}.trail:trail", "查阅和核验审计记录 · List and prove the records of the trail."
    ),
    Deferred(
        "media", f"{_PLACE}.media_files:media", "核对和清理媒体文件 · Check and tidy the files of media."
    ),
    Deferred(
        "pull", f"{_PLACE}.pull:pull", "让文件夹与授权稿件保持一致 · Keep a folder in step with a licence."
    ),
    Deferred(
        "report",
        f"{_PLACE}.report:report",
        "报表：用量、月结单、未撤稿件 · Report usage and open take-downs.",
    ),
    Deferred(
        "clock",
        f"{_PLACE}.clock:clock",
        "核对本机时钟与审计记录 · Compare this machine's clock with the trail.",
    ),
    Deferred(
        "completion",
        f"{_PLACE}.completion:completion",
        "打印命令补全脚本 · Print the completion script of a shell.",
    ),
    Deferred(
        "demo", f"{_PLACE}.demo:demo", "准备示范数据，可重复执行 · Make a demonstration; safe to repeat."
    ),
)
