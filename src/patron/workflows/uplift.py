"""Contacts with a random control group → what each offer changes for each customer: `learn_effects`."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.campaigns.effects import EFFECT_COLUMNS, EffectModel
from patron.campaigns.randomness import Randomness, check_randomness
from patron.campaigns.uplift import check_groups
from patron.campaigns.uplift_metrics import uplift_by_decile, uplift_metrics
from patron.errors import HistoryTooShortError, InputError, PatronWarning, SettingsError
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.tables.history import History
from patron.workflows.inputs import known_history, read_records
from patron.workflows.outputs import check_target, write_frame
from patron.workflows.progress import Progress, silent
from patron.workflows.settings import Settings

__all__ = ["EffectsResult", "Trial", "learn_effects"]

EVERY_CONTACT = "contact"


def learn_effects(
    settings: Settings, *, history: History | None = None, progress: Progress = silent
) -> "EffectsResult":
    """What each offer of the past contacts would change for each customer of today.

    Parameters
    ----------
    settings : the tables, contacts among them; the horizon; `uplift` says how effects are learned. Campaigns
        are told apart by the column offer of the contacts, or else campaign
    history : the tables but contacts, where they have been read already
    progress : called with each step as it begins

    Raises
    ------
    SettingsError : no contacts are named
    InputError : a campaign has no control group, or one that was not drawn by lot; such effects are no uplift
    HistoryTooShortError : the horizon after the contacts has not passed yet

    Warns
    -----
    PatronWarning : contacts that cannot be judged were left out; a control group was not drawn by lot

    Examples
    --------
    Every second customer was called, by lot, two months before the last day known:

    >>> import numpy as np
    >>> from patron.datasets.simulate import simulate
    >>> shop = simulate(400, days=500, seed=1)
    >>> earlier = shop.transactions.query("order_at < '2024-03-10'")
    >>> ids = np.unique(earlier["customer_id"].to_numpy())
    >>> lot = np.random.default_rng(0).permutation(len(ids)) % 2
    >>> contacts = pd.DataFrame({"customer_id": ids, "contacted_at": "2024-03-10", "treated": lot,
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
    known = known_history(settings, history, progress)
    progress("Reading the contacts")
    contacts = read_records(settings, "contacts", connection=known.connection)["contacts"]
    progress("Building features as of the day before each contact")
    catalogue = discover_catalogue(known, known.known_until)
    rows = _judged_contacts(known, contacts, catalogue, settings.horizon_days)
    today = make_spine(known, known.known_until, active_within_days=settings.active_within_days)
    now = assemble_features(known, today, catalogue).order_by("customer_id").to_pandas()

    trials = []
    for offer, past in rows.groupby("offer", sort=True):
        progress(f"Learning the effect of {offer} from {len(past):,} customers")
        trials.append(_learn_one(str(offer), past, now, catalogue, settings))
    effects = pd.concat([trial.effects for trial in trials], ignore_index=True)
    if out is not None:
        progress(f"Writing {out}")
        write_frame(effects, out)
    return EffectsResult(effects, tuple(trials), known.known_until, settings.horizon_days, out)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one offer's trial showed.

    Attributes
    ----------
    offer : its name
    model : what was learned
    randomness : whether the control group was drawn by lot
    metrics : Qini, AUUC and uplift at 30 %, of retention and of value, on customers not seen in learning
    deciles : expected beside seen uplift of retention
    effects : key (customer_id, offer), for the customers of today
    """

    offer: str
    model: EffectModel
    randomness: Randomness
    metrics: pd.DataFrame
    deciles: pd.DataFrame
    effects: pd.DataFrame


@dataclass(frozen=True, slots=True)
class EffectsResult:
    """What `learn_effects` found.

    Attributes
    ----------
    effects : key (customer_id, offer): as_of, basis ("uplift", or "adjusted" where the lot did not decide),
        and `patron.campaigns.effects.EFFECT_COLUMNS`; money after the margin
    trials : one per offer
    as_of, horizon_days : the day of the effects, and the days within which they count
    out : the file that was written, or None
    """

    effects: pd.DataFrame
    trials: tuple[Trial, ...]
    as_of: date
    horizon_days: int
    out: Path | None = None

    @property
    def shown(self) -> pd.DataFrame:
        """How well each offer's effects are told apart, for people to read."""
        tables = [trial.metrics.assign(offer=trial.offer) for trial in self.trials]
        table = pd.concat(tables, ignore_index=True)
        return table[["offer", "outcome", "metric", "number", "low", "high"]]

    def title(self) -> str:
        """What `shown` shows."""
        return f"Effects within {self.horizon_days} days, on customers that the models had not seen (95 %)"

    def to_dict(self) -> dict[str, Any]:
        """What was found, as plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "effects": len(self.effects),
            "sleeping_dogs": int(self.effects["sleeping_dog"].sum()),
            "offers": [
                {
                    "offer": trial.offer,
                    "basis": str(trial.effects["basis"].iloc[0]),
                    "contacted": trial.randomness.contacted,
                    "control": trial.randomness.control,
                    "control_auc": trial.randomness.auc,
                    "average_effect_on_retention": trial.model.retention_.average_effect_,
                    "average_effect_on_value": trial.model.average_effect_on_value_,
                    "learner": trial.model.retention_.learner_,
                    "metrics": trial.metrics.to_dict("records"),
                    "deciles": trial.deciles.to_dict("records"),
                }
                for trial in self.trials
            ],
            "out": str(self.out) if self.out is not None else None,
        }

    def sentences(self) -> list[str]:
        """What was found, in words."""
        lines = []
        for trial in self.trials:
            staying, dogs = trial.model.retention_, int(trial.effects["sleeping_dog"].sum())
            lines.append(
                f"{trial.offer}: {trial.randomness.sentence()} A contact changed retention by "
                f"{staying.average_effect_:+.1%} (± {1.96 * staying.average_effect_error_:.1%}) and value by "
                f"{trial.model.average_effect_on_value_:+,.2f} on average; {dogs:,} customers are sleeping "
                "dogs."
            )
        return [*lines, *([f"Written to {self.out}."] if self.out is not None else [])]


def _judged_contacts(
    known: History, contacts: ir.Table, catalogue: FeatureCatalogue, horizon_days: int
) -> pd.DataFrame:
    """One row per contact that can be judged: offer, treated, features as of the day before, and labels."""
    offer = next((name for name in ("offer", "campaign") if name in contacts.columns), None)
    named = contacts[offer].fill_null(EVERY_CONTACT) if offer else ibis.literal(EVERY_CONTACT)
    # The first contact of a customer by an offer counts: later ones are no trial of their own.
    first = contacts.mutate(offer_made=named)
    order = ibis.window(group_by=["customer_id", "offer_made"], order_by=["day", first.treated.desc()])
    first = first.mutate(place=ibis.row_number().over(order)).filter(lambda table: table.place == 0)
    day_before = (first.day - ibis.interval(days=1)).cast("date")
    ids = first.customer_id.try_cast(known.customer_id_type)  # null where it can be no id of theirs
    asked = known.store(
        first.select(customer_id=ids, offer=first.offer_made, treated=first.treated, as_of=day_before),
        "asked",
    )
    newest = known.known_until - timedelta(days=horizon_days)
    matured = asked.filter(asked.as_of <= ibis.literal(newest))
    total, ripe = (int(table.count().to_pyarrow().as_py()) for table in (asked, matured))
    if ripe == 0:
        last = asked.as_of.max().to_pyarrow().as_py()
        raise HistoryTooShortError(
            f"The {horizon_days} days after the contacts have not passed: the last day known is "
            f"{known.known_until}, and effects of contacts before {last + timedelta(days=1)} are known from "
            f"{last + timedelta(days=horizon_days)} on. Wait, or take a shorter horizon."
        )
    spine = _eligible(known, matured)
    features = assemble_features(known, spine, catalogue)
    labels = make_labels(known, spine, horizon_days)
    key = ["customer_id", "as_of"]
    joined = matured.inner_join(features, key).inner_join(labels, key)
    rows: pd.DataFrame = joined.order_by("offer", "as_of", "customer_id").to_pandas()
    if len(rows) < total:
        warnings.warn(
            f"{total - len(rows):,} of {total:,} contacts are left out: {total - ripe:,} whose "
            f"{horizon_days} days have not passed, {ripe - len(rows):,} of customers not known before.",
            PatronWarning,
            stacklevel=3,
        )
    if rows.empty:
        raise InputError(
            f"None of the {ripe:,} customers contacted was known before the contact: are their ids those of "
            "the transactions?"
        )
    return rows


def _eligible(known: History, asked: ir.Table) -> ir.Table:
    """Customer and day of those contacts whose customer had bought by then."""
    bought = known.active_days
    first = bought.group_by("customer_id").aggregate(since=bought.day.min())
    pairs = asked.select("customer_id", "as_of").distinct().inner_join(first, "customer_id")
    return known.store(pairs.filter(pairs.since <= pairs.as_of).select("customer_id", "as_of"), "contacted")


def _learn_one(
    offer: str, past: pd.DataFrame, now: pd.DataFrame, catalogue: FeatureCatalogue, settings: Settings
) -> Trial:
    treated = past["treated"].to_numpy(dtype=np.float64)
    try:
        check_groups(treated)
    except InputError as refused:
        raise type(refused)(f"Offer {offer!r}: {refused}") from None
    names = list(catalogue.names)
    randomness = check_randomness(past[names], treated, random_state=settings.seed)
    if not randomness.is_random:
        if not settings.uplift.adjust:
            raise InputError(
                f"Offer {offer!r}: {randomness.sentence()} Its effects are no uplift. Draw the control group "
                "by lot next time; with adjust under [uplift] what is known of the customers makes up for "
                "it, as far as it can."
            )
        warnings.warn(f"Offer {offer!r}: {randomness.sentence()}", PatronWarning, stacklevel=3)
    chosen: Mapping[str, Any] = {
        "learners": settings.uplift.learners,
        "folds": settings.uplift.folds,
        "repeats": settings.uplift.repeats,
        "level": settings.uplift.level,
        "random_state": settings.seed,
    }
    stayed = 1 - past["churned"].to_numpy(dtype=np.float64)
    earned = past["value"].to_numpy(dtype=np.float64) * settings.margin
    chance = "same" if randomness.is_random else "learned"
    model = EffectModel(**chosen).fit(past[names], treated, stayed, earned, chance=chance)
    metrics = [
        uplift_metrics(outcome, treated, learned.effects_).assign(outcome=name)
        for name, outcome, learned in (
            ("retention", stayed, model.retention_),
            ("value", earned, model.value_),
        )
    ]
    said = model.predict(now[names])
    effects = pd.DataFrame(
        {
            "customer_id": now["customer_id"],
            "offer": offer,
            "as_of": now["as_of"],
            "basis": "uplift" if randomness.is_random else "adjusted",
            **{name: said[name] for name in EFFECT_COLUMNS},
        }
    )
    deciles = uplift_by_decile(stayed, treated, model.retention_.effects_)
    return Trial(offer, model, randomness, pd.concat(metrics, ignore_index=True), deciles, effects)
