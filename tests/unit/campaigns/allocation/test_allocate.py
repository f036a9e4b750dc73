"""The list worth contacting: never worse than any other within the limits, and always within them."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from patron.campaigns.allocation.allocate import allocate, allocate_by_rank
from patron.campaigns.allocation.shadow_prices import AllocationProblem
from patron.errors import InputError

NO_MINIMUM = np.zeros(0, dtype=np.int64)


def problem_of(
    profit, cost, budget=np.inf, channel=None, capacity=None, segment=None, min_contacts=NO_MINIMUM
):
    profit = np.asarray(profit, dtype=float)
    offers, customers = profit.shape
    return AllocationProblem(
        profit=profit,
        cost=np.broadcast_to(np.asarray(cost, dtype=float), profit.shape).copy(),
        budget=budget,
        channel=np.zeros(offers, dtype=np.int64) if channel is None else np.asarray(channel),
        capacity=np.array([np.inf]) if capacity is None else np.asarray(capacity, dtype=float),
        segment=np.full(customers, -1) if segment is None else np.asarray(segment),
        min_contacts=np.asarray(min_contacts, dtype=np.int64),
    )


def random_problem(seed, customers, offers=3, *, minimum=False):
    draw = np.random.default_rng(seed)
    profit = draw.normal(2, 4, (offers, customers))
    profit[draw.random(profit.shape) < 0.1] = -np.inf
    cost = draw.uniform(0.2, 3, profit.shape)
    return problem_of(
        profit,
        cost,
        budget=draw.uniform(0.1, 0.8) * customers,
        channel=draw.integers(0, 2, offers),
        capacity=np.floor(draw.uniform(0.05, 0.5, 2) * customers) + 1,
        segment=draw.integers(-1, 2, customers) if minimum else None,
        min_contacts=[1, 1] if minimum else NO_MINIMUM,
    )


def within_limits(case, offer):
    on = np.flatnonzero(offer >= 0)
    used = np.bincount(case.channel[offer[on]], minlength=len(case.capacity))
    met = np.bincount(case.segment[on][case.segment[on] >= 0], minlength=len(case.min_contacts))
    return (
        case.cost[offer[on], on].sum() <= case.budget + 1e-9
        and (used <= case.capacity).all()
        and (met >= case.min_contacts).all()
        and np.isfinite(case.profit[offer[on], on]).all()
    )


def best_of_all(case):
    """By trying every list."""
    offers, customers = case.profit.shape
    best = -np.inf
    for offer in itertools.product(range(-1, offers), repeat=customers):
        offer = np.array(offer)
        if within_limits(case, offer):
            on = np.flatnonzero(offer >= 0)
            best = max(best, case.profit[offer[on], on].sum())
    return best


def best_by_one_program(case):
    """By one integer program over all pairs, without prices or core."""
    offers, customers = case.profit.shape
    pair = [(j, i) for j in range(offers) for i in range(customers) if np.isfinite(case.profit[j, i])]
    offer, customer = np.array(pair).T
    rows = [case.cost[offer, customer][None, :]]
    rows += [(case.channel[offer] == c).astype(float)[None, :] for c in range(len(case.capacity))]
    one_each = sparse.csr_array(
        (np.ones(len(pair)), (customer, np.arange(len(pair)))), (customers, len(pair))
    )
    matrix = sparse.vstack([one_each, *map(sparse.csr_array, rows)])
    upper = np.concatenate([np.ones(customers), [case.budget], case.capacity])
    found = milp(
        -case.profit[offer, customer],
        integrality=np.ones(len(pair)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, -np.inf, upper),
        options={"mip_rel_gap": 1e-6},
    )
    return -found.fun


@pytest.mark.parametrize("minimum", [False, True])
@settings(max_examples=12)
@given(seed=st.integers(0, 10_000))
@example(seed=174)  # the bound is reached, and the sums differ in the last digit
def test_no_other_list_within_the_limits_earns_more(minimum, seed):
    case = random_problem(seed, 5, offers=2, minimum=minimum)
    best = best_of_all(case)
    if best == -np.inf:
        with pytest.raises(InputError, match="minimum per segment cannot be met"):
            allocate(case)
        return
    allocation = allocate(case)
    assert within_limits(case, allocation.offer)
    assert allocation.profit == pytest.approx(best, rel=1e-5, abs=1e-9)
    assert allocation.bound >= best - 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_shadow_prices_and_core_agree_with_one_program_over_all_customers(seed):
    case = random_problem(seed, 400)
    allocation = allocate(case)
    assert within_limits(case, allocation.offer)
    assert allocation.profit == pytest.approx(best_by_one_program(case), rel=2e-5)
    assert allocation.gap <= 1e-4


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000))
def test_greedy_stays_within_the_limits_and_below_the_bound(seed):
    case = random_problem(seed, 300)
    allocation = allocate(case, max_exact=0)
    assert within_limits(case, allocation.offer)
    assert allocation.profit <= allocation.shadow_prices.bound * (1 + 1e-9)
    assert allocation.gap < 0.05


def test_customers_who_are_all_alike_fill_every_channel():
    case = problem_of(np.full((3, 1000), 5.0), 1.0, budget=90.0, channel=[0, 0, 1], capacity=[60.0, 50.0])
    for max_exact in (0, 30_000):
        allocation = allocate(case, max_exact=max_exact)
        assert within_limits(case, allocation.offer)
        assert allocation.profit == pytest.approx(450.0)


def test_a_budget_that_is_spent_to_the_last_unit_is_not_exceeded():
    case = problem_of(np.arange(1.0, 101.0)[None, :], 0.1, budget=5.0)
    allocation = allocate(case)
    assert np.flatnonzero(allocation.offer >= 0).tolist() == list(range(50, 100))


def test_a_contact_that_loses_is_made_only_for_a_minimum():
    profit = [[3.0, -1.0, -2.0, -5.0]]
    free = allocate(problem_of(profit, 1.0))
    held = allocate(problem_of(profit, 1.0, segment=[-1, 0, 0, 0], min_contacts=[2]))
    assert free.offer.tolist() == [0, -1, -1, -1]
    assert held.offer.tolist() == [0, 0, 0, -1]


def test_where_no_contact_earns_anything_the_list_is_empty():
    allocation = allocate(problem_of(np.full((2, 4), -1.0), 1.0, budget=10.0))
    assert (allocation.offer == -1).all()
    assert (allocation.profit, allocation.gap) == (0.0, 0.0)


def test_more_money_never_earns_less():
    case = random_problem(7, 200)
    given = {name: getattr(case, name) for name in case.__slots__}
    profits = [
        allocate(AllocationProblem(**{**given, "budget": budget})).profit
        for budget in (0.0, 10.0, 20.0, 40.0, 80.0)
    ]
    assert profits == sorted(profits)


def test_a_rule_spends_no_more_than_it_may():
    case = random_problem(3, 500)
    offer = allocate_by_rank(case, np.arange(500.0), budget=50.0)
    on = np.flatnonzero(offer >= 0)
    assert 45 <= case.cost[offer[on], on].sum() <= 50
    assert (np.bincount(case.channel[offer[on]], minlength=2) <= case.capacity).all()
