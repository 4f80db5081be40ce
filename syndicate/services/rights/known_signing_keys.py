"""Compare the signing keys in their folder with those that the database knows.

A shell without SYNDICATE_KEYS uses another folder. The running server does not accept a key that is
signed there, so it is not issued.
"""

from __future__ import annotations

from collections.abc import Sequence

from syndicate.errors import KeyringFault
from syndicate.language import Text


def require_current(place: Text, kids: Sequence[str], known: frozenset[str]) -> None:
    """Require that new keys are signed by a signing key that the database knows.

    Args:
        place: Where the signing keys are, for the message.
        kids: The ids of the keys that are there and whose signatures count, the current one first.
        known: The ids that the database knows; where it knows none, nothing is required.

    Raises:
        KeyringFault: There are no keys, or the current one is not known.
    """
    if known and (not kids or kids[0] not in known):
        raise _foreign(place, kids)


def require_common(place: Text, kids: Sequence[str], known: frozenset[str]) -> None:
    """Require at least one signing key that the database knows.

    Enough to serve: after a rotation on another machine, or with an older backup of the database, the two
    differ in their newest key alone.

    Raises:
        KeyringFault: There are no keys, or none of them is known. `require_current` has the arguments.
    """
    if known and known.isdisjoint(kids):
        raise _foreign(place, kids)


def _foreign(place: Text, kids: Sequence[str]) -> KeyringFault:
    if kids:
        wrong = Text(
            f"{place.zh} 中的签名密钥 {kids[0]} 不是本数据库登记的密钥，用它签发的密钥无法使用",
            f"this database does not know the signing key {kids[0]} in {place.en}: "
            "the server would refuse every key that it signs",
        )
    else:
        wrong = Text(
            f"{place.zh} 中没有签名密钥，而本数据库已登记过签名密钥",
            f"there is no signing key in {place.en}, and this database knows signing keys from elsewhere",
        )
    remedy = Text(
        "。请将 SYNDICATE_KEYS 设为服务器所用的密钥文件夹，或从备份恢复；"
        "确已丢失时，执行 syndicate signing-key rotate --lost 换用新的",
        ". Set SYNDICATE_KEYS to the folder of signing keys that the server uses, or restore it from a "
        "backup; if the keys are lost for good, run `syndicate signing-key rotate --lost`",
    )
    return KeyringFault(wrong + remedy, code="keyring_foreign")
