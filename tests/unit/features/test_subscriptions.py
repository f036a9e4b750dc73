"""What a running contract says, and that it says nothing of what became of it."""

from datetime import date

import pandas as pd
import pytest

from patron.errors import PatronWarning
from patron.features.assemble import assemble_features, discover_catalogue
from patron.snapshots.spine import make_spine
from patron.tables.history import History

AS_OF = date(2024, 3, 6)
TODAY = date(2024, 12, 31)
CONTRACTS = pd.DataFrame(
    [
        (1, "2024-01-01", None, "gold", 9.5, 30.0, None),
        (2, "2023-03-06", "2023-09-01", "basic", 4.0, 30.0, None),
        (2, "2024-03-06", "2024-05-01", "gold", 9.5, 30.0, "2024-12-01"),
        (3, "2024-02-06", None, None, None, None, None),
    ],
    columns=["customer_id", "started_at", "ended_at", "plan", "price", "period_days", "renews_at"],
)


def features(contracts: pd.DataFrame, **tables: pd.DataFrame) -> pd.DataFrame:
    history = History.read(subscriptions=contracts, today=TODAY, **tables)
    catalogue = discover_catalogue(history, AS_OF)
    table = assemble_features(history, make_spine(history, AS_OF), catalogue)
    return table.to_pyarrow().to_pandas().set_index("customer_id").sort_index()


def test_age_plan_price_renewals_and_days_to_the_next():
    found = features(CONTRACTS)
    row = found.loc[1]  # began 65 days ago: two renewals, the next after 90
    assert (row.subscription_tenure, row.subscription_plan, row.subscription_price) == (65, "gold", 9.5)
    assert (row.subscription_renewals, row.days_to_renewal, row.subscriptions_before) == (2, 25, 0)


def test_of_a_returning_customer_the_contract_that_runs_counts_and_the_others_are_counted():
    row = features(CONTRACTS).loc[2]
    assert (row.subscription_tenure, row.subscription_plan, row.subscriptions_before) == (0, "gold", 1)


def test_of_the_day_of_renewal_only_its_place_in_the_period_counts():
    # 2024-12-01 is 270 days ahead, a multiple of 30: a period begins on as_of.
    assert features(CONTRACTS).days_to_renewal[2] == 30
    earlier = CONTRACTS.assign(renews_at=CONTRACTS.renews_at.replace("2024-12-01", "2024-04-05"))
    assert features(earlier).days_to_renewal[2] == 30


def test_what_a_contract_does_not_say_is_unknown():
    row = features(CONTRACTS).loc[3]
    assert row[["subscription_plan", "subscription_price", "subscription_renewals"]].isna().all()
    assert features(CONTRACTS[["customer_id", "started_at"]]).subscription_tenure.to_dict()[3] == 29


def test_who_holds_a_contract_and_never_bought_is_as_old_as_the_contract():
    lines = pd.DataFrame({"customer_id": [2], "order_at": ["2023-04-01"], "amount": [5.0]})
    later = pd.DataFrame({"customer_id": [2], "order_at": ["2024-06-01"], "amount": [5.0]})
    found = features(CONTRACTS, transactions=pd.concat([lines, later]))
    assert found[["frequency", "recency", "T"]].loc[1].tolist() == [0, 0, 65]
    assert found["T"][2] == 340
    assert pd.isna(found.days_since_last[1])


def test_too_many_plans_are_no_category():
    many = pd.DataFrame({"customer_id": range(1200), "started_at": "2024-01-01"})
    many["plan"] = "plan " + many.customer_id.astype(str)
    with pytest.warns(PatronWarning, match=r"subscriptions.plan is left out .* 1200 different values"):
        found = features(pd.concat([many, pd.DataFrame({"customer_id": [1], "started_at": ["2024-06-01"]})]))
    assert "subscription_plan" not in found.columns


def test_a_model_of_contracts_says_that_the_table_is_missing():
    history = History.read(subscriptions=CONTRACTS, today=TODAY)
    catalogue = discover_catalogue(history, AS_OF)
    lines = pd.DataFrame(
        {"customer_id": [2, 2], "order_at": ["2023-04-01", "2024-06-01"], "amount": [5.0, 5.0]}
    )
    without = History.read(lines)
    with pytest.warns(PatronWarning, match="there is no table 'subscriptions'"):
        table = assemble_features(without, make_spine(without, AS_OF), catalogue)
    found = table.to_pyarrow().to_pandas()
    assert found.subscription_tenure.isna().all()
    assert found.subscriptions_before.isna().all()
