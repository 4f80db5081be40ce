"""The letter that goes with a new key: all that a partner needs to begin, ready to send."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

from syndicate.cli.ui import agreement_words
from syndicate.cli.ui.failures import Bilingual
from syndicate.language import Lang, Text, verbatim
from syndicate.model.parties import Partner, Publisher
from syndicate.model.register import Key
from syndicate.model.rights import Licence


@dataclass(frozen=True, slots=True)
class Letter:
    """What the letter says. `licences` are those in force or to come; `token` is the key itself."""

    publisher: Publisher
    partner: Partner
    licences: Sequence[Licence]
    key: Key
    token: str

    def text(self, lang: Lang) -> str:
        """Return the letter, one paragraph a section, with commands on lines of their own."""
        return "\n".join(part.in_(lang) for part in self._parts())

    def _parts(self) -> Iterator[Text]:
        yield from self._opening()
        yield from self._key()
        yield from self._addresses()
        yield from self._first_steps()
        yield from self._duties()
        contact = self.publisher.contact
        yield Text(
            f"五、联系\n\n要换密钥、改协议，或者取稿遇到问题，请联系：{contact}\n",
            f"5. Whom to ask\n\nFor another key, for the agreement, or where something fails: {contact}\n",
        )

    def _opening(self) -> Iterator[Text]:
        name, publisher = self.partner.name, self.publisher
        yield Text(
            f"{name}：\n\n贵方可以从{publisher.name}取用授权稿件了。信中有密钥，凭它即可取得全文："
            "请妥善保管，不要转发，也不要写进网址。\n",
            f"To {name}\n\nYou can now take licensed items from {publisher.name_en}. This letter holds "
            "your key, which opens the full text: keep it safe, do not forward it, and never write it into "
            "an address.\n",
        )

    def _key(self) -> Iterator[Text]:
        ends = self._local(self.key.expires)
        label = self.key.label
        yield Text("一、密钥\n", "1. The key\n")
        yield Text(f"  授权媒体编号：{self.partner.id}", f"  your id: {self.partner.id}")
        yield Text(f"  密钥编号：{self.key.jti}", f"  id of the key: {self.key.jti}")
        if label:
            yield Text(f"  用途：{label}", f"  for: {label}")
        zone = self.publisher.timezone
        yield Text(f"  到期：{ends}（{zone}）", f"  ends: {ends} ({zone})")
        yield Text("  密钥：", "  the key:") + verbatim(f"\n\n{self.token}\n")
        yield Text(
            "到期之前请向我方索取新的密钥。新旧两把可以同时使用，换好之后再停用旧的。\n",
            "Ask us for another before it ends. Two keys may be used at the same time while you change.\n",
        )

    def _addresses(self) -> Iterator[Text]:
        base = f"{self.publisher.base_url}/licensed"
        yield Text("二、地址\n", "2. Addresses\n")
        yield Text(
            f"  全部授权稿件：{base}/feeds/all.rss", f"  everything you may have: {base}/feeds/all.rss"
        )
        granted = {
            outlet for licence in self.licences for grant in licence.grants for outlet in grant.outlets
        }
        for outlet in sorted(granted):
            name = agreement_words.outlet_name(outlet, self.publisher)
            yield Text(f"  {name.zh}：{base}/feeds/{outlet}.rss", f"  {name.en}: {base}/feeds/{outlet}.rss")
        yield Text(
            f"  变更（新稿、更正、撤稿，一条不漏）：{base}/changes",
            f"  changes (new items, corrections, recalls, none missing): {base}/changes",
        )
        yield Text(
            f"  贵方的协议、密钥和配额：{base}/licence\n",
            f"  your licences, keys and quotas: {base}/licence\n",
        )
        yield Text(
            "订阅源还有 .atom 和 .json 两种格式，内容相同。\n",
            "Each feed also comes as .atom and .json, with the same content.\n",
        )

    def _first_steps(self) -> Iterator[Text]:
        base, name = self.publisher.base_url, f"{self.partner.id}.key"
        yield Text("三、怎样取稿\n", "3. How to take items\n")
        yield Text(
            "每次请求都用 Authorization 首部带上密钥。先把密钥存成只有本人能读的文件：\n",
            "Every request carries the key in the Authorization header. First put it into a file that only "
            "you can read:\n",
        )
        yield verbatim(f"(umask 077; printf '%s\\n' '{self.token}' > {name})\n")
        yield Text("取订阅源：\n", "Take a feed:\n")
        yield verbatim(
            f'curl -fsS -H "Authorization: Bearer $(cat {name})" {base}/licensed/feeds/all.rss\n'
        )
        yield Text(
            "或者用我方的客户端，让一个文件夹始终与授权稿件一致，撤稿也会自动撤下：\n",
            "Or let our client keep a folder in step with what you may have, and remove what is "
            "recalled:\n",
        )
        yield verbatim(f"syndicate pull {base} --key-file {name} --to {self.partner.id}-items\n")
        yield Text(
            f"只能填用户名和密码的阅读器：用户名 {self.partner.id}，密码是密钥。\n",
            f"In a reader that only takes a name and a password: the name is {self.partner.id}, the "
            "password is the key.\n",
        )

    def _duties(self) -> Iterator[Text]:
        publisher = self.publisher
        yield Text("四、使用须知\n", "4. What to observe\n")
        yield Text(
            "每篇稿件都带来源标注，发布时须原样保留：\n",
            "Every item carries this line, which must stay on it:\n",
        )
        yield verbatim(f"{publisher.stamp}\n")
        if self.licences:
            yield Text("可以怎样使用，以协议为准：\n", "How you may use items is said in your licence:\n")
        else:
            yield Text(
                "目前还没有有效的协议，协议生效之前密钥取不到稿件。\n",
                "There is no licence in force yet; until there is, the key opens no item.\n",
            )
        for one in self.licences:
            within = agreement_words.duration_text(one.takedown)
            uses = agreement_words.uses({use for grant in one.grants for use in grant.uses})
            opens = self._local(one.window.opens)
            zh, en = "另行通知", "further notice"
            if one.window.closes is not None:
                zh = en = self._local(one.window.closes)
            yield Text(
                f"  {one.number}：{uses.zh}；{opens} 至 {zh}；接到撤稿通知后，{within.zh}内撤下并确认",
                f"  {one.number}: {uses.en}; from {opens} until {en}; what is recalled is taken down, and "
                f"acknowledged, within {within.en}",
            )
        yield Text(
            f"\n版权声明：{publisher.base_url}/terms\n", f"\nThe terms: {publisher.base_url}/terms\n"
        )

    def _local(self, at: datetime) -> str:
        return at.astimezone(self.publisher.zone).strftime("%Y-%m-%d %H:%M")


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """Open a new file that its owner alone can read (mode 600); removed again where the block fails.

    Raises a usage error where the file is there already.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Bilingual(Text(f"文件已存在：{path}", f"the file exists already: {path}")) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
