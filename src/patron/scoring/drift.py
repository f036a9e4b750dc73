"""Whether the customers that are scored are still those of the training, and whether they buy as expected."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from patron.errors import InputError, ModelError, counted
from patron.evaluation.drift import EarlyAlarm, early_alarm, population_stability
from patron.features.assemble import assemble_features
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.reference import Reference
from patron.models.value.rfm import RFM_COLUMNS, RFM_WITH_ID
from patron.settings.prediction import DriftSettings
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.tracking.runs import start_training_run
from patron.tracking.store import Store

__all__ = ["SCORES", "Drift", "log_drift", "measure_drift", "purchases_since_training"]

SCORES = ("churn_probability", "expected_value")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Drift:
    """What has moved since the training.

    Attributes
    ----------
    table
        one row per feature and score; see :func:`patron.evaluation.drift.population_stability`
    alarm
        purchases since the training beside those expected; None on the day of the training itself
    limits
        from where on it is worth a word
    """

    table: pd.DataFrame
    alarm: EarlyAlarm | None
    limits: DriftSettings

    @property
    def is_alarm(self) -> bool:
        """The scores are of another population, or purchases are not what was expected.

        A feature alone raises none: what follows a mailing or a week day jumps without meaning anything.
        """
        scores = self.table.loc[self.table["column"].isin(SCORES), "psi"]
        return bool((scores >= self.limits.psi_alarm).any()) or self._is_early_alarm

    @property
    def metrics(self) -> dict[str, float]:
        """Metric → number, for a log."""
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
        """What was found, as plain values."""
        early = None
        if self.alarm is not None:
            early = {
                "days": self.alarm.days,
                "purchases": self.alarm.actual,
                "expected": self.alarm.expected,
                "z": self.alarm.z,
            }
        return {"alarm": self.is_alarm, "columns": self.table.to_dict("records"), "early_alarm": early}

    def sentences(self) -> list[str]:
        """What has moved, in words; one sentence where nothing has."""
        limits, table = self.limits, self.table
        lines = []
        moved = table[table["psi"] >= limits.psi_notice]
        if len(moved):
            named = ", ".join(f"{row.column} {row.psi:.2f}" for row in moved.head(_MOST_NAMED).itertuples())
            worst = "another population" if moved["psi"].iloc[0] >= limits.psi_alarm else "worth a look"
            lines.append(
                f"Drift: {len(moved)} of {len(table)} features and scores have moved since the training, "
                f"{worst} (PSI {named})."
            )
        for new in table[table["new_levels"] > 0].head(_MOST_NAMED).to_dict("records"):
            levels = counted(int(new["new_levels"]), "value")
            lines.append(
                f"Drift: {new['column']} has {levels} that the training did not know "
                f"({new['share_new']:.1%} of the customers)."
            )
        gone = (table["missing_now"] - table["missing_then"]).abs() >= limits.missing_change
        for row in table[gone].head(_MOST_NAMED).itertuples():
            lines.append(
                f"Drift: {row.column} is missing for {row.missing_now:.0%} of the customers, "
                f"{row.missing_then:.0%} in training."
            )
        if self.alarm is not None:
            lines.append(f"{'Alarm' if self._is_early_alarm else 'Drift'}: {self.alarm}.")
        if self.is_alarm:
            lines.append("Train again before trusting these scores: patron train.")
        return lines or ["Drift: no feature and no score has moved since the training."]

    @property
    def _is_early_alarm(self) -> bool:
        return self.alarm is not None and self.alarm.is_alarm(
            z=self.limits.purchases_z, ratio=self.limits.purchases_ratio
        )


def measure_drift(
    bundle: Bundle,
    column: Callable[[str], pd.Series],
    alarm: EarlyAlarm | None,
    limits: DriftSettings,
) -> Drift | None:
    """The customers that are scored against those of the training.

    Parameters
    ----------
    bundle
        the model
    column
        from the name of a feature or score to its value for each customer that is scored; asked for one
        at a time, so that they never stand in memory together
    alarm
        what `purchases_since_training` found
    limits
        from where on a change is worth a word

    Returns
    -------
    Drift | None
        Drift; None for a model that does not know its customers

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
    """Purchases since the training, of the customers known then, beside those that were expected.

    Parameters
    ----------
    bundle
        the model
    known
        what is known on the day of the scoring

    Returns
    -------
    EarlyAlarm | None
        EarlyAlarm; None where no day has gone by since the training or nobody of then is known

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


def log_drift(store: Store, drift: Drift, model_uri: str, as_of: str) -> str:
    """A run of its own for this scoring, with the table and the numbers.

    Returns
    -------
    str
        The id of the run.

    Raises
    ------
    ModelError
        the store is locked, cannot be reached, or cannot be written to

    Examples
    --------
    See :func:`patron.workflows.score.score`.
    """
    tags = {"job": "score", "model": model_uri}
    with start_training_run(store, f"scores as of {as_of}", tags=tags) as run:
        run.log_metrics({name: number for name, number in drift.metrics.items() if number == number})
        run.log_table(drift.table, "drift")
    return run.run_id
