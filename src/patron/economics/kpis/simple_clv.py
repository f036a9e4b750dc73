"""Simple CLV formulas for the average active customer, compared with the model's CLV."""

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.economics.kpis.customer_base import CustomerBase
from patron.economics.scorecards import latest_scores
from patron.money import DAYS_PER_UNIT
from patron.simple_value import churn_over, compare_with_model, most_to_keep

__all__ = ["max_spend_per_point", "mean_growth_potential", "simple_clvs"]


def simple_clvs(
    base: CustomerBase, rows: pd.DataFrame, *, margin: float, annual_rate: float, years: float | None = None
) -> pd.DataFrame:
    """The CLV of the average active customer by each simple formula, and by the model.

    Parameters
    ----------
    base
        the customers, with scores among its tables if a model has scored them
    rows
        its indicators
    margin
        share of an amount that is kept, in (0, 1]
    annual_rate
        discount rate ≥ 0 a year
    years
        > 0, horizon of the formulas that need one; None uses the Kaplan-Meier mean tenure

    Returns
    -------
    pd.DataFrame
        One row per formula: method, value, model_value (mean growth_potential of the customers active on the
        last day, less the acquisition cost), why (a sentence on the difference). No row without sales, or if
        no customer was active at the start of a period
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
        model_value=mean_growth_potential(base),
        acquisition_cost=float(cost),
    )
    return pd.DataFrame(
        [
            {"method": one.method, "value": one.value, "model_value": one.model_value, "why": one.why}
            for one in found
        ]
    )


def max_spend_per_point(base: CustomerBase) -> float | None:
    """The most that raising retention by one point may cost per active customer; None without scores.

    Parameters
    ----------
    base
        the customers, with scores among its tables if a model has scored them
    """
    expected = mean_growth_potential(base)
    return None if np.isnan(expected) else float(most_to_keep(expected, 0.01))


def mean_growth_potential(base: CustomerBase) -> float:
    """The model's expected margin per customer active on the last day.

    Parameters
    ----------
    base
        the customers, with scores among its tables if a model has scored them

    Returns
    -------
    float
        money, mean of growth_potential; NaN without scores
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
    """Revenue of the periods from customers who were ever active, so under contract from members only."""
    within = days.filter(days.day.between(base.periods[0].start, base.periods[-1].end))
    own = within.semi_join(base.spells, "customer_id")
    return float(own.amount.sum().to_pyarrow().as_py() or 0.0)


def _each(rows: pd.DataFrame, kpi: str, column: str) -> Floats:
    """One column of one indicator by period; 0 where missing."""
    numbers: Floats = rows.loc[rows["kpi"] == kpi, column].to_numpy(dtype=np.float64)
    return np.nan_to_num(numbers)
