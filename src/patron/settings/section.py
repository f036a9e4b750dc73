"""What settings are made of: a frozen section, and fields that carry their text, unit, range and flag.

A field is the only home of a setting: the docstring below it is its text. The flags of the command line and
their help, ``models/patron.toml`` and ``docs/settings.md`` are made from it, see
:mod:`patron.settings.fields`.
"""

import os
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SecretStr

from patron.errors import without_password

__all__ = ["Place", "Section", "Source", "section", "setting"]


def _as_text(place: Any) -> Any:
    return os.fspath(place) if isinstance(place, os.PathLike) else place


def _name_of(source: Any) -> str | None:
    if source is None:
        return None
    if isinstance(source, str | os.PathLike):
        return without_password(os.fspath(source))
    shape = getattr(source, "shape", None)
    return type(source).__name__ + (f" of {shape[0]} rows and {shape[1]} columns" if shape else "")


type Source = Annotated[Any, PlainSerializer(_name_of, when_used="json")]
"""A table: a path, the URL of a database, or a frame, of which a record of the settings has type and size."""

type Place = Annotated[SecretStr, BeforeValidator(_as_text)]
"""A folder, or the URL of a database, which may hold a password: it is never shown."""


class Section(BaseModel):
    """A part of the settings, checked once and then never changed."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True
    )


def setting(
    default: Any,
    *,
    unit: str = "",
    absent: str = "",
    example: Any = None,
    panel: str = "",
    flag: str = "",
    metavar: str = "",
    **limits: Any,
) -> Any:
    """A field that describes itself, together with the docstring below it.

    Parameters
    ----------
    default
        Value that holds where none is given; None where the setting may be absent.
    unit
        Unit of the value, such as "days", "money" or "share".
    absent
        What None means, such as "no limit".
    example
        A value to show in ``patron.toml`` where there is no default.
    panel
        Heading in ``--help`` under which the flag stands.
    flag
        Name of the flag without dashes; the name of the field if empty.
    metavar
        Placeholder of the value in ``--help``; it follows from unit and type if empty.
    **limits
        Range of the value: `ge`, `gt`, `le` and `lt`.

    Returns
    -------
    Any
        The field, for the class body of a :class:`Section`.

    Examples
    --------
    >>> class Contact(Section):
    ...     budget: float = setting(100.0, unit="money", ge=0)
    >>> Contact().budget
    100.0
    """
    shown: dict[str, Any] = {
        "unit": unit, "absent": absent, "example": example, "panel": panel, "flag": flag, "metavar": metavar
    }  # fmt: skip
    return Field(default=default, json_schema_extra=shown, **limits)


def section[Kind: Section](kind: type[Kind]) -> Kind:
    """A field that holds a whole section with its defaults.

    Parameters
    ----------
    kind
        Class of the section; the first line of its docstring is the text of the section.

    Returns
    -------
    Kind
        The field, typed as the section that it holds.

    Examples
    --------
    >>> class Inner(Section):
    ...     n: int = setting(1)
    >>> class Outer(Section):
    ...     inner: Inner = section(Inner)
    >>> Outer().inner.n
    1
    """
    field: Kind = Field(default_factory=kind)
    return field
