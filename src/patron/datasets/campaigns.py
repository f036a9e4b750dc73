"""A simulated business with offers, a randomised past campaign, and known effects on each customer.

Without contact, a customer either leaves within the horizon or stays. An offer keeps a would-be leaver with
one probability (persuaded) and drives a would-be stayer away with another (scared), as a reminder of a
forgotten contract does. The effect of an offer on the probability of staying is

    churn · persuaded − (1 − churn) · scared

and differs between customers, in sign too. Both potential outcomes of a customer are drawn once, so that
contacting other customers does not change them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags, Floats, Integers
from patron.checks import at_least, share, whole_number
from patron.datasets.streams import stream
from patron.errors import InputError, some

__all__ = ["FEATURES", "SimulatedCampaign", "WhatHappened", "simulate_campaign"]

type Truth = Mapping[str, Floats]

FEATURES = (
    "days_since_last",
    "orders",
    "mean_order",
    "tenure_days",
    "open_rate",
    "discount_share",
    "complaints",
)
"""Numeric features known about each customer."""

OFFERS = (
    # offer, channel, incentive, contact_cost, acceptance, redemption
    ("reminder", "email", 0.0, 0.3, 0.20, 0.0),
    ("voucher", "email", 8.0, 0.3, 0.32, 0.5),
    ("call", "phone", 10.0, 5.0, 0.38, 0.3),
)
SEGMENTS: Mapping[str, float] = MappingProxyType({"north": 0.5, "south": 0.35, "islands": 0.15})
MARGIN = 0.4
_ORDERS_IN_HORIZON = 0.4  # mean per past order, in addition to the order that makes a customer a stayer
_AMOUNT_SHAPE = 4.0  # shape of the gamma distribution of single amounts


@dataclass(frozen=True, slots=True)
class WhatHappened:
    """Purchases and contacts that followed a campaign.

    Attributes
    ----------
    transactions
        customer_id, order_at (a day of the horizon), amount (money), by time
    contacts
        one row per customer contacted: customer_id, contacted_at, campaign (the offer), treated (1),
        cost (money: the contact, and the incentive where it was taken), responded (1 where it was taken)
    """

    transactions: pd.DataFrame
    contacts: pd.DataFrame


@dataclass(frozen=True, slots=True)
class SimulatedCampaign:
    """A business to plan a campaign for: what is known about its customers, and the truth behind it.

    Attributes
    ----------
    customers
        key customer_id; the columns of `FEATURES` (days, counts, money and shares), and segment
    scores
        key customer_id; as_of, horizon_days, value_horizon_days, model_version, churn_probability,
        growth_potential with _low and _high (money, margin in the horizon of a customer who stays),
        value_at_risk and segment, as an imperfect model would score them
    offers
        key offer; channel, incentive (money), contact_cost (money), acceptance (mean share of
        would-be leavers kept by the offer), redemption (share of stayers who take the incentive)
    past
        last year's randomised campaign on other customers of the same business, key customer_id:
        `FEATURES`, segment, churn_probability and growth_potential as scored then, offer (randomised),
        treated (1 or 0, randomised), retained (1 or 0: bought in the horizon), margin (money earned in the
        horizon before the cost of the offer), responded (1 or 0: took the incentive), and cost (money:
        contact, and the incentive where it was taken). Customers not treated are a control group for every
        offer, because the offer was randomised too
    contacts
        the same campaign as the contacts table: customer_id, contacted_at, campaign (the offer),
        treated, cost, responded
    truth
        key customer_id, hidden from models: churn, value (money, if the customer stays), and for each
        offer persuaded_…, scared_… (probabilities), effect_on_retention_… (−1 to 1), effect_on_value_…
        (money, margin alone) and profit_… (money, after incentive and contact)
    as_of
        the last day known
    horizon_days
        days after it in which customers stay or leave
    margin
        share of an amount that is kept
    seed
        of every draw
    """

    customers: pd.DataFrame
    scores: pd.DataFrame
    offers: pd.DataFrame
    past: pd.DataFrame
    contacts: pd.DataFrame
    truth: pd.DataFrame
    as_of: date
    horizon_days: int
    margin: float
    seed: int

    def follow(self, contacted: pd.DataFrame) -> WhatHappened:
        """Purchases and contacts of the horizon if exactly these customers are contacted.

        Parameters
        ----------
        contacted
            customer_id and offer, each customer at most once

        Raises
        ------
        InputError
            a customer or an offer is unknown, or a customer is contacted twice

        Examples
        --------
        >>> world = simulate_campaign(1000, past_contacts=100, seed=1)
        >>> nobody = world.follow(pd.DataFrame({"customer_id": [], "offer": []}))
        >>> called = world.follow(pd.DataFrame({"customer_id": [7], "offer": ["call"]}))
        >>> len(nobody.contacts), called.contacts["campaign"].tolist()
        (0, ['call'])
        """
        offer = self._offer_of_each(contacted)
        truth = {name: _column(self.truth, name) for name in self.truth.columns[1:]}
        stays, takes, cost = _draw_fates(self.seed, "fates", truth, self.offers, offer)
        who, amounts = _draw_amounts(self.seed, "amounts", stays, self.customers)
        days = stream(self.seed, "days").integers(1, self.horizon_days + 1, len(who))
        ids = self.truth["customer_id"].to_numpy()
        transactions = pd.DataFrame(
            {"customer_id": ids[who], "order_at": _days_after(self.as_of, days), "amount": amounts}
        ).sort_values(["order_at", "customer_id"], kind="stable", ignore_index=True)
        rows = np.flatnonzero(offer >= 0)
        contacts = pd.DataFrame(
            {
                "customer_id": ids[rows],
                "contacted_at": _days_after(self.as_of, np.ones(len(rows), dtype=np.int64)),
                "campaign": self.offers["offer"].to_numpy()[offer[rows]],
                "treated": np.ones(len(rows), dtype=np.int64),
                "cost": cost[rows],
                "responded": takes[rows].astype(np.int64),
            }
        )
        return WhatHappened(transactions, contacts)

    def profit(self, contacted: pd.DataFrame) -> float:
        """The true incremental profit of contacting these customers: money, expected and summed.

        Parameters
        ----------
        contacted
            as `follow` takes it

        Raises
        ------
        InputError
            as `follow`

        Examples
        --------
        >>> world = simulate_campaign(1000, past_contacts=100, seed=1)
        >>> called = pd.DataFrame({"customer_id": [7], "offer": ["call"]})
        >>> bool(world.profit(called) == world.truth.set_index("customer_id").loc[7, "profit_call"])
        True
        """
        offer = self._offer_of_each(contacted)
        profits = self.truth[[f"profit_{name}" for name in self.offers["offer"]]].to_numpy()
        rows = np.flatnonzero(offer >= 0)
        return float(profits[rows, offer[rows]].sum())

    def _offer_of_each(self, contacted: pd.DataFrame) -> Integers:
        """(n_customers,) position of the offer made to each customer, −1 for none."""
        rows = pd.Index(self.truth["customer_id"]).get_indexer(pd.Index(contacted["customer_id"]))
        offers = pd.Index(self.offers["offer"]).get_indexer(pd.Index(contacted["offer"]))
        if (rows < 0).any() or (offers < 0).any():
            unknown = contacted[(rows < 0) | (offers < 0)]
            pairs = some(zip(unknown["customer_id"], unknown["offer"], strict=True))
            raise InputError(
                f"No such customer or offer: {pairs}. The offers are {', '.join(self.offers['offer'])}."
            )
        if len(np.unique(rows)) < len(rows):
            raise InputError("A customer is contacted twice. Give each customer at most one offer.")
        chosen = np.full(len(self.truth), -1, dtype=np.int64)
        chosen[rows] = offers
        return chosen


def simulate_campaign(
    n_customers: int = 10_000,
    *,
    past_contacts: int = 20_000,
    treated_share: float = 0.5,
    score_error: float = 0.2,
    as_of: date = date(2024, 6, 30),
    horizon_days: int = 90,
    seed: int = 0,
) -> SimulatedCampaign:
    """A business with three offers in two channels, and the true effect of each on each customer.

    Parameters
    ----------
    n_customers
        customers that a campaign may choose from, ≥ 1
    past_contacts
        other customers in last year's randomised campaign, ≥ 0
    treated_share
        in (0, 1), share of them who were contacted
    score_error
        ≥ 0, standard deviation of the error of the scored risk (log-odds) and of the scored value
        (logarithm)
    as_of
        the last day known
    horizon_days
        ≥ 1
    seed
        ≥ 0; the same seed gives the same business

    Examples
    --------
    >>> world = simulate_campaign(10_000, seed=1)
    >>> len(world.past), sorted(world.past["offer"].unique())
    (20000, ['call', 'reminder', 'voucher'])
    >>> bool((world.truth["effect_on_retention_call"] < 0).any())
    True
    """
    _require(n_customers, past_contacts, treated_share, score_error, horizon_days)
    offers = pd.DataFrame(
        OFFERS, columns=["offer", "channel", "incentive", "contact_cost", "acceptance", "redemption"]
    )
    customers = _draw_customers(seed, "customers", n_customers, first_id=1)
    truth = _true_effects(customers)
    risk, value = _score(seed, "scores", truth, score_error)
    spread = 1.2816 * max(score_error, 1e-9)  # of 80 %
    scores = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "as_of": as_of,
            "horizon_days": horizon_days,
            "value_horizon_days": horizon_days,
            "model_version": "1",
            "churn_probability": risk,
            "growth_potential": value,
            "growth_potential_low": value * np.exp(-spread),
            "growth_potential_high": value * np.exp(spread),
            "value_at_risk": risk * value,
            "segment": customers["segment"],
        }
    )
    past = _draw_past(seed, past_contacts, n_customers + 1, offers, treated_share, score_error)
    contacts = pd.DataFrame(
        {
            "customer_id": past["customer_id"],
            "contacted_at": pd.Timestamp(as_of - timedelta(days=365)),
            "campaign": past["offer"],
            **{name: past[name] for name in ("treated", "cost", "responded")},
        }
    )
    known = pd.DataFrame({"customer_id": customers["customer_id"], **truth})
    return SimulatedCampaign(
        customers, scores, offers, past, contacts, known, as_of, horizon_days, MARGIN, seed
    )


def _require(
    n_customers: int, past_contacts: int, treated_share: float, score_error: float, horizon_days: int
) -> None:
    whole_number("n_customers", n_customers, 1)
    whole_number("past_contacts", past_contacts, 0)
    whole_number("horizon_days", horizon_days, 1)
    share("treated_share", treated_share, ends="()")
    at_least("score_error", score_error, 0)


def _draw_customers(seed: int, name: str, n: int, first_id: int) -> pd.DataFrame:
    chance = stream(seed, name)
    days_silent = np.minimum(np.floor(chance.gamma(1.2, 40.0, size=n)), 730.0)
    return pd.DataFrame(
        {
            "customer_id": np.arange(first_id, first_id + n),
            "days_since_last": days_silent,
            "orders": 1.0 + chance.poisson(chance.gamma(1.5, 2.5, size=n)),
            "mean_order": 60.0 * np.exp(0.5 * chance.standard_normal(n)),
            "tenure_days": days_silent + np.floor(chance.gamma(2.0, 150.0, size=n)),
            "open_rate": chance.beta(2.0, 3.0, size=n),
            "discount_share": chance.beta(1.5, 4.0, size=n),
            "complaints": chance.poisson(0.25, size=n).astype(np.float64),
            "segment": chance.choice(list(SEGMENTS), size=n, p=list(SEGMENTS.values())),
        }
    )


def _true_effects(customers: pd.DataFrame) -> dict[str, Floats]:
    """The columns of the truth: the effect of each offer, given the features of the customers."""
    x = {name: _column(customers, name) for name in FEATURES}
    silence = np.log1p(x["days_since_last"]) - 3.4
    loyalty = np.log(x["orders"]) - 1.3
    opens, bargains = x["open_rate"] - 0.4, x["discount_share"] - 0.27
    churn = _probability(-0.9 + 1.1 * silence - 0.7 * loyalty + 0.5 * x["complaints"])
    value = MARGIN * x["mean_order"] * (1 + _ORDERS_IN_HORIZON * x["orders"])
    persuaded = {
        "reminder": 0.40 * _probability(6 * opens - 0.8 * silence),
        "voucher": 0.65 * _probability(7 * bargains + 2 * opens - 0.5 * silence),
        "call": 0.80 * _probability(1.5 * x["complaints"] - 0.4 - 0.4 * silence + 0.5 * loyalty),
    }
    scared = {
        "reminder": 0.10 * _probability(-8 * (opens + 0.15)),
        "voucher": 0.06 * _probability(-8 * (opens + 0.15)),
        "call": 0.20 * _probability(8 * (opens - 0.1)),
    }
    found = {"churn": churn, "value": value}
    for name, _, incentive, contact_cost, _, redemption in OFFERS:
        keeps, loses = persuaded[name], scared[name]
        effect = churn * keeps - (1 - churn) * loses
        taken = churn * keeps + (1 - churn) * (1 - loses) * redemption
        found |= {
            f"persuaded_{name}": keeps,
            f"scared_{name}": loses,
            f"effect_on_retention_{name}": effect,
            f"effect_on_value_{name}": effect * value,
            f"profit_{name}": effect * value - taken * incentive - contact_cost,
        }
    return found


def _draw_past(
    seed: int, n: int, first_id: int, offers: pd.DataFrame, treated_share: float, score_error: float
) -> pd.DataFrame:
    customers = _draw_customers(seed, "past customers", n, first_id)
    truth = _true_effects(customers)
    risk, value = _score(seed, "past scores", truth, score_error)
    assignment = stream(seed, "past lots")
    offer, treated = assignment.integers(0, len(offers), n), assignment.random(n) < treated_share
    contacted = np.where(treated, offer, -1)
    stays, takes, cost = _draw_fates(seed, "past fates", truth, offers, contacted)
    who, amounts = _draw_amounts(seed, "past amounts", stays, customers)
    return customers.assign(
        churn_probability=risk,
        growth_potential=value,
        offer=offers["offer"].to_numpy()[offer],
        treated=treated.astype(np.int64),
        retained=stays.astype(np.int64),
        margin=np.bincount(who, weights=MARGIN * amounts, minlength=n),
        responded=takes.astype(np.int64),
        cost=cost,
    )


def _score(seed: int, name: str, truth: Truth, error: float) -> tuple[Floats, Floats]:
    """Risk and value as an imperfect model would score them."""
    chance = stream(seed, name)
    churn, n = np.clip(truth["churn"], 1e-6, 1 - 1e-6), len(truth["churn"])
    risk = _probability(np.log(churn / (1 - churn)) + error * chance.standard_normal(n))
    return risk, truth["value"] * np.exp(error * chance.standard_normal(n) - error**2 / 2)


def _draw_fates(
    seed: int, name: str, truth: Truth, offers: pd.DataFrame, offer: Integers
) -> tuple[Flags, Flags, Floats]:
    """Who stays, who takes the incentive, and what each contact costs: (n,) each; offer −1 is no contact."""
    chance = stream(seed, name)
    n = len(offer)
    leaves, kept = chance.random(n) < truth["churn"], chance.random(n)
    driven, redeems = chance.random(n), chance.random(n)
    rows, contacted = np.arange(n), offer >= 0
    keeps = np.stack([truth[f"persuaded_{each}"] for each in offers["offer"]], axis=1)[rows, offer]
    loses = np.stack([truth[f"scared_{each}"] for each in offers["offer"]], axis=1)[rows, offer]
    persuaded = contacted & leaves & (kept < keeps)
    loyal = ~leaves & ~(contacted & (driven < loses))
    takes = persuaded | (contacted & loyal & (redeems < _column(offers, "redemption")[offer]))
    paid = _column(offers, "contact_cost")[offer] + takes * _column(offers, "incentive")[offer]
    return persuaded | loyal, takes, np.where(contacted, paid, 0.0)


def _draw_amounts(seed: int, name: str, stays: Flags, customers: pd.DataFrame) -> tuple[Integers, Floats]:
    """Row of the customer and amount of each order of the stayers, whose expected sum is their value."""
    chance = stream(seed, name)
    orders = 1 + chance.poisson(_ORDERS_IN_HORIZON * _column(customers, "orders"))
    who = np.repeat(np.arange(len(stays)), orders)
    sizes = chance.gamma(_AMOUNT_SHAPE, size=len(who)) / _AMOUNT_SHAPE
    amounts = sizes * _column(customers, "mean_order")[who]
    return who[stays[who]], amounts[stays[who]]


def _days_after(as_of: date, days: Integers) -> npt.NDArray[np.datetime64]:
    return (np.datetime64(as_of, "D") + days.astype("timedelta64[D]")).astype("datetime64[us]")


def _probability(log_odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-log_odds))


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=np.float64)
