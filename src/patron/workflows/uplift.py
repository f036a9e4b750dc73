"""Contacts with a random control group → what each offer changes for each customer: `learn_effects`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from patron.campaigns.uplift.from_contacts import OfferEffects, learn_offer_effects
from patron.errors import SettingsError, counted
from patron.progress import Progress, silent
from patron.results import Printed, plain_fields
from patron.settings import Settings
from patron.settings.effect_learning import history_and_contacts, learning_options
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.history import History

__all__ = ["EffectsResult", "learn_effects"]


def learn_effects(
    settings: Settings,
    *,
    history: History | None = None,
    offers: Collection[str] | None = None,
    progress: Progress = silent,
) -> "EffectsResult":
    """The effect of each offer of the past contacts on each customer of today.

    Parameters
    ----------
    settings
        the tables, contacts among them; the horizon; `uplift` controls how effects are learned. Offers are
        distinguished by the column offer of the contacts, or else campaign
    history
        the tables except contacts, if they have already been read
    offers, progress
        as in :func:`patron.campaigns.uplift.from_contacts.learn_offer_effects`

    Raises
    ------
    SettingsError
        no contacts are named
    InputError
        as :func:`patron.campaigns.uplift.from_contacts.learn_offer_effects`, which gives its warnings too

    Examples
    --------
    Half of the customers, drawn at random, were called two months before the last day known:

    >>> import numpy as np
    >>> from patron.datasets.simulate import simulate
    >>> shop = simulate(400, days=500, seed=1)
    >>> earlier = shop.transactions.query("order_at < '2024-03-10'")
    >>> ids = np.unique(earlier["customer_id"].to_numpy())
    >>> treated = np.random.default_rng(0).permutation(len(ids)) % 2
    >>> contacts = pd.DataFrame({"customer_id": ids, "contacted_at": "2024-03-10", "treated": treated,
    ...                          "offer": "call"})
    >>> found = learn_effects(Settings(
    ...     tables={"transactions": shop.transactions, "contacts": contacts}, horizon_days=60,
    ...     uplift={"learners": ["s"], "folds": 2}))
    >>> found.effects[["offer", "basis"]].drop_duplicates().to_numpy().tolist()
    [['call', 'uplift']]
    """
    out = check_target(settings.uplift.out) if settings.uplift.out is not None else None
    if settings.tables.contacts is None:
        raise SettingsError(
            "No contacts are named, so there is no control group and nothing may be called uplift. Name the "
            "table with --contacts, or assume an acceptance in the offers."
        )
    known, contacts = history_and_contacts(settings, history, progress)
    learned = learn_offer_effects(
        known, contacts, learning_options(settings), offers=offers, progress=progress
    )
    if out is not None:
        progress(f"Writing {out}")
        write_frame(learned.effects, out)
    return EffectsResult(
        learned.effects, learned.offers, known.known_until, settings.horizon_days, out, learned.refused
    )


@dataclass(frozen=True, slots=True)
class EffectsResult:
    """The result of `learn_effects`.

    Attributes
    ----------
    effects, offers, refused
        as in :class:`patron.campaigns.uplift.from_contacts.LearnedEffects`
    as_of, horizon_days
        the day of the effects, and the days within which they count
    out
        the file that was written, or None
    """

    effects: pd.DataFrame
    offers: tuple[OfferEffects, ...]
    as_of: date
    horizon_days: int
    out: Path | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> pd.DataFrame:
        """Uplift metrics of each offer, for people to read."""
        tables = [found.metrics.assign(offer=found.offer) for found in self.offers]
        table = pd.concat(tables, ignore_index=True)
        return table[["offer", "outcome", "metric", "number", "low", "high"]]

    def title(self) -> str:
        """The title of `shown`."""
        return f"Effects within {self.horizon_days} days, on customers not seen in training (95%)"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        return {
            **plain_fields(self, "as_of", "horizon_days"),
            "effects": len(self.effects),
            "sleeping_dogs": int(self.effects["sleeping_dog"].sum()),
            "offers": [
                {
                    "offer": found.offer,
                    "basis": str(found.effects["basis"].iloc[0]),
                    "treated": found.balance.treated,
                    "control": found.balance.control,
                    "control_auc": found.balance.auc,
                    "average_effect_on_retention": found.model.retention_.average_effect_,
                    "average_effect_on_value": found.model.average_effect_on_value_,
                    "learner": found.model.retention_.learner_,
                    "metrics": found.metrics.to_dict("records"),
                    "deciles": found.deciles.to_dict("records"),
                }
                for found in self.offers
            ],
            **plain_fields(self, "out"),
        }

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.shown
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """The result in words."""
        lines = []
        for found in self.offers:
            retention, money = found.model.retention_, found.model.value_
            points, points_error = 100 * retention.average_effect_, 196 * retention.average_effect_error_
            value, value_error = found.model.average_effect_on_value_, 1.96 * money.average_effect_error_
            dogs = int(found.effects["sleeping_dog"].sum())
            lines.append(
                f"{found.offer}: {found.balance.sentence()} Within {self.horizon_days} days a contact "
                f"changed retention by {points:+.1f} points (± {points_error:.1f}) and value by "
                f"{value:+,.2f} (± {value_error:,.2f}) on average (95% intervals); "
                f"{counted(dogs, 'customer is a sleeping dog', 'customers are sleeping dogs')}: contact "
                "increases their churn."
            )
        return [*lines, *([f"Written to {self.out}."] if self.out is not None else [])]
