import pytest


def test_rfm_is_the_fields_worked_by_hand(features_of):
    row = features_of(
        [(1, "2024-01-01", 50.0), (1, "2024-03-01", 20.0), (1, "2024-06-10", 31.0), (2, "2024-06-30", 1.0)]
    ).loc[1]
    assert row.frequency == 2
    assert row["recency"] == 31 + 29 + 31 + 30 + 31 + 9  # January to the tenth of June
    assert row["T"] == row.recency + 20
    assert row.days_since_last == 20
    assert row.monetary_value == (20.0 + 31.0) / 2


def test_two_purchases_on_one_day_are_one_occasion(features_of):
    row = features_of(
        [(1, "2024-06-01 09:00", 5.0), (1, "2024-06-01 18:00", 7.0), (1, "2024-06-30", 9.0)]
    ).loc[1]
    assert row.frequency == 1
    assert row.monetary_value == 9.0
    assert row.first_order_value == 12.0


def test_a_customer_without_a_second_purchase_has_frequency_and_money_zero(features_of):
    row = features_of([(1, "2024-06-01", 5.0), (2, "2024-06-30", 5.0)]).loc[1]
    assert (row.frequency, row["recency"], row["T"], row.monetary_value) == (0, 0, 29, 0.0)


def test_a_day_whose_refunds_outweigh_its_purchases_is_no_occasion(features_of):
    row = features_of(
        [
            (1, "2024-06-01", 5.0),
            (1, "2024-06-10", 8.0),
            (1, "2024-06-10", -8.0),
            (1, "2024-06-20", -3.0),
            (2, "2024-06-30", 1.0),
        ]
    ).loc[1]
    assert (row.frequency, row["recency"], row.days_since_last) == (0, 0, 29)
    assert row.net_spend_total == pytest.approx(2.0)


def test_a_refund_before_the_first_purchase_does_not_make_a_customer_older(features_of):
    row = features_of([(1, "2024-05-01", -3.0), (1, "2024-06-20", 9.0), (2, "2024-06-30", 1.0)]).loc[1]
    assert (row["T"], row.refunds_total, row.refund_amount_total) == (10, 1, 3.0)


def test_money_comes_out_the_same_whatever_the_order_of_the_lines(features_of):
    lines = [(1, f"2024-06-{day:02}", 0.1 * day) for day in range(1, 31)]
    there, back = features_of(lines), features_of(lines[::-1])
    assert there.loc[1].equals(back.loc[1])
    assert there.loc[1].net_spend_30d == 46.5
