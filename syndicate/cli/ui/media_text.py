"""Show the files of a media item, the stories that have it, and which partner may have which file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syndicate.cli.ui.output import Column, Output
from syndicate.language import Text
from syndicate.model.item import Item, Medium
from syndicate.model.media import Rendition, RenditionName, rendition_title
from syndicate.model.parties import PUBLIC, Public, Recipient
from syndicate.policy import Clearance, clear_preferred
from syndicate.policy.lined_renditions import leaving_size, lined_renditions
from syndicate.services.delivery.feed_builder import licences_of
from syndicate.wiring import Services


@dataclass(frozen=True, slots=True)
class MayHave:
    """Which files of an item somebody may have now, under which clause; `reason` where it is none.

    `lined` are those of them that leave with the visible line alone.
    """

    name: str
    renditions: frozenset[RenditionName]
    lined: frozenset[RenditionName]
    clause: str | None
    reason: str | None

    def gets(self, file: Rendition) -> bool:
        """Whether the file leaves for them, as it must."""
        return file.name in self.renditions and leaving_size(file, file.name in self.lined) is not None


async def who_may_have(services: Services, item: Item) -> list[MayHave]:
    """Return for the public and each partner which files of a media item it may have now."""
    if item.medium is Medium.TEXT:
        return []
    register, _ = await services.rights_cache.read()
    recipients: list[Recipient] = [PUBLIC, *(register.partners[id] for id in sorted(register.partners))]
    found = []
    for recipient in recipients:
        verdict = clear_preferred(
            item, recipient, register.mandates, licences_of(register, recipient), None, services.clock()
        )
        name = "public" if isinstance(recipient, Public) else recipient.id
        if isinstance(verdict, Clearance):
            lined = lined_renditions(verdict, services.settings.publisher)
            found.append(MayHave(name, verdict.renditions, lined, verdict.clause, None))
        else:
            found.append(MayHave(name, frozenset(), frozenset(), verdict.clause, verdict.reason.value))
    return found


def show_media(item: Item, stories: Sequence[Item], who: Sequence[MayHave], voice: Output) -> None:
    """Show the files of a media item and what it belongs to, or the media of a story."""
    for link in item.associations:
        place = Text(
            f"配图等：{link.item}（第 {link.place} 段后）", f"media: {link.item} (after block {link.place})"
        )
        voice.say(place)
    if item.medium is Medium.TEXT:
        return
    if stories:
        ids = " ".join(one.id for one in stories)
        voice.say(Text(f"所属稿件：{ids}", f"in the stories: {ids}"))
    voice.table(
        [
            Column(Text("规格", "rendition")),
            Column(Text("类型", "type")),
            Column(Text("尺寸", "size")),
            Column(Text("字节", "bytes")),
            Column(Text("可取得的", "who may have it"), tight=False),
            Column(Text("SHA-256", "SHA-256"), tight=False),
        ],
        [_row(one, who, voice) for one in item.renditions],
        empty=Text("没有文件", "there is no file"),
    )
    for file in item.renditions:
        without = " ".join(
            one.name for one in who if file.name in one.renditions & one.lined and not one.gets(file)
        )
        if without and file.stamped_size is not None:
            voice.say(
                Text(
                    f"  {file.name}：画不上可见标注，不发给 {without}",
                    f"  {file.name}: the visible line cannot be drawn, so it does not leave for {without}",
                )
            )
    for one in who:
        if one.reason is not None or not one.renditions:
            why = one.reason or "summary_only"
            clause = f" {one.clause}" if one.clause else ""
            voice.say(Text(f"  {one.name}：不可 〔{why}{clause}〕", f"  {one.name}: none [{why}{clause}]"))


def media_as_json(item: Item, stories: Sequence[Item], who: Sequence[MayHave]) -> dict[str, object]:
    """The same for programs; empty for a story without media."""
    if item.medium is Medium.TEXT:
        links = [
            {"item": one.item, "place": one.place, "caption": one.caption, "alt": one.alt}
            for one in item.associations
        ]
        return {"associations": links} if links else {}
    return {
        "credit": item.credit,
        "alt": item.alt,
        "file_name": item.file_name,
        "standalone": item.standalone,
        "stories": [one.id for one in stories],
        "renditions": [
            {
                "name": one.name.value,
                "type": one.content_type,
                "size": one.size,
                "stamped_size": one.stamped_size,
                "sha256": one.sha256,
                "width": one.width,
                "height": one.height,
                "duration": one.duration,
                "lined_size": one.lined_size,
                "may_have": [each.name for each in who if each.gets(one)],
                "with_line": [each.name for each in who if each.gets(one) and one.name in each.lined],
            }
            for one in item.renditions
        ],
        "refused": [
            {"recipient": one.name, "reason": one.reason, "clause": one.clause}
            for one in who
            if one.reason is not None
        ],
    }


def _row(one: Rendition, who: Sequence[MayHave], voice: Output) -> tuple[str, ...]:
    size = f"{one.width}×{one.height}" if one.width else ""
    if one.duration is not None:
        size = f"{size} {one.duration / 1000:.1f} s".strip()
    mark = Text("（带可见标注）", " (visible line)").in_(voice.lang)
    may = " ".join(
        f"{each.name}{mark}" if one.name in each.lined else each.name for each in who if each.gets(one)
    )
    if one.stamped_size is None:
        may = Text("无法写入标注，不发出", "it cannot be stamped, and stays here").in_(voice.lang)
    title = f"{one.name} {rendition_title(one.name).zh}" if voice.lang == "zh" else one.name.value
    return title, one.content_type, size, f"{one.size:,}", may, one.sha256[:16]
