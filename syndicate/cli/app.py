"""The root of the command line: the options that every command has, and how a command is entered."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

import click
from typing_extensions import override

import syndicate as package
from syndicate.cli.ui.acting import actor_of
from syndicate.cli.ui.failures import Bilingual, WrongSettings
from syndicate.cli.ui.output import Output
from syndicate.errors import Faulty
from syndicate.language import Lang, Text
from syndicate.model.actors import Actor, Way
from syndicate.wiring import Services, opened

if TYPE_CHECKING:
    from syndicate.config import Settings

P = ParamSpec("P")

_LANG = "SYNDICATE_LANG"
_LANGUAGES = [one.value for one in Lang]


@dataclass(slots=True)
class Given:
    """What the common options said, wherever on the line they stood."""

    lang: Lang
    data: Path | None = None
    config: Path | None = None
    actor_name: str | None = None
    json: bool = False

    @classmethod
    def at_first(cls) -> Given:
        """Before any option is read: the language of the environment, else Chinese."""
        word = os.environ.get(_LANG, "")
        return cls(Lang(word) if word in _LANGUAGES else Lang.ZH)

    def voice(self) -> Output:
        """How to speak, before the publisher's time zone is known."""
        return Output(self.lang, self.json)

    def settings(self) -> Settings:
        """The settings. Raises WrongSettings with every mistake."""
        word = os.environ.get(_LANG)
        if word is not None and word not in _LANGUAGES:
            raise Bilingual(Text(f"{_LANG} 应为 zh 或 en", f"{_LANG} should be zh or en"))
        # Here, not above: pydantic takes long to load, and help and completion need no settings.
        from syndicate.config import load

        try:
            return load(self.config, os.environ, data=self.data)
        except Faulty as faulty:
            raise WrongSettings(faulty) from None


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Remember a common option; one that was not given here overrules nothing said elsewhere."""
    if value is None or value is False:
        return
    given = ctx.ensure_object(Given)
    if param.name == "lang":
        given.lang = Lang(value)
    elif param.name is not None:
        setattr(given, param.name, value)


def _common(hidden: bool) -> list[click.Parameter]:
    path = click.Path(path_type=Path)
    said: dict[str, Any] = {
        "expose_value": False,
        "is_eager": True,
        "callback": _keep,
        "hidden": hidden,
        "default": None,
    }
    return [
        click.Option(
            ["--data"],
            type=path,
            metavar="DIR",
            help="数据文件夹，默认 var（环境变量 SYNDICATE_DATA） · data folder",
            **said,
        ),
        click.Option(
            ["--config"], type=path, metavar="FILE", help="设置文件 syndicate.toml · settings file", **said
        ),
        click.Option(
            ["--actor", "actor_name"],
            metavar="NAME",
            help="谁在操作，记入审计记录，默认登录名（环境变量 SYNDICATE_ACTOR） · who acts",
            **said,
        ),
        click.Option(["--json"], is_flag=True, help="标准输出为 JSON · JSON on standard output", **said),
        click.Option(
            ["--lang"],
            type=click.Choice(_LANGUAGES),
            help="界面语言，默认 zh（环境变量 SYNDICATE_LANG） · language of the output",
            **said,
        ),
    ]


_HELP: Final = "显示帮助 · show this help"


class Command(click.Command):
    """A command; the common options may stand behind it too."""

    @override
    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """See `click.Command.get_help_option`; its help is in both languages."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _HELP
        return option

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_common(hidden=True))


class Group(click.Group):
    """Commands about one thing; the common options may stand behind its name too.

    Of a command that is `Deferred` it knows the name, and loads it when it is entered.
    """

    command_class = Command

    @override
    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """See `Command.get_help_option`."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _HELP
        return option

    def __init__(self, *args: Any, hide_common: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_common(hidden=hide_common))

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are used, not of the alphabet."""
        return list(self.commands)

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See `click.Group.resolve_command`; also how completion finds the command under way."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Deferred) else command, rest


class Deferred(click.Command):
    """A command by its name and first line of help; its module is imported when the command is entered.

    `target` is `module:attribute`. Lists of commands, help and completion of names need no more than this.
    """

    def __init__(self, name: str, target: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self._target = target

    def load(self) -> click.Command:
        """Import the command itself."""
        module, _, attribute = self._target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=Group,
    hide_common=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 108},
    epilog="退出码 0 完成，1 被拒绝或部分失败，2 用法或设置有误。"
    "Exit code 0 done, 1 refused or partly failed, 2 wrong usage or settings.",
)
@click.version_option(package.__version__, prog_name="syndicate", help="显示版本 · show the version")
def syndicate() -> None:
    """本网独家稿件的授权分发 · Syndication of a publisher's exclusive work.

    \b
    例 · Example:
      syndicate init
      syndicate ingest 稿件/
      syndicate serve
    """


def with_services(
    act: Callable[Concatenate[Services, Output, P], Awaitable[int | None]],
) -> Callable[P, int]:
    """Make a command of an async function: it gets the open services and a voice, and closes it after.

    What the function returns is the exit code; None is 0.
    """

    @wraps(act)
    def command(*args: P.args, **kwargs: P.kwargs) -> int:
        import asyncio

        given = click.get_current_context().ensure_object(Given)
        settings = given.settings()
        voice = replace(given.voice(), zone=settings.publisher.zone)

        async def entered() -> int | None:
            async with opened(settings) as services:
                return await act(services, voice, *args, **kwargs)

        return asyncio.run(entered()) or 0

    return command


def given() -> Given:
    """What the common options of the running command said."""
    return click.get_current_context().ensure_object(Given)


def acting(way: Way = Way.CLI) -> Actor:
    """Who runs the command, for the trail. Raises a usage error for a name that cannot be used."""
    return actor_of(way, given().actor_name, os.environ)
