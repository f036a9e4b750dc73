"""lifetimes 0.11.3 and pymc-marketing 1.3.0 say the same, where they are right.

`btyd_peers.csv` holds what both answered for 40 customers of each family, drawn at random: up to 15 repeat
purchases in up to 78 weeks, 4 to 52 weeks ahead. Heavier buyers, for whom the peers overflow, are in
tests/golden.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patron import BetaGeoModel

ANSWERS = pd.read_csv(Path(__file__).with_name("btyd_peers.csv"))
PARAMETERS = {
    "bgnbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "mbgnbd": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
}


@pytest.fixture(params=PARAMETERS)
def asked(request):
    answers = ANSWERS[ANSWERS["family"] == request.param].reset_index(drop=True)
    rfm = pd.DataFrame(
        {
            "customer_id": answers.index,
            "frequency": answers["x"],
            "recency": answers["t_x"],
            "T": answers["T"],
        }
    )
    model = BetaGeoModel.from_params(**PARAMETERS[request.param], family=request.param, time_unit="W")
    return model, rfm, answers


@pytest.mark.parametrize("peer", ["lifetimes", "pymc_marketing"])
def test_a_peer_has_the_same_probability_of_being_alive(asked, peer):
    model, rfm, answers = asked
    np.testing.assert_allclose(model.probability_alive(rfm), answers[f"{peer}_p_alive"], rtol=1e-9)


@pytest.mark.parametrize("peer", ["lifetimes", "pymc_marketing"])
def test_a_peer_expects_as_many_purchases(asked, peer):
    model, rfm, answers = asked
    ours = [
        model.expected_purchases(rfm.iloc[[row]], weeks).iloc[0] for row, weeks in enumerate(answers["t"])
    ]
    np.testing.assert_allclose(ours, answers[f"{peer}_purchases"], rtol=1e-8)


def test_rows_in_another_order_keep_their_own_numbers(asked):
    model, rfm, _ = asked
    shuffled = rfm.sample(frac=1, random_state=3)
    found = model.expected_purchases(shuffled, 39)
    assert found.index.tolist() == shuffled["customer_id"].tolist()
    pd.testing.assert_series_equal(found.sort_index(), model.expected_purchases(rfm, 39), check_names=False)
