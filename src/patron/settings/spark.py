"""The section of Spark: which Spark does the work where `engine` is "spark"."""

import re

from pydantic import field_serializer

from patron.errors import without_password
from patron.settings.section import Section, setting

__all__ = ["SparkSettings"]


class SparkSettings(Section):
    """Which Spark to use if `engine` is "spark" and no Spark session is active."""

    master: str = setting("local[*]", panel="Spark", flag="spark-master", metavar="ADDRESS")
    """Address of the Spark master."""
    remote: str | None = setting(
        None,
        absent="Spark on this machine",
        example="sc://cluster:15002",
        panel="Spark",
        flag="spark-remote",
        metavar="sc://HOST:PORT",
    )
    """Address of a Spark Connect server, used in place of the master."""
    config: dict[str, str] = setting(
        {}, example={"spark.driver.memory": "8g"}, panel="Spark", flag="spark-config", metavar="NAME=VALUE"
    )
    """Further Spark settings."""
    partitions: int | None = setting(
        None, absent="two per core", example=64, panel="Spark", flag="spark-partitions", ge=1
    )
    """Number of partitions in which customers are scored."""

    @field_serializer("remote", when_used="json")
    def _without_token(self, remote: str | None) -> str | None:
        return None if remote is None else without_password(remote)

    @field_serializer("config", when_used="json")
    def _without_secrets(self, config: dict[str, str]) -> dict[str, str]:
        secret = re.compile("secret|password|token|key", re.IGNORECASE)
        return {name: "…" if secret.search(name) else value for name, value in config.items()}
