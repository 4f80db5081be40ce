"""The shape of the settings file: its keys, their types and their defaults."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo

from syndicate.config import defaults
from syndicate.config.address_values import (
    authority,
    base_url,
    database,
    file,
    folder,
    media,
    page_address,
    region,
)
from syndicate.config.word_values import id_, language, line, media_topic, phrase, timezone, token_name
from syndicate.language import Text
from syndicate.model.item import ChannelId, OutletId
from syndicate.model.notes import NOTE_CODES
from syndicate.model.parties import Channel, Outlet, Publisher
from syndicate.toml_forms import Form, one_of, wrong, wrongs

ABSTRACTS: Final = range(20, 501)
"""Lengths that an abstract may have, in characters."""

CONNECTIONS: Final = range(4, 101)
"""How many connections to PostgreSQL a process may have: two write, one listens, the others read."""

MOST_TOPICS: Final = 16
"""IPTC Media Topics of one channel."""

_RESERVED_FEEDS: Final = ("all", "pictures", "audio")
"""Reserved feed ids. `video` is reserved for outlets only: it may be a channel."""

_Id = Annotated[str, AfterValidator(id_)]
_Line = Annotated[str, AfterValidator(line)]
_Phrase = Annotated[str, AfterValidator(phrase)]
_TokenName = Annotated[str, AfterValidator(token_name)]
# Aliases, because in a form class the field `timezone` would shadow the function `timezone`.
_MediaTopic = Annotated[str, AfterValidator(media_topic)]
_BaseUrl = Annotated[str, AfterValidator(base_url)]
_Authority = Annotated[str, AfterValidator(authority)]
_Timezone = Annotated[str, AfterValidator(timezone)]
_Language = Annotated[str, AfterValidator(language)]
_Folder = Annotated[str, AfterValidator(folder)]
_File = Annotated[str, AfterValidator(file)]
_Media = Annotated[str, AfterValidator(media)]
_Region = Annotated[str, AfterValidator(region)]
_Database = Annotated[str, AfterValidator(database)]


CACHES: Final = range(16, 100_000_001)
"""Megabytes that the folder of stamped files may have."""


def _length(length: int) -> int:
    if length in ABSTRACTS:
        return length
    low, high = ABSTRACTS[0], ABSTRACTS[-1]
    raise wrong("out_of_range", Text(f"应在 {low} 至 {high} 之间", f"expected {low} to {high}"))


def _connections(count: int) -> int:
    if count in CONNECTIONS:
        return count
    low, high = CONNECTIONS[0], CONNECTIONS[-1]
    raise wrong("out_of_range", Text(f"应在 {low} 至 {high} 之间", f"expected {low} to {high}"))


def _cache(megabytes: int) -> int:
    if megabytes in CACHES:
        return megabytes
    low, high = CACHES[0], CACHES[-1]
    raise wrong("out_of_range", Text(f"应在 {low} 至 {high} 之间", f"expected {low} to {high}"))


def _of_a_bucket(address: str, info: ValidationInfo) -> str:
    """Refuse the address of a store where the files are in a folder."""
    if not (info.data.get("media") or "").startswith("s3:") and "media" in info.data:
        said = Text("只在 media 为 s3://… 时使用", "it is used only where media is s3://…")
        raise wrong("not_used", said)
    return base_url(address)


def _some_lines(lines: list[str]) -> list[str]:
    if lines:
        return lines
    raise wrong("empty", Text("至少要写一条来源", "expected one source line at least"))


def _each_once(codes: list[str]) -> list[str]:
    """Refuse a code that stands there twice, and more than anybody reads."""
    if len(codes) > MOST_TOPICS:
        said = Text(f"最多 {MOST_TOPICS} 个", f"expected {MOST_TOPICS} at most")
        raise wrong("out_of_range", said)
    said = Text("同一代码只写一次", "expected each code once")
    places: list[tuple[tuple[str | int, ...], Text]] = [
        ((number,), said) for number, code in enumerate(codes) if code in codes[:number]
    ]
    if places:
        raise wrongs("collision", places)
    return codes


class _OutletForm(Form):
    id: _Id
    name: _Line
    name_en: _Line | None = None
    sources: Annotated[list[_Line], AfterValidator(_some_lines)]


class _ChannelForm(Form):
    id: _Id
    name: _Line
    name_en: _Line | None = None
    media_topics: Annotated[list[_MediaTopic], AfterValidator(_each_once)] = Field(default_factory=list)


def _outlets(outlets: list[_OutletForm]) -> list[_OutletForm]:
    """At least one, each with an id and source lines of its own."""
    if not outlets:
        raise wrong("empty", Text("至少要有一个媒体", "expected one [[publisher.outlet]] at least"))
    places = _id_collisions([one.id for one in outlets], {*_RESERVED_FEEDS, "video"})
    owner: dict[str, str] = {}
    for number, outlet in enumerate(outlets):
        for source in outlet.sources:
            if owner.setdefault(source, outlet.id) != outlet.id:
                said = Text(f"来源“{source}”已属于", f'the source line "{source}" is already that of ')
                places.append(((number, "sources"), said + Text(owner[source], owner[source])))
    if places:
        raise wrongs("collision", places)
    return outlets


def _channels(channels: list[_ChannelForm], info: ValidationInfo) -> list[_ChannelForm]:
    """At least one, each with an id that no other feed has."""
    if not channels:
        raise wrong("empty", Text("至少要有一个频道", "expected one [[publisher.channel]] at least"))
    outlets: list[_OutletForm] = info.data.get("outlet", [])
    places = _id_collisions(
        [one.id for one in channels], {*_RESERVED_FEEDS, *(outlet.id for outlet in outlets)}
    )
    if places:
        raise wrongs("collision", places)
    return channels


def _id_collisions(ids: list[str], others: set[str]) -> list[tuple[tuple[str | int, ...], Text]]:
    said = Text(
        "已有同名的订阅源，请改用其他 id", "another feed goes by this id already: choose another id"
    )
    return [((n, "id"), said) for n, one in enumerate(ids) if one in others or one in ids[:n]]


def _a_channel(channel: str, info: ValidationInfo) -> str:
    channels: list[_ChannelForm] | None = info.data.get("channel")
    return channel if channels is None else one_of(channel, [one.id for one in channels], "unknown_channel")


def _with_stamp(notice: str, info: ValidationInfo) -> str:
    stamp = info.data.get("stamp")
    if stamp is None or stamp in notice:
        return notice
    raise wrong(
        "notice_without_stamp",
        Text(f"声明中应原样写出来源标注“{stamp}”", f'the notice must say the stamp, "{stamp}", as it is'),
    )


def _default_outlets() -> list[_OutletForm]:
    return [
        _OutletForm(id=one.id, name=one.name, name_en=one.name_en, sources=list(one.sources))
        for one in defaults.OUTLETS
    ]


def _default_channels() -> list[_ChannelForm]:
    return [
        _ChannelForm(id=one.id, name=one.name, name_en=one.name_en, media_topics=list(one.media_topics))
        for one in defaults.CHANNELS
    ]


class PublisherForm(Form):
    """`[publisher]`: who runs the server. The order of the fields is the order of checking."""

    name: _Line = defaults.NAME
    name_en: _Line = defaults.NAME_EN
    stamp: _Line = defaults.DEFAULT_STAMP
    authority: _Authority = defaults.AUTHORITY
    home: Annotated[str, AfterValidator(page_address)] = defaults.HOME
    outlet: Annotated[list[_OutletForm], AfterValidator(_outlets)] = Field(default_factory=_default_outlets)
    channel: Annotated[list[_ChannelForm], AfterValidator(_channels)] = Field(
        default_factory=_default_channels, validate_default=True
    )
    default_channel: Annotated[str, AfterValidator(_a_channel)] = Field(
        default=defaults.DEFAULT_CHANNEL, validate_default=True
    )
    abstract_length: Annotated[int, AfterValidator(_length)] = defaults.ABSTRACT_LENGTH
    notice: Annotated[_Phrase, AfterValidator(_with_stamp)] | None = None
    notice_en: Annotated[_Phrase, AfterValidator(_with_stamp)] | None = None
    contact: _Line | None = None
    timezone: _Timezone = defaults.TIMEZONE
    language: _Language = defaults.LANGUAGE
    visible_line: bool = False
    visible_line_font: _File | None = None

    def publisher(self, base_url: str) -> Publisher:
        """The publisher. Defaults: `notice` is built from names and stamp; `contact` is `home`."""
        names = [one.name for one in self.outlet]
        names_en = [one.name_en or one.name for one in self.outlet]
        return Publisher(
            name=self.name,
            name_en=self.name_en,
            stamp=self.stamp,
            base_url=base_url,
            authority=self.authority,
            home=self.home,
            outlets=tuple(
                Outlet(OutletId(one.id), one.name, tuple(one.sources), one.name_en or "")
                for one in self.outlet
            ),
            channels=tuple(
                Channel(ChannelId(one.id), one.name, one.name_en or "", tuple(one.media_topics))
                for one in self.channel
            ),
            default_channel=ChannelId(self.default_channel),
            abstract_length=self.abstract_length,
            notice=self.notice or defaults.notice(self.name, names, self.stamp),
            notice_en=self.notice_en or defaults.notice_en(self.name_en, names_en, self.stamp),
            contact=self.contact or self.home,
            timezone=self.timezone,
            language=self.language,
            visible_line=self.visible_line,
        )


def _note_codes(codes: list[str]) -> list[str]:
    """Refuse unknown note codes."""
    said = Text(
        f"没有这种注；应为 {'、'.join(sorted(NOTE_CODES))}",
        f"there is no such note; expected any of {', '.join(sorted(NOTE_CODES))}",
    )
    places: list[tuple[tuple[str | int, ...], Text]] = [
        ((number,), said) for number, code in enumerate(codes) if code not in NOTE_CODES
    ]
    if places:
        raise wrongs("unknown_note", places)
    return codes


def _only_one_place(key: str, info: ValidationInfo) -> str:
    """Refuse a key-encryption key that is blank, or set beside a file of them."""
    if not key.strip():
        raise wrong("blank", Text("不能为空", "it may not be blank"))
    if info.data.get("key_encryption_key_file") is not None:
        raise wrong(
            "collision",
            Text(
                "已设 key_encryption_key_file，两者只能设其一",
                "key_encryption_key_file is set too: set one of the two",
            ),
        )
    return key


class SettingsForm(Form):
    """The whole file. `--data` and the environment override the top-level keys."""

    base_url: _BaseUrl = defaults.BASE_URL
    data: _Folder = defaults.DATA
    database: _Database | None = Field(default=None, repr=False)
    database_connections: Annotated[int, AfterValidator(_connections)] = defaults.DATABASE_CONNECTIONS
    media: _Media | None = None
    media_s3_endpoint: Annotated[str, AfterValidator(_of_a_bucket)] | None = None
    media_s3_region: _Region = defaults.S3_REGION
    media_cache_mb: Annotated[int, AfterValidator(_cache)] = defaults.MEDIA_CACHE_MB
    media_previews: bool = False
    keys: _Folder | None = None
    key_encryption_key_file: _File | None = None
    key_encryption_key: Annotated[str, AfterValidator(_only_one_place)] | None = Field(
        default=None, repr=False
    )
    issuer: _TokenName | None = None
    audience: _TokenName | None = None
    ingest_refuse_notes: Annotated[list[str], AfterValidator(_note_codes)] = Field(default_factory=list)
    publisher: PublisherForm = Field(default_factory=lambda: PublisherForm())
