def test_first_and_last_order_are_the_purchase_days_at_either_end(features_of):
    row = features_of(
        [
            (1, "2024-01-01", -5.0),
            (1, "2024-01-05", 40.0),
            (1, "2024-02-01", 7.0),
            (1, "2024-03-01", 30.0),
            (1, "2024-04-01", -10.0),
            (2, "2024-06-30", 1.0),
        ]
    ).loc[1]
    assert (row.first_order_value, row.last_order_value) == (40.0, 30.0)


def test_the_refund_share_is_what_came_back_of_what_was_bought(features_of):
    features = features_of(
        [
            (1, "2024-06-01", 80.0),
            (1, "2024-06-30", -20.0),
            (2, "2024-06-30", 10.0),
            (3, "2024-06-01", 10.0),
            (3, "2024-06-30", -10.0),
        ]
    )
    assert features.refund_share.to_dict() == {1: 0.25, 2: 0.0, 3: 1.0}
    assert features.refunds_total.to_dict() == {1: 1, 2: 0, 3: 1}
    assert features.net_spend_total.to_dict() == {1: 60.0, 2: 10.0, 3: 0.0}


def test_cost_is_summed_where_there_is_a_cost_and_zero_elsewhere(features_of):
    with_cost = features_of([(1, "2024-06-01", 80.0, 30.0), (1, "2024-06-30", 10.0, 4.5)])
    without = features_of([(1, "2024-06-01", 80.0), (1, "2024-06-30", 10.0)])
    assert (with_cost.cost_total[1], without.cost_total[1]) == (34.5, 0.0)
