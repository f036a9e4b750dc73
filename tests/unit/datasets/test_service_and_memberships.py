"""The simulated service centre and its ledger, and members whose wish to leave is known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from patron.datasets.memberships import MEMBERSHIP
from patron.datasets.simulate import simulate
from patron.economics.costs.journey import Journey, Touchpoint
from patron.economics.costs.retention_costs import retention_costs
from patron.models.renewal.contracts import contracts_of_subscriptions
from patron.models.renewal.model import RenewalModel
from patron.tables.records import Records


@pytest.fixture(scope="module")
def business():
    return simulate(1500, days=731, start=date(2023, 1, 1), seed=3)


def test_what_each_customer_cost_is_found_again(business):
    records = Records.read(
        transactions=business.transactions, interactions=business.interactions, costs=business.costs
    )
    points = {
        "call": Touchpoint(base_minutes=4.0, extra_minutes={"complaint": 6.0}),
        "chat": Touchpoint(base_minutes=3.0),
        "return": Touchpoint(base_minutes=5.0, extra_minutes={"complaint": 6.0}),
    }
    journey = Journey(touchpoints=points, capacity=business.capacity)
    found = retention_costs(records, date(2023, 1, 1), date(2024, 12, 31), journey=journey)
    table = found.customers.to_pandas().set_index("customer_id")
    truth = business.service_truth.set_index("customer_id")["direct_cost"]
    both = pd.concat([table["direct"], truth], axis=1).fillna(0.0)
    assert np.abs(both["direct"] - both["direct_cost"]).max() < 0.03
    assert found.totals["unused_capacity"] > 0 < found.totals["anonymous"]
    winning = business.costs.loc[business.costs["pool"] == "acquisition", "amount"].sum()
    assert found.totals["unallocated"] == pytest.approx(winning)


def test_the_wish_to_leave_is_found_again(business):
    members = business.subscriptions[business.subscriptions["plan"] == "monthly"]
    contracts = contracts_of_subscriptions(members, business.as_of)
    willing = contracts[contracts["cancel_reason"] != "payment_failed"]
    model = RenewalModel(inference="laplace").fit(willing)
    survival = model.curve(12)["survival"]
    truth = RenewalModel.from_params(alpha=MEMBERSHIP["alpha"], beta=MEMBERSHIP["beta"]).curve(12)["survival"]
    assert survival.to_numpy() == pytest.approx(truth.to_numpy(), abs=0.06)


def test_the_loyal_sign_for_a_year(business):
    by_plan = business.subscriptions.merge(business.membership_truth, on="customer_id").groupby("plan")
    means = by_plan["leave_chance"].mean()
    assert means["annual"] < 0.7 * means["monthly"]


def test_new_tables_change_no_other(business):
    alone = simulate(1500, days=731, start=date(2023, 1, 1), seed=3, purchases_only=True)
    assert alone.transactions.equals(business.transactions)
    assert alone.interactions is None
    assert alone.costs is None
    assert alone.subscriptions is None
