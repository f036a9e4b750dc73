"""``models/patron.toml``: every setting with its text and its default, made from the fields.

``make settings`` writes it, and a test compares it with what stands in the repository.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from patron.settings.fields import SettingField, fields_of, sections

__all__ = ["settings_file", "toml_of"]

_FILE_HEAD = """\
# Every setting with its default. Copy this file, keep what you change, and pass it with --settings.
# A key without a default is commented out and shows an example. Unknown keys are refused.
# Made from the fields of patron.settings by `make settings`: do not edit it by hand.
"""


def settings_file() -> str:
    """The text of ``models/patron.toml``: every setting with its text, and its default or an example.

    Examples
    --------
    >>> "horizon_days = 90" in settings_file()
    True
    """
    return "\n".join([_FILE_HEAD, *_file_lines()]) + "\n"


def toml_of(value: Any) -> str:
    """A value as TOML writes it.

    Parameters
    ----------
    value
        Text, number, date, path, list or mapping.

    Examples
    --------
    >>> toml_of({"call centre": 9600, "on": True})
    '{ "call centre" = 9600, on = true }'
    """
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {toml_of(one)}" for key, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_of, value))}]"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _file_lines() -> Iterator[str]:
    blocks = [_entry(field) for field in fields_of()]
    for name, text in sections():
        blocks.append(_comment(text.replace("`", "")))
        if name == "tables":
            yield "\n\n".join(blocks)
            yield "\n" + "\n".join(f"# {line}".rstrip() for line in _a_table().split("\n"))
            blocks = []
        else:
            blocks[-1] += f"\n[{name}]"
            blocks += [_entry(field) for field in fields_of(name)]
    yield "\n" + "\n\n".join(blocks)


def _a_table() -> str:
    """One table, to be shown commented out."""
    keys = [f"{field.name} = {toml_of(field.example)}" for field in fields_of("tables.*")]
    return "\n".join(["[tables.transactions]", *keys])


def _entry(field: SettingField) -> str:
    absent = field.default is None
    value = toml_of(field.example if absent else field.default)
    note = f" For example {toml_of(field.example)}." if field.example and not absent else ""
    return f"{_comment(_text(field) + note)}\n{'# ' if absent else ''}{field.name} = {value}"


def _text(field: SettingField) -> str:
    """Text, unit, range and choices in one line."""
    facts = [field.unit, field.limits, " or ".join(map(repr, field.choices))]
    facts = [fact.replace("'", '"') for fact in facts if fact]
    absent = f" If absent: {field.absent}." if field.absent else ""
    return f"{field.text}{f' [{"; ".join(facts)}]' if facts else ''}{absent}"


def _comment(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else json.dumps(name)
