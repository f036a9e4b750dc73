"""Simple rules that a model must beat, and the comparison of models by their metrics.

Each rule maps an RFM frame of one day, one row per customer, to one number per customer:

==================  ===============================================================  ===========
rule                assumption                                                       result
==================  ===============================================================  ===========
recency_ranking     customers who bought longest ago are most likely to leave        score
btyd_value          customers buy at random until they silently stop (BG/NBD), with  money,
                    orders around each customer's own mean (Gamma-Gamma)             probability
status_quo_value    customers go on as before, at their own rate and order value     money
==================  ===============================================================  ===========
"""

import warnings
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from patron.checks import positive
from patron.errors import InputError, PatronWarning, TableError, some
from patron.evaluation.metrics import (
    PROBABILITY_METRICS,
    RANKING_METRICS,
    churn_metrics,
    one_class_reason,
    ranking_metrics,
)
from patron.evaluation.value_metrics import INTERVAL_METRICS, VALUE_METRICS, interval_metrics, value_metrics

__all__ = [
    "btyd_value",
    "compare",
    "compare_values",
    "recency_ranking",
    "status_quo_value",
]


def recency_ranking(rfm: pd.DataFrame) -> pd.Series:
    """Days since the last purchase, as a score of churn risk.

    Parameters
    ----------
    rfm
        key customer_id, one row per customer: recency and T in days

    Returns
    -------
    pd.Series
        (n_customers,) days ≥ 0, by customer_id in the order of `rfm`; a score, not a probability

    Raises
    ------
    TableError
        `rfm` lacks a column

    References
    ----------
    Wübben & von Wangenheim (2008), Journal of Marketing 72, 82-93: the hiatus heuristic, which managers use
    and which is hard to beat.

    Examples
    --------
    >>> rfm = pd.DataFrame({"customer_id": ["a", "b"], "recency": [90, 0], "T": [100, 30]})
    >>> recency_ranking(rfm).to_dict()
    {'a': 10, 'b': 30}
    """
    _check_columns(rfm, "recency", "T")
    return _by_customer(rfm, rfm["T"] - rfm["recency"], "days_since_last")


def btyd_value(rfm: pd.DataFrame, horizon_days: float) -> pd.DataFrame:
    """Expected value by BG/NBD with Gamma-Gamma, fitted to the same customers (posterior mode).

    Parameters
    ----------
    rfm
        key customer_id, one row per customer: frequency, recency and T in days, monetary_value in money
    horizon_days
        days ahead, > 0

    Returns
    -------
    pd.DataFrame
        Rows: those of `rfm`, in order. customer_id, p_no_purchase (probability), expected_value,
        expected_value_low and expected_value_high (undiscounted money in the horizon, 80 % predictive
        interval), and the other columns of :meth:`patron.models.value.model.CustomerValueModel.predict`

    Raises
    ------
    TableError
        `rfm` lacks a column
    InputError
        no customer has bought twice

    Notes
    -----
    The model sees purchases up to the day of `rfm` only, so the baseline is as free of the future as the
    features of that day. 1 - P(alive) is no baseline: it is 0 for everyone who bought once.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24, 275-284, and Journal of Marketing Research 42, 415-430.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> rfm = pd.DataFrame({"customer_id": range(500), "frequency": rng.poisson(2, 500), "T": 200.0})
    >>> rfm["recency"] = np.where(rfm["frequency"] > 0, 200 * rng.beta(rfm["frequency"] + 0.5, 1), 0.0)
    >>> rfm["monetary_value"] = np.where(rfm["frequency"] > 0, rng.gamma(8, 4, 500), 0.0)
    >>> bool((btyd_value(rfm, 90)["expected_value"] > 0).all())
    True
    """
    from patron.models.value.gamma_gamma import GammaGammaModel
    from patron.models.value.model import CustomerValueModel
    from patron.models.value.purchases.model import BetaGeoModel

    _check_columns(rfm, "frequency", "recency", "T", "monetary_value")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # about parameters; only the metrics matter here
        model = CustomerValueModel(
            BetaGeoModel(inference="map"), GammaGammaModel(inference="map"), annual_discount_rate=0.0
        ).fit(rfm)
    return model.predict(rfm, horizon_days, value_horizon_days=horizon_days)


def status_quo_value(rfm: pd.DataFrame, horizon_days: float) -> pd.Series:
    """Money in the horizon if every customer goes on as before.

    Parameters
    ----------
    rfm
        key customer_id, one row per customer: frequency, T in days, monetary_value in money
    horizon_days
        days ahead, > 0

    Returns
    -------
    pd.Series
        (n_customers,) money, by customer_id in the order of `rfm`; 0 for customers who bought on one day only

    Raises
    ------
    TableError
        `rfm` lacks a column
    RangeError
        `horizon_days` is not positive

    Notes
    -----
    frequency / T · horizon_days · monetary_value. Nobody ever leaves in this rule, so its total is too high.

    References
    ----------
    Wübben & von Wangenheim (2008), Journal of Marketing 72, 82-93.

    Examples
    --------
    >>> rfm = pd.DataFrame({"customer_id": ["a", "b"], "frequency": [2, 0], "T": [100, 0]})
    >>> rfm["monetary_value"] = [30.0, 0.0]
    >>> status_quo_value(rfm, horizon_days=50).to_dict()
    {'a': 30.0, 'b': 0.0}
    """
    _check_columns(rfm, "frequency", "T", "monetary_value")
    positive("horizon_days", horizon_days)
    per_day = rfm["frequency"] / rfm["T"].where(rfm["T"] > 0, 1)
    return _by_customer(rfm, per_day * horizon_days * rfm["monetary_value"], "status_quo_value")


def compare(
    y: Any, scores: Mapping[str, Any], *, base_rate: float | None = None, rankings: Collection[str] = ()
) -> pd.DataFrame:
    """One row of metrics per model, on the same customers.

    Parameters
    ----------
    y
        (n_customers,) 1 if the customer left, 0 if not
    scores
        model → (n_customers,) its probability or score, in the order of `y`
    base_rate
        the reference of `brier_skill`; by default the share that left
    rankings
        models whose numbers lie in [0, 1] but are not probabilities

    Returns
    -------
    pd.DataFrame
        One row per model, in the order of `scores`: `model`, `kind` ("probability" or "ranking"),
        `customers`, `churn_rate`, `RANKING_METRICS`, `PROBABILITY_METRICS` (NaN for a ranking) and `note`,
        the reason of a missing metric.

    Raises
    ------
    InputError
        no model, `rankings` names one that is not compared, or as `ranking_metrics`

    Examples
    --------
    >>> table = compare([1, 0, 1, 0], {"trees": [0.9, 0.2, 0.6, 0.5], "recency": [40, 10, 20, 30]})
    >>> table[["model", "kind", "auc", "brier", "note"]].round(3)
         model         kind   auc  brier                                       note
    0    trees  probability  1.00  0.115
    1  recency      ranking  0.75    NaN  a ranking: it says nothing of probability
    """
    if not scores:
        raise InputError("there is no model to compare. Give at least one: {name: scores}.")
    unknown = set(rankings) - set(scores)
    if unknown:
        raise InputError(f"rankings names {sorted(unknown)}, which is not among the models {list(scores)}.")
    rows = [_judge(y, name, score, base_rate, name in rankings) for name, score in scores.items()]
    return pd.DataFrame(rows)[
        ["model", "kind", "customers", "churn_rate", *RANKING_METRICS, *PROBABILITY_METRICS, "note"]
    ]


def compare_values(
    actual: Any, expected: Mapping[str, Any], *, intervals: Mapping[str, tuple[Any, Any]] | None = None
) -> pd.DataFrame:
    """One row of value metrics per model, on the same customers.

    Parameters
    ----------
    actual
        (n_customers,) money that each customer brought
    expected
        model → (n_customers,) expected money
    intervals
        model → lower and upper bound of its interval, for the models that have one

    Returns
    -------
    pd.DataFrame
        One row per model, in the order of `expected`: `model`, `VALUE_METRICS` and `INTERVAL_METRICS` (NaN
        where there is no interval)

    Raises
    ------
    InputError, RangeError
        as `value_metrics` and `interval_metrics`

    Examples
    --------
    >>> table = compare_values([10, 0, 5], {"ours": [9, 0, 4], "twice": [20, 0, 10]})
    >>> table[["model", "gini", "total_bias"]].round(3)
       model  gini  total_bias
    0   ours   1.0      -0.133
    1  twice   1.0       1.000
    """
    rows = []
    for name, money in expected.items():
        spread = dict.fromkeys(INTERVAL_METRICS, float("nan"))
        if intervals is not None and name in intervals:
            spread = interval_metrics(actual, *intervals[name])
        rows.append({"model": name, **value_metrics(actual, money), **spread})
    return pd.DataFrame(rows, columns=["model", *VALUE_METRICS, *INTERVAL_METRICS])


def _judge(y: Any, name: str, score: Any, base_rate: float | None, only_ranks: bool) -> dict[str, Any]:
    ranks = only_ranks or not pd.Series(score).between(0, 1).all()
    one_class = one_class_reason(y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PatronWarning)  # the note says it
        metrics = ranking_metrics(y, score) if ranks else churn_metrics(y, score, base_rate=base_rate)
    outcomes = pd.Series(y)
    notes = [one_class, "a ranking: it says nothing of probability" if ranks else ""]
    return {
        "model": name,
        "kind": "ranking" if ranks else "probability",
        "customers": len(outcomes),
        "churn_rate": float(outcomes.mean()),
        **dict.fromkeys(PROBABILITY_METRICS, float("nan")),
        **metrics,
        "note": "; ".join(filter(None, notes)),
    }


def _check_columns(rfm: pd.DataFrame, *needed: str) -> None:
    missing = [name for name in ("customer_id", *needed) if name not in rfm.columns]
    if missing:
        raise TableError(
            f"rfm lacks {some(missing)}; it has {some(rfm.columns, 20)}. It wants one row per customer with "
            "customer_id, frequency, recency, T and monetary_value, in days."
        )


def _by_customer(rfm: pd.DataFrame, numbers: pd.Series, name: str) -> pd.Series:
    return pd.Series(numbers.to_numpy(), index=pd.Index(rfm["customer_id"], name="customer_id"), name=name)
