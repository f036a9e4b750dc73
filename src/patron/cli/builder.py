"""From a declared command to one of Typer: its flags are made from the fields of the settings.

The command line of pydantic-settings does not serve: it has no help panels, puts the section into the name of
every flag, lets the last of two values win, and has to load pydantic before it can print ``--help``. So this
small builder makes the commands: ``patron --help`` needs only the names and one line of each, and a command
gets its flags when it is called.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from patron.cli.terminal import show, steps

if TYPE_CHECKING:
    from patron.settings.fields import SettingField

__all__ = ["Command", "build", "flags_of", "group_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of ``patron``.

    Attributes
    ----------
    name
        What stands after ``patron``.
    panel
        Heading in ``patron --help`` under which it stands.
    help
        One line for ``patron --help``; further paragraphs for its own.
    recipe
        Module and function that do the work, such as "patron.workflows.check:check".
    settings
        Paths of the settings that it takes as flags, in the order of ``--help``; "score.*" is short for
        all of a section.
    arguments
        Typer's arguments by name, for a recipe that takes them in place of settings.
    reports
        Whether the recipe takes `progress` and returns a result to show.
    """

    name: str
    panel: str
    help: str
    recipe: str
    settings: tuple[str, ...] = ()
    arguments: Mapping[str, Any] | None = None
    reports: bool = True


def group_of(commands: Mapping[str, Command]) -> type[TyperGroup]:
    """A group of Typer that builds a command when it is called.

    Parameters
    ----------
    commands
        Name of a command → what is declared.

    Returns
    -------
    type[TyperGroup]
        The class, for ``typer.Typer(cls=…)``.
    """

    class OnDemand(TyperGroup):
        """The commands, of which only the one that is called gets its flags."""

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            """Name, built command, and the arguments that are left for it."""
            name, stub, rest = super().resolve_command(ctx, args)
            return name, build(commands[name]) if name and stub else stub, rest

        def get_params(self, ctx: Any) -> Any:
            """Flags of ``patron`` itself."""
            return _without_type_of_switches(super().get_params(ctx))

    return OnDemand


def build(command: Command) -> Any:
    """The command of Typer, with its flags or arguments.

    Parameters
    ----------
    command
        What is declared.
    """
    alone = typer.Typer(add_completion=False)
    parameters = _arguments(command) if command.arguments is not None else _options(command)
    called = _by_arguments(command) if command.arguments is not None else _by_settings(command)
    called.__signature__ = inspect.Signature(list(parameters))  # type: ignore[attr-defined]
    paragraphs = (" ".join(paragraph.split()) for paragraph in command.help.split("\n\n"))
    alone.command(command.name, cls=_OneCommand, help="\n\n".join(paragraphs))(called)
    return get_command(alone)


def flags_of(command: Command) -> "list[SettingField]":
    """The settings that a command takes as flags.

    Parameters
    ----------
    command
        What is declared.

    Examples
    --------
    >>> one = Command(name="due", panel="", help="", recipe="", settings=("as_of", "check.*"))
    >>> [field.path for field in flags_of(one)]
    ['as_of', 'check.rejected', 'check.leaks']
    """
    from patron.settings.fields import describe, fields_of

    found = []
    for path in command.settings:
        section, _, name = path.rpartition(".")
        found += fields_of(section) if name == "*" else [describe(path)]
    return [field for field in found if field.kind != "nested"]


class _OneCommand(TyperCommand):
    """A command whose switches have no placeholder in ``--help``."""

    def get_params(self, ctx: Any) -> Any:
        """Flags and arguments of the command."""
        return _without_type_of_switches(super().get_params(ctx))


def _without_type_of_switches(parameters: list[Any]) -> list[Any]:
    """The same parameters; Typer would print ``<bool>`` after switches such as --help."""
    for parameter in parameters:
        parameter.metavar = "" if getattr(parameter, "is_flag", False) else parameter.metavar
    return parameters


def _by_settings(command: Command) -> Callable[..., None]:
    def called(**given: Any) -> None:
        from patron.cli.flags import settings_from

        fields = flags_of(command)
        with steps() as progress:
            by_path = {field.path: given[_identifier(field)] for field in fields}
            settings = settings_from(fields, given | by_path)
            reporting = {"progress": progress} if command.reports else {}
            result = _recipe(command)(settings, **reporting)
        if command.reports:
            show(result, as_json=given["json"], notes=progress.notes)
        raise typer.Exit(getattr(result, "exit_code", 0))

    return called


def _by_arguments(command: Command) -> Callable[..., None]:
    def called(*, json: bool, **arguments: Any) -> None:
        show(_recipe(command)(**arguments), as_json=json)

    return called


def _recipe(command: Command) -> Any:
    module, _, name = command.recipe.partition(":")
    return getattr(import_module(module), name)


def _options(command: Command) -> Iterator[inspect.Parameter]:
    """One parameter for each flag of a command that takes settings."""
    fields = flags_of(command)
    for field in fields:
        yield _option(_identifier(field), field)
    if any(field.kind == "table" for field in fields):
        yield _column()
    yield _values("settings", "--settings", "FILE", "TOML file with any settings; flags override it.", None)
    yield _values(
        "set", "--set", "KEY=VALUE", "Any other setting, e.g. offer.incentive=4.0; repeatable.", None
    )
    if command.reports:
        yield _JSON


def _arguments(command: Command) -> Iterator[inspect.Parameter]:
    for name, (kind, argument) in (command.arguments or {}).items():
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, argument])
    yield _JSON


def _identifier(field: "SettingField") -> str:
    return field.path.replace(".", "__")


def _option(identifier: str, field: "SettingField") -> inspect.Parameter:
    panel = field.panel or None
    if field.kind == "switch":
        return _switch(identifier, field.flag, field.help(), panel)
    repeated = field.kind in ("list", "mapping")
    text = field.help().removesuffix(".") + "; repeatable." if repeated else field.help()
    return _values(identifier, field.flag, field.metavar, text, panel, field.choices)


def _column() -> inspect.Parameter:
    text = 'Your name of a column, e.g. transactions.customer_id="Customer ID"; repeatable.'
    return _values("column", "--column", "TABLE.NAME=YOURS", text, "Tables")


def _values(
    name: str, flag: str, metavar: str, text: str, panel: str | None, choices: tuple[str, ...] = ()
) -> inspect.Parameter:
    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    option = typer.Option(
        flag,
        metavar=metavar,
        help=text,
        rich_help_panel=panel,
        show_default=False,
        autocompletion=complete if choices else None,
    )
    annotation = Annotated[list[str] | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _switch(name: str, flag: str, text: str, panel: str | None) -> inspect.Parameter:
    option = typer.Option(flag, help=text, rich_help_panel=panel, show_default=False)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, option]
    )


_JSON = _switch("json", "--json", "Print one JSON object on stdout.", "Output")
