"""One section of the settings: frozen, and without unknown keys."""

import os
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr

__all__ = ["Place", "Section"]


def _as_text(place: Any) -> Any:
    return os.fspath(place) if isinstance(place, os.PathLike) else place


type Place = Annotated[SecretStr, BeforeValidator(_as_text)]
"""A folder, or the URL of a database, which may hold a password: it is never shown."""


class Section(BaseModel):
    """A part of the settings, checked once and then never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
