"""Customer lifetime value: purchases × spend × margin, discounted.

`CustomerValueModel` joins a purchase model (who will buy, how often) and a spend model (for how much) into
the money that each customer will bring, with an interval of what the customer may really bring. It holds
parameter draws only, no customer rows; `save` keeps them in one file of less than a megabyte. It predicts
with NumPy, SciPy and pandas alone.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Floats, Index
from patron.checks import finite, share, whole_number
from patron.errors import PatronWarning, RangeError, TableError
from patron.models.inference.stored import Stored, with_prefix
from patron.models.value.gamma_gamma import GammaGammaModel, one_price, population_spend
from patron.models.value.parameter_groups import parameter_groups, shared_parameters, thinned
from patron.models.value.posterior_predictive import Buyers, PosteriorPredictive, PredictiveSettings
from patron.models.value.purchases.expectation import (
    discounted_expected_purchases,
    expected_purchases_new_customer,
)
from patron.models.value.purchases.model import BetaGeoModel
from patron.models.value.rfm import Customers, read_customers
from patron.money import DAYS_PER_UNIT, continuous_rate, convert_period, valid_margin

__all__ = ["CustomerValueModel"]

type Question = Callable[[PosteriorPredictive, Index], Mapping[str, Floats]]

_PURCHASES, _SPEND = "purchases/", "spend/"  # prefixes of the names of stored arrays
_EXPECTATIONS = {
    "p_alive": "p_alive",
    "p_no_purchase": "p_no_purchase",
    "expected_purchases": "purchases",
    "expected_order_value": "order_value",
}
_MANY_GROUPS = 1000  # groups of equal covariates above which a warning is given: each takes about 20 ms


class CustomerValueModel(Stored):
    """The value of each customer over any horizon, with predictive intervals.

    Parameters
    ----------
    purchases
        the model of purchases; by default BG/NBD. Fitted in place by `fit`
    spend
        the model of order values; by default Gamma-Gamma. Fitted in place by `fit`
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

    The interval covers what the customer may do, not the mean. It comes from `n_draws` futures, each with
    its own posterior draw: alive or not, a purchase rate, a chance to leave, days of purchase, order values.
    All customers share one set of random numbers (common random numbers), so the result depends only on the
    customer, the model and `random_state`: not on other rows, their order or their number. The interval
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
            nobody has bought twice, and the table has no order value

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
            simulated futures per customer, and maximum number of posterior draws that means are taken over
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
        settings = self._settings(
            horizon_days, value_horizon_days, interval, n_draws=n_draws, random_state=random_state
        )
        customers, found = self._ask(lambda predictive, _: predictive.columns(), rfm, settings)
        columns = self._in_money(found, self._margins(margin, len(customers)))
        return pd.DataFrame({"customer_id": customers.ids, **columns})

    def expectations(
        self,
        rfm: pd.DataFrame,
        horizon_days: float,
        *,
        value_horizon_days: float | None = None,
        annual_discount_rate: float | None = None,
        n_draws: int = 200,
        random_state: int = 0,
    ) -> dict[str, Floats]:
        """The expectations of `predict` before the margin, as arrays, without simulated intervals.

        Parameters
        ----------
        rfm, horizon_days, n_draws, random_state
            see `predict`
        value_horizon_days
            days ahead for the discounted expectations; `horizon_days` if None
        annual_discount_rate
            per year, ≥ 0; the model's own if None

        Returns
        -------
        dict[str, Floats]
            p_alive, p_no_purchase, expected_purchases and expected_order_value, (n_customers,) each

        Examples
        --------
        >>> model = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
        ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44))
        >>> rfm = pd.DataFrame({"customer_id": [7], "frequency": [2], "recency": [213], "T": [272],
        ...                     "monetary_value": [22.35]})
        >>> {name: float(values[0].round(2)) for name, values in model.expectations(rfm, 90).items()}
        {'p_alive': 0.73, 'p_no_purchase': 0.68, 'expected_purchases': 0.45, 'expected_order_value': 24.66}
        """
        settings = self._settings(
            horizon_days,
            horizon_days if value_horizon_days is None else value_horizon_days,
            n_draws=n_draws,
            random_state=random_state,
            annual_discount_rate=annual_discount_rate,
        )
        _, found = self._ask(lambda predictive, _: predictive.expectations(), rfm, settings)
        return {column: found[name] for column, name in _EXPECTATIONS.items()}

    def predict_checked(
        self,
        customers: Customers,
        horizon_days: float,
        *,
        value_horizon_days: float = 365,
        annual_discount_rate: float | None = None,
        interval: float = 0.8,
        random_state: int = 0,
    ) -> dict[str, Floats]:
        """The columns of `predict` without the id, as arrays, for customers whose rows have been checked.

        Parameters
        ----------
        customers
            as :func:`patron.models.value.rfm.read_customers` returns them
        horizon_days, value_horizon_days, interval, random_state
            see `predict`
        annual_discount_rate
            per year, ≥ 0; the model's own if None

        Returns
        -------
        dict[str, Floats]
            column → (n_customers,)

        Raises
        ------
        TableError
            the model has covariates
        """
        draws = shared_parameters(self.purchases, self.spend)
        if draws is None:
            raise TableError("The value model has covariates, and these customers come without them.")
        settings = self._settings(
            horizon_days,
            value_horizon_days,
            interval,
            random_state=random_state,
            annual_discount_rate=annual_discount_rate,
        )
        found = PosteriorPredictive(draws, _buyers(customers), settings).columns()
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
        finite("threshold", wanted, lowest=0)
        kept = self._margins(margin, len(customers))
        revenue = np.where(kept > 0, wanted / np.where(kept > 0, kept, 1.0), np.inf)
        settings = self._settings(horizon_days, horizon_days, n_draws=n_draws, random_state=random_state)
        _, found = self._ask(
            lambda predictive, rows: {"p": predictive.exceedance(revenue[rows])}, rfm, settings
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
        settings = self._settings(
            horizon_days, horizon_days, interval, n_draws=n_draws, random_state=random_state
        )
        customers, found = self._ask(
            lambda predictive, _: predictive.expectations() | predictive.purchase_interval(), rfm, settings
        )
        names = {"purchases": "", "low": "_low", "high": "_high"}
        bounds = {f"expected_purchases{end}": found[name] for name, end in names.items()}
        return pd.DataFrame({"customer_id": customers.ids, **bounds})

    def predict_new_customer(self, horizon_days: float) -> pd.Series:
        """The expected purchases and value of a new customer after the first order.

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
        ahead = self._settings(horizon_days, horizon_days)
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
        arrays = {_PURCHASES + name: values for name, values in bought.items()}
        arrays |= {_SPEND + name: values for name, values in spent.items()}
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

        Parameters
        ----------
        arrays, meta
            as in :meth:`patron.models.inference.stored.Stored.from_arrays`

        Examples
        --------
        >>> model = CustomerValueModel(BetaGeoModel.from_params(r=0.243, alpha=30.9, a=0.793, b=2.426),
        ...                            GammaGammaModel.from_params(p=6.25, q=3.74, v=15.44), margin=0.3)
        >>> CustomerValueModel.from_arrays(*model.to_arrays()).margin
        0.3
        """
        return cls(
            BetaGeoModel.from_arrays(with_prefix(_PURCHASES, arrays), meta["purchases"]),
            GammaGammaModel.from_arrays(with_prefix(_SPEND, arrays), meta["spend"]),
            margin=meta["margin"],
            annual_discount_rate=meta["annual_discount_rate"],
        )

    def _ask(
        self, question: Question, rfm: pd.DataFrame, settings: PredictiveSettings
    ) -> tuple[Customers, dict[str, Floats]]:
        """The customers of `rfm`, and what `question` returns for each, in the order of the rows.

        The question gets the posterior predictive of each group of equal covariates, and the group's rows.
        """
        customers = read_customers(rfm, purchases=True, spend=True)
        buyers = _buyers(customers)
        found: dict[str, Floats] = {}
        groups = parameter_groups(self.purchases, self.spend, rfm)
        if len(groups) > _MANY_GROUPS:
            warnings.warn(
                f"the covariates have {len(groups):,} distinct combinations, and each takes about 20 "
                "milliseconds. Group numeric covariates into bands before fitting.",
                PatronWarning,
                stacklevel=3,
            )
        for rows, draws in groups:
            for name, values in question(PosteriorPredictive(draws, buyers[rows], settings), rows).items():
                found.setdefault(name, np.empty(len(customers)))[rows] = values
        return customers, found

    def _settings(
        self,
        horizon_days: float,
        value_horizon_days: float,
        interval: float = 0.8,
        *,
        n_draws: int = 200,
        random_state: int = 0,
        annual_discount_rate: float | None = None,
    ) -> PredictiveSettings:
        """The horizons, discount rate and draws in the time unit of the purchase model, checked."""
        share("interval", interval, ends="()", example="80 % as 0.80")
        if n_draws < 10:
            raise RangeError(f"n_draws must be at least 10 for an interval, got {n_draws!r}. 200 is plenty.")
        unit = self.purchases.time_unit
        rate = continuous_rate(
            self.annual_discount_rate if annual_discount_rate is None else annual_discount_rate, unit
        )
        value_horizon = _positive_days(value_horizon_days, "value_horizon_days", endless=rate > 0)
        return PredictiveSettings(
            horizon=float(convert_period(_positive_days(horizon_days, "horizon_days"), "D", to=unit)),
            value_horizon=float(convert_period(value_horizon, "D", to=unit)),
            rate=rate,
            n_draws=n_draws,
            random_state=whole_number("random_state", random_state, 0),
            interval=interval,
        )

    def _in_money(self, found: Mapping[str, Floats], kept: Floats) -> dict[str, Floats]:
        money = {
            f"{column}{bound}": kept * found[f"{name}{bound}"]
            for column, name in (("expected_value", "value"), ("growth_potential", "growth"))
            for bound in ("", "_low", "_high")
        }
        return {
            **{column: found[name] for column, name in _EXPECTATIONS.items()},
            **money,
            "next_purchase_days": found["next_purchase"] * DAYS_PER_UNIT[self.purchases.time_unit],
        }

    def _margins(self, margin: npt.ArrayLike | None, n_customers: int) -> Floats:
        return _for_each(valid_margin(self.margin if margin is None else margin), "margin", n_customers)


def _for_each(numbers: Floats, name: str, n: int) -> Floats:
    """One number per customer, from one for all or one for each."""
    if numbers.ndim and numbers.shape != (n,):
        raise RangeError(f"{name} must be one number or {n}, one per customer, got {numbers.shape}.")
    return np.broadcast_to(numbers, n)


def _positive_days(days: float, name: str, endless: bool = False) -> float:
    if not days > 0 or (np.isinf(days) and not endless):  # written so that NaN fails too
        hint = " A whole lifetime needs value_horizon_days and a discount rate above 0." if days > 0 else ""
        raise RangeError(f"{name} must be a positive number of days, got {days!r}.{hint}")
    return float(days)


def _buyers(customers: Customers) -> Buyers:
    seen = np.where(customers.frequency > 0, customers.monetary_value, 0.0)
    return Buyers(customers.frequency, customers.recency, customers.T, seen)
