"""Lifecycle stage of each customer, by transparent rules.

The rules are applied from top to bottom; the first match is the stage, so every customer has exactly one. The
thresholds are settings: :class:`patron.models.bundle.policy.StageRules`.

============ ==========================================================================
stage        who
============ ==========================================================================
reach        has not bought yet
lost         inactive for longer than the limit of lost
dormant      inactive for longer than the limit of dormant
at_risk      inactive for longer than the limit of at_risk
won_back     came back recently after an unusually long pause
acquisition  bought on one day so far
loyalty      repeat purchases often enough, and customer for long enough
retention    a few repeat purchases
development  one or two repeat purchases
============ ==========================================================================

Inactivity is the time since the last purchase. It is measured in days and in the customer's own usual gaps,
and both limits must be exceeded.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from patron.arrays import Flags, Floats, Texts
from patron.models.bundle.policy import StageRules

__all__ = ["STAGES", "STAGE_COLUMNS", "lifecycle_stage"]

type Columns = Mapping[str, Any] | pd.DataFrame

STAGES = (
    "reach", "acquisition", "development", "retention", "loyalty", "at_risk", "dormant", "lost", "won_back",
)  # fmt: skip
"""All stages: five of an active customer, and four of inactivity and return."""

STAGE_COLUMNS = ("frequency", "recency", "T", "gap_median", "gap_max")
"""The columns of the rules, in addition to the active days in the two windows of `StageRules`."""


def lifecycle_stage(customers: Columns, rules: StageRules | None = None) -> Texts:
    """The stage of each customer.

    Parameters
    ----------
    customers
        column → (n_customers,) numbers, such as a frame of feature rows: frequency (count of repeat
        purchase days), recency and T (days; null for customers who have not bought); optionally
        gap_median and gap_max (days), and the active days in the windows of `won_back_within` and
        `won_back_after`, such as active_days_90d and active_days_365d
    rules
        `StageRules()` if None

    Returns
    -------
    Texts
        (n_customers,) one of `STAGES` each

    Notes
    -----
    The usual gap is the median gap; without one the mean gap, recency ÷ frequency; for who bought on one day
    only `first_gap_days`. A pause counts as unusual where it is longer than `at_risk_gaps` of the customer's
    other gaps. Without the columns of the windows no customer is won_back.

    Examples
    --------
    >>> customers = {"frequency": [0, 4, 4, np.nan], "recency": [0, 200, 200, np.nan],
    ...              "T": [10, 210, 900, np.nan]}
    >>> lifecycle_stage(customers).tolist()
    ['acquisition', 'retention', 'lost', 'reach']
    """
    rules = rules or StageRules()
    frequency, recency, age = (_numbers(customers[name]) for name in ("frequency", "recency", "T"))
    silence = age - recency
    usual = _usual_gap(customers, frequency, recency, rules)

    def silent(days: float, gaps: float) -> Flags:
        return silence > np.maximum(days, gaps * usual)

    rule_of = {
        "reach": np.isnan(age),
        "lost": silent(rules.lost_days, rules.lost_gaps),
        "dormant": silent(rules.dormant_days, rules.dormant_gaps),
        "at_risk": silent(rules.at_risk_days, rules.at_risk_gaps),
        "won_back": _won_back(customers, frequency, recency, rules),
        "acquisition": ~(frequency > 0),
        "loyalty": (frequency >= rules.loyalty_from) & (age >= rules.loyalty_days),
        "retention": frequency >= rules.retention_from,
    }
    stage = np.full(age.size, "development", dtype=object)
    for name, fits in reversed(rule_of.items()):
        stage[fits] = name
    return stage


def _usual_gap(customers: Columns, frequency: Floats, recency: Floats, rules: StageRules) -> Floats:
    bought_again = frequency > 0
    mean = recency / np.where(bought_again, frequency, 1.0)
    if "gap_median" in customers:
        median = _numbers(customers["gap_median"])
        mean = np.where(np.isnan(median), mean, median)
    return np.where(bought_again, mean, rules.first_gap_days)


def _won_back(customers: Columns, frequency: Floats, recency: Floats, rules: StageRules) -> Flags:
    """Whether the customer bought in the recent window, not in the pause before it, and once earlier."""
    within, after = rules.won_back_within, rules.won_back_after
    needed = ("gap_max", f"active_days_{within}d", f"active_days_{after}d")
    if any(name not in customers for name in needed):
        return np.zeros(frequency.size, dtype=bool)
    longest, lately, longer = (_numbers(customers[name]) for name in needed)
    returned: Flags = (lately > 0) & (longer == lately) & (frequency + 1 > lately)
    several = frequency > 1
    others = (recency - longest) / np.where(several, frequency - 1, 1.0)
    usual = np.where(several, others, rules.first_gap_days)
    returned &= after - within > rules.at_risk_gaps * usual
    return returned


def _numbers(column: Any) -> Floats:
    if hasattr(column, "to_numpy"):
        values: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return values
    return np.asarray(column, dtype=np.float64)
