"""Scores and offers → the list worth contacting, with its holdout, and what it costs and earns."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patron.campaigns.allocation.offers import OfferBook
from patron.campaigns.allocation.plan import CampaignPlan, make_plan
from patron.campaigns.audience import as_audience, to_csv
from patron.campaigns.effect_sources import CampaignEffects
from patron.campaigns.exclusions import excluded_customers
from patron.campaigns.list_folder import CSV_FILE, LIST_COLUMNS, LIST_FILE, PLAN_FILE, check_no_list
from patron.campaigns.scored_customers import ScoredCustomers, read_effects, read_scored_customers
from patron.campaigns.uplift.from_contacts import learn_offer_effects
from patron.errors import counted
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.effect_learning import (
    as_of_scores,
    contacts_of,
    history_and_contacts,
    learning_options,
)
from patron.storage.atomic_files import check_folder, whole_file, write_frame, write_json
from patron.tables.history import History

__all__ = ["TargetResult", "target"]

_OUTCOMES = ("transactions", "engagement", "subscriptions")  # tables of what customers did after a contact
_LIMITS = {"budget", "holdout", "rest_days", "min_contacts"}  # settings that go into the plan
_BLIND = "without the transactions nothing shows what customers did afterwards"


def target(
    settings: Settings,
    *,
    effects: pd.DataFrame | None = None,
    history: History | None = None,
    progress: Progress = silent,
) -> "TargetResult":
    """The most profitable list within budget, channel capacities and rules, and a random holdout of it.

    Parameters
    ----------
    settings
        `target` names scores, offers, budget and limits; `tables.contacts` who was contacted before. If
        contacts and transactions are named, and there was a randomised control group, the effect of contact
        is learned from them as :func:`patron.workflows.uplift.learn_effects` does; else it is assumed
    effects
        effect of each offer on each customer, if already learned; `target.effects` if None
    history
        the tables except contacts, if they have already been read
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        scores, offers, contacts or effects cannot be used or do not match each other, the budget is below
        the cheapest contact, the tables end before the day of the scores, or the folder already holds a list

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
    out = check_folder(chosen.out) if chosen.out is not None else None
    if out is not None:
        check_no_list(out)
    book = OfferBook.read(chosen.offers)
    progress("Reading the scores")
    scored = read_scored_customers(chosen.scores, chosen.segment)
    has_contacts = settings.tables.contacts is not None
    excluded = excluded_customers(
        scored.rows["customer_id"],
        scored.as_of,
        contacts=contacts_of(settings) if has_contacts else None,
        rest_days=chosen.rest_days,
        suppress=chosen.suppress,
    )
    given = effects if effects is not None else chosen.effects
    can_learn = history is not None or any(getattr(settings.tables, name) is not None for name in _OUTCOMES)
    context: dict[str, Any] = {"contacts": has_contacts, "margin": settings.margin}
    if given is not None:
        used = CampaignEffects.given(book.names, read_effects(given, scored), **context)
    elif has_contacts and can_learn:
        past = as_of_scores(settings, scored.as_of, scored.horizon_days)
        known, contacts = history_and_contacts(past, history, progress)
        learned = learn_offer_effects(
            known, contacts, learning_options(past), offers=book.names, progress=progress
        )
        table = read_effects(learned.effects, scored) if learned.offers else None
        used = CampaignEffects.learned(book.names, learned, table, margin=settings.margin)
    else:
        used = CampaignEffects.assumed(book.names, **context, why=_BLIND if has_contacts else None)

    people, offers = counted(len(scored.rows), "customer"), counted(len(book.offers), "offer")
    progress(f"Choosing among {people} × {offers}")
    plan = make_plan(
        scored.rows,
        book,
        budget=np.inf if chosen.budget is None else chosen.budget,
        effects=used.table,
        excluded=excluded,
        segment=chosen.segment,
        min_contacts=chosen.min_contacts,
        holdout=chosen.holdout,
        seed=settings.seed,
    )
    provenance = _provenance(scored, book, **chosen.model_dump(include=_LIMITS), seed=settings.seed)
    made = TargetResult(plan, book, scored.as_of, provenance, out, used)
    if out is not None:
        progress(f"Writing {out}")
        _write(made, out)
    return made


@dataclass(frozen=True, slots=True)
class TargetResult:
    """The result of `target`.

    Attributes
    ----------
    plan
        the list, its bound, and the lists by simpler rules
    book
        offers and channels
    as_of
        the day of the scores
    provenance
        what the plan was made from
    out
        the folder that was written, or None
    effects
        the effect of contact, and where it comes from
    """

    plan: CampaignPlan
    book: OfferBook
    as_of: date
    provenance: dict[str, Any]
    out: Path | None
    effects: CampaignEffects

    @property
    def alternatives(self) -> pd.DataFrame:
        """What the same money would earn by simpler rules: list, customers, cost, expected_return."""
        plan = self.plan.to_dict()
        own = {name: plan[name] for name in ("customers", "cost", "expected_return")}
        others = {name.replace("_", " "): row for name, row in plan["alternatives"].items()}
        rows = [{"list": name, **row} for name, row in {"this list": own, **others}.items()]
        return pd.DataFrame(rows)

    def title(self) -> str:
        """The title of `alternatives`."""
        return f"Expected profit of this list and of simpler ones for the same money, as of {self.as_of}"

    def to_dict(self) -> dict[str, Any]:
        """The content of plan.json."""
        out = None if self.out is None else str(self.out)
        return {**self.provenance, "effects": self.effects.to_dict(), **self.plan.to_dict(), "out": out}

    def printed(self) -> Printed:
        """What a terminal shows."""
        if len(self.plan.listed):
            yield self.title(), self.alternatives
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in words."""
        plan, listed = self.plan, self.plan.listed
        if listed.empty:
            nobody = (
                "The only customer is not"
                if plan.considered == 1
                else f"None of {plan.considered:,} customers is"
            )
            lines = [f"{nobody} worth contacting: {self._why_nobody()}.", *self.effects.sentences()]
        else:
            lines = [
                f"{len(listed):,} of {counted(plan.considered, 'customer')} "
                f"{'is' if len(listed) == 1 else 'are'} worth contacting, at a cost of "
                f"{listed['cost'].sum():,.2f} and an expected profit of {plan.allocation.profit:,.2f}; "
                f"the best list within these limits earns at most {plan.allocation.gap:.4%} more.",
                *self.effects.sentences(),
                *self._about_the_holdout(),
            ]
        if plan.left_out:
            others = "; ".join(f"{count:,} {reason}" for reason, count in plan.left_out.items())
            lines.append(f"Left out: {others}.")
        where = (
            f"Written to {self.out}." if self.out is not None else "Not written: name a folder with --out."
        )
        return [*lines, where]

    def _why_nobody(self) -> str:
        capacity = self.book.capacity
        if sum(self.plan.left_out.values()) == self.plan.considered:
            return "all of them are left out" if self.plan.considered > 1 else "it is left out"
        if all(capacity[offer.channel] == 0 for offer in self.book.offers):
            return "no channel of the offers has any capacity"
        return "every contact is expected to cost more than it earns"

    def _about_the_holdout(self) -> list[str]:
        held_out, detectable = int((~self.plan.listed["treated"]).sum()), self.plan.detectable
        if held_out < 2 or detectable is None:
            are = "is" if held_out == 1 else "are"
            return [
                f"{held_out} of them {are} held out: too few to measure the effect of the campaign later."
            ]
        return [
            f"{held_out:,} of them are randomly held out and must not be contacted; an effect of "
            f"{detectable:,.2f} of margin per customer or more would be detected with a probability of 80%."
        ]


def _provenance(
    scored: ScoredCustomers,
    book: OfferBook,
    *,
    budget: float | None,
    holdout: float,
    rest_days: int,
    min_contacts: Mapping[str, int],
    seed: int,
) -> dict[str, Any]:
    return {
        "as_of": scored.as_of.isoformat(),
        "horizon_days": scored.horizon_days,
        "model_version": scored.model_version,
        "budget": budget,
        "holdout_share": holdout,
        "rest_days": rest_days,
        "min_contacts": dict(min_contacts),
        "seed": seed,
        "offer_terms": {offer.name: asdict(offer) for offer in book.offers},
        "capacity": dict(book.capacity),
    }


def _write(made: TargetResult, folder: Path) -> None:
    """The list for programs, the list for people, and last the plan: it marks the folder as complete."""
    listed = made.plan.listed
    write_frame(listed, folder / LIST_FILE)
    with whole_file(folder / CSV_FILE) as temporary:
        temporary.write_text(to_csv(as_audience(listed, LIST_COLUMNS)), encoding="utf-8")
    write_json(made.to_dict(), folder / PLAN_FILE)
