"""`signing-key`: the keys with which the server signs partners' keys, and where they are kept."""

from __future__ import annotations

import click

from syndicate.cli.app import Command, Group, acting, with_services
from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.id_prefix import complete_id
from syndicate.cli.ui.key_state import state
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.language import Text
from syndicate.wiring import Services


@click.group("signing-key", cls=Group)
def signing_key() -> None:
    """管理签名密钥 · Manage the server's keys that sign partners' keys.

    \b
    例 · Example:
      syndicate signing-key rotate
    """


@signing_key.command("list")
@with_services
async def list_signing(services: Services, voice: Output) -> None:
    """列出签名密钥 · List signing keys.

    \b
    例 · Example:
      syndicate signing-key list
    """
    ring = await services.signing_keys.load(services.store)
    if voice.json:
        for one in ring.keys:
            moments = {"created": one.created, "rotated": one.rotated, "retired": one.retired}
            said = {name: iso(at) for name, at in moments.items()}
            voice.give({"kid": one.kid, "state": one.state.value, **said})
        return
    voice.table(
        [
            Column(Text("编号", "kid")),
            Column(Text("状态", "state")),
            Column(Text("生成", "created")),
            Column(Text("换下", "rotated")),
            Column(Text("停用", "retired")),
        ],
        [
            (
                one.kid,
                agreement_words.STATES[one.state.value].in_(voice.lang),
                voice.moment(one.created),
                voice.moment(one.rotated),
                voice.moment(one.retired),
            )
            for one in ring.keys
        ],
        empty=Text("还没有签名密钥。请执行 syndicate init", "there is no signing key; run: syndicate init"),
    )


@signing_key.command()
@click.option(
    "--lost",
    is_flag=True,
    help="数据库登记的签名密钥已丢失：换用新的，撤销旧密钥签发的一切密钥 · "
    "the known signing keys are lost: revoke what they signed",
)
@with_services
async def rotate(services: Services, voice: Output, lost: bool) -> None:
    """更换签名密钥 · Sign with a new key; old signatures stay valid.

    \b
    例 · Example:
      syndicate signing-key rotate
    """
    if lost:
        kid = await services.keys.replace_lost_signing_keys(acting())
        more = Text(
            "丢失的签名密钥已停用，由它们签发的密钥已全部撤销；请为授权媒体重新签发",
            "the lost signing keys are retired and every key that they signed is revoked; "
            "issue new ones to the partners",
        )
    else:
        kid = await services.keys.rotate_signing_key(acting())
        more = Text(
            "旧密钥签发的密钥仍然有效，直到执行 syndicate signing-key retire KID",
            "keys signed by the old one stay valid until: syndicate signing-key retire KID",
        )
    voice.give({"kid": kid, "state": "current"})
    voice.say(Text(f"新的签名密钥：{kid}", f"the new signing key: {kid}"))
    voice.aside(more)


class _TakesKid(Command):
    """A signing key's id may begin with a hyphen, even with `-h`, and is no option then.

    Alone, `-h` asks for help.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["--help" if word == "-h" else word for word in args])


@signing_key.command(
    cls=_TakesKid,
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("kid", metavar="KID")
@with_services
async def retire(services: Services, voice: Output, kid: str) -> None:
    """停用签名密钥及其签发的密钥 · Retire a signing key and all it signed.

    \b
    例 · Example:
      syndicate signing-key retire KID
    """
    ours = await services.signing_keys.listed(services.store)
    kid = complete_id(kid, [one.kid for one in ours], Text("签名密钥", "signing key"))
    keys, now = await services.keys.keys(), services.clock()
    closed = [one for one in keys if one.kid == kid and state(one, now, None) == "in_force"]
    await services.keys.retire_signing_key(acting(), kid)
    voice.give({"kid": kid, "state": "retired", "closes": [one.jti for one in closed]})
    voice.say(
        Text(
            f"签名密钥 {kid} 已停用；由它签发的 {len(closed)} 把密钥即刻失效",
            f"signing key {kid} is retired; keys that it signed and that open no more: {len(closed)}",
        )
    )


@signing_key.command()
@with_services
async def wrap(services: Services, voice: Output) -> None:
    """加密存入数据库，供各机共用 · Keep the keys in the database, encrypted.

    连同审计记录的签名密钥。先设好 SYNDICATE_KEY_ENCRYPTION_KEY_FILE。存入后，本机的私钥文件即被删除；
    其他机器上的副本，在那台机器上再执行一次本命令即可删除。

    The trail's keys go with them. Set SYNDICATE_KEY_ENCRYPTION_KEY_FILE first. The private files in this
    machine's folder are deleted afterwards; run it again on every machine that has a copy.

    \b
    例 · Example:
      syndicate signing-key wrap
    """
    done = await services.key_wrapping.wrap(acting())
    voice.give({"place": "database", "moved": done.moved, "kek": done.kek, "files_deleted": done.files})
    if done.moved:
        voice.say(
            Text(
                f"签名密钥已加密存入数据库（加密用的密钥：{done.kek}）",
                f"the signing keys are in the database, encrypted with the key-encryption key {done.kek}",
            )
        )
    else:
        voice.say(Text("签名密钥早已在数据库中", "the signing keys were in the database already"))
    voice.aside(
        Text(
            f"已删除私钥文件 {done.files} 个。请另行备份加密用的密钥：没有它，数据库中的签名密钥无法使用",
            f"private files deleted: {done.files}. Back up the key-encryption key apart from the database: "
            "without it nobody can use the signing keys",
        )
    )


@signing_key.command()
@with_services
async def unwrap(services: Services, voice: Output) -> None:
    """取出存为本机文件 · Take the keys out of the database, into files here.

    \b
    例 · Example:
      syndicate signing-key unwrap
    """
    await services.key_wrapping.unwrap(acting())
    folder = services.settings.keys
    voice.give({"place": "folder", "folder": str(folder)})
    voice.say(Text(f"签名密钥已移到 {folder}", f"the signing keys are in {folder}"))
    voice.aside(
        Text(
            "其他机器需要这个文件夹的副本，否则不再能验证密钥",
            "every other machine needs a copy of this folder, or verifies no key any more",
        )
    )


@signing_key.command()
@with_services
async def rewrap(services: Services, voice: Output) -> None:
    """改用新的密钥加密 · Encrypt the keys anew under a new key-encryption key.

    先在每台机器存放密钥的文件里把新的写在第一行，旧的留在第二行，再执行本命令，最后删去旧的。

    First put the new key-encryption key on the first line of every machine's file, with the old one below;
    then run this; then take the old one away.

    \b
    例 · Example:
      syndicate signing-key rewrap
    """
    count, kek = await services.key_wrapping.rewrap(acting())
    voice.give({"rewrapped": count, "kek": kek})
    voice.say(
        Text(
            f"已用 {kek} 重新加密 {count} 把签名密钥；旧的可以从各机的设置中删去",
            f"signing keys encrypted anew under {kek}: {count}. The old key-encryption key may go now",
        )
    )
