"""Nothing is created and nothing is lost: every cent of any ledger is found again."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.economics.costs.cost_ledger import QUANTITIES, allocate
from patron.economics.costs.journey import Journey
from patron.economics.costs.retention_costs import retention_costs
from patron.economics.costs.rounding import in_cents, largest_remainder
from patron.tables.engine import open_engine
from patron.tables.records import Records

PARTS = ["customers", "anonymous", "unused_capacity", "unallocated"]
POOLS, POINTS = ("calls", "post", "rent"), ("call", "letter", "visit")


@given(st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=50))
def test_parts_in_cents_add_up(parts):
    total = round(sum(parts))
    whole = largest_remainder(parts, total)
    assert whole.sum() == total
    assert np.abs(whole - np.array(parts)).max() <= 1 + abs(total - sum(parts))


@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=50))
def test_amounts_become_cents_without_loss(amounts):
    assert in_cents(amounts).sum() == round(sum(np.array(amounts) * 100))


ledgers = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(POOLS),
        st.sampled_from(["direct", "indirect"]),
        st.sampled_from([None, *POINTS]),
        st.sampled_from([None, "minutes", "events", "active_customers", "revenue"]),
        st.integers(-500_000, 2_000_000),
    ),
    min_size=1,
    max_size=12,
)
uses = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(POINTS),
        st.booleans(),
        st.integers(1, 50),
        st.floats(0, 900),
        st.integers(0, 9),
    ),
    max_size=12,
)


@settings(max_examples=30)
@given(ledgers, uses, st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1e4)), min_size=3, max_size=3))
def test_every_line_splits_to_the_cent(ledger, used, bases):
    lines = pd.DataFrame(ledger, columns=["month", "pool", "kind", "touchpoint", "driver", "cents"])
    usage = pd.DataFrame(used, columns=["month", "touchpoint", "known", "events", "minutes", "units"])
    usage = usage.groupby(["month", "touchpoint", "known"], as_index=False)[list(QUANTITIES)].sum()
    base = pd.DataFrame(bases, columns=["active_customers", "revenue"]).assign(month=range(3))
    journey = Journey(capacity={"calls": 600.0}, unit_costs={"post": 1.5})
    statement = allocate(lines, usage, base, journey).statement
    assert (statement[PARTS].sum(axis=1) == statement["amount"]).all()
    assert statement["amount"].sum() == lines["cents"].sum()


@settings(max_examples=4)
@given(st.integers(0, 10_000))
def test_customers_and_journey_hold_every_cent_of_a_random_ledger(seed):
    rng = np.random.default_rng(seed)
    n, days = 60, pd.date_range("2024-01-01", "2024-03-31").astype(str)
    done = pd.DataFrame(
        {
            "customer_id": rng.choice([*range(1, 13), None], n),
            "occurred_at": rng.choice(days, n),
            "touchpoint": rng.choice(POINTS, n),
            "minutes": rng.gamma(1.0, 7.0, n),
            "units": rng.integers(0, 3, n),
        }
    ).astype({"customer_id": "Int64"})
    sales = pd.DataFrame(
        {
            "customer_id": rng.integers(1, 20, 30),
            "order_at": rng.choice(days, 30),
            "amount": np.append(rng.normal(20, 30, 29).round(2), 5.0),
        }
    )
    m = 9
    ledger = pd.DataFrame(
        {
            "month": rng.choice(["2024-01-01", "2024-02-01", "2024-03-01"], m),
            "pool": rng.choice(POOLS, m),
            "amount": rng.normal(500, 700, m).round(2),
            "kind": rng.choice(["direct", "indirect"], m),
            "touchpoint": rng.choice([*POINTS, None], m),
            "driver": rng.choice(["minutes", "events", "active_customers", "revenue", None], m),
        }
    )
    engine = open_engine(threads=1)
    records = Records.read(transactions=sales, interactions=done, costs=ledger, connection=engine)
    journey = Journey(capacity={"calls": 150.0}, unit_costs={"post": 1.5})
    first, last = pd.Timestamp("2024-01-01").date(), pd.Timestamp("2024-03-31").date()
    found = retention_costs(records, first, last, journey=journey)
    cents = {name: round(value * 100) for name, value in found.totals.items()}
    assert cents.pop("ledger") == round(ledger["amount"].sum() * 100) == sum(cents.values())
    customers = found.customers.to_pandas()
    for kind in ("direct", "indirect"):
        assert (customers[kind] * 100).round(6).mod(1).eq(0).all()
    assert round(customers["retention_cost"].sum() * 100) == cents["customers"]
    anonymous = found.journey["tier"] == "anonymous"
    assert round(found.journey.loc[~anonymous, "cost"].sum() * 100) == cents["customers"]
    assert round(found.journey.loc[anonymous, "cost"].sum() * 100) == cents["anonymous"]
