"""Say who runs a command: `--actor NAME`, else `SYNDICATE_ACTOR`, else the system's login name.

The name is a statement, not a proof: whoever may run commands on this machine may say any name.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from typing import Final

from syndicate.cli.ui.failures import Bilingual
from syndicate.language import Text
from syndicate.model.actors import LONGEST_NAME, Actor, Way, valid_name

VARIABLE: Final = "SYNDICATE_ACTOR"


def actor_of(way: Way, option: str | None, environ: Mapping[str, str]) -> Actor:
    """Return the actor of a command that came in by this way; `option` is what `--actor` says.

    Raises a usage error for a name that the trail does not take.
    """
    said = {"--actor": option, VARIABLE: environ.get(VARIABLE)}
    place, name = next(((place, name) for place, name in said.items() if name is not None), (None, None))
    if name is None:
        return Actor(way, login_name(environ))
    if not valid_name(name):
        raise Bilingual(
            Text(
                f"{place} {name!r} 不可用：应为 1 到 {LONGEST_NAME} 个可见字符，首尾无空格",
                f"{place} {name!r} cannot be used: expected 1 to {LONGEST_NAME} visible characters "
                "without a blank at either end",
            )
        )
    return Actor(way, name)


def login_name(environ: Mapping[str, str]) -> str:
    """Return the login name of this process's user; under `sudo`, of who called it.

    A user that the system has no name for, as in many containers, is `uid-NUMBER`.
    """
    caller = environ.get("SUDO_USER", "")
    if valid_name(caller):
        return caller
    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        name = ""
    return name if valid_name(name) else f"uid-{user}"
