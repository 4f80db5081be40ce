"""Where in an S3-compatible store the files are, and with which credentials."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syndicate.errors import StoreFault
from syndicate.language import Text


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket and a prefix without slashes at its ends, perhaps empty; `endpoint` None: Amazon's own.

    `credentials` are obstore's (`access_key_id`, `secret_access_key`, `session_token`); without any it
    looks for the usual AWS_* variables. `seconds` is the timeout of one request, `retries` how often it is
    tried again.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 60.0
    retries: int = 3

    def __repr__(self) -> str:
        """Without credentials."""
        at = f" ({self.endpoint})" if self.endpoint else ""
        return "/".join(filter(None, (f"s3://{self.bucket}", self.prefix))) + at


_NAMES = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}


def credentials_in_file(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials in the file that AWS_SHARED_CREDENTIALS_FILE names, of AWS_PROFILE.

    None where the variable is not set, or AWS_ACCESS_KEY_ID is: it comes first. Raises StoreFault, with
    nothing of the file in its text, where the file or the profile cannot be used.
    """
    name, profile = environ.get("AWS_SHARED_CREDENTIALS_FILE"), environ.get("AWS_PROFILE", "default")
    if not name or environ.get("AWS_ACCESS_KEY_ID"):
        return {}
    said = configparser.RawConfigParser()
    try:
        said.read_string(Path(name).expanduser().read_text(encoding="utf-8"))
        found = {ours: said[profile][theirs] for theirs, ours in _NAMES.items() if theirs in said[profile]}
    except (OSError, ValueError, KeyError, configparser.Error):
        found = {}
    if not {"access_key_id", "secret_access_key"} <= found.keys():
        raise StoreFault(
            Text(
                f"凭据文件 {name} 无法读取，或其中 [{profile}] 没有 aws_access_key_id 和 "
                "aws_secret_access_key",
                f"the file of credentials {name} cannot be read, or has no aws_access_key_id and "
                f"aws_secret_access_key in [{profile}]",
            ),
            code="store_not_admitted",
        )
    return found
