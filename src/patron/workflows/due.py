"""Tables → the dated list of offers due: next purchases, renewals, replenishments, ends of products."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from patron.campaigns.due_dates import (
    next_purchases_due,
    product_dates_due,
    renewals_due,
    replenishments_due,
    sort_due_dates,
)
from patron.campaigns.purchase_summary import purchase_summaries
from patron.errors import counted
from patron.models.value.model import CustomerValueModel
from patron.models.value.next_purchase import next_purchase_range
from patron.models.value.rfm import RFM_WITH_ID
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import known_history, read_records, warn_of_rejected
from patron.settings.value_model import value_model_of
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.history import History

__all__ = ["DueResult", "due"]

_MIN_ALIVE = 0.5  # P(alive) from which a next purchase gets a date


def due(settings: Settings, *, history: History | None = None, progress: Progress = silent) -> "DueResult":
    """The dated list of offers due.

    Parameters
    ----------
    settings
        the tables, optionally `products`; `due` has the number of days ahead
    history
        the tables except products, if they have already been read
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        as :func:`patron.settings.inputs.known_history`

    Examples
    --------
    >>> starts = ["2024-01-01", "2024-03-06"]
    >>> contracts = pd.DataFrame({"customer_id": [7, 8], "started_at": starts, "period_days": [30, 365]})
    >>> found = due(Settings(tables={"subscriptions": contracts}, as_of="2024-03-06"))
    >>> found.due_dates.loc[0, ["kind", "why"]].tolist()
    ['renewal', 'contract renews in 25 days: within the notice of 30 days']
    """
    chosen = settings.due
    out = check_target(chosen.out) if chosen.out is not None else None
    known = known_history(settings, history, progress)
    as_of = known.known_until
    everyone = _everyone(known, as_of)
    due_dates, model, summaries = [], None, None
    if known.has_money:
        progress("Expecting next purchases")
        summaries = purchase_summaries(known, as_of)
        if _bought_again(summaries).any():
            value, model = value_model_of(settings, chosen.model, summaries)
            due_dates.append(_next_purchases(summaries, value, as_of))
    if known.subscriptions is not None:
        progress("Looking at renewals")
        due_dates.append(renewals_due(known.subscriptions, everyone, chosen.ahead_days, chosen.renewals))
    if known.transactions is not None:
        progress("Looking at the rhythm of each product")
        due_dates.append(
            replenishments_due(
                known.transactions,
                everyone,
                max_gap_variation=chosen.max_gap_variation,
                min_gaps=chosen.min_gaps,
            )
        )
    if known.transactions is not None and settings.tables.products is not None:
        progress("Looking at ends of warranty and lifetime")
        records = read_records(settings, "products", connection=known.connection)
        warn_of_rejected(records.report)
        products = records["products"]
        due_dates.append(product_dates_due(known.transactions, products, everyone))
    window = as_of - timedelta(days=chosen.late_days), as_of + timedelta(days=chosen.ahead_days)
    listed = sort_due_dates(due_dates, *window)
    if out is not None:
        progress(f"Writing {out}")
        write_frame(listed, out)
    return DueResult(listed, as_of, *window, model, out, bought_once=summaries is not None and model is None)


@dataclass(frozen=True, slots=True)
class DueResult:
    """The result of `due`.

    Attributes
    ----------
    due_dates
        the columns of :mod:`patron.campaigns.due_dates`, by day
    as_of
        the last day known
    first, last
        the days that the list covers
    model
        name of the value model behind next purchases, in a sentence; None without repeat purchases
    out
        the file that was written, or None
    bought_once
        whether there are purchases but no repeat purchases
    """

    due_dates: pd.DataFrame
    as_of: date
    first: date
    last: date
    model: str | None
    out: Path | None = None
    bought_once: bool = False

    @property
    def counts(self) -> pd.DataFrame:
        """The number of due dates of each kind, with the first and last of them."""
        return self.due_dates.groupby("kind", as_index=False).agg(
            due_dates=("customer_id", "size"),
            customers=("customer_id", "nunique"),
            first=("due_on", "min"),
            last=("due_on", "max"),
        )

    def title(self) -> str:
        """The title of `counts`."""
        return f"Offers due from {self.first} to {self.last}, as of {self.as_of}"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            **plain_fields(self, "as_of", "first", "last"),
            "due_dates": len(self.due_dates),
            "kinds": self.counts[["kind", "due_dates", "customers"]].to_dict("records"),
            **plain_fields(self, value_model="model", out="out"),
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        if len(self.due_dates):
            yield self.title(), self.counts
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in words."""
        span = f"from {self.first} to {self.last}"
        once = "No customer has bought on two days, so no next purchase has a date."
        lines = [once] if self.bought_once else []
        if self.due_dates.empty:
            return [*lines, f"Nothing is due {span}."]
        offers = len(self.due_dates)
        lines.append(f"{counted(offers, 'offer')} {'is' if offers == 1 else 'are'} due {span}.")
        if self.model is not None:
            lines.append(f"Next purchases are predicted by {self.model}; every range is an 80% interval.")
        return [*lines, f"Written to {self.out}." if self.out else "Not written: name a file with --out."]


def _everyone(known: History, as_of: date) -> Any:
    """The customers of all tables on one day: a contract may renew without a purchase."""
    ids = known.days.select("customer_id")
    if known.subscriptions is not None:
        ids = ids.union(known.subscriptions.select("customer_id"))
    ids = ids.distinct()
    return known.store(ids.mutate(as_of=ibis.literal(as_of)), "everyone")


def _bought_again(summaries: pd.DataFrame) -> "pd.Series[bool]":
    """Which customers have bought more than once: for others only the population mean is known."""
    return summaries["frequency"] > 0


def _next_purchases(summaries: pd.DataFrame, model: CustomerValueModel, as_of: date) -> pd.DataFrame:
    alive = model.purchases.probability_alive(summaries[RFM_WITH_ID]).to_numpy() >= _MIN_ALIVE
    active = summaries.loc[alive & _bought_again(summaries), RFM_WITH_ID].reset_index(drop=True)
    return next_purchases_due(next_purchase_range(model, active), as_of)
