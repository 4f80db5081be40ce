"""The exceptions that the package raises, and `Fault`: one thing wrong with one input.

SyndicateError                  carries a stable `code` and a bilingual `text`
├── Faulty                      input refused, with every fault
├── Unknown                     no such partner, licence, item, feed …
│   └── NotYetKnown             … or nothing was on record at the time asked about
├── Conflict                    it exists already, or its state forbids the act
├── NotLicensed                 the policy said no: reason and clause
├── Recalled                    the item was recalled: reason and time
├── QuotaExceeded               the period's items are used up: clause, and when it begins anew
├── CursorUnknown               a place in a change sequence that it never had
├── ChangeUnknown               an acknowledgement of what the partner was never told
├── TokenRejected               the token is not accepted: its code is in docs/reference/http.md
├── Unstampable                 an item without its stamp does not leave
├── NotStampable                a file without its stamp inside does not leave
├── ForeignItem                 an edition was offered an item stamped for somebody else
├── ClockBehind                 the machine's clock is far behind the trail's
├── ClockAhead                  the machine's clock jumped forward and is not believed yet
├── KeyringFault                a signing key is missing, readable by others, damaged, of another server …
│   └── KeyEncryptionFault      … or was encrypted with a key that the settings do not give
└── StoreFault                  the database, or the store of media files …
    ├── StoreMissing            … is not there
    ├── StoreNewer              … is from a newer release
    ├── StoreOlder              … waits for its migration
    ├── StoreBusy               … is locked by another for too long
    ├── StoreReadOnly           … cannot be written
    ├── StoreDamaged            … is not what it should be
    ├── StoredFileMissing       … names a media file that is not there
    └── StoredFileDamaged       … names a media file that holds something else
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syndicate.language import Lang, Text, verbatim


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one input.

    `code` is stable and for programs, `field` names the place in the input's own words
    (`grant[0].outlets`, `headline`), `line` is 1-based where the input has lines, `text` says what was
    found and what was expected.
    """

    code: str
    field: str
    text: Text
    line: int | None = None

    def said(self, lang: Lang) -> str:
        """The fault as one line for people."""
        zh, en = ("", "") if self.line is None else (f"（第 {self.line} 行）", f" (line {self.line})")
        where = Text(f"{self.field}{zh}：", f"{self.field}{en}: ")
        return f"{(where + self.text).in_(lang)} [{self.code}]"


class SyndicateError(Exception):
    """Base of all our errors: a stable `code` for programs, a `text` for people."""

    code: str = "error"

    def __init__(self, text: Text, *, code: str | None = None) -> None:
        super().__init__(text.en)
        self.text = text
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors come out of other processes, and their constructors take other arguments than `args`.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[SyndicateError], args: tuple[object, ...], attributes: dict[str, object]
) -> SyndicateError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class Faulty(SyndicateError):
    """An input was refused; `faults` has every reason, in the input's order, never none.

    `what` is the name of a document, or the whole headline: `Text("设置有误", "the settings …")`.
    """

    code = "faulty"

    def __init__(self, what: str | Text, faults: Iterable[Fault]) -> None:
        self.what = what
        self.faults = tuple(faults)
        if not self.faults:
            raise ValueError("a refusal names its faults")
        said_zh = "\n".join(f"  - {fault.said(Lang.ZH)}" for fault in self.faults)
        said_en = "\n".join(f"  - {fault.said(Lang.EN)}" for fault in self.faults)
        headline = what if isinstance(what, Text) else Text(f"{what} 有误，已退回", f"{what} was refused")
        super().__init__(headline + Text(f"：\n{said_zh}", f":\n{said_en}"))


_COUNTED = {
    "稿件": "篇",
    "授权媒体": "家",
    "授权协议": "份",
    "独家发布权": "项",
    "密钥": "把",
    "签名密钥": "把",
    "媒体": "家",
    "记录": "条",
    "审计记录": "条",
    "清单": "份",
}
"""The measure word of each kind of thing; of any other it is 个."""


class Unknown(SyndicateError):
    """What was asked for does not exist, or must not be known to exist.

    `reason` is for the trail alone: why it may not be known, or `unknown`.
    """

    code = "not_found"

    def __init__(self, kind: Text, name: str, *, code: str | None = None, reason: str = "unknown") -> None:
        self.kind, self.name, self.reason = kind, name, reason
        none = Text(f"没有这{_COUNTED.get(kind.zh, '个')}", "there is no ")
        super().__init__(none + kind + Text("：", ": ") + verbatim(name), code=code or "not_found")


class NotYetKnown(Unknown):
    """What was asked for is on record now but was not at the time `then`; `since` is when it came."""

    def __init__(self, kind: Text, name: str, then: datetime, since: datetime) -> None:
        super().__init__(kind, name, code="not_known_then")
        self.then, self.since = then, since
        said = kind + Text(
            f" {name} 在 {then.isoformat()} 尚无记录，自 {since.isoformat()} 起才有；"
            f"按那时所知判断：--known {since.isoformat()}",
            f" {name} was not on record at {then.isoformat()}, only since {since.isoformat()}; "
            f"to judge with what was known then: --known {since.isoformat()}",
        )
        self.text = said
        self.args = (said.en,)


class Conflict(SyndicateError):
    """The act does not fit the present state, such as a duplicate number or a second suspension."""

    code = "conflict"


class NotLicensed(SyndicateError):
    """The policy refused a request."""

    code = "not_licensed"

    def __init__(self, reason: str, clause: str | None, text: Text) -> None:
        super().__init__(text)
        self.reason, self.clause = reason, clause


class Recalled(SyndicateError):
    """The item was recalled at `at`; `legal` says that a court or an authority ordered it."""

    code = "recalled"

    def __init__(self, reason: str, at: datetime, text: Text, *, clause: str | None = None) -> None:
        super().__init__(text, code="recalled_legal" if reason == "legal" else None)
        self.reason, self.at, self.clause = reason, at, clause


class QuotaExceeded(SyndicateError):
    """The quota of a grant is used up until `resets`; `clause` None where who asks may not know which."""

    code = "quota_exceeded"

    def __init__(self, clause: str | None, resets: datetime, text: Text) -> None:
        super().__init__(text)
        self.clause, self.resets = clause, resets


class CursorUnknown(SyndicateError):
    """A cursor of the change sequence that this server never gave out."""

    code = "cursor_unknown"


class ChangeUnknown(SyndicateError):
    """Numbers that are none of the partner's sequence; `seqs` names them. Nothing was acknowledged."""

    code = "unknown_change"

    def __init__(self, seqs: Iterable[int]) -> None:
        self.seqs = tuple(seqs)
        said = ", ".join(map(str, self.seqs))
        super().__init__(
            Text(f"变更序列中没有这些序号：{said}", f"your sequence has no such number: {said}")
        )


class TokenRejected(SyndicateError):
    """A partner's key is not accepted. `detail` is for the trail, never for the answer.

    `partner` and `jti` are known only where the signature was verified.
    """

    def __init__(
        self, code: str, detail: str, *, partner: str | None = None, jti: str | None = None
    ) -> None:
        super().__init__(verbatim(code), code=code)
        self.detail, self.partner, self.jti = detail, partner, jti


class AddressExpired(SyndicateError):
    """A signed address of a media file is good no more: its time or its right is over, or its item changed.

    `partner` and `item` are whom and what it was made for, for the trail.
    """

    code = "address_expired"

    def __init__(self, partner: str, item: str) -> None:
        self.partner, self.item = partner, item
        super().__init__(
            Text(
                "这个媒体地址已失效，请从订阅源或稿件取新的地址",
                "this media address is good no more: take a new one from the feed or the item",
            )
        )


class Unstampable(SyndicateError):
    """An item cannot carry the publisher's stamp, so it must not leave the server."""

    code = "unstampable"


class NotStampable(SyndicateError):
    """A media file cannot carry the publisher's stamp inside, so it must not leave the server."""

    code = "not_stampable"

    def __init__(self, why: Text) -> None:
        self.why = why
        said = Text(
            "来源标注无法写入文件，文件不会发出：",
            "the stamp cannot be written into the file, which stays here: ",
        )
        super().__init__(said + why)


class ForeignItem(SyndicateError):
    """An edition was offered an item that was stamped for somebody else."""

    code = "foreign_item"


class ClockBehind(SyndicateError):
    """The machine's clock is too far behind the trail's newest record to decide anything by it."""

    code = "clock_behind"


class ClockAhead(SyndicateError):
    """The machine's clock jumped forward a moment ago, and nothing may be judged by it yet."""

    code = "clock_ahead"


class KeyringFault(SyndicateError):
    """A signing key's file is missing, readable by others, damaged, or of another kind."""

    code = "keyring"


class KeyEncryptionFault(KeyringFault):
    """The key-encryption key is missing, unusable, or not the one that the signing keys need: a setting."""

    code = "key_encryption_key"


class StoreFault(SyndicateError):
    """Base of all errors of the database and of the store of media files."""

    code = "store"


class StoreMissing(StoreFault):
    """There is no database yet."""

    code = "store_missing"


class StoreNewer(StoreFault):
    """The database was written by a newer release; this one must not touch it."""

    code = "store_newer"


class StoreOlder(StoreFault):
    """The database waits for a migration: `syndicate init` makes it."""

    code = "store_older"


class StoreBusy(StoreFault):
    """The database is locked by another for longer than we wait."""

    code = "store_busy"


class StoreReadOnly(StoreFault):
    """The database cannot be written."""

    code = "store_read_only"


class StoreDamaged(StoreFault):
    """The file or server is not a database of ours, or is damaged."""

    code = "store_damaged"


class StoredFileMissing(StoreFault):
    """A media file that was asked for is not in the store of files."""

    code = "file_missing"


class StoredFileDamaged(StoreFault):
    """A media file in the store of files does not have the bytes that its name says."""

    code = "file_damaged"
