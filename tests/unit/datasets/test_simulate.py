"""A simulated business does what its world says, and its truth is the truth."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron.datasets.simulate import SimulatedBusiness, simulate
from patron.datasets.world import World
from patron.errors import RangeError
from patron.tables.history import History

CALM = World(yearly_amplitude=0.0, weekly_amplitude=0.0, channel_effect=0.0)


@pytest.fixture(scope="module")
def business() -> SimulatedBusiness:
    return simulate(3000, seed=7, world=World(lapsed_engagement=0.0))


def bought(business: SimulatedBusiness) -> pd.DataFrame:
    """One row per order: customer_id, order_at and what it was worth, refunds left out."""
    lines = business.transactions.query("amount > 0")
    return lines.groupby("order_id", as_index=False).agg(
        customer_id=("customer_id", "first"), order_at=("order_at", "first"), amount=("amount", "sum")
    )


def days_as_customer(business: SimulatedBusiness) -> pd.Series:
    """From the first order until leaving or the end of the window."""
    end = pd.Timestamp(business.start) + pd.Timedelta(days=business.days)
    first = bought(business).groupby("customer_id")["order_at"].min().to_numpy()
    return (business.truth["left_at"].fillna(end) - first).dt.total_seconds() / 86_400


def tables(business: SimulatedBusiness) -> list[pd.DataFrame]:
    found = [
        business.transactions,
        business.engagement,
        business.customers,
        business.referrals,
        business.contributions,
        business.truth,
    ]
    return [table for table in found if table is not None]


def test_the_same_seed_gives_the_same_business():
    one, same, other = (simulate(50, days=200, seed=seed) for seed in (3, 3, 4))
    for table, again in zip(tables(one), tables(same), strict=True):
        pd.testing.assert_frame_equal(table, again)
    assert not one.transactions.equals(other.transactions)


def test_leaving_engagement_out_changes_no_other_table(business):
    light = simulate(3000, seed=7, world=World(lapsed_engagement=0.0), purchases_only=True)
    assert light.engagement is None
    assert light.referrals is None
    assert light.contributions is None
    pd.testing.assert_frame_equal(light.transactions, business.transactions)
    pd.testing.assert_frame_equal(light.customers, business.customers)
    pd.testing.assert_frame_equal(
        light.truth.drop(columns="liveliness"), business.truth.drop(columns="liveliness")
    )


def test_the_refunds_of_a_world_leave_its_purchases_alone():
    with_refunds, without = (simulate(100, seed=1, world=World(refund_share=share)) for share in (0.5, 0.0))
    purchases = with_refunds.transactions.query("amount > 0").reset_index(drop=True)
    pd.testing.assert_frame_equal(purchases, without.transactions)


def test_the_order_counts_of_the_truth_are_those_of_the_transactions(business):
    counts = bought(business).groupby("customer_id").size()
    assert counts.index.tolist() == business.truth["customer_id"].tolist()  # all of them buy at least once
    assert counts.tolist() == business.truth["orders"].tolist()


def test_customers_are_acquired_on_the_day_of_their_first_order(business):
    first = bought(business).groupby("customer_id")["order_at"].min().dt.normalize()
    assert first.tolist() == business.customers["acquired_at"].tolist()


def test_transactions_come_in_the_order_of_time_and_within_the_window(business):
    at = business.transactions["order_at"]
    assert at.is_monotonic_increasing
    assert at.min() >= pd.Timestamp(business.start)
    assert at.max() < pd.Timestamp(business.as_of) + pd.Timedelta(days=1)
    assert business.engagement["event_at"].is_monotonic_increasing
    assert business.engagement["event_at"].max() < pd.Timestamp(business.as_of) + pd.Timedelta(days=1)


def test_a_refund_takes_back_a_whole_line_later_on(business):
    lines = business.transactions
    back = lines.query("amount < 0")
    assert (back[["quantity", "cost"]] < 0).all(axis=None)
    what = ["customer_id", "order_id", "product_id", "quantity", "amount", "discount", "cost"]
    given_back = back.assign(**{column: -back[column] for column in what[3:]})
    origin = given_back.merge(lines.query("amount > 0"), on=what, suffixes=("", "_bought"))
    assert set(origin.index) >= set(range(len(back)))
    assert len(origin.drop_duplicates([*what, "order_at"])) == len(back)
    assert (origin["order_at"] - origin["order_at_bought"] >= pd.Timedelta(days=2)).all()


def test_the_share_of_refunded_lines_is_the_worlds():
    lines = simulate(3000, seed=2, world=World(refund_share=0.2, acquisition_share=0.5)).transactions
    long_ago = lines.query("amount > 0 and order_at < '2024-09-01'")
    returned = lines.query("amount < 0")["order_id"].isin(long_ago["order_id"]).sum()
    assert returned / len(long_ago) == pytest.approx(0.2, abs=0.01)


def test_nobody_buys_after_leaving(business):
    orders = bought(business).merge(business.truth, on="customer_id")
    assert not (orders["order_at"] > orders["left_at"]).any()
    assert orders["left_at"].isna().equals(orders["alive"])


@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd", "paretonbd"])
def test_after_leaving_there_is_nothing_but_refunds_and_newsletters(family):
    business = simulate(1000, seed=5, world=World(family=family, lapsed_engagement=0.0))
    events = business.engagement.merge(business.truth, on="customer_id")
    after = events[events["event_at"] > events["left_at"]]
    assert set(after["kind"]) == {"email_sent"}
    lines = business.transactions.merge(business.truth, on="customer_id")
    assert (lines.loc[lines["order_at"] > lines["left_at"], "amount"] < 0).all()


def test_lapsed_customers_keep_the_stated_share_of_their_visits():
    world = replace(CALM, lapsed_engagement=0.5, visits_per_day=0.5, r=2.0)
    business = simulate(2000, seed=6, world=world)
    events = business.engagement.query("kind == 'site_visited'").merge(business.truth, on="customer_id")
    gone = business.truth.dropna(subset="left_at")
    days_gone = (pd.Timestamp("2024-12-31") - gone["left_at"]).dt.days.clip(lower=0)
    expected = (days_gone * gone["liveliness"]).sum() * world.visits_per_day * 0.5
    assert (events["event_at"] > events["left_at"]).sum() == pytest.approx(expected, rel=0.03)


def test_engagement_fades_before_customers_leave():
    business = simulate(4000, seed=8, world=replace(CALM, family="paretonbd", fade_days=60.0))
    events = business.engagement.merge(business.truth, on="customer_id").merge(
        business.customers, on="customer_id"
    )
    stayed_long = events["left_at"] - events["acquired_at"] > pd.Timedelta(days=180)
    events = events[stayed_long & (events["kind"] == "site_visited")]
    days_before = (events["left_at"] - events["event_at"]).dt.total_seconds() / 86_400
    early, middle, late = (days_before.between(low, low + 30).sum() for low in (90, 30, 0))
    # visits fall in a line from all of them 60 days before leaving to the lapsed 5 %
    assert middle / early == pytest.approx(0.05 + 0.95 * 0.75, abs=0.06)
    assert late / early == pytest.approx(0.05 + 0.95 * 0.25, abs=0.06)


def test_every_opened_newsletter_was_sent_and_every_clicked_one_opened(business):
    counts = pd.crosstab(business.engagement["customer_id"], business.engagement["kind"])
    assert (counts["email_opened"] <= counts["email_sent"]).all()
    assert (counts["email_clicked"] <= counts["email_opened"]).all()
    consents = (counts["email_sent"] > 0).mean()
    assert consents == pytest.approx(business.world.email_consent, abs=0.03)


def test_the_year_has_its_peak_where_the_world_says():
    world = replace(CALM, yearly_amplitude=0.5, yearly_peak=100, acquisition_share=0.1, a=0.01, b=100.0)
    orders = bought(simulate(2000, days=731, seed=9, world=world))["order_at"]
    second_year = orders[orders.dt.year == 2024].dt.day_of_year
    peak, trough = second_year.between(85, 115).sum(), second_year.between(268, 298).sum()
    assert peak / trough == pytest.approx(1.5 / 0.5, rel=0.1)


def test_the_week_has_its_peak_where_the_world_says():
    world = replace(CALM, weekly_amplitude=0.6, weekly_peak=6)
    by_weekday = bought(simulate(3000, seed=10, world=world))["order_at"].dt.day_of_week.value_counts(
        normalize=True
    )
    expected = (1 + 0.6 * np.cos(2 * np.pi * (np.arange(7) - 6) / 7)) / 7
    assert by_weekday.sort_index().to_numpy() == pytest.approx(expected, abs=0.01)


def test_a_calm_world_has_no_season():
    by_weekday = bought(simulate(3000, seed=11, world=CALM))["order_at"].dt.day_of_week.value_counts(
        normalize=True
    )
    assert by_weekday.to_numpy() == pytest.approx(1 / 7, abs=0.01)


@pytest.mark.parametrize("family", ["bgnbd", "mbgnbd", "paretonbd"])
def test_customers_buy_at_the_rate_of_their_truth(family):
    made = simulate(20_000, seed=12, world=replace(CALM, family=family), purchases_only=True)
    expected = (made.truth["purchase_rate"] * days_as_customer(made)).sum()
    assert (made.truth["orders"] - 1).sum() == pytest.approx(expected, rel=0.02)


def test_seasons_move_purchases_and_leave_their_number_alone():
    settled = replace(CALM, acquisition_share=0.001, a=0.01, b=100.0)
    calm, wild = (
        simulate(5_000, days=1461, seed=12, world=world, purchases_only=True).truth["orders"].sum()
        for world in (settled, replace(settled, yearly_amplitude=0.8, weekly_amplitude=0.8))
    )
    assert wild / calm == pytest.approx(1, abs=0.02)


def test_customers_leave_with_the_probability_of_their_truth():
    truth = simulate(20_000, seed=13, purchases_only=True).truth
    # Each repeat purchase is one throw of the customer's own coin: what was thrown and what was expected
    # differ by chance alone.
    throws, p = truth["orders"] - 1, truth["leave_probability"]
    expected, spread = (throws * p).sum(), np.sqrt((throws * p * (1 - p)).sum())
    assert abs((~truth["alive"]).sum() - expected) < 4 * spread


def test_under_pareto_nbd_customers_leave_at_the_rate_of_their_truth():
    made = simulate(20_000, seed=14, world=replace(CALM, family="paretonbd"), purchases_only=True)
    truth = made.truth
    expected = (truth["leave_rate"] * days_as_customer(made)).sum()
    assert abs((~truth["alive"]).sum() - expected) < 4 * np.sqrt(expected)
    assert truth["leave_probability"].isna().all()


def test_orders_are_worth_what_the_truth_says_on_average():
    made = simulate(20_000, seed=15, purchases_only=True)
    orders = bought(made).merge(made.truth, on="customer_id")
    ratio = (orders["amount"] / orders["mean_order_value"]).mean()
    assert ratio == pytest.approx(1, abs=0.005)
    assert made.truth["mean_order_value"].mean() == pytest.approx(World().mean_order_value, rel=0.02)


def test_purchase_rates_have_the_mean_of_the_world():
    truth = simulate(50_000, days=1, seed=16, world=CALM, purchases_only=True).truth
    assert truth["purchase_rate"].mean() == pytest.approx(CALM.mean_purchase_rate, rel=0.02)
    assert truth["leave_probability"].mean() == pytest.approx(CALM.a / (CALM.a + CALM.b), rel=0.02)


def test_better_channels_bring_better_customers():
    made = simulate(20_000, seed=17, world=World(channel_effect=1.0), purchases_only=True)
    rate = made.truth["purchase_rate"].groupby(made.customers["channel"]).mean()
    assert rate["referral"] / rate["social"] == pytest.approx(np.exp(1.0), rel=0.15)


def test_organic_customers_cost_nothing(business):
    cost = business.customers.groupby("channel")["acquisition_cost"]
    assert cost.max()["organic"] == 0
    assert cost.mean()["search"] == pytest.approx(business.world.acquisition_cost, rel=0.1)


def test_referrers_came_first_and_are_still_customers(business):
    truth, customers = business.truth.set_index("customer_id"), business.customers.set_index("customer_id")
    referrals = business.referrals
    assert (referrals["referrer_id"] != referrals["referred_id"]).all()
    assert referrals["referred_id"].is_unique
    assert set(customers.loc[referrals["referred_id"], "channel"]) == {"referral"}
    first = bought(business).groupby("customer_id")["order_at"].min()
    assert (first[referrals["referrer_id"]].to_numpy() <= referrals["referred_at"].to_numpy()).all()
    left_at = truth.loc[referrals["referrer_id"], "left_at"].fillna(pd.Timestamp("2100-01-01")).to_numpy()
    assert (left_at >= referrals["referred_at"].to_numpy()).all()


def test_goods_cost_their_share_and_discounts_are_part_of_the_price(business):
    lines = business.transactions.query("amount > 0")
    price = lines["amount"] + lines["discount"]
    assert lines["cost"].sum() / price.sum() == pytest.approx(business.world.cost_share, rel=0.1)
    assert (lines["discount"] > 0).mean() == pytest.approx(business.world.discount_share, abs=0.01)
    assert (lines["discount"] / price).max() < 0.31


def test_a_product_has_one_category(business):
    assert business.transactions[["product_id", "category"]].drop_duplicates()["product_id"].is_unique
    assert business.transactions["category"].nunique() == business.world.categories


def test_the_tables_are_read_without_a_column_to_map():
    made = simulate(200, days=400, seed=18)
    history = History.read(made.transactions, made.engagement, made.customers)
    assert {name: len(rows) for name, rows in history.rejected.items() if len(rows)} == {}
    assert history.transactions.count().execute() == len(made.transactions)
    assert history.last_day <= made.as_of


def test_people_who_never_buy_change_nobody_else():
    without, with_them = (simulate(300, seed=3, world=World(never_buy_share=share)) for share in (0.0, 0.25))
    pd.testing.assert_frame_equal(with_them.transactions, without.transactions)
    pd.testing.assert_frame_equal(with_them.customers.iloc[:300], without.customers)
    never = with_them.customers.iloc[300:]
    assert never["customer_id"].tolist() == list(range(301, 401))
    assert not never["customer_id"].isin(with_them.transactions["customer_id"]).any()
    assert (never["channel"] != "referral").all()
    assert with_them.parameters["n_customers"] == 300


def test_customers_contribute_while_they_are_customers():
    made = simulate(5000, seed=4)
    given = made.contributions.merge(made.truth, on="customer_id").merge(made.customers, on="customer_id")
    assert (given["contributed_at"] >= given["acquired_at"]).all()
    assert not (given["contributed_at"] > given["left_at"]).any()
    assert len(given) == pytest.approx(0.3 * days_as_customer(made).sum() / 365, rel=0.1)
    assert made.contributions["contributed_at"].is_monotonic_increasing


def test_the_parameters_can_be_written_down_and_used_again():
    made = simulate(30, days=90, start=date(2024, 2, 29), seed=19, world=World(r=2.0))
    given = made.parameters
    own = {"n_customers", "days", "start", "seed"}
    world = World(**{name: value for name, value in given.items() if name not in own})
    again = simulate(
        given["n_customers"],
        days=given["days"],
        start=date.fromisoformat(given["start"]),
        seed=19,
        world=world,
    )
    pd.testing.assert_frame_equal(made.transactions, again.transactions)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 30),
    days=st.integers(1, 60),
    seed=st.integers(0, 2**32),
    world=st.builds(
        World,
        family=st.sampled_from(["bgnbd", "mbgnbd", "paretonbd"]),
        r=st.floats(0.01, 5),
        alpha=st.floats(1, 100),
        a=st.floats(0.01, 5),
        b=st.floats(0.01, 5),
        refund_share=st.floats(0, 1),
        acquisition_share=st.floats(0.01, 1),
        yearly_amplitude=st.floats(0, 0.99),
        weekly_amplitude=st.floats(0, 0.99),
        lines_per_order=st.floats(1, 5),
        products=st.integers(3, 20),
        categories=st.integers(1, 3),
        referral_share=st.floats(0, 0.99),
        lapsed_engagement=st.floats(0, 1),
    ),
)
def test_whatever_the_world_the_tables_hold_together(n, days, seed, world):
    made = simulate(n, days=days, seed=seed, world=world)
    assert bought(made).groupby("customer_id").size().tolist() == made.truth["orders"].tolist()
    assert (made.transactions.groupby(["order_id", "product_id"])["amount"].sum().round(2) >= 0).all()
    assert np.isfinite(made.transactions[["amount", "discount", "cost"]]).all(axis=None)
    assert made.transactions["order_at"].max() < pd.Timestamp(made.as_of) + pd.Timedelta(days=1)
    assert set(made.referrals["referred_id"]) <= set(
        made.customers.query("channel == 'referral'")["customer_id"]
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_customers": 0}, "n_customers must be a whole number of at least 1, got 0"),
        ({"days": 1.5}, "days must be a whole number of at least 1, got 1.5"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
    ],
)
def test_a_size_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(RangeError, match=message):
        simulate(**wrong)
