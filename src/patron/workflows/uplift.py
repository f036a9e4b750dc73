"""Contacts with a random control group → what each offer changes for each customer: `learn_effects`."""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.campaigns.uplift.arms import check_groups
from patron.campaigns.uplift.balance import Randomness, check_randomness
from patron.campaigns.uplift.effects import EFFECT_COLUMNS, EffectModel
from patron.campaigns.uplift.metrics import uplift_by_decile, uplift_metrics
from patron.campaigns.uplift.trial_arms import EVERY_CONTACT, offers_made
from patron.errors import (
    HistoryTooShortError,
    InputError,
    PatronWarning,
    SettingsError,
    TooFewCustomersError,
    counted,
)
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.progress import Progress, silent
from patron.results import Printed
from patron.settings import Settings
from patron.settings.inputs import known_history, read_records, tell_rejected
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.storage.atomic_files import check_target, write_frame
from patron.tables.history import History

__all__ = ["EffectsResult", "Trial", "learn_effects"]

_NO_EFFECTS = pd.DataFrame(columns=["customer_id", "offer", "as_of", "basis", *EFFECT_COLUMNS])


def learn_effects(
    settings: Settings,
    *,
    history: History | None = None,
    offers: Collection[str] | None = None,
    progress: Progress = silent,
) -> "EffectsResult":
    """What each offer of the past contacts would change for each customer of today.

    Parameters
    ----------
    settings
        the tables, contacts among them; the horizon; `uplift` says how effects are learned. Campaigns
        are told apart by the column offer of the contacts, or else campaign
    history
        the tables but contacts, where they have been read already
    offers
        the only ones to learn; one whose contacts show no effect is then named in `refused`, with the
        reason. None learns every offer of the contacts, and raises at the first that shows no effect
    progress
        called with each step as it begins

    Raises
    ------
    SettingsError
        no contacts are named
    InputError
        a campaign has no control group, or one that was not drawn by lot; such effects are no uplift
    HistoryTooShortError
        the horizon after the contacts has not passed yet
    TooFewCustomersError
        too few customers were contacted, or left alone

    Warns
    -----
    PatronWarning
        contacts that cannot be judged were left out; a control group was not drawn by lot

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
    records = read_records(settings, "contacts", connection=known.connection)
    tell_rejected(records.report)
    contacts = records["contacts"]
    made, refused = _of_offers(contacts, offers)
    catalogue = discover_catalogue(known, known.known_until)
    rows = pd.DataFrame({"offer": []})
    if offers is None or len(refused) < len(offers):
        progress("Building features as of the day before each contact")
        try:
            rows = _judged_contacts(known, made, catalogue, settings.horizon_days)
        except (HistoryTooShortError, TooFewCustomersError) as fault:
            if offers is None:
                raise
            refused = {name: refused.get(name, _reason(fault)) for name in offers}

    judged: dict[str, tuple[pd.DataFrame, Randomness]] = {}
    for name, past in rows.groupby("offer", sort=True):
        randomness = _judge_groups(past, catalogue, settings)
        if isinstance(randomness, Randomness):
            judged[str(name)] = past, randomness
        elif offers is None:
            raise type(randomness)(f"Offer {name!r}: {randomness}") from None
        else:
            refused[str(name)] = _reason(randomness)
    for name in offers or ():
        if name not in judged:
            refused.setdefault(name, "none of its contacts can be judged")
    trials = _learn(judged, known, catalogue, settings, progress)
    found = [trial.effects for trial in trials] or [_NO_EFFECTS]
    effects = pd.concat(found, ignore_index=True)
    if out is not None:
        progress(f"Writing {out}")
        write_frame(effects, out)
    return EffectsResult(effects, tuple(trials), known.known_until, settings.horizon_days, out, refused)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one offer's trial showed.

    Attributes
    ----------
    offer
        its name
    model
        what was learned
    randomness
        whether the control group was drawn by lot
    metrics
        Qini, AUUC and uplift at 30 %, of retention and of value, on customers not seen in learning
    deciles
        expected beside seen uplift of retention
    effects
        key (customer_id, offer), for the customers of today
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
    effects
        key (customer_id, offer): as_of, basis ("uplift", or "adjusted" where the lot did not decide),
        and `patron.campaigns.uplift.effects.EFFECT_COLUMNS`; money after the margin
    trials
        one per offer
    as_of, horizon_days
        the day of the effects, and the days within which they count
    out
        the file that was written, or None
    refused
        offer → why its contacts show no effect, where certain offers were asked for
    """

    effects: pd.DataFrame
    trials: tuple[Trial, ...]
    as_of: date
    horizon_days: int
    out: Path | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> pd.DataFrame:
        """How well each offer's effects are told apart, for people to read."""
        tables = [trial.metrics.assign(offer=trial.offer) for trial in self.trials]
        table = pd.concat(tables, ignore_index=True)
        return table[["offer", "outcome", "metric", "number", "low", "high"]]

    def title(self) -> str:
        """What `shown` shows."""
        return f"Effects within {self.horizon_days} days, on customers that the models had not seen (95%)"

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

    def printed(self) -> Printed:
        """What a terminal shows."""
        yield self.title(), self.shown
        yield from self.sentences()

    def sentences(self) -> list[str]:
        """What was found, in words."""
        lines = []
        for trial in self.trials:
            staying, money = trial.model.retention_, trial.model.value_
            kept, error = 100 * staying.average_effect_, 196 * staying.average_effect_error_
            brought, spread = trial.model.average_effect_on_value_, 1.96 * money.average_effect_error_
            dogs = int(trial.effects["sleeping_dog"].sum())
            lines.append(
                f"{trial.offer}: {trial.randomness.sentence()} Within {self.horizon_days} days a contact "
                f"changed retention by {kept:+.1f} points (± {error:.1f}) and value by {brought:+,.2f} "
                f"(± {spread:,.2f}) on average, each with 95%; "
                f"{counted(dogs, 'customer is a sleeping dog', 'customers are sleeping dogs')}, better left "
                "alone."
            )
        return [*lines, *([f"Written to {self.out}."] if self.out is not None else [])]


def _of_offers(contacts: ir.Table, offers: Collection[str] | None) -> tuple[ir.Table, dict[str, str]]:
    """The contacts by these offers, named in offer_made; and which of them no contact names, and why."""
    made = offers_made(contacts)
    if offers is None:
        return made, {}
    on_record = set(made.select("offer_made").distinct().to_pandas()["offer_made"])
    made, there = made.filter(made.offer_made.isin(list(offers))), on_record & set(offers)
    named = on_record != {EVERY_CONTACT}
    why = "no past contact by it is on record" if named else "the contacts do not say which offer was made"
    return made, {name: why for name in offers if name not in there}


def _judged_contacts(
    known: History, contacts: ir.Table, catalogue: FeatureCatalogue, horizon_days: int
) -> pd.DataFrame:
    """One row per contact that can be judged: offer, treated, features as of the day before, and labels."""
    # The first contact of a customer by an offer counts: later ones are no trial of their own.
    order = ibis.window(group_by=["customer_id", "offer_made"], order_by=["day", contacts.treated.desc()])
    first = contacts.mutate(place=ibis.row_number().over(order)).filter(lambda table: table.place == 0)
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
            f"{known.known_until}, and effects of contacts until {last + timedelta(days=1)} are known from "
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
            f"Of {counted(total, 'contact')}, {total - len(rows):,} cannot be judged: {total - ripe:,} whose "
            f"{horizon_days} days have not passed, {ripe - len(rows):,} of customers not known before.",
            PatronWarning,
            stacklevel=3,
        )
    if rows.empty:
        nobody = "The customer contacted was not"
        if ripe > 1:
            nobody = f"None of the {ripe:,} customers contacted was"
        raise TooFewCustomersError(
            f"{nobody} known before the contact. Are their ids those of the transactions?"
        )
    return rows


def _eligible(known: History, asked: ir.Table) -> ir.Table:
    """Customer and day of those contacts whose customer had bought by then."""
    bought = known.active_days
    first = bought.group_by("customer_id").aggregate(since=bought.day.min())
    pairs = asked.select("customer_id", "as_of").distinct().inner_join(first, "customer_id")
    return known.store(pairs.filter(pairs.since <= pairs.as_of).select("customer_id", "as_of"), "contacted")


def _judge_groups(
    past: pd.DataFrame, catalogue: FeatureCatalogue, settings: Settings
) -> Randomness | InputError:
    """Whether the control group was drawn by lot; or why these contacts show no effect."""
    treated = past["treated"].to_numpy(dtype=np.float64)
    try:
        check_groups(treated)
    except InputError as fault:
        return fault
    randomness = check_randomness(past[list(catalogue.names)], treated, random_state=settings.seed)
    if randomness.is_random or settings.uplift.adjust:
        return randomness
    return InputError(
        f"{randomness.sentence()} Its effects are no uplift. Draw the control group by lot next time; with "
        "adjust under [uplift] what is known of the customers makes up for it, as far as it can."
    )


def _reason(fault: InputError) -> str:
    """The first sentence of an error, as a clause: what was found, without the remedy."""
    found = str(fault).partition(". ")[0].removesuffix(".")
    return found[0].lower() + found[1:]


def _learn(
    judged: Mapping[str, tuple[pd.DataFrame, Randomness]],
    known: History,
    catalogue: FeatureCatalogue,
    settings: Settings,
    progress: Progress,
) -> list[Trial]:
    if not judged:
        return []
    today = make_spine(known, known.known_until, active_within_days=settings.active_within_days)
    now = assemble_features(known, today, catalogue).order_by("customer_id").to_pandas()
    trials = []
    for offer, (past, randomness) in judged.items():
        progress(f"Learning the effect of {offer} from {len(past):,} customers")
        trials.append(_learn_one(offer, past, randomness, now, catalogue, settings))
    return trials


def _learn_one(
    offer: str,
    past: pd.DataFrame,
    randomness: Randomness,
    now: pd.DataFrame,
    catalogue: FeatureCatalogue,
    settings: Settings,
) -> Trial:
    if not randomness.is_random:
        warnings.warn(f"Offer {offer!r}: {randomness.sentence()}", PatronWarning, stacklevel=4)
    treated, names = past["treated"].to_numpy(dtype=np.float64), list(catalogue.names)
    chosen: Mapping[str, Any] = {
        "learners": settings.uplift.learners,
        "folds": settings.uplift.folds,
        "repeats": settings.uplift.repeats,
        "level": settings.uplift.confidence,
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
