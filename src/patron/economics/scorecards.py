"""Scorecard columns for indicators and costs, with ids typed like those of the other tables."""

from typing import Any

import ibis.expr.types as ir

from patron.errors import MissingColumnsError, TableError
from patron.tables.source import open_source

__all__ = ["latest_scores", "read_growth_potential", "read_tiers", "refuse_strangers"]


def read_growth_potential(source: Any, customers: ir.Table, connection: Any) -> ir.Table:
    """The expected margin of each customer and day of a scorecard: customer_id, as_of, growth_potential.

    Parameters
    ----------
    source
        path, frame or URL of a scorecard
    customers
        customer_id of the other tables
    connection
        Ibis backend that reads it

    Raises
    ------
    MissingColumnsError
        a column is missing
    TableError
        the scorecard holds none of the customers

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> from patron.tables.engine import open_engine
    >>> scores = pd.DataFrame({"customer_id": ["7"], "as_of": ["2024-01-31"], "growth_potential": [40]})
    >>> read_growth_potential(scores, ibis.memtable({"customer_id": [7]}), open_engine()).to_pandas()
       customer_id      as_of  growth_potential
    0            7 2024-01-31              40.0
    """
    given = open_source(source, "scores", connection)
    wanted = {"customer_id", "as_of", "growth_potential"}
    if missing := wanted - set(given.columns):
        raise MissingColumnsError("scores", missing, given.columns)
    scores: ir.Table = given.select(
        customer_id=given.customer_id.try_cast(customers.customer_id.type()),
        as_of=given.as_of.try_cast("date"),
        growth_potential=given.growth_potential.try_cast("float64"),
    )
    refuse_strangers(scores, customers)
    return scores


def read_tiers(source: Any, customers: ir.Table, connection: Any) -> ir.Table:
    """The tier of each customer of a scorecard: customer_id, tier, and as_of where it has one.

    Parameters
    ----------
    source
        path, frame or URL of a table of customer_id and value_tier, or tier
    customers, connection
        as in :func:`read_growth_potential`, whose errors are those of this function too
    """
    given = open_source(source, "scores", connection)
    tier = next((name for name in ("value_tier", "tier") if name in given.columns), None)
    if tier is None or "customer_id" not in given.columns:
        raise MissingColumnsError("scores", {"customer_id", "value_tier"} - set(given.columns), given.columns)
    ids = customers.customer_id.type()
    columns = {"customer_id": given.customer_id.try_cast(ids), "tier": given[tier].cast("string")}
    if "as_of" in given.columns:
        columns["as_of"] = given.as_of.try_cast("date")
    table: ir.Table = given.select(**columns)
    refuse_strangers(table, customers)
    return table.filter(table.customer_id.notnull() & table.tier.notnull())


def latest_scores(scores: ir.Table) -> ir.Table:
    """The scores of the latest day: a file may hold the scorecards of many days.

    Parameters
    ----------
    scores
        customer_id, as_of, and any columns

    Examples
    --------
    >>> import ibis
    >>> from datetime import date
    >>> days = [date(2024, 1, 31), date(2024, 2, 29)]
    >>> scores = ibis.memtable({"customer_id": [7, 7], "as_of": days, "growth_potential": [40.0, 30.0]})
    >>> latest_scores(scores).to_pandas()["growth_potential"].tolist()
    [30.0]
    """
    return scores.filter(scores.as_of == scores.as_of.max())


def refuse_strangers(scores: ir.Table, customers: ir.Table) -> None:
    """Raise where a scorecard holds none of the customers, because it belongs to another business.

    Parameters
    ----------
    scores, customers
        customer_id of either

    Raises
    ------
    TableError
        there is none

    Examples
    --------
    >>> import ibis
    >>> refuse_strangers(ibis.memtable({"customer_id": [1]}), ibis.memtable({"customer_id": [2]}))
    Traceback (most recent call last):
        ...
    patron.errors.TableError: The scores hold no customer of the other tables. Give the scores of these ...
    """
    if scores.semi_join(customers, "customer_id").limit(1).to_pandas().empty:
        raise TableError(
            "The scores hold no customer of the other tables. Give the scores of these customers."
        )
