"""The settings page of the docs: every setting with its flag, default, unit, range and meaning."""

from collections.abc import Iterator

from patron.cli.builder import flags_of
from patron.cli.commands import COMMANDS
from patron.settings.fields import SettingField, fields_of, sections
from patron.settings.file import toml_of

__all__ = ["settings_page"]

_HEAD = """\
# Settings

Settings come from three places, and later ones override earlier ones: the defaults, a TOML file
(`--settings patron.toml`), and the flags of the command line. `models/patron.toml` shows all settings with
their defaults. A setting without a flag can be set by `--set`, for instance `--set offer.incentive=4.0`.
Unknown keys are refused, with a suggestion of what was meant. Paths are relative to the working folder.
`patron COMMAND --help` lists the flags of a command.

This page is made from the fields of `patron.settings` by `make settings`: do not edit it by hand.
"""
_ANY = "Settings of every table, e.g. under `[tables.transactions]`; a bare path is short for `source`."


def settings_page() -> str:
    """The text of ``docs/settings.md``: one table per section.

    Examples
    --------
    >>> "| `budget` | `--budget` | no limit | money; ≥0 |" in settings_page()
    True
    """
    return "\n".join([_HEAD, *_lines()]).rstrip("\n") + "\n"


def _lines() -> Iterator[str]:
    flagged = {field.path for command in COMMANDS for field in flags_of(command)}
    yield from _section("Settings outside of sections", "", fields_of(), flagged)
    for name, text in sections():
        yield from _section(f"[{name}]", text, fields_of(name), flagged)
        if name == "tables":
            yield from _section("[tables.NAME]", _ANY, fields_of("tables.*"), flagged)


def _section(title: str, text: str, fields: list[SettingField], flagged: set[str]) -> Iterator[str]:
    yield f"## {title}\n"
    if text:
        yield f"{text}\n"
    yield "| key | flag | default | unit, range | meaning |"
    yield "|---|---|---|---|---|"
    for field in fields:
        flag = f"`{field.flag}`" if field.path in flagged else ""
        default = field.absent or ("" if field.default is None else f"`{toml_of(field.default)}`")
        facts = [field.unit, field.limits, ", ".join(f"`{choice}`" for choice in field.choices)]
        yield f"| `{field.name}` | {flag} | {default} | {'; '.join(filter(None, facts))} | {field.text} |"
    yield ""
