"""What is known → a fitted bundle: the one procedure behind training, its test, and every cut of a backtest.

It looks at nothing after `History.known_until`, holds no snapshot back, and records nothing: whoever wants to
know how good the model is fits another one on an earlier day and lets it predict the days after. ::

    train … train | stop | calibrate | known_until
                  <- h -> <--- h ---> <-  h  ->

On the newest matured snapshot, probabilities are calibrated and the two opinions on money are weighed; the
level of the coming horizon comes from all of them, above all from the same season a year earlier.
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
from patron.settings import Settings
from patron.settings.bundle_policy import policy_to_freeze
from patron.snapshots.spine import make_spine
from patron.snapshots.splits import FitSplit, choose_fit_split
from patron.tables.history import History
from patron.training.training_snapshots import Lesson, read_lessons

__all__ = ["MOST_ROWS", "fit_bundle"]

type Part = tuple[pd.DataFrame, pd.Series]

MOST_ROWS = 200_000
"""Rows that trees learn from, over all snapshots; small trees learn nothing from more."""

_TREES = {
    "n_estimators": 400,
    "num_leaves": 8,
    "max_depth": 4,
    "min_child_samples": 60,
    "early_stopping_rounds": 30,
    "regrow": True,
    "calibration": "sigmoid",  # the level moves between snapshots, so that a staircase learned on one is off
}

_CERTAIN = {
    "p_no_purchase": 1,
    "p_no_purchase_pct": 1,
    "expected_purchases": -1,
    "expected_purchases_pct": -1,
}


def fit_bundle(
    known: History, settings: Settings, *, inference: str | None = None, progress: Progress = silent
) -> Bundle:
    """A bundle fitted on all that is known, and on nothing later.

    Parameters
    ----------
    known
        what is known on its `known_until`, which becomes the bundle's as_of
    settings
        horizon, margin, seed and everything else; tables and as_of are not looked at
    inference
        "nuts", "laplace" or "map" for the value models; None takes `settings.inference`
    progress
        called with each step as it begins

    Returns
    -------
    Bundle
        with tiers; its `churn` is None where the history has no room for a classifier

    Raises
    ------
    InputError
        nobody has bought twice and no order tells what one is worth; too few customers

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
    >>> bundle = fit_bundle(known, Settings(horizon_days=60), inference="map")
    >>> bundle.as_of == known.known_until, bundle.churn is None
    (True, False)
    >>> spine = make_spine(known, known.known_until)
    >>> customers = assemble_features(known, spine, bundle.catalogue).to_pandas()
    >>> predict_rows(bundle, customers)["churn_probability"].between(0, 1).all().item()
    True
    """
    decisions = policy_to_freeze(settings)
    split = _split(known, settings)
    learned_on = known.known_until if split is None else split.calibrate
    catalogue = discover_catalogue(known, learned_on, max_kinds=settings.train.max_kinds)
    lessons = [] if split is None else _read(known, split, catalogue, settings, progress)
    churn = None
    if split is not None:
        progress(f"Fitting the churn classifier on {sum(len(lesson.rows) for lesson in lessons):,} rows")
        churn = _fit_churn(lessons, split, settings)

    progress(f"Building features as of {known.known_until}")
    everyone = _features_of_everyone(known, catalogue)
    progress(f"Fitting the value models on {len(everyone):,} customers ({inference or settings.inference})")
    bundle = Bundle(
        churn=churn,
        value=_fit_value(everyone, settings, inference or settings.inference),
        catalogue=catalogue,
        horizon_days=settings.horizon_days,
        value_horizon_days=settings.value_horizon_days,
        first_day=known.first_day,
        as_of=known.known_until,
    )
    eligible = _eligible(everyone, known, settings)
    if split is not None and churn is not None:
        progress("Weighing what trees and purchase models say of money")
        bundle = _with_ranks_and_money(bundle, lessons, split, eligible, known, settings)
    return freeze_tiers(bundle, eligible, **decisions)


def _split(known: History, settings: Settings) -> FitSplit | None:
    """None, said in a warning, where the history is too short for a classifier."""
    try:
        return choose_fit_split(
            known.first_day,
            known.known_until,
            settings.horizon_days,
            max_snapshots=settings.train.max_snapshots,
            step_days=settings.train.step_days,
        )
    except HistoryTooShortError as short:
        warnings.warn(
            "There is no churn classifier, and churn_probability is P(no purchase in the horizon) of the "
            f"purchase model: {short}",
            PatronWarning,
            stacklevel=3,
        )
        return None


def _read(
    known: History,
    split: FitSplit,
    catalogue: FeatureCatalogue,
    settings: Settings,
    progress: Progress,
) -> list[Lesson]:
    progress(f"Building features on {len(split.dates)} past days, {min(split.dates)} to {max(split.dates)}")
    most = max(MOST_ROWS // len(split.dates), FEWEST_CUSTOMERS)
    return read_lessons(known, split.dates, catalogue, settings, most=most)


def _fit_churn(lessons: Sequence[Lesson], split: FitSplit, settings: Settings) -> ChurnClassifier | None:
    """The classifier; None, said in a warning, where all customers left or all stayed, or they are few."""
    train, stop, calibrate = (
        _rows(lessons, days, "churned") for days in (split.train, [split.stop], [split.calibrate])
    )
    left = train[1] if train is not None else pd.Series(dtype="int8")
    why = None
    if len(left) < FEWEST_CUSTOMERS:
        why = (
            f"the training snapshots hold {len(left):,} rows and {FEWEST_CUSTOMERS} are needed. "
            "Take a longer history"
        )
    elif left.min() == left.max():
        why = (
            f"all {len(left):,} customers of the training snapshots {'left' if left.iloc[0] else 'stayed'}. "
            "Another horizon may tell them apart"
        )
    if why is not None or train is None:
        warnings.warn(
            "There is no churn classifier, and churn_probability is P(no purchase in the horizon) of the "
            f"purchase model: {why}.",
            PatronWarning,
            stacklevel=3,
        )
        return None
    asked = {
        "n_seeds": settings.train.seeds,
        "search": settings.train.search,
        "monotone": _CERTAIN if settings.train.monotone else None,
    }
    return ChurnClassifier(**cast(Any, _TREES | asked), random_state=settings.seed).fit(
        *train, stop=stop, calibrate=calibrate
    )


def _rows(lessons: Sequence[Lesson], days: Sequence[Any], outcome: str) -> Part | None:
    """What trees see of these snapshots, and what came of it; None without a row."""
    chosen = [lesson for lesson in lessons if lesson.as_of in days and len(lesson.rows)]
    if not chosen:
        return None
    rows = pd.concat([lesson.rows for lesson in chosen], ignore_index=True)
    return rows, pd.concat([getattr(lesson, outcome) for lesson in chosen], ignore_index=True)


def _features_of_everyone(known: History, catalogue: FeatureCatalogue) -> pd.DataFrame:
    """Every customer who ever bought, also those who are too inactive to be scored: the value models need
    them all."""
    features = assemble_features(known, make_spine(known, known.known_until), catalogue)
    rows: pd.DataFrame = features.filter(features["T"].notnull()).order_by("customer_id").to_pandas()
    return rows


def _eligible(everyone: pd.DataFrame, known: History, settings: Settings) -> pd.DataFrame:
    if settings.active_within_days is None:
        return everyone
    spine = make_spine(known, known.known_until, active_within_days=settings.active_within_days)
    some = everyone[everyone["customer_id"].isin(spine.customer_id.to_pandas())]
    return some.reset_index(drop=True) if len(some) else everyone


def _fit_value(today: pd.DataFrame, settings: Settings, inference: Any) -> CustomerValueModel:
    return CustomerValueModel(
        BetaGeoModel(family=settings.purchase_family, inference=inference, random_state=settings.seed),
        GammaGammaModel(inference=inference, random_state=settings.seed),
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
    ).fit(today[[*RFM_WITH_ID, "first_order_value"]])


def _with_ranks_and_money(
    bundle: Bundle,
    lessons: Sequence[Lesson],
    split: FitSplit,
    today: pd.DataFrame,
    known: History,
    settings: Settings,
) -> Bundle:
    """The bundle with the grid of today's customers, the seasonal index, and the stacked value."""
    predicted = bundle.value.predict(
        today[RFM_WITH_ID],
        horizon_days=bundle.horizon_days,
        value_horizon_days=bundle.value_horizon_days,
    )
    windows = [lesson.window for lesson in lessons if lesson.window is not None]
    share = SeasonShare.learn(_purchases_by_day(known), bundle.as_of, settings.horizon_days)
    season = SeasonalIndex.learn(windows, as_of=bundle.as_of, share=share)
    blend = ChurnBlend()
    buying_decides = bundle.churn is not None and _churn_is_no_purchase(bundle.catalogue)
    if buying_decides:
        blend = blend.with_tree_weight(_cases(lessons))
    trees, stacking = _fit_money(lessons, split, settings)
    ranked = replace(bundle, percentiles=learn_percentiles(bundle, today, predicted), value_trees=trees)
    seen = tree_view(ranked, today, predicted, ranks="own")
    if buying_decides and bundle.churn is not None:
        # The season of purchases says nothing of other ends.
        blend = blend.with_prior_shift(
            _in_chunks(_churn_of(bundle.churn), seen), predicted["p_no_purchase"], season.no_purchase
        )
    if stacking is not None:
        total = season.value * float(predicted["expected_value"].sum())
        money = None if trees is None else _in_chunks(trees.predict, seen)
        stacking = stacking.with_total(predicted["expected_value"], money, total)
    return replace(ranked, season=season, churn_blend=blend, stacking=stacking)


def _churn_is_no_purchase(catalogue: FeatureCatalogue) -> bool:
    """Whether who leaves buys nothing in the whole horizon; of an event log alone, active days are bought."""
    logged = catalogue.activity == "engagement" and not catalogue.has_money
    return (catalogue.activity == "purchases" or logged) and catalogue.churn_window == "fixed"


def _cases(lessons: Sequence[Lesson]) -> int:
    """Leavers or stayers of all snapshots, whichever are fewer."""
    left = sum(int(lesson.churned.sum()) for lesson in lessons)
    return min(left, sum(len(lesson.rows) for lesson in lessons) - left)


def _purchases_by_day(known: History) -> pd.Series:
    days = known.days.filter(known.days.is_purchase)
    counted: pd.DataFrame = days.group_by("day").agg(purchases=days.count()).order_by("day").to_pandas()
    return counted.set_index("day")["purchases"]


def _fit_money(
    lessons: Sequence[Lesson], split: FitSplit, settings: Settings
) -> tuple[ValueTrees | None, ValueStacking | None]:
    """Trees of money, and their weight beside the value model; None where there is nothing to weigh."""
    newest = next(lesson for lesson in lessons if lesson.as_of == split.calibrate)
    train, stop = (_rows(lessons, days, "value") for days in (split.train, [split.stop]))
    if newest.buying is None or train is None or len(newest.rows) == 0:
        return None, None
    trees: ValueTrees | None
    try:
        trees = ValueTrees(random_state=settings.seed).fit(*train, stop=stop)
    except InputError:  # too few customers
        trees = None
    rfm = newest.rfm.assign(customer_id=np.arange(len(newest.rfm)))
    said = newest.buying.predict(rfm, horizon_days=settings.horizon_days)
    everything = _rows(lessons, split.dates, "value")
    stacking = ValueStacking.fit(
        said["expected_value"],
        None if trees is None else trees.predict(newest.rows),
        newest.value,
        low=said["expected_value_low"],
        high=said["expected_value_high"],
        seen_buyers=None if everything is None else int((everything[1] > 0).sum()),
    )
    if trees is not None and everything is not None:  # all have said their word, and the newest know most
        trees = trees.regrow(*everything)
    return trees, stacking


def _churn_of(classifier: ChurnClassifier) -> Callable[[pd.DataFrame], Floats]:
    return lambda rows: classifier.predict_proba(rows)[:, 1]


def _in_chunks(predict: Callable[[pd.DataFrame], Floats], seen: TreeView) -> Floats:
    """(n_customers,) what trees say of customers, some at a time."""
    starts = range(0, len(seen.figures), 50_000)
    return np.concatenate([predict(seen.rows(slice(start, start + 50_000))) for start in starts])
