"""Every setting as its field describes it: the source of command line, settings file and docs."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from patron.settings.root import Settings
from patron.settings.section import Section
from patron.settings.tables import TableSettings

__all__ = ["SettingField", "describe", "fields_of", "sections"]

type Kind = Literal["value", "switch", "list", "mapping", "table", "nested"]

_OF_UNIT = {"days": "DAYS", "money": "MONEY", "share": "SHARE", "years": "YEARS", "ratio": "RATIO"}
_OF_UNIT |= {"points": "POINTS", "percent": "PERCENT", "minutes": "MINUTES"}
_OF_TYPE = {date: "YYYY-MM-DD", Path: "FILE", int: "N", float: "X"}
_LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One setting.

    Attributes
    ----------
    path
        Where it stands in the settings, such as "target.budget".
    text
        What it does, in full sentences.
    kind
        One value, an on-off switch, a list, a mapping of names to values, a table, or a mapping of names to
        whole sections ("nested"), which only a settings file can hold.
    default
        Value that holds where none is given; None where the setting may be absent.
    choices
        The values to choose from; empty where any is allowed.
    unit, limits, absent
        Unit and range of the value, and what None means; empty where there is nothing to say.
    example
        A value to show where there is no default.
    flag, metavar, panel
        The flag, such as "--budget", or "--no-reasons" for a switch that is on by default; the placeholder
        of its value; and its heading in ``--help``.
    """

    path: str
    text: str
    kind: Kind
    default: Any
    choices: tuple[str, ...]
    unit: str
    limits: str
    absent: str
    example: Any
    flag: str
    metavar: str
    panel: str

    @property
    def name(self) -> str:
        """Key of the setting in its section."""
        return self.path.rpartition(".")[2]

    @property
    def steps(self) -> tuple[str, ...]:
        """Path to the value that the flag sets: for a table that of its source."""
        return (*self.path.split("."), *(["source"] if self.kind == "table" else []))

    def help(self) -> str:
        """The text, with the default before its last full stop."""
        if self.absent:
            default = f": {self.absent}"
        elif self.kind in ("switch", "table") or self.default in (None, (), {}):
            return self.text
        else:
            default = f" {_plain(self.default)}"
        return f"{self.text.removesuffix('.')} (default{default})."


def sections() -> Iterator[tuple[str, str]]:
    """Each section of the settings and what it is for, in order.

    Examples
    --------
    >>> dict(sections())["train"]
    'How `patron train` chooses its snapshots, its trees and the champion.'
    """
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield name, (kind.__doc__ or "").split("\n")[0]


def fields_of(name: str = "") -> list[SettingField]:
    """The settings of one section, or those that belong to none, in order.

    Parameters
    ----------
    name
        A section, such as "train"; "" for the settings outside of all sections, and "tables.*" for those
        that every table has.

    Examples
    --------
    >>> [field.name for field in fields_of("measure")]
    ['folder', 'campaign', 'confidence', 'adjust']
    """
    section: Any = Settings
    if name:
        section = TableSettings if name == "tables.*" else Settings.model_fields[name].annotation
    inner = {inner for inner, _ in sections()} if not name else set()
    return [
        _described(f"{name}.{key}".removeprefix("."), field)
        for key, field in section.model_fields.items()
        if key not in inner
    ]


def describe(path: str) -> SettingField:
    """One setting.

    Parameters
    ----------
    path
        Where it stands, such as "target.budget" or "horizon_days".

    Raises
    ------
    KeyError
        If there is no such setting.

    Examples
    --------
    >>> budget = describe("target.budget")
    >>> budget.metavar, budget.limits, budget.help()
    ('MONEY', '≥0', 'Maximum spend on the whole list (default: no limit).')
    """
    return {field.path: field for field in fields_of(path.rpartition(".")[0])}[path]


def _described(path: str, field: FieldInfo) -> SettingField:
    shown: Mapping[str, Any] = field.json_schema_extra  # type: ignore[assignment]
    kind, of = _kind(field.annotation)
    flag = shown["flag"] or path.rpartition(".")[2].replace("_", "-")
    choices = tuple(map(str, get_args(of))) if get_origin(of) is Literal else ()
    metavar = "|".join(choices) if kind == "value" else "A,B,…"
    metavar = metavar or _OF_UNIT.get(shown["unit"]) or _OF_TYPE.get(of, "TEXT")
    return SettingField(
        path=path,
        text=" ".join((field.description or "").split()),
        kind=kind,
        default=None if field.is_required() else field.default,
        choices=choices,
        unit=shown["unit"],
        limits=_range(field),
        absent=shown["absent"],
        example=shown["example"],
        flag=f"--{'no-' if field.default is True else ''}{flag}",
        metavar=shown["metavar"] or metavar,
        panel=shown["panel"],
    )


def _kind(annotation: Any) -> tuple[Kind, Any]:
    """Kind of a field by its annotation, and the type of one value."""
    if get_origin(annotation) in (types.UnionType, Union):
        (annotation,) = (one for one in get_args(annotation) if one is not type(None))
    if annotation is bool:
        return "switch", bool
    if annotation is TableSettings:
        return "table", annotation
    if get_origin(annotation) is tuple:
        return "list", get_args(annotation)[0]
    if get_origin(annotation) is dict:
        of = get_args(annotation)[1]
        return ("nested" if isinstance(of, type) and issubclass(of, Section) else "mapping"), of
    return "value", annotation


def _range(field: FieldInfo) -> str:
    """Such as ">0, ≤1"; empty where every value is allowed."""
    limits = ((sign, getattr(one, name, None)) for one in field.metadata for name, sign in _LIMITS.items())
    return ", ".join(f"{sign}{limit}" for sign, limit in limits if limit is not None)


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
