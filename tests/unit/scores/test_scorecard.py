"""One row per customer: everything that a model says about it, or why it says nothing."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from patron.errors import InputError, RangeError, TableError
from patron.models.bundle.policy import Policy, StageRules
from patron.models.bundle.tiers import Tiers
from patron.scores.actions import contact_cut
from patron.scores.columns import SCORECARD_COLUMNS, as_answer
from patron.scores.scorable import RFM_COLUMNS
from patron.scores.scorecard import append_not_scored, freeze_tiers, make_scorecard
from small_model import AS_OF, make_rows

NOW = datetime(2024, 7, 1, 2, 0)
MINIMAL = ["customer_id", *RFM_COLUMNS]


@pytest.fixture(scope="module")
def card(bundle):
    return make_scorecard(make_rows(60, seed=7), bundle, scored_at=NOW, model_version=3)


def same(one, other, **how):
    pd.testing.assert_frame_equal(one, other, check_exact=True, **how)


def test_there_is_one_row_per_feature_row_in_the_same_order(card):
    assert card["customer_id"].tolist() == make_rows(60, seed=7)["customer_id"].tolist()
    assert tuple(card.columns) == SCORECARD_COLUMNS


def test_a_complete_row_is_scored_without_reservation(card):
    may_be_null = ["not_scored_reason", "overdue_ratio", "reason_1", "reason_2", "reason_3"]
    assert card["not_scored_reason"].isna().all()
    assert card.drop(columns=may_be_null).notna().all(axis=None)


def test_numbers_lie_where_they_must(card):
    assert card["churn_probability"].between(0, 1).all()
    assert card["p_alive"].between(0, 1).all()
    assert (card[["expected_purchases", "expected_value_low", "growth_potential_low"]] >= 0).all(axis=None)
    assert (card["expected_value_low"] <= card["expected_value_high"]).all()
    assert (card["expected_value"] <= card["growth_potential"]).all()  # 90 days and 365
    assert card["value_percentile"].between(1, 100).all()


def test_the_money_adds_up(card, bundle):
    rows = make_rows(60, seed=7)
    spend, cost = rows["net_spend_total"], rows["cost_total"]
    base = np.where(cost > 0, spend - cost, 0.5 * spend) - 5.0
    assert card["base_potential"].to_numpy() == pytest.approx(base)
    assert card["customer_value"].to_numpy() == pytest.approx((base + card["growth_potential"]).to_numpy())
    assert card["value_at_risk"].to_numpy() == pytest.approx(
        (card["churn_probability"] * card["growth_potential"]).to_numpy()
    )
    assert (card[["network_potential", "learning_potential"]] == 0).all(axis=None)


def test_what_referrals_and_contributions_bring_counts_where_it_is_given(card, bundle):
    rows = make_rows(60, seed=7).assign(network_potential=30.0, learning_potential=12.0, cost_to_serve=2.0)
    richer = make_scorecard(rows, bundle, scored_at=NOW, model_version=3)
    assert (richer["customer_value"] - card["customer_value"]).to_numpy() == pytest.approx(40)
    assert (richer["value_percentile"] >= card["value_percentile"]).all()
    moved = ["base_potential", "network_potential", "learning_potential", "customer_value"]
    moved += ["value_tier", "value_percentile", "recommended_action"]
    same(richer.drop(columns=moved), card.drop(columns=moved))


def test_the_band_is_cut_where_contact_pays(card, bundle):
    pays = card["churn_probability"] > contact_cut(card["growth_potential"].to_numpy(), bundle.policy.offer)
    assert (card["churn_band"] != "low").tolist() == pays.tolist()


def test_the_most_to_spend_is_the_share_of_the_value_at_risk_that_can_be_saved(card, bundle):
    saved = bundle.policy.offer.acceptance * card["value_at_risk"]
    assert card["max_retention_spend"].to_numpy() == pytest.approx(saved.to_numpy())


def test_without_an_offer_there_is_a_stage_and_no_action(bundle):
    card = make_scorecard(make_rows(5), replace(bundle, policy=Policy()), reasons=False)
    assert card["lifecycle_stage"].notna().all()
    assert card[["churn_band", "recommended_action", "max_retention_spend"]].isna().all(axis=None)


def test_purchase_columns_alone_tell_stage_band_and_action(bundle):
    card = make_scorecard(make_rows(20)[MINIMAL], bundle)
    told = ["lifecycle_stage", "churn_band", "recommended_action", "max_retention_spend"]
    assert card[told].notna().all(axis=None)


def test_what_is_decided_at_training_counts(bundle):
    rows, offer = make_rows(200, seed=1), {"acceptance": 0.5, "incentive": 7.0}
    frozen = freeze_tiers(bundle, rows, shares=(0.05, 0.30), offer=offer, stages=StageRules(lost_days=1000))
    assert (frozen.policy.offer.acceptance, frozen.policy.offer.incentive) == (0.5, 7.0)
    assert frozen.policy.stages.lost_days == 1000
    tiers = make_scorecard(rows, frozen, reasons=False)["value_tier"]
    assert tiers.value_counts().to_dict() == {"low": 140, "medium": 50, "vip": 10}


def test_the_risk_is_the_classifiers_own(card, bundle):
    assert (card["churn_probability"] == bundle.churn.predict_proba(make_rows(60, seed=7))[:, 1]).all()


def test_the_next_purchase_is_expected_after_as_of(card, bundle):
    days = bundle.value.predict(make_rows(60, seed=7), 90)["next_purchase_days"]
    assert card["next_purchase_on"].tolist() == [AS_OF + timedelta(days=int(np.ceil(d))) for d in days]
    assert (card["next_purchase_on"] > AS_OF).all()


def test_tiers_are_those_of_the_training_and_not_of_the_day(bundle):
    rows = make_rows(60, seed=7)
    rich = rows["net_spend_total"].to_numpy() >= 120
    alone = make_scorecard(rows[rich], bundle, reasons=False)
    among_others = make_scorecard(rows, bundle, reasons=False)[rich].reset_index(drop=True)
    assert alone["value_tier"].tolist() == among_others["value_tier"].tolist()


def test_without_tiers_the_tier_is_null(bundle):
    card = make_scorecard(make_rows(3), replace(bundle, tiers=None), reasons=False)
    assert card[["value_tier", "value_percentile"]].isna().all(axis=None)


def test_freezing_takes_the_quantiles_of_these_customers(bundle):
    rows = make_rows(200, seed=1)
    frozen = freeze_tiers(replace(bundle, tiers=None), rows)
    value = make_scorecard(rows, frozen, reasons=False)["customer_value"]
    assert frozen.tiers == Tiers.from_values(value)
    assert (make_scorecard(rows, frozen, reasons=False)["value_tier"] == "vip").sum() == 20


def test_a_customer_gets_the_same_scores_alone_and_among_others(card, bundle):
    alone = make_scorecard(make_rows(60, seed=7).iloc[[41]], bundle, scored_at=NOW, model_version=3)
    same(alone, card.iloc[[41]].reset_index(drop=True))


def test_the_order_of_the_rows_changes_no_score(card, bundle):
    shuffled = make_rows(60, seed=7).sample(frac=1, random_state=0)
    other = make_scorecard(shuffled, bundle, scored_at=NOW, model_version=3)
    same(
        other.sort_values("customer_id", ignore_index=True),
        card.sort_values("customer_id", ignore_index=True),
    )


def test_extra_columns_and_their_order_change_no_score(card, bundle):
    rows = make_rows(60, seed=7).assign(note="x")
    other = make_scorecard(rows[sorted(rows.columns)], bundle, scored_at=NOW, model_version=3)
    same(other, card)


def test_two_rows_of_one_customer_are_two_rows(bundle):
    rows = pd.concat([make_rows(2).iloc[[0]], make_rows(2).iloc[[0]].assign(as_of=date(2024, 5, 31))])
    assert make_scorecard(rows, bundle)["as_of"].tolist() == [AS_OF, date(2024, 5, 31)]


def test_without_reasons_only_the_reasons_are_missing(card, bundle):
    fast = make_scorecard(make_rows(60, seed=7), bundle, scored_at=NOW, model_version=3, reasons=False)
    told = ["reason_1", "reason_2", "reason_3"]
    assert fast[told].isna().all(axis=None)
    same(fast.drop(columns=told), card.drop(columns=told))


def test_a_row_that_breaks_a_rule_has_nulls_and_the_rule(bundle):
    rows = make_rows(4)
    rows.loc[1, "recency"] = rows.loc[1, "T"] + 1
    rows.loc[2, "monetary_value"] = np.nan
    card = make_scorecard(rows, bundle, scored_at=NOW, model_version=3)
    reasons = card["not_scored_reason"].tolist()
    assert reasons[1].startswith("recency must lie between 0 and T")
    assert reasons[2] == "monetary_value must be a finite number"
    known = ["customer_id", "as_of", "horizon_days", "value_horizon_days", "model_version", "scored_at"]
    assert card.loc[[1, 2], known].notna().all(axis=None)
    assert card.loc[[1, 2]].drop(columns=[*known, "not_scored_reason"]).isna().all(axis=None)
    others = make_scorecard(make_rows(4).iloc[[0, 3]], bundle, scored_at=NOW, model_version=3)
    same(card.iloc[[0, 3]].reset_index(drop=True), others)


def test_a_scorecard_of_broken_rows_alone_is_still_a_scorecard(bundle, card):
    broken = make_scorecard(make_rows(3).assign(T=np.nan), bundle)
    assert broken["not_scored_reason"].tolist() == ["T must be a finite number"] * 3
    assert broken.dtypes.tolist() == card.dtypes.tolist()


def test_who_bought_today_for_the_first_time_is_scored(bundle):
    today = make_rows(1).assign(frequency=0.0, recency=0.0, T=0.0, monetary_value=0.0, days_since_last=0.0)
    card = make_scorecard(today.assign(gap_median=np.nan, overdue_ratio=np.nan), bundle)
    assert card["not_scored_reason"].isna().all()
    assert card["next_purchase_on"][0] > AS_OF
    assert card[["expected_purchases", "growth_potential", "value_at_risk"]].gt(0).all(axis=None)


def test_nobody_has_an_empty_scorecard_of_the_same_types(bundle, card):
    empty = make_scorecard(make_rows(0), bundle)
    assert len(empty) == 0
    assert (
        empty.drop(columns="customer_id").dtypes.tolist() == card.drop(columns="customer_id").dtypes.tolist()
    )


def test_the_four_purchase_columns_are_enough_for_what_rests_on_them(bundle):
    rows = make_rows(20, seed=7)
    card = make_scorecard(rows[MINIMAL], bundle)
    full = make_scorecard(rows, bundle)
    for name in ("p_alive", "expected_value", "growth_potential", "growth_potential_high"):
        assert (card[name] == full[name]).all()
    assert (card["churn_probability"] == bundle.value.predict(rows, 90)["p_no_purchase"].to_numpy()).all()
    unknown = ["as_of", "next_purchase_on", "overdue_ratio", "base_potential", "customer_value", "value_tier"]
    assert card[unknown].isna().all(axis=None)
    assert card["not_scored_reason"].str.startswith("only frequency, recency, T and monetary_value").all()


def test_half_of_the_features_are_refused_by_name(bundle):
    rows = make_rows(2).drop(columns=["orders_90d", "attribute_plan"])
    with pytest.raises(
        TableError, match="lack 2 of the 12 features of this model: orders_90d, attribute_plan"
    ):
        make_scorecard(rows, bundle)


def test_rows_without_an_id_are_refused(bundle):
    with pytest.raises(TableError, match="lack customer_id"):
        make_scorecard(make_rows(2).drop(columns="customer_id"), bundle)


def test_an_as_of_that_is_no_date_is_refused(bundle):
    with pytest.raises(TableError, match="'as_of' of the feature rows must hold dates"):
        make_scorecard(make_rows(2).assign(as_of="soon"), bundle)


def test_a_model_of_value_alone_takes_no_purchase_for_churn_and_says_so(value_only):
    rows = make_rows(5)
    card = make_scorecard(rows, value_only)
    assert (card["churn_probability"] == value_only.value.predict(rows, 90)["p_no_purchase"].to_numpy()).all()
    assert set(card["reason_1"]) == {
        "churn_probability is P(no purchase in 90 days): this model has no churn classifier"
    }
    assert card["not_scored_reason"].isna().all()


def test_another_horizon_than_the_classifiers_takes_no_purchase_for_churn_and_says_so(bundle):
    rows = make_rows(5)
    card = make_scorecard(rows, bundle, horizon_days=30)
    assert (card["churn_probability"] == bundle.value.predict(rows, 30)["p_no_purchase"].to_numpy()).all()
    assert card["horizon_days"].tolist() == [30] * 5
    assert "was trained for 90 days" in card["reason_1"][0]


def test_a_longer_value_horizon_is_never_worth_less(bundle):
    year, two = (
        make_scorecard(make_rows(50), bundle, value_horizon_days=d, reasons=False) for d in (365, 730)
    )
    assert (year["growth_potential"] <= two["growth_potential"]).all()


def test_a_higher_discount_rate_is_worth_less_and_leaves_the_bundle_as_it_is(bundle):
    rows = make_rows(50)
    dear = make_scorecard(rows, bundle, annual_discount_rate=0.5, reasons=False)
    own = make_scorecard(rows, bundle, reasons=False)
    assert (dear["growth_potential"] < own["growth_potential"]).all()
    assert bundle.annual_discount_rate == 0.10


@pytest.mark.parametrize("given", [NOW, NOW.replace(tzinfo=timezone(timedelta(0)))])
def test_scored_at_is_utc(bundle, given):
    assert make_scorecard(make_rows(1), bundle, scored_at=given)["scored_at"][0] == pd.Timestamp(
        "2024-07-01T02Z"
    )


def test_scored_at_of_another_zone_is_the_same_moment(bundle):
    tehran = datetime(2024, 7, 1, 5, 30, tzinfo=timezone(timedelta(hours=3, minutes=30)))
    assert make_scorecard(make_rows(1), bundle, scored_at=tehran)["scored_at"][0] == pd.Timestamp(
        "2024-07-01T02Z"
    )


def test_an_answer_for_json_says_the_same(bundle, card):
    answer = make_scorecard(make_rows(60, seed=7), bundle, scored_at=NOW, model_version=3, form=as_answer)
    assert answer["churn_probability"].tolist() == card["churn_probability"].tolist()
    assert answer["next_purchase_on"].tolist() == [day.isoformat() for day in card["next_purchase_on"]]
    assert answer["churn_band"].tolist() == card["churn_band"].tolist()
    assert answer["not_scored_reason"].tolist() == [None] * 60


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"horizon_days": 0}, "horizon_days must be a whole number of days from 1 to 36525, got 0"),
        ({"horizon_days": 30.5}, "horizon_days must be a whole number of days"),
        ({"horizon_days": float("nan")}, "horizon_days must be a whole number of days"),
        ({"value_horizon_days": 10**12}, "value_horizon_days must be a whole number of days"),
        ({"annual_discount_rate": -0.1}, r"annual_discount_rate must lie in \[0, 1\], got -0.1"),
        ({"annual_discount_rate": float("nan")}, "annual_discount_rate must lie in"),
        ({"interval": 80}, "Write 80 % as 0.8"),
    ],
)
def test_a_question_out_of_range_is_refused(bundle, asked, sentence):
    with pytest.raises(RangeError, match=sentence):
        make_scorecard(make_rows(1), bundle, **asked)


def test_a_missing_purchase_column_is_named(bundle):
    with pytest.raises(InputError, match="lack recency"):
        make_scorecard(make_rows(1)[["customer_id", "frequency", "T", "monetary_value"]], bundle)


def test_who_cannot_be_scored_comes_last_with_the_reason(card):
    others = pd.DataFrame({"customer_id": ["z"], "as_of": [AS_OF], "not_scored_reason": ["no purchase yet"]})
    both = append_not_scored(card, others)
    same(both.iloc[:-1], card)
    last = both.iloc[-1]
    assert (last["customer_id"], last["as_of"], last["not_scored_reason"]) == ("z", AS_OF, "no purchase yet")
    assert (last["horizon_days"], last["model_version"]) == (90, "3")
    assert pd.isna(last["churn_probability"])


def test_nobody_to_append_leaves_the_scorecard_as_it_is(card):
    nobody = pd.DataFrame({"customer_id": [], "as_of": [], "not_scored_reason": []}, dtype=object)
    same(append_not_scored(card, nobody), card)


def test_ids_stay_whole_numbers_when_others_are_appended(bundle):
    card = make_scorecard(make_rows(2).assign(customer_id=[2**53 + 1, 7]), bundle)
    others = pd.DataFrame({"customer_id": [9], "as_of": [AS_OF], "not_scored_reason": ["no purchase yet"]})
    assert append_not_scored(card, others)["customer_id"].tolist() == [2**53 + 1, 7, 9]


def test_nothing_can_be_appended_to_no_scorecard(bundle):
    with pytest.raises(TableError, match="The scorecard has no row"):
        append_not_scored(make_scorecard(make_rows(0), bundle), make_rows(0))
