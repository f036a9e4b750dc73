"""Scores and offers → the list worth contacting, with its holdout, and what it costs and earns."""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patron.campaigns.allocation.offers import OfferBook
from patron.campaigns.allocation.plan import LIST_COLUMNS, Plan, make_plan
from patron.campaigns.audience import as_audience, to_csv
from patron.errors import SettingsError, counted
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.storage.atomic_files import check_folder, whole_file, write_frame, write_json
from patron.tables.history import History
from patron.workflows.campaign_effects import KnownEffects, known_effects
from patron.workflows.campaign_inputs import Scores, left_alone, read_offers, read_scores

__all__ = ["LIST_FILE", "PLAN_FILE", "TargetResult", "target"]

LIST_FILE, CSV_FILE, PLAN_FILE = "list.parquet", "list.csv", "plan.json"


def target(
    settings: Settings,
    *,
    effects: pd.DataFrame | None = None,
    history: History | None = None,
    progress: Progress = silent,
) -> "TargetResult":
    """The most profitable list within budget, channels and rules, and a random holdout of it.

    Parameters
    ----------
    settings
        `target` names scores, offers, budget and limits; `tables.contacts` who was contacted before.
        Where contacts and transactions are named, and a control group was left alone by lot, what contact
        changes is learned from them as :func:`patron.workflows.uplift.learn_effects` does; else it is assumed
    effects
        what contact changes for whom, where it has been learned already; `target.effects` if None
    history
        the tables but contacts, where they have been read already
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        scores, offers, contacts or effects cannot be used or do not fit each other, the budget is
        below the cheapest contact, the tables end before the day of the scores, or the folder holds a list
        already

    Examples
    --------
    >>> import tempfile
    >>> offers = Path(tempfile.mkdtemp(), "offers.toml")
    >>> size = offers.write_text('''[channels.phone]
    ... [offers.call]
    ... channel = "phone"
    ... incentive = 10.0
    ... contact_cost = 1.0
    ... acceptance = 0.3
    ... ''')
    >>> scores = pd.DataFrame({
    ...     "customer_id": [7, 8], "as_of": "2024-06-30", "horizon_days": 90, "model_version": "1",
    ...     "churn_probability": [0.4, 0.05], "growth_potential": [200.0, 200.0]})
    >>> made = target(Settings(target={"scores": scores, "offers": offers, "holdout": 0}))
    >>> made.plan.listed["customer_id"].tolist()
    [7]
    """
    chosen = settings.target
    out = _new_folder(chosen.out) if chosen.out is not None else None
    book = read_offers(chosen.offers)
    progress("Reading the scores")
    scores = read_scores(chosen.scores, chosen.segment)
    alone = left_alone(settings, scores)
    given = effects if effects is not None else chosen.effects
    known = known_effects(settings, book, scores, given=given, history=history, progress=progress)
    people, offers = counted(len(scores.rows), "customer"), counted(len(book.offers), "offer")
    progress(f"Choosing among {people} × {offers}")
    plan = make_plan(
        scores.rows,
        book,
        budget=np.inf if chosen.budget is None else chosen.budget,
        effects=known.table,
        left_alone=alone,
        segment=chosen.segment,
        least=chosen.min_contacts,
        holdout=chosen.holdout,
        seed=settings.seed,
    )
    made = TargetResult(plan, book, scores.as_of, _provenance(settings, scores, book), out, known)
    if out is not None:
        progress(f"Writing {out}")
        _write(made, out)
    return made


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What `target` made.

    Attributes
    ----------
    plan
        the list, its bound, and the lists that simpler rules give
    book
        offers and channels
    as_of
        the day of the scores
    provenance
        from what it was made
    out
        the folder that was written, or None
    effects
        what contact changes, and where that comes from
    """

    plan: Plan
    book: OfferBook
    as_of: date
    provenance: dict[str, Any]
    out: Path | None
    effects: KnownEffects

    @property
    def alternatives(self) -> pd.DataFrame:
        """What the same money would bring by simpler rules: list, customers, cost, expected_return."""
        plan = self.plan.to_dict()
        own = {name: plan[name] for name in ("customers", "cost", "expected_return")}
        others = {name.replace("_", " "): row for name, row in plan["alternatives"].items()}
        rows = [{"list": name, **row} for name, row in {"this list": own, **others}.items()]
        return pd.DataFrame(rows)

    def title(self) -> str:
        """What `alternatives` shows."""
        return f"What the money of this list is expected to earn, as of {self.as_of}"

    def to_dict(self) -> dict[str, Any]:
        """Everything of plan.json."""
        out = None if self.out is None else str(self.out)
        return {**self.provenance, "effects": self.effects.to_dict(), **self.plan.to_dict(), "out": out}

    def printed(self) -> Printed:
        """What a terminal shows."""
        if len(self.plan.listed):
            yield self.title(), self.alternatives
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was made, in words."""
        plan, listed = self.plan, self.plan.listed
        if listed.empty:
            nobody = (
                "The only customer is not"
                if plan.considered == 1
                else f"None of {plan.considered:,} customers is"
            )
            told = [f"{nobody} worth contacting: {self._why_nobody()}.", *self.effects.sentences()]
        else:
            told = [
                f"{len(listed):,} of {counted(plan.considered, 'customer')} "
                f"{'is' if len(listed) == 1 else 'are'} worth contacting, for "
                f"{listed['cost'].sum():,.2f} of costs and an expected profit of {plan.choice.profit:,.2f}; "
                f"the best list within these limits earns at most {plan.choice.gap:.4%} more.",
                *self.effects.sentences(),
                *self._about_the_holdout(),
            ]
        if plan.left_out:
            others = "; ".join(f"{count:,} {reason}" for reason, count in plan.left_out.items())
            told.append(f"Left out: {others}.")
        where = (
            f"Written to {self.out}." if self.out is not None else "Not written: name a folder with --out."
        )
        return [*told, where]

    def _why_nobody(self) -> str:
        capacity = self.book.capacity
        if sum(self.plan.left_out.values()) == self.plan.considered:
            return "all of them are left out" if self.plan.considered > 1 else "it is left out"
        if all(capacity[offer.channel] == 0 for offer in self.book.offers):
            return "no channel of the offers has any capacity"
        return "every contact is expected to cost more than it earns"

    def _about_the_holdout(self) -> list[str]:
        held_out, seen = int((~self.plan.listed["treated"]).sum()), self.plan.detectable
        if held_out < 2 or seen is None:
            are = "is" if held_out == 1 else "are"
            return [f"{held_out} of them {are} held out: too few to measure later what the contact changed."]
        return [
            f"{held_out:,} of them are held out by lot and must not be contacted; an effect of {seen:,.2f} "
            "of margin per customer or more would be seen with a probability of 80%."
        ]


def _new_folder(path: Path) -> Path:
    folder = check_folder(path)
    if any((folder / name).exists() for name in (LIST_FILE, PLAN_FILE)):
        raise SettingsError(
            f"The folder {str(path)!r} holds a list already, and without its holdout that one could never be "
            "measured. Name another folder."
        )
    return folder


def _provenance(settings: Settings, scores: Scores, book: OfferBook) -> dict[str, Any]:
    chosen = settings.target
    return {
        "as_of": scores.as_of.isoformat(),
        "horizon_days": scores.horizon_days,
        "model_version": scores.model_version,
        "budget": chosen.budget,
        "holdout_share": chosen.holdout,
        "rest_days": chosen.rest_days,
        "least": dict(chosen.min_contacts),
        "seed": settings.seed,
        "made_of": {offer.name: asdict(offer) for offer in book.offers},
        "capacity": dict(book.capacity),
    }


def _write(made: TargetResult, folder: Path) -> None:
    """The list for programs, the list for people, and last the plan: with it the folder is complete."""
    listed = made.plan.listed
    write_frame(listed, folder / LIST_FILE)
    with whole_file(folder / CSV_FILE) as temporary:
        temporary.write_text(to_csv(as_audience(listed, LIST_COLUMNS)), encoding="utf-8")
    write_json(made.to_dict(), folder / PLAN_FILE)
