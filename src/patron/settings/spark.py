"""The section of Spark: where it is, where `engine` is "spark"."""

import re

from pydantic import Field, field_serializer

from patron.errors import without_password
from patron.settings.section import Section

__all__ = ["SparkSettings"]


class SparkSettings(Section):
    """Which Spark does the work, where none is active already and `engine` is "spark".

    Attributes
    ----------
    master
        Spark's address; ``local[*]`` for the cores of this machine
    remote
        address of a Spark Connect server, such as ``sc://cluster:15002``, in place of `master`
    config
        further settings of Spark, such as ``{"spark.driver.memory" = "8g"}``
    partitions
        count of parts in which customers are scored; None for two for each of Spark's cores
    """

    master: str = "local[*]"
    remote: str | None = None
    config: dict[str, str] = Field(default_factory=dict)
    partitions: int | None = Field(default=None, ge=1)

    @field_serializer("remote", when_used="json")
    def _without_token(self, remote: str | None) -> str | None:
        return None if remote is None else without_password(remote)

    @field_serializer("config", when_used="json")
    def _without_secrets(self, config: dict[str, str]) -> dict[str, str]:
        secret = re.compile("secret|password|token|key", re.IGNORECASE)
        return {name: "…" if secret.search(name) else value for name, value in config.items()}
