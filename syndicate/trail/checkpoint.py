"""Checkpoints: signed notes that state the trail's size and its Merkle root.

Written as transparency logs write theirs, so that other people's tools and witnesses can read them: a
signed note (c2sp.org/signed-note, Ed25519) whose text is a checkpoint (c2sp.org/tlog-checkpoint):

    xsnet.cn/syndicate-trail                         whose trail: the origin, also the name of the key
    20852163                                         the number of lines
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=     the root over them
    time 2026-11-02T04:00:00+00:00                   when we said so

    — xsnet.cn/syndicate-trail Az3grlgtzPICa5OS8n…   the key's hash and the signature, in base64

A checkpoint has one encoding: whatever differs from it by a single byte is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from syndicate.errors import Fault, Faulty
from syndicate.language import Text
from syndicate.trail.merkle import HASH_SIZE

MOST_LINES: Final = 2**63 - 1
"""The largest size that a checkpoint may state."""
LONGEST: Final = 16_384
"""Most bytes of a note."""
_ED25519: Final = b"\x01"
_SIGNATURE: Final = 64
_TIME: Final = "time "
_MOST_SIGNATURES: Final = 16
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_WHAT: Final = Text("检查点无效", "the checkpoint was refused")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A named public key; `str` gives the line that outsiders need to verify: `name+hash+key`."""

    name: str
    public: bytes
    """The 32 bytes of an Ed25519 public key."""

    @property
    def hash(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{_encoded(_ED25519 + self.public)}"


@dataclass(frozen=True, slots=True)
class Head:
    """What a checkpoint states: the first `size` lines of the trail `origin` have this root, said `at`."""

    origin: str
    size: int
    root: bytes
    at: datetime

    def text(self) -> str:
        """The text that is signed."""
        when = self.at.astimezone(UTC).isoformat()
        return f"{self.origin}\n{self.size}\n{_encoded(self.root)}\n{_TIME}{when}\n"


def verifier_key(line: str) -> VerifierKey:
    """The inverse of `str(VerifierKey)`. Raises Faulty: not a verifier key, or one with a slip in it."""
    name, _, rest = line.partition("+")
    hash_, _, encoded = rest.partition("+")
    try:
        raw = _decoded(encoded)
        key = VerifierKey(name, raw[1:])
        Ed25519PublicKey.from_public_bytes(key.public)
    except ValueError:
        pass
    else:
        if raw[:1] == _ED25519 and _NAME.fullmatch(name) and key.hash.hex() == hash_:
            return key
    text = Text(
        "不是公钥：应如 名称+8 位十六进制+base64，即 syndicate trail key 打印的一行",
        "this is no verifier key: expected name+8 hex digits+base64, the line that "
        "`syndicate trail key` prints",
    )
    raise Faulty(Text("公钥无效", "the verifier key was refused"), [Fault("key_invalid", "key", text)])


def signed(head: Head, key: VerifierKey, sign: Callable[[bytes], bytes]) -> str:
    """The checkpoint as a note, read back before it is given out. Raises Faulty like `opened`."""
    text = head.text()
    note = f"{text}\n— {key.name} {_encoded(key.hash + sign(text.encode()))}\n"
    opened(note, [key])
    return note


def opened(note: str, keys: Iterable[VerifierKey], *, cosigned: bool = False) -> Head:
    """What the note states, once one of these keys is found to have signed it.

    `cosigned`: others (witnesses) may have signed it too; otherwise there is exactly one signature. Raises
    Faulty: `checkpoint_malformed`, `checkpoint_unknown_key`, `checkpoint_signature`.
    """
    text, blank, below = note.rpartition("\n\n")
    text += "\n"
    lines = below.split("\n")
    if not blank or len(note) > LONGEST or lines.pop() != "" or not lines:
        raise _malformed("note")
    if len(lines) > (_MOST_SIGNATURES if cosigned else 1):
        raise _malformed("signature")
    head = _head(text)
    signatures = [_signature(line) for line in lines]
    known = {(key.name, key.hash): key for key in keys}
    ours = [(known[name, hash_], raw) for name, hash_, raw in signatures if (name, hash_) in known]
    if not ours:
        signers = ", ".join(f"{name}+{hash_.hex()}" for name, hash_, _ in signatures)
        raise _refused(
            "checkpoint_unknown_key",
            "signature",
            Text(
                f"签名所用的公钥 {signers} 不在所给之列",
                f"signed by {signers}, which is not among the keys given",
            ),
        )
    for key, raw in ours:
        if key.name != head.origin or not _verifies(key, raw, text.encode()):
            raise _refused(
                "checkpoint_signature",
                "signature",
                Text("签名与内容不符：检查点被改动或伪造", "the signature does not fit: changed or forged"),
            )
    return head


def _head(text: str) -> Head:
    lines = text.split("\n")
    if len(lines) != 5 or not _NAME.fullmatch(lines[0]) or not lines[3].startswith(_TIME):
        raise _malformed("note")
    try:
        size, root = int(lines[1]), _decoded(lines[2])
        at = datetime.fromisoformat(lines[3].removeprefix(_TIME))
        head = Head(lines[0], size, root, at)
        # What can be spelt in several ways (numbers, times, base64) counts in our spelling alone.
        same = at.tzinfo is not None and len(root) == HASH_SIZE and head.text() == text
    except (ValueError, OverflowError):
        raise _malformed("note") from None
    if not same or not 0 <= size <= MOST_LINES:
        raise _malformed("note")
    return head


def _signature(line: str) -> tuple[str, bytes, bytes]:
    """The signer's name, the key's hash and the signature of a signature line."""
    parts = line.split(" ")
    try:
        if len(parts) != 3 or parts[0] != "—" or not _NAME.fullmatch(parts[1]):
            raise ValueError(line)
        raw = _decoded(parts[2])
        if len(raw) < 5:
            raise ValueError(line)
    except ValueError:
        raise _malformed("signature") from None
    return parts[1], raw[:4], raw[4:]


def _verifies(key: VerifierKey, signature: bytes, text: bytes) -> bool:
    if len(signature) != _SIGNATURE:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _decoded(text: str) -> bytes:
    """Base64 (RFC 4648, section 4) in its one canonical spelling. Raises ValueError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if _encoded(raw) != text:
        raise ValueError("another encoding of the same bytes")
    return raw


def hashes_encoded(hashes: Sequence[bytes]) -> list[str]:
    """Encode hashes in base64, as files hold them."""
    return [_encoded(one) for one in hashes]


def hashes_decoded(words: Sequence[str]) -> list[bytes]:
    """The inverse. Raises ValueError for what is not a hash in canonical base64."""
    raw = [_decoded(one) for one in words]
    if any(len(one) != HASH_SIZE for one in raw):
        raise ValueError("a hash of another length")
    return raw


def _malformed(field: str) -> Faulty:
    text = Text(
        "不是有效的检查点（应为 origin、行数、根散列、时间四行，空一行，再一行签名）",
        "not a checkpoint (expected origin, size, root and time, a blank line, and a line of signature)",
    )
    return _refused("checkpoint_malformed", field, text)


def _refused(code: str, field: str, text: Text) -> Faulty:
    return Faulty(_WHAT, [Fault(code, field, text)])
