"""The command line: what staff do by hand and by script, from the first `init` to the daily `trail list`.

app         the options that every command has, and how a command is entered and left
voice       what is said to people (tables, both languages) and to programs (JSON)
failing     what is said when it does not work, and the exit code
setting_up  init, serve
ingesting   ingest; with intake (finding, reading), taking (one by one), watching (following)
items       item list, show, export
holding     item hold, release, correct, recall, reinstate, recall-report; with holds (in words), moments
partners    partner add, list, show, suspend, resume
mandates    mandate add, list, end
licences    licence add, list, show, end; with comparing (diff) and trying (try)
keys        key issue, list, revoke; signing-key list, rotate, retire; with opening (which still open)
explaining  explain: why, and what would change it; with remedies, and replaying (a recorded line again)
trail       trail list
proving     trail verify, prove, export, checkpoint, key; with papers (files in and out)
checking    trail check: for others, with the public key alone
pulling     pull: a partner's folder, kept in step; with pull_told (what is said of it)
reports     report usage, statement, takedowns; with sheets (their tables), spreadsheet (no formula runs)
demo        demo: everything needed to try it, made once
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from syndicate.cli.app import Given, syndicate
from syndicate.cli.commands import item_holds as _holding  # noqa: F401  (its commands join `item`)
from syndicate.cli.commands.clock import clock
from syndicate.cli.commands.demo import demo
from syndicate.cli.commands.explain import explain
from syndicate.cli.commands.ingest import ingest
from syndicate.cli.commands.init_serve import init, serve
from syndicate.cli.commands.item import item
from syndicate.cli.commands.key import key, signing_key
from syndicate.cli.commands.licence import licence
from syndicate.cli.commands.mandate import mandate
from syndicate.cli.commands.partner import partner
from syndicate.cli.commands.pull import pull
from syndicate.cli.commands.report import report
from syndicate.cli.commands.trail import trail
from syndicate.cli.ui.failures import guarded

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
    pull,
    report,
    clock,
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
