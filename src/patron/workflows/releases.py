"""Releases: list, promote, roll back and export versions of the registered model.

These are the commands `patron models`, `promote`, `rollback` and `export`; each is one step in the registry,
and its errors are those of :mod:`patron.tracking.registry`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from patron.results import Printed
from patron.tracking.registry import CHAMPION, MODEL_NAME, ModelVersion, export_model, list_versions
from patron.tracking.registry import promote as promote_version
from patron.tracking.registry import rollback as roll_back
from patron.tracking.store import open_store

__all__ = ["Exported", "Released", "Releases", "export", "list_models", "promote", "rollback"]

SHOWN_METRICS = ("auc", "brier", "calibration_error", "gini", "total_bias")
"""The metrics in the table of versions; `to_dict` has all of them."""


@dataclass(frozen=True, slots=True)
class Releases:
    """All versions of the registered model.

    Attributes
    ----------
    versions
        newest first
    store_uri
        where they are
    """

    versions: list[ModelVersion]
    store_uri: str

    @property
    def table(self) -> pd.DataFrame:
        """One row per version, newest first, for display."""
        rows = [
            {
                "version": version.version,
                "aliases": ", ".join(version.aliases) or None,
                "registered": f"{version.created_at:%Y-%m-%d %H:%M}",
                "data": f"{version.first_day} to {version.as_of}" if version.as_of else None,
                "horizon_days": _whole(version.tags.get("horizon_days")),
                **{name: version.metrics.get(name) for name in SHOWN_METRICS},
                "verdict": version.tags.get("verdict"),
            }
            for version in self.versions
        ]
        return pd.DataFrame(rows)

    def title(self) -> str:
        """The heading of the table."""
        return f"Versions of {MODEL_NAME!r} in {self.store_uri}; times in UTC"

    def printed(self) -> Printed:
        """What a terminal shows."""
        if self.versions:
            yield self.title(), self.table
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in sentences, in addition to the table."""
        return [] if self.versions else [f"No model is registered yet in {self.store_uri}. Train one first."]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {"tracking_uri": self.store_uri, "versions": [_plain(version) for version in self.versions]}


@dataclass(frozen=True, slots=True)
class Released:
    """The new champion.

    Attributes
    ----------
    champion
        that version
    before
        the number of the previous champion; None if there was none
    """

    champion: ModelVersion
    before: int | None

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in sentences."""
        if self.before == self.champion.version:
            return [f"{self.champion.uri} is still champion."]
        instead = "" if self.before is None else f", replacing version {self.before}"
        return [
            f"{self.champion.uri} is champion{instead}.",
            "The next patron score uses it; a running server keeps the version that it was started with.",
        ]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {"champion": _plain(self.champion), "champion_before": self.before}


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported model.

    Attributes
    ----------
    folder
        where it lies
    model_uri
        its URI
    """

    folder: Path
    model_uri: str

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in sentences."""
        return [
            f"{self.model_uri} is in {self.folder}, which can be moved anywhere.",
            f"Serve it with: patron serve --model {self.folder}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {"model_uri": self.model_uri, "folder": str(self.folder)}


def list_models() -> Releases:
    """All versions of the registered model.

    Examples
    --------
    >>> list_models().to_dict().keys()
    dict_keys(['tracking_uri', 'versions'])
    """
    store = open_store()
    return Releases(list_versions(store), store.uri)


def promote(version: int) -> Released:
    """Make a version champion by hand, which its tags record.

    Parameters
    ----------
    version
        number

    Examples
    --------
    >>> promote(12345)
    Traceback (most recent call last):
        ...
    patron.errors.ModelNotFoundError: There is no model 'models:/patron/12345': ...
    """
    store = open_store()
    before = _champion(list_versions(store))
    return Released(promote_version(store, version, tags={"promoted_by_hand": "true"}), before)


def rollback() -> Released:
    """Make the previous champion champion again.

    Examples
    --------
    See :func:`patron.tracking.registry.register`.
    """
    store = open_store()
    before = _champion(list_versions(store))
    return Released(roll_back(store), before)


def export(uri: str, folder: str | Path) -> Exported:
    """Copy a model into a new folder that MLflow loads from any path.

    Parameters
    ----------
    uri, folder
        as in :func:`patron.tracking.registry.export_model`

    Examples
    --------
    >>> export("models:/patron/12345", "handed over")
    Traceback (most recent call last):
        ...
    patron.errors.ModelNotFoundError: There is no model 'models:/patron/12345': ...
    """
    return Exported(export_model(open_store(), uri, folder), uri)


def _champion(versions: list[ModelVersion]) -> int | None:
    return next((version.version for version in versions if CHAMPION in version.aliases), None)


def _plain(version: ModelVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "model_uri": version.uri,
        "aliases": list(version.aliases),
        "registered_at": version.created_at.isoformat(),
        "first_day": version.first_day.isoformat() if version.first_day else None,
        "as_of": version.as_of.isoformat() if version.as_of else None,
        "run_id": version.run_id,
        "metrics": dict(version.metrics),
        "tags": dict(version.tags),
    }


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)
