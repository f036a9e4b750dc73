"""Allocation of the cost ledger: each line split into customers, anonymous, unused capacity and unallocated.

The four parts of a line add up to it to the cent. The unallocated part comes with a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from patron.economics.costs.journey import QUANTITIES, Journey
from patron.economics.costs.rounding import largest_remainder

__all__ = ["PARTS", "SHARED", "Allocation", "allocate"]

SHARED = ("active_customers", "revenue")
"""Cost drivers measured on customers, independent of their interactions."""

PARTS = ("customers", "anonymous", "unused_capacity", "unallocated")


@dataclass(frozen=True, slots=True)
class Allocation:
    """The split of every line of the ledger, and the rates charged to customers. Money in cents.

    Attributes
    ----------
    statement
        one row per month and line: month, pool, kind, touchpoint, driver, amount, customers,
        anonymous, unused_capacity, unallocated (cents), quantity (of the driver), capacity (minutes), reason
    rates
        one row per month, touchpoint and known (whether the customer is): cents per minute, event and
        unit, direct_minutes, …, indirect_units
    shared
        one row per month: cents per active customer and per unit of positive revenue
    """

    statement: pd.DataFrame
    rates: pd.DataFrame
    shared: pd.DataFrame


def allocate(lines: pd.DataFrame, usage: pd.DataFrame, base: pd.DataFrame, journey: Journey) -> Allocation:
    """The cost ledger, allocated line by line.

    Parameters
    ----------
    lines
        one row per month, pool, kind, touchpoint and driver, with its cents
    usage
        one row per month, touchpoint and known (whether the customer is): events, minutes, units
    base
        one row per month: active_customers and revenue (the positive revenue of customers)
    journey
        capacities and unit costs

    Returns
    -------
    Allocation

    Notes
    -----
    A direct pool with a capacity is charged at cents ÷ max(capacity, minutes used) per minute. A pool with a
    unit cost is charged at that cost per unit, and the difference is unallocated. Other direct lines are
    spread over the units of their touchpoint, or its minutes if it has no units, or its events; indirect
    lines over their driver. A line without a touchpoint covers all touchpoints.

    Examples
    --------
    >>> lines = pd.DataFrame({"month": [1], "pool": ["calls"], "kind": ["direct"], "touchpoint": ["call"],
    ...                       "driver": [None], "cents": [10_000]})
    >>> usage = pd.DataFrame({"month": [1, 1], "touchpoint": "call", "known": [True, False],
    ...                       "events": [6, 2], "minutes": [60.0, 20.0], "units": [0.0, 0.0]})
    >>> base = pd.DataFrame({"month": [1], "active_customers": [5], "revenue": [900.0]})
    >>> found = allocate(lines, usage, base, Journey(capacity={"calls": 100.0}))
    >>> found.statement[["customers", "anonymous", "unused_capacity", "unallocated"]].values.tolist()
    [[6000, 2000, 2000, 0]]
    """
    rows: list[dict[str, Any]] = []
    rates: list[dict[str, Any]] = []
    shared: list[dict[str, Any]] = []
    months: dict[Any, pd.DataFrame] = dict(iter(usage.groupby("month")))
    nothing = usage.iloc[:0]
    for line in _lines(lines, journey):
        used = months.get(line["month"], nothing)
        if line["touchpoints"] is not None:
            used = used[used["touchpoint"].isin(line["touchpoints"])]
        if line["driver"] in SHARED:
            _share(line, base, rows, shared)
        else:
            _charge(line, used, journey, rows, rates)
    statement = pd.DataFrame(rows, columns=_COLUMNS)
    by_interaction = [f"{kind}_{driver}" for kind in ("direct", "indirect") for driver in QUANTITIES]
    return Allocation(
        statement,
        rates=_pivoted(rates, ["month", "touchpoint", "known"], by_interaction),
        shared=_pivoted(shared, ["month"], SHARED),
    )


_COLUMNS = [
    *("month", "pool", "kind", "touchpoint", "driver", "amount", *PARTS, "quantity", "capacity", "reason"),
]


def _lines(lines: pd.DataFrame, journey: Journey) -> list[dict[str, Any]]:
    """The lines of the ledger; lines of a pool with a capacity are merged into one per month."""
    listed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in lines.to_dict("records"):
        touchpoint = None if pd.isna(row["touchpoint"]) else row["touchpoint"]
        driver = None if pd.isna(row["driver"]) else row["driver"]
        timed = row["kind"] == "direct" and row["pool"] in journey.capacity
        if row["kind"] == "direct":
            driver = "minutes" if timed else "units"
        key = (row["month"], row["pool"], row["kind"], *(() if timed else (touchpoint, driver)))
        line = listed.setdefault(
            key,
            {name: row[name] for name in ("month", "pool", "kind")}
            | {"cents": 0, "driver": driver, "timed": timed, "touchpoints": set()},
        )
        line["cents"] += int(row["cents"])
        if touchpoint is None or line["touchpoints"] is None:
            line["touchpoints"] = None
        else:
            line["touchpoints"].add(touchpoint)
    return [listed[key] for key in sorted(listed, key=lambda key: tuple(str(part) for part in key))]


def _charge(
    line: dict[str, Any],
    used: pd.DataFrame,
    journey: Journey,
    rows: list[dict[str, Any]],
    rates: list[dict[str, Any]],
) -> None:
    """Split a line driven by interactions, and record its rate for each touchpoint that it covers."""
    driver = line["driver"]
    if line["kind"] == "direct" and not line["timed"]:
        driver = next((name for name in ("units", "minutes", "events") if used[name].sum() > 0), "units")
        if line["pool"] in journey.unit_costs:
            driver = "units"
    if driver is None:
        rows.append(_row(line, [0, 0, 0, line["cents"]], reason="the line has no driver"))
        return
    by_known = used.groupby("known")[driver].sum()
    known, anonymous = float(by_known.get(True, 0.0)), float(by_known.get(False, 0.0))
    total, cents, capacity, reason = known + anonymous, line["cents"], None, None
    unused = rest = 0.0
    if total == 0 and not line["timed"]:
        rows.append(_row(line, [0, 0, 0, cents], driver=driver, reason=f"its touchpoints have no {driver}"))
        return
    if line["timed"]:
        capacity = journey.capacity[line["pool"]]
        rate = cents / max(capacity, total)
        unused = cents - rate * total
        reason = "the minutes used exceed the practical capacity" if total > capacity else None
    elif line["pool"] in journey.unit_costs:
        rate = journey.unit_costs[line["pool"]] * 100
        rest = cents - rate * total
        reason = "difference to the standard unit cost" if round(rest) else None
    else:
        rate = cents / total
    split = largest_remainder([rate * known, rate * anonymous, unused, rest], cents).tolist()
    rows.append(_row(line, split, driver=driver, quantity=total, capacity=capacity, reason=reason))
    for is_known, quantity, part in ((True, known, split[0]), (False, anonymous, split[1])):
        if quantity > 0:
            rates += [
                {
                    "month": line["month"],
                    "touchpoint": touchpoint,
                    "known": is_known,
                    "name": f"{line['kind']}_{driver}",
                    "rate": part / quantity,
                }
                for touchpoint in sorted(set(used["touchpoint"]))
            ]


def _share(
    line: dict[str, Any], base: pd.DataFrame, rows: list[dict[str, Any]], shared: list[dict[str, Any]]
) -> None:
    """Split a line driven by active customers or revenue, and record its rate for the month."""
    driver = line["driver"]
    quantity = float(base.loc[base["month"] == line["month"], driver].sum())
    if quantity <= 0:
        reason = f"no {driver.replace('_', ' ')} in the month"
        rows.append(_row(line, [0, 0, 0, line["cents"]], driver=driver, reason=reason))
        return
    rows.append(_row(line, [line["cents"], 0, 0, 0], driver=driver, quantity=quantity))
    shared.append({"month": line["month"], "name": driver, "rate": line["cents"] / quantity})


def _row(line: dict[str, Any], split: Sequence[int], **more: Any) -> dict[str, Any]:
    touchpoints = line["touchpoints"]
    return {
        "month": line["month"],
        "pool": line["pool"],
        "kind": line["kind"],
        "touchpoint": None if touchpoints is None else ", ".join(sorted(touchpoints)),
        "driver": None,
        "amount": line["cents"],
        **dict(zip(PARTS, split, strict=True)),
        **more,
    }


def _pivoted(rates: list[dict[str, Any]], key: list[str], names: Sequence[str]) -> pd.DataFrame:
    """One row per key; a column per name of a rate."""
    listed = pd.DataFrame(rates, columns=[*key, "name", "rate"])
    if listed.empty:
        return pd.DataFrame(columns=[*key, *names])
    wide = listed.pivot_table(index=key, columns="name", values="rate", aggfunc="sum", fill_value=0.0)
    return wide.reindex(columns=list(names), fill_value=0.0).reset_index().rename_axis(columns=None)
