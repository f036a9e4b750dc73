"""What counts as activity, and the days of a business that has no transactions.

Whoever stops being active has churned, so a business says what activity is: purchases, engagement (what
customers do, but not what is sent to them, for those who left receive that too), or a contract that runs.
Where there are no transactions, the days of the other tables take the place of purchase days, each of them
worth 1: value then counts active days, and no money.
"""

import datetime
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Literal

import ibis
import ibis.expr.types as ir

from patron.errors import SettingsError, TableError, some

__all__ = [
    "Activity",
    "ChurnWindow",
    "choose_activity",
    "days_without_transactions",
    "is_invitation",
    "is_response",
    "known_days",
    "passive_kinds",
]

type Activity = Literal["purchases", "engagement", "subscriptions"]
type ChurnWindow = Literal["fixed", "adaptive"]

TABLE_OF: Mapping[str, str] = {
    "purchases": "transactions",
    "engagement": "engagement",
    "subscriptions": "subscriptions",
}

INVITATION_WORDS = frozenset(
    {"received", "sent", "send", "delivered", "delivery", "impression", "impressions"}
    | {"invitation", "invite", "invited", "shown", "displayed", "mailed"}
)
RESPONSE_WORDS = frozenset(
    {"open", "opened", "click", "clicked", "redeem", "redeemed", "redemption"}
    | {"reply", "replied", "respond", "responded", "response", "answered"}
)
CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_response(kind: str) -> bool:
    """Whether a kind of engagement answers an invitation, by the words in it.

    Examples
    --------
    >>> is_response("CouponRedeemed"), is_response("app_visit")
    (True, False)
    """
    return bool(_words(kind) & RESPONSE_WORDS)


def is_invitation(kind: str) -> bool:
    """Whether a kind of engagement is what the business sent or showed, by the words in it.

    Examples
    --------
    >>> is_invitation("email_sent"), is_invitation("Invitation answered")
    (True, False)
    """
    return bool(_words(kind) & INVITATION_WORDS) and not is_response(kind)


def passive_kinds(engagement: ir.Table) -> tuple[str, ...]:
    """The kinds of engagement that are no activity of the customer, in the order of the alphabet.

    Raises
    ------
    TableError
        there is no other kind

    Examples
    --------
    >>> passive_kinds(ibis.memtable({"kind": ["email_sent", "email_open", "visit"]}))
    ('email_sent',)
    """
    kinds: list[str] = sorted(engagement.select("kind").distinct().kind.to_pyarrow().to_pylist())
    passive = tuple(kind for kind in kinds if is_invitation(kind))
    if len(passive) == len(kinds):
        raise TableError(
            f"table 'engagement' holds only what was sent to customers ({some(passive)}), and nothing that "
            "they did. Add what customers do, or rename the kinds if they are that."
        )
    return passive


def choose_activity(tables: Collection[str], activity: str | None = None) -> Activity:
    """What counts as activity: as asked, or else what the tables are about.

    Parameters
    ----------
    tables
        names of the tables that are given
    activity
        "purchases", "engagement" or "subscriptions"; None takes contracts where there is such a table,
        else purchases, else engagement

    Raises
    ------
    SettingsError
        the activity is unknown, its table is missing, or no table tells of any activity

    Examples
    --------
    >>> choose_activity(["transactions", "engagement"]), choose_activity(["engagement"])
    ('purchases', 'engagement')
    """
    if activity is not None and activity not in TABLE_OF:
        raise SettingsError(f"activity must be one of {', '.join(TABLE_OF)}, got {activity!r}.")
    wanted: tuple[Activity, ...] = ("subscriptions", "purchases", "engagement")
    found = [name for name in wanted if activity in (None, name) and TABLE_OF[name] in tables]
    if found:
        return found[0]
    if activity is None:
        raise SettingsError(
            "No transactions are given, and neither engagement nor subscriptions. Name a file with "
            "--transactions or under [tables.transactions] in patron.toml."
        )
    table = TABLE_OF[activity]
    raise SettingsError(
        f"activity {activity!r} needs the table {table!r}, which is not given. Name it with --{table}, or "
        "choose another activity."
    )


def days_without_transactions(events: ir.Table) -> ir.Table:
    """One row per customer and day with an event, in the columns of :func:`patron.tables.days.by_day`.

    Parameters
    ----------
    events
        engagement or subscriptions, one row per event, with customer_id and day

    Returns
    -------
    ir.Table
        key customer_id × day: net_amount 1.0, orders 1, lines (events), refunds 0, refund_amount 0.0,
        is_purchase true

    Examples
    --------
    >>> visits = {"customer_id": [7, 7], "day": [datetime.date(2024, 1, 5)] * 2}
    >>> days_without_transactions(ibis.memtable(visits)).to_pandas()[["net_amount", "orders", "lines"]]
       net_amount  orders  lines
    0         1.0       1      2
    """
    days = events.group_by("customer_id", "day").aggregate(lines=events.count().cast("int64"))
    return days.mutate(
        net_amount=ibis.literal(1.0),
        orders=ibis.literal(1, "int64"),
        refunds=ibis.literal(0, "int64"),
        refund_amount=ibis.literal(0.0),
        is_purchase=ibis.literal(True),
    )


def known_days(
    activity: Activity, kept: Mapping[str, ir.Table], days: ir.Table, today: datetime.date
) -> tuple[datetime.date, datetime.date, datetime.date]:
    """First and last day of `days`, or of the activity where that goes further; and the last day known.

    Parameters
    ----------
    activity
        what counts as activity
    kept
        table → its valid rows
    days
        one row per customer and day
    today
        an end of a contract after it is a plan

    Returns
    -------
    tuple[datetime.date, datetime.date, datetime.date]
        first day, last day of `days`, last day known

    Examples
    --------
    >>> day = [datetime.date(2024, 1, number) for number in (5, 9)]
    >>> events = ibis.memtable({"customer_id": [7, 7], "day": day})
    >>> first, last, known = known_days("engagement", {"engagement": events}, events.limit(1), day[1])
    >>> known.isoformat()
    '2024-01-09'
    """
    first, last = _ends(days.day)
    known = last
    if activity == "engagement":
        begin, end = _ends(kept["engagement"].day)
        first, known = min(first, begin), max(last, end)
    if activity == "subscriptions":
        contracts = kept["subscriptions"]
        ends = [_ends(contracts.day)[1]]
        if "ended_on" in contracts.columns:
            past = contracts.filter(contracts.ended_on <= ibis.literal(today))
            ends.append(past.ended_on.max().to_pyarrow().as_py() or last)
        known = max(last, *ends)
    return first, last, known


def _words(kind: str) -> set[str]:
    parted = CAMEL_HUMP.sub(" ", unicodedata.normalize("NFKC", kind))
    return set(re.split(r"[\W_]+", parted.casefold()))


def _ends(day: ir.DateColumn) -> tuple[datetime.date, datetime.date]:
    found = day.as_table().aggregate(first=day.min(), last=day.max()).to_pyarrow().to_pylist()[0]
    return found["first"], found["last"]
