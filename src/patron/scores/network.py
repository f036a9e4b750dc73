"""Network potential: the value of a customer's referrals.

A referral saves acquisition cost, and brings a share of the margin of the referred customer. Only a share,
because some referred customers would have come anyway: `made_by` is the probability that the referral made
the difference.

======================  ================================================================================
referrals made          Σ over referred customers: acquisition cost saved + made_by × their margin;
                        each further degree of referral is weighted by another factor `decay`
referrals to come       expected referrals × value per referral
======================  ================================================================================

The number of referrals to come is Poisson, with a rate per day that is Gamma-distributed over customers. Both
parameters of the Gamma distribution are fitted to all customers by their marginal likelihood, so a customer
with one referral in a week is not mistaken for the best referrer of all.

The sum over customers is an attribution: the margin of a referred customer is part of the customer's own
potentials and, in part, of the referrer's. The total value of all customers is `customer_equity`, which
counts it once.

References
----------
Kumar, Petersen & Leone (2010), "Driving Profitability by Encouraging Customer Referrals", Journal of
Marketing 74(5), 1-17: referral value, counting only customers who would not have come anyway. Gamma-Poisson:
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
from patron.checks import share, whole_number
from patron.errors import TableError

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
"""Shape of the Gamma distribution above which customers are practically identical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRules:
    """Assumptions about referrals; numbers out of range are refused.

    Attributes
    ----------
    made_by
        probability in [0, 1] that a customer who was referred would not have come otherwise
    depth
        count ≥ 1, degrees of referral that count; 1 counts customers referred directly
    decay
        in [0, 1), how much each degree counts of the one before

    Examples
    --------
    >>> NetworkRules(made_by=50)
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: network.made_by must lie in [0, 1], got 50. Write 50 % as 0.50.
    """

    made_by: float = 0.5
    depth: int = 1
    decay: float = 0.25

    def __post_init__(self) -> None:
        share("network.made_by", self.made_by, example="50 % as 0.50")
        whole_number("network.depth", self.depth, 1)
        share("network.decay", self.decay, ends="[)")


class Referrals(NamedTuple):
    """Which customer referred which, among n customers.

    Attributes
    ----------
    referrer
        (n_customers,) position of the referrer of this customer; -1 if there is none on record
    left_out
        rule → count of the referrals excluded by it
    """

    referrer: Index
    left_out: dict[str, int]

    @property
    def made(self) -> Index:
        """(n_customers,) count of customers that each has referred."""
        return np.bincount(self.referrer[self.referrer >= 0], minlength=self.referrer.size)


def valid_referrals(referrals: pd.DataFrame, customer_ids: pd.Series, age_days: Floats) -> Referrals:
    """The referrals that count: at most one for each customer, without circles.

    Parameters
    ----------
    referrals
        one row per referral that was visible on as_of: referrer_id, referred_id, days_ago
    customer_ids
        (n_customers,) unique ids
    age_days
        (n_customers,) days from the first purchase to as_of; NaN for customers who have not bought

    Returns
    -------
    Referrals
        Excluded are: customers who refer themselves; ids that are not among the customers, such as deleted
        ones; a referral after the first purchase; all but the earliest referral of a customer (on the same
        day, that of the referrer who comes first); and, where customers refer each other in a circle, the
        latest referral of the circle.

    Raises
    ------
    TableError
        a customer id occurs twice

    Examples
    --------
    Ann refers Bob and herself; Cat refers Bob, too:

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
        raise TableError(f"The customer {str(ids[ids.duplicated()][0])!r} occurs twice: give each once.")
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
    """Gamma distribution of the customers' referrals per day: mean shape ÷ rate.

    Attributes
    ----------
    shape
        > 0; the smaller, the more customers differ
    rate
        > 0, days

    Examples
    --------
    One referral in 10 days changes the estimate less than ten in 100:

    >>> law = ReferralRate(shape=1.0, rate=1000.0)
    >>> law.expected(made=np.array([0, 1, 10]), days=np.array([100.0, 10.0, 100.0]), ahead=365).round(2)
    array([0.33, 0.72, 3.65])
    """

    shape: float
    rate: float

    @classmethod
    def fit(cls, made: npt.ArrayLike, days: npt.ArrayLike) -> Self | None:
        """The maximum likelihood estimate from these referrals.

        Parameters
        ----------
        made
            (n_customers,) count of referrals
        days
            (n_customers,) days ≥ 0 in which they could be made

        Returns
        -------
        Self | None
            The distribution; None if there is no referral

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
        """(n_customers,) expected number of referrals in the days ahead.

        The posterior mean of the rate, (shape + made) / (rate + days), times `ahead`.

        Parameters
        ----------
        made
            (n_customers,) count of referrals so far
        days
            (n_customers,) days in which they were made
        ahead
            discounted days ahead
        """
        rate: Floats = (self.shape + np.asarray(made, float)) / (self.rate + np.asarray(days, float))
        return rate * ahead


def acquisition_saved(acquisition_cost: Floats, referrals: Referrals) -> tuple[Floats, float]:
    """The acquisition cost saved by referrals.

    Parameters
    ----------
    acquisition_cost
        (n_customers,) money ≥ 0; NaN counts as 0
    referrals
        which customer referred which

    Returns
    -------
    saved
        (n_customers,) money ≥ 0, by which each is below the mean cost of customers without a referrer
    each
        money, its mean over the referred customers; 0 if there are none

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
    """The network potential of each customer, and its components.

    Parameters
    ----------
    referrals
        which customer referred which
    margin
        (n_customers,) money, past margin and discounted future margin of each; NaN counts as 0
    saved
        (n_customers,) money ≥ 0, acquisition cost saved if the customer was referred
    age_days
        (n_customers,) days as a customer; NaN for customers who have not bought
    ahead
        discounted days ahead: less than 365 for a year
    new_customer
        money, expected margin of a new customer
    saved_each
        money, acquisition cost saved per referral
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
    Ann (0) referred Bob (1), who referred Cat (2). Bob's margin is 100, and his acquisition cost 20 less:

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
    """The total value of all customers, each amount counted once.

    Parameters
    ----------
    customer_value
        (n_customers,) money, sum of the four potentials; NaN is left out
    network_made
        (n_customers,) money, the part of the network potential due to existing customers

    Returns
    -------
    float
        Money: Σ (customer value − network made). The margin of a referred customer, and the acquisition cost
        saved, are part of the customer's own potentials and would be counted twice. Future referrals are not
        part of any other customer's value, and stay.

    Examples
    --------
    Bob's value is 100; 70 of it is also attributed to Ann, who referred him:

    >>> customer_equity(np.array([300.0 + 70.0, 100.0]), np.array([70.0, 0.0]))
    400.0
    """
    known = ~np.isnan(customer_value)
    return float((customer_value[known] - np.nan_to_num(network_made[known])).sum())


def _break_circles(referrer: Index, days_ago: Floats) -> int:
    """Drop the latest referral of each circle; on the same day, that of the customer who comes last."""
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
