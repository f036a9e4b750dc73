"""How far the coming horizon lies above or below what purchase models expect: `SeasonalIndex`.

BG/NBD and Gamma-Gamma know no calendar: what they learned before autumn is far too low for Christmas. How far
is measured in past windows whose outcome is complete: `OutcomeWindow.measure` compares what happened in a
horizon with what was expected on the day before it, and `SeasonalIndex.learn` forecasts the coming horizon::

    the same window a year earlier    knows the season; the best forecast where there was history enough then
    the newest window                 knows how customers behave now, but in another season
    1                                 the expectation of the models themselves

Each is weighted by the history that there was and by the purchases that it rests on. A check that needs no
model is :class:`patron.models.ensemble.season_share.SeasonShare`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from patron.arrays import Floats
from patron.durations import DAYS_PER_YEAR
from patron.errors import InputError
from patron.models.ensemble.churn_blend import LARGEST_SHIFT, log_odds_shift
from patron.models.ensemble.season_share import SeasonShare

__all__ = ["SAME_SEASON_DAYS", "OutcomeWindow", "SeasonalIndex", "WindowRatio"]

SAME_SEASON_DAYS = 7
"""A window is of the same season if it begins within this many days of whole years before the coming one."""

_NEWEST = 0.5  # weight of the newest window where nothing else is known; half of that where another year is
_DOUBT = 0.1  # years of history at which a window has half of its weight
_SEASONS = 0.1  # variance of the logarithm of the index over windows and businesses
_MISFIT = 0.01  # variance of what models miss in every window of a business
_LUMPY, _LUMPY_MONEY = 4.0, 12.0  # variance of purchases and of money in orders, over their mean


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWindow:
    """One past horizon whose outcome is complete: what happened, and what was expected on the day before.

    Attributes
    ----------
    as_of
        last day known to the models that expected
    history_days
        days of purchases that they knew, ≥ 0
    newest
        whether it is the newest such window
    customers
        customers known on `as_of`
    purchases, expected_purchases
        counts, of all customers
    value, expected_value
        money, of all customers
    churned_share, expected_churned_share
        share in [0, 1] that bought nothing
    log_odds
        what has to be added to the log-odds of each customer for the two shares to be equal

    Examples
    --------
    >>> christmas = OutcomeWindow.measure(
    ...     date(2023, 10, 2), history_days=275, p_no_purchase=[0.5, 0.8], expected_purchases=[1.0, 0.2],
    ...     expected_value=[30.0, 6.0], purchases=[2, 0], value=[54.0, 0.0])
    >>> christmas.value / christmas.expected_value, christmas.churned_share
    (1.5, 0.5)
    """

    as_of: date
    history_days: int
    customers: int
    purchases: float
    expected_purchases: float
    value: float
    expected_value: float
    churned_share: float
    expected_churned_share: float
    log_odds: float = 0.0
    newest: bool = False

    @classmethod
    def measure(
        cls,
        as_of: date,
        *,
        history_days: int,
        p_no_purchase: npt.ArrayLike,
        expected_purchases: npt.ArrayLike,
        expected_value: npt.ArrayLike,
        purchases: npt.ArrayLike,
        value: npt.ArrayLike,
        churned: npt.ArrayLike | None = None,
        newest: bool = False,
    ) -> Self:
        """The window after `as_of`, from one number per customer each.

        Parameters
        ----------
        as_of, history_days, newest
            see the attributes
        p_no_purchase
            (n_customers,) probability in [0, 1], according to the purchase model on `as_of`
        expected_purchases, expected_value
            (n_customers,) count and money, according to the models
        purchases, value
            (n_customers,) count and money in the horizon; money as the models count it: after the margin,
            discounted
        churned
            (n_customers,) 1 if the customer left, else 0; by default those without a purchase

        Raises
        ------
        InputError
            there is no customer, or the columns have different lengths
        """
        bought = _column(purchases)
        columns = [_column(column) for column in (p_no_purchase, expected_purchases, expected_value, value)]
        left = (bought <= 0).astype(np.float64) if churned is None else _column(churned)
        if bought.size == 0 or any(column.size != bought.size for column in (*columns, left)):
            sizes = [bought.size, *(column.size for column in columns), left.size]
            raise InputError(f"an OutcomeWindow needs one value per customer in every column, got {sizes}.")
        stays_away, expected, worth, brought = columns
        return cls(
            as_of=as_of,
            history_days=int(history_days),
            customers=bought.size,
            purchases=float(bought.sum()),
            expected_purchases=float(expected.sum()),
            value=float(brought.sum()),
            expected_value=float(worth.sum()),
            churned_share=float(left.mean()),
            expected_churned_share=float(stays_away.mean()),
            log_odds=log_odds_shift(stays_away, float(left.mean())),
            newest=newest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRatio:
    """What happened in a window over what was expected: the evidence that a seasonal index keeps.

    Attributes
    ----------
    as_of, history_days, newest
        see :class:`OutcomeWindow`
    purchases, value
        actual ÷ expected; value is None where no money was expected
    """

    as_of: date
    history_days: int
    purchases: float
    value: float | None
    newest: bool

    @classmethod
    def of(cls, window: OutcomeWindow) -> Self:
        """The ratios of a window.

        Parameters
        ----------
        window
            in which purchases were expected
        """
        return cls(
            as_of=window.as_of,
            history_days=window.history_days,
            purchases=window.purchases / window.expected_purchases,
            value=window.value / window.expected_value if window.expected_value > 0 else None,
            newest=window.newest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonalIndex:
    """The forecast for the coming horizon relative to the models. The default is flat: nothing is moved.

    Attributes
    ----------
    purchases, value
        factors on what the purchase and spend models expect, near 1
    no_purchase
        added to the log-odds of no purchase according to the purchase model, near 0
    as_of
        last day known; None for the flat default
    windows
        evidence: the windows of the same season, newest first, then the newest window of all
    share
        how much of a year's purchases fell into the window of the coming horizon; None if not learned

    Notes
    -----
    With o the logarithm of what happened in a window over what was expected, the forecast is
    u + w·(o_earlier - u) + c·(o_newest - u). u, what the models usually miss, is the mean of all windows,
    newer ones weighted more, shrunk towards 0 the more, the fewer they are and the less they agree.
    w = h / (h + 0.1 + 10·l/n): h years of history, at most 1, n purchases, l their dispersion (4, or 12 for
    money); windows of several years are averaged by their w. c is (1 - w/2)/2 times the same for the newest
    window. Its weight is below 1 because it lies in another season, but it counts in addition to the window
    of an earlier year: models fitted after a weak season expect too little. Log-odds likewise.

    Examples
    --------
    >>> def window(as_of, history_days, ratio, newest=False):
    ...     return OutcomeWindow(as_of=as_of, history_days=history_days, customers=5000,
    ...                          purchases=4000 * ratio, expected_purchases=4000, value=1e5 * ratio,
    ...                          expected_value=1e5, churned_share=0.5, expected_churned_share=0.5,
    ...                          newest=newest)
    >>> a_year_earlier, newest = window(date(2023, 10, 2), 365, 1.5), window(date(2024, 7, 3), 640, 0.9, True)
    >>> index = SeasonalIndex.learn([a_year_earlier, newest], as_of=date(2024, 10, 1))
    >>> round(index.purchases, 2), round(index.value, 2)
    (1.4, 1.39)
    >>> SeasonalIndex.learn([newest], as_of=date(2024, 10, 1)).sentences()[0]
    'No window with a complete outcome lies a year before 2024-10-01, so the season is unknown and ...'
    """

    purchases: float = 1.0
    value: float = 1.0
    no_purchase: float = 0.0
    as_of: date | None = None
    windows: tuple[WindowRatio, ...] = ()
    share: SeasonShare | None = None

    @classmethod
    def learn(
        cls, windows: Sequence[OutcomeWindow], as_of: date, *, share: SeasonShare | None = None
    ) -> Self:
        """The index of the horizon that begins after `as_of`.

        Parameters
        ----------
        windows
            in any order: the newest, those in the same season of earlier years, and as many others as there
            are, which show what the models usually miss
        as_of
            last day known
        share
            check that is reported along with the index; it does not change the index

        Returns
        -------
        Self
            flat where no window has something expected in it
        """
        usable = [window for window in windows if window.expected_purchases > 0 and window.as_of < as_of]
        newest = next((window for window in usable if window.newest), None)
        earlier = [w for w in usable if _same_season(w.as_of, as_of) and w is not newest]
        if newest is None and not earlier:
            return cls(as_of=as_of, share=share)
        forecast = {
            name: _forecast(found, usable, earlier, newest, lumpy)
            for name, found, lumpy in (
                ("purchases", lambda w: _log_ratio(w.purchases, w.expected_purchases), _LUMPY),
                ("value", lambda w: _log_ratio(w.value, w.expected_value), _LUMPY_MONEY),
                ("log_odds", lambda w: w.log_odds, _LUMPY),
            )
        }
        evidence = sorted(earlier, key=lambda window: window.as_of, reverse=True)
        evidence += [] if newest is None else [newest]
        return cls(
            purchases=float(np.exp(forecast["purchases"])),
            value=float(np.exp(forecast["value"])),
            no_purchase=forecast["log_odds"],
            as_of=as_of,
            windows=tuple(map(WindowRatio.of, evidence)),
            share=share,
        )

    def sentences(self) -> list[str]:
        """The evidence and the index, in words; empty for the flat default."""
        if self.as_of is None:
            return []
        share = [] if self.share is None else [self.share.sentence()]
        if not self.windows:
            return ["No window has a complete outcome yet, so the season is unknown.", *share]
        said = [_in_words(window) for window in self.windows if not window.newest]
        if not said:
            said.append(
                f"No window with a complete outcome lies a year before {self.as_of}, so the season is "
                "unknown and the seasonal index is near 1."
            )
        said += [_in_words(window) for window in self.windows if window.newest]
        factors = f"{self.purchases:.2f} for purchases and {self.value:.2f} for value"
        return [*said, f"The seasonal index of the horizon is {factors}.", *share]

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return {
            "purchases": self.purchases,
            "value": self.value,
            "no_purchase": self.no_purchase,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "windows": [asdict(window) | {"as_of": window.as_of.isoformat()} for window in self.windows],
            "share": None if self.share is None else asdict(self.share),
        }

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any]) -> Self:
        """The index that `to_dict` described.

        Parameters
        ----------
        parts
            field → value

        Examples
        --------
        >>> SeasonalIndex.from_dict(SeasonalIndex(purchases=1.2).to_dict()).purchases
        1.2
        """
        windows = (one | {"as_of": date.fromisoformat(one["as_of"])} for one in parts["windows"])
        share = parts["share"]
        return cls(
            purchases=parts["purchases"],
            value=parts["value"],
            no_purchase=parts["no_purchase"],
            as_of=None if parts["as_of"] is None else date.fromisoformat(parts["as_of"]),
            windows=tuple(WindowRatio(**one) for one in windows),
            share=None if share is None else SeasonShare(share["horizon_days"], tuple(share["shares"])),
        )


def _column(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64).ravel()


def _log_ratio(actual: float, expected: float) -> float:
    if actual <= 0 or expected <= 0:
        return 0.0 if expected <= 0 else -LARGEST_SHIFT
    return float(np.clip(np.log(actual / expected), -LARGEST_SHIFT, LARGEST_SHIFT))


def _forecast(
    found: Callable[[OutcomeWindow], float],
    windows: Sequence[OutcomeWindow],
    earlier: Sequence[OutcomeWindow],
    newest: OutcomeWindow | None,
    lumpy: float,
) -> float:
    usual = _usual(
        [found(window) for window in windows], [_recency_weight(window, windows, lumpy) for window in windows]
    )
    weights = [_weight(window, lumpy) for window in earlier]
    known = max(weights, default=0.0)
    season = float(np.average([found(w) for w in earlier], weights=weights)) - usual if known > 0 else 0.0
    now = _NEWEST * (1 - known / 2) * _weight(newest, lumpy) * (found(newest) - usual) if newest else 0.0
    return usual + known * season + now


def _usual(found: Sequence[float], weights: Sequence[float]) -> float:
    """What the models usually miss: seasons average out over windows, which agree where there are none."""
    if sum(weights) == 0:
        return 0.0
    shares = np.array(weights) / sum(weights)
    mean = float(shares @ np.array(found))
    windows = 1 / float(shares @ shares)  # effective number of windows
    spread = _SEASONS / windows + float(shares @ (np.array(found) - mean) ** 2)
    return mean * _MISFIT / (_MISFIT + spread / windows)


def _recency_weight(window: OutcomeWindow, windows: Sequence[OutcomeWindow], lumpy: float) -> float:
    """Models learn as history grows, so newer windows show better what they miss today."""
    newest = max(other.as_of for other in windows)
    return _weight(window, lumpy) * float(np.exp(-(newest - window.as_of).days / DAYS_PER_YEAR))


def _weight(window: OutcomeWindow, lumpy: float) -> float:
    history = min(window.history_days / DAYS_PER_YEAR, 1.0)
    return history / (history + _DOUBT + lumpy / window.expected_purchases / _SEASONS) if history > 0 else 0.0


def _same_season(then: date, as_of: date) -> bool:
    days = (as_of - then).days
    years = round(days / DAYS_PER_YEAR)
    return years >= 1 and abs(days - years * DAYS_PER_YEAR) <= SAME_SEASON_DAYS


def _in_words(window: WindowRatio) -> str:
    which = "the newest window" if window.newest else f"with {window.history_days} days of history"
    value = "" if window.value is None else f" and {window.value:.2f} times the value"
    times = f"{window.purchases:.2f} times the purchases{value}"
    return f"After {window.as_of}, {which}, there were {times} that the models expected."
