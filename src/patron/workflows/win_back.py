"""Tables → the win-back list: dormant and lost customers by return probability × second lifetime value."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from patron.campaigns.purchase_summary import purchase_summaries
from patron.campaigns.win_back import (
    WIN_BACK_COLUMNS,
    ReturnModel,
    dormant_customers,
    learn_returns,
    rank_win_backs,
    second_life,
)
from patron.errors import counted
from patron.models.bundle.policy import StageRules
from patron.models.value.rfm import RFM_WITH_ID
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.settings.value_model import value_model_of
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.history import History

__all__ = ["WinBackResult", "win_back"]


def win_back(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "WinBackResult":
    """The dormant and lost customers, those most worth winning back first.

    Parameters
    ----------
    settings
        the tables; `stages` defines dormant and lost; `win_back` has the cost and lift of a contact
    history, progress
        as in :func:`patron.settings.inputs.known_history`, whose errors are those of this function too

    Examples
    --------
    >>> from patron.datasets.simulate import simulate
    >>> shop = simulate(300, days=500, seed=1)
    >>> found = win_back(Settings(tables={"transactions": shop.transactions}, win_back={"max_snapshots": 1}))
    >>> sorted(set(found.listed["lifecycle_stage"]))
    ['dormant', 'lost']
    """
    out = check_target(settings.win_back.out) if settings.win_back.out is not None else None
    known = known_history(settings, history, progress)
    as_of, rules = known.known_until, StageRules(**settings.stages.model_dump())
    progress(f"Looking for dormant customers as of {as_of}")
    summaries = purchase_summaries(known, as_of)
    dormant = dormant_customers(summaries, rules)

    progress("Valuing second lives")
    model, name = value_model_of(settings, settings.win_back.model, summaries)
    returns = learn_returns(
        known,
        rules,
        horizon_days=settings.horizon_days,
        snapshots=settings.win_back.max_snapshots,
        seed=settings.seed,
        progress=progress,
    )
    listed = pd.DataFrame(columns=list(WIN_BACK_COLUMNS))
    if not dormant.empty:
        probability = (
            returns.predict(dormant)
            if returns.learned_
            else 1 - model.predict(dormant[RFM_WITH_ID], settings.horizon_days)["p_no_purchase"].to_numpy()
        )
        life = second_life(model, dormant[RFM_WITH_ID], settings.value_horizon_days)
        listed = rank_win_backs(
            dormant, probability, life, cost=settings.win_back.cost, lift=settings.win_back.lift
        )
    if out is not None:
        progress(f"Writing {out}")
        write_frame(listed, out)
    return WinBackResult(
        listed=listed,
        customers=len(summaries),
        returns=returns,
        model=name,
        as_of=as_of,
        horizon_days=settings.horizon_days,
        value_horizon_days=settings.value_horizon_days,
        lift=settings.win_back.lift,
        out=out,
    )


@dataclass(frozen=True, slots=True)
class WinBackResult:
    """The result of `win_back`.

    Attributes
    ----------
    listed
        the columns of :mod:`patron.campaigns.win_back`, one row per dormant or lost customer
    customers
        number of all customers considered
    returns
        the model of return probabilities
    model
        name of the value model in a sentence
    as_of, horizon_days
        the last day known, and the days within which a return counts
    value_horizon_days
        days after a return that count towards its value
    lift
        the assumed lift, or None
    out
        the file that was written, or None
    """

    listed: pd.DataFrame
    customers: int
    returns: ReturnModel
    model: str
    as_of: date
    horizon_days: int
    value_horizon_days: int
    lift: float | None
    out: Path | None = None

    @property
    def shown(self) -> pd.DataFrame:
        """The ten most valuable, for people to read."""
        columns = ["customer_id", "lifecycle_stage", "return_probability", "second_life_value"]
        return self.listed[[*columns, "organic_value", "lift_needed"]].head(10)

    def title(self) -> str:
        """The title of `shown`."""
        return f"Most worth winning back as of {self.as_of}, returns within {self.horizon_days} days"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            **plain_fields(self, "as_of", "horizon_days", "customers"),
            "listed": len(self.listed),
            "organic_returns": float(self.listed["return_probability"].sum()),
            "organic_value": float(self.listed["organic_value"].sum()),
            "lift": self.lift,
            "learned_from_returns": self.returns.returns_ if self.returns.learned_ else None,
            **plain_fields(self, value_model="model", out="out"),
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        if len(self.listed):
            yield self.title(), self.shown
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in words."""
        if self.listed.empty:
            many = self.customers != 1
            nobody = f"None of {self.customers:,} customers is" if many else "The only customer is not"
            return [f"{nobody} dormant or lost: there is no one to win back."]
        dormant, known = len(self.listed), self.returns.returns_
        organic, worth = (float(self.listed[name].sum()) for name in ("return_probability", "organic_value"))
        how = (
            f"learned from {counted(known, 'return')} of {counted(self.returns.dormant_, 'dormant customer')}"
            if self.returns.learned_
            else "those of the same model, because only "
            f"{counted(known, 'past return is', 'past returns are')} known"
        )
        lines = [
            f"{dormant:,} of {counted(self.customers, 'customer')} "
            f"{'is' if dormant == 1 else 'are'} dormant or lost.",
            f"{organic:,.1f} returns within {self.horizon_days} days are expected without any contact, worth "
            f"{worth:,.2f}: a campaign must not claim them.",
            f"Second lives are valued over {self.value_horizon_days} days by {self.model}; return "
            f"probabilities are {how}.",
        ]
        if self.lift is None:
            lines.append("The lift of a contact is unknown without a trial: it pays from lift_needed on.")
        else:
            pays = int((self.listed["expected_profit"] > 0).sum())
            lines.append(f"At an assumed lift of {self.lift:.0%} a contact pays for {pays:,} of them.")
        return [*lines, *([f"Written to {self.out}."] if self.out is not None else [])]
