"""What a customer's referrals bring: the network potential.

A referral that was made brings what was saved in winning the customer, and a share of the margin of the
customer who came. Only a share, because some of those who were referred would have come anyway: `made_by` is
the probability that the referrer made the difference, and 1 would say that nobody ever comes unasked.

======================  ================================================================================
referrals made          Σ over the customers brought: acquisition cost saved + made_by × their margin;
                        deeper degrees (those brought by those brought) count `decay` as much with each step
referrals to come       expected referrals × what one brings
======================  ================================================================================

How many referrals are to come is a rate per day that differs from customer to customer: Gamma over customers,
Poisson within. Both numbers of the Gamma law are fitted to all customers by their marginal likelihood, so
that somebody with one referral in a week is not taken for the best referrer of all.

The sum over customers is an attribution: the margin of a customer who was brought stands in the customer's
own potentials and, in part, in the referrer's. What all customers are worth together is `customer_equity`,
which counts it once.

References
----------
Kumar, Petersen & Leone (2010), "Driving Profitability by Encouraging Customer Referrals", Journal of
Marketing 74(5), 1-17: referral value, and that it counts only what would not have come anyway. Gamma-Poisson:
Greenwood & Yule (1920), Journal of the Royal Statistical Society 83(2), 255-279.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import gammaln

from patron.arrays import Floats, Index
from patron.errors import RangeError, TableError

__all__ = [
    "NetworkRules",
    "ReferralRate",
    "Referrals",
    "acquisition_saved",
    "customer_equity",
    "network_potential",
    "valid_referrals",
]


NEARLY_ALIKE = 1e6
"""Shape of the Gamma law from which on customers are as good as alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRules:
    """What is assumed of referrals.

    Attributes
    ----------
    made_by
        probability in [0, 1] that a customer who was referred would not have come otherwise
    depth
        count ≥ 1, degrees of referral that count; 1 counts those whom the customer brought
    decay
        in [0, 1), how much each degree counts of the one before

    Raises
    ------
    RangeError
        a number is outside the range given above, or NaN

    Examples
    --------
    >>> NetworkRules(made_by=50)
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: network.made_by must be a probability in [0, 1], got 50. Write 50 % as 0.50.
    """

    made_by: float = 0.5
    depth: int = 1
    decay: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.made_by <= 1:
            raise RangeError(
                f"network.made_by must be a probability in [0, 1], got {self.made_by!r}. Write 50 % as 0.50."
            )
        if not (self.depth >= 1 and self.depth % 1 == 0):
            raise RangeError(f"network.depth must be a whole number of at least 1, got {self.depth!r}.")
        if not 0 <= self.decay < 1:
            raise RangeError(f"network.decay must be at least 0 and below 1, got {self.decay!r}.")


class Referrals(NamedTuple):
    """Who was brought by whom, among n customers.

    Attributes
    ----------
    referrer
        (n_customers,) position of the customer who brought this one; -1 for nobody on record
    left_out
        rule → count of the referrals that it left out
    """

    referrer: Index
    left_out: dict[str, int]

    @property
    def made(self) -> Index:
        """(n_customers,) count, customers whom each has brought."""
        return np.bincount(self.referrer[self.referrer >= 0], minlength=self.referrer.size)


def valid_referrals(referrals: pd.DataFrame, customer_ids: pd.Series, age_days: Floats) -> Referrals:
    """The referrals that count: at most one for each customer, without circles.

    Parameters
    ----------
    referrals
        one row per referral that was visible on as_of: referrer_id, referred_id, days_ago
    customer_ids
        (n_customers,) who is known, each once
    age_days
        (n_customers,) days from the first purchase to as_of; NaN for who has not bought

    Returns
    -------
    Referrals
        Left out are: customers who refer themselves; referrers or referred who are not among the
        customers, such as deleted ones; a referral after the first purchase, which won nobody; all but the
        earliest referral of one customer (of the same day, that of the referrer who comes first); and, where
        customers refer each other in a circle, the latest referral of the circle.

    Raises
    ------
    TableError
        a customer id comes twice

    Examples
    --------
    Ann brought Bob and herself; Cat, too, says that she brought Bob:

    >>> said = pd.DataFrame({"referrer_id": ["Ann", "Ann", "Cat"], "referred_id": ["Bob", "Ann", "Bob"],
    ...                      "days_ago": [30, 30, 20]})
    >>> found = valid_referrals(said, pd.Series(["Ann", "Bob", "Cat"]), np.array([90.0, 20.0, 90.0]))
    >>> found.referrer, found.made
    (array([-1,  0, -1]), array([1, 0, 0]))
    >>> found.left_out
    {'refers itself': 1, 'not a customer': 0, 'had bought before': 0, 'brought by another': 1, 'circle': 0}
    """
    ids = pd.Index(customer_ids)
    if not ids.is_unique:
        raise TableError(f"The customer {str(ids[ids.duplicated()][0])!r} comes twice: give each once.")
    by, whom = (ids.get_indexer(pd.Index(referrals[name])) for name in ("referrer_id", "referred_id"))
    ago = referrals["days_ago"].to_numpy(dtype=np.float64)
    left_out = {}

    itself = (referrals["referrer_id"] == referrals["referred_id"]).to_numpy(dtype=bool)
    left_out["refers itself"] = int(itself.sum())
    stranger = ~itself & ((by < 0) | (whom < 0))
    left_out["not a customer"] = int(stranger.sum())
    kept = np.flatnonzero(~itself & ~stranger)
    too_late = ago[kept] < age_days[whom[kept]]  # not so where the age is unknown
    left_out["had bought before"] = int(too_late.sum())
    kept = kept[~too_late]

    earliest = kept[np.lexsort((by[kept], -ago[kept], whom[kept]))]
    first = np.ones(earliest.size, dtype=bool)
    first[1:] = whom[earliest][1:] != whom[earliest][:-1]
    left_out["brought by another"] = int((~first).sum())
    kept = earliest[first]
    referrer, days_ago = np.full(ids.size, -1, dtype=np.intp), np.full(ids.size, np.nan)
    referrer[whom[kept]], days_ago[whom[kept]] = by[kept], ago[kept]
    left_out["circle"] = _break_circles(referrer, days_ago)
    return Referrals(referrer, left_out)


@dataclass(frozen=True, slots=True)
class ReferralRate:
    """Gamma law of the customers' referrals per day: mean shape ÷ rate.

    Attributes
    ----------
    shape
        > 0; the smaller, the more customers differ
    rate
        > 0, days

    Examples
    --------
    One referral in 10 days moves the estimate less than ten in 100:

    >>> law = ReferralRate(shape=1.0, rate=1000.0)
    >>> law.expected(made=np.array([0, 1, 10]), days=np.array([100.0, 10.0, 100.0]), ahead=365).round(2)
    array([0.33, 0.72, 3.65])
    """

    shape: float
    rate: float

    @classmethod
    def fit(cls, made: npt.ArrayLike, days: npt.ArrayLike) -> Self | None:
        """The law under which these referrals are likeliest.

        Parameters
        ----------
        made
            (n_customers,) count of referrals
        days
            (n_customers,) days ≥ 0 in which they could be made

        Returns
        -------
        Self | None
            The law; None where nobody has made a referral

        Notes
        -----
        Marginal likelihood of each customer (negative binomial), with s the shape and β the rate, x referrals
        in t days: Γ(s + x) / Γ(s) · β^s · t^x / (β + t)^(s + x), up to a factor that does not depend on them.

        Examples
        --------
        >>> chance = np.random.default_rng(0)
        >>> each = chance.gamma(0.5, 1 / 200, size=20_000)
        >>> law = ReferralRate.fit(chance.poisson(each * 300), np.full(20_000, 300.0))
        >>> round(law.shape, 1), round(law.rate / 100)
        (0.5, 2)
        """
        x, t = np.asarray(made, dtype=np.float64), np.asarray(days, dtype=np.float64)
        if not x.sum():
            return None
        pairs, weight = np.unique(np.stack([x, t]), axis=1, return_counts=True)
        x, t = pairs
        scale = float((weight * t).sum() / (weight * x).sum())  # days per referral

        def unlikely(logs: Floats) -> float:
            s, beta = np.exp(logs[0]), np.exp(logs[1]) * scale
            likely = gammaln(s + x) - gammaln(s) + s * np.log(beta / (beta + t)) - x * np.log(beta + t)
            return -float(weight @ (likely + x * np.log(scale))) / weight.sum()

        bounds = [(np.log(1e-4), np.log(NEARLY_ALIKE))] * 2
        found: Any = minimize(unlikely, np.zeros(2), method="L-BFGS-B", bounds=bounds)
        return cls(float(np.exp(found.x[0])), float(np.exp(found.x[1]) * scale))

    def expected(self, made: npt.ArrayLike, days: npt.ArrayLike, ahead: float) -> Floats:
        """Referrals expected in the days to come, (n_customers,), of those who made so many in so many days.

        The posterior mean of the rate, (shape + made) / (rate + days), times `ahead`.
        """
        rate: Floats = (self.shape + np.asarray(made, float)) / (self.rate + np.asarray(days, float))
        return rate * ahead


def acquisition_saved(acquisition_cost: Floats, referrals: Referrals) -> tuple[Floats, float]:
    """What referrals have saved in winning customers.

    Parameters
    ----------
    acquisition_cost
        (n_customers,) money ≥ 0; NaN counts as 0
    referrals
        who was brought by whom

    Returns
    -------
    saved
        (n_customers,) money ≥ 0, by which each is below the mean cost of customers whom nobody brought
    each
        money, its mean over the customers who were brought; 0 where there are none

    Examples
    --------
    >>> acquisition_saved(np.array([20.0, 40.0, 6.0]), Referrals(np.array([-1, -1, 0]), {}))
    (array([10.,  0., 24.]), 24.0)
    """
    cost, brought = np.nan_to_num(acquisition_cost), referrals.referrer >= 0
    typical = float(cost[~brought].mean()) if not brought.all() else 0.0
    saved = np.maximum(typical - cost, 0.0)
    return saved, float(saved[brought].mean()) if brought.any() else 0.0


def network_potential(
    referrals: Referrals,
    margin: Floats,
    saved: Floats,
    age_days: Floats,
    *,
    ahead: float,
    new_customer: float,
    saved_each: float,
    rules: NetworkRules | None = None,
) -> pd.DataFrame:
    """What the referrals of each customer have brought and will bring.

    Parameters
    ----------
    referrals
        who was brought by whom
    margin
        (n_customers,) money, what each customer has brought and, discounted, will bring; NaN counts as 0
    saved
        (n_customers,) money ≥ 0, what was saved in winning each, had it been by referral
    age_days
        (n_customers,) days as a customer; NaN for who has not bought
    ahead
        days ahead for which referrals are expected, a year of them discounted being less than 365
    new_customer
        money, margin expected of a customer who is won
    saved_each
        money, saved in winning one by referral
    rules
        `NetworkRules()` if None

    Returns
    -------
    pd.DataFrame
        referrals_made (count), acquisition_saved, margin_brought, from_deeper, network_made,
        expected_referrals (count), network_to_come, network_potential (money). Rows: the customers, in order.
        network_made = acquisition_saved + margin_brought + from_deeper, and network_potential = network_made
        + network_to_come.

    Examples
    --------
    Ann (0) brought Bob (1), who brought Cat (2). Bob's margin is 100, and winning him cost 20 less:

    >>> chain = Referrals(np.array([-1, 0, 1]), {})
    >>> margin, saved, age = np.array([300.0, 100.0, 40.0]), np.full(3, 20.0), np.full(3, 365.0)
    >>> found = network_potential(chain, margin, saved, age, ahead=0.0, new_customer=0.0, saved_each=0.0)
    >>> found["network_potential"].tolist()
    [70.0, 40.0, 0.0]
    """
    rules = rules or NetworkRules()
    referrer, made = referrals.referrer, referrals.made
    worth = rules.made_by * np.nan_to_num(margin)
    saved_by, brought_by = _sum_by(referrer, saved), _sum_by(referrer, worth)
    deeper, reached = np.zeros(referrer.size), referrer
    for degree in range(1, rules.depth):
        reached = np.where(reached >= 0, referrer[reached], -1)
        if not (reached >= 0).any():
            break
        deeper += rules.decay**degree * _sum_by(reached, saved + worth)
    customer = ~np.isnan(age_days)
    law = ReferralRate.fit(made[customer], age_days[customer])
    expected = np.zeros(referrer.size)
    if law is not None:
        expected[customer] = law.expected(made[customer], age_days[customer], ahead)
    to_come = expected * (saved_each + rules.made_by * new_customer)
    network_made = saved_by + brought_by + deeper
    return pd.DataFrame(
        {
            "referrals_made": made,
            "acquisition_saved": saved_by,
            "margin_brought": brought_by,
            "from_deeper": deeper,
            "network_made": network_made,
            "expected_referrals": expected,
            "network_to_come": to_come,
            "network_potential": network_made + to_come,
        }
    )


def customer_equity(customer_value: Floats, network_made: Floats) -> float:
    """What all customers are worth together, nothing counted twice.

    Parameters
    ----------
    customer_value
        (n_customers,) money, the four potentials together; NaN is left out
    network_made
        (n_customers,) money, the part of the network potential that comes from customers who are
        there already

    Returns
    -------
    float
        Money: Σ (customer value − network made). The margin of a customer who was brought, and the low cost
        of winning, are in the customer's own potentials; as the referrer's merit they would count again.
        Customers who are still to be brought are in nobody else's value, and stay.

    Examples
    --------
    Bob is worth 100; that Ann brought him is worth 70 as her merit, and nothing on top:

    >>> customer_equity(np.array([300.0 + 70.0, 100.0]), np.array([70.0, 0.0]))
    400.0
    """
    known = ~np.isnan(customer_value)
    return float((customer_value[known] - np.nan_to_num(network_made[known])).sum())


def _break_circles(referrer: Index, days_ago: Floats) -> int:
    """Drop the latest referral of each circle, of the same day that of the customer who comes last."""
    n = referrer.size
    brought = np.flatnonzero(referrer >= 0)
    graph = coo_array((np.ones(brought.size), (referrer[brought], brought)), shape=(n, n))
    _, component = connected_components(graph, directed=True, connection="strong")
    circular = brought[np.bincount(component, minlength=n)[component[brought]] > 1]
    by_circle = circular[np.lexsort((-circular, days_ago[circular], component[circular]))]
    latest = by_circle[np.unique(component[by_circle], return_index=True)[1]]
    referrer[latest] = -1
    return int(latest.size)


def _sum_by(referrer: Index, money: Floats) -> Floats:
    """(n_customers,) sum over those whom each has brought."""
    there = referrer >= 0
    return np.bincount(referrer[there], weights=money[there], minlength=referrer.size)
