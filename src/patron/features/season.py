"""Where in the year as_of lies: a point on a circle, so that 31 December is next to 1 January.

Only a business with two full years of visible data gets these features: with less, a model could not separate
the season from the trend.
"""

import math
from datetime import date
from typing import TYPE_CHECKING

from patron.durations import DAYS_PER_YEAR
from patron.features.catalogue import FeatureCatalogue, FeatureSpec
from patron.features.family import Discovered, FeatureFamily, VisibleBusiness
from patron.snapshots.asof import KEY

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from patron.tables.history import History

__all__ = ["SEASON", "season", "shows_seasons"]

TWO_YEARS = 730

SEASON_FEATURES = (
    FeatureSpec("season_sin", "season", "ratio", "number", "time of the year", when_none=None),
    FeatureSpec("season_cos", "season", "ratio", "number", "time of the year", when_none=None),
)


def discover(business: VisibleBusiness) -> Discovered:
    """Both features where two years are visible, else none."""
    seen = shows_seasons(business.history.first_day, business.as_of)
    return Discovered(specs=SEASON_FEATURES if seen else ())


def build(history: "History", spine: "ir.Table", catalogue: FeatureCatalogue) -> "ir.Table":
    """The season of each row's as_of. Rows: exactly those of `spine`."""
    return spine.select(*KEY, **season(spine.as_of))


SEASON = FeatureFamily(
    name="season", discover=discover, build=build, computed=lambda catalogue: SEASON_FEATURES
)


def shows_seasons(first_day: date, as_of: date) -> bool:
    """Whether two full years are visible on as_of.

    Parameters
    ----------
    first_day
        first day of the data
    as_of
        the last day known

    Examples
    --------
    >>> shows_seasons(date(2023, 1, 1), date(2024, 12, 31)), shows_seasons(date(2023, 1, 1), date(2024, 6, 1))
    (True, False)
    """
    return (as_of - first_day).days >= TWO_YEARS


def season(as_of: "ir.DateColumn") -> dict[str, "ir.FloatingColumn"]:
    """Sine and cosine of the day of the year: ratios in [-1, 1].

    Parameters
    ----------
    as_of
        dates

    Returns
    -------
    dict[str, 'ir.FloatingColumn']
        Feature → column

    Examples
    --------
    >>> import ibis
    >>> spine = ibis.memtable({"as_of": [date(2024, 4, 1)]})
    >>> spine.mutate(**season(spine.as_of)).to_pandas()[["season_sin", "season_cos"]].round(3)
       season_sin  season_cos
    0         1.0      -0.012
    """
    angle = as_of.day_of_year().cast("float64") * (2 * math.pi / DAYS_PER_YEAR)
    return {"season_sin": angle.sin().round(9), "season_cos": angle.cos().round(9)}
