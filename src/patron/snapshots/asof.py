"""What was visible at as_of: the only place that compares a time with as_of.

as_of is the last day known. Events on that day or before are visible; later ones belong to the horizon. Every
feature reads its events through `visible`, every label through `ahead`, so that one rule serves both.
"""

import datetime
from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from patron.checks import at_least

__all__ = ["KEY", "ahead", "ended_ahead", "known_customers", "running", "visible", "visible_on"]

KEY = ("customer_id", "as_of")


def visible(events: ir.Table, spine: ir.Table) -> ir.Table:
    """The events visible to each row of the spine: the customer's own, on or before as_of.

    Parameters
    ----------
    events
        any table with customer_id and day, such as `History.days`
    spine
        customer_id, as_of (dates); one row per pair

    Returns
    -------
    ir.Table
        one row per event × as_of at which it was visible: the columns of `events`, as_of, and days_ago
        (int64, days from the event to as_of, ≥ 0). Since as_of itself is day 0, the 90 days up to and
        including as_of are `days_ago < 90`.

    Examples
    --------
    >>> import datetime, ibis
    >>> january = [datetime.date(2024, 1, day) for day in (9, 10, 11)]
    >>> days = ibis.memtable({"customer_id": [1, 1, 1], "day": january})
    >>> spine = ibis.memtable({"customer_id": [1], "as_of": [datetime.date(2024, 1, 10)]})
    >>> visible(days, spine).order_by("day").days_ago.to_pandas().tolist()
    [1, 0]
    """
    keys = spine.select(*KEY)
    seen = events.join(keys, [events.customer_id == keys.customer_id, events.day <= keys.as_of])
    seen = seen.select(*events.columns, "as_of")
    return seen.mutate(days_ago=seen.as_of.delta(seen.day, unit="day").cast("int64"))


def visible_on(events: ir.Table, as_of: datetime.date) -> ir.Table:
    """The events visible on one day: those of all customers on or before as_of.

    Parameters
    ----------
    events
        any table with day, such as the referrals of a business
    as_of
        the last day known

    Returns
    -------
    ir.Table
        one row per visible event: the columns of `events`, and days_ago (int64, ≥ 0)

    Examples
    --------
    >>> links = ibis.memtable({"referrer_id": [1, 1], "day": [datetime.date(2024, 1, 9),
    ...                                                       datetime.date(2024, 1, 11)]})
    >>> visible_on(links, datetime.date(2024, 1, 10)).days_ago.to_pandas().tolist()
    [1]
    """
    seen = events.filter(events.day <= ibis.literal(as_of))
    return seen.mutate(days_ago=ibis.literal(as_of).delta(seen.day, unit="day").cast("int64"))


def known_customers(customers: ir.Table, columns: Mapping[str, ir.Column], spine: ir.Table) -> ir.Table:
    """The attributes known at each row of the spine: from acquired_at on, or always where that is not given.

    Parameters
    ----------
    customers
        one row per customer, with customer_id, and perhaps acquired_at
    columns
        name → column of `customers`
    spine
        as in :func:`visible`

    Returns
    -------
    ir.Table
        the rows of the spine whose customer was known by then: customer_id, as_of, `columns`, and where
        there is an acquired_at, days_since_acquired (int64, days; null where it is not given)

    Examples
    --------
    >>> new_year = datetime.date(2024, 1, 1)
    >>> customers = ibis.memtable({"customer_id": [1, 2], "town": ["Yazd", "Qom"],
    ...                            "acquired_at": [new_year, datetime.date(2024, 2, 1)]})
    >>> spine = ibis.memtable({"customer_id": [1, 2], "as_of": [datetime.date(2024, 1, 31)] * 2})
    >>> known_customers(customers, {"home": customers.town}, spine).home.to_pyarrow().to_pylist()
    ['Yazd']
    """
    if "acquired_at" not in customers.columns:
        return spine.inner_join(customers.select("customer_id", **columns), "customer_id")
    dated = customers.select("customer_id", day=customers.acquired_at.cast("date"), **columns)
    undated = dated.filter(dated.day.isnull()).select("customer_id", *columns)
    since = visible(dated, spine)
    since = since.select(*KEY, *columns, days_since_acquired=since.days_ago)
    always = spine.inner_join(undated, "customer_id")
    always = always.select(*KEY, *columns, days_since_acquired=ibis.null("int64"))
    return ibis.union(since, always)


def running(contracts: ir.Table, spine: ir.Table) -> ir.Table:
    """The contracts that ran at each row of the spine: begun by as_of and not ended.

    Parameters
    ----------
    contracts
        one row per contract, with customer_id, day (of its start), and perhaps ended_on (day)
    spine
        as in :func:`visible`

    Returns
    -------
    ir.Table
        one row per contract × as_of on which it ran: the columns of `visible`, without those known only after
        a contract has ended. A contract that ended on as_of no longer runs.

    Examples
    --------
    >>> import datetime, ibis
    >>> new_year, tenth = datetime.date(2024, 1, 1), datetime.date(2024, 1, 10)
    >>> contracts = ibis.memtable({"customer_id": [1, 2], "day": [new_year] * 2, "ended_on": [tenth, None]})
    >>> spine = ibis.memtable({"customer_id": [1, 2], "as_of": [tenth] * 2})
    >>> running(contracts, spine).customer_id.to_pandas().tolist()
    [2]
    """
    begun = visible(contracts, spine)
    if "ended_on" not in begun.columns:
        return begun
    still = begun.filter(begun.ended_on.isnull() | (begun.ended_on > begun.as_of))
    return still.drop([name for name in ("ended_at", "ended_on", "cancel_reason") if name in still.columns])


def ended_ahead(contracts: ir.Table, spine: ir.Table, horizon_days: int) -> ir.Table:
    """The contracts that end in the horizon (as_of, as_of + horizon_days], whenever they began.

    Errors and columns are those of `ahead`; days_ahead counts to the end.

    Parameters
    ----------
    contracts, spine
        as in :func:`running`
    horizon_days
        ≥ 1, length of the horizon

    Examples
    --------
    >>> import datetime, ibis
    >>> new_year, tenth = datetime.date(2024, 1, 1), datetime.date(2024, 1, 10)
    >>> contracts = ibis.memtable({"customer_id": [1, 2], "day": [new_year] * 2, "ended_on": [tenth, None]})
    >>> spine = ibis.memtable({"customer_id": [1, 2], "as_of": [new_year] * 2})
    >>> ended_ahead(contracts, spine, 30).select("customer_id", "days_ahead").to_pandas()
       customer_id  days_ahead
    0            1           9
    """
    if "ended_on" not in contracts.columns:
        contracts = contracts.mutate(ended_on=ibis.null("date"))
    ends = contracts.filter(contracts.ended_on.notnull())
    return ahead(ends.select("customer_id", day=ends.ended_on), spine, horizon_days)


def ahead(events: ir.Table, spine: ir.Table, horizon_days: int) -> ir.Table:
    """The events in the horizon of each row of the spine: (as_of, as_of + horizon_days].

    Parameters
    ----------
    events, spine
        as in :func:`visible`
    horizon_days
        days, ≥ 1

    Returns
    -------
    ir.Table
        one row per event × as_of in whose horizon it lies: the columns of `events`, as_of, and
        days_ahead (int64, 1 to horizon_days)

    Raises
    ------
    RangeError
        the horizon is shorter than a day

    Examples
    --------
    >>> import datetime, ibis
    >>> january = [datetime.date(2024, 1, day) for day in (10, 11, 18)]
    >>> days = ibis.memtable({"customer_id": [1, 1, 1], "day": january})
    >>> spine = ibis.memtable({"customer_id": [1], "as_of": [datetime.date(2024, 1, 10)]})
    >>> ahead(days, spine, horizon_days=7).days_ahead.to_pandas().tolist()
    [1]
    """
    at_least("horizon_days", horizon_days, 1, "day")
    keys = spine.select(*KEY)
    later = events.join(keys, [events.customer_id == keys.customer_id, events.day > keys.as_of])
    later = later.select(*events.columns, "as_of")
    later = later.mutate(days_ahead=later.day.delta(later.as_of, unit="day").cast("int64"))
    return later.filter(later.days_ahead <= horizon_days)
