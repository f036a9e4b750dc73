"""One expected value out of two, by stacking: the purchase and spend models, and boosted trees.

Neither is better everywhere: where customers buy at random at individual rates, BG/NBD × Gamma-Gamma is hard
to beat; where they do not, trees are. So the newest snapshot with a complete outcome window, on which neither
was fitted, decides::

    weights      each part is corrected for its total bias; the weights are those that would have described
                 that snapshot best
    deciles      customers in ten groups by the weighted sum: a group that brought more or less is rescaled
    interval     moved with the mean, and stretched to cover 80 % of the customers with an open interval

Everything is shrunk towards the usual weights and towards no change, the more, the fewer customers bought.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import isotonic_regression

from patron.arrays import Floats
from patron.errors import InputError, some

__all__ = ["ValueStacking", "known_money"]


USUAL_WEIGHT = 0.7  # of the trees, which have the expectations of the models among their features
BUYERS_FOR_TREES = 1000  # buyers that trees must have seen for their full usual weight
BUYERS_FOR_WEIGHT = 1500  # buyers at which the fitted weight counts as much as the usual one
BUYERS_FOR_TOTAL = 20
BUYERS_FOR_DECILE = 60
BUYERS_FOR_INTERVAL = 50
POWER = 1.5  # of the Tweedie deviance: variance as the mean to this power
SMALLEST = 1e-4  # of the mean value: a lower bound, so that deviances and logarithms exist
FARTHEST_STRETCH = 20.0
KEEPS_ORDER = 0.02  # share of the slope that is kept where deciles do not differ


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueStacking:
    """Weights of the two parts in the expected value, and the calibration of the sum and its interval.

    Attributes
    ----------
    btyd_factor, tree_factor
        correction factors of the total bias of each part
    tree_weight
        weight of the trees in [0, 1], after that correction
    smallest
        money, the minimum expected value of a customer
    mean
        money, mean of the weighted sum
    combined, calibrated
        (n_knots,) logarithms of money, rising: weighted sum → expected value; linear between knots, parallel
        to the diagonal beyond them
    low_stretch, high_stretch
        factors on the bounds after they have moved with the mean
    customers, buyers
        counts on the snapshot that it was fitted on
    coverage
        share of those customers within their interval, of those whose interval is open

    Examples
    --------
    Trees that differentiate between customers, and a model that only knows the mean:

    >>> rng = np.random.default_rng(0)
    >>> mean = rng.gamma(1.0, 20.0, 2000)
    >>> actual = (rng.random(2000) < 0.5) * 2 * mean * rng.gamma(4.0, 0.25, 2000)
    >>> flat, trees = np.full(2000, 10.0), 0.8 * mean
    >>> stacking = ValueStacking.fit(flat, trees, actual, low=0 * flat, high=2 * flat)
    >>> bool(stacking.tree_weight > 0.7)
    True
    >>> predicted = stacking.predict(flat, trees, low=0 * flat, high=2 * flat)
    >>> round(float(predicted["expected_value"].sum() / actual.sum()), 2)
    0.99
    """

    btyd_factor: float
    tree_factor: float
    tree_weight: float
    smallest: float
    mean: float
    combined: tuple[float, ...]
    calibrated: tuple[float, ...]
    low_stretch: float
    high_stretch: float
    customers: int
    buyers: int
    coverage: float

    @classmethod
    def fit(
        cls,
        btyd_expected: npt.ArrayLike,
        tree_expected: npt.ArrayLike | None,
        actual: npt.ArrayLike,
        low: npt.ArrayLike,
        high: npt.ArrayLike,
        *,
        interval: float = 0.8,
        seen_buyers: int | None = None,
    ) -> Self:
        """The stacking that describes a snapshot with a complete outcome window best.

        Parameters
        ----------
        btyd_expected
            (n_customers,) money ≥ 0, expected by the purchase and spend models on that day
        tree_expected
            (n_customers,) money ≥ 0, of trees grown on earlier snapshots; None without trees
        actual
            (n_customers,) money that came, as the models count it: after the margin, discounted; below 0
            where refunds outweigh purchases
        low, high
            (n_customers,) bounds of the models' predictive interval, 0 ≤ low ≤ high
        interval
            probability in (0, 1) that a predictive interval covers
        seen_buyers
            buyers among the rows that trees are fitted on; below 1000 the usual weight of the trees falls in
            proportion. None for enough

        Raises
        ------
        InputError
            there is no customer, the columns have different lengths, or a number is missing or
            infinite

        Notes
        -----
        The weights minimise the mean Tweedie deviance of power 1.5, as fits amounts with many zeros and a
        long tail. Without buyers nothing is learned.

        References
        ----------
        Bates & Granger (1969), The combination of forecasts, Operational Research Quarterly 20, 451-468.
        Romano, Patterson & Candès (2019), Conformalized quantile regression, NeurIPS 32.
        """
        (btyd, trees), came = _parts(btyd_expected, tree_expected), known_money("actual", actual)
        bounds = known_money("low", low), known_money("high", high)
        if btyd.size == 0 or any(column.size != btyd.size for column in (trees, came, *bounds)):
            sizes = [column.size for column in (btyd, trees, came, *bounds)]
            raise InputError(f"a ValueStacking needs one value per customer in every column, got {sizes}.")
        buyers = int((came > 0).sum())
        total = max(float(came.sum()), 0.0)
        smallest = SMALLEST * (total or 1.0) / btyd.size
        factors = [
            _credible(_ratio(total, float(part.sum())), buyers, BUYERS_FOR_TOTAL) for part in (btyd, trees)
        ]
        parts = [factor * part for factor, part in zip(factors, (btyd, trees), strict=True)]
        usual = USUAL_WEIGHT * (1.0 if seen_buyers is None else min(seen_buyers / BUYERS_FOR_TREES, 1.0))
        share = 0.0 if tree_expected is None else _best_weight(parts[0], parts[1], came, smallest, usual)
        mixed = np.maximum((1 - share) * parts[0] + share * parts[1], smallest)
        combined, calibrated = _decile_map(mixed, came, total)
        unstretched = cls(
            btyd_factor=factors[0],
            tree_factor=factors[1],
            tree_weight=share,
            smallest=smallest,
            mean=float(mixed.mean()),
            combined=combined,
            calibrated=calibrated,
            low_stretch=1.0,
            high_stretch=1.0,
            customers=btyd.size,
            buyers=buyers,
            coverage=float("nan"),
        )
        return unstretched._stretched(btyd, trees, came, *bounds, interval)

    def predict(
        self,
        btyd_expected: npt.ArrayLike,
        tree_expected: npt.ArrayLike | None,
        low: npt.ArrayLike,
        high: npt.ArrayLike,
    ) -> pd.DataFrame:
        """The expected value of each customer, and its interval.

        Parameters
        ----------
        btyd_expected, tree_expected, low, high
            (n_customers,) money ≥ 0, as for `fit`; each row by itself

        Returns
        -------
        pd.DataFrame
            DataFrame, one row per customer in order, index 0, 1, 2, …: expected_value, expected_value_low,
            expected_value_high; money, 0 ≤ low ≤ high
        """
        return pd.DataFrame(self.columns(btyd_expected, tree_expected, low, high))

    def columns(
        self,
        btyd_expected: npt.ArrayLike,
        tree_expected: npt.ArrayLike | None,
        low: npt.ArrayLike,
        high: npt.ArrayLike,
    ) -> dict[str, Floats]:
        """The columns of `predict` as arrays.

        Parameters
        ----------
        btyd_expected, tree_expected, low, high
            see `predict`
        """
        btyd, trees = _parts(btyd_expected, tree_expected)
        expected = self._expected(btyd, trees)
        moved = expected / np.maximum(btyd, self.smallest)
        upper = self.high_stretch * moved * known_money("high", high)
        return {
            "expected_value": expected,
            "expected_value_low": np.minimum(self.low_stretch * moved * known_money("low", low), upper),
            "expected_value_high": upper,
        }

    def with_total(
        self, btyd_expected: npt.ArrayLike, tree_expected: npt.ArrayLike | None, total: float
    ) -> Self:
        """The same stacking, rescaled: the expected values of all customers add up to `total`.

        Parameters
        ----------
        btyd_expected, tree_expected
            (n_customers,) money ≥ 0, of every customer known today, by models and trees that may be newer
            than those of `fit`
        total
            money that all of them together are forecast to bring (see
            :class:`patron.models.ensemble.seasonal_index.SeasonalIndex`)

        Returns
        -------
        ValueStacking
            each part is corrected for its new total bias, so that the weights keep their meaning

        Examples
        --------
        >>> ones = np.ones(100)
        >>> learned = ValueStacking.fit(ones, ones, actual=3 * ones, low=0 * ones, high=ones)
        >>> today = learned.with_total(ones, 5 * ones, total=330.0)
        >>> round(float(today.predict(ones, 5 * ones, 0 * ones, ones)["expected_value"].sum()), 6)
        330.0
        """
        btyd, trees = _parts(btyd_expected, tree_expected)
        if not total > 0 or btyd.sum() <= 0:
            return self
        moved = replace(
            self,
            btyd_factor=_ratio(total, float(btyd.sum())),
            tree_factor=_ratio(total, float(trees.sum())),
        )
        mean = float(moved._mixed(btyd, trees).mean())
        shift = float(np.log(mean / self.mean))
        moved = replace(moved, mean=mean, combined=_shifted(self.combined, shift))
        rest = float(np.log(total / moved._expected(btyd, trees).sum()))
        return replace(moved, calibrated=_shifted(self.calibrated, rest))

    def sentences(self) -> list[str]:
        """The weights and corrections in words."""
        if self.buyers == 0:
            return [
                f"None of {self.customers:,} customers bought, so trees and models could not be compared."
            ]
        winner = "trees" if self.tree_weight > 0.5 else "purchase and spend models"
        return [
            f"Expected value is {self.tree_weight:.0%} trees and {1 - self.tree_weight:.0%} purchase and "
            f"spend models: on {self.customers:,} customers, {self.buyers:,} of them buyers, the {winner} "
            "predicted better.",
            f"Correction factors of the totals: {self.btyd_factor:.2f} for the purchase and spend models, "
            f"{self.tree_factor:.2f} for the trees; of the interval bounds: {self.low_stretch:.2f} and "
            f"{self.high_stretch:.2f}, after which {self.coverage:.0%} of open intervals cover the outcome.",
        ]

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        parts = asdict(self)
        known = {"coverage": None if np.isnan(self.coverage) else self.coverage}
        return {**parts, "combined": list(self.combined), "calibrated": list(self.calibrated), **known}

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any]) -> Self:
        """The stacking that `to_dict` described.

        Parameters
        ----------
        parts
            field → value
        """
        coverage = float("nan") if parts["coverage"] is None else parts["coverage"]
        knots = {name: tuple(parts[name]) for name in ("combined", "calibrated")}
        return cls(**{**parts, **knots, "coverage": coverage})

    def _expected(self, btyd: Floats, trees: Floats) -> Floats:
        mixed = np.log(self._mixed(btyd, trees))
        lowest, highest = self.combined[0], self.combined[-1]
        beyond = mixed - np.clip(mixed, lowest, highest)
        expected: Floats = np.exp(np.interp(mixed, self.combined, self.calibrated) + beyond)
        return expected

    def _mixed(self, btyd: Floats, trees: Floats) -> Floats:
        parts = (self.btyd_factor * btyd, self.tree_factor * trees)
        mixed: Floats = (1 - self.tree_weight) * parts[0] + self.tree_weight * parts[1]
        return np.maximum(mixed, self.smallest)

    def _stretched(
        self, btyd: Floats, trees: Floats, actual: Floats, low: Floats, high: Floats, interval: float
    ) -> Self:
        """The same, with bounds that cover the share `interval` of the customers with an open interval."""
        predicted = self.predict(btyd, trees, low, high)
        lower, upper = (predicted[f"expected_value_{bound}"].to_numpy() for bound in ("low", "high"))
        is_open = upper > 0
        if not is_open.any():
            return self
        tail = (1 - interval) / 2
        stretch_low = 1.0
        positive = lower > 0
        if positive.any():
            stretch_low = _stretch(actual[positive] / lower[positive], tail)
        below = actual[is_open] < stretch_low * lower[is_open]
        stretch_high = _stretch(actual[is_open] / upper[is_open], min(interval + float(below.mean()), 1.0))
        stretched = replace(self, low_stretch=stretch_low, high_stretch=stretch_high)
        again = stretched.predict(btyd, trees, low, high)
        inside = (actual >= again["expected_value_low"]) & (actual <= again["expected_value_high"])
        return replace(stretched, coverage=float(inside[is_open].mean()))


def _parts(btyd: npt.ArrayLike, trees: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    """What the models and the trees expect; the models twice where there are no trees."""
    expected = known_money("btyd_expected", btyd)
    return expected, expected if trees is None else known_money("tree_expected", trees)


def known_money(name: str, values: npt.ArrayLike, remedy: str = "Leave those customers out.") -> Floats:
    """Money of each customer, (n_customers,), none of it missing or infinite.

    Parameters
    ----------
    name
        argument, as the caller wrote it
    values
        (n_customers,) to check
    remedy
        sentence at the end of the message
    """
    money = np.asarray(values, dtype=np.float64).ravel()
    strange = ~np.isfinite(money)
    if strange.any():
        raise InputError(
            f"{name} is missing or infinite in {strange.sum()} rows, at position "
            f"{some(np.flatnonzero(strange))}. {remedy}"
        )
    return money


def _ratio(actual: float, expected: float) -> float:
    return actual / expected if actual > 0 and expected > 0 else 1.0


def _credible(factor: float, buyers: int, half: int) -> float:
    """The factor, nearer to 1 the fewer buyers it rests on."""
    return float(factor ** (buyers / (buyers + half)))


def _best_weight(btyd: Floats, trees: Floats, actual: Floats, smallest: float, usual: float) -> float:
    """The weight of the trees with the least deviance, nearer to the usual one the fewer the buyers."""
    actual, shares = np.maximum(actual, 0.0), np.linspace(0, 1, 41)
    sums = (np.maximum((1 - share) * btyd + share * trees, smallest) for share in shares)
    best = float(shares[int(np.argmin([_deviance(actual, mixed) for mixed in sums]))])
    buyers = int((actual > 0).sum())
    return (buyers * best + BUYERS_FOR_WEIGHT * usual) / (buyers + BUYERS_FOR_WEIGHT)


def _deviance(actual: Floats, mean: Floats) -> float:
    """Of a Tweedie distribution, without what does not depend on the mean."""
    return float(np.mean(mean ** (2 - POWER) / (2 - POWER) - actual * mean ** (1 - POWER) / (1 - POWER)))


def _decile_map(mixed: Floats, actual: Floats, total: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots of the map from the sum of the parts to the expected value, both in logarithms and rising."""
    order = np.argsort(mixed, kind="stable")
    groups = [group for group in np.array_split(order, 10) if group.size]
    means = np.array([mixed[group].mean() for group in groups])
    buyers = np.array([(actual[group] > 0).sum() for group in groups])
    factors = [
        _credible(
            _ratio(float(actual[group].sum()), float(mixed[group].sum())), int(count), BUYERS_FOR_DECILE
        )
        for group, count in zip(groups, buyers, strict=True)
    ]
    x, first = np.unique(np.log(means), return_index=True)
    rising = isotonic_regression(np.log(means * factors)[first], weights=buyers[first] + 1.0).x
    y = (1 - KEEPS_ORDER) * rising + KEEPS_ORDER * x
    if total > 0:
        mapped = np.exp(np.interp(np.log(mixed), x, y) + np.log(mixed) - np.clip(np.log(mixed), x[0], x[-1]))
        y = y + np.log(mixed.sum() / mapped.sum())
    return tuple(x.tolist()), tuple(y.tolist())


def _shifted(knots: tuple[float, ...], shift: float) -> tuple[float, ...]:
    return tuple(knot + shift for knot in knots)


def _stretch(ratios: Floats, share: float) -> float:
    """The factor on a bound that leaves the given share of the ratios of money to bound below it."""
    found = float(np.quantile(ratios, share, method="inverted_cdf"))
    if found <= 0:
        return 0.0
    factor = _credible(found, int((ratios > 0).sum()), BUYERS_FOR_INTERVAL)
    return float(np.clip(factor, 1 / FARTHEST_STRETCH, FARTHEST_STRETCH))
