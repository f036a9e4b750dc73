"""Tables → the dated list of offers due: next purchases, renewals, replenishments, ends of products."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from patron.campaigns.due_dates import (
    in_order,
    next_purchases_due,
    product_moments_due,
    renewals_due,
    replenishments_due,
)
from patron.errors import counted
from patron.models.value.next_purchase import next_purchase_range
from patron.models.value.rfm import RFM_WITH_ID
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import known_history, read_records, tell_rejected
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.history import History
from patron.workflows.follow_up import first_lives, value_model

__all__ = ["DueResult", "due"]

_STILL_A_CUSTOMER = 0.5  # P(alive) from which on a next purchase is worth a date


def due(settings: Settings, *, history: History | None = None, progress: Progress = silent) -> "DueResult":
    """Which offers are due when.

    Parameters
    ----------
    settings
        the tables, `products` among them where there is one; `due` says how far ahead
    history
        the tables but products, where they have been read already
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        a table cannot be used, or as_of lies outside the data

    Examples
    --------
    >>> starts = ["2024-01-01", "2024-03-06"]
    >>> contracts = pd.DataFrame({"customer_id": [7, 8], "started_at": starts, "period_days": [30, 365]})
    >>> found = due(Settings(tables={"subscriptions": contracts}, as_of="2024-03-06"))
    >>> found.moments.loc[0, ["kind", "why"]].tolist()
    ['renewal', 'contract renews in 25 days: within the notice of 30 days']
    """
    chosen = settings.due
    out = check_target(chosen.out) if chosen.out is not None else None
    known = known_history(settings, history, progress)
    as_of = known.known_until
    everyone = _everyone(known, as_of)
    moments, model, lives = [], None, None
    if known.has_money:
        progress("Expecting next purchases")
        lives = first_lives(known, as_of)
        if _again(lives).any():
            bought, model = _next_purchases(lives, settings, as_of)
            moments.append(bought)
    if known.subscriptions is not None:
        progress("Looking at renewals")
        moments.append(renewals_due(known.subscriptions, everyone, chosen.ahead_days, chosen.renewals))
    if known.transactions is not None:
        progress("Looking at the rhythm of each product")
        moments.append(
            replenishments_due(
                known.transactions, everyone, regular=chosen.max_gap_variation, fewest_gaps=chosen.min_gaps
            )
        )
    if known.transactions is not None and settings.tables.products is not None:
        progress("Looking at ends of warranty and life")
        records = read_records(settings, "products", connection=known.connection)
        tell_rejected(records.report)
        products = records["products"]
        moments.append(product_moments_due(known.transactions, products, everyone))
    window = as_of - timedelta(days=chosen.late_days), as_of + timedelta(days=chosen.ahead_days)
    listed = in_order(moments, *window)
    if out is not None:
        progress(f"Writing {out}")
        write_frame(listed, out)
    return DueResult(listed, as_of, *window, model, out, bought_once=lives is not None and model is None)


@dataclass(frozen=True, slots=True)
class DueResult:
    """What `due` found.

    Attributes
    ----------
    moments
        the columns of :mod:`patron.campaigns.due_dates`, by day
    as_of
        the last day known
    first, last
        the days that the list covers
    model
        the value model behind next purchases, in words; None without purchases of the same customer
    out
        the file that was written, or None
    bought_once
        whether there are purchases, and no customer has made two
    """

    moments: pd.DataFrame
    as_of: date
    first: date
    last: date
    model: str | None
    out: Path | None = None
    bought_once: bool = False

    @property
    def counts(self) -> pd.DataFrame:
        """How many moments of each kind, and the first of them."""
        return self.moments.groupby("kind", as_index=False).agg(
            moments=("customer_id", "size"),
            customers=("customer_id", "nunique"),
            first=("due_on", "min"),
            last=("due_on", "max"),
        )

    def title(self) -> str:
        """What `counts` shows."""
        return f"Offers due from {self.first} to {self.last}, as of {self.as_of}"

    def to_dict(self) -> dict[str, Any]:
        """What was found, as plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "moments": len(self.moments),
            "kinds": self.counts[["kind", "moments", "customers"]].to_dict("records"),
            "value_model": self.model,
            "out": str(self.out) if self.out is not None else None,
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        if len(self.moments):
            yield self.title(), self.counts
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was found, in words."""
        span = f"from {self.first} to {self.last}"
        once = "No customer has bought on two days, so that no next purchase has a date."
        lines = [once] if self.bought_once else []
        if self.moments.empty:
            return [*lines, f"Nothing is due {span}."]
        offers = len(self.moments)
        lines.append(f"{counted(offers, 'offer')} {'is' if offers == 1 else 'are'} due {span}.")
        if self.model is not None:
            lines.append(f"Next purchases are those of {self.model}; every range holds with 80%.")
        return [*lines, f"Written to {self.out}." if self.out else "Not written: name a file with --out."]


def _everyone(known: History, as_of: date) -> Any:
    """All customers of any table on one day: a contract may renew without a purchase."""
    ids = known.days.select("customer_id")
    if known.subscriptions is not None:
        ids = ids.union(known.subscriptions.select("customer_id"))
    ids = ids.distinct()
    return known.store(ids.mutate(as_of=ibis.literal(as_of)), "everyone")


def _again(lives: pd.DataFrame) -> "pd.Series[bool]":
    """Who has bought more than once: of the others nothing is known but the mean of all."""
    return lives["frequency"] > 0


def _next_purchases(lives: pd.DataFrame, settings: Settings, as_of: date) -> tuple[pd.DataFrame, str]:
    model, name = value_model(settings, settings.due.model, lives)
    alive = model.purchases.probability_alive(lives[RFM_WITH_ID]).to_numpy() >= _STILL_A_CUSTOMER
    waits = next_purchase_range(model, lives.loc[alive & _again(lives), RFM_WITH_ID].reset_index(drop=True))
    return next_purchases_due(waits, as_of), name
