"""Tables → the win-back list: dormant and lost customers, by chance of a return × value of a second life."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from patron.campaigns.win_back import WIN_BACK_COLUMNS, ReturnModel, rank_win_backs, second_life
from patron.errors import counted
from patron.models.bundle.policy import StageRules
from patron.models.value.rfm import RFM_WITH_ID
from patron.progress import Progress, silent
from patron.results import Printed
from patron.scores.lifecycle import lifecycle_stage
from patron.settings import Settings
from patron.settings.inputs import known_history
from patron.snapshots.labels import make_labels
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History
from patron.workflows.follow_up import first_lives, value_model

__all__ = ["WinBackResult", "win_back"]

STAGES = ("dormant", "lost")


def win_back(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "WinBackResult":
    """Who is worth winning back.

    Parameters
    ----------
    settings
        the tables; `stages` says who is dormant or lost; `win_back` what a contact costs and does
    history
        the tables, where they have been read already
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        a table cannot be used, or as_of lies outside the data

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
    progress(f"Looking for the silent as of {as_of}")
    lives = first_lives(known, as_of)
    dormant = _silent(lives, rules)

    progress("Valuing second lives")
    model, name = value_model(settings, settings.win_back.model, lives)
    returns = _learn_returns(known, settings, rules, progress)
    if dormant.empty:
        listed = pd.DataFrame(columns=list(WIN_BACK_COLUMNS))
    else:
        chance = _chances(returns, model, dormant, settings.horizon_days)
        life = second_life(model, dormant[RFM_WITH_ID], settings.value_horizon_days)
        listed = rank_win_backs(
            dormant, chance, life, cost=settings.win_back.cost, lift=settings.win_back.lift
        )
    if out is not None:
        progress(f"Writing {out}")
        write_frame(listed, out)
    return WinBackResult(
        listed=listed,
        customers=len(lives),
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
    """What `win_back` found.

    Attributes
    ----------
    listed
        the columns of :mod:`patron.campaigns.win_back`, one row per dormant or lost customer
    customers
        count of all customers looked at
    returns
        how chances of a return were learned
    model
        the value model, in words
    as_of, horizon_days
        the last day known, and the days within which a return counts
    value_horizon_days
        the days from a return on that make up its value
    lift
        the one that was assumed, or None
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
        """What `shown` shows."""
        return f"Most worth winning back as of {self.as_of}, returns within {self.horizon_days} days"

    def to_dict(self) -> dict[str, Any]:
        """What was found, as plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "customers": self.customers,
            "listed": len(self.listed),
            "organic_returns": float(self.listed["return_probability"].sum()),
            "organic_value": float(self.listed["organic_value"].sum()),
            "lift": self.lift,
            "learned_from_returns": self.returns.returns_ if self.returns.learned_ else None,
            "value_model": self.model,
            "out": str(self.out) if self.out is not None else None,
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        if len(self.listed):
            yield self.title(), self.shown
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was found, in words."""
        if self.listed.empty:
            many = self.customers != 1
            nobody = f"None of {self.customers:,} customers is" if many else "The only customer is not"
            return [f"{nobody} dormant or lost: there is nobody to win back."]
        silent, known = len(self.listed), self.returns.returns_
        organic, worth = (float(self.listed[name].sum()) for name in ("return_probability", "organic_value"))
        how = (
            f"learned from {counted(known, 'return')} of {counted(self.returns.dormant_, 'silent customer')}"
            if self.returns.learned_
            else "those of the same model, since only "
            f"{counted(known, 'past return is', 'past returns are')} known"
        )
        lines = [
            f"{silent:,} of {counted(self.customers, 'customer')} "
            f"{'is' if silent == 1 else 'are'} dormant or lost.",
            f"{organic:,.1f} returns within {self.horizon_days} days are expected without any contact, worth "
            f"{worth:,.2f}: no campaign may claim them.",
            f"Second lives are valued over {self.value_horizon_days} days by {self.model}; chances of a "
            f"return are {how}.",
        ]
        if self.lift is None:
            lines.append(
                "What a contact adds is unknown without a trial: lift_needed says from when it pays."
            )
        else:
            pays = int((self.listed["expected_profit"] > 0).sum())
            lines.append(f"At an assumed lift of {self.lift:.0%} a contact pays for {pays:,} of them.")
        return [*lines, *([f"Written to {self.out}."] if self.out is not None else [])]


def _silent(lives: pd.DataFrame, rules: StageRules) -> pd.DataFrame:
    stages = lifecycle_stage(lives, rules)
    return lives.assign(lifecycle_stage=stages)[np.isin(stages, STAGES)].reset_index(drop=True)


def _learn_returns(known: History, settings: Settings, rules: StageRules, progress: Progress) -> ReturnModel:
    """From those who were silent on past days whose horizon has passed since."""
    horizon = settings.horizon_days
    newest = known.known_until - timedelta(days=horizon)
    days = [newest - timedelta(days=horizon * number) for number in range(settings.win_back.max_snapshots)]
    first = known.active_days.day.min().to_pyarrow().as_py()
    days = [day for day in days if day >= max(first, known.first_day)]
    if not days:
        return ReturnModel().fit(pd.DataFrame({"as_of": []}), [])
    progress(f"Learning returns from {len(days)} past days")
    past = _silent(first_lives(known, days), rules)
    if past.empty:
        return ReturnModel().fit(past, [])
    keys = ibis.memtable(past[["customer_id", "as_of"]])
    spine = known.store(keys.mutate(as_of=keys.as_of.cast("date")), "silent")
    labels = make_labels(known.with_churn(ChurnDefinition()), spine, horizon)
    outcome = labels.select("customer_id", "as_of", "purchases").to_pandas()
    joined = past.merge(outcome, on=["customer_id", "as_of"], how="left", validate="one_to_one")
    return ReturnModel(random_state=settings.seed).fit(joined, joined["purchases"] > 0)


def _chances(returns: ReturnModel, model: Any, dormant: pd.DataFrame, horizon_days: int) -> Any:
    if returns.learned_:
        return returns.predict(dormant)
    return 1 - model.predict(dormant[RFM_WITH_ID], horizon_days)["p_no_purchase"].to_numpy()
