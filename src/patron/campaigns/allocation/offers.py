"""Offers: cost, acceptance and channel, and the expected profit of making one to a customer.

A customer leaves with probability p and is worth V if kept. A would-be leaver takes the offer with
probability a (acceptance), a customer who would have stayed anyway with probability r (redemption). The
expected profit is::

    p·a·V − (p·a + (1 − p)·r)·d − c

with d the incentive, paid if the offer is taken, and c the contact cost, always paid. r is 1 unless known to
be lower: by default every loyal customer pockets the incentive.

Acceptance is rarely known well, so it is a beta distribution, given by a mean and a strength (the number of
customers the knowledge is worth), or by the two ends of an 80 % interval.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import optimize, stats
from scipy.special import expit, logit

from patron.arrays import Floats
from patron.checks import share
from patron.errors import RangeError, SettingsError
from patron.scores.actions import offer_cut

__all__ = ["Acceptance", "ExpectedProfit", "Offer", "OfferBook", "contact_cut", "expected_profit"]


_ENDS = (0.1, 0.9)  # an 80 % interval, as everywhere in patron


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The probability that a would-be leaver takes an offer and stays: a beta distribution.

    Attributes
    ----------
    mean
        probability in [0, 1]
    strength
        > 0, the number of customers the knowledge is worth; infinite if the mean is certain

    Examples
    --------
    >>> Acceptance(0.3, strength=20).interval()
    (0.175..., 0.434...)
    """

    mean: float
    strength: float = np.inf

    def __post_init__(self) -> None:
        share("acceptance", self.mean)
        if not self.strength > 0:
            raise RangeError(
                f"The strength of an acceptance must be a number of customers above 0, got {self.strength!r}."
            )

    @classmethod
    def between(cls, low: float, high: float) -> Self:
        """The acceptance that lies between the two with a probability of 80 %.

        Parameters
        ----------
        low, high
            probabilities, 0 < low < high < 1, with 10 % of the distribution below and above them

        Examples
        --------
        >>> known = Acceptance.between(0.2, 0.4)
        >>> round(known.mean, 3), round(known.strength, 1)
        (0.297, 33.7)
        """
        if not 0 < low < high < 1:
            raise RangeError(f"acceptance must have 0 < low < high < 1, got {low!r} and {high!r}.")
        middle, sd = (low + high) / 2, (high - low) / (2 * stats.norm.ppf(_ENDS[1]))
        start = np.array([logit(middle), np.log(max(middle * (1 - middle) / sd**2 - 1, 0.5))])
        wanted, ends = np.array([low, high]), np.array(_ENDS)

        def miss(point: Floats) -> Floats:
            mean, strength = expit(point[0]), np.exp(point[1])
            missed: Floats = stats.beta.ppf(ends, mean * strength, (1 - mean) * strength) - wanted
            return missed

        found = optimize.root(miss, start)
        if not found.success:
            raise RangeError(
                f"No beta distribution has 80 % between {low!r} and {high!r}. Choose a narrower interval."
            )
        return cls(float(expit(found.x[0])), float(np.exp(found.x[1])))

    def interval(self) -> tuple[float, float]:
        """The two ends of the 80 % interval: probabilities."""
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
        unique name
    channel
        channel of the contact
    incentive
        money ≥ 0, paid if the offer is taken
    contact_cost
        money ≥ 0, paid for every contact
    acceptance
        probability that a would-be leaver takes it and stays
    redemption
        probability in [0, 1] that a customer who would have stayed anyway takes it too

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
    """All offers of a campaign and the capacities of their channels.

    Attributes
    ----------
    offers
        at least one
    capacity
        channel → largest number of contacts, None if there is no limit

    Raises
    ------
    SettingsError
        there is no offer, two share a name, or one uses a channel that does not exist
    RangeError
        a capacity is not a whole number ≥ 0
    """

    offers: tuple[Offer, ...]
    capacity: Mapping[str, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.offers:
            raise SettingsError("There is no offer. Write at least one as [offers.NAME].")
        names = self.names
        if len(set(names)) < len(names):
            raise SettingsError(f"Two offers share a name: {', '.join(names)}. Rename one of them.")
        for offer in self.offers:
            if offer.channel not in self.capacity:
                channels = ", ".join(self.capacity) or "none"
                raise SettingsError(
                    f"Offer {offer.name!r} uses the channel {offer.channel!r}, which does not exist; the "
                    f"channels are: {channels}. Add [channels.{offer.channel}]."
                )
        for channel, limit in self.capacity.items():
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
                raise RangeError(
                    f"Channel {channel!r}: capacity must be a whole number of contacts ≥ 0, got {limit!r}."
                )

    @property
    def names(self) -> list[str]:
        """The names of the offers."""
        return [offer.name for offer in self.offers]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """The offers in the form of a TOML file.

        Parameters
        ----------
        given
            `channels` → name → optional capacity; `offers` → name → channel, incentive, contact_cost,
            acceptance (a number, or mean and strength, or low and high), and optional redemption

        Raises
        ------
        SettingsError
            a key is unknown or missing, or a value has the wrong type
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
        _check_keys("The offers file", given, ("channels", "offers"))
        capacity = {}
        for name, channel in _tables(given, "channels").items():
            _check_keys(f"Channel {name!r}", channel, ("capacity",))
            capacity[name] = channel.get("capacity")
        offers = []
        for name, offer in _tables(given, "offers").items():
            _check_keys(f"Offer {name!r}", offer, (*_REQUIRED, "redemption"))
            if missing := [key for key in _REQUIRED if key not in offer]:
                raise SettingsError(f"Offer {name!r} lacks {', '.join(missing)}: give each a value.")
            known = {**offer, "acceptance": _acceptance(name, offer["acceptance"])}
            offers.append(Offer(name=name, **known))
        return cls(tuple(offers), capacity)

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """The offers and channels of a TOML file.

        Parameters
        ----------
        path
            file, see `of` for its keys; None raises

        Raises
        ------
        SettingsError
            the file does not exist or is not valid TOML, or a key in it is unknown or missing
        RangeError
            a number in it is outside its range
        """
        if path is None:
            raise SettingsError("No offers are named. Write them to a TOML file and name it with --offers.")
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise SettingsError(
                f"The offers file {str(path)!r} does not exist. Check the path after --offers."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"The offers file {str(path)!r} cannot be read: {error}. It must be UTF-8 text."
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"The offers file {str(path)!r} is not valid TOML: {error}.") from None
        return cls.of(given)


class ExpectedProfit(NamedTuple):
    """Expected profit with its interval, and cost of an offer: (n_customers,) money each, NaN if unknown."""

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
    """Expected profit and cost of making `offer` to each customer, with 80 % intervals.

    Parameters
    ----------
    offer
        acceptance a, redemption r, incentive d, contact cost c
    churn_probability
        (n_customers,) probability in [0, 1] of leaving within the horizon without contact; NaN if unknown
    value
        (n_customers,) money, discounted margin gained if the customer stays; negative counts as 0
    value_low, value_high
        (n_customers,) money, the ends of its 80 % interval; None if the value is certain

    Returns
    -------
    ExpectedProfit
        (n_customers,) each: profit = p·a·V − cost; cost = c + (p·a + (1 − p)·r)·d; low and high cover the
        uncertainty of acceptance and value, treated as independent (first order), not the randomness of
        the individual outcome

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
    if ((p < 0) | (p > 1)).any():  # NaN stays NaN
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
    """The churn probability above which this offer pays, for each customer.

    Parameters
    ----------
    value
        (n_customers,) money gained if the customer stays; negative counts as 0
    offer
        cost and acceptance

    Returns
    -------
    Floats
        (n_customers,) in [0, 1]; 1 if it never pays; NaN if the value is unknown

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
    """From a number, or from the two numbers that define a distribution."""
    try:
        if _is_number(given):
            return Acceptance(given)
        if isinstance(given, Mapping) and all(map(_is_number, given.values())):
            if set(given) == {"mean", "strength"}:
                return Acceptance(**given)
            if set(given) == {"low", "high"}:
                return Acceptance.between(**given)
    except RangeError as error:
        raise RangeError(f"Offer {name!r}: {error}") from None
    raise SettingsError(
        f"Offer {name!r}: acceptance must be a number, or {{ mean = 0.3, strength = 20 }}, or "
        f"{{ low = 0.2, high = 0.4 }}, got {given!r}."
    )


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _tables(given: Mapping[str, Any], name: str) -> Mapping[str, Mapping[str, Any]]:
    tables = given.get(name, {})
    if not isinstance(tables, Mapping) or not all(isinstance(table, Mapping) for table in tables.values()):
        raise SettingsError(f"{name} must be written as [{name}.NAME], got {tables!r}.")
    return tables


def _check_keys(where: str, given: Iterable[str], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            guess = f"did you mean {close[0]!r}?" if close else f"it knows {', '.join(known)}."
            raise SettingsError(f"{where} has no key {key!r}; {guess}")
