"""Past contacts and the history of a business → the effect of each offer on each customer of today."""

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from patron.campaigns.uplift.balance import BalanceCheck, check_balance
from patron.campaigns.uplift.control_group import check_control_group
from patron.campaigns.uplift.effects import EFFECT_COLUMNS, EffectModel
from patron.campaigns.uplift.metrics import uplift_by_decile, uplift_metrics
from patron.campaigns.uplift.trial_arms import EVERY_CONTACT, offers_made
from patron.errors import HistoryTooShortError, InputError, PatronWarning, TooFewCustomersError, counted
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.progress import Progress, silent
from patron.snapshots.labels import make_labels
from patron.snapshots.spine import make_spine
from patron.tables.history import History

if TYPE_CHECKING:
    from patron.campaigns.uplift.model import UpliftModel

__all__ = [
    "LearnedEffects",
    "LearningOptions",
    "OfferEffects",
    "judged_contacts",
    "learn_offer_effects",
    "with_offers",
]

_NO_EFFECTS = pd.DataFrame(columns=["customer_id", "offer", "as_of", "basis", *EFFECT_COLUMNS])


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningOptions:
    """How effects are learned from contacts.

    Attributes
    ----------
    uplift
        unfitted model with the settings of every model
    horizon_days
        days after the contact in which outcomes count
    margin
        share of an amount that counts as money earned
    adjust
        whether a control group that was not randomised is adjusted for by the features; else it is refused
    active_within_days
        only customers active in this many days get effects; None for all
    random_state
        random seed of the balance check
    """

    uplift: "UpliftModel"
    horizon_days: int
    margin: float = 1.0
    adjust: bool = False
    active_within_days: int | None = None
    random_state: int = 0


@dataclass(frozen=True, slots=True)
class OfferEffects:
    """The result of one offer's trial.

    Attributes
    ----------
    offer
        its name
    model
        the fitted model
    balance
        whether the control group was randomised
    metrics
        Qini, AUUC and uplift at 30 %, of retention and of value, on customers not seen in training
    deciles
        predicted and observed uplift of retention
    effects
        key (customer_id, offer), for the customers of today
    """

    offer: str
    model: EffectModel
    balance: BalanceCheck
    metrics: pd.DataFrame
    deciles: pd.DataFrame
    effects: pd.DataFrame


@dataclass(frozen=True, slots=True)
class LearnedEffects:
    """The effects of all offers.

    Attributes
    ----------
    effects
        key (customer_id, offer): as_of, basis ("uplift", or "adjusted" if the control group was not
        randomised), and `patron.campaigns.uplift.effects.EFFECT_COLUMNS`; money after the margin
    offers
        one result per offer
    refused
        offer → why its contacts show no effect, if certain offers were requested
    """

    effects: pd.DataFrame
    offers: tuple[OfferEffects, ...]
    refused: Mapping[str, str]


def learn_offer_effects(
    history: History,
    contacts: ir.Table,
    options: LearningOptions,
    *,
    offers: Collection[str] | None = None,
    progress: Progress = silent,
) -> LearnedEffects:
    """The effect of each offer of the past contacts on each customer of today.

    Parameters
    ----------
    history
        the tables of the business
    contacts
        validated contacts: customer_id, day, treated, and optionally offer and campaign
    options
        how effects are learned
    offers
        learn only these; those whose contacts show no effect are listed in `refused` with the reason. None
        learns every offer of the contacts and raises at the first that shows no effect
    progress
        called with each step as it begins

    Raises
    ------
    InputError
        a campaign has no control group, or one that was not randomised; such effects are not uplift
    HistoryTooShortError
        the horizon after the contacts has not passed
    TooFewCustomersError
        too few treated or control customers

    Warns
    -----
    PatronWarning
        contacts without complete outcomes were left out; a control group was not randomised
    """
    made, refused = with_offers(contacts, offers)
    catalogue = discover_catalogue(history, history.known_until)
    rows = pd.DataFrame({"offer": []})
    if offers is None or len(refused) < len(offers):
        progress("Building features as of the day before each contact")
        try:
            rows = judged_contacts(history, made, catalogue, options.horizon_days)
        except (HistoryTooShortError, TooFewCustomersError) as fault:
            if offers is None:
                raise
            refused = {name: refused.get(name, _reason(fault)) for name in offers}

    judged: dict[str, tuple[pd.DataFrame, BalanceCheck]] = {}
    for name, past in rows.groupby("offer", sort=True):
        balance = _check_groups(past, catalogue, options)
        if isinstance(balance, BalanceCheck):
            judged[str(name)] = past, balance
        elif offers is None:
            raise type(balance)(f"Offer {name!r}: {balance}") from None
        else:
            refused[str(name)] = _reason(balance)
    for name in offers or ():
        if name not in judged:
            refused.setdefault(name, "none of its contacts has a complete outcome")
    learned = _learn(judged, history, catalogue, options, progress)
    effects = pd.concat([offer.effects for offer in learned] or [_NO_EFFECTS], ignore_index=True)
    return LearnedEffects(effects, learned, refused)


def with_offers(contacts: ir.Table, offers: Collection[str] | None) -> tuple[ir.Table, dict[str, str]]:
    """The contacts with their offer in offer_made, and why some of the requested offers have none.

    Parameters
    ----------
    contacts
        validated contacts
    offers
        keep only the contacts of these offers; None keeps all

    Examples
    --------
    >>> contacts = ibis.memtable({"customer_id": [1, 2], "treated": [1, 0], "offer": ["call", "call"]})
    >>> with_offers(contacts, ["call", "letter"])[1]
    {'letter': 'no past contact with it is on record'}
    """
    made = offers_made(contacts)
    if offers is None:
        return made, {}
    on_record = set(made.select("offer_made").distinct().to_pandas()["offer_made"])
    made, there = made.filter(made.offer_made.isin(list(offers))), on_record & set(offers)
    named = on_record != {EVERY_CONTACT}
    why = "no past contact with it is on record" if named else "the contacts do not name their offer"
    return made, {name: why for name in offers if name not in there}


def judged_contacts(
    history: History, contacts: ir.Table, catalogue: FeatureCatalogue, horizon_days: int
) -> pd.DataFrame:
    """One row per contact with a complete outcome: offer, treated, features as of the day before, labels.

    Parameters
    ----------
    history
        the tables of the business
    contacts
        contacts with offer_made
    catalogue
        the features
    horizon_days
        days after the contact in which outcomes count

    Raises
    ------
    HistoryTooShortError
        the horizon has not passed after any contact
    TooFewCustomersError
        no contacted customer was known before the contact

    Warns
    -----
    PatronWarning
        some contacts have no complete outcome
    """
    # The first contact of a customer with an offer counts: later ones are not independent trials.
    order = ibis.window(group_by=["customer_id", "offer_made"], order_by=["day", contacts.treated.desc()])
    first = contacts.mutate(place=ibis.row_number().over(order)).filter(lambda table: table.place == 0)
    day_before = (first.day - ibis.interval(days=1)).cast("date")
    ids = first.customer_id.try_cast(history.customer_id_type)  # null if it cannot be one of their ids
    contacted = history.store(
        first.select(customer_id=ids, offer=first.offer_made, treated=first.treated, as_of=day_before),
        "contacts",
    )
    newest = history.known_until - timedelta(days=horizon_days)
    complete = contacted.filter(contacted.as_of <= ibis.literal(newest))
    total, judgeable = (int(table.count().to_pyarrow().as_py()) for table in (contacted, complete))
    if judgeable == 0:
        last = contacted.as_of.max().to_pyarrow().as_py()
        raise HistoryTooShortError(
            f"The {horizon_days} days after the contacts have not passed: the last day known is "
            f"{history.known_until}, and effects of contacts until {last + timedelta(days=1)} are known from "
            f"{last + timedelta(days=horizon_days)} on. Wait, or use a shorter horizon."
        )
    spine = _known_customers(history, complete)
    features = assemble_features(history, spine, catalogue)
    labels = make_labels(history, spine, horizon_days)
    key = ["customer_id", "as_of"]
    joined = complete.inner_join(features, key).inner_join(labels, key)
    rows: pd.DataFrame = joined.order_by("offer", "as_of", "customer_id").to_pandas()
    if len(rows) < total:
        warnings.warn(
            f"{total - len(rows):,} of {counted(total, 'contact')} are left out: {total - judgeable:,} "
            f"because their {horizon_days} days have not passed, {judgeable - len(rows):,} because the "
            "customer was not known before.",
            PatronWarning,
            stacklevel=3,
        )
    if rows.empty:
        nobody = "The customer contacted was not"
        if judgeable > 1:
            nobody = f"None of the {judgeable:,} customers contacted was"
        raise TooFewCustomersError(
            f"{nobody} known before the contact. Are their ids those of the transactions?"
        )
    return rows


def _known_customers(history: History, contacted: ir.Table) -> ir.Table:
    """Customer and day of the contacts whose customer had bought by then."""
    bought = history.active_days
    first = bought.group_by("customer_id").aggregate(since=bought.day.min())
    pairs = contacted.select("customer_id", "as_of").distinct().inner_join(first, "customer_id")
    return history.store(pairs.filter(pairs.since <= pairs.as_of).select("customer_id", "as_of"), "contacted")


def _check_groups(
    past: pd.DataFrame, catalogue: FeatureCatalogue, options: LearningOptions
) -> BalanceCheck | InputError:
    """Whether the control group was randomised; or why these contacts show no effect."""
    treated = past["treated"].to_numpy(dtype=np.float64)
    try:
        check_control_group(treated)
    except InputError as fault:
        return fault
    balance = check_balance(past[list(catalogue.names)], treated, random_state=options.random_state)
    if balance.is_randomised or options.adjust:
        return balance
    return InputError(
        f"{balance.sentence()} Its effects are not uplift. Randomise the control group next time; adjust "
        "under [uplift] adjusts for the features, as far as that is possible."
    )


def _reason(fault: InputError) -> str:
    """The first sentence of an error as a clause: what was found, without the remedy."""
    found = str(fault).partition(". ")[0].removesuffix(".")
    return found[0].lower() + found[1:]


def _learn(
    judged: Mapping[str, tuple[pd.DataFrame, BalanceCheck]],
    history: History,
    catalogue: FeatureCatalogue,
    options: LearningOptions,
    progress: Progress,
) -> tuple[OfferEffects, ...]:
    if not judged:
        return ()
    today = make_spine(history, history.known_until, active_within_days=options.active_within_days)
    now = assemble_features(history, today, catalogue).order_by("customer_id").to_pandas()
    learned = []
    for offer, (past, balance) in judged.items():
        progress(f"Learning the effect of {offer} from {len(past):,} customers")
        learned.append(_learn_offer(offer, past, balance, now, catalogue, options))
    return tuple(learned)


def _learn_offer(
    offer: str,
    past: pd.DataFrame,
    balance: BalanceCheck,
    now: pd.DataFrame,
    catalogue: FeatureCatalogue,
    options: LearningOptions,
) -> OfferEffects:
    if not balance.is_randomised:
        warnings.warn(f"Offer {offer!r}: {balance.sentence()}", PatronWarning, stacklevel=4)
    treated, names = past["treated"].to_numpy(dtype=np.float64), list(catalogue.names)
    stayed = 1 - past["churned"].to_numpy(dtype=np.float64)
    earned = past["value"].to_numpy(dtype=np.float64) * options.margin
    propensity = "constant" if balance.is_randomised else "learned"
    model = EffectModel(options.uplift)
    model.fit(past[names], treated, stayed, earned, propensity=propensity)
    metrics = [
        uplift_metrics(outcome, treated, fitted.effects_).assign(outcome=name)
        for name, outcome, fitted in (
            ("retention", stayed, model.retention_),
            ("value", earned, model.value_),
        )
    ]
    predicted = model.predict(now[names])
    effects = pd.DataFrame(
        {
            "customer_id": now["customer_id"],
            "offer": offer,
            "as_of": now["as_of"],
            "basis": "uplift" if balance.is_randomised else "adjusted",
            **{name: predicted[name] for name in EFFECT_COLUMNS},
        }
    )
    deciles = uplift_by_decile(stayed, treated, model.retention_.effects_)
    return OfferEffects(offer, model, balance, pd.concat(metrics, ignore_index=True), deciles, effects)
