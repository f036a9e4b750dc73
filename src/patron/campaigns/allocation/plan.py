"""From scores and offers to a plan: who is contacted with what, who is held out, what it costs and earns.

The profit of an offer to a customer is expected in one of two ways: from the customer's risk and value and
the assumed acceptance of the offer, or, where a trial has told what contact changes for whom, from these
effects. Offers whose effect on a customer is negative, sleeping dogs, are not made.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patron.arrays import Flags, Floats, Integers
from patron.campaigns.allocation.allocate import Choice, choose, choose_by_rule
from patron.campaigns.allocation.holdout import detectable_effect, draw_treated, strata
from patron.campaigns.allocation.offers import ExpectedProfit, OfferBook, contact_cut, expected_profit
from patron.campaigns.allocation.shadow_prices import Competition
from patron.errors import InputError, PatronWarning, SettingsError, counted, some

__all__ = ["LIST_COLUMNS", "Plan", "make_plan"]


LIST_COLUMNS = (
    "customer_id", "offer", "channel", "cost", "expected_profit", "expected_profit_low",
    "expected_profit_high", "treated", "why",
)  # fmt: skip
"""The columns of a list, in order."""

NOT_SCORED = "without a score"
SLEEPING_DOGS = "whom every offer would drive away"


@dataclass(frozen=True, slots=True)
class Plan:
    """A list, and what is known about it.

    Attributes
    ----------
    listed
        key customer_id, `LIST_COLUMNS`: cost and expected profit (money, with its 80 % interval) of the
        offer to the customer, treated (False for the holdout), and why; highest expected profit first
    choice
        which offer each customer of the scores gets, and the bound
    considered
        count of customers of the scores
    left_out
        reason → count of customers who could not be chosen
    alternatives
        rule → customers, cost (money) and expected_return (money) of its list of equal cost
    detectable
        money, the smallest effect on the margin per customer that the holdout is likely to show;
        None without a holdout
    """

    listed: pd.DataFrame
    choice: Choice
    considered: int
    left_out: Mapping[str, int]
    alternatives: Mapping[str, Mapping[str, float]]
    detectable: float | None

    def to_dict(self) -> dict[str, Any]:
        """The plan in numbers, as plain values."""
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
            "bound": self.choice.bound,
            "gap": self.choice.gap,
            "earned_by_one_more_of_budget": self.choice.prices.budget,
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
    left_alone: Mapping[str, Flags] | None = None,
    segment: str | None = None,
    least: Mapping[str, int] | None = None,
    holdout: float = 0.1,
    seed: int = 0,
) -> Plan:
    """The most profitable list for these customers, its holdout, and what simpler lists would earn.

    Parameters
    ----------
    scores
        key customer_id; churn_probability, growth_potential (money), and where they are known
        growth_potential_low and _high, reason_1 and the column of the segments
    book
        offers and channels
    budget
        money ≥ 0 for the whole list, held out customers included; infinite where there is no limit
    effects
        key (customer_id, offer): effect_on_value (money, before the costs of the offer) with low and
        high, and sleeping_dog (whether the offer drives the customer away); None assumes the acceptance of
        each offer
    left_alone
        reason → (n_customers,) who must not be contacted
    segment
        the column of the scores that `least` speaks of
    least
        segment → count of customers who must be on the list
    holdout
        in [0, 1), the share of the list that is held out by lot
    seed
        of the lot and of the random list

    Returns
    -------
    Plan
        an empty list where no contact is worth its cost

    Raises
    ------
    SettingsError
        the budget is below the cheapest contact, the effects are of other offers, or there is no
        column of the segments
    InputError
        the minimum of a segment cannot be met
    RangeError
        a probability lies outside [0, 1], or the share of the holdout does

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
    barred = _barred(scores, expected, left_alone or {})
    free = ~np.logical_or.reduce(list(barred.values()))
    groups, needed = _groups(scores, free, segment, least or {})
    competition = Competition(
        profit=np.where(free & np.isfinite(expected.profit) & ~expected.dogs, expected.profit, -np.inf),
        cost=np.nan_to_num(expected.cost),
        budget=budget,
        channel=np.array([list(book.capacity).index(offer.channel) for offer in book.offers]),
        capacity=np.array([np.inf if most is None else float(most) for most in book.capacity.values()]),
        segment=groups,
        least=needed,
    )
    _refuse_small_budget(competition, book)
    choice = choose(competition)
    listed = _as_list(scores, book, expected, choice.offer, holdout, seed)
    return Plan(
        listed,
        choice,
        len(scores),
        {reason: int(flags.sum()) for reason, flags in barred.items() if flags.any()},
        _alternatives(scores, competition, choice.cost, free, seed),
        _detectable(scores, choice.offer, holdout),
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
    """Position, name and effects of each offer that has any, the effects in the order of the scores."""
    names = [offer.name for offer in book.offers]
    told = sorted(set(effects["offer"].astype(str)))
    if told and not set(told) & set(names):
        raise SettingsError(
            f"The effects are those of {', '.join(told)}, and the offers are {', '.join(names)}. "
            "Name them alike."
        )
    if strange := [name for name in told if name not in names]:
        warnings.warn(
            f"The effects of {', '.join(strange)} are not used: there are no such offers.",
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


def _barred(scores: pd.DataFrame, expected: _Expected, left_alone: Mapping[str, Flags]) -> dict[str, Flags]:
    """Reason → who cannot be chosen for it, each customer under the first reason that holds."""
    unknown = ~np.isfinite(expected.profit).any(axis=0)
    awake = (np.isfinite(expected.profit) & ~expected.dogs).any(axis=0)
    barred = {NOT_SCORED: unknown, **left_alone, SLEEPING_DOGS: ~unknown & ~awake}
    before = np.zeros(len(scores), dtype=bool)
    for reason, flags in barred.items():
        barred[reason] = np.asarray(flags, dtype=bool) & ~before
        before |= barred[reason]
    return barred


def _groups(
    scores: pd.DataFrame, free: Flags, segment: str | None, least: Mapping[str, int]
) -> tuple[Integers, Integers]:
    """The segments that need a minimum: position of each customer's, −1 for none; and how many each needs."""
    if not least:
        return np.full(len(scores), -1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if segment is None:
        raise SettingsError(
            f"A minimum for {some(least)} needs the column of the scores in which segments stand. Name it "
            "with --segment, for instance --segment value_tier."
        )
    if segment not in scores.columns:
        there = some([name for name in scores.columns if scores[name].dtype.kind not in "fM"], 20)
        raise SettingsError(
            f"A minimum per segment needs the column of the segments; {segment!r} is none of the scores, "
            f"which have {there}."
        )
    given = scores[segment].astype(str).to_numpy()
    for name, count in least.items():
        members = int(((given == name) & free).sum())
        if members < count:
            raise InputError(
                f"At least {counted(count, 'customer')} of the segment {name!r} must be contacted, and only "
                f"{members:,} may be. Lower the minimum; the segments are {some(sorted(set(given)), 20)}."
            )
    return pd.Index(list(least)).get_indexer(pd.Index(given)).astype(np.int64), np.array(list(least.values()))


def _refuse_small_budget(given: Competition, book: OfferBook) -> None:
    possible = np.where(given.profit > -np.inf, given.cost, np.inf).min(axis=1, initial=np.inf)
    cheapest = int(possible.argmin())
    if np.isfinite(possible[cheapest]) and given.budget < possible[cheapest]:
        raise SettingsError(
            f"The budget of {given.budget:,.2f} is below the cheapest contact, {possible[cheapest]:,.2f} by "
            f"the offer {book.offers[cheapest].name!r}. Raise it."
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
    """The deciding numbers and the first reason of the risk, in words."""
    risk, value = _numbers(scores, "churn_probability")[on], _numbers(scores, "growth_potential")[on]
    reason = scores["reason_1"].iloc[on].fillna("") if "reason_1" in scores.columns else [""] * len(on)
    cuts = np.stack([contact_cut(value, offer) for offer in book.offers])[made, np.arange(len(on))]
    cost = expected.cost[made, on]
    effect = expected.profit[made, on] + cost
    learned = expected.learned[made, on]
    chance = np.array([offer.acceptance.mean for offer in book.offers])[made]
    said = [
        f"contact adds {e:,.2f} of {v:,.2f} and costs {c:,.2f}; risk {p:.0%}"
        if known
        else f"risk {p:.0%} of losing {v:,.2f}, kept with {a:.0%}, costs {c:,.2f}; pays from {cut:.0%} on"
        for e, v, c, p, known, a, cut in zip(effect, value, cost, risk, learned, chance, cuts, strict=True)
    ]
    whole = [f"{words}; {why}" if why else words for words, why in zip(said, reason, strict=True)]
    return np.array(whole, dtype=object)


def _alternatives(
    scores: pd.DataFrame, given: Competition, cost: float, free: Flags, seed: int
) -> dict[str, dict[str, float]]:
    """What lists by risk alone, by value alone and by chance would earn for the same money."""
    chance = np.random.default_rng([seed, *b"random list"]).random(len(scores))
    ranks = {
        "risk_only": _numbers(scores, "churn_probability"),
        "value_only": _numbers(scores, "growth_potential"),
        "random": chance,
    }
    found = {}
    for name, rank in ranks.items():
        offer = choose_by_rule(given, np.where(free, rank, np.nan), cost)
        on = np.flatnonzero(offer >= 0)
        found[name] = {
            "customers": len(on),
            "cost": float(given.cost[offer[on], on].sum()),
            "expected_return": float(given.profit[offer[on], on].sum()),
        }
    return found


def _detectable(scores: pd.DataFrame, offer: Integers, holdout: float) -> float | None:
    """From how much customers differ: who stays brings the value, who leaves nothing."""
    on = np.flatnonzero(offer >= 0)
    if holdout == 0 or len(on) < 2:
        return None
    stays = 1 - _numbers(scores, "churn_probability")[on]
    value = np.maximum(_numbers(scores, "growth_potential")[on], 0.0)
    spread = float(np.sqrt(np.mean(stays * value**2) - np.mean(stays * value) ** 2))
    return detectable_effect(len(on), spread, share=holdout) if spread > 0 else None


def _numbers(scores: pd.DataFrame, name: str) -> Floats:
    return scores[name].to_numpy(dtype=np.float64, na_value=np.nan)
