"""Every feature of purchases and engagement beside plain SQL, written by hand over the lines themselves."""

from datetime import date

import duckdb
import pandas as pd
import pytest

from patron.datasets.simulate import simulate
from patron.features.assemble import assemble_features, discover_catalogue
from patron.snapshots.spine import make_spine
from patron.tables.history import History

AS_OF_DATES = (date(2023, 9, 1), date(2024, 1, 31), date(2024, 5, 10))

DAY = """
    WITH visible AS (
        SELECT s.customer_id, s.as_of, t.order_at::DATE AS day,
               date_diff('day', t.order_at::DATE, s.as_of) AS ago, t.order_id,
               t.amount::DECIMAL(18, 2) AS amount, t.cost::DECIMAL(18, 2) AS cost
        FROM spine AS s JOIN transactions AS t USING (customer_id)
        WHERE t.order_at < s.as_of + INTERVAL 1 DAY
    ), per_day AS (
        SELECT customer_id, as_of, day, ago, sum(amount) AS net,
               count(DISTINCT CASE WHEN amount >= 0 THEN order_id END) AS orders
        FROM visible GROUP BY ALL
    ), bought AS (
        SELECT *, row_number() OVER (PARTITION BY customer_id, as_of ORDER BY day) AS nth,
               date_diff('day', lag(day) OVER (PARTITION BY customer_id, as_of ORDER BY day), day) AS gap
        FROM per_day WHERE net > 0
    )
"""

RFM = """
    SELECT customer_id, as_of, count(*) - 1 AS frequency, date_diff('day', min(day), max(day)) AS recency,
           date_diff('day', min(day), as_of) AS "T", date_diff('day', max(day), as_of) AS days_since_last,
           coalesce(round(avg(net) FILTER (WHERE nth > 1), 6), 0) AS monetary_value
    FROM bought GROUP BY customer_id, as_of
"""

RHYTHM = """
    SELECT customer_id, as_of, avg(gap) AS gap_mean, stddev_samp(gap) AS gap_std, median(gap) AS gap_median,
           max(gap) AS gap_max, min(ago) / median(gap) AS overdue_ratio
    FROM bought GROUP BY customer_id, as_of
"""

BASKETS = """
    SELECT customer_id, as_of,
           (SELECT net FROM bought AS b WHERE b.customer_id = v.customer_id AND b.as_of = v.as_of
            ORDER BY day LIMIT 1) AS first_order_value,
           (SELECT net FROM bought AS b WHERE b.customer_id = v.customer_id AND b.as_of = v.as_of
            ORDER BY day DESC LIMIT 1) AS last_order_value,
           count(*) FILTER (WHERE amount < 0) AS refunds_total,
           coalesce(sum(-amount) FILTER (WHERE amount < 0), 0) AS refund_amount_total,
           coalesce(sum(-amount) FILTER (WHERE amount < 0), 0) / sum(greatest(amount, 0)) AS refund_share,
           sum(amount) AS net_spend_total, sum(cost) AS cost_total
    FROM visible AS v GROUP BY customer_id, as_of
"""


def window(days: int) -> str:
    return f"""
        SELECT customer_id, as_of, sum(CASE WHEN ago < {days} THEN orders ELSE 0 END) AS orders_{days}d,
               sum(CASE WHEN ago < {days} THEN net ELSE 0 END) AS net_spend_{days}d,
               sum(CASE WHEN ago < {days} AND net > 0 THEN 1 ELSE 0 END) AS active_days_{days}d
        FROM per_day GROUP BY customer_id, as_of
    """


def trend(days: int) -> str:
    return f"""
        SELECT customer_id, as_of,
               CASE WHEN o = 0 AND p = 0 THEN 0 ELSE (o - p) / (o + p) END AS orders_trend_{days}d,
               CASE WHEN m = 0 AND n = 0 THEN 0 ELSE (m - n)::DOUBLE / (abs(m) + abs(n)) END
                   AS net_spend_trend_{days}d
        FROM (
            SELECT customer_id, as_of,
                   coalesce(sum(orders) FILTER (WHERE ago < {days}), 0)::DOUBLE AS o,
                   coalesce(sum(orders) FILTER (WHERE ago BETWEEN {days} AND {2 * days - 1}), 0)::DOUBLE AS p,
                   coalesce(sum(net) FILTER (WHERE ago < {days}), 0) AS m,
                   coalesce(sum(net) FILTER (WHERE ago BETWEEN {days} AND {2 * days - 1}), 0) AS n
            FROM per_day GROUP BY customer_id, as_of
        )
    """


def events(which: str, name: str, since: str, windows: tuple[int, ...], trends: tuple[int, ...]) -> str:
    counts = ", ".join(
        f"count(e.kind) FILTER (WHERE e.event_at >= s.as_of - {days - 1}) AS {name}_{days}d"
        for days in windows
    )
    fades = ", ".join(
        f"""coalesce((count(e.kind) FILTER (WHERE e.event_at >= s.as_of - {days - 1})
               - count(e.kind) FILTER (WHERE e.event_at < s.as_of - {days - 1}
                                         AND e.event_at >= s.as_of - {2 * days - 1}))
             / nullif(count(e.kind) FILTER (WHERE e.event_at >= s.as_of - {2 * days - 1}), 0), 0)
            AS {name}_trend_{days}d"""
        for days in trends
    )
    return f"""
        SELECT s.customer_id, s.as_of, {counts}, {fades},
               date_diff('day', max(e.event_at)::DATE, s.as_of) AS {since}
        FROM spine AS s LEFT JOIN engagement AS e
          ON e.customer_id = s.customer_id AND {which} AND e.event_at::DATE <= s.as_of
        GROUP BY s.customer_id, s.as_of
    """


def kind(name: str) -> str:
    return events(
        f"e.kind = '{name}'", f"engagement_{name}", f"days_since_{name}", (7, 30, 90, 180, 365), (90,)
    )


RESPONSE_RATE = """
    SELECT s.customer_id, s.as_of, sum(e.kind IN ('email_opened', 'email_clicked')::INT)
           / nullif(sum((e.kind = 'email_sent')::INT), 0) AS response_rate,
           response_rate AS channel_email_response_rate,
           sum((e.kind = 'email_opened')::INT)
           / nullif(sum((e.kind = 'email_sent')::INT), 0) AS email_opened_response_rate,
           sum((e.kind = 'email_clicked')::INT)
           / nullif(sum((e.kind = 'email_sent')::INT), 0) AS email_clicked_response_rate,
           sum((e.kind IN ('email_opened', 'email_clicked') AND e.event_at >= s.as_of - 89)::INT)
           / nullif(sum((e.kind = 'email_sent' AND e.event_at >= s.as_of - 89)::INT), 0) AS response_rate_90d
    FROM spine AS s LEFT JOIN engagement AS e ON e.customer_id = s.customer_id AND e.event_at::DATE <= s.as_of
    GROUP BY s.customer_id, s.as_of
"""

ORACLES = {
    "rfm": DAY + RFM,
    "rhythm": DAY + RHYTHM,
    "baskets": DAY + BASKETS,
    **{f"window of {days} days": DAY + window(days) for days in (7, 30, 90, 180, 365)},
    **{f"trend of {days} days": DAY + trend(days) for days in (30, 90, 180)},
    **{
        f"kind {name}": kind(name) for name in ("site_visited", "email_sent", "email_opened", "email_clicked")
    },
    "events of any kind": events("TRUE", "engagement_all", "days_since_event", (30, 90, 365), (30, 90)),
    "channel email": events(
        "e.channel = 'email'", "channel_email", "channel_email_days_since", (30, 90, 365), (90,)
    ),
    "response rate": RESPONSE_RATE,
}


@pytest.fixture(scope="module")
def business():
    return simulate(n_customers=300, days=500, seed=3)


@pytest.fixture(scope="module")
def features(business):
    history = History.read(business.transactions, business.engagement, business.customers)
    catalogue = discover_catalogue(history, AS_OF_DATES[-1])
    table = assemble_features(history, make_spine(history, AS_OF_DATES), catalogue)
    return table.to_pyarrow().to_pandas().set_index(["customer_id", "as_of"]).sort_index()


@pytest.mark.parametrize("oracle", ORACLES)
def test_features_equal_plain_sql(business, features, oracle):
    with duckdb.connect() as connection:
        connection.register("transactions", business.transactions)
        connection.register("engagement", business.engagement)
        connection.register("spine", features.index.to_frame(index=False))
        expected = connection.execute(ORACLES[oracle]).df()
    expected["as_of"] = expected["as_of"].dt.date
    expected = expected.set_index(["customer_id", "as_of"]).sort_index().astype("float64")
    pd.testing.assert_frame_equal(features[expected.columns], expected, rtol=1e-12, atol=0)


def test_the_oracles_cover_every_number_that_comes_from_events(business, features):
    with duckdb.connect() as connection:
        connection.register("transactions", business.transactions)
        connection.register("engagement", business.engagement)
        connection.register("spine", features.index.to_frame(index=False))
        covered = {column for sql in ORACLES.values() for column in connection.execute(sql).df().columns}
    rest = set(features.columns) - covered
    assert rest == {
        "acquisition_cost",
        "days_since_acquired",
        "attribute_channel",
        "attribute_region",
        "attribute_age_band",
    }


def test_the_sample_holds_what_could_go_wrong(business, features):
    assert (business.transactions.amount < 0).sum() > 50
    assert (features.frequency == 0).any()
    assert features.response_rate.isna().any()
    assert (features.net_spend_30d < 0).any()
