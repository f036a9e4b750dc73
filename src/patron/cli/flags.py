"""From the flags of a command line to its settings.

Every flag arrives as the list of texts that were given for it, so that one value given twice is an error
and never "the last wins". They stay text until `Settings` reads them, which answers in the same words
wherever a value came from.
"""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from patron.errors import SettingsError
from patron.settings import Settings, read_settings
from patron.settings.fields import SettingField

__all__ = ["settings_from"]


def settings_from(fields: Sequence[SettingField], given: Mapping[str, Any]) -> Settings:
    """The settings of one command: the defaults, then the settings file, then the flags that were given.

    Parameters
    ----------
    fields
        The settings that the command takes as flags.
    given
        Path of a setting, or "settings", "column" or "set" → the texts given for its flag; empty or None
        where it was not given.

    Raises
    ------
    SettingsError, DateError
        If a flag is given twice, or a value cannot be used.

    Examples
    --------
    >>> from patron.settings.fields import describe
    >>> out = describe("score.out")
    >>> settings_from([out], {"score.out": ["scores.csv"]}).score.out.name
    'scores.csv'
    >>> settings_from([out], {"score.out": ["a.csv", "b.csv"]})
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: --out is given twice; it takes one value.
    """
    chosen: dict[str, Any] = {}
    for field in fields:
        if given.get(field.path):
            _READ[field.kind](chosen, field, given[field.path])
    for mapping in given.get("column") or []:
        table, name, theirs = _split_column(mapping)
        _put(chosen, ("tables", table, "columns", name), theirs, f"--column {table}.{name}")
    for assignment in given.get("set") or []:
        path, value = _split(assignment, "--set", "KEY=VALUE", "offer.incentive=4.0")
        _put(chosen, path.split("."), _read_toml(value), f"--set {path}")
    path = _only(given.get("settings") or [None], "--settings")
    return read_settings(path, **chosen)


def _read_value(chosen: dict[str, Any], field: SettingField, texts: list[str]) -> None:
    _put(chosen, field.steps, _only(texts, field.flag), field.flag)


def _read_switch(chosen: dict[str, Any], field: SettingField, turned: bool) -> None:
    """A switch has one flag, which turns the default over."""
    _put(chosen, field.steps, not field.default, field.flag)


def _read_list(chosen: dict[str, Any], field: SettingField, texts: list[str]) -> None:
    """A list may be given with commas, and its flag may be repeated."""
    values = [value.strip() for text in texts for value in text.split(",")]
    _put(chosen, field.steps, values, field.flag)


def _read_mapping(chosen: dict[str, Any], field: SettingField, texts: list[str]) -> None:
    """Each text is one NAME=VALUE."""
    example = "=".join(map(str, next(iter(field.example.items()))))
    for text in texts:
        name, value = _split(text, field.flag, field.metavar, example)
        _put(chosen, (*field.steps, name), value, f"{field.flag} {name}")


_READ: dict[str, Any] = {
    "value": _read_value,
    "table": _read_value,
    "switch": _read_switch,
    "list": _read_list,
    "mapping": _read_mapping,
}


def _only(texts: Sequence[Any], flag: str) -> Any:
    if len(texts) > 1:
        times = "twice" if len(texts) == 2 else f"{len(texts)} times"
        raise SettingsError(f"{flag} is given {times}; it takes one value.")
    return texts[0]


def _put(chosen: dict[str, Any], steps: Sequence[str], value: Any, flag: str) -> None:
    for step in steps[:-1]:
        chosen = chosen.setdefault(step, {})
    if steps[-1] in chosen:
        raise SettingsError(f"{flag} is given twice; it takes one value.")
    chosen[steps[-1]] = value


def _split(text: str, flag: str, form: str, example: str) -> tuple[str, str]:
    """NAME=VALUE → name and value."""
    name, _, value = text.partition("=") if flag == "--set" else text.rpartition("=")
    if not (name.strip() and value.strip()):
        raise SettingsError(f"{flag} {text!r} cannot be read. Write {form}, for instance {flag} {example!r}.")
    return name.strip(), value.strip()


def _split_column(mapping: str) -> tuple[str, str, str]:
    """TABLE.NAME=YOURS → the three."""
    ours, equals, theirs = mapping.partition("=")
    table, dot, name = ours.strip().partition(".")
    if not (equals and dot and table and name and theirs):
        raise SettingsError(
            f"--column {mapping!r} cannot be read. Write TABLE.NAME=YOURS, "
            'for instance --column transactions.customer_id="Customer ID".'
        )
    return table, name, theirs


def _read_toml(text: str) -> Any:
    """A value as TOML reads it; what is not TOML is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
