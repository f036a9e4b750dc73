import pandas as pd
import pytest

from patron.errors import PatronWarning, RangeError
from patron.features.assemble import assemble_features, discover_catalogue
from patron.snapshots.spine import make_spine

LINES = [(1, "2024-01-05", 20.0), (2, "2024-06-30", 5.0)]


def test_events_are_counted_by_kind_and_window_and_dated(features_of):
    features = features_of(
        LINES,
        [(1, "2024-06-24", "visit"), (1, "2024-06-23", "visit"), (1, "2024-06-30 23:59:59", "email_open")],
    )
    row = features.loc[1]
    assert (row.engagement_visit_7d, row.engagement_visit_30d, row.days_since_visit) == (1, 2, 6)
    assert (row.engagement_email_open_7d, row.days_since_email_open) == (1, 0)


def test_a_customer_without_engagement_has_counts_of_zero_and_no_days_since(features_of):
    row = features_of(LINES, [(1, "2024-06-24", "email_sent")]).loc[2]
    assert row.engagement_email_sent_365d == 0
    assert pd.isna(row.days_since_email_sent)
    assert pd.isna(row.response_rate)


def test_the_response_rate_divides_responses_by_invitations(features_of):
    events = [
        (1, "2024-06-01", kind) for kind in ("Email sent", "coupon-received", "CouponRedeemed", "visit")
    ]
    features = features_of(
        LINES, [*events, (2, "2024-06-01", "Email sent"), (2, "2024-06-02", "campaign_received")]
    )
    assert features.response_rate.to_dict() == {1: 0.5, 2: 0.0}


def test_what_invites_and_what_responds_can_be_named(history_of, as_of):
    history = history_of(
        LINES, [(1, "2024-06-01", "brochure"), (1, "2024-06-02", "تماس"), (2, "2024-06-03", "تماس")]
    )
    catalogue = discover_catalogue(history, as_of, invitations=["brochure"], responses=["تماس"])
    features = assemble_features(history, make_spine(history, as_of), catalogue).to_pandas()
    rates = features.set_index("customer_id").response_rate
    assert rates[1] == 1.0
    assert pd.isna(rates[2])


def test_a_named_kind_that_nobody_has_seen_is_said(history_of, as_of):
    history = history_of(LINES, [(1, "2024-06-01", "email_sent")])
    with pytest.warns(PatronWarning, match="no event of kind email_snt is visible on 2024-06-30"):
        discover_catalogue(history, as_of, invitations=["email_snt"])


def test_only_the_most_common_kinds_get_columns(history_of, as_of):
    events = [(1, "2024-06-01", kind) for kind in ("b", "a", "c", "c", "rare")]
    catalogue = discover_catalogue(history_of(LINES, events), as_of, max_kinds=3)
    assert [kind.kind for kind in catalogue.engagement_kinds] == ["c", "a", "b"]


def test_no_kinds_at_all_may_be_asked_for(history_of, as_of):
    history = history_of(LINES, [(1, "2024-06-01", "visit")])
    catalogue = discover_catalogue(history, as_of, max_kinds=0)
    features = assemble_features(history, make_spine(history, as_of), catalogue).to_pandas()
    assert features.response_rate.isna().all()


def test_fewer_than_no_kinds_are_refused(history_of, as_of):
    with pytest.raises(RangeError, match="max_kinds must be at least 0, got -1"):
        discover_catalogue(history_of(LINES), as_of, max_kinds=-1)


def test_a_kind_that_vanished_counts_zero_and_a_new_one_waits(history_of, features_of, as_of):
    then = discover_catalogue(history_of(LINES, [(1, "2024-06-01", "old")]), as_of)
    now = features_of(LINES, [(1, "2024-06-24", "new")], catalogue=then)
    assert tuple(now.columns[1:]) == then.names
    assert now.engagement_old_365d.tolist() == [0, 0]
    assert now.days_since_old.isna().all()


def test_without_the_table_engagement_is_unknown_and_not_zero(history_of, features_of, as_of):
    then = discover_catalogue(history_of(LINES, [(1, "2024-06-01", "old")]), as_of)
    with pytest.warns(PatronWarning, match="no table 'engagement'"):
        now = features_of(LINES, catalogue=then)
    assert now.engagement_old_365d.isna().all()


def test_a_kind_called_last_does_not_take_the_place_of_the_last_purchase(features_of):
    row = features_of(LINES, [(1, "2024-06-29", "last")]).loc[1]
    assert row.days_since_last == 177
    assert [name for name in row.index if name.startswith("days_since_last_")] != []


def test_kinds_that_differ_in_case_or_script_have_columns_of_their_own(features_of):
    events = [
        (1, "2024-06-29", "Open"),
        (1, "2024-06-29", "open"),
        (1, "2024-06-29", "open"),
        (1, "2024-06-29", "بازدید"),
    ]
    row = features_of(LINES, events).loc[1]
    counts = sorted(
        row[name] for name in row.index if name.startswith("engagement_open_") and name.endswith("_7d")
    )
    assert counts == [1, 2]
    assert row["engagement_بازدید_7d"] == 1
