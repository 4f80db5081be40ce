"""Settings: where they come from, what they are if unsaid, and what is said of each mistake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syndicate.config import Settings, load
from syndicate.errors import Fault, Faulty, StoreFault
from syndicate.model.feeds import feeds_of
from syndicate.model.item import ChannelId
from syndicate.model.parties import STAMP
from syndicate.store.files.s3_place import S3Place, credentials_in_file

EXAMPLE = Path(__file__).parent.parent / "deploy" / "syndicate.toml"
SECRET = "s3cret-pass"
DATABASE = f"postgresql+asyncpg://desk:{SECRET}@db.example:5432/syndicate?ssl=require"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str, environ: dict[str, str] | None = None, data: Path | None = None) -> Settings:
    file = Path("syndicate.toml")
    file.write_text(text, encoding="utf-8")
    return load(file, environ or {}, data=data)


def faults(text: str, environ: dict[str, str] | None = None, data: Path | None = None) -> list[Fault]:
    with pytest.raises(Faulty) as caught:
        read(text, environ, data)
    for fault in caught.value.faults:
        assert any("\u4e00" <= char <= "\u9fff" for char in fault.text.zh), fault
        assert any("a" <= char <= "z" for char in fault.text.en), fault
    return list(caught.value.faults)


def places(text: str, environ: dict[str, str] | None = None) -> list[tuple[str, str, int | None]]:
    return [(fault.code, fault.field, fault.line) for fault in faults(text, environ)]


def test_without_a_word_the_settings_are_those_of_the_contract(tmp_path: Path) -> None:
    settings = load(None, {})
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.data == tmp_path / "var"
    assert settings.keys == tmp_path / "var" / "keys"
    assert settings.database == f"sqlite+aiosqlite:///{tmp_path}/var/syndicate.db"
    assert (settings.issuer, settings.audience) == ("https://xsnet.cn", "https://xsnet.cn/licensed")
    publisher = settings.publisher
    assert (publisher.name, publisher.stamp, publisher.authority) == ("萧山网", STAMP, "xsnet.cn")
    assert [outlet.name for outlet in publisher.outlets] == ["萧山日报", "萧山电视台", "萧山人民广播电台"]
    assert {"萧山网-萧山日报", "萧山日报"} == set(publisher.outlets[0].sources)
    assert " ".join(channel.name for channel in publisher.channels) == (
        "新闻 即时报 专题 视频 教育 房产 理财 家居 健康 汽车 钱塘新区 网络问政 湘湖社区 北干楼宇 钱塘新闻网"
    )
    assert " ".join(channel.id for channel in publisher.channels) == (
        "news instant special video education property finance home health auto qiantang ask community"
        " beigan qtnews"
    )
    assert all(channel.name_en for channel in publisher.channels)
    assert (publisher.default_channel, publisher.abstract_length) == ("news", 120)
    assert len(feeds_of(publisher)) == 1 + 3 + 15 + 2


def test_the_notice_says_what_the_law_needs_it_to_say() -> None:
    publisher = load(None, {}).publisher
    for word in ("独家发布权", "萧山日报", "萧山电视台", "萧山人民广播电台", "转载", "链接", "转贴", STAMP):
        assert word in publisher.notice
    for word in ("其他方式复制发表", "协议", "必须注明", "追究"):
        assert word in publisher.notice
    for word in ("exclusive", "reprint", "link", "repost", "copy", STAMP, "Xiaoshan Daily", "pursue"):
        assert word in publisher.notice_en
    assert "of Xiaoshan Daily, Xiaoshan Television and Xiaoshan People's Radio, and" in publisher.notice_en


def test_the_shipped_example_says_the_defaults() -> None:
    assert load(EXAMPLE, {}) == load(None, {})


def test_the_shipped_example_leaves_nothing_out_but_what_depends_on_the_machine() -> None:
    said = EXAMPLE.read_text(encoding="utf-8")
    named = (
        "base_url data ingest_refuse_notes issuer audience"
        " name name_en stamp authority home default_channel abstract_length"
        " timezone language contact notice notice_en"
    )
    for name in [*named.split(), "# database", "# keys", "# key_encryption_key_file"]:
        assert any(line.split("=")[0].strip() == name for line in said.splitlines()), name


def test_an_option_beats_the_environment_which_beats_the_file() -> None:
    text = 'base_url = "https://file.example"\ndata = "/srv/file"\nkeys = "/srv/keys"\n'
    assert read(text).base_url == "https://file.example"
    assert read(text).data == Path("/srv/file")
    environ = {
        "SYNDICATE_BASE_URL": "https://env.example/feeds",
        "SYNDICATE_DATA": "/srv/env",
        "SYNDICATE_KEYS": "/srv/env-keys",
        "SYNDICATE_DATABASE": DATABASE,
        "HOME": "/root",
    }
    settings = read(text, environ)
    assert settings.base_url == settings.publisher.base_url == "https://env.example/feeds"
    assert (settings.data, settings.keys) == (Path("/srv/env"), Path("/srv/env-keys"))
    assert settings.database == DATABASE
    assert read(text, environ, Path("/srv/option")).data == Path("/srv/option")


def test_keys_outlive_a_move_to_another_address() -> None:
    here, there = load(None, {}), load(None, {"SYNDICATE_BASE_URL": "http://127.0.0.1:9000"})
    assert (here.issuer, here.audience) == (there.issuer, there.audience)
    other = read('[publisher]\nauthority = "daily.example.cn"\n')
    assert (other.issuer, other.audience) == (
        "https://daily.example.cn",
        "https://daily.example.cn/licensed",
    )


def test_a_password_is_in_no_repr_and_shown_to_nobody() -> None:
    settings = load(None, {"SYNDICATE_DATABASE": DATABASE})
    assert SECRET not in repr(settings)
    assert settings.database_shown == "postgresql+asyncpg://desk:***@db.example:5432/syndicate?ssl=…"


@pytest.mark.parametrize(
    "address",
    [
        f"postgres://desk:{SECRET}@db/name",
        f"postgresql://desk:{SECRET}@db/name",
        f"postgresql+psycopg://desk:{SECRET}@db/name",
        f"postgresql+asyncpg://desk:{SECRET}[@db/name",
        f"postgresql+asyncpg://desk:{SECRET}/@db/name",
        f"postgresql+asyncpg://desk:{SECRET}#@db/name",
        f"postgresql+asyncpg://desk:{SECRET}@db:port/name",
        f"postgresql+asyncpg://desk:{SECRET}@db",
        f"postgresql+asyncpg://desk:{SECRET}@db/",
        f"postgresql+asyncpg://desk:{SECRET} @db/name",
        f"mysql://desk:{SECRET}@db/name",
        SECRET,
        "",
        "sqlite:///var/a.db",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:///file::memory:?cache=shared&uri=true",
    ],
)
def test_a_database_that_we_cannot_use_is_refused_without_quoting_it(address: str) -> None:
    with pytest.raises(Faulty) as caught:
        load(None, {"SYNDICATE_DATABASE": address})
    assert [(f.code, f.field) for f in caught.value.faults] == [("database", "SYNDICATE_DATABASE")]
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!r}{error}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "address",
    [
        "sqlite+aiosqlite:////srv/a.db",
        "sqlite+aiosqlite:///var/a.db",
        "postgresql+asyncpg:///syndicate?host=/run/postgresql",
        "postgresql+asyncpg://desk@127.0.0.1/syndicate",
    ],
)
def test_a_database_that_we_can_use_is_taken(address: str) -> None:
    assert load(None, {"SYNDICATE_DATABASE": address}).database == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "feeds.example.cn",
        "//feeds.example.cn",
        "ftp://feeds.example.cn",
        "http://",
        "http:///feeds",
        "https://feeds.example.cn/",
        "https://feeds.example.cn/feeds/",
        "https://feeds.example.cn?a=b",
        "https://feeds.example.cn?",
        "https://feeds.example.cn#a",
        "https://feeds.example.cn#",
        "https://user@feeds.example.cn",
        "https://user:pass@feeds.example.cn",
        "https://@feeds.example.cn",
        "https://feeds.example.cn:99999",
        "https://feeds.example.cn:port",
        "https://feeds example.cn",
        "https://feeds.example.cn\n",
        "https://萧山.cn",
        "https://[::1",
        "https://-a.cn",
    ],
)
def test_a_base_url_that_addresses_cannot_be_built_on_is_refused(address: str) -> None:
    with pytest.raises(Faulty) as caught:
        load(None, {"SYNDICATE_BASE_URL": address})
    assert [(f.code, f.field) for f in caught.value.faults] == [("address", "SYNDICATE_BASE_URL")]


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9000", "https://feeds.xsnet.cn", "http://[::1]:80", "https://a.cn/b"]
)
def test_a_base_url_with_a_host_and_perhaps_a_port_and_path_is_taken(address: str) -> None:
    assert load(None, {"SYNDICATE_BASE_URL": address}).base_url == address


def test_every_mistake_is_reported_together_with_its_line() -> None:
    text = """\
base_url = "https://a.example/"
databse = "x"
[publisher]
stamp = "  "
abstract_length = 501
timezone = "Asia/Xiaoshan"
default_channel = "newz"
[[publisher.outlet]]
id = "Daily"
name = "萧山日报"
sources = []
[[publisher.channel]]
id = "news"
name = ""
colour = "red"
"""
    assert places(text, {"SYNDICATE_DATABASE": "mysql://x", "SYNDICATE_KEYS": ""}) == [
        ("database", "SYNDICATE_DATABASE", None),
        ("blank", "SYNDICATE_KEYS", None),
        ("address", "base_url", 1),
        ("unknown_key", "databse", 2),
        ("blank", "publisher.stamp", 4),
        ("out_of_range", "publisher.abstract_length", 5),
        ("unknown_timezone", "publisher.timezone", 6),
        ("id_format", "publisher.outlet[0].id", 9),
        ("empty", "publisher.outlet[0].sources", 11),
        ("blank", "publisher.channel[0].name", 14),
        ("unknown_key", "publisher.channel[0].colour", 15),
    ]


def test_a_file_that_is_not_toml_does_not_hide_a_mistake_elsewhere() -> None:
    assert places("a = \n", {"SYNDICATE_BASE_URL": "x"}) == [
        ("syntax", "syndicate.toml", 1),
        ("address", "SYNDICATE_BASE_URL", None),
    ]


@pytest.mark.parametrize("content", [None, b"\x00\x01", b"name = \xff"])
def test_a_file_that_cannot_be_read_is_named(content: bytes | None) -> None:
    file = Path("odd.toml")
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Faulty, match=r"odd\.toml") as caught:
        load(file, {})
    assert [fault.code for fault in caught.value.faults] == ["file_unreadable"]


def test_settings_saved_in_gb18030_are_read() -> None:
    file = Path("odd.toml")
    file.write_bytes('[publisher]\nname = "余杭网" # 本网\n'.encode("gb18030"))
    assert load(file, {}).publisher.name == "余杭网"


def outlet(id: str, source: str) -> str:
    return f'[[publisher.outlet]]\nid = "{id}"\nname = "媒体"\nsources = ["{source}"]\n'


def channel(id: str) -> str:
    return f'[[publisher.channel]]\nid = "{id}"\nname = "频道"\n'


@pytest.mark.parametrize(
    ("text", "field", "line"),
    [
        (channel("news") + channel("all"), "publisher.channel[1].id", 5),
        (channel("news") + channel("pictures"), "publisher.channel[1].id", 5),
        (channel("news") + channel("audio"), "publisher.channel[1].id", 5),
        (channel("news") + channel("daily"), "publisher.channel[1].id", 5),
        (channel("news") + channel("news"), "publisher.channel[1].id", 5),
        (outlet("video", "A"), "publisher.outlet[0].id", 2),
        (outlet("all", "A"), "publisher.outlet[0].id", 2),
        (outlet("a", "A") + outlet("a", "B"), "publisher.outlet[1].id", 6),
        (outlet("a", "A") + outlet("b", "A"), "publisher.outlet[1].sources", 8),
        (outlet("news", "A"), "publisher.channel[0].id", None),
    ],
)
def test_two_feeds_or_outlets_never_share_a_name(text: str, field: str, line: int | None) -> None:
    (fault,) = faults(text)
    assert (fault.code, fault.field) == ("collision", field)
    assert line is None or fault.line == line


@pytest.mark.parametrize(
    ("topics", "code", "place"),
    [
        ('["05000000"]', "media_topic", ""),
        ('["medtop:05000000", "medtop:5000000"]', "media_topic", ""),
        ('["medtop:050000000"]', "media_topic", ""),
        ('["medtop:٠5000000"]', "media_topic", ""),
        ('["subj:05000000"]', "media_topic", ""),
        ('["medtop:05000000\\n"]', "media_topic", ""),
        ('["medtop:05000000", "medtop:05000000"]', "collision", "[1]"),
        (str([f"medtop:2000{n:04}" for n in range(17)]), "out_of_range", ""),
        ('"medtop:05000000"', "wrong_type", ""),
        ("[5000000]", "wrong_type", ""),
    ],
)
def test_a_media_topic_is_a_code_of_eight_digits_and_stands_once(
    topics: str, code: str, place: str
) -> None:
    (fault,) = faults(f"{channel('news')}media_topics = {topics}\n")
    assert (fault.code, fault.field, fault.line) == (
        code,
        f"publisher.channel[0].media_topics{place}",
        4,
    )


def test_the_topics_of_a_channel_are_what_was_written_or_none() -> None:
    text = channel("news") + 'media_topics = ["medtop:20000593", "medtop:17000000"]\n' + channel("health")
    news, health = read(text).publisher.channels
    assert news.media_topics == ("medtop:20000593", "medtop:17000000")
    assert health.media_topics == ()


def test_the_site_s_own_channels_have_topics_and_the_shipped_example_says_the_same() -> None:
    ours = {one.id: one.media_topics for one in load(None, {}).publisher.channels if one.media_topics}
    assert ours[ChannelId("education")] == ("medtop:05000000",)
    assert len(ours) == 7
    shipped = load(EXAMPLE, {}).publisher.channels
    assert {one.id: one.media_topics for one in shipped if one.media_topics} == ours


def test_a_channel_may_be_called_video_as_the_site_has_one() -> None:
    publisher = read(channel("news") + channel("video")).publisher
    assert feeds_of(publisher)["video"].channel == "video"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("abstract_length = 19", "out_of_range"),
        ('abstract_length = "120"', "wrong_type"),
        ("abstract_length = true", "wrong_type"),
        ("abstract_length = 120.0", "wrong_type"),
        ('stamp = ""', "blank"),
        ('stamp = "来源\\n"', "blank"),
        ('stamp = "来源\\u200b\\u0007"', "blank"),
        ('authority = "XSNET.cn"', "authority"),
        ('authority = "https://xsnet.cn"', "authority"),
        ('home = "www.xsnet.cn"', "address"),
        ('timezone = "../etc/passwd"', "unknown_timezone"),
        ('timezone = "Asia"', "unknown_timezone"),
        ('timezone = ""', "unknown_timezone"),
        ('language = "chinese language"', "language"),
        ('notice = ""', "blank"),
        ('notice = "版权所有"', "notice_without_stamp"),
        ('notice_en = "All rights reserved"', "notice_without_stamp"),
        ('default_channel = "sports"', "unknown_channel"),
        ("outlet = []", "empty"),
        ("channel = []", "empty"),
        ('contact = " "', "blank"),
        ("name = 1", "wrong_type"),
    ],
)
def test_a_publisher_with_this_line_is_refused(line: str, code: str) -> None:
    found = places(f"[publisher]\n{line}\n")
    assert (code, "publisher." + line.split(" ")[0], 2) in found
    assert {one[0] for one in found} <= {code, "unknown_channel"}


def test_the_default_channel_must_be_one_of_the_channels_also_where_it_is_unsaid() -> None:
    assert [fault.code for fault in faults(channel("sports"))] == ["unknown_channel"]


def test_another_publisher_never_goes_out_under_the_words_of_this_one() -> None:
    text = '[publisher]\nname = "临平网"\nname_en = "Linping Net"\nstamp = "来源:临平网"\n' + outlet(
        "lp", "临平报"
    )
    publisher = read(text).publisher
    assert "萧山" not in publisher.notice
    assert "Xiaoshan" not in publisher.notice_en
    assert "video of 媒体, and holds" in publisher.notice_en
    assert "来源:临平网" in publisher.notice
    assert "来源:临平网" in publisher.notice_en


@pytest.mark.parametrize("issuer", ["", "xsnet", "http://xsnet.cn", "https://xsnet.cn/", "https://萧山.cn"])
def test_an_issuer_that_could_be_spelled_twice_is_refused(issuer: str) -> None:
    assert places(f'issuer = "{issuer}"\n') == [("address", "issuer", 1)]


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (fault,) = faults("", data=tmp_path / "file")
    assert (fault.code, fault.field) == ("not_a_folder", "--data")


def test_settings_stay_as_they_were_read() -> None:
    settings = load(None, {})
    with pytest.raises(AttributeError):
        settings.issuer = "https://evil.example"  # type: ignore[misc]
    assert replace(settings, issuer="https://b.example").issuer == "https://b.example"


def test_media_are_in_the_data_folder_or_elsewhere_or_in_a_bucket(tmp_path: Path) -> None:
    settings = load(None, {})
    assert (settings.media, settings.media_cache_mb) == (tmp_path / "var" / "media" / "files", 10_240)
    assert settings.stamped == tmp_path / "var" / "media" / "stamped"
    assert read('media = "pictures"\n').media == tmp_path / "pictures"
    assert read("", {"SYNDICATE_MEDIA": "/srv/media"}).media == Path("/srv/media")
    assert read("", {"SYNDICATE_MEDIA": "s3://media"}).media == S3Place("media")
    text = (
        'media = "s3://xs.media/a/b-1"\nmedia_s3_endpoint = "http://127.0.0.1:9000"\n'
        'media_s3_region = "cn-north-1"\nmedia_cache_mb = 16\n'
    )
    assert read(text).media == S3Place("xs.media", "a/b-1", "http://127.0.0.1:9000", "cn-north-1")
    assert read(text).media_cache_mb == 16


def test_previews_of_sound_and_film_are_made_where_the_settings_say_so() -> None:
    assert not load(None, {}).media_previews
    assert read("media_previews = true\n").media_previews
    assert places('media_previews = "yes"\n') == [("wrong_type", "media_previews", 1)]


@pytest.mark.parametrize(
    "place",
    [
        "s3:",
        "s3://",
        "s3://ab",
        "s3://Media",
        "s3://media/",
        "s3://media//a",
        "s3://media/../a",
        "s3://media/.",
        "s3://media/a?b",
        "s3://key:secret@media/a",
        "s3://媒体",
        "s3://-media",
        f"s3://{'m' * 64}",
        "s3:/media",
    ],
)
def test_a_bucket_that_is_none_is_refused(place: str) -> None:
    assert places("", {"SYNDICATE_MEDIA": place}) == [("bucket", "SYNDICATE_MEDIA", None)]


def test_every_fault_of_media_is_named_with_all_others() -> None:
    text = (
        'base_url = "ftp://a"\nmedia = "a\\u0000b"\nmedia_s3_endpoint = "here"\nmedia_s3_region = "US"\n'
        "media_cache_mb = 1\n"
    )
    assert places(text) == [
        ("address", "base_url", 1),
        ("blank", "media", 2),
        ("address", "media_s3_endpoint", 3),
        ("region", "media_s3_region", 4),
        ("out_of_range", "media_cache_mb", 5),
    ]
    for unused in ("", 'media = "pictures"\n'):
        text = f'{unused}media_s3_endpoint = "https://s3.example.cn"\n'
        assert [place[0] for place in places(text)] == ["not_used"]


def test_credentials_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text(
        f"[default]\naws_access_key_id = a%b\naws_secret_access_key={SECRET}\n"
        "[desk]\naws_access_key_id = d\naws_secret_access_key = e\naws_session_token = f\n[half]\n"
        "aws_access_key_id = d\n"
    )
    environ = {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    assert credentials_in_file({}) == {}
    assert credentials_in_file({**environ, "AWS_ACCESS_KEY_ID": "x"}) == {}
    assert credentials_in_file(environ) == {"access_key_id": "a%b", "secret_access_key": SECRET}
    desk = credentials_in_file({**environ, "AWS_PROFILE": "desk"})
    assert desk == {"access_key_id": "d", "secret_access_key": "e", "session_token": "f"}
    assert SECRET not in repr(S3Place("media", credentials=credentials_in_file(environ)))
    broken = tmp_path / "broken"
    broken.write_bytes(b"\xff[" + SECRET.encode())
    for wrong in (
        {**environ, "AWS_PROFILE": "half"},
        {**environ, "AWS_PROFILE": "none"},
        {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "missing")},
        {"AWS_SHARED_CREDENTIALS_FILE": str(broken)},
        {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path)},
    ):
        with pytest.raises(StoreFault) as fault:
            credentials_in_file(wrong)
        assert fault.value.code == "store_not_admitted"
        assert SECRET not in fault.value.text.en + fault.value.text.zh
