"""The scorecard: one row per customer and as_of with predictions, potentials, stage, action and reasons.

========================================================  ============================================
customer_id, as_of, horizon_days, value_horizon_days,     keys and provenance
model_version, scored_at
churn_probability                                         P(churn in the horizon), 0 to 1
churn_band                                                low, medium, high: by whether contact pays
p_alive, expected_purchases, expected_order_value         from the posterior, over the horizon
expected_value, expected_value_low, expected_value_high   money over the horizon, with an 80 % interval
next_purchase_on, overdue_ratio                           a date · days since the last ÷ own usual gap
base_, growth_, network_, learning_potential              money; growth with an 80 % interval
customer_value, value_at_risk                             money; sum of the four · expected loss by churn
value_tier, value_percentile                              vip, medium, low · 1 to 100, by frozen cut-offs
lifecycle_stage                                           one of nine, by the rules of the business
reason_1, reason_2, reason_3                              reasons of the risk, strongest first
recommended_action, max_retention_spend                   action · maximum profitable cost of an attempt
not_scored_reason                                         null, or why there is no score
========================================================  ============================================

The churn probability is that of the classifier, for rows with its features and for the horizon of its
training; otherwise it is P(no purchase in the horizon) of the value model. It is never 1 − P(alive), which is
0 for every one-time buyer.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.checks import share
from patron.errors import RangeError, TableError, some
from patron.models.bundle.bundle import Bundle
from patron.models.bundle.policy import Policy, StageRules, TypicalOffer
from patron.models.bundle.prediction import predict_columns, tree_view
from patron.models.bundle.reference import Reference
from patron.models.bundle.tiers import Tiers
from patron.models.churn.percentile_ranks import Ranks
from patron.models.churn.rows import Columns, as_columns, count_rows, take_rows
from patron.models.value.rfm import RFM_COLUMNS
from patron.scores.columns import SCORECARD_COLUMNS, as_scorecard, dates
from patron.scores.decisions import decide, figures
from patron.scores.not_scored import append_not_scored
from patron.scores.reasons import REASON_COLUMNS, explain_risk
from patron.scores.scorable import broken_rules, purchase_columns

type Days = npt.NDArray[np.datetime64]
type Form = Callable[[Mapping[str, Any], int], pd.DataFrame]

__all__ = ["SCORECARD_COLUMNS", "append_not_scored", "freeze_tiers", "make_scorecard", "score_columns"]

FROM_VALUE_MODEL = (
    "p_alive", "expected_purchases", "expected_order_value",
    "expected_value", "expected_value_low", "expected_value_high",
    "growth_potential", "growth_potential_low", "growth_potential_high",
)  # fmt: skip
"""What the value model says and the scorecard passes on."""

FARTHEST_DAYS = 36_525
"""A century: no horizon is longer, and no purchase is expected later."""

ONLY_PURCHASE_COLUMNS = (
    "only frequency, recency, T and monetary_value were given: churn_probability is P(no purchase in the "
    "horizon), and what past spend would tell is null"
)


def make_scorecard(
    features: pd.DataFrame,
    bundle: Bundle,
    *,
    scored_at: datetime | None = None,
    model_version: str | int | None = None,
    reasons: bool = True,
    horizon_days: int | None = None,
    value_horizon_days: int | None = None,
    annual_discount_rate: float | None = None,
    interval: float = 0.8,
    random_state: int = 0,
    ranks: Ranks = "auto",
    form: Form = as_scorecard,
) -> pd.DataFrame:
    """The scorecard of these customers.

    Parameters
    ----------
    features
        one row per customer: customer_id, as_of (a date; null or absent gives no next_purchase_on),
        and either all features of the bundle's catalogue, or only frequency, recency, T and
        monetary_value
    bundle
        the trained model
    scored_at
        when; now if None. A time without a zone is taken as UTC
    model_version
        version of the model `bundle`; null if None
    reasons
        whether to compute reasons; this takes longer than all the rest
    horizon_days, value_horizon_days
        days ≥ 1; the bundle's own if None
    annual_discount_rate
        per year, 0 to 1; the bundle's own if None
    interval
        share in (0, 1) of the predictive intervals
    random_state
        seed of the draws behind the intervals
    ranks
        the population in which customers are ranked, see :meth:`patron.models.bundle.bundle.Bundle.predict`
    form
        `as_scorecard`, typed for files and analysis; or `as_answer`, plain for JSON

    Returns
    -------
    pd.DataFrame
        `SCORECARD_COLUMNS`. Rows: those of `features`, in order, index 0, 1, 2, … A row that breaks a rule of
        :mod:`patron.scores.scorable` has nulls, and the rule is its not_scored_reason.

    Raises
    ------
    TableError
        some features are there and others are not
    InputError
        one of the four purchase columns is missing or holds no numbers
    RangeError
        a horizon, the rate or the interval lies outside its range

    Examples
    --------
    With the `bundle` of the example of :class:`patron.models.bundle.bundle.Bundle`:

    >>> rfm = pd.DataFrame({"customer_id": [7, 8], "frequency": [3, 2], "recency": [200, 300],
    ...                     "T": [270, 270], "monetary_value": [25.0, 30.0]})
    >>> scorecard = make_scorecard(rfm, bundle)
    >>> scorecard["customer_id"].tolist(), scorecard["expected_purchases"].round(1).tolist()
    ([7, 8], [0.6, nan])
    >>> scorecard["not_scored_reason"][1]
    'recency must lie between 0 and T: it is the age at the last purchase, not the days since then'
    """
    scored = score_columns(
        features,
        bundle,
        scored_at=scored_at,
        model_version=model_version,
        reasons=reasons,
        horizon_days=horizon_days,
        value_horizon_days=value_horizon_days,
        annual_discount_rate=annual_discount_rate,
        interval=interval,
        random_state=random_state,
        ranks=ranks,
    )
    return form(scored, len(features))


def score_columns(
    features: pd.DataFrame | Columns,
    bundle: Bundle,
    *,
    scored_at: datetime | None = None,
    model_version: str | int | None = None,
    reasons: bool = True,
    horizon_days: int | None = None,
    value_horizon_days: int | None = None,
    annual_discount_rate: float | None = None,
    interval: float = 0.8,
    random_state: int = 0,
    ranks: Ranks = "auto",
) -> dict[str, Any]:
    """The columns of the scorecard as arrays, before :mod:`patron.scores.columns` formats them.

    Parameters
    ----------
    features
        as for `make_scorecard`, or the same as arrays
    bundle, scored_at, model_version, reasons, horizon_days
        see `make_scorecard`
    value_horizon_days, annual_discount_rate, interval, random_state, ranks
        see `make_scorecard`

    Returns
    -------
    dict[str, Any]
        column → (n_customers,) values, or one value for all
    """
    horizon_days = _days("horizon_days", horizon_days, bundle.horizon_days)
    value_horizon_days = _days("value_horizon_days", value_horizon_days, bundle.value_horizon_days)
    share("interval", interval, ends="()", example="80 % as 0.8")
    complete = _holds_the_catalogue(features, bundle)
    ids, rows = features["customer_id"], _as_arrays(features, bundle)
    purchases = purchase_columns(rows)
    broken = broken_rules(purchases)
    as_of = _as_of(rows)

    scorable = np.flatnonzero([rule is None for rule in broken])
    known = rows if len(scorable) == len(ids) else take_rows(rows, scorable)
    bought = {name: column[scorable] for name, column in purchases.items()}
    asked = {**known, **bought} if complete else bought
    predicted = _predict(
        asked,
        bundle,
        ranks=ranks,
        horizon_days=horizon_days,
        value_horizon_days=value_horizon_days,
        annual_discount_rate=_rate(annual_discount_rate),
        interval=interval,
        random_state=random_state,
    )
    scored = {
        **{name: predicted[name] for name in FROM_VALUE_MODEL},
        **decide({**known, **bought}, predicted, bundle.margin, bundle.policy, bundle.tiers),
        "churn_probability": predicted["churn_probability"],
        "next_purchase_on": _days_later(as_of[scorable], predicted["next_purchase_days"]),
        "overdue_ratio": figures(known, "overdue_ratio", np.nan),
        **(_reasons(asked, bundle, predicted, horizon_days, ranks) if reasons else {}),
    }
    broken[scorable] = None if complete else ONLY_PURCHASE_COLUMNS
    provenance = {
        "customer_id": ids,
        "as_of": as_of,
        "horizon_days": horizon_days,
        "value_horizon_days": value_horizon_days,
        "model_version": None if model_version is None else str(model_version),
        "scored_at": _utc(scored_at),
        "not_scored_reason": broken,
    }
    return provenance | _placed(scored, scorable, len(ids))


def freeze_tiers(
    bundle: Bundle,
    features: pd.DataFrame,
    *,
    shares: tuple[float, float] = (0.10, 0.50),
    offer: Mapping[str, float] | None = None,
    stages: StageRules | None = None,
) -> Bundle:
    """The bundle with tiers, policy and reference population, frozen from the customers of the training.

    Parameters
    ----------
    bundle
        trained model
    features
        one row per customer of the training, as of its last day: all features of the catalogue
    shares
        of the customers that are vip, and that are vip or medium
    offer
        incentive, contact_cost (money) and acceptance (probability); missing amounts are set in proportion
        to the median expected order
    stages
        the rules of lifecycle_stage; `StageRules()` if None

    Returns
    -------
    Bundle
        with tiers, policy, the type of ids, and the distributions of features and scores

    Raises
    ------
    RangeError
        the value of no customer is known, or a share or the offer is out of range

    Examples
    --------
    See :class:`patron.models.bundle.tiers.Tiers`.
    """
    card = make_scorecard(features, bundle, reasons=False)
    whole = pd.api.types.is_integer_dtype(features["customer_id"].dtype)
    scores = {name: card[name].to_numpy() for name in ("churn_probability", "expected_value")}
    tiers = Tiers.from_values(card["customer_value"], *shares)
    typical = TypicalOffer.of_orders(float(card["expected_order_value"].median()))
    return replace(
        bundle,
        tiers=tiers,
        policy=Policy(offer=replace(typical, **(offer or {})), stages=stages or StageRules()),
        reference=Reference.learn(features[list(bundle.catalogue.names)].assign(**scores)),
        customer_ids="whole" if whole else "text",
    )


def _days(name: str, given: int | None, own: int) -> int:
    if given is None:
        return own
    if not 1 <= given <= FARTHEST_DAYS or given % 1:  # written so that NaN fails too
        raise RangeError(f"{name} must be a whole number of days from 1 to {FARTHEST_DAYS}, got {given!r}.")
    return int(given)


def _rate(annual_discount_rate: float | None) -> float | None:
    if annual_discount_rate is None:
        return None
    return share("annual_discount_rate", annual_discount_rate, example="10 % as 0.10")


def _predict(asked: Columns, bundle: Bundle, **settings: Any) -> dict[str, Floats]:
    if count_rows(asked) == 0:
        wanted = ("churn_probability", *FROM_VALUE_MODEL, "next_purchase_days")
        return {name: np.empty(0) for name in wanted}
    return predict_columns(bundle, asked, **settings)


def _as_arrays(features: pd.DataFrame | Columns, bundle: Bundle) -> Columns:
    if not isinstance(features, pd.DataFrame):
        return features
    numbers = (name for name in bundle.catalogue.numbers if name not in RFM_COLUMNS)
    return as_columns(features, (name for name in numbers if name in features), "the feature rows")


def _holds_the_catalogue(features: pd.DataFrame | Columns, bundle: Bundle) -> bool:
    """Whether the rows have all features of the catalogue; False if only the purchase columns."""
    if "customer_id" not in features:
        raise TableError("The feature rows lack customer_id: give each row the id of its customer.")
    absent = [name for name in bundle.catalogue.names if name not in features]
    given = [name for name in bundle.catalogue.names if name in features and name not in RFM_COLUMNS]
    if absent and given:
        raise TableError(
            f"The feature rows lack {len(absent)} of the {len(bundle.catalogue)} features of this model: "
            f"{some(absent)}. Give all of them, null where unknown, or none but {', '.join(RFM_COLUMNS)}."
        )
    return not absent and "net_spend_total" in bundle.catalogue


def _reasons(
    asked: Columns, bundle: Bundle, predicted: Columns, horizon_days: int, ranks: Ranks
) -> dict[str, Any]:
    if count_rows(asked) == 0:
        return {}
    complete = all(name in asked for name in bundle.catalogue.names)
    if bundle.churn is not None and complete and horizon_days == bundle.horizon_days:
        figures = pd.DataFrame({name: asked[name] for name in bundle.catalogue.names})
        seen = tree_view(bundle, figures, pd.DataFrame(predicted), ranks)
        said = explain_risk(seen.figures, bundle.churn, bundle.catalogue, seen.rows)
        return dict(zip(REASON_COLUMNS, said.T, strict=True))
    if bundle.churn is None:
        why = "this model has no churn classifier"
    elif complete:
        why = f"the churn classifier was trained for {bundle.horizon_days} days"
    else:
        return {}  # not_scored_reason says what was missing
    return {REASON_COLUMNS[0]: f"churn_probability is P(no purchase in {horizon_days} days): {why}"}


def _placed(scored: dict[str, Any], scorable: npt.NDArray[np.intp], rows: int) -> dict[str, Any]:
    """The values of the scorable rows, placed among all rows; the others are unknown."""
    if len(scorable) == rows:
        return scored
    placed = {}
    for name, values in scored.items():
        column = np.asarray(values)
        kind = np.dtype(object) if column.dtype.kind in "OU" else column.dtype
        unknown = {"M": np.datetime64("NaT", "D"), "f": np.nan}.get(kind.kind)
        placed[name] = np.full(rows, unknown, dtype=kind)
        placed[name][scorable] = column
    return placed


def _as_of(features: Columns) -> Days:
    if "as_of" not in features:
        return np.full(count_rows(features), "NaT", dtype="datetime64[D]")
    if features["as_of"].dtype == "datetime64[D]":
        return features["as_of"]
    try:
        return dates(features["as_of"])
    except (TypeError, ValueError) as error:
        raise TableError(
            "The column 'as_of' of the feature rows must hold dates, such as 2024-12-31."
        ) from error


def _days_later(as_of: Days, days: Floats) -> Days:
    """as_of plus a number of days, rounded up; NaT if unknown or over a century away."""
    near = np.isfinite(days) & (days <= FARTHEST_DAYS)
    later = np.ceil(np.where(near, days, 0)).astype("timedelta64[D]")
    return np.where(near, as_of + later, np.datetime64("NaT", "D"))


def _utc(moment: datetime | None) -> pd.Timestamp:
    stamp = pd.Timestamp(datetime.now(UTC) if moment is None else moment)
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
