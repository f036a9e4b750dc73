"""The spine, one row per eligible customer × as_of, and why other customers are not eligible.

A customer is eligible after some activity by as_of: a purchase, an event, or a contract that runs.
"""

import datetime
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from patron.checks import at_least
from patron.errors import DateError, SettingsError, some
from patron.snapshots.asof import running
from patron.tables.history import History

__all__ = ["make_spine", "not_eligible", "refuse_empty_spine"]

EVENT = {"purchases": "purchase", "engagement": "event"}
NO_CONTRACT = "no contract that runs on as_of"


def make_spine(
    history: History, as_of: datetime.date | Sequence[datetime.date], *, active_within_days: int | None = None
) -> ir.Table:
    """The eligible customers of each as_of.

    Eligible are customers with a purchase on or before it; with an event, where the activity of `history` is
    engagement; with a contract that runs on as_of, where it is subscriptions.

    Parameters
    ----------
    history
        the tables of the business
    as_of
        one day or several, each the last day known
    active_within_days
        only customers active in this number of days up to and including as_of; None for all. A contract
        that runs is activity

    Returns
    -------
    ir.Table
        customer_id and as_of (date), one row per eligible customer × as_of; computed once and stored

    Raises
    ------
    DateError
        an as_of is before the first purchase or after the last day known, comes twice, or none is
        given
    RangeError
        active_within_days is less than 1

    Examples
    --------
    >>> import datetime
    >>> import pandas as pd
    >>> days = ["2024-01-05", "2024-02-01"]
    >>> lines = pd.DataFrame({"customer_id": ["Ann", "Bob"], "order_at": days, "amount": [2, 3]})
    >>> make_spine(History.read(lines), datetime.date(2024, 1, 31)).to_pandas()
      customer_id      as_of
    0         Ann 2024-01-31
    """
    dates = _checked_dates(history, as_of, active_within_days)
    snapshots = [_eligible(history, day, active_within_days) for day in dates]
    spine = snapshots[0].union(*snapshots[1:]) if len(snapshots) > 1 else snapshots[0]
    return history.store(spine, "spine")


def not_eligible(
    history: History, as_of: datetime.date, *, active_within_days: int | None = None
) -> ir.Table:
    """The customers known at as_of who are not on the spine, and why.

    Parameters
    ----------
    history
        the tables of the business
    as_of
        last day known
    active_within_days
        as for `make_spine`

    Returns
    -------
    ir.Table
        customer_id, as_of (date) and not_scored_reason, one row per customer who is in the transactions,
        engagement or subscriptions on or before as_of or in the customers table (unless acquired later), but
        not eligible

    Raises
    ------
    DateError, RangeError
        as for `make_spine`

    Examples
    --------
    >>> import datetime
    >>> import pandas as pd
    >>> days = ["2024-01-05", "2024-01-05"]
    >>> lines = pd.DataFrame({"customer_id": ["Ann", "Bob"], "order_at": days, "amount": [2, -3]})
    >>> not_eligible(History.read(lines), datetime.date(2024, 1, 5)).not_scored_reason.to_pandas().tolist()
    ['no purchase on or before as_of']
    """
    (day,) = _checked_dates(history, as_of, active_within_days)
    then = history.until(day)
    known = then.days.select("customer_id")
    more = [then.customers, then.subscriptions, then.engagement if then.activity == "engagement" else None]
    for table in more:
        if table is not None:
            known = known.union(table.select("customer_id"))
    others = known.distinct().anti_join(_eligible(then, day, active_within_days), "customer_id")
    if then.activity == "subscriptions":
        return others.mutate(as_of=ibis.literal(day), not_scored_reason=ibis.literal(NO_CONTRACT))
    event = EVENT[then.activity]
    active = then.active_days.select("customer_id").distinct().mutate(was_active=True)
    marked = others.left_join(active, "customer_id").select(others.customer_id, "was_active")
    reason = ibis.ifelse(
        marked.was_active.notnull(),
        f"no {event} in the last {active_within_days} days",
        f"no {event} on or before as_of",
    )
    return marked.select(customer_id=marked.customer_id, as_of=ibis.literal(day), not_scored_reason=reason)


def refuse_empty_spine(rows: int, known: History, *, active_within_days: int | None = None) -> None:
    """Raise if no customer is eligible.

    Parameters
    ----------
    rows
        count of the spine's rows
    known
        what is known on the day
    active_within_days
        as for `make_spine`

    Raises
    ------
    SettingsError
        the spine is empty

    Examples
    --------
    >>> import pandas as pd
    >>> sale = pd.DataFrame({"customer_id": [7], "order_at": ["2024-05-01"], "amount": [9.5]})
    >>> refuse_empty_spine(0, History.read(sale), active_within_days=7)
    Traceback (most recent call last):
        ...
    patron.errors.SettingsError: No customer bought in the 7 days up to 2024-05-01. Widen active_within_days.
    """
    if rows:
        return
    if active_within_days is None:
        raise SettingsError(f"No customer is active as of {known.known_until}. Choose another as_of.")
    active = "bought" if known.activity == "purchases" else "was active"
    raise SettingsError(
        f"No customer {active} in the {active_within_days} days up to {known.known_until}. Widen "
        "active_within_days."
    )


def _eligible(history: History, day: datetime.date, active_within_days: int | None) -> ir.Table:
    if history.activity == "subscriptions" and history.subscriptions is not None:
        everyone = history.subscriptions.select("customer_id").distinct().mutate(as_of=ibis.literal(day))
        return running(history.subscriptions, everyone).select("customer_id", "as_of").distinct()
    active = history.active_days
    seen = active.filter(active.day <= ibis.literal(day))
    if active_within_days is not None:
        too_old = day - datetime.timedelta(days=active_within_days)
        seen = seen.filter(seen.day > ibis.literal(too_old))
    return seen.select("customer_id").distinct().mutate(as_of=ibis.literal(day))


def _checked_dates(
    history: History, as_of: datetime.date | Sequence[datetime.date], active_within_days: int | None
) -> list[datetime.date]:
    if active_within_days is not None:
        at_least("active_within_days", active_within_days, 1, "day")
    given = [as_of] if isinstance(as_of, datetime.date) else list(as_of)
    dates = sorted(history.check_as_of(day) for day in given)
    if not dates or len(set(dates)) < len(dates):
        raise DateError(f"as_of must name at least one day, and each once, got {some(dates) or 'none'}.")
    if history.activity == "subscriptions":
        return dates
    first = history.active_days.day.min().to_pyarrow().as_py()
    if first is None or dates[0] < first:
        raise DateError(
            f"as_of {dates[0]} is before the first {EVENT[history.activity]}, on {first}, so no customer is "
            f"eligible. Choose a day from {first} to {history.known_until}."
        )
    return dates
