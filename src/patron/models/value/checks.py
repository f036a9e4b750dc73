"""Checks of a value model against the data: each is a function that returns a tidy table.

====================== ==================================================================================
check                  question
====================== ==================================================================================
frequency_histogram    Would customers of this model have bought as often as the real ones did?
tracking               Do purchases over time follow the model, in the fit window and after it?
calibration            Do groups of customers buy as often as expected of them?
====================== ==================================================================================

The figures of these tables are drawn in `patron.reports`.
"""

from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from patron.checks import whole_number
from patron.errors import InputError, RangeError, TableError, some
from patron.models.inference.compression import count_distinct
from patron.models.value.parameter_groups import thinned
from patron.models.value.purchases.expectation import (
    expected_purchases_new_customer,
    probability_of_purchases,
)
from patron.models.value.purchases.model import BetaGeoModel
from patron.models.value.rfm import read_customers
from patron.money import convert_period

__all__ = ["calibration", "frequency_histogram", "tracking"]


EPOCH = pd.Timestamp("1970-01-01")
N_DRAWS = 50  # posterior draws that an expectation over all customers is averaged over


def frequency_histogram(model: BetaGeoModel, rfm: pd.DataFrame, *, max_frequency: int = 7) -> pd.DataFrame:
    """Customers by purchase frequency: actual counts, and those expected of customers of these ages.

    Parameters
    ----------
    model
        fitted purchase model
    rfm
        one row per customer: customer_id, frequency, recency, T, and the covariates
    max_frequency
        the last row counts this frequency and all above, at least 1

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per frequency 0 … max_frequency: frequency, actual and expected (customers)

    Raises
    ------
    TableError
        a row breaks a rule of RFM tables
    RangeError
        max_frequency is below 1
    NotFittedError
        fit comes first

    Examples
    --------
    >>> model = BetaGeoModel.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, time_unit="W")
    >>> rfm = pd.DataFrame({"customer_id": range(4), "frequency": [0, 0, 1, 3],
    ...                     "recency": [0, 0, 9, 30], "T": 39})
    >>> frequency_histogram(model, rfm, max_frequency=2).round(2)
       frequency  actual  expected
    0          0       2      2.30
    1          1       1      0.80
    2          2       1      0.91
    """
    whole_number("max_frequency", max_frequency, 1)
    customers, matrix = read_customers(rfm), model.covariate_matrix(rfm)
    (ages, *alike), count, _ = count_distinct([customers.T, *matrix.T], np.ones(len(customers)))
    kinds = np.column_stack(alike) if alike else np.zeros((len(ages), 0))
    draws = {name: values[:, None] for name, values in thinned(model.to_arrays()[0], N_DRAWS).items()}
    parameters = model.parameters_of(draws, kinds)
    expected = np.array(
        [
            probability_of_purchases(*parameters, 0, 0, 0, ages, n, model.family).mean(axis=0) @ count
            for n in range(max_frequency)
        ]
    )
    actual = np.bincount(
        np.minimum(customers.frequency, max_frequency).astype(np.int64), minlength=max_frequency + 1
    )
    return pd.DataFrame(
        {
            "frequency": np.arange(max_frequency + 1),
            "actual": actual,
            "expected": np.append(expected, len(customers) - expected.sum()),
        }
    )


def tracking(
    model: BetaGeoModel, purchases: pd.DataFrame, as_of: date | str, *, step_days: int = 7
) -> pd.DataFrame:
    """Repeat purchases over time, actual and expected, in the fit window and after it.

    Parameters
    ----------
    model
        purchase model, fitted to what was known as of `as_of`; covariates, if any, count as average
    purchases
        one row per customer and purchase day: customer_id, day (a date), also of the days after as_of
    as_of
        date, the last day that the model has seen
    step_days
        days per row of the result

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per whole step: day (its last), in_fit_window, actual, expected (repeat purchases
        in the step), actual_cumulative, expected_cumulative. Customers acquired after as_of are excluded.

    Raises
    ------
    TableError
        a column is missing
    InputError
        nobody bought on or before as_of
    RangeError
        step_days is below 1
    NotFittedError
        fit comes first

    Examples
    --------
    >>> model = BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426)
    >>> purchases = pd.DataFrame({"customer_id": [1, 1, 2, 1], "day": pd.to_datetime(
    ...     ["2024-01-01", "2024-01-05", "2024-01-02", "2024-01-21"])})
    >>> tracking(model, purchases, "2024-01-14")[["in_fit_window", "actual", "expected"]].round(2)
       in_fit_window  actual  expected
    0           True       1      0.08
    1           True       0      0.10
    2          False       1      0.10
    """
    whole_number("step_days", step_days, 1)
    days = _purchase_days(purchases)
    seen = (pd.Timestamp(as_of) - EPOCH).days
    first = days.groupby("customer_id")["day"].transform("min")
    days, first = days[first <= seen], first[first <= seen]
    if days.empty:
        raise InputError(f"nobody in purchases bought on or before {as_of}: there is nothing to track.")
    begin, end = int(first.min()), int(days["day"].max())
    last = np.arange(begin + step_days - 1, max(end + 1, begin + step_days), step_days)  # whole steps only
    bought = np.bincount(days.loc[days["day"] > first, "day"] - begin, minlength=last[-1] - begin + 1)
    started = np.bincount(days.loc[days["day"] == first, "day"] - begin, minlength=last[-1] - begin + 1)
    ages = np.arange(last[-1] - begin + 1, dtype=np.float64)
    draws = thinned(model.to_arrays()[0], N_DRAWS)
    r, alpha, a, b = (draws[name][:, None] for name in ("r", "alpha", "a", "b"))
    age = convert_period(ages, "D", to=model.time_unit)
    each = expected_purchases_new_customer(r, alpha, a, b, age, model.family).mean(axis=0)
    expected = np.convolve(started, each)[: ages.size]
    table = pd.DataFrame(
        {
            "day": EPOCH + pd.to_timedelta(last, unit="D"),
            "in_fit_window": last <= seen,
            "actual_cumulative": np.cumsum(bought)[last - begin],
            "expected_cumulative": expected[last - begin],
        }
    )
    for name in ("actual", "expected"):
        sums = table[f"{name}_cumulative"]
        table[name] = sums.diff().fillna(sums)
    table["actual"] = table["actual"].astype(np.int64)
    return table[["day", "in_fit_window", "actual", "expected", "actual_cumulative", "expected_cumulative"]]


def calibration(
    model: BetaGeoModel,
    rfm: pd.DataFrame,
    purchases_after: pd.Series,
    horizon: float,
    *,
    by: Literal["frequency", "recency", "time_since_last"] = "frequency",
    groups: int = 8,
) -> pd.DataFrame:
    """Purchases in a horizon after the fit, actual and expected, by group of customers.

    Parameters
    ----------
    model
        fitted purchase model
    rfm
        one row per customer: customer_id, frequency, recency, T, as of the end of the fit window
    purchases_after
        purchases in the horizon, by customer_id; customers not listed have bought nothing
    horizon
        length of the horizon, time units of the model
    by
        "frequency", "recency" (age at the last purchase) or "time_since_last" (T - recency)
    groups
        at most this many; the last frequency counts all above it, times are cut into equal counts

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per group, from the smallest: from, to (both inclusive, of what `by` names),
        customers, actual, expected (mean purchases per customer)

    Raises
    ------
    TableError
        a row breaks a rule of RFM tables
    InputError
        purchases_after names customers whom rfm does not have
    RangeError
        by or groups is out of range
    NotFittedError
        fit comes first

    Examples
    --------
    >>> model = BetaGeoModel.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, time_unit="W")
    >>> rfm = pd.DataFrame({"customer_id": ["a", "b", "c"], "frequency": [0, 0, 2],
    ...                     "recency": [0, 0, 30.43], "T": 38.86})
    >>> calibration(model, rfm, pd.Series({"c": 1}), horizon=39).round(2)
       from   to  customers  actual  expected
    0   0.0  0.0          2     0.0      0.20
    1   2.0  2.0          1     1.0      1.23
    """
    whole_number("groups", groups, 1)
    customers = read_customers(rfm)
    strangers = purchases_after.index.difference(customers.ids)
    if len(strangers):
        raise InputError(f"purchases_after names customers whom rfm does not have: {some(strangers)}.")
    if by == "frequency":
        measure = customers.frequency
        group = np.minimum(measure, groups - 1)
    elif by in ("recency", "time_since_last"):
        measure = customers.recency if by == "recency" else customers.T - customers.recency
        inner = np.quantile(measure, np.arange(1, groups) / groups)
        group = np.searchsorted(inner, measure, side="right").astype(np.float64)
    else:
        raise RangeError(f"by must be frequency, recency or time_since_last, got {by!r}.")
    rows = pd.DataFrame(
        {
            "measure": measure,
            "actual": purchases_after.reindex(customers.ids).fillna(0).to_numpy(dtype=np.float64),
            "expected": model.expected_purchases(rfm, horizon).to_numpy(),
        }
    )
    by_group = rows.groupby(group)
    return pd.DataFrame(
        {
            "from": by_group["measure"].min(),
            "to": by_group["measure"].max(),
            "customers": by_group.size(),
            "actual": by_group["actual"].mean(),
            "expected": by_group["expected"].mean(),
        }
    ).reset_index(drop=True)


def _purchase_days(purchases: pd.DataFrame) -> pd.DataFrame:
    """customer_id and day (whole days since 1970), each pair once, by customer and in time."""
    missing = [name for name in ("customer_id", "day") if name not in purchases.columns]
    if missing:
        raise TableError(
            f"purchases lacks {', '.join(missing)}; it has {', '.join(map(str, purchases.columns))}."
        )
    number = (pd.to_datetime(purchases["day"]) - EPOCH).dt.days
    days = pd.DataFrame({"customer_id": purchases["customer_id"], "day": number.astype(np.int64)})
    return days.drop_duplicates().sort_values(["customer_id", "day"], kind="stable")
