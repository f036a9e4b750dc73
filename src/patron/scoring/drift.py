"""Drift: whether the scored customers still resemble those of the training, and buy as often as expected."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from patron.errors import InputError, ModelError, counted
from patron.evaluation.drift import EarlyAlarm, early_alarm, population_stability
from patron.features.assemble import assemble_features
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.reference import Reference
from patron.models.value.rfm import RFM_COLUMNS, RFM_WITH_ID
from patron.snapshots.spine import make_spine
from patron.storage.job_folder import SCORED, Checkpoint, Workspace
from patron.tables.history import History

__all__ = [
    "SCORES",
    "Drift",
    "DriftLimits",
    "compare_with_training",
    "measure_drift",
    "purchases_since_training",
]

SCORES = ("churn_probability", "expected_value")
MAX_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """The thresholds above which drift is reported.

    Attributes
    ----------
    psi_notice, psi_alarm
        population stability index ≥ 0
    missing_change
        share in (0, 1], difference in the share of missing values
    purchases_z
        standard deviations between observed and expected purchases since the training
    purchases_ratio
        share in (0, 1), by which they must differ in addition
    """

    psi_notice: float = 0.10
    psi_alarm: float = 0.25
    missing_change: float = 0.10
    purchases_z: float = 3.0
    purchases_ratio: float = 0.20


@dataclass(frozen=True, slots=True)
class Drift:
    """The drift since the training.

    Attributes
    ----------
    table
        one row per feature and score; see :func:`patron.evaluation.drift.population_stability`
    alarm
        purchases since the training, observed and expected; None on the day of the training itself
    limits
        reporting thresholds
    """

    table: pd.DataFrame
    alarm: EarlyAlarm | None
    limits: DriftLimits

    @property
    def is_alarm(self) -> bool:
        """Whether the scores have shifted, or purchases are not as expected.

        A feature alone raises no alarm: one that follows mailings or week days jumps for no lasting reason.
        """
        scores = self.table.loc[self.table["column"].isin(SCORES), "psi"]
        return bool((scores >= self.limits.psi_alarm).any()) or self._is_early_alarm

    @property
    def metrics(self) -> dict[str, float]:
        """Metric → number, to be logged."""
        found = {f"drift.psi.{row['column']}": float(row["psi"]) for row in self.table.to_dict("records")}
        found["drift.psi_largest"] = float(self.table["psi"].max()) if len(self.table) else 0.0
        if self.alarm is not None:
            found |= {
                "drift.purchases": self.alarm.actual,
                "drift.expected_purchases": self.alarm.expected,
                "drift.z": self.alarm.z,
            }
        return found | {"drift.alarm": float(self.is_alarm)}

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        early = self.alarm and {
            "days": self.alarm.days,
            "purchases": self.alarm.actual,
            "expected": self.alarm.expected,
            "z": self.alarm.z,
        }
        return {"alarm": self.is_alarm, "columns": self.table.to_dict("records"), "early_alarm": early}

    def sentences(self) -> list[str]:
        """The result in sentences; a single one where nothing has shifted."""
        limits, table = self.limits, self.table
        lines = []
        moved = table[table["psi"] >= limits.psi_notice]
        if len(moved):
            named = ", ".join(f"{row.column} {row.psi:.2f}" for row in moved.head(MAX_NAMED).itertuples())
            worst = "a different population" if moved["psi"].iloc[0] >= limits.psi_alarm else "worth a look"
            lines.append(
                f"Drift: {len(moved)} of {len(table)} features and scores have shifted since the training, "
                f"{worst} (PSI {named})."
            )
        for new in table[table["new_levels"] > 0].head(MAX_NAMED).to_dict("records"):
            levels = counted(int(new["new_levels"]), "value")
            lines.append(
                f"Drift: {new['column']} has {levels} that did not occur in training "
                f"({new['share_new']:.1%} of the customers)."
            )
        gone = (table["missing_now"] - table["missing_then"]).abs() >= limits.missing_change
        for row in table[gone].head(MAX_NAMED).itertuples():
            lines.append(
                f"Drift: {row.column} is missing for {row.missing_now:.0%} of the customers, "
                f"{row.missing_then:.0%} in training."
            )
        if self.alarm is not None:
            lines.append(f"{'Alarm' if self._is_early_alarm else 'Drift'}: {self.alarm}.")
        if self.is_alarm:
            lines.append("Train again before trusting these scores: patron train.")
        return lines or ["Drift: no feature and no score has shifted since the training."]

    @property
    def _is_early_alarm(self) -> bool:
        return self.alarm is not None and self.alarm.is_alarm(
            z=self.limits.purchases_z, ratio=self.limits.purchases_ratio
        )


def measure_drift(
    bundle: Bundle,
    column: Callable[[str], pd.Series],
    alarm: EarlyAlarm | None,
    limits: DriftLimits,
) -> Drift | None:
    """The drift of the scored customers from those of the training.

    Parameters
    ----------
    bundle
        the model
    column
        returns the values of a feature or score of every scored customer; called for one name at a time,
        so that memory holds one column
    alarm
        what `purchases_since_training` returned
    limits
        reporting thresholds

    Returns
    -------
    Drift | None
        Drift; None for a model that was saved without a reference population

    Examples
    --------
    See :func:`patron.workflows.score.score`.
    """
    if bundle.reference is None:
        return None
    tables = [
        population_stability(Reference({name: then}, bundle.reference.customers), column(name).to_frame(name))
        for name, then in bundle.reference.columns.items()
    ]
    table = pd.concat(tables) if tables else population_stability(bundle.reference, pd.DataFrame())
    table = table.sort_values("psi", ascending=False, kind="stable", ignore_index=True)
    return Drift(table, alarm, limits)


def purchases_since_training(bundle: Bundle, known: History) -> EarlyAlarm | None:
    """Observed and expected purchases since the training, of the customers known then.

    Parameters
    ----------
    bundle
        the model
    known
        what is known on the day of the scoring

    Returns
    -------
    EarlyAlarm | None
        EarlyAlarm; None if no day has passed since the training, or none of those customers is known

    Examples
    --------
    See :func:`patron.workflows.score.score`.
    """
    then, days = bundle.as_of, (known.known_until - bundle.as_of).days
    if days < 1:
        return None
    try:
        spine = make_spine(known, then)
        catalogue = replace(bundle.catalogue, specs=tuple(bundle.catalogue[name] for name in RFM_COLUMNS))
        rfm = assemble_features(known, spine, catalogue).order_by("customer_id").to_pandas()
        later = known.days.filter(known.days.is_purchase & (known.days.day > then))
        actual = later.semi_join(spine, "customer_id").count().execute()
        level = bundle.season.purchases  # the season that the model expects
        return early_alarm(bundle.value.purchases, rfm[RFM_WITH_ID], float(actual), days, level=level)
    except (InputError, ModelError, KeyError):  # other customers than those of the training: a demo's model
        return None


def compare_with_training(
    workspace: Workspace, checkpoint: Checkpoint, bundle: Bundle, limits: DriftLimits
) -> Drift | None:
    """The drift of the customers in a workspace, read one column at a time.

    Parameters
    ----------
    workspace
        with features and scores
    checkpoint
        of this job
    bundle
        the model
    limits
        reporting thresholds
    """

    def column(name: str) -> pd.Series:
        files = workspace.shards(SCORED) if name in SCORES else [workspace.features]
        tables = [pq.read_table(file, columns=[name]) for file in files]
        values: pd.Series = pa.concat_tables(tables).column(name).to_pandas()
        return values

    purchases = None if checkpoint.purchases is None else EarlyAlarm(**checkpoint.purchases)
    return measure_drift(bundle, column, purchases, limits)
