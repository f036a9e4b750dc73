"""What the customers of a list did after it was made: their purchases, contacts and costs."""

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags, Floats
from patron.errors import DateError, SettingsError, TableError, some

__all__ = ["ContactsMade", "PurchasesMade", "check_horizon_passed", "contacts_made", "purchases_made"]


@dataclass(frozen=True, slots=True)
class PurchasesMade:
    """The purchases of each customer of a list: (n_listed,) each.

    Attributes
    ----------
    days
        number of purchase days in the horizon
    after
        money, amounts in the horizon
    before
        money, amounts in as many days before it
    """

    days: Floats
    after: Floats
    before: Floats


@dataclass(frozen=True, slots=True)
class ContactsMade:
    """The contacts of each customer of a list in the horizon: (n_listed,) each.

    Attributes
    ----------
    contacted
        whether the customer was contacted
    cost
        money; None if no costs are on record
    """

    contacted: Flags
    cost: Floats | None


def check_horizon_passed(purchases: ir.Table, as_of: date | None, start: date, end: date) -> None:
    """Raise unless the purchases of the whole horizon are known.

    Parameters
    ----------
    purchases
        validated transactions
    as_of
        the last day known; None for the last purchase
    start, end
        the day of the list and the last day of its horizon

    Raises
    ------
    DateError
        the horizon has not passed

    Examples
    --------
    >>> sales = ibis.memtable({"day": [date(2024, 2, 10)]})
    >>> check_horizon_passed(sales, date(2024, 3, 1), date(2024, 1, 31), date(2024, 2, 28))
    """
    last = purchases.day.max().to_pyarrow().as_py()
    known_until = last if as_of is None or last <= start else as_of  # a later day needs some purchase since
    if known_until < end:
        raise DateError(
            f"The list of {start} can be measured from {end} on, but the transactions end on {known_until}. "
            f"Give the transactions until {end}."
        )


def purchases_made(
    purchases: ir.Table, ids: npt.NDArray[np.str_], start: date, horizon: timedelta
) -> PurchasesMade:
    """The purchases in the horizon of a list, and in as many days before it.

    Parameters
    ----------
    purchases
        validated transactions
    ids
        (n_listed,) customer ids as text
    start
        the day of the list
    horizon
        its length

    Raises
    ------
    TableError
        no customer of the list has ever bought: ids may be written differently

    Examples
    --------
    >>> sales = ibis.memtable({"customer_id": [7, 7], "amount": [20.0, 5.0],
    ...                        "day": [date(2024, 1, 20), date(2024, 2, 10)]})
    >>> made = purchases_made(sales, np.array(["7", "8"]), date(2024, 1, 31), timedelta(days=28))
    >>> made.days, made.after, made.before
    (array([1., 0.]), array([5., 0.]), array([20.,  0.]))
    """
    listed = ibis.memtable(pd.DataFrame({"listed": ids.astype(object)}), schema={"listed": "string"})
    _check_ids(purchases, listed, ids)
    first, last = ibis.literal(start - horizon), ibis.literal(start + horizon)
    within = purchases.filter(purchases.day > first, purchases.day <= last)
    mine = within.mutate(key=within.customer_id.cast("string")).semi_join(listed, ibis._.key == listed.listed)
    daily = mine.group_by("key", "day").agg(net=mine.amount.cast("float64").sum())
    later = daily.day > ibis.literal(start)
    people = daily.group_by("key").agg(
        purchases=((daily.net > 0) & later).cast("int64").sum().cast("int64"),
        after=ibis.ifelse(later, daily.net, 0.0).sum(),
        before=ibis.ifelse(later, 0.0, daily.net).sum(),
    )
    found = people.to_pandas().set_index("key").reindex(ids).fillna(0.0)
    return PurchasesMade(*(found[name].to_numpy(np.float64) for name in ("purchases", "after", "before")))


def contacts_made(
    contacts: ir.Table,
    ids: npt.NDArray[np.str_],
    start: date,
    horizon: timedelta,
    campaign: str | None = None,
) -> ContactsMade:
    """The contacts made in the horizon of a list, and their costs.

    Parameters
    ----------
    contacts
        validated contacts
    ids, start, horizon
        as in :func:`purchases_made`
    campaign
        only contacts of this campaign; None for all

    Raises
    ------
    SettingsError
        the contacts have no such campaign

    Examples
    --------
    >>> contacts = ibis.memtable({"customer_id": [8], "day": [date(2024, 2, 1)], "treated": [1],
    ...                           "cost": [4.0]})
    >>> made = contacts_made(contacts, np.array(["7", "8"]), date(2024, 1, 31), timedelta(days=28))
    >>> made.contacted, made.cost
    (array([False,  True]), array([0., 4.]))
    """
    if campaign is not None and "campaign" in contacts.columns:
        names = sorted(contacts.campaign.as_table().distinct().to_pandas()["campaign"].dropna())
        if campaign not in names:
            raise SettingsError(f"The contacts have no campaign {campaign!r}; they have {some(names)}.")
        contacts = contacts.filter(contacts.campaign == campaign)
    elif campaign is not None:
        raise SettingsError(
            f"The contacts have no column campaign, so {campaign!r} cannot be selected. Name no campaign."
        )
    made = contacts.filter(
        contacts.day > ibis.literal(start),
        contacts.day <= ibis.literal(start + horizon),
        contacts.treated == 1,
    )
    cost = made.cost.cast("float64") if "cost" in made.columns else ibis.null("float64")
    people = made.mutate(key=made.customer_id.cast("string"), paid=cost).group_by("key")
    found = (
        people.agg(contacts=ibis._.count(), paid=ibis._.paid.sum()).to_pandas().set_index("key").reindex(ids)
    )
    contacted = found["contacts"].notna().to_numpy(dtype=bool)
    paid = found["paid"].to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isnan(paid[contacted]).all():
        return ContactsMade(contacted, None)
    return ContactsMade(contacted, np.nan_to_num(paid))


def _check_ids(purchases: ir.Table, listed: ir.Table, ids: npt.NDArray[np.str_]) -> None:
    buyers = purchases.select(key=purchases.customer_id.cast("string"))
    known = buyers.semi_join(listed, buyers.key == listed.listed).limit(1).to_pandas()
    if len(ids) and known.empty:
        other = buyers.limit(1).to_pandas()["key"].iloc[0]
        one = len(ids) == 1
        nobody = "The customer listed is not" if one else f"None of the {len(ids):,} customers of the list is"
        raise TableError(
            f"{nobody} in the transactions, whose ids look like {other!r}, those of the list like "
            f"{str(ids[0])!r}. Give the transactions of these customers."
        )
