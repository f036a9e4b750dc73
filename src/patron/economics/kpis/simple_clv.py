"""The simple lifetime values of the average active customer, beside what the model says of the same ones."""

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.economics.kpis.indicators import CustomerBase
from patron.money import DAYS_PER_UNIT
from patron.simple_value import churn_over, compare_with_model

__all__ = ["latest_scores", "mean_ahead", "values_beside_model"]


def values_beside_model(
    base: CustomerBase, rows: pd.DataFrame, *, margin: float, annual_rate: float, years: float | None = None
) -> pd.DataFrame:
    """What an average active customer is worth by each simple formula, and by the model.

    Parameters
    ----------
    base
        the customers; with scores among its tables where a model has scored them
    rows
        its indicators
    margin
        share of an amount that is kept, in (0, 1]
    annual_rate
        discount rate ≥ 0 a year
    years
        > 0, how many years the formulas that need a number count; None takes the mean tenure by
        Kaplan-Meier

    Returns
    -------
    pd.DataFrame
        One row per formula: method, value, model_value (mean of growth_potential of those active on the last
        day, less the acquisition cost), why the two differ, in a sentence. No row where there are no sales,
        or nobody was active at the start of a period
    """
    per_year = base.periods[0].per_year
    at_start = _each(rows, "churn_rate", "denominator")
    customer_years = (at_start + _each(rows, "active_customers", "value")).sum() / 2 / per_year
    if base.days is None or customer_years <= 0 or at_start.sum() <= 0:
        return pd.DataFrame(columns=["method", "value", "model_value", "why"])
    revenue = _revenue(base, base.days)
    churn = _each(rows, "churn_rate", "numerator").sum() / at_start.sum()
    costs, won = _each(rows, "cac", "value"), _each(rows, "new_customers", "value")
    bought = won[costs > 0].sum()
    cost = (costs * won).sum() / bought if bought else np.nan
    found = compare_with_model(
        yearly_margin=margin * revenue / float(customer_years),
        retention=1 - float(churn_over(churn, per_year)),
        annual_rate=annual_rate,
        years=years or _each(rows, "tenure_mean_days", "value")[-1] / DAYS_PER_UNIT["Y"],
        model_value=mean_ahead(base),
        acquisition_cost=float(cost),
    )
    return pd.DataFrame(
        [
            {"method": one.method, "value": one.value, "model_value": one.model_value, "why": one.why}
            for one in found
        ]
    )


def latest_scores(scores: ir.Table) -> ir.Table:
    """The scores of the last day that there are any of: a file may hold the scorecards of many days.

    Parameters
    ----------
    scores
        customer_id, as_of, and any columns

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2024, 1, 31), date(2024, 2, 29)]
    >>> scores = ibis.memtable({"customer_id": [7, 7], "as_of": days, "growth_potential": [40.0, 30.0]})
    >>> latest_scores(scores).to_pandas()["growth_potential"].tolist()
    [30.0]
    """
    return scores.filter(scores.as_of == scores.as_of.max())


def mean_ahead(base: CustomerBase) -> float:
    """What the model expects of a customer who is active on the last day.

    Parameters
    ----------
    base
        the customers, with scores among its tables where a model has scored them

    Returns
    -------
    float
        money, mean of growth_potential; NaN where nobody was scored
    """
    scores: ir.Table | None = base.tables.get("scores")
    if scores is None:
        return np.nan
    last = ibis.literal(base.rules.last)
    spells = base.spells
    active = spells.filter((spells.starts_on <= last) & (spells.ends_on > last)).select("customer_id")
    own = latest_scores(scores).semi_join(active, "customer_id")
    mean = own.growth_potential.mean().to_pyarrow().as_py()
    return np.nan if mean is None else float(mean)


def _revenue(base: CustomerBase, days: ir.Table) -> float:
    """What those who were ever active paid in the periods; under contract, who has none is none of them."""
    within = days.filter(days.day.between(base.periods[0].start, base.periods[-1].end))
    own = within.semi_join(base.spells, "customer_id")
    return float(own.amount.sum().to_pyarrow().as_py() or 0.0)


def _each(rows: pd.DataFrame, kpi: str, column: str) -> Floats:
    """One number of one indicator by period; 0 where there is none."""
    numbers: Floats = rows.loc[rows["kpi"] == kpi, column].to_numpy(dtype=np.float64)
    return np.nan_to_num(numbers)
