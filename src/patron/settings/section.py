"""One section of the settings: frozen, and without unknown keys."""

import os
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, SecretStr

from patron.errors import without_password

__all__ = ["Place", "Section", "Source"]


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

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
