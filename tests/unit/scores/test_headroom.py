"""What similar customers are worth more: never below nothing, split without a rest, the same every time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron.errors import RangeError, TableError
from patron.scores.headroom import FEWEST_PEERS, HEADROOM_COLUMNS, buying_space, growth_headroom
from small_model import make_rows

PARTS = ["more_purchases", "larger_orders", "new_categories"]


def made(n, seed=0, categories=3):
    """Customers of two stages who differ in everything."""
    rng = np.random.default_rng(seed)
    margin = rng.gamma(1, 20, (n, categories)) * (rng.random((n, categories)) < 0.5)
    return {
        "growth": rng.gamma(2, 40, n),
        "order_value": rng.gamma(4, 10, n),
        "space": rng.normal(size=(n, 5)),
        "stage": rng.choice(np.array(["retention", "loyalty"], dtype=object), n),
        "category_margin": margin,
    }


def twelve(growth, order_value, margin):
    """One customer (the first) among eleven peers."""
    return {
        "growth": np.array(growth, dtype=float),
        "order_value": np.array(order_value, dtype=float),
        "space": np.zeros((12, 1)),
        "stage": np.full(12, "loyalty", dtype=object),
        "category_margin": np.array(margin, dtype=float).reshape(12, -1),
    }


@given(st.integers(0, 10_000), st.integers(30, 80))
def test_no_part_is_below_zero_and_together_they_are_the_headroom(seed, n):
    found = growth_headroom(**made(n, seed)).dropna()
    assert (found[["growth_headroom", *PARTS]] >= 0).all(axis=None)
    assert found[PARTS].sum(axis=1).to_numpy() == pytest.approx(found["growth_headroom"].to_numpy())


def test_peers_who_order_more_often_show_more_purchases():
    found = growth_headroom(**twelve([30] + [100] * 11, [10] * 12, [0] * 12))
    assert found.loc[0, ["growth_headroom", *PARTS]].tolist() == [70, 70, 0, 0]


def test_peers_who_order_for_more_show_larger_orders():
    found = growth_headroom(**twelve([50] + [100] * 11, [10] + [20] * 11, [0] * 12))
    assert found.loc[0, ["growth_headroom", *PARTS]].tolist() == [50, 0, 50, 0]


def test_a_category_that_half_of_the_peers_buy_counts_half_their_margin():
    # Ten of eleven peers are worth 100; of the 11, 5 buy the category for 22 each: 5/11 · 22 = 10.
    # More purchases: (100/10 - 50/10) · 10 = 50. Shared out: 50 · 50/60 and 50 · 10/60.
    found = growth_headroom(**twelve([50] + [100] * 11, [10] * 12, [0] + [22] * 5 + [0] * 6))
    assert found.loc[0, PARTS].tolist() == pytest.approx([50 * 50 / 60, 0, 50 * 10 / 60])


def test_what_is_bought_already_is_no_new_category():
    found = growth_headroom(**twelve([50] + [100] * 11, [10] * 12, [3] + [22] * 11))
    assert found.loc[0, "new_categories"] == 0


def test_the_best_of_the_peers_has_no_headroom():
    assert growth_headroom(**twelve([200] + [100] * 11, [10] * 12, [0] * 12)).loc[0, "growth_headroom"] == 0


def test_peers_are_of_the_same_stage():
    given_ = made(60)
    alone = given_["stage"] == "loyalty"
    apart = growth_headroom(**{name: array[alone] for name, array in given_.items()})
    together = growth_headroom(**given_)[alone].reset_index(drop=True)
    assert apart[["growth_headroom", "peers"]].equals(together[["growth_headroom", "peers"]])


def test_the_unknown_and_the_lonely_have_none():
    given_ = twelve([np.nan] + [100] * 11, [10] * 12, [0] * 12)
    given_["stage"][-1] = None
    found = growth_headroom(**given_)
    assert found["growth_headroom"].isna().all()  # ten are left, each with nine peers
    assert found["peers"].tolist() == [0, *[FEWEST_PEERS - 1] * 10, 0]


def test_a_sample_of_peers_is_drawn_once_and_from_the_seed():
    given_ = made(400)
    first, again, other = (growth_headroom(**given_, most_peers=50, random_state=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_neighbours_are_near():
    rng = np.random.default_rng(0)
    growth = np.repeat([10.0, 1000.0], 40)
    space = np.repeat([[0.0], [9.0]], 40, axis=0) + rng.normal(0, 0.1, (80, 1))
    stage = np.full(80, "loyalty", dtype=object)
    found = growth_headroom(growth, np.ones(80), space, stage, np.empty((80, 0)), n_peers=20)
    assert (found["growth_headroom"] == 0).all()  # the poor are not compared with the rich


def test_categories_count_as_much_as_the_rest_and_units_do_not_matter():
    rows, rng = make_rows(300), np.random.default_rng(0)
    margin = rng.gamma(1, 20, (300, 4))
    space = buying_space(rows, margin)
    assert space[:, :4].var(axis=0) == pytest.approx(1)
    assert space[:, 4:].var(axis=0).sum() == pytest.approx(4)
    assert buying_space(rows, 100 * margin) == pytest.approx(space)


def test_a_shop_without_categories_has_a_space_too():
    assert buying_space(make_rows(5), np.zeros((5, 2)))[:, 4:].tolist() == [[0, 0]] * 5
    assert buying_space(make_rows(0), np.empty((0, 0))).shape == (0, 4)


def test_the_columns_are_named_in_order():
    assert tuple(growth_headroom(**made(40)).columns) == HEADROOM_COLUMNS


def test_wrong_sizes_and_numbers_are_refused():
    with pytest.raises(TableError, match=r"lengths \[29, 30\]"):
        growth_headroom(**{**made(30), "growth": np.ones(29)})
    with pytest.raises(RangeError, match="n_peers must be at least 10"):
        growth_headroom(**made(30), n_peers=3)
    with pytest.raises(RangeError, match="Write 80 % as"):
        growth_headroom(**made(30), quantile=80)
