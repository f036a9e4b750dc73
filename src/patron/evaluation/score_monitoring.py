"""Score monitoring: logged predictions joined with what happened, and how good each model version was.

A logged prediction is one customer's score: probability and money, as of a day, for a horizon, by a model
version. Logged predictions never change. If a customer was scored again for the same day, horizon and
version, the newest prediction counts.

::

    score ──▶ predictions ──┐  (horizon passes)
                            ├──▶ with_outcomes ──▶ monitoring_report
    transactions ──▶ outcomes ──┘

:mod:`patron.storage.prediction_log` stores both; :mod:`patron.workflows.settle` is the recipe.
"""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from patron.checks import share
from patron.errors import InputError, TableError, some
from patron.evaluation.metrics import calibration_table, churn_metrics, one_class_reason

__all__ = [
    "OUTCOME_COLUMNS",
    "PREDICTION_COLUMNS",
    "PREDICTION_KEY",
    "awaiting_outcome",
    "calibration_by_version",
    "fingerprint",
    "monitoring_report",
    "newest",
    "predictions_of",
    "uuids_as_text",
    "with_outcomes",
]


PREDICTION_KEY = ("customer_id", "as_of", "horizon_days")
"""The key of an outcome; a prediction is identified by model_version in addition."""

_PREDICTED = ("churn_probability", "expected_value", "expected_value_low", "expected_value_high")
PREDICTION_COLUMNS = (*PREDICTION_KEY, *_PREDICTED, "model_version", "margin", "scored_at")
"""The key with as_of a date, four numbers (a probability and money), model_version (text), margin (share of
an amount that is kept; money is after the margin) and scored_at (UTC)."""

OUTCOME_COLUMNS = (*PREDICTION_KEY, "churned", "purchases", "value", "days_since_last")
"""The key; churned (0 or 1), purchases (count) and value (money, before the margin) in the horizon; and the
days since the last purchase as of as_of."""

_UNREGISTERED = "unregistered"


def predictions_of(scorecard: pd.DataFrame, *, margin: float = 1.0) -> pd.DataFrame:
    """The predictions of one scoring run, as they are logged.

    Parameters
    ----------
    scorecard
        as `patron score` makes it; customers without a score are left out
    margin
        share of an amount that is kept, in (0, 1]; the model's money is after this margin

    Returns
    -------
    pd.DataFrame
        `PREDICTION_COLUMNS`, one row per customer with a score, by customer_id

    Raises
    ------
    TableError
        the scorecard lacks a column, has a customer twice for one day, or has no score

    Examples
    --------
    >>> card = pd.DataFrame({"customer_id": [8, 7], "as_of": [date(2024, 6, 30)] * 2, "horizon_days": 90,
    ...                      "churn_probability": [0.2, None], "expected_value": [30.0, None],
    ...                      "expected_value_low": [0.0, None], "expected_value_high": [80.0, None],
    ...                      "model_version": ["3", "3"], "scored_at": pd.Timestamp("2024-07-01", tz="UTC")})
    >>> predictions_of(card)[["customer_id", "churn_probability", "model_version", "margin"]]
       customer_id  churn_probability model_version  margin
    0            8                0.2             3     1.0
    """
    wanted = [name for name in PREDICTION_COLUMNS if name != "margin"]
    absent = [name for name in wanted if name not in scorecard.columns]
    if absent:
        raise TableError(
            f"The scores lack {some(absent)}, so they cannot be logged. Give the file that patron score "
            "wrote."
        )
    share("margin", margin, ends="(]", example="35 % as 0.35")
    scored = scorecard.loc[scorecard["churn_probability"].notna() & scorecard["as_of"].notna(), wanted]
    if scored.empty:
        raise TableError(
            f"None of the {len(scorecard)} customers has a score and a day, so there is nothing to log."
        )
    version = scored["model_version"].astype(object).where(scored["model_version"].notna(), _UNREGISTERED)
    predictions = scored.assign(
        customer_id=uuids_as_text(scored["customer_id"]),
        as_of=pd.to_datetime(scored["as_of"]).dt.date,
        horizon_days=scored["horizon_days"].astype(np.int64),
        model_version=version.astype(str),
        margin=float(margin),
        scored_at=pd.to_datetime(scored["scored_at"], utc=True).dt.as_unit("us"),
        **{name: scored[name].astype(np.float64) for name in _PREDICTED},
    )
    twice = predictions.duplicated([*PREDICTION_KEY, "model_version"])
    if twice.any():
        raise TableError(
            f"The scores have customers twice for one day: {some(predictions.loc[twice, 'customer_id'])}. "
            "Give one row for each."
        )
    return predictions.sort_values(["as_of", "customer_id"], ignore_index=True)[list(PREDICTION_COLUMNS)]


def uuids_as_text(ids: "pd.Series[Any]") -> "pd.Series[Any]":
    """Customer ids as a prediction log stores them: UUIDs as text, whole numbers and text unchanged.

    Parameters
    ----------
    ids
        (n_customers,) customer_id

    Examples
    --------
    >>> uuids_as_text(pd.Series([uuid.UUID(int=7)])).tolist()
    ['00000000-0000-0000-0000-000000000007']
    """
    if ids.dtype != object:
        return ids
    return ids.map(lambda one: str(one) if isinstance(one, uuid.UUID) else one).infer_objects()


def fingerprint(rows: pd.DataFrame) -> str:
    """A hash of the rows that ignores their order and scored_at: 16 hexadecimal digits.

    Parameters
    ----------
    rows
        predictions or outcomes

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": [1, 2], "churn_probability": [0.1, 0.2]})
    >>> fingerprint(rows) == fingerprint(rows[::-1]), fingerprint(rows) == fingerprint(rows.head(1))
    (True, False)
    """
    plain = rows.drop(columns=["scored_at"], errors="ignore")
    plain = plain.assign(
        **{name: plain[name].astype(str) for name in plain.columns if plain[name].dtype == object}
    )
    hashes = np.sort(pd.util.hash_pandas_object(plain, index=False).to_numpy())
    return hashlib.sha256(",".join(plain.columns).encode() + hashes.tobytes()).hexdigest()[:16]


def newest(predictions: pd.DataFrame) -> pd.DataFrame:
    """One prediction per customer, day, horizon and version: the latest one.

    Parameters
    ----------
    predictions
        as they were logged

    Examples
    --------
    >>> twice = pd.DataFrame({"customer_id": [7, 7], "as_of": [date(2024, 6, 30)] * 2, "horizon_days": 90,
    ...                       "model_version": ["3", "3"], "churn_probability": [0.2, 0.3],
    ...                       "scored_at": pd.to_datetime(["2024-07-02", "2024-07-01"], utc=True)})
    >>> newest(twice)["churn_probability"].tolist()
    [0.2]
    """
    by_time = predictions.sort_values(["scored_at", "churn_probability"], kind="stable")
    last = by_time.drop_duplicates([*PREDICTION_KEY, "model_version"], keep="last")
    return last.sort_values([*PREDICTION_KEY[1:], "model_version", "customer_id"], ignore_index=True)


def awaiting_outcome(
    predictions: pd.DataFrame, outcomes: pd.DataFrame, known_until: date
) -> tuple[pd.DataFrame, list[date]]:
    """Predictions whose outcome can be observed now, and the end dates of the horizons that are still open.

    Parameters
    ----------
    predictions, outcomes
        as they were logged
    known_until
        the last day of the transactions

    Returns
    -------
    rows
        `PREDICTION_KEY`, one row per customer, day and horizon that has passed and has no outcome yet
    ends
        the days on which the other horizons end, first to last

    Examples
    --------
    >>> scored = pd.DataFrame({"customer_id": [7, 7], "as_of": [date(2024, 6, 30), date(2024, 9, 30)],
    ...                        "horizon_days": [90, 90]})
    >>> rows, ends = awaiting_outcome(scored, scored.head(0), date(2024, 10, 1))
    >>> len(rows), ends
    (1, [datetime.date(2024, 12, 29)])
    """
    keys = predictions[list(PREDICTION_KEY)].drop_duplicates(ignore_index=True)
    runs = set(zip(keys["as_of"], keys["horizon_days"].tolist(), strict=True))
    ends = {(day, horizon): day + timedelta(days=horizon) for day, horizon in runs}
    passed = {run for run, end in ends.items() if end <= known_until}
    ripe = [run in passed for run in zip(keys["as_of"], keys["horizon_days"].tolist(), strict=True)]
    done = pd.MultiIndex.from_frame(outcomes[list(PREDICTION_KEY)]) if len(outcomes) else None
    rows = keys[ripe]
    if done is not None and len(rows):
        rows = rows[~pd.MultiIndex.from_frame(rows).isin(done)]
    return rows.reset_index(drop=True), sorted({end for end in ends.values() if end > known_until})


def with_outcomes(predictions: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Each prediction joined with its outcome.

    Parameters
    ----------
    predictions, outcomes
        as they were logged

    Returns
    -------
    pd.DataFrame
        `PREDICTION_COLUMNS`, churned, purchases, value (money, before the margin), earned (value × margin)
        and days_since_last; one row per prediction that has an outcome

    Examples
    --------
    >>> key = {"customer_id": [7], "as_of": [date(2024, 6, 30)], "horizon_days": [90]}
    >>> scored = pd.DataFrame({**key, "expected_value": [20.0], "margin": [0.5], "model_version": ["3"],
    ...                        "scored_at": pd.Timestamp("2024-07-01", tz="UTC"), "churn_probability": 0.2})
    >>> outcome = pd.DataFrame({**key, "churned": 0, "purchases": 2, "value": 50.0, "days_since_last": 9})
    >>> with_outcomes(scored, outcome)[["customer_id", "expected_value", "earned"]]
       customer_id  expected_value  earned
    0            7            20.0    25.0
    """
    first = outcomes.drop_duplicates(
        list(PREDICTION_KEY), keep="first"
    )  # an outcome that was logged once never changes
    both = newest(predictions).merge(first, on=list(PREDICTION_KEY), how="inner", validate="many_to_one")
    return both.assign(earned=both["value"].astype(np.float64) * both["margin"])


def monitoring_report(rows: pd.DataFrame, *, depth: float = 0.1) -> pd.DataFrame:
    """How good the predictions of each model version were.

    Parameters
    ----------
    rows
        what `with_outcomes` returns
    depth
        share in (0, 1] of the customers that a campaign would have reached

    Returns
    -------
    pd.DataFrame
        One row per model_version and horizon_days, by the first day scored:

        - `first`, `last` (days scored), `predictions`, `churn_rate`, `predicted_churn` (means), `churn_bias`
          (predicted ÷ observed - 1), `auc`, `brier`, `calibration_error`, `top_decile_lift`
        - `predicted_value`, `earned` (sums, money), `value_bias` (predicted ÷ earned - 1), `coverage` (share
          of customers within their interval)
        - the gain of ranking by the scores instead of by recency, at `depth`, summed over the days:
          `earned_by_scores` by the customers with the highest expected value and `earned_by_recency` by
          those who bought last; `leavers_by_scores` among the customers with the highest churn probability
          and `leavers_by_recency` among those inactive for longest; `worth` = the first difference, and
          `worth_of_leavers` = the second difference × the average earned by a customer who stayed

    Raises
    ------
    InputError
        no prediction has an outcome yet
    RangeError
        depth lies outside (0, 1]

    Examples
    --------
    >>> day = date(2024, 6, 30)
    >>> rows = pd.DataFrame({"customer_id": range(4), "as_of": [day] * 4, "horizon_days": [90] * 4,
    ...                      "model_version": ["3"] * 4, "churn_probability": [0.9, 0.6, 0.2, 0.1],
    ...                      "expected_value": [1.0, 4.0, 20.0, 30.0], "expected_value_low": [0.0] * 4,
    ...                      "expected_value_high": [5.0, 9.0, 50.0, 60.0], "churned": [1, 1, 0, 0],
    ...                      "earned": [0.0, 0.0, 15.0, 45.0], "days_since_last": [90, 3, 20, 10]})
    >>> report = monitoring_report(rows, depth=0.25).iloc[0]
    >>> report[["auc", "value_bias", "coverage", "worth"]].astype(float).round(3).tolist()
    [1.0, -0.083, 1.0, 45.0]
    """
    share("depth", depth, ends="(]", example="10 % as 0.1")
    if rows.empty:
        raise InputError("No logged prediction has an outcome yet, so there is nothing to report.")
    groups = rows.groupby(["model_version", "horizon_days"], sort=False)
    found = [
        {"model_version": version, "horizon_days": horizon, **_judged(group, depth)}
        for (version, horizon), group in groups
    ]
    return pd.DataFrame(found).sort_values(["first", "model_version"], ignore_index=True)


def calibration_by_version(rows: pd.DataFrame) -> pd.DataFrame:
    """Predicted and observed churn rates, in ten bins per model version.

    Parameters
    ----------
    rows
        what `with_outcomes` returns

    Returns
    -------
    pd.DataFrame
        model_version, and the columns of :func:`patron.evaluation.metrics.calibration_table`

    Examples
    --------
    >>> rows = pd.DataFrame({"model_version": ["3"] * 4, "churned": [0, 0, 1, 1],
    ...                      "churn_probability": [0.1, 0.1, 0.8, 0.9]})
    >>> calibration_by_version(rows)[["model_version", "customers", "observed"]].head(2)
      model_version  customers  observed
    0             3          2       0.0
    1             3          1       1.0
    """
    tables = [
        calibration_table(group["churned"], group["churn_probability"]).assign(model_version=version)
        for version, group in rows.groupby("model_version")
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[["model_version", *table.columns.drop("model_version")]]


def _judged(rows: pd.DataFrame, depth: float) -> dict[str, Any]:
    churned, scored = rows["churned"].to_numpy(dtype=np.float64), rows["churn_probability"].to_numpy()
    earned, expected = rows["earned"].to_numpy(), rows["expected_value"].to_numpy()
    known = np.isfinite(expected)
    inside = (earned >= rows["expected_value_low"] - 1e-9) & (earned <= rows["expected_value_high"] + 1e-9)
    wanted = ("auc", "brier", "calibration_error", "top_decile_lift")
    one_class = bool(one_class_reason(churned))
    metrics = dict.fromkeys(wanted, np.nan) if one_class else churn_metrics(churned, scored)
    return {
        "first": rows["as_of"].min(),
        "last": rows["as_of"].max(),
        "predictions": len(rows),
        "churn_rate": float(churned.mean()),
        "predicted_churn": float(scored.mean()),
        "churn_bias": _bias(scored.sum(), churned.sum()),
        **{name: metrics[name] for name in wanted},
        "predicted_value": float(expected[known].sum()),
        "earned": float(earned[known].sum()),
        "value_bias": _bias(expected[known].sum(), earned[known].sum()),
        "coverage": float(inside[known].mean()) if known.any() else np.nan,
        **_followed([group for _, group in rows[known].groupby("as_of")], depth),
    }


def _followed(days: Iterable[pd.DataFrame], depth: float) -> dict[str, float]:
    """Results of the top customers by score and by recency; each day is ranked on its own."""
    sums = dict.fromkeys(
        ("earned_by_scores", "earned_by_recency", "leavers_by_scores", "leavers_by_recency"), 0.0
    )
    stayers = stayed = 0.0
    for rows in days:
        n = max(1, round(len(rows) * depth))
        silent = rows["days_since_last"].to_numpy(dtype=np.float64)
        earned, churned = rows["earned"].to_numpy(), rows["churned"].to_numpy(dtype=np.float64)
        orders = {
            "earned_by_scores": (-rows["expected_value"].to_numpy(), earned),
            "earned_by_recency": (silent, earned),
            "leavers_by_scores": (-rows["churn_probability"].to_numpy(), churned),
            "leavers_by_recency": (-silent, churned),
        }
        for name, (order, counted) in orders.items():
            sums[name] += float(counted[np.argsort(order, kind="stable")[:n]].sum())
        stayers += float((1 - churned).sum())
        stayed += float(earned[churned == 0].sum())
    worth_of_one = stayed / stayers if stayers else 0.0
    return {
        **sums,
        "worth": sums["earned_by_scores"] - sums["earned_by_recency"],
        "worth_of_leavers": (sums["leavers_by_scores"] - sums["leavers_by_recency"]) * worth_of_one,
    }


def _bias(predicted: float, observed: float) -> float:
    return float(predicted / observed - 1) if observed > 0 else np.nan
