"""The settings: read once at the start, every mistake named together, and never half of them used.

They come from an option, else the environment, else a TOML file, else the defaults
(`docs/reference/settings.md`). Keys must stay valid when the server moves to another address, so the
issuer and audience in them follow from the publisher's authority, not from `base_url`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from syndicate.config import defaults
from syndicate.config.settings_file import SettingsForm
from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.model.parties import Publisher
from syndicate.store.files.s3_place import S3Place
from syndicate.toml_forms import Written, fill, parse

VARIABLES: Final = {
    "SYNDICATE_BASE_URL": "base_url",
    "SYNDICATE_DATA": "data",
    "SYNDICATE_DATABASE": "database",
    "SYNDICATE_MEDIA": "media",
    "SYNDICATE_KEYS": "keys",
    "SYNDICATE_KEY_ENCRYPTION_KEY_FILE": "key_encryption_key_file",
    "SYNDICATE_KEY_ENCRYPTION_KEY": "key_encryption_key",
}
"""Environment variables, and the settings that they stand for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server runs with. `data` and `keys` are absolute folders, which need not be there yet.

    `database` is SQLAlchemy's address and may hold a password, so it is in no repr: show
    `database_shown`. `issuer` and `audience` are what every key says and is checked for.
    `ingest_refuse_notes` are the codes of notes for which ingest refuses a document; a process has at most
    `database_connections` to PostgreSQL. What encrypts signing
    keys in the database is in the file `key_encryption_key_file`, or is `key_encryption_key` itself; with
    neither, signing keys are files. Files of media are kept at `media`; those that are made for delivery
    take at most `media_cache_mb` megabytes in the folder `stamped`. `media_previews`: whether copies of low
    quality are made of sound and film. `visible_line_font` is the file of the font for the visible line;
    None: the first with Chinese characters that is in a usual place.
    """

    data: Path
    database: str = field(repr=False)
    keys: Path
    media: Path | S3Place
    publisher: Publisher
    issuer: str
    audience: str
    ingest_refuse_notes: frozenset[str] = frozenset()
    database_connections: int = defaults.DATABASE_CONNECTIONS
    key_encryption_key_file: Path | None = None
    key_encryption_key: str | None = field(default=None, repr=False)
    media_cache_mb: int = defaults.MEDIA_CACHE_MB
    media_previews: bool = False
    visible_line_font: Path | None = None

    @property
    def asks_for_line(self) -> bool:
        """Whether the settings ask for a visible line, so that one must be possible."""
        return self.publisher.visible_line or self.visible_line_font is not None

    @property
    def stamped(self) -> Path:
        """The folder of files that were made for delivery, and can be made again."""
        return self.data / "media" / "stamped"

    @property
    def base_url(self) -> str:
        """What every address that leaves begins with; no slash at its end."""
        return self.publisher.base_url

    @property
    def database_shown(self) -> str:
        """The database's address for people and logs: `***` for a password, nothing of its options."""
        return _masked(self.database)


_SETTINGS: Final = Text("设置有误", "the settings were refused")


def load(file: Path | None, environ: Mapping[str, str], *, data: Path | None = None) -> Settings:
    """The settings. `data` is the `--data` option. Without a `file`, none is looked for.

    Relative folders count from the working directory, wherever they are said. An environment variable
    that is set but empty is a mistake, not a default. Raises Faulty with every mistake; a value's place
    is named as it was said: `publisher.stamp` and its line, `SYNDICATE_BASE_URL`, or `--data`.
    """
    what = _SETTINGS if file is None else str(file)
    faults: list[Fault] = []
    written = Written({})
    if file is not None:
        try:
            written = parse(_text(file), str(file))
        except Faulty as refused:
            faults += refused.faults
    if "key_encryption_key" in written.values:
        said = Text(
            "密钥不能写在设置文件里：请用 key_encryption_key_file 写明存放它的文件",
            "a secret does not belong in the settings file: name the file that holds it with "
            "key_encryption_key_file",
        )
        place = "key_encryption_key"
        faults.append(Fault("secret_in_file", place, said, written.line((place,))))
        written = replace(written, values={k: v for k, v in written.values.items() if k != place})
    said_by = {setting: variable for variable, setting in VARIABLES.items() if variable in environ}
    values = written.values | {setting: environ[variable] for setting, variable in said_by.items()}
    if data is not None:
        said_by["data"] = "--data"
        values["data"] = str(data)
    try:
        form = fill(SettingsForm, replace(written, values=values), what)
    except Faulty as refused:
        faults += [_as_said(fault, said_by) for fault in refused.faults]
        raise Faulty(what, faults) from None
    if faults:
        raise Faulty(what, faults)
    folder = _folder(form.data)
    authority = form.publisher.authority
    return Settings(
        data=folder,
        database=form.database or f"sqlite+aiosqlite:///{folder / 'syndicate.db'}",
        keys=folder / "keys" if form.keys is None else _folder(form.keys),
        media=_media(form, folder),
        publisher=form.publisher.publisher(form.base_url),
        issuer=form.issuer or f"https://{authority}",
        audience=form.audience or f"https://{authority}/licensed",
        ingest_refuse_notes=frozenset(form.ingest_refuse_notes),
        database_connections=form.database_connections,
        key_encryption_key_file=(
            None if form.key_encryption_key_file is None else _folder(form.key_encryption_key_file)
        ),
        key_encryption_key=form.key_encryption_key,
        media_cache_mb=form.media_cache_mb,
        media_previews=form.media_previews,
        visible_line_font=(
            None if form.publisher.visible_line_font is None else _folder(form.publisher.visible_line_font)
        ),
    )


def _media(form: SettingsForm, data: Path) -> Path | S3Place:
    if form.media is None:
        return data / "media" / "files"
    if not form.media.startswith("s3://"):
        return _folder(form.media)
    bucket, _, prefix = form.media.removeprefix("s3://").partition("/")
    return S3Place(bucket, prefix, endpoint=form.media_s3_endpoint, region=form.media_s3_region)


def _text(file: Path) -> str:
    # Here, not above: see `toml_forms.parse`.
    from syndicate.decoding import decode

    try:
        text = decode(file.read_bytes())
        if isinstance(text, str):
            return text
        said = text.text
    except FileNotFoundError:
        said = Text("文件不存在", "there is no such file")
    except OSError as error:
        said = Text(f"无法读取（{error.strerror}）", f"it cannot be read ({error.strerror})")
    raise Faulty(str(file), [Fault("file_unreadable", str(file), said)])


def _as_said(fault: Fault, said_by: Mapping[str, str]) -> Fault:
    """A fault at the place where the value came from."""
    place = said_by.get(fault.field)
    return fault if place is None else replace(fault, field=place, line=None)


def _folder(path: str) -> Path:
    return Path(path).expanduser().absolute()


def _masked(address: str) -> str:
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    if parts.username is not None:
        host = f"{parts.username}{'' if parts.password is None else ':***'}@{host}"
    options = "&".join(f"{name}=…" for name, _ in parse_qsl(parts.query))
    return f"{parts.scheme}://{host}{parts.path}" + (f"?{options}" if options else "")
