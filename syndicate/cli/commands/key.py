"""`key`: partners' keys are issued, listed, revoked."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import click

from syndicate.cli.app import Group, acting, with_services
from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.failures import Bilingual, typed
from syndicate.cli.ui.id_prefix import complete_id
from syndicate.cli.ui.key_state import signers, state
from syndicate.cli.ui.output import Column, Output, iso
from syndicate.cli.ui.partner_letter import Letter, private_file
from syndicate.cli.ui.proof_io import PATH
from syndicate.language import Lang, Text
from syndicate.model.parties import PartnerId
from syndicate.model.register import Key
from syndicate.services.rights.key_service import MOST_DAYS, IssuedKey
from syndicate.wiring import Services


@click.group(cls=Group)
def key() -> None:
    """管理授权媒体的密钥 · Issue, list and revoke partners' keys.

    \b
    例 · Example:
      syndicate key issue zjol --label 网站 --days 180
    """


@key.command()
@click.argument("partner", metavar="PARTNER")
@click.option("--label", default="", metavar="L", help="备注，如用途 · a note, such as what it is for")
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS),
    default=365,
    show_default=True,
    metavar="N",
    help=f"有效天数，1 至 {MOST_DAYS} · valid for so many days",
)
@click.option(
    "--letter",
    is_flag=True,
    help="连同给授权媒体的接入说明一起输出 · with a letter to the partner, ready to send",
)
@click.option(
    "--language",
    type=click.Choice([one.value for one in Lang]),
    default=Lang.ZH.value,
    help="信的语言，默认中文 · language of the letter",
)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE",
    help="信写入新文件，仅本人可读 · write the letter to a new file, mode 600",
)
@with_services
async def issue(
    services: Services,
    voice: Output,
    partner: str,
    label: str,
    days: int,
    letter: bool,
    language: str,
    out: Path | None,
) -> None:
    """签发密钥，只显示这一次 · Issue a key; it is shown only once.

    --letter 输出一封可以直接发给授权媒体的信：密钥、地址、怎样取稿、须知、联系方式。

    With --letter: a letter, ready to send, with the key, addresses, first steps, duties and contact.

    \b
    例 · Example:
      KEY=$(syndicate key issue zjol --label 网站 --days 180)
      syndicate key issue zjol --letter --out ~/给浙江在线的信.txt
    """
    if out is not None and not letter:
        raise Bilingual(Text("--out 需与 --letter 同用", "--out goes with --letter"))
    with nullcontext() if out is None else private_file(out) as file:
        with typed(Text("未签发密钥", "no key was issued")):
            issued = await services.keys.issue(acting(), PartnerId(partner), label=label, days=days)
        made = issued.key
        text = (await _letter(services, issued, voice)).text(Lang(language)) if letter else None
        if file is not None and text is not None:
            file.write(text)
    if voice.json:
        about = {"token": issued.token, "jti": made.jti, "kid": made.kid, "expires": iso(made.expires)}
        voice.give(about if text is None else {**about, "letter": text})
    elif out is None:
        print(issued.token if text is None else text, flush=True)
    else:
        voice.say(Text(f"信已写入 {out}", f"the letter is in {out}"))
    voice.aside(
        Text(
            f"已为 {partner} 签发密钥 {made.jti}，{voice.moment(made.expires)} 到期。"
            "此密钥只显示这一次，请立即妥善保存。",
            f"issued key {made.jti} to {partner}; it expires at {voice.moment(made.expires)}. "
            "It is shown only this once: keep it safe now.",
        )
    )


@key.command("list")
@click.argument("partner", metavar="[PARTNER]", required=False)
@with_services
async def list_(services: Services, voice: Output, partner: str | None) -> None:
    """列出密钥及最近使用时间 · List keys with their last use, newest first.

    \b
    例 · Example:
      syndicate key list zjol
    """
    keys = await services.keys.keys(None if partner is None else PartnerId(partner))
    now, ring = services.clock(), await signers(services, voice)
    if voice.json:
        for one in keys:
            voice.give(_key(one, state(one, now, ring)))
        return
    voice.table(
        [
            Column(Text("密钥", "key (jti)")),
            Column(Text("授权媒体", "partner")),
            Column(Text("备注", "label"), tight=False),
            Column(Text("状态", "state")),
            Column(Text("签发", "issued")),
            Column(Text("到期", "expires")),
            Column(Text("最近使用", "last used")),
        ],
        [
            (
                one.jti,
                one.partner,
                one.label,
                agreement_words.STATES[state(one, now, ring)].in_(voice.lang),
                voice.moment(one.issued),
                voice.moment(one.expires),
                voice.moment(one.last_used),
            )
            for one in keys
        ],
        empty=Text(
            "还没有密钥。用 syndicate key issue PARTNER 签发",
            "there is no key yet; issue one: syndicate key issue PARTNER",
        ),
    )


@key.command()
@click.argument("jti", metavar="JTI")
@with_services
async def revoke(services: Services, voice: Output, jti: str) -> None:
    """撤销密钥，立即生效 · Revoke a key, at once and on every worker.

    编号可只写开头几位（至少四位），只要不与别的密钥相同。

    The beginning of the id is enough: four characters or more, with which no other key id begins.

    \b
    例 · Example:
      syndicate key revoke 0f8b6c0e
    """
    known = [one.jti for one in await services.keys.keys()]
    revoked = await services.keys.revoke(acting(), complete_id(jti, known, Text("密钥", "key")))
    voice.give(_key(revoked, "revoked"))
    voice.say(
        Text(
            f"密钥 {revoked.jti}（授权媒体 {revoked.partner}）已撤销，不可恢复",
            f"key {revoked.jti} of partner {revoked.partner} is revoked, for good",
        )
    )


async def _letter(services: Services, issued: IssuedKey, voice: Output) -> Letter:
    """Return the letter to the partner of a new key. What staff should mend before it is sent is said."""
    register, publisher, now = (
        await services.rights.register(),
        services.settings.publisher,
        services.clock(),
    )
    partner = register.partners[issued.key.partner]
    licences = [one for one in register.licences_of(partner.id) if one.window.state(now) != "ended"]
    if not licences:
        voice.aside(
            Text(
                f"注意：{partner.id} 没有有效的授权协议，密钥取不到稿件",
                f"note: {partner.id} has no licence in force: the key opens no item",
            )
        )
    if urlsplit(publisher.base_url).hostname in ("127.0.0.1", "localhost", "::1"):
        voice.aside(
            Text(
                f"注意：信中的地址 {publisher.base_url} 只有本机能打开；发信之前请设置 base_url",
                f"note: only this machine reaches {publisher.base_url}, which the letter names: set "
                "base_url before you send it",
            )
        )
    return Letter(publisher, partner, licences, issued.key, issued.token)


def _key(one: Key, state: str) -> dict[str, object]:
    return {
        "jti": one.jti,
        "partner": one.partner,
        "kid": one.kid,
        "label": one.label,
        "state": state,
        "issued": iso(one.issued),
        "expires": iso(one.expires),
        "revoked": iso(one.revoked),
        "last_used": iso(one.last_used),
    }
