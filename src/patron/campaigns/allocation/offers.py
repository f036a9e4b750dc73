"""What an offer costs, how often it works, and what making it to a customer is expected to earn.

Of a customer who leaves with probability p and is worth V when staying, an offer that a would-be leaver takes
with probability a (acceptance), and a customer who would have stayed anyway with probability r (redemption),
earns on average::

    p·a·V − (p·a + (1 − p)·r)·d − c

with d the incentive, paid where the offer is taken, and c the contact, paid always. r is 1 unless it is known
to be less: every loyal customer pockets the incentive.

How often an offer works is rarely known well, so acceptance is a beta distribution: a mean and a strength,
the number of customers that the knowledge is worth, or the two ends of an interval that holds with 80 %.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import optimize, stats
from scipy.special import expit, logit

from patron.arrays import Floats
from patron.errors import RangeError, SettingsError
from patron.scores.actions import offer_cut

__all__ = ["Acceptance", "ExpectedProfit", "Offer", "OfferBook", "contact_cut", "expected_profit"]


_ENDS = (0.1, 0.9)  # of an 80 % interval, as every interval in patron


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How likely a customer who would have left takes an offer and stays: a beta distribution.

    Attributes
    ----------
    mean
        probability in [0, 1]
    strength
        > 0, the number of customers that this knowledge is worth; infinite where it is certain

    Raises
    ------
    RangeError
        a number is outside the range given above, or NaN

    Examples
    --------
    >>> Acceptance(0.3, strength=20).interval()
    (0.175..., 0.434...)
    """

    mean: float
    strength: float = np.inf

    def __post_init__(self) -> None:
        if not 0 <= self.mean <= 1:  # written so that NaN fails too
            raise RangeError(
                f"acceptance must be a probability in [0, 1], got {self.mean!r}. Write 30 % as 0.30."
            )
        if not self.strength > 0:
            raise RangeError(
                f"The strength of an acceptance is a number of customers above 0, got {self.strength!r}."
            )

    @classmethod
    def between(cls, low: float, high: float) -> Self:
        """The acceptance of which one is 80 % sure that it lies between the two.

        Parameters
        ----------
        low, high
            probabilities, 0 < low < high < 1, with 10 % of the distribution below and above them

        Raises
        ------
        RangeError
            they are not in this order

        Examples
        --------
        >>> known = Acceptance.between(0.2, 0.4)
        >>> round(known.mean, 3), round(known.strength, 1)
        (0.297, 33.7)
        """
        if not 0 < low < high < 1:
            raise RangeError(
                f"An acceptance between low and high needs 0 < low < high < 1, got {low!r} and {high!r}."
            )
        middle, spread = (low + high) / 2, (high - low) / (2 * stats.norm.ppf(_ENDS[1]))
        start = np.array([logit(middle), np.log(max(middle * (1 - middle) / spread**2 - 1, 0.5))])
        wanted, ends = np.array([low, high]), np.array(_ENDS)

        def miss(point: Floats) -> Floats:
            mean, strength = expit(point[0]), np.exp(point[1])
            missed: Floats = stats.beta.ppf(ends, mean * strength, (1 - mean) * strength) - wanted
            return missed

        found = optimize.root(miss, start)
        if not found.success:
            raise RangeError(
                f"No beta distribution has 80 % between {low!r} and {high!r}. Bring them closer."
            )
        return cls(float(expit(found.x[0])), float(np.exp(found.x[1])))

    def interval(self) -> tuple[float, float]:
        """The two ends between which the acceptance lies with 80 %: probabilities."""
        if not np.isfinite(self.strength) or self.mean in (0, 1):
            return self.mean, self.mean
        shape = self.mean * self.strength, (1 - self.mean) * self.strength
        low, high = (float(stats.beta.ppf(end, *shape)) for end in _ENDS)
        return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One offer. Money is in the currency of the customer values.

    Attributes
    ----------
    name
        what it is called, once
    channel
        by which customers are contacted
    incentive
        money ≥ 0, paid where the offer is taken
    contact_cost
        money ≥ 0, paid for every contact
    acceptance
        how likely a would-be leaver takes it and stays
    redemption
        probability in [0, 1] that a customer who would have stayed takes it, too

    Raises
    ------
    RangeError
        a number is outside the range given above, or NaN

    Examples
    --------
    >>> Offer(name="voucher", channel="email", incentive=10.0, contact_cost=-1.0,
    ...       acceptance=Acceptance(0.3))
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: Offer 'voucher': contact_cost must be money of at least 0, got -1.0. ...
    """

    name: str
    channel: str
    incentive: float
    contact_cost: float
    acceptance: Acceptance
    redemption: float = 1.0

    def __post_init__(self) -> None:
        for name in ("incentive", "contact_cost"):
            money = getattr(self, name)
            if not (_is_number(money) and 0 <= money < np.inf):
                raise RangeError(
                    f"Offer {self.name!r}: {name} must be money of at least 0, got {money!r}. "
                    "A cost is written without a sign."
                )
        if not (_is_number(self.redemption) and 0 <= self.redemption <= 1):
            raise RangeError(
                f"Offer {self.name!r}: redemption must be a probability in [0, 1], got {self.redemption!r}."
            )


@dataclass(frozen=True, slots=True)
class OfferBook:
    """All offers of a campaign, and what their channels can carry.

    Attributes
    ----------
    offers
        at least one
    capacity
        channel → the most contacts it can carry, None where there is no limit

    Raises
    ------
    SettingsError
        there is no offer, two have one name, or one goes by a channel that does not exist
    RangeError
        a capacity is no whole number ≥ 0
    """

    offers: tuple[Offer, ...]
    capacity: Mapping[str, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.offers:
            raise SettingsError("There is no offer. Write at least one as [offers.NAME].")
        names = [offer.name for offer in self.offers]
        if len(set(names)) < len(names):
            raise SettingsError(f"Two offers have one name: {', '.join(names)}. Rename one of them.")
        for offer in self.offers:
            if offer.channel not in self.capacity:
                there = ", ".join(self.capacity) or "not named at all"
                raise SettingsError(
                    f"Offer {offer.name!r} goes by the channel {offer.channel!r}, which does not exist; the "
                    f"channels are {there}. Add [channels.{offer.channel}]."
                )
        for channel, most in self.capacity.items():
            if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
                raise RangeError(
                    f"Channel {channel!r}: capacity must be a whole number of contacts ≥ 0, got {most!r}."
                )

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Offers as a TOML file holds them.

        Parameters
        ----------
        given
            `channels` → name → optional capacity; `offers` → name → channel, incentive, contact_cost,
            acceptance (a number, or mean and strength, or low and high), and optional redemption

        Raises
        ------
        SettingsError
            a key is unknown or missing, or a value is of the wrong kind
        RangeError
            a number is outside its range

        Examples
        --------
        >>> book = OfferBook.of({
        ...     "channels": {"email": {}, "phone": {"capacity": 200}},
        ...     "offers": {"call": {"channel": "phone", "incentive": 10.0, "contact_cost": 4.0,
        ...                         "acceptance": {"mean": 0.4, "strength": 20}}},
        ... })
        >>> book.offers[0].acceptance, book.capacity["phone"]
        (Acceptance(mean=0.4, strength=20), 200)
        """
        _refuse_unknown("The offers file", given, ("channels", "offers"))
        capacity = {}
        for name, channel in _tables(given, "channels").items():
            _refuse_unknown(f"Channel {name!r}", channel, ("capacity",))
            capacity[name] = channel.get("capacity")
        offers = []
        for name, offer in _tables(given, "offers").items():
            _refuse_unknown(f"Offer {name!r}", offer, (*_REQUIRED, "redemption"))
            if missing := [key for key in _REQUIRED if key not in offer]:
                raise SettingsError(f"Offer {name!r} lacks {', '.join(missing)}: give each a value.")
            known = {**offer, "acceptance": _acceptance(name, offer["acceptance"])}
            offers.append(Offer(name=name, **known))
        return cls(tuple(offers), capacity)


class ExpectedProfit(NamedTuple):
    """What one offer is expected to do, for each customer: money, (n_customers,) each, NaN where unknown."""

    profit: Floats
    low: Floats
    high: Floats
    cost: Floats


def expected_profit(
    offer: Offer,
    churn_probability: Floats,
    value: Floats,
    value_low: Floats | None = None,
    value_high: Floats | None = None,
) -> ExpectedProfit:
    """Profit and cost of making `offer` to each customer, with 80 % intervals.

    Parameters
    ----------
    offer
        acceptance a, redemption r, incentive d, contact cost c
    churn_probability
        (n_customers,) probability in [0, 1] of leaving within the horizon if nobody calls
    value
        (n_customers,) money, discounted margin kept where the customer stays; below 0 counts as 0
    value_low, value_high
        (n_customers,) money, the ends of its 80 % interval; None where it is certain

    Returns
    -------
    ExpectedProfit
        (n_customers,) each: profit = p·a·V − cost; cost = c + (p·a + (1 − p)·r)·d; low and high take in how
        uncertain acceptance and value are, each by itself (to first order), not the chance of the single case

    Raises
    ------
    RangeError
        a probability is outside [0, 1]

    References
    ----------
    Per-customer terms of Verbraken, Verbeke & Baesens (2013), IEEE TKDE 25(5), 961-973.

    Examples
    --------
    >>> offer = Offer(name="call", channel="phone", incentive=10.0, contact_cost=1.0,
    ...               acceptance=Acceptance(0.3))
    >>> expected_profit(offer, np.array([0.40, 0.05]), np.array([200.0, 200.0])).profit.round(2)
    array([15.8 , -7.65])
    """
    p = np.asarray(churn_probability, dtype=np.float64)
    if ((p < 0) | (p > 1)).any():  # unknown ones stay unknown
        raise RangeError(f"churn_probability must lie in [0, 1], got {np.nanmin(p):g} to {np.nanmax(p):g}.")
    worth = np.maximum(value, 0.0)
    a, (a_low, a_high) = offer.acceptance.mean, offer.acceptance.interval()
    cost = offer.contact_cost + offer.incentive * (p * a + (1 - p) * offer.redemption)
    profit = p * a * worth - cost
    at_stake = p * np.abs(worth - offer.incentive)
    less = worth - (worth if value_low is None else np.clip(value_low, 0.0, worth))
    more = (worth if value_high is None else np.maximum(value_high, worth)) - worth
    low = profit - np.hypot(at_stake * (a - a_low), p * a * less)
    high = profit + np.hypot(at_stake * (a_high - a), p * a * more)
    return ExpectedProfit(profit, low, high, cost)


def contact_cut(value: Floats, offer: Offer) -> Floats:
    """The probability of leaving above which this offer pays, for each customer.

    Parameters
    ----------
    value
        (n_customers,) money, kept where the customer stays; below 0 counts as 0
    offer
        what it costs and how often it works

    Returns
    -------
    Floats
        (n_customers,) in [0, 1]; 1 where it never pays; NaN where the value is unknown

    Examples
    --------
    >>> offer = Offer(name="call", channel="phone", incentive=10.0, contact_cost=1.0,
    ...               acceptance=Acceptance(0.3))
    >>> cut = contact_cut(np.array([200.0, 20.0]), offer)
    >>> cut.round(3), expected_profit(offer, cut, np.array([200.0, 20.0])).profit.round(9) + 0.0
    (array([0.164, 0.846]), array([0., 0.]))
    """
    return offer_cut(value, offer.incentive, offer.contact_cost, offer.acceptance.mean, offer.redemption)


_REQUIRED = ("channel", "incentive", "contact_cost", "acceptance")


def _acceptance(name: str, given: Any) -> Acceptance:
    """A number, or the two that make a distribution."""
    try:
        if _is_number(given):
            return Acceptance(given)
        if isinstance(given, Mapping) and all(map(_is_number, given.values())):
            if set(given) == {"mean", "strength"}:
                return Acceptance(**given)
            if set(given) == {"low", "high"}:
                return Acceptance.between(**given)
    except RangeError as refused:
        raise RangeError(f"Offer {name!r}: {refused}") from None
    raise SettingsError(
        f"Offer {name!r}: acceptance is a number, or {{ mean = 0.3, strength = 20 }}, or "
        f"{{ low = 0.2, high = 0.4 }}, got {given!r}."
    )


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _tables(given: Mapping[str, Any], name: str) -> Mapping[str, Mapping[str, Any]]:
    tables = given.get(name, {})
    if not isinstance(tables, Mapping) or not all(isinstance(table, Mapping) for table in tables.values()):
        raise SettingsError(f"{name} must be written as [{name}.NAME], got {tables!r}.")
    return tables


def _refuse_unknown(where: str, given: Iterable[str], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            guess = f"did you mean {close[0]!r}?" if close else f"it knows {', '.join(known)}."
            raise SettingsError(f"{where} has no key {key!r}; {guess}")
