"""Customer lifetime value: purchases × spend × margin, discounted.

`CustomerValueModel` joins a purchase model (who will buy, how often) and a spend model (for how much) into
the money that each customer will bring, with an interval of what the customer may really bring. It holds
parameter draws only, no customer rows; `save` keeps them in one file of less than a megabyte. It predicts
with NumPy, SciPy and pandas alone.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats
from patron.errors import RangeError
from patron.models.inference.stored import Stored, below
from patron.models.value.gamma_gamma import GammaGammaModel
from patron.models.value.parameter_groups import thinned
from patron.models.value.pooled_spend import one_price, population_spend
from patron.models.value.posterior_predictive import OutlookSettings
from patron.models.value.purchases import BetaGeoModel
from patron.models.value.purchases.expectation import (
    discounted_expected_purchases,
    expected_purchases_new_customer,
)
from patron.models.value.query import ask_all, ask_checked, settings_in_days
from patron.models.value.rfm import Customers, read_customers
from patron.money import DAYS_PER_UNIT, continuous_rate, valid_margin

__all__ = ["CustomerValueModel"]


PURCHASES, SPEND = "purchases/", "spend/"


class CustomerValueModel(Stored):
    """What each customer is worth over any horizon, with honest intervals.

    Parameters
    ----------
    purchases
        the model of purchases; by default BG/NBD. Fitted in place by `fit`
    spend
        the model of the value of an order; by default Gamma-Gamma. Fitted in place by `fit`
    margin
        share of revenue in [0, 1] that is kept; `predict` also takes one per customer
    annual_discount_rate
        per year, at least 0, compounded continuously; 10 % is 0.10

    Raises
    ------
    RangeError
        margin or annual_discount_rate is out of range

    Notes
    -----
    The expected value is an analytic mean, averaged over the posterior draws of both models:
    margin · E[∫ e^(-δτ) dN(τ)] · E[mean order]. Means are additive: a longer horizon is never worth less.

    The interval is of what the customer may do, not of the mean. It comes from `n_draws` futures, each with
    its own posterior draw: alive or not, a purchase rate, a chance to leave, days of purchase, order values.
    Every customer meets the same luck (common random numbers), so a customer's numbers depend on nothing but
    the customer, the model and `random_state`: not on other rows, their order or their number. The interval
    of a total cannot be formed from them. Where much of the probability lies at 0, the interval starts at 0
    and is the shortest that does (see `patron.models.value.intervals`).

    References
    ----------
    Fader, Hardie & Lee (2005), RFM and CLV: using iso-value curves for customer base analysis, Journal of
    Marketing Research 42(4), 415-430.

    Examples
    --------
    >>> model = CustomerValueModel(
    ...     BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
    ...     GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44),
    ...     margin=0.3,
    ... )
    >>> rfm = pd.DataFrame({"customer_id": ["b", "a"], "frequency": [2, 0], "recency": [213, 0],
    ...                     "T": [272, 272], "monetary_value": [22.35, 0.0]})
    >>> scores = model.predict(rfm, horizon_days=90)
    >>> scores[["customer_id", "p_no_purchase", "expected_value", "expected_value_high"]].round(2)
      customer_id  p_no_purchase  expected_value  expected_value_high
    0           b           0.68            3.31                 7.49
    1           a           0.94            0.72                 0.00
    """

    def __init__(
        self,
        purchases: BetaGeoModel | None = None,
        spend: GammaGammaModel | None = None,
        *,
        margin: float = 1.0,
        annual_discount_rate: float = 0.10,
    ) -> None:
        self.purchases = BetaGeoModel() if purchases is None else purchases
        self.spend = GammaGammaModel() if spend is None else spend
        self.margin = float(valid_margin(margin))
        continuous_rate(annual_discount_rate)  # refuses what is no rate
        self.annual_discount_rate = float(annual_discount_rate)

    def fit(self, rfm: pd.DataFrame) -> Self:
        """Fit both parts to the customers in `rfm`.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, recency, T, monetary_value. A column
            first_order_value, if there is one, is used when nobody has bought twice.

        Returns
        -------
        Self
            self

        Raises
        ------
        TableError
            a row breaks a rule of RFM tables
        InputError
            nobody has bought twice, and the table does not say what an order is worth

        Warns
        -----
        PatronWarning
            nobody has bought twice: every customer's expected order value is the population mean
        """
        customers = read_customers(rfm, purchases=True, spend=True)
        self.purchases.fit(rfm)
        if not (customers.frequency > 0).any():
            self.spend = population_spend(rfm)
        elif (fixed := one_price(rfm)) is not None:
            self.spend = fixed
        else:
            self.spend.fit(rfm)
        return self

    def predict(
        self,
        rfm: pd.DataFrame,
        horizon_days: float,
        *,
        value_horizon_days: float = 365,
        interval: float = 0.8,
        n_draws: int = 200,
        random_state: int = 0,
        margin: npt.ArrayLike | None = None,
    ) -> pd.DataFrame:
        """The value columns of the scorecard.

        Parameters
        ----------
        rfm
            one row per customer: customer_id, frequency, recency, T, monetary_value
        horizon_days
            days ahead for all columns but growth_potential
        value_horizon_days
            days ahead for growth_potential; infinite for the whole lifetime
        interval
            probability in (0, 1) that the intervals hold
        n_draws
            simulated futures of each customer, and the most posterior draws that means are taken over
        random_state
            seed of the futures
        margin
            share of revenue in [0, 1], one number or one per row of `rfm`; the model's own by default

        Returns
        -------
        pd.DataFrame
            DataFrame, one row per row of `rfm`, in its order:

            - customer_id
            - p_alive, p_no_purchase : probability of still being a customer; of buying nothing in the horizon
            - expected_purchases : purchases in the horizon
            - expected_order_value : money per order, before the margin
            - expected_value, expected_value_low, expected_value_high : discounted margin in the horizon
            - growth_potential, growth_potential_low, growth_potential_high : the same over
              `value_horizon_days`
            - next_purchase_days : median days from today to the next purchase, if alive

        Raises
        ------
        TableError
            a row breaks a rule of RFM tables
        RangeError
            a horizon, the interval, n_draws or a margin is out of range
        NotFittedError
            a part of the model is not fitted
        """
        settings = self._settings(horizon_days, value_horizon_days, interval, n_draws, random_state)
        customers, found = ask_all(lambda outlook, _: outlook.columns(), *self._parts, rfm, settings)
        columns = self._in_money(found, self._margins(margin, len(customers)))
        return pd.DataFrame({"customer_id": customers.ids, **columns})

    def expected(
        self,
        customers: Customers,
        horizon_days: float,
        *,
        value_horizon_days: float = 365,
        interval: float = 0.8,
        random_state: int = 0,
    ) -> dict[str, Floats]:
        """The columns of `predict` but the id, as arrays, of customers who have been checked.

        Parameters
        ----------
        customers
            as :func:`patron.models.value.rfm.read_customers` gives them
        horizon_days, value_horizon_days, interval, random_state
            see `predict`

        Raises
        ------
        TableError
            the model has covariates
        RangeError, NotFittedError
            see `predict`
        """
        settings = self._settings(horizon_days, value_horizon_days, interval, 200, random_state)
        found = ask_checked(*self._parts, customers, settings)
        return self._in_money(found, self._margins(None, len(customers)))

    def probability_value_above(
        self,
        rfm: pd.DataFrame,
        threshold: npt.ArrayLike,
        horizon_days: float,
        *,
        n_draws: int = 200,
        random_state: int = 0,
        margin: npt.ArrayLike | None = None,
    ) -> pd.Series:
        """The probability that a customer brings more than `threshold` within the horizon.

        Parameters
        ----------
        rfm, horizon_days, n_draws, random_state, margin
            see `predict`
        threshold
            money (discounted margin), at least 0, one number or one per row of `rfm`

        Returns
        -------
        pd.Series
            Series of probabilities by customer_id, in the order of `rfm`

        Raises
        ------
        TableError, RangeError, NotFittedError
            see `predict`

        Examples
        --------
        >>> model = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
        ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44))
        >>> rfm = pd.DataFrame({"customer_id": [7], "frequency": [2], "recency": [213], "T": [272],
        ...                     "monetary_value": [22.35]})
        >>> model.probability_value_above(rfm, threshold=20.0, horizon_days=90).round(2).to_dict()
        {7: 0.25}
        """
        customers = read_customers(rfm, purchases=True, spend=True)
        wanted = _for_each(np.asarray(threshold, dtype=np.float64), "threshold", len(customers))
        if not ((wanted >= 0) & (wanted < np.inf)).all():
            raise RangeError(f"threshold must be finite money of at least 0, got {threshold!r}.")
        kept = self._margins(margin, len(customers))
        revenue = np.where(kept > 0, wanted / np.where(kept > 0, kept, 1.0), np.inf)
        settings = self._settings(horizon_days, horizon_days, 0.8, n_draws, random_state)
        _, found = ask_all(
            lambda outlook, rows: {"p": outlook.exceedance(revenue[rows])}, *self._parts, rfm, settings
        )
        return customers.series(found["p"], "probability_value_above")

    def predict_purchases(
        self,
        rfm: pd.DataFrame,
        horizon_days: float,
        *,
        interval: float = 0.8,
        n_draws: int = 200,
        random_state: int = 0,
    ) -> pd.DataFrame:
        """Expected purchases in the horizon, with an interval of what the customer may do.

        Parameters
        ----------
        rfm, horizon_days, interval, n_draws, random_state
            see `predict`

        Returns
        -------
        pd.DataFrame
            DataFrame, one row per row of `rfm`, in its order: customer_id, expected_purchases,
            expected_purchases_low, expected_purchases_high

        Raises
        ------
        TableError, RangeError, NotFittedError
            see `predict`

        Examples
        --------
        >>> model = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
        ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44))
        >>> rfm = pd.DataFrame({"customer_id": [7], "frequency": [26], "recency": [216], "T": [217],
        ...                     "monetary_value": [22.35]})
        >>> model.predict_purchases(rfm, horizon_days=273).round(1).iloc[0].to_dict()
        {'customer_id': 7.0, 'expected_purchases': 20.7, 'expected_purchases_low': 3.0,
         'expected_purchases_high': 36.0}
        """
        settings = self._settings(horizon_days, horizon_days, interval, n_draws, random_state)
        customers, found = ask_all(
            lambda outlook, _: outlook.expectations() | outlook.purchase_interval(),
            *self._parts,
            rfm,
            settings,
        )
        names = {"purchases": "", "low": "_low", "high": "_high"}
        bounds = {f"expected_purchases{end}": found[name] for name, end in names.items()}
        return pd.DataFrame({"customer_id": customers.ids, **bounds})

    def predict_new_customer(self, horizon_days: float) -> pd.Series:
        """What a customer of whom nothing is known yet will do after the first order.

        Parameters
        ----------
        horizon_days
            days since the first order

        Returns
        -------
        pd.Series
            Series: expected_purchases (repeat purchases), expected_order_value (money, before the margin) and
            expected_value (discounted margin of the repeat purchases; the first order itself comes on top)

        Raises
        ------
        RangeError
            the horizon is not positive and finite
        NotFittedError
            a part of the model is not fitted

        Examples
        --------
        >>> model = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
        ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44))
        >>> model.predict_new_customer(horizon_days=273).round(2).to_dict()
        {'expected_purchases': 1.2, 'expected_order_value': 35.22, 'expected_value': 40.9}
        """
        bought, spent = self.purchases.to_arrays()[0], self.spend.to_arrays()[0]
        ahead = self._settings(horizon_days, horizon_days, 0.8, 200, 0)
        horizon, rate = ahead.horizon, ahead.rate
        draws, family = thinned(bought, 1000), self.purchases.family
        r, alpha, a, b = (draws[name] for name in ("r", "alpha", "a", "b"))
        purchases = expected_purchases_new_customer(r, alpha, a, b, horizon, family).mean()
        discounted = discounted_expected_purchases(r, alpha, a, b, 0, 0, 0, rate, horizon, family).mean()
        order = float(np.mean(spent["p"] * spent["v"] / (spent["q"] - 1)))
        worth = self.margin * order * discounted
        columns = ("expected_purchases", "expected_order_value", "expected_value")
        return pd.Series((purchases, order, worth), index=columns)

    def to_arrays(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """The fitted model as arrays and plain values: parameter draws and settings, no customer rows.

        Returns
        -------
        arrays
            name → array of numbers
        meta
            values that JSON can hold
        """
        bought, purchases = self.purchases.to_arrays()
        spent, spend = self.spend.to_arrays()
        arrays = {PURCHASES + name: values for name, values in bought.items()}
        arrays |= {SPEND + name: values for name, values in spent.items()}
        return arrays, {
            "model": type(self).__name__,
            "margin": self.margin,
            "annual_discount_rate": self.annual_discount_rate,
            "purchases": purchases,
            "spend": spend,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """The model that `to_arrays` took apart.

        Examples
        --------
        >>> model = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
        ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44), margin=0.3)
        >>> CustomerValueModel.from_arrays(*model.to_arrays()).margin
        0.3
        """
        return cls(
            BetaGeoModel.from_arrays(below(PURCHASES, arrays), meta["purchases"]),
            GammaGammaModel.from_arrays(below(SPEND, arrays), meta["spend"]),
            margin=meta["margin"],
            annual_discount_rate=meta["annual_discount_rate"],
        )

    @property
    def _parts(self) -> tuple[BetaGeoModel, GammaGammaModel]:
        return self.purchases, self.spend

    def _settings(
        self, horizon_days: float, value_horizon_days: float, interval: float, n_draws: int, random_state: int
    ) -> OutlookSettings:
        rate, unit = self.annual_discount_rate, self.purchases.time_unit
        return settings_in_days(
            horizon_days, value_horizon_days, rate, unit, interval, n_draws=n_draws, random_state=random_state
        )

    def _in_money(self, found: Mapping[str, Floats], kept: Floats) -> dict[str, Floats]:
        money = {
            f"{column}{bound}": kept * found[f"{name}{bound}"]
            for column, name in (("expected_value", "value"), ("growth_potential", "growth"))
            for bound in ("", "_low", "_high")
        }
        return {
            "p_alive": found["p_alive"],
            "p_no_purchase": found["p_no_purchase"],
            "expected_purchases": found["purchases"],
            "expected_order_value": found["order_value"],
            **money,
            "next_purchase_days": found["next_purchase"] * DAYS_PER_UNIT[self.purchases.time_unit],
        }

    def _margins(self, margin: npt.ArrayLike | None, n_customers: int) -> Floats:
        return _for_each(valid_margin(self.margin if margin is None else margin), "margin", n_customers)


def _for_each(numbers: Floats, name: str, n: int) -> Floats:
    """The number of each of n customers, whether one for all was given or one for each."""
    if numbers.ndim and numbers.shape != (n,):
        raise RangeError(f"{name} must be one number or {n}, one per customer, got {numbers.shape}.")
    return np.broadcast_to(numbers, n)
