"""Engagement by channel, whether it fades, who responds; logs without money; the time of the year."""

from datetime import date, timedelta

import pandas as pd
import pytest

from patron.errors import PatronWarning
from patron.features.assemble import assemble_features, discover_catalogue
from patron.features.engagement import warn_of_new_kinds
from patron.snapshots.spine import make_spine
from patron.tables.activity import ChurnDefinition
from patron.tables.history import History

AS_OF = date(2024, 6, 30)


def events_of(*rows: tuple[int, int, str, str | None]) -> pd.DataFrame:
    """Customer, days before as_of, kind and channel."""
    frame = pd.DataFrame(rows, columns=["customer_id", "event_at", "kind", "channel"])
    return frame.assign(event_at=[AS_OF - timedelta(days=ago) for ago in frame.event_at])


EVENTS = events_of(
    (1, 170, "sent", "email"), (1, 160, "open", "email"), (1, 120, "visit", "web"), (1, 110, "open", "app"),
    (1, 20, "sent", "email"), (1, 10, "visit", "web"), (1, 0, "visit", "app"), (2, 0, "sent", None),
)  # fmt: skip
LINES = pd.DataFrame({"customer_id": [1, 2], "order_at": ["2024-01-05", "2024-06-30"], "amount": [20.0, 5.0]})


def features(history: History) -> pd.DataFrame:
    table = assemble_features(history, make_spine(history, AS_OF), discover_catalogue(history, AS_OF))
    return table.to_pyarrow().to_pandas().set_index("customer_id").sort_index()


def test_a_channel_of_several_kinds_has_features_and_one_of_a_single_kind_has_none():
    found = features(History.read(LINES, EVENTS))
    row = found.loc[1]
    assert (row.channel_email_30d, row.channel_email_365d, row.channel_email_days_since) == (1, 3, 20)
    assert (row.channel_app_90d, row.channel_app_trend_90d) == (1, 0)
    assert not [name for name in found.columns if name.startswith("channel_web")]


def test_responses_are_counted_by_kind_channel_and_lately():
    row = features(History.read(LINES, EVENTS)).loc[1]
    assert (row.response_rate, row.response_rate_90d) == (1.0, 0.0)  # two opened of two, none of one lately
    assert (row.open_response_rate, row.channel_email_response_rate) == (1.0, 0.5)
    assert pd.isna(row.channel_app_response_rate)  # nothing was sent to the app


def test_engagement_that_fades_has_a_trend_below_zero():
    row = features(History.read(LINES, EVENTS)).loc[1]
    assert row.engagement_open_trend_90d == -1
    assert row.engagement_sent_trend_90d == 0
    assert row.engagement_all_trend_90d == pytest.approx((3 - 4) / 7)


def test_a_kind_that_the_training_never_saw_is_said():
    history = History.read(LINES, EVENTS)
    catalogue = discover_catalogue(history.until(AS_OF - timedelta(days=130)), AS_OF - timedelta(days=130))
    with pytest.warns(PatronWarning, match="events of kind visit were never seen in training"):
        warn_of_new_kinds(history.engagement, catalogue)


def test_without_transactions_there_are_no_features_of_money_and_words_speak_of_active_days():
    history = History.read(engagement=EVENTS)
    catalogue = discover_catalogue(history, AS_OF)
    assert "net_spend_90d" not in catalogue
    assert "refund_share" not in catalogue
    row = features(history).loc[1]
    assert (row.frequency, row.recency, row["T"], row.active_days_30d) == (4, 160, 160, 2)
    assert catalogue["days_since_last"].describe({"days_since_last": 3.0, "gap_median": 7.0}) == (
        "last active day 3 days ago, usually every 7 days"
    )
    words = " ".join(spec.template for spec in catalogue.specs)
    assert "order " not in words
    assert "bought" not in words


def test_a_visitor_who_never_bought_is_as_old_as_the_first_event():
    history = History.read(
        LINES[LINES.customer_id == 2], EVENTS, churn=ChurnDefinition(activity="engagement")
    )
    row = features(history).loc[1]
    assert row[["frequency", "recency", "T", "monetary_value"]].tolist() == [0, 0, 170, 0]


def test_the_season_is_a_feature_once_two_years_are_visible():
    old = LINES.assign(order_at=["2022-07-01", "2024-06-30"])
    found = features(History.read(old))
    assert found[["season_sin", "season_cos"]].round(2).values.tolist() == [[0.01, -1.0]] * 2
    assert "season_sin" not in features(History.read(old.assign(order_at=["2022-07-02", "2024-06-30"])))
