"""Partners' keys: ours open, and nothing that only looks like one does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import tempfile
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from syndicate.access.keyring import load, make, retire, rotate
from syndicate.access.thumbprint import encode, thumbprint
from syndicate.access.tokens import LONGEST_LIFE, TokenClaims, issue, verify
from syndicate.errors import TokenRejected
from syndicate.model.parties import PartnerId

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ISSUER, AUDIENCE = "https://xsnet.cn", "https://xsnet.cn/licensed"
PARTNER = PartnerId("zjol")
JTI = encode(bytes(range(16)))

with tempfile.TemporaryDirectory() as _folder:
    RING = make(Path(_folder) / "keys", NOW)
KID = RING.current.kid
STRANGER = Ed25519PrivateKey.generate()
RSA = generate_private_key(65537, 2048)

HEADER: dict[str, Any] = {"alg": "EdDSA", "typ": "at+jwt", "kid": KID}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": PARTNER,
    "client_id": PARTNER,
    "aud": AUDIENCE,
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 86_400,
    "jti": JTI,
}
IAT, EXP = CLAIMS["iat"], CLAIMS["exp"]


def b64(value: object) -> str:
    if isinstance(value, bytes):
        return encode(value)
    if isinstance(value, str):
        return encode(value.encode())
    return encode(json.dumps(value).encode())


def forge(
    header: object = HEADER,
    claims: object = CLAIMS,
    sign: Callable[[bytes], bytes] = RING.private.sign,
) -> str:
    """A token with this header and these claims (JSON values, or the very bytes), well signed."""
    signing_input = f"{b64(header)}.{b64(claims)}"
    return f"{signing_input}.{encode(sign(signing_input.encode()))}"


def header(**changes: object) -> str:
    return forge(header={**HEADER, **changes})


def claims(**changes: object) -> str:
    return forge(claims={**CLAIMS, **changes})


def without(name: str) -> str:
    return forge(claims={key: value for key, value in CLAIMS.items() if key != name})


def check(token: str, now: datetime = NOW) -> TokenClaims:
    return verify(token, keyring=RING, issuer=ISSUER, audience=AUDIENCE, now=now)


def hs256(key: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.new(key, message, hashlib.sha256).digest()


GOOD = forge()
HEAD, BODY, SIGNATURE = GOOD.split(".")
PUBLIC = RING.private.public_key()
TEXT = json.dumps(CLAIMS)
X = RING.current.x
JWK = {"kty": "OKP", "crv": "Ed25519", "x": encode(STRANGER.public_key().public_bytes_raw())}
IDENTITY = bytes([1]) + bytes(31)
ORDER = 2**252 + 27742317777372353535851937790883648493


def added_order(signature: str) -> str:
    """The same signature with S + L: what a lax verifier takes for another good one."""
    raw = base64.urlsafe_b64decode(signature + "==")
    return encode(raw[:32] + (int.from_bytes(raw[32:], "little") + ORDER).to_bytes(32, "little"))


HOSTILE: dict[str, str] = {
    # the algorithm
    "alg none, no signature": f"{b64({**HEADER, 'alg': 'none'})}.{BODY}.",
    "alg none, signed": header(alg="none"),
    "alg NONE": header(alg="NONE"),
    "alg None": header(alg=None),
    "alg missing": forge(header={"typ": "at+jwt", "kid": KID}),
    "alg empty": header(alg=""),
    "alg small letters": header(alg="eddsa"),
    "alg Ed25519": header(alg="Ed25519"),
    "alg list": header(alg=["EdDSA"]),
    "alg HS256 with the raw public key": forge(
        {**HEADER, "alg": "HS256"}, sign=hs256(PUBLIC.public_bytes_raw())
    ),
    "alg HS256 with the public x": forge({**HEADER, "alg": "HS256"}, sign=hs256(X.encode())),
    "alg HS256 with the public PEM": forge(
        {**HEADER, "alg": "HS256"},
        sign=hs256(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
    ),
    "alg HS256 with nothing": forge({**HEADER, "alg": "HS256"}, sign=hs256(b"")),
    "alg EdDSA with an HMAC": forge(sign=hs256(PUBLIC.public_bytes_raw())),
    "alg RS256": forge({**HEADER, "alg": "RS256"}, sign=lambda m: RSA.sign(m, PKCS1v15(), SHA256())),
    "alg EdDSA with an RSA signature": forge(sign=lambda m: RSA.sign(m, PKCS1v15(), SHA256())),
    # the type
    "typ missing": forge(header={"alg": "EdDSA", "kid": KID}),
    "typ JWT": header(typ="JWT"),
    "typ AT+JWT": header(typ="AT+JWT"),
    "typ application/at+jwt": header(typ="application/at+jwt"),
    "typ with a blank": header(typ="at+jwt "),
    "typ null": header(typ=None),
    "typ dpop": header(typ="dpop+jwt"),
    # the signing key's name
    "kid missing": forge(header={"alg": "EdDSA", "typ": "at+jwt"}),
    "kid null": header(kid=None),
    "kid number": header(kid=0),
    "kid list": header(kid=[KID]),
    "kid object": header(kid={"a": KID}),
    "kid empty": header(kid=""),
    "kid unknown": header(kid=thumbprint(encode(STRANGER.public_key().public_bytes_raw()))),
    "kid path": header(kid=f"../keys/{KID}"),
    "kid file": header(kid="/dev/null"),
    "kid SQL": header(kid="' OR 1=1 --"),
    "kid small letters": header(kid=KID.lower() if KID.lower() != KID else KID.upper()),
    "kid with a blank": header(kid=f"{KID} "),
    "kid with NUL": header(kid=f"{KID}\0"),
    # anything else in the header
    "header with jku": header(jku="https://evil.example/jwks.json"),
    "header with x5u": header(x5u="https://evil.example/x.pem"),
    "header with jwk, signed by it": forge({**HEADER, "jwk": JWK}, sign=STRANGER.sign),
    "header with x5c": header(x5c=["MIIB"]),
    "header with crit": header(crit=["exp"]),
    "header with empty crit": header(crit=[]),
    "header with b64 true": header(b64=True),
    "header with b64 false": header(b64=False, crit=["b64"]),
    "header with zip": header(zip="DEF"),
    "header with cty": header(cty="JWT"),
    "header with an unknown name": header(more=1),
    "header says alg twice": forge(header=f'{{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"{KID}"}}'),
    "header with NaN": forge(header=json.dumps(HEADER)[:-1] + ', "a": NaN}'),
    "header with trailing data": forge(header=json.dumps(HEADER) + "{}"),
    "header with BOM": forge(header=b"\xef\xbb\xbf" + json.dumps(HEADER).encode()),
    "header in UTF-16": forge(header=json.dumps(HEADER).encode("utf-16")),
    "header not UTF-8": forge(header=json.dumps(HEADER).encode() + b"\xff"),
    "header a list": forge(header=[HEADER]),
    "header a string": forge(header=json.dumps("EdDSA")),
    "header empty object": forge(header={}),
    "header deep": forge(header="[" * 1200),
    # claims that are not there, or too many
    **{f"claim {name} missing": without(name) for name in CLAIMS},
    "claim nbf in the future": claims(nbf=EXP),
    "claim scope": claims(scope="everything"),
    "no claims": forge(claims={}),
    # moments
    "exp string": claims(exp=str(EXP)),
    "exp float": claims(exp=float(EXP)),
    "exp bool": claims(exp=True),
    "exp null": claims(exp=None),
    "exp list": claims(exp=[EXP]),
    "exp object": claims(exp={"v": EXP}),
    "exp huge": claims(exp=10**30),
    "exp of 1000 digits": forge(claims=TEXT.replace(str(EXP), "9" * 1000)),
    "exp 1e30": forge(claims=TEXT.replace(str(EXP), "1e30")),
    "exp 1e400": forge(claims=TEXT.replace(str(EXP), "1e400")),
    "exp Infinity": forge(claims=TEXT.replace(str(EXP), "Infinity")),
    "exp -Infinity": forge(claims=TEXT.replace(str(EXP), "-Infinity")),
    "exp NaN": forge(claims=TEXT.replace(str(EXP), "NaN")),
    "exp with a leading zero": forge(claims=TEXT.replace(str(EXP), f"0{EXP}")),
    "exp negative": claims(exp=-1),
    "exp zero": claims(exp=0),
    "exp at iat": claims(exp=IAT),
    "exp before iat": claims(exp=IAT - 1),
    "exp past three years": claims(exp=IAT + int(LONGEST_LIFE.total_seconds()) + 1),
    "exp a date": claims(exp="2030-01-01T00:00:00Z"),
    "iat string": claims(iat=str(IAT)),
    "iat float": claims(iat=float(IAT)),
    "iat bool": claims(iat=True),
    "iat negative": claims(iat=-1, exp=IAT),
    "iat in the future": claims(iat=IAT + 61),
    "iat huge": claims(iat=10**30, exp=10**30 + 1),
    # who, for whom, by whom
    "aud list": claims(aud=[AUDIENCE]),
    "aud list with another": claims(aud=[AUDIENCE, "https://other.example"]),
    "aud other": claims(aud="https://other.example"),
    "aud longer": claims(aud=AUDIENCE + "/"),
    "aud capital": claims(aud=AUDIENCE.upper()),
    "aud null": claims(aud=None),
    "aud empty": claims(aud=""),
    "iss other": claims(iss="https://evil.example"),
    "iss list": claims(iss=[ISSUER]),
    "iss with slash": claims(iss=ISSUER + "/"),
    "sub other than client_id": claims(sub="hangzhou-net"),
    "client_id other than sub": claims(client_id="hangzhou-net"),
    "sub number": claims(sub=1, client_id=1),
    "sub empty": claims(sub="", client_id=""),
    "sub with colon": claims(sub="a:b", client_id="a:b"),
    "sub with newline": claims(sub="zjol\n", client_id="zjol\n"),
    "sub with a lone surrogate": forge(claims=TEXT.replace('"zjol"', '"zjol\\ud800"')),
    "sub null": claims(sub=None, client_id=None),
    # the key's own id
    "jti number": claims(jti=1),
    "jti empty": claims(jti=""),
    "jti short": claims(jti=JTI[:-1]),
    "jti long": claims(jti=JTI + "A"),
    "jti with newline": claims(jti=JTI + "\n"),
    "jti another spelling": claims(jti=JTI[:-1] + "x"),
    "jti path": claims(jti="../../../etc/passwd/.."),
    "jti a UUID of version 1": claims(jti=uuid.uuid1().hex),
    "jti a UUID with hyphens": claims(jti=str(uuid.uuid4())),
    "jti a UUID in capitals": claims(jti="ABCDEF0123454ABC8ABC0123456789AB"),
    # JSON that readers disagree about
    "exp twice": forge(claims=TEXT[:-1] + f', "exp": {EXP + 9}}}'),
    "sub twice": forge(claims='{"sub": "hangzhou-net", ' + TEXT[1:]),
    "sub twice, one escaped": forge(claims='{"s\\u0075b": "hangzhou-net", ' + TEXT[1:]),
    "a name twice, deep down": forge(claims=TEXT[:-1] + ', "a": {"b": 1, "b": 2}}'),
    "claims with trailing data": forge(claims=TEXT + "null"),
    "claims with trailing NUL": forge(claims=TEXT + "\0"),
    "claims with a comment": forge(claims=TEXT + "//"),
    "claims with a trailing comma": forge(claims=TEXT[:-1] + ",}"),
    "claims in single quotes": forge(claims=TEXT.replace('"', "'")),
    "claims with BOM": forge(claims=b"\xef\xbb\xbf" + TEXT.encode()),
    "claims in UTF-16": forge(claims=TEXT.encode("utf-16")),
    "claims in UTF-16 without BOM": forge(claims=TEXT.encode("utf-16-le")),
    "claims in UTF-32": forge(claims=TEXT.encode("utf-32")),
    "claims not UTF-8": forge(claims=TEXT.encode().replace(b"zjol", b"zj\xffl")),
    "claims a list": forge(claims=[CLAIMS]),
    "claims null": forge(claims="null"),
    "claims empty": forge(claims=""),
    "claims deep": forge(claims="[" * 1500),
    "claims deep and closed": forge(claims='{"a":' + "[" * 600 + "]" * 600 + "}"),
    "claims a token": forge(claims=GOOD),
    # the signature
    "signature by a stranger": forge(sign=STRANGER.sign),
    "signature of other claims": f"{HEAD}.{b64({**CLAIMS, 'sub': 'x', 'client_id': 'x'})}.{SIGNATURE}",
    "signature of another header": f"{b64({**HEADER, 'a': 1})}.{BODY}.{SIGNATURE}",
    "signature missing": f"{HEAD}.{BODY}.",
    "signature of zeros": f"{HEAD}.{BODY}.{encode(bytes(64))}",
    "signature of the identity": f"{HEAD}.{BODY}.{encode(IDENTITY + bytes(32))}",
    "signature cut": f"{HEAD}.{BODY}.{encode(base64.urlsafe_b64decode(SIGNATURE + '==')[:63])}",
    "signature long": f"{HEAD}.{BODY}.{encode(base64.urlsafe_b64decode(SIGNATURE + '==') + bytes(1))}",
    "signature with S + L": f"{HEAD}.{BODY}.{added_order(SIGNATURE)}",
    # the shape
    "empty": "",
    "one point": ".",
    "two points": "..",
    "three points": "...",
    "two segments": f"{HEAD}.{BODY}",
    "four segments": f"{GOOD}.{SIGNATURE}",
    "five segments": f"{GOOD}..",
    "no header": f".{BODY}.{SIGNATURE}",
    "no claims segment": f"{HEAD}..{SIGNATURE}",
    "padded": GOOD + "==",
    "padded once": GOOD + "=",
    "padded header": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "blank before": f" {GOOD}",
    "blank behind": f"{GOOD} ",
    "newline behind": f"{GOOD}\n",
    "newline inside": f"{HEAD}.\n{BODY}.{SIGNATURE}",
    "NUL behind": f"{GOOD}\0",
    "Bearer before": f"Bearer {GOOD}",
    "plus and slash": f"{HEAD}.{BODY}.{'+/' * 43}",
    "another spelling of the signature": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "full-width letter": GOOD.replace(GOOD[5], chr(ord(GOOD[5]) + 0xFEE0), 1),
    "full-width points": GOOD.replace(".", "．"),
    "a BOM before": "\ufeff" + GOOD,
    "a lone surrogate": GOOD + "\udc80",
    "JSON serialization": json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE}),
    "twice": f"{GOOD},{GOOD}",
    "4097 characters": "a" * 4097,
    "well signed and too long": forge(claims={**CLAIMS, "pad": "x" * 4096}),
    "2 MB": forge(claims={**CLAIMS, "pad": "x" * 2_000_000}),
    "2 MB of points": "." * 2_000_000,
}  # fmt: skip

MALFORMED = {
    "header with trailing data", "header with BOM", "header in UTF-16", "header not UTF-8", "header a list",
    "header a string", "header deep", "header says alg twice", "header with NaN",
    "empty", "one point", "two points", "three points", "two segments", "four segments", "five segments",
    "no header", "padded", "padded once", "padded header", "blank before", "blank behind", "newline behind",
    "newline inside", "NUL behind", "Bearer before", "plus and slash", "another spelling of the signature",
    "full-width letter", "full-width points", "a BOM before", "a lone surrogate", "JSON serialization",
    "twice", "4097 characters", "well signed and too long", "2 MB", "2 MB of points",
}  # fmt: skip


def test_the_hostile_table_is_as_long_as_promised() -> None:
    assert len(HOSTILE) >= 80
    assert len(set(HOSTILE.values())) >= len(HOSTILE) - 1
    assert set(HOSTILE) >= MALFORMED


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_does_not_open(name: str) -> None:
    with pytest.raises(TokenRejected) as caught:
        check(HOSTILE[name])
    rejected = caught.value
    assert rejected.code == ("token_malformed" if name in MALFORMED else "token_invalid")
    assert len(rejected.detail) < 40
    assert rejected.text.zh == rejected.text.en == str(rejected) == rejected.code


def test_the_token_that_the_hostile_ones_are_made_from_opens() -> None:
    assert check(GOOD) == TokenClaims(PARTNER, JTI, KID, NOW, NOW + timedelta(days=1))


@pytest.mark.parametrize("jti", [JTI, uuid.UUID(int=7, version=4).hex, "-HkEbL7VhG9Rb9y3PhOmMA"])
def test_what_is_issued_opens(jti: str) -> None:
    token = issue(
        RING,
        partner=PARTNER,
        jti=jti,
        issued=NOW,
        expires=NOW + timedelta(days=365),
        issuer=ISSUER,
        audience=AUDIENCE,
    )
    assert check(token) == TokenClaims(PARTNER, jti, KID, NOW, NOW + timedelta(days=365))
    written = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]
    assert written[0] == HEADER
    assert written[1] == {**CLAIMS, "jti": jti, "exp": IAT + 365 * 86_400}


@pytest.mark.parametrize(
    "change",
    [
        {"jti": "1"},
        {"partner": PartnerId("a b")},
        {"expires": NOW},
        {"expires": NOW - timedelta(days=1)},
        {"expires": NOW + LONGEST_LIFE + timedelta(seconds=1)},
        {"issued": NOW.replace(tzinfo=None)},
        {"audience": "x" * 4096},
    ],
)
def test_what_would_not_open_is_not_issued(change: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "partner": PARTNER,
        "jti": JTI,
        "issued": NOW,
        "expires": NOW + timedelta(days=1),
        "issuer": ISSUER,
        "audience": AUDIENCE,
    }
    with pytest.raises(ValueError):
        issue(RING, **{**right, **change})


@pytest.mark.parametrize(
    ("seconds", "opens"), [(-61, False), (-60, True), (0, True), (86_399, True), (86_400, False)]
)
def test_a_token_opens_from_a_minute_before_its_issue_until_its_end(seconds: int, opens: bool) -> None:
    now = NOW + timedelta(seconds=seconds)
    if opens:
        assert check(GOOD, now).partner == PARTNER
    else:
        with pytest.raises(TokenRejected):
            check(GOOD, now)


def test_expired_is_said_of_a_good_signature_only() -> None:
    later = NOW + timedelta(days=2)
    with pytest.raises(TokenRejected) as caught:
        check(GOOD, later)
    assert (caught.value.code, caught.value.partner, caught.value.jti) == ("token_expired", PARTNER, JTI)
    for token in (forge(sign=STRANGER.sign), HOSTILE["signature of zeros"], claims(aud="other")):
        with pytest.raises(TokenRejected) as caught:
            check(token, later)
        assert caught.value.code == "token_invalid"


def test_partner_and_jti_are_told_once_the_signature_held() -> None:
    with pytest.raises(TokenRejected) as caught:
        check(claims(aud="other"))
    assert (caught.value.partner, caught.value.jti) == (PARTNER, JTI)
    with pytest.raises(TokenRejected) as caught:
        check(forge(sign=STRANGER.sign))
    assert (caught.value.partner, caught.value.jti) == (None, None)
    with pytest.raises(TokenRejected) as caught:
        check(claims(sub=["zjol"], jti="\x1b[31m"))
    assert (caught.value.partner, caught.value.jti) == (None, None)


def test_a_retiring_key_still_verifies_and_a_retired_one_does_not(tmp_path: Path) -> None:
    old = make(tmp_path, NOW)
    terms: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE}
    token = issue(old, partner=PARTNER, jti=JTI, issued=NOW, expires=NOW + timedelta(days=1), **terms)
    new = rotate(tmp_path, NOW)
    bearer = verify(token, keyring=load(tmp_path), now=NOW, **terms)
    assert bearer.kid == old.current.kid != new
    retire(tmp_path, old.current.kid, NOW)
    with pytest.raises(TokenRejected) as caught:
        verify(token, keyring=load(tmp_path), now=NOW, **terms)
    assert (caught.value.code, caught.value.detail) == ("token_invalid", "kid unknown or retired")


def test_the_token_is_in_no_error() -> None:
    for token in (GOOD + "=", forge(sign=STRANGER.sign), claims(aud="other")):
        with pytest.raises(TokenRejected) as caught:
            check(token)
        assert token[:40] not in f"{caught.value!r}{caught.value.detail}"


@given(place=st.integers(0, len(GOOD) - 1), char=st.characters() | st.sampled_from("-_.=AZaz09"))
def test_any_single_changed_character_closes_a_token(place: int, char: str) -> None:
    changed = GOOD[:place] + char + GOOD[place + 1 :]
    if changed == GOOD:
        assert check(changed).jti == JTI
        return
    with pytest.raises(TokenRejected):
        check(changed)


@given(
    st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True)
)
def test_no_text_at_all_opens_or_breaks(token: str) -> None:
    with pytest.raises(TokenRejected):
        check(token)
