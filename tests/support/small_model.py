"""Parts of a small trained model: real estimators, made customers."""

from datetime import date

import numpy as np
import pandas as pd

from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.model import CustomerValueModel
from patron.models.value.purchases.model import BetaGeoModel

AS_OF = date(2024, 6, 30)


def _number(name, family, unit, words, when_none=0.0):
    return FeatureSpec(name, family, unit, "number", words, when_none=when_none)


LAST_ORDER = "last order {value:day} ago[, usually every {gap_median:day}]"

CATALOGUE = FeatureCatalogue(
    (
        _number("frequency", "frequency", "purchase day", "{value:repeat purchase} in {T:day}"),
        _number("recency", "recency", "day", "last order {value:day} after the first", None),
        _number("T", "tenure", "day", "first order {value:day} ago", None),
        _number("monetary_value", "spend", "money", "{value:money} per repeat purchase on average"),
        _number("days_since_last", "recency", "day", LAST_ORDER, None),
        _number("gap_median", "rhythm", "day", "usually every {value:day}", None),
        _number("overdue_ratio", "rhythm", "ratio", "{value:.1f} times the usual gap since then", None),
        _number("orders_90d", "frequency", "order", "{value:order} in the last 90 days"),
        _number("net_spend_total", "spend", "money", "{value:money} spent in all"),
        _number("cost_total", "spend", "money", "{value:money} to serve"),
        _number("acquisition_cost", "attributes", "money", "{value:money} to acquire"),
        FeatureSpec("attribute_plan", "attributes", "category", "category", "plan is {value}"),
    )
)


def make_rows(n_customers: int, seed: int = 0) -> pd.DataFrame:
    """Feature rows of customers who do not exist: customer_id, as_of, the features of `CATALOGUE`."""
    rng = np.random.default_rng(seed)
    T = rng.integers(30, 700, n_customers).astype(float)
    frequency = np.minimum(rng.poisson(3, n_customers), T // 10)
    recency = np.where(frequency > 0, np.maximum(frequency, np.floor(T * rng.random(n_customers))), 0.0)
    gap = np.where(frequency > 0, recency / np.maximum(frequency, 1), np.nan)
    return pd.DataFrame(
        {
            "customer_id": [f"customer-{i}" for i in range(n_customers)],
            "as_of": [AS_OF] * n_customers,
            "frequency": frequency,
            "recency": recency,
            "T": T,
            "monetary_value": np.where(frequency > 0, rng.gamma(4, 8, n_customers).round(2) + 1, 0.0),
            "days_since_last": T - recency,
            "gap_median": gap,
            "overdue_ratio": (T - recency) / gap,
            "orders_90d": rng.poisson(1, n_customers).astype(float),
            "net_spend_total": (frequency + 1) * 20.0,
            "cost_total": 2.0 * frequency,
            "acquisition_cost": 5.0,
            "attribute_plan": rng.choice(["basic", "gold", None], n_customers),
        }
    )


def make_value_model() -> CustomerValueModel:
    return CustomerValueModel(
        BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
        GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44),
        margin=0.5,
        annual_discount_rate=0.10,
    )
