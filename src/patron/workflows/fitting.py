"""What is known → a fitted bundle: the one procedure behind training, its test, and every cut of a backtest.

It looks at nothing after `History.known_until`, holds no snapshot back, and records nothing: whoever wants to
know how good the model is fits another one on an earlier day and lets it predict the days after. ::

    train … train | stop | calibrate | known_until
                  <- h -> <--- h ---> <-  h  ->
"""

import warnings
from typing import Any

import pandas as pd

from patron.errors import HistoryTooShortError, PatronWarning
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.catalogue import FeatureCatalogue
from patron.models.bundle import Bundle
from patron.models.churn import FEWEST_CUSTOMERS, ChurnClassifier
from patron.models.purchases import BetaGeoModel
from patron.models.spend import GammaGammaModel
from patron.models.value import CustomerValueModel
from patron.scores.scorecard import freeze_tiers
from patron.snapshots.spine import make_spine
from patron.snapshots.splits import choose_split
from patron.tables.history import History
from patron.workflows.matured import RFM, Part, read_parts
from patron.workflows.progress import Progress, silent
from patron.workflows.settings import Settings

__all__ = ["fit_bundle"]


def fit_bundle(
    known: History, settings: Settings, *, inference: str | None = None, progress: Progress = silent
) -> Bundle:
    """A bundle fitted on all that is known, and on nothing later.

    Parameters
    ----------
    known : what is known on its `known_until`, which becomes the bundle's as_of
    settings : horizon, margin, seed and everything else; tables and as_of are not looked at
    inference : "nuts", "laplace" or "map" for the value models; None takes `settings.inference`
    progress : called with each step as it begins

    Returns
    -------
    Bundle, with tiers; its `churn` is None where the history has no room for a classifier

    Raises
    ------
    InputError : nobody has bought twice and no order tells what one is worth; too few customers

    Warns
    -----
    PatronWarning : there is no classifier, and why

    Examples
    --------
    >>> import patron
    >>> shop = patron.simulate(n_customers=300, days=500, seed=1)
    >>> known = History.read(shop.transactions)
    >>> bundle = fit_bundle(known, Settings(horizon_days=60), inference="map")
    >>> bundle.as_of == known.known_until, bundle.churn is None
    (True, False)
    """
    today = known.known_until
    try:
        split = choose_split(
            known.first_day, today, settings.horizon_days, max_snapshots=settings.train.max_snapshots
        )
    except HistoryTooShortError as short:
        warnings.warn(f"There is no churn classifier: {short}", PatronWarning, stacklevel=2)
        dates: tuple[Any, ...] = ()
    else:
        dates = split.dates

    learns_until = dates[-3] if dates else today
    catalogue = discover_catalogue(known, learns_until, max_kinds=settings.train.max_kinds)
    churn = None
    if dates:
        progress(f"Building features on {len(dates)} past days, {dates[0]} to {dates[-1]}")
        stop = dates[-2:-1] if len(dates) > 3 else ()
        train = dates[: len(dates) - 1 - len(stop)]
        parts = read_parts(
            known,
            [train, stop, dates[-1:]],
            settings.horizon_days,
            catalogue,
            active_within_days=settings.active_within_days,
        )
        progress(f"Fitting the churn classifier on {len(parts[0].rows):,} rows")
        churn = _fit_churn(parts[0], parts[1] if stop else None, parts[2], catalogue, settings)

    progress(f"Building features as of {today}")
    everyone = _features_of_everyone(known, catalogue)
    inference = inference or settings.inference
    progress(f"Fitting the value models on {len(everyone):,} customers ({inference})")
    bundle = Bundle(
        churn=churn,
        value=_fit_value(everyone, settings, inference),
        catalogue=catalogue,
        horizon_days=settings.horizon_days,
        value_horizon_days=settings.value_horizon_days,
        first_day=known.first_day,
        as_of=today,
    )
    return freeze_tiers(bundle, everyone)


def _fit_churn(
    train: Part, stop: Part | None, calibrate: Part, catalogue: FeatureCatalogue, settings: Settings
) -> ChurnClassifier | None:
    """The classifier; None, said in a warning, where all customers left or all stayed."""
    left = train.churned
    if len(left) >= FEWEST_CUSTOMERS and left.min() == left.max():
        warnings.warn(
            f"All {len(left):,} customers of the training snapshots {'left' if left.iloc[0] else 'stayed'}: "
            "there is no churn classifier, and churn_probability is P(no purchase in the horizon) of the "
            "purchase model. Another horizon may tell them apart.",
            PatronWarning,
            stacklevel=3,
        )
        return None

    def rows(part: Part) -> tuple[pd.DataFrame, pd.Series]:
        return part.features(catalogue), part.churned

    return ChurnClassifier(random_state=settings.seed).fit(
        *rows(train), stop=rows(stop) if stop is not None else None, calibrate=rows(calibrate)
    )


def _features_of_everyone(known: History, catalogue: FeatureCatalogue) -> pd.DataFrame:
    """Every customer, also those who are too inactive to be scored: the value models need them all."""
    features = assemble_features(known, make_spine(known, known.known_until), catalogue)
    rows: pd.DataFrame = features.order_by("customer_id").to_pandas()
    return rows


def _fit_value(today: pd.DataFrame, settings: Settings, inference: Any) -> CustomerValueModel:
    return CustomerValueModel(
        BetaGeoModel(inference=inference, random_state=settings.seed),
        GammaGammaModel(inference=inference, random_state=settings.seed),
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
    ).fit(today[[*RFM, "first_order_value"]])
