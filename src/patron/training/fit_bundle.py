"""What is known → a fitted bundle: the one procedure behind training, its test, and every cut of a backtest.

It uses nothing after `History.known_until`, holds no snapshot back, and records nothing: to measure the
model, fit another one on an earlier day and let it predict the days after. ::

    train … train | stop | calibrate | known_until
                  <- h -> <--- h ---> <-  h  ->

On the newest labelled snapshot, probabilities are calibrated and the trees of value are weighted against the
value model; the seasonal index of the coming horizon comes from all of them, above all from the same season
a year earlier.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd

from patron.arrays import Floats
from patron.errors import HistoryTooShortError, InputError, PatronWarning
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.prediction import TreeView, learn_percentiles, tree_view
from patron.models.churn.classifier import FEWEST_CUSTOMERS, ChurnClassifier
from patron.models.ensemble.churn_blend import ChurnBlend
from patron.models.ensemble.season_share import SeasonShare
from patron.models.ensemble.seasonal_index import SeasonalIndex
from patron.models.ensemble.stacking import ValueStacking
from patron.models.ensemble.value_trees import ValueTrees
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel
from patron.models.value.rfm import RFM_WITH_ID
from patron.progress import Progress, silent
from patron.scores.scorecard import freeze_tiers
from patron.snapshots.spine import make_spine
from patron.snapshots.splits import FitSplit, choose_fit_split
from patron.tables.history import History
from patron.training.labelled_snapshots import TrainingSnapshot, read_training_snapshots
from patron.training.plan import TrainingPlan

__all__ = ["MAX_ROWS", "fit_bundle"]

MAX_ROWS = 200_000
"""Rows that trees learn from, over all snapshots; small trees gain nothing from more."""

_TREES = {
    "n_estimators": 400,
    "num_leaves": 8,
    "max_depth": 4,
    "min_child_samples": 60,
    "early_stopping_rounds": 30,
    "regrow": True,
    "calibration": "sigmoid",  # the level moves between snapshots: a staircase fitted to one would be off
}

_MONOTONE = {
    "p_no_purchase": 1,
    "p_no_purchase_pct": 1,
    "expected_purchases": -1,
    "expected_purchases_pct": -1,
}

_NO_CLASSIFIER = (
    "There is no churn classifier, and churn_probability is P(no purchase in the horizon) of the "
    "purchase model"
)


def fit_bundle(known: History, plan: TrainingPlan, *, progress: Progress = silent) -> Bundle:
    """A bundle fitted on all that is known, and on nothing later.

    Parameters
    ----------
    known
        what is known on its `known_until`, which becomes the bundle's as_of
    plan
        horizon, margin, seed and every other choice
    progress
        called with each step as it begins

    Returns
    -------
    Bundle
        with tiers; its `churn` is None where the history has no room for a classifier

    Raises
    ------
    InputError
        no customer has bought twice and no order shows what one is worth; too few customers

    Warns
    -----
    PatronWarning
        there is no classifier, and why

    Examples
    --------
    >>> import patron
    >>> from patron.models.bundle.prediction import predict_rows
    >>> shop = patron.simulate(n_customers=300, days=500, seed=1)
    >>> known = History.read(shop.transactions)
    >>> bundle = fit_bundle(known, TrainingPlan(horizon_days=60, inference="map"))
    >>> bundle.as_of == known.known_until, bundle.churn is None
    (True, False)
    >>> spine = make_spine(known, known.known_until)
    >>> customers = assemble_features(known, spine, bundle.catalogue).to_pandas()
    >>> predict_rows(bundle, customers)["churn_probability"].between(0, 1).all().item()
    True
    """
    split = _split(known, plan)
    learned_on = known.known_until if split is None else split.calibrate
    catalogue = discover_catalogue(known, learned_on, max_kinds=plan.max_kinds)
    snapshots = [] if split is None else _read(known, split, catalogue, plan, progress)
    churn = None
    if split is not None:
        progress(f"Fitting the churn classifier on {sum(len(one.rows) for one in snapshots):,} rows")
        churn = _fit_churn(snapshots, split, plan)

    progress(f"Building features as of {known.known_until}")
    everyone = _features_of_everyone(known, catalogue)
    progress(f"Fitting the value models on {len(everyone):,} customers ({plan.inference})")
    bundle = Bundle(
        churn=churn,
        value=_fit_value(everyone, plan),
        catalogue=catalogue,
        horizon_days=plan.horizon_days,
        value_horizon_days=plan.value_horizon_days,
        first_day=known.first_day,
        as_of=known.known_until,
    )
    eligible = _eligible(everyone, known, plan.active_within_days)
    if split is not None and churn is not None:
        progress("Weighting trees and purchase models for the expected value")
        bundle = _with_ranks_and_money(bundle, snapshots, split, eligible, known, plan.seed)
    policy = plan.policy
    return freeze_tiers(bundle, eligible, shares=policy.tier_shares, offer=policy.offer, stages=policy.stages)


def _split(known: History, plan: TrainingPlan) -> FitSplit | None:
    """None, with a warning, where the history is too short for a classifier."""
    try:
        return choose_fit_split(
            known.first_day,
            known.known_until,
            plan.horizon_days,
            max_snapshots=plan.max_snapshots,
            step_days=plan.step_days,
        )
    except HistoryTooShortError as short:
        warnings.warn(f"{_NO_CLASSIFIER}: {short}", PatronWarning, stacklevel=3)
        return None


def _read(
    known: History, split: FitSplit, catalogue: FeatureCatalogue, plan: TrainingPlan, progress: Progress
) -> list[TrainingSnapshot]:
    progress(f"Building features on {len(split.dates)} past days, {min(split.dates)} to {max(split.dates)}")
    max_rows = max(MAX_ROWS // len(split.dates), FEWEST_CUSTOMERS)
    return read_training_snapshots(known, split.dates, catalogue, plan, max_rows=max_rows)


def _fit_churn(
    snapshots: Sequence[TrainingSnapshot], split: FitSplit, plan: TrainingPlan
) -> ChurnClassifier | None:
    """The classifier; None, with a warning, where the rows are few or all have the same outcome."""
    train, stop, calibrate = (
        _rows(snapshots, days, "churned") for days in (split.train, [split.stop], [split.calibrate])
    )
    churned = train[1] if train is not None else pd.Series(dtype="int8")
    why = None
    if len(churned) < FEWEST_CUSTOMERS:
        why = (
            f"the training snapshots hold {len(churned):,} rows and {FEWEST_CUSTOMERS} are needed. "
            "Take a longer history"
        )
    elif churned.min() == churned.max():
        outcome = "left" if churned.iloc[0] else "stayed"
        why = (
            f"all {len(churned):,} customers of the training snapshots {outcome}. "
            "Another horizon may separate them"
        )
    if why is not None or train is None:
        warnings.warn(f"{_NO_CLASSIFIER}: {why}.", PatronWarning, stacklevel=3)
        return None
    options = {
        "n_seeds": plan.trees.n_seeds,
        "search": plan.trees.search,
        "monotone": _MONOTONE if plan.trees.monotone else None,
    }
    return ChurnClassifier(**cast(Any, _TREES | options), random_state=plan.seed).fit(
        *train, stop=stop, calibrate=calibrate
    )


def _rows(
    snapshots: Sequence[TrainingSnapshot], days: Sequence[Any], outcome: str
) -> tuple[pd.DataFrame, pd.Series] | None:
    """Inputs of the trees and an outcome, over the snapshots of these days; None without a row."""
    chosen = [one for one in snapshots if one.as_of in days and len(one.rows)]
    if not chosen:
        return None
    rows = pd.concat([one.rows for one in chosen], ignore_index=True)
    return rows, pd.concat([getattr(one, outcome) for one in chosen], ignore_index=True)


def _features_of_everyone(known: History, catalogue: FeatureCatalogue) -> pd.DataFrame:
    """Every customer with a purchase, also those too inactive to be scored: the value models need all."""
    features = assemble_features(known, make_spine(known, known.known_until), catalogue)
    rows: pd.DataFrame = features.filter(features["T"].notnull()).order_by("customer_id").to_pandas()
    return rows


def _eligible(everyone: pd.DataFrame, known: History, active_within_days: int | None) -> pd.DataFrame:
    if active_within_days is None:
        return everyone
    spine = make_spine(known, known.known_until, active_within_days=active_within_days)
    some = everyone[everyone["customer_id"].isin(spine.customer_id.to_pandas())]
    return some.reset_index(drop=True) if len(some) else everyone


def _fit_value(today: pd.DataFrame, plan: TrainingPlan) -> CustomerValueModel:
    return CustomerValueModel(
        BetaGeoModel(family=plan.purchase_family, inference=plan.inference, random_state=plan.seed),
        GammaGammaModel(inference=plan.inference, random_state=plan.seed),
        margin=plan.margin,
        annual_discount_rate=plan.annual_discount_rate,
    ).fit(today[[*RFM_WITH_ID, "first_order_value"]])


def _with_ranks_and_money(
    bundle: Bundle,
    snapshots: Sequence[TrainingSnapshot],
    split: FitSplit,
    today: pd.DataFrame,
    known: History,
    seed: int,
) -> Bundle:
    """The bundle with the percentiles of today's customers, the seasonal index, and the stacked value."""
    predicted = bundle.value.predict(
        today[RFM_WITH_ID],
        horizon_days=bundle.horizon_days,
        value_horizon_days=bundle.value_horizon_days,
    )
    windows = [one.window for one in snapshots if one.window is not None]
    share = SeasonShare.learn(_purchases_by_day(known), bundle.as_of, bundle.horizon_days)
    season = SeasonalIndex.learn(windows, as_of=bundle.as_of, share=share)
    blend = ChurnBlend()
    churn = bundle.churn if _churn_is_no_purchase(bundle.catalogue) else None
    if churn is not None:
        blend = blend.with_tree_weight(_minority_events(snapshots))
    trees, stacking = _fit_money(snapshots, split, bundle.horizon_days, seed)
    ranked = replace(bundle, percentiles=learn_percentiles(bundle, today, predicted), value_trees=trees)
    seen = tree_view(ranked, today, predicted, ranks="own")
    if churn is not None:  # the season of purchases does not apply to other kinds of churn
        trees_churn = _in_chunks(lambda rows: churn.predict_proba(rows)[:, 1], seen)
        blend = blend.with_prior_shift(trees_churn, predicted["p_no_purchase"], season.no_purchase)
    if stacking is not None:
        total = season.value * float(predicted["expected_value"].sum())
        money = None if trees is None else _in_chunks(trees.predict, seen)
        stacking = stacking.with_total(predicted["expected_value"], money, total)
    return replace(ranked, season=season, churn_blend=blend, stacking=stacking)


def _churn_is_no_purchase(catalogue: FeatureCatalogue) -> bool:
    """Whether churn is no purchase in the whole horizon; for an event log alone, no active day."""
    logged = catalogue.activity == "engagement" and not catalogue.has_money
    return (catalogue.activity == "purchases" or logged) and catalogue.churn_window == "fixed"


def _minority_events(snapshots: Sequence[TrainingSnapshot]) -> int:
    """Rows of the rarer outcome, over all snapshots."""
    churned = sum(int(one.churned.sum()) for one in snapshots)
    return min(churned, sum(len(one.rows) for one in snapshots) - churned)


def _purchases_by_day(known: History) -> pd.Series:
    days = known.days.filter(known.days.is_purchase)
    counted: pd.DataFrame = days.group_by("day").agg(purchases=days.count()).order_by("day").to_pandas()
    return counted.set_index("day")["purchases"]


def _fit_money(
    snapshots: Sequence[TrainingSnapshot], split: FitSplit, horizon_days: int, seed: int
) -> tuple[ValueTrees | None, ValueStacking | None]:
    """Value trees, and their weight against the value model; None where there is nothing to weight."""
    newest = next(one for one in snapshots if one.as_of == split.calibrate)
    train, stop = (_rows(snapshots, days, "value") for days in (split.train, [split.stop]))
    if newest.value_model is None or train is None or len(newest.rows) == 0:
        return None, None
    trees: ValueTrees | None
    try:
        trees = ValueTrees(random_state=seed).fit(*train, stop=stop)
    except InputError:  # too few customers
        trees = None
    rfm = newest.rfm.assign(customer_id=np.arange(len(newest.rfm)))
    expected = newest.value_model.predict(rfm, horizon_days=horizon_days)
    everything = _rows(snapshots, split.dates, "value")
    stacking = ValueStacking.fit(
        expected["expected_value"],
        None if trees is None else trees.predict(newest.rows),
        newest.value,
        low=expected["expected_value_low"],
        high=expected["expected_value_high"],
        seen_buyers=None if everything is None else int((everything[1] > 0).sum()),
    )
    if trees is not None and everything is not None:  # weights are fixed now: learn from every snapshot
        trees = trees.regrow(*everything)
    return trees, stacking


def _in_chunks(predict: Callable[[pd.DataFrame], Floats], seen: TreeView) -> Floats:
    """(n_customers,) predictions of trees, in chunks of customers."""
    starts = range(0, len(seen.figures), 50_000)
    return np.concatenate([predict(seen.rows(slice(start, start + 50_000))) for start in starts])
