"""Everything that scoring needs, in one value: `Bundle`; saved and loaded without pickle.

A bundle is a folder of a few files::

    bundle.json       settings, feature catalogue, tiers, policy, season, and name, size and SHA-256 of the
                      other files
    churn.txt         the trees of churn, in LightGBM's own text; absent without a churn classifier
    value_trees.txt   the trees of money; absent where the value model answers alone
    draws.npz         posterior draws of the value model and grids of percentiles, arrays of numbers only

It holds parameters and never a customer's row. `load` checks sizes and checksums first, so that a truncated
file is detected before it can produce a wrong number.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from patron.checks import at_least
from patron.errors import ModelError, RangeError
from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle.policy import Policy
from patron.models.bundle.reference import Reference
from patron.models.bundle.tiers import Tiers
from patron.models.churn.classifier import ChurnClassifier
from patron.models.churn.percentile_ranks import Percentiles
from patron.models.ensemble.churn_blend import ChurnBlend
from patron.models.ensemble.seasonal_index import SeasonalIndex
from patron.models.ensemble.stacking import ValueStacking
from patron.models.ensemble.value_trees import ValueTrees
from patron.models.inference.stored import with_prefix
from patron.models.value.model import CustomerValueModel

__all__ = ["MOST_BYTES", "Bundle"]

MOST_BYTES = 4_000_000
"""A saved bundle is at most this many bytes; with the code that travels along, a served model is below 5
MB."""

FORMAT = 4
DESCRIPTION, DRAWS = "bundle.json", "draws.npz"
AS_STORED = ("horizon_days", "value_horizon_days", "customer_ids", "patron_version")
TREES: dict[str, tuple[str, type[ChurnClassifier | ValueTrees]]] = {
    "churn": ("churn.txt", ChurnClassifier),
    "value_trees": ("value_trees.txt", ValueTrees),
}
DESCRIBED: dict[str, Any] = {
    "tiers": Tiers,
    "policy": Policy,
    "reference": Reference,
    "catalogue": FeatureCatalogue,
    "season": SeasonalIndex,
    "churn_blend": ChurnBlend,
    "stacking": ValueStacking,
}
GRIDS = "percentiles/"  # what names the grids among the arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A trained model as scoring needs it.

    Attributes
    ----------
    churn
        fitted classifier of churn within `horizon_days`; None for a model of value alone, whose churn
        probability is P(no purchase in the horizon) of the value model
    value
        fitted value model; it also knows the margin and the annual discount rate
    catalogue
        the features that the classifier takes, with the words that reasons use
    horizon_days
        days ahead for which churn and value are predicted, ≥ 1
    value_horizon_days
        days ahead over which growth_potential counts, ≥ 1
    first_day, as_of
        first and last day of the data that it was trained on
    tiers
        quantiles of customer value among the customers of the training; None until they are known
    policy
        decisions of the business: the typical offer, and the rules of the stages
    percentiles
        the grid of the customers of the training; None where the trees see the features alone,
        without what is expected and without ranks
    season
        how far the coming horizon lies above or below what the value model expects
    churn_blend
        how the probabilities of classifier and value model are combined
    value_trees, stacking
        expected value by trees, and how it is stacked with the value model's; None where the value model
        predicts alone
    reference
        distribution of features and scores in the training population, to measure drift by; None until known
    customer_ids
        type of the ids: "text", or "whole" numbers; a served model reports it
    patron_version
        version of the package that trained it

    Raises
    ------
    RangeError
        a horizon is below one day, first_day lies after as_of, or the time unit of the value model is not
        days

    Examples
    --------
    >>> import tempfile
    >>> from patron.models.value.purchases.model import BetaGeoModel
    >>> from patron.models.value.gamma_gamma import GammaGammaModel
    >>> value = CustomerValueModel(
    ...     BetaGeoModel.from_params(r=0.24, alpha=31.0, a=0.79, b=2.43),
    ...     GammaGammaModel.from_params(p=6.25, q=3.74, v=15.4),
    ... )
    >>> bundle = Bundle(churn=None, value=value, catalogue=FeatureCatalogue(()), horizon_days=90,
    ...                 value_horizon_days=365, first_day=date(1997, 1, 1), as_of=date(1997, 9, 30))
    >>> folder = bundle.save(tempfile.mkdtemp())
    >>> sorted(file.name for file in folder.iterdir())
    ['bundle.json', 'draws.npz']
    >>> Bundle.load(folder).horizon_days
    90
    """

    churn: ChurnClassifier | None
    value: CustomerValueModel
    catalogue: FeatureCatalogue
    horizon_days: int
    value_horizon_days: int
    first_day: date
    as_of: date
    tiers: Tiers | None = None
    policy: Policy = field(default_factory=Policy)
    percentiles: Percentiles | None = None
    season: SeasonalIndex = field(default_factory=SeasonalIndex)
    churn_blend: ChurnBlend = field(default_factory=ChurnBlend)
    value_trees: ValueTrees | None = None
    stacking: ValueStacking | None = None
    reference: Reference | None = None
    customer_ids: Literal["text", "whole"] = "text"
    patron_version: str = ""

    def __post_init__(self) -> None:
        for name in ("horizon_days", "value_horizon_days"):
            at_least(f"Bundle.{name}", getattr(self, name), 1, "day")
        if self.value.purchases.time_unit != "D":
            raise RangeError(
                f"Bundle.value must count in days as feature rows do, and its unit is "
                f"{self.value.purchases.time_unit!r}. Fit it with time_unit='D'."
            )
        if self.first_day > self.as_of:
            raise RangeError(f"Bundle.first_day {self.first_day} lies after Bundle.as_of {self.as_of}.")
        if not self.patron_version:
            object.__setattr__(self, "patron_version", _installed_version())

    @property
    def margin(self) -> float:
        """Share of an amount that is kept, as the value model has it."""
        return float(self.value.margin)

    @property
    def annual_discount_rate(self) -> float:
        """Discount rate per year, as the value model has it."""
        return float(self.value.annual_discount_rate)

    def describe(self) -> dict[str, Any]:
        """The settings of the bundle as plain values, for a registry, a log or a report."""
        return {
            "churn_probability": "classifier" if self.churn is not None else "p_no_purchase",
            "horizon_days": self.horizon_days,
            "value_horizon_days": self.value_horizon_days,
            "margin": self.margin,
            "annual_discount_rate": self.annual_discount_rate,
            "first_day": self.first_day.isoformat(),
            "as_of": self.as_of.isoformat(),
            "time_unit": self.value.purchases.time_unit,
            "customer_ids": self.customer_ids,
            "patron_version": self.patron_version,
        }

    def save(self, folder: str | Path) -> Path:
        """The folder, with the bundle written into it.

        Parameters
        ----------
        folder
            is created if it does not exist

        Raises
        ------
        ModelError
            the folder cannot be written to, or the bundle is larger than `MOST_BYTES`
        """
        folder = Path(folder)
        arrays, value = self.value.to_arrays()
        parts: dict[str, Any] = {"value": value, "percentiles": None}
        if self.percentiles is not None:
            grids, parts["percentiles"] = self.percentiles.to_arrays()
            arrays |= {GRIDS + name: grid for name, grid in grids.items()}
        files = {DRAWS: _npz(arrays)}
        for name, (file, _) in TREES.items():
            trees: ChurnClassifier | ValueTrees | None = getattr(self, name)
            text, parts[name] = ("", None) if trees is None else trees.to_parts()
            if trees is not None:
                files[file] = text.encode()
        for name in DESCRIBED:
            part = getattr(self, name)
            parts[name] = None if part is None else part.to_dict()
        description = {
            "format": FORMAT,
            **self.describe(),
            **parts,
            "files": {
                name: {"bytes": len(content), "sha256": _sha256(content)} for name, content in files.items()
            },
        }
        files[DESCRIPTION] = json.dumps(description, indent=1, ensure_ascii=False, allow_nan=False).encode()
        size = sum(map(len, files.values()))
        if size > MOST_BYTES:
            raise ModelError(
                f"The model takes {size:,} bytes and may take {MOST_BYTES:,}. "
                "Train it with fewer trees or posterior draws."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():  # the description last: a folder without it is no bundle
                (folder / name).write_bytes(content)
        except OSError as error:
            raise ModelError(f"Cannot save the model to {str(folder)!r}: {error.strerror}.") from error
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a bundle that `save` has written.

        Parameters
        ----------
        folder
            as `save` wrote it

        Raises
        ------
        ModelError
            a file is missing, was cut short or changed, or was written by a later version of patron
        """
        folder = Path(folder)
        description = _description(folder)
        try:
            arrays = _arrays(_file(folder, DRAWS, description))
            parts: dict[str, Any] = {name: description[name] for name in AS_STORED}
            for name in ("first_day", "as_of"):
                parts[name] = date.fromisoformat(description[name])
            for name, kind in DESCRIBED.items():
                parts[name] = None if description[name] is None else kind.from_dict(description[name])
            for name, (file, estimator) in TREES.items():
                if (meta := description[name]) is not None:
                    meta = estimator.from_parts(_file(folder, file, description).decode(), meta)
                parts[name] = meta
            if (grids := description["percentiles"]) is not None:
                grids = Percentiles.from_arrays(with_prefix(GRIDS, arrays), grids)
            value = CustomerValueModel.from_arrays(arrays, description["value"])
            return cls(value=value, percentiles=grids, **parts)
        except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise ModelError(_unreadable(folder, f"{DESCRIPTION} does not fit ({error})")) from error


def _description(folder: Path) -> dict[str, Any]:
    try:
        description = json.loads((folder / DESCRIPTION).read_bytes())
    except OSError as error:
        raise ModelError(_unreadable(folder, f"{DESCRIPTION} cannot be read ({error.strerror})")) from error
    except ValueError as error:
        raise ModelError(_unreadable(folder, f"{DESCRIPTION} was cut short or changed")) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        found = description.get("format") if isinstance(description, dict) else None
        raise ModelError(
            _unreadable(folder, f"it has format {found!r} and this version of patron reads {FORMAT}")
        )
    return description


def _file(folder: Path, name: str, description: Mapping[str, Any]) -> bytes:
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise ModelError(_unreadable(folder, f"{name} cannot be read ({error.strerror})")) from error
    if _sha256(content) != description["files"][name]["sha256"]:
        wanted = description["files"][name]["bytes"]
        raise ModelError(
            _unreadable(folder, f"{name} was cut short or changed ({len(content)} of {wanted} bytes)")
        )
    return content


def _unreadable(folder: Path, why: str) -> str:
    return (
        f"The folder {str(folder)!r} holds no model that can be read: {why}. Export or train the model again."
    )


def _npz(arrays: Mapping[str, Any]) -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    return packed.getvalue()


def _arrays(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content), allow_pickle=False) as packed:
        return dict(packed)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _installed_version() -> str:
    try:
        return version("patron")
    except PackageNotFoundError:  # the code travels with a served model, where the package is not installed
        return "unknown"
