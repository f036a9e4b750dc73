"""What to look at before a value model is trusted: each check is a function that returns a tidy table.

====================== ==================================================================================
check                  question
====================== ==================================================================================
spend_independence     Do frequent customers spend more or less per order? Gamma-Gamma assumes neither.
purchase_regularity    Do customers buy at random, or like clockwork? BG/NBD assumes at random.
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
from scipy import stats

from patron.errors import InputError, RangeError, TableError, some
from patron.models.inference.compression import count_distinct
from patron.models.value.parameter_groups import thinned
from patron.models.value.purchases import BetaGeoModel
from patron.models.value.purchases.expectation import (
    expected_purchases_new_customer,
    probability_of_purchases,
)
from patron.models.value.rfm import read_customers
from patron.money import convert_period

__all__ = ["calibration", "frequency_histogram", "purchase_regularity", "spend_independence", "tracking"]


EPOCH = pd.Timestamp("1970-01-01")
WEAK = 0.1  # a correlation below this changes no customer's value by more than a few per cent
REGULAR = 1.5  # a shape above this is worth a word
N_DRAWS = 50  # posterior draws that an expectation over all customers is averaged over


def spend_independence(rfm: pd.DataFrame) -> pd.DataFrame:
    """The correlation of how often and for how much customers buy, among those who came back.

    Parameters
    ----------
    rfm
        one row per customer: customer_id, frequency, monetary_value

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per statistic ("pearson", "spearman"): statistic, correlation in [-1, 1], low and
        high (95 % interval), customers (count of repeat buyers), finding (a sentence)

    Raises
    ------
    TableError
        a row breaks a rule of RFM tables
    InputError
        fewer than four repeat buyers

    References
    ----------
    Fader, Hardie & Lee (2005), Journal of Marketing Research 42(4), 415-430, find 0.11 for CDNOW, and 0.06
    without two buyers.

    Examples
    --------
    >>> rfm = pd.DataFrame({"customer_id": range(6), "frequency": [0, 1, 2, 3, 4, 5],
    ...                     "monetary_value": [0, 10, 30, 20, 50, 40]})
    >>> spend_independence(rfm)[["statistic", "correlation", "customers"]].round(2)
      statistic  correlation  customers
    0   pearson          0.8          5
    1  spearman          0.8          5
    """
    customers = read_customers(rfm, purchases=False, spend=True)
    again = customers.frequency > 0
    x, z = customers.frequency[again], customers.monetary_value[again]
    if x.size < 4:
        raise InputError(f"a correlation needs at least four repeat buyers, rfm has {x.size}.")
    rows = []
    for name, of in (("pearson", lambda values: values), ("spearman", stats.rankdata)):
        varied = np.ptp(x) > 0 and np.ptp(z) > 0
        found = float(np.corrcoef(of(x), of(z))[0, 1]) if varied else 0.0
        reach = 1.96 / np.sqrt(x.size - 3)
        away = np.arctanh(np.clip(found, -1 + 1e-12, 1 - 1e-12))
        low, high = np.tanh(away - reach), np.tanh(away + reach)
        rows.append((name, found, low, high, x.size, _spend_finding(found, low, high)))
    return pd.DataFrame(rows, columns=["statistic", "correlation", "low", "high", "customers", "finding"])


def purchase_regularity(purchases: pd.DataFrame) -> pd.DataFrame:
    """How regular customers buy: the shape of an Erlang distribution of the gaps between their purchases.

    Parameters
    ----------
    purchases
        one row per customer and purchase day: customer_id, day (a date)

    Returns
    -------
    pd.DataFrame
        DataFrame of one row: shape (1 is at random, larger is more regular), low and high (95 % interval),
        customers (count of those with three purchase days or more), finding (a sentence)

    Raises
    ------
    TableError
        a column is missing
    InputError
        fewer than ten customers have three purchase days

    Notes
    -----
    Of each customer's last two gaps g₁, g₂, the share M = g₁/(g₁ + g₂) does not depend on the customer's
    rate. Its variance is 1/(4(2k + 1)) for gaps of Erlang shape k.

    References
    ----------
    Wheat & Morrison (1990), Estimating purchase regularity with two interpurchase times, Journal of Marketing
    Research 27(1), 87-93.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> days = np.cumsum(1 + rng.exponential(500, size=(2000, 3)).astype(int), axis=1).ravel()
    >>> purchases = pd.DataFrame({"customer_id": np.repeat(np.arange(2000), 3),
    ...                           "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")})
    >>> purchase_regularity(purchases)[["shape", "customers"]].round(1)
       shape  customers
    0    1.0       2000
    """
    days = _purchase_days(purchases)
    last = days.groupby("customer_id", sort=False).tail(3)
    number = last.groupby("customer_id", sort=False)["day"].transform("size")
    three = last.loc[number == 3, "day"].to_numpy().reshape(-1, 3)
    if len(three) < 10:
        raise InputError(
            f"regularity needs at least ten customers with three purchase days, {len(three)} have."
        )
    gaps = np.diff(three, axis=1)
    shares = gaps[:, 0] / gaps.sum(axis=1)
    squares = (shares - 0.5) ** 2  # the mean of M is one half whatever the shape
    variance, error = squares.mean(), squares.std(ddof=1) / np.sqrt(len(three))
    shape, low, high = (_erlang_shape(variance + reach * error) for reach in (0, 1.96, -1.96))
    finding = f"Customers buy about as irregularly as the model assumes (shape {shape:.2f}, 1 is at random)."
    if low > REGULAR:
        finding = (
            f"Customers buy more regularly than the model assumes (shape {shape:.2f}, 1 is at random): who "
            "is overdue is more likely gone than P(alive) says."
        )
    return pd.DataFrame(
        [(shape, low, high, len(three), finding)], columns=["shape", "low", "high", "customers", "finding"]
    )


def frequency_histogram(model: BetaGeoModel, rfm: pd.DataFrame, *, most: int = 7) -> pd.DataFrame:
    """How many customers bought how often, beside how many the model expects among customers of these ages.

    Parameters
    ----------
    model
        fitted purchase model
    rfm
        one row per customer: customer_id, frequency, recency, T, and the covariates
    most
        the last row counts this frequency and all above, at least 1

    Returns
    -------
    pd.DataFrame
        DataFrame, one row per frequency 0 … most: frequency, actual and expected (customers)

    Raises
    ------
    TableError
        a row breaks a rule of RFM tables
    RangeError
        most is below 1
    NotFittedError
        fit comes first

    Examples
    --------
    >>> model = BetaGeoModel.from_params(r=0.243, alpha=4.414, a=0.793, b=2.426, time_unit="W")
    >>> rfm = pd.DataFrame({"customer_id": range(4), "frequency": [0, 0, 1, 3],
    ...                     "recency": [0, 0, 9, 30], "T": 39})
    >>> frequency_histogram(model, rfm, most=2).round(2)
       frequency  actual  expected
    0          0       2      2.30
    1          1       1      0.80
    2          2       1      0.91
    """
    if most < 1:
        raise RangeError(f"most must be at least 1, got {most!r}.")
    customers, matrix = read_customers(rfm), model.covariate_matrix(rfm)
    (ages, *alike), count, _ = count_distinct([customers.T, *matrix.T], np.ones(len(customers)))
    kinds = np.column_stack(alike) if alike else np.zeros((len(ages), 0))
    draws = {name: values[:, None] for name, values in thinned(model.to_arrays()[0], N_DRAWS).items()}
    parameters = model.parameters_of(draws, kinds)
    expected = np.array(
        [
            probability_of_purchases(*parameters, 0, 0, 0, ages, n, model.family).mean(axis=0) @ count
            for n in range(most)
        ]
    )
    actual = np.bincount(np.minimum(customers.frequency, most).astype(np.int64), minlength=most + 1)
    return pd.DataFrame(
        {
            "frequency": np.arange(most + 1),
            "actual": actual,
            "expected": np.append(expected, len(customers) - expected.sum()),
        }
    )


def tracking(
    model: BetaGeoModel, purchases: pd.DataFrame, as_of: date | str, *, step_days: int = 7
) -> pd.DataFrame:
    """Repeat purchases over time, beside those that the model expects: in the fit window and after it.

    Parameters
    ----------
    model
        purchase model, fitted to what was known as of `as_of`; where it has covariates, everybody counts
        as average in them
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
        in the step), actual_cumulative, expected_cumulative. Customers who came after as_of are left out.

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
    if step_days < 1:
        raise RangeError(f"step_days must be at least 1, got {step_days!r}.")
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
    """Purchases in a horizon after the fit, beside those expected, for customers alike in one respect.

    Parameters
    ----------
    model
        fitted purchase model
    rfm
        one row per customer: customer_id, frequency, recency, T, as of the end of the fit window
    purchases_after
        purchases in the horizon, by customer_id; who is absent has bought nothing
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
    if groups < 1:
        raise RangeError(f"groups must be at least 1, got {groups!r}.")
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


def _erlang_shape(variance: float) -> float:
    """Of the gaps, from the variance of the share of one of two; at least 0, at most 100."""
    return float(np.clip((1 / (4 * max(variance, 1e-6)) - 1) / 2, 0.0, 100.0))


def _spend_finding(correlation: float, low: float, high: float) -> str:
    if abs(correlation) < WEAK or low <= 0 <= high:
        return f"Frequent customers spend about as much per order as others ({correlation:+.2f}): as assumed."
    how = "more" if correlation > 0 else "less"
    rare, often = ("much", "little") if correlation > 0 else ("little", "much")
    return (
        f"Frequent customers spend {how} per order than others ({correlation:+.2f}), which the spend model "
        f"does not know: it values orders of rare customers by too {rare}, of frequent ones by too {often}."
    )
