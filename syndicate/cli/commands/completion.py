"""`completion`: print the script that makes a shell complete commands, options and their values."""

from __future__ import annotations

import sys
from typing import Final

import click
from click.shell_completion import get_completion_class

from syndicate.cli.app import Command, given

COMPLETE: Final = "_SYNDICATE_COMPLETE"
"""The environment variable by which a script asks for completions; click answers it before any command."""


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="bash|zsh|fish")
def completion(shell: str) -> None:
    """打印命令补全脚本 · Print the completion script of a shell.

    存入所用 shell 的补全文件夹，新开的终端即可用 Tab 键补全命令、选项、选项的取值和文件名。

    Keep it in the completion folder of the shell; new terminals then complete commands, options, their
    values and file names.

    \b
    例 · Example:
      syndicate completion bash > ~/.local/share/bash-completion/completions/syndicate
      syndicate completion zsh > ~/.zfunc/_syndicate
      syndicate completion fish > ~/.config/fish/completions/syndicate.fish
    """
    script = get_completion_class(shell)
    assert script is not None, "one of click's own shells"
    root = click.get_current_context().find_root().command
    text = script(root, {}, "syndicate", COMPLETE).source()
    voice = given().voice()
    voice.give({"shell": shell, "script": text})
    if not voice.json:
        sys.stdout.write(text)
        sys.stdout.flush()
