"""A world that cannot be is refused when it is made."""

from dataclasses import FrozenInstanceError, fields

import pytest

from patron.datasets.world import _RANGES, World
from patron.errors import RangeError


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"r": 0.0}, r"World.r must lie in \(0, inf\), got 0.0"),
        ({"alpha": float("nan")}, r"World.alpha must lie in \(0, inf\), got nan"),
        ({"beta": float("inf")}, r"World.beta must lie in \(0, inf\), got inf"),
        ({"q": 1.0}, r"World.q must lie in \(1, inf\), got 1.0"),
        ({"refund_share": 3}, r"World.refund_share must lie in \[0, 1\], got 3. Write 3 % as 0.03"),
        ({"open_rate": -0.1}, r"World.open_rate must lie in \[0, 1\], got -0.1"),
        ({"yearly_amplitude": 1.0}, r"World.yearly_amplitude must lie in \[0, 1\)"),
        ({"weekly_peak": 7}, r"World.weekly_peak must lie in \[0, 6\]"),
        ({"products": 3, "categories": 4}, "at least World.categories, got 3 products in 4 categories"),
        ({"products": 30.5}, "World.products must be a whole number, got 30.5"),
        ({"family": "normal"}, "World.family must be one of bgnbd, mbgnbd, paretonbd, got 'normal'"),
    ],
)
def test_a_parameter_outside_its_range_is_refused_by_name(wrong, message):
    with pytest.raises(RangeError, match=message):
        World(**wrong)


def test_a_world_does_not_change():
    with pytest.raises(FrozenInstanceError):
        World().r = 2.0


def test_every_number_of_a_world_has_a_range():
    assert {field.name for field in fields(World)} - {"family"} == set(_RANGES)
