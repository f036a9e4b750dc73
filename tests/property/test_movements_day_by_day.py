"""Counting spells gives what looking at every customer on every day gives."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from patron.economics.kpis.roll_forward import RollForward, count_roll_forward
from patron.economics.kpis.spells import RUNNING, spells_by_contract, spells_by_rule
from patron.economics.periods import Every, whole_periods

START, DAYS = date(2023, 1, 1), 760


def day(number: int) -> date:
    return START + timedelta(days=int(number))


def day_by_day(active: np.ndarray, every: Every) -> list[RollForward]:
    """Movements from (customers, days) of who was active at the close of which day."""
    found = []
    for period in whole_periods(day(0), day(DAYS - 1), every)[1:]:
        before, end = ((one - START).days for one in (period.before, period.end))
        at_start, at_end = active[:, before], active[:, end]
        known = active[:, : before + 1].any(axis=1)
        within = active[:, before + 1 : end + 1].any(axis=1)
        found.append(
            RollForward(
                at_start=int(at_start.sum()),
                at_end=int(at_end.sum()),
                stayed=int((at_start & at_end).sum()),
                new=int((~known & within).sum()),
                known=int(known.sum()),
                returned=int((known & ~at_start & within).sum()),
            )
        )
    return found


@pytest.mark.parametrize("every", ["month", "quarter", "year"])
@pytest.mark.parametrize(("within_days", "seed"), [(1, 0), (14, 1), (90, 2)])
def test_movements_by_rule(every, within_days, seed):
    chance = np.random.default_rng(seed)
    customers = np.repeat(np.arange(60), 8)
    bought = np.sort(chance.integers(0, DAYS, size=(60, 8)), axis=1).ravel()
    active = np.zeros((60, DAYS + within_days), dtype=bool)
    for customer, at in zip(customers, bought, strict=True):
        active[customer, at : at + within_days] = True
    table = pd.DataFrame({"customer_id": customers, "day": [day(at) for at in bought]}).drop_duplicates()
    spells = spells_by_rule(ibis.memtable(table), within_days)
    periods = whole_periods(day(0), day(DAYS - 1), every)
    assert count_roll_forward(spells, periods)[1:] == day_by_day(active, every)


@pytest.mark.parametrize("every", ["month", "quarter"])
def test_movements_by_contract(every):
    chance = np.random.default_rng(7)
    customers = np.repeat(np.arange(60), 4)
    begins = chance.integers(0, DAYS, size=240)
    ends = begins + chance.integers(1, 200, size=240)
    runs = chance.random(240) < 0.1
    active = np.zeros((60, DAYS), dtype=bool)
    for customer, begin, end, goes_on in zip(customers, begins, ends, runs, strict=True):
        active[customer, begin : DAYS if goes_on else end] = True
    # what ends on one day and begins again on the next is one contract, as the spells have it
    gaps = ~active[:, 1:-1] & active[:, :-2] & active[:, 2:]
    active[:, 1:-1] |= gaps
    table = pd.DataFrame(
        {
            "customer_id": customers,
            "day": [day(begin) for begin in begins],
            "ended_on": [RUNNING if on else day(end) for end, on in zip(ends, runs, strict=True)],
        }
    )
    spells = spells_by_contract(ibis.memtable(table))
    periods = whole_periods(day(0), day(DAYS - 1), every)
    assert count_roll_forward(spells, periods)[1:] == day_by_day(active, every)


def test_the_end_of_one_period_is_the_start_of_the_next():
    chance = np.random.default_rng(3)
    table = pd.DataFrame(
        {"customer_id": chance.integers(0, 80, 600), "day": [day(at) for at in chance.integers(0, DAYS, 600)]}
    ).drop_duplicates()
    periods = whole_periods(day(0), day(DAYS - 1), "month")
    found = count_roll_forward(spells_by_rule(ibis.memtable(table), 45), periods)
    assert [one.at_end for one in found[:-1]] == [one.at_start for one in found[1:]]
    assert [one.known + one.new for one in found[:-1]] == [one.known for one in found[1:]]
