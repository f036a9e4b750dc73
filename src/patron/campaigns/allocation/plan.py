"""The campaign plan: who gets which offer, who is held out, what it costs and is expected to earn.

The expected profit of an offer comes either from the customer's risk and value and the assumed acceptance, or
from effects estimated in a trial. Customers for whom contact increases churn ("sleeping dogs") do not get the
offer.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags, Floats, Integers
from patron.campaigns.allocation.allocate import Allocation, allocate, allocate_by_rank
from patron.campaigns.allocation.holdout import detectable_effect, draw_treated, strata
from patron.campaigns.allocation.offers import ExpectedProfit, OfferBook, contact_cut, expected_profit
from patron.campaigns.allocation.shadow_prices import AllocationProblem
from patron.campaigns.list_folder import LIST_COLUMNS
from patron.errors import InputError, PatronWarning, SettingsError, counted, some

__all__ = ["CampaignPlan", "make_plan"]


NOT_SCORED = "without a score"
SLEEPING_DOGS = "for whom every offer would increase churn"


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """A list of contacts and its key figures.

    Attributes
    ----------
    listed
        key customer_id, `LIST_COLUMNS`: cost and expected profit (money, with its 80 % interval) of the
        offer to the customer, treated (False for the holdout), and why; highest expected profit first
    allocation
        the offer of each customer in the scores, and the bound
    considered
        number of customers in the scores
    left_out
        reason → number of customers who could not be chosen
    alternatives
        rule → customers, cost (money) and expected_return (money) of its list of equal cost
    detectable
        money, minimum detectable effect on the margin per customer; None without a holdout
    """

    listed: pd.DataFrame
    allocation: Allocation
    considered: int
    left_out: Mapping[str, int]
    alternatives: Mapping[str, Mapping[str, float]]
    detectable: float | None

    def to_dict(self) -> dict[str, Any]:
        """The figures of the plan as plain values."""
        listed, treated = self.listed, self.listed["treated"]
        by_offer = listed.groupby("offer", sort=True)
        return {
            "considered": self.considered,
            "left_out": dict(self.left_out),
            "customers": len(listed),
            "treated": int(treated.sum()),
            "holdout": int((~treated).sum()),
            "cost": float(listed["cost"].sum()),
            "cost_of_treated": float(listed.loc[treated, "cost"].sum()),
            "expected_return": float(listed["expected_profit"].sum()),
            "expected_return_of_treated": float(listed.loc[treated, "expected_profit"].sum()),
            "bound": self.allocation.bound,
            "gap": self.allocation.gap,
            "shadow_price_of_budget": self.allocation.shadow_prices.budget,
            "offers": {
                str(name): {
                    "customers": len(part),
                    "cost": float(part["cost"].sum()),
                    "expected_return": float(part["expected_profit"].sum()),
                }
                for name, part in by_offer
            },
            "alternatives": {name: dict(numbers) for name, numbers in self.alternatives.items()},
            "detectable_effect_per_customer": self.detectable,
        }


@dataclass(frozen=True, slots=True)
class _Expected:
    """Each number (n_offers, n_customers)."""

    profit: Floats
    low: Floats
    high: Floats
    cost: Floats
    learned: Flags
    dogs: Flags = field(repr=False)


def make_plan(
    scores: pd.DataFrame,
    book: OfferBook,
    *,
    budget: float = np.inf,
    effects: pd.DataFrame | None = None,
    excluded: Mapping[str, Flags] | None = None,
    segment: str | None = None,
    min_contacts: Mapping[str, int] | None = None,
    holdout: float = 0.1,
    seed: int = 0,
) -> CampaignPlan:
    """The most profitable list for these customers, its holdout, and the profit of simpler lists.

    Parameters
    ----------
    scores
        key customer_id; churn_probability, growth_potential (money), and optionally growth_potential_low and
        _high, reason_1 and the column of the segments
    book
        offers and channels
    budget
        money ≥ 0 for the whole list, including customers held out; infinite if there is no limit
    effects
        key (customer_id, offer): effect_on_value (money, before the costs of the offer) with low and
        high, and sleeping_dog (whether the offer increases the customer's churn); None to assume the
        acceptance of each offer
    excluded
        reason → (n_customers,) whether the customer must not be contacted
    segment
        column of the scores that defines the segments of `min_contacts`
    min_contacts
        segment → minimum number of its customers on the list
    holdout
        share of the list in [0, 1) that is randomly held out
    seed
        random seed of the holdout and of the random list

    Returns
    -------
    CampaignPlan
        an empty list if no contact is worth its cost

    Raises
    ------
    SettingsError
        the budget is below the cheapest contact, the effects belong to other offers, or the column of the
        segments is missing
    InputError
        the minimum of a segment cannot be met
    RangeError
        a probability or the holdout share is out of range

    Examples
    --------
    >>> book = OfferBook.of({"channels": {"phone": {}}, "offers": {"call": {
    ...     "channel": "phone", "incentive": 10.0, "contact_cost": 1.0, "acceptance": 0.3}}})
    >>> scores = pd.DataFrame({"customer_id": [7, 8, 9], "churn_probability": [0.4, 0.05, 0.6],
    ...                        "growth_potential": [200.0, 200.0, 90.0]})
    >>> plan = make_plan(scores, book, budget=9.0, holdout=0.0)
    >>> plan.listed[["customer_id", "offer", "cost", "expected_profit"]].round(2)
       customer_id offer  cost  expected_profit
    0            7  call   8.2             15.8
    """
    expected = _expect(scores, book, effects)
    barred = _barred(scores, expected, excluded or {})
    free = ~np.logical_or.reduce(list(barred.values()))
    segments, minimums = _segments(scores, free, segment, min_contacts or {})
    problem = AllocationProblem(
        profit=np.where(free & np.isfinite(expected.profit) & ~expected.dogs, expected.profit, -np.inf),
        cost=np.nan_to_num(expected.cost),
        budget=budget,
        channel=np.array([list(book.capacity).index(offer.channel) for offer in book.offers]),
        capacity=np.array([np.inf if limit is None else float(limit) for limit in book.capacity.values()]),
        segment=segments,
        min_contacts=minimums,
    )
    _check_budget(problem, book)
    allocation = allocate(problem)
    listed = _as_list(scores, book, expected, allocation.offer, holdout, seed)
    return CampaignPlan(
        listed,
        allocation,
        len(scores),
        {reason: int(flags.sum()) for reason, flags in barred.items() if flags.any()},
        _alternatives(scores, problem, allocation.cost, free, seed),
        _detectable(scores, allocation.offer, holdout),
    )


def _expect(scores: pd.DataFrame, book: OfferBook, effects: pd.DataFrame | None) -> _Expected:
    risk, value = _numbers(scores, "churn_probability"), _numbers(scores, "growth_potential")
    ends = [
        _numbers(scores, name) if name in scores.columns else None
        for name in ("growth_potential_low", "growth_potential_high")
    ]
    assumed = [expected_profit(offer, risk, value, *ends) for offer in book.offers]
    shape = (len(book.offers), len(scores))
    learned, dogs = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    if effects is not None:
        for row, name, effect in _by_offer(scores, book, effects):
            offer, known = book.offers[row], effect["effect_on_value"].notna().to_numpy()
            cost = assumed[row].cost
            mean, low, high = (effect[end].to_numpy(np.float64) for end in ("effect_on_value", "low", "high"))
            assumed[row] = ExpectedProfit(mean - cost, low - cost, high - cost, cost)
            learned[row] = known & (offer.name == name)
            dogs[row] = effect["sleeping_dog"].fillna(False).to_numpy(dtype=bool)
    stacked = (np.stack([getattr(each, name) for each in assumed]) for name in ExpectedProfit._fields)
    profit, low, high, cost = stacked
    return _Expected(profit, low, high, cost, learned, dogs)


def _by_offer(
    scores: pd.DataFrame, book: OfferBook, effects: pd.DataFrame
) -> list[tuple[int, str, pd.DataFrame]]:
    """Position, name and effects of each offer that has effects, in the row order of the scores."""
    names = book.names
    known = sorted(set(effects["offer"].astype(str)))
    if known and not set(known) & set(names):
        raise SettingsError(
            f"The effects belong to {', '.join(known)}, but the offers are {', '.join(names)}. "
            "Use the same names."
        )
    if unused := [name for name in known if name not in names]:
        warnings.warn(
            f"The effects of {', '.join(unused)} are not used: there are no such offers.",
            PatronWarning,
            stacklevel=4,
        )
    found = []
    for name, part in effects[effects["offer"].isin(names)].groupby("offer", sort=True):
        keyed = part.drop_duplicates("customer_id").set_index("customer_id")
        columns = keyed[["effect_on_value", "low", "high", "sleeping_dog"]].astype(
            {"sleeping_dog": "boolean"}
        )
        found.append((names.index(str(name)), str(name), columns.reindex(scores["customer_id"])))
    return found


def _barred(scores: pd.DataFrame, expected: _Expected, excluded: Mapping[str, Flags]) -> dict[str, Flags]:
    """Reason → the customers it excludes, each customer under the first reason that applies."""
    unknown = ~np.isfinite(expected.profit).any(axis=0)
    awake = (np.isfinite(expected.profit) & ~expected.dogs).any(axis=0)
    barred = {NOT_SCORED: unknown, **excluded, SLEEPING_DOGS: ~unknown & ~awake}
    before = np.zeros(len(scores), dtype=bool)
    for reason, flags in barred.items():
        barred[reason] = np.asarray(flags, dtype=bool) & ~before
        before |= barred[reason]
    return barred


def _segments(
    scores: pd.DataFrame, free: Flags, segment: str | None, min_contacts: Mapping[str, int]
) -> tuple[Integers, Integers]:
    """Position of each customer's segment among those with a minimum, −1 for none; and the minimums."""
    if not min_contacts:
        return np.full(len(scores), -1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if segment is None:
        raise SettingsError(
            f"A minimum for {some(min_contacts)} needs the score column that defines the segments. Name it "
            "with --segment, for instance --segment value_tier."
        )
    if segment not in scores.columns:
        columns = some([name for name in scores.columns if scores[name].dtype.kind not in "fM"], 20)
        raise SettingsError(
            f"A minimum per segment needs the score column that defines the segments; the scores have no "
            f"column {segment!r}, they have {columns}."
        )
    given = scores[segment].astype(str).to_numpy()
    for name, count in min_contacts.items():
        members = int(((given == name) & free).sum())
        if members < count:
            raise InputError(
                f"At least {counted(count, 'customer')} of segment {name!r} must be contacted, but only "
                f"{members:,} can be. Lower the minimum; the segments are {some(sorted(set(given)), 20)}."
            )
    return pd.Index(list(min_contacts)).get_indexer(pd.Index(given)).astype(np.int64), np.array(
        list(min_contacts.values())
    )


def _check_budget(problem: AllocationProblem, book: OfferBook) -> None:
    possible = np.where(problem.profit > -np.inf, problem.cost, np.inf).min(axis=1, initial=np.inf)
    cheapest = int(possible.argmin())
    if np.isfinite(possible[cheapest]) and problem.budget < possible[cheapest]:
        raise SettingsError(
            f"The budget of {problem.budget:,.2f} is below the cheapest contact, {possible[cheapest]:,.2f} "
            f"for offer {book.offers[cheapest].name!r}. Raise it."
        )


def _as_list(
    scores: pd.DataFrame, book: OfferBook, expected: _Expected, offer: Integers, holdout: float, seed: int
) -> pd.DataFrame:
    on = np.flatnonzero(offer >= 0)
    on = on[np.argsort(-expected.profit[offer[on], on], kind="stable")]
    made = offer[on]
    names = np.array([each.name for each in book.offers], dtype=object)[made]
    channels = np.array([each.channel for each in book.offers], dtype=object)[made]
    profit = expected.profit[made, on]
    listed = {
        "customer_id": scores["customer_id"].iloc[on].reset_index(drop=True),
        "offer": names,
        "channel": channels,
        "cost": expected.cost[made, on],
        "expected_profit": profit,
        "expected_profit_low": expected.low[made, on],
        "expected_profit_high": expected.high[made, on],
        "treated": draw_treated(strata(names, profit), holdout, seed),
        "why": _why(scores, book, expected, on, made),
    }
    return pd.DataFrame(listed, columns=list(LIST_COLUMNS))


def _why(
    scores: pd.DataFrame, book: OfferBook, expected: _Expected, on: Integers, made: Integers
) -> npt.NDArray[np.object_]:
    """The numbers behind the decision and the main reason for the risk, in words."""
    risk, value = _numbers(scores, "churn_probability")[on], _numbers(scores, "growth_potential")[on]
    reason = scores["reason_1"].iloc[on].fillna("") if "reason_1" in scores.columns else [""] * len(on)
    cuts = np.stack([contact_cut(value, offer) for offer in book.offers])[made, np.arange(len(on))]
    cost = expected.cost[made, on]
    effect = expected.profit[made, on] + cost
    learned = expected.learned[made, on]
    acceptance = np.array([offer.acceptance.mean for offer in book.offers])[made]
    texts = [
        f"contact adds {e:,.2f} of {v:,.2f} and costs {c:,.2f}; risk {p:.0%}"
        if known
        else f"risk {p:.0%} of losing {v:,.2f}, kept with {a:.0%}, costs {c:,.2f}; pays from a risk of "
        f"{cut:.0%}"
        for e, v, c, p, known, a, cut in zip(
            effect, value, cost, risk, learned, acceptance, cuts, strict=True
        )
    ]
    full = [f"{words}; {why}" if why else words for words, why in zip(texts, reason, strict=True)]
    return np.array(full, dtype=object)


def _alternatives(
    scores: pd.DataFrame, problem: AllocationProblem, cost: float, free: Flags, seed: int
) -> dict[str, dict[str, float]]:
    """What lists by risk only, by value only and at random would earn for the same money."""
    random = np.random.default_rng([seed, *b"random list"]).random(len(scores))
    ranks = {
        "risk_only": _numbers(scores, "churn_probability"),
        "value_only": _numbers(scores, "growth_potential"),
        "random": random,
    }
    found = {}
    for name, rank in ranks.items():
        offer = allocate_by_rank(problem, np.where(free, rank, np.nan), cost)
        on = np.flatnonzero(offer >= 0)
        found[name] = {
            "customers": len(on),
            "cost": float(problem.cost[offer[on], on].sum()),
            "expected_return": float(problem.profit[offer[on], on].sum()),
        }
    return found


def _detectable(scores: pd.DataFrame, offer: Integers, holdout: float) -> float | None:
    """From the variance between customers: a stayer is worth the value, a leaver nothing."""
    on = np.flatnonzero(offer >= 0)
    if holdout == 0 or len(on) < 2:
        return None
    stays = 1 - _numbers(scores, "churn_probability")[on]
    value = np.maximum(_numbers(scores, "growth_potential")[on], 0.0)
    sd = float(np.sqrt(np.mean(stays * value**2) - np.mean(stays * value) ** 2))
    return detectable_effect(len(on), sd, share=holdout) if sd > 0 else None


def _numbers(scores: pd.DataFrame, name: str) -> Floats:
    return scores[name].to_numpy(dtype=np.float64, na_value=np.nan)
