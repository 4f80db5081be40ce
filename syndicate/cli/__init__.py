"""The command line: what staff do by hand and by script, from the first `init` to the daily `trail list`.

app         the options that every command has, and how a command is entered and left
voice       what is said to people (tables, both languages) and to programs (JSON)
failing     what is said when it does not work, and the exit code
setting_up  init, serve
ingesting   ingest; with intake (finding, reading), taking (one by one), watching (following)
items       item list, show, export
partners    partner add, list, show, suspend, resume
mandates    mandate add, list, end
licences    licence add, list, show, end
keys        key issue, list, revoke; signing-key list, rotate, retire; with opening (which still open)
explaining  explain: why, and what would change it; with remedies
trail       trail list
demo        demo: everything needed to try it, made once
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from syndicate.cli.app import Given, syndicate
from syndicate.cli.demo import demo
from syndicate.cli.explaining import explain
from syndicate.cli.failing import guarded
from syndicate.cli.ingesting import ingest
from syndicate.cli.items import item
from syndicate.cli.keys import key, signing_key
from syndicate.cli.licences import licence
from syndicate.cli.mandates import mandate
from syndicate.cli.partners import partner
from syndicate.cli.setting_up import init, serve
from syndicate.cli.trail import trail

__all__ = ["main"]

for _command in (
    init,
    serve,
    ingest,
    item,
    partner,
    mandate,
    licence,
    key,
    signing_key,
    explain,
    trail,
    demo,
):
    syndicate.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 refused or partly failed, 2 wrong usage or settings."""
    given = Given.at_first()
    words = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(
        lambda: syndicate.main(words, prog_name="syndicate", obj=given, standalone_mode=False), given
    )
