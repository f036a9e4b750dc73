"""How high the coming horizon lies above or below what purchase models expect: season and level.

BG/NBD and Gamma-Gamma know no calendar: what they learned before autumn is far too low for Christmas. How far
is found in windows that have matured: `Window.measure` holds what happened in a horizon against what was
expected on the day before it, and `Level.learn` forecasts the coming one::

    the same window a year earlier    knows the season; the best forecast where there was history enough then
    the newest matured window         knows how customers behave now, in another season
    1                                 what the models say themselves

Each is weighted by how far its word can be trusted: by the history that there was and by the purchases that
it rests on. A check that needs no model is :class:`patron.models.ensemble.season_share.SeasonShare`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logit

from patron.arrays import Floats
from patron.durations import DAYS_PER_YEAR
from patron.errors import InputError

__all__ = ["SAME_SEASON_DAYS", "Level", "Window"]


SAME_SEASON_DAYS = 7
"""A window lies in the same season if it begins within so many days of full years before the coming one."""


NEWEST = 0.5  # of what the newest window says is believed where nothing else is known; half of that beside it
DOUBT = 0.1  # years of history at which half of a window's word is believed
SEASONS = 0.1  # variance of the logarithm of the level over windows and businesses
MISFIT = 0.01  # variance of what models miss in every window of a business
LUMPY, LUMPY_MONEY = 4.0, 12.0  # variance of purchases and of money in orders, over their mean
CASES_FOR_TREES = 1000  # of the rarer outcome, at which trees have learned enough to be believed alone
FARTHEST = 2.0  # no factor lies beyond e^±2, and no shift of log-odds beyond ±2


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One matured horizon: what happened, and what was expected on its eve.

    Attributes
    ----------
    as_of
        the last day known to those who expected
    history_days
        days of purchases that they knew, ≥ 0
    newest
        whether it is the newest matured window
    customers
        how many were known
    purchases, expected_purchases
        counts, of all customers
    value, expected_value
        money, of all customers
    churned_share, expected_churned_share
        share in [0, 1] that bought nothing
    log_odds
        what has to be added to the log-odds of each customer for the shares to be equal

    Examples
    --------
    >>> christmas = Window.measure(
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
            (n_customers,) probability in [0, 1], as the model of purchases had it on `as_of`
        expected_purchases, expected_value
            (n_customers,) count and money, as the models had them
        purchases, value
            (n_customers,) count and money in the horizon; money as the models count it, kept
            and discounted
        churned
            (n_customers,) 1 if the customer left, else 0; by default who bought nothing

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
            raise InputError(f"a Window needs one value per customer in every column, got {sizes} values.")
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
            log_odds=_shift(stays_away, float(left.mean())),
            newest=newest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The forecast for the coming horizon. The default is flat: nothing is moved.

    Attributes
    ----------
    purchases, value
        factors on what the purchase and spend models expect, near 1
    no_purchase
        added to the log-odds of no purchase as the purchase model has them, near 0
    tree_share
        weight of the trees in the probability of churn, in [0, 1]; the rest is the purchase model's
    log_odds
        added to the log-odds of churn, 0 until `anchored`
    words
        the sentences of `sentences`

    Notes
    -----
    With o the logarithm of what happened in a window over what was expected, the forecast is
    u + w·(o_earlier - u) + c·(o_newest - u). u, what the models usually miss, is the mean of all windows, the
    newer the weightier, shrunk towards 0 the more, the fewer they are and the less they agree.
    w = h / (h + 0.1 + 10·l/n): h years of history, at most 1, n purchases, l how lumpy they come (4, or 12
    for money); windows of several years are averaged by their w. c is (1 - w/2)/2 times the same for the
    newest window: it counts in full nowhere, since it lies in another season, but it counts beside an earlier
    year too, because models that come out of a poor season expect too little. Log-odds likewise.

    Trees see the season in part, in what customers did of late, and nobody knows in which part. So
    `anchored` moves them half the way to the share of leavers that the level forecasts. On a business whose
    tempo doubles before Christmas, trees alone had a calibration error of 0.03 in the mean of three cuts,
    half the way 0.02, and the whole difference between two windows, added to them, 0.07. Before that, trees
    that have seen few cases are averaged with the purchase model, which needs few: for 300 buyers of CDNOW,
    60 days ahead, that took the Brier score from 0.0743 to 0.0722.

    Examples
    --------
    >>> def window(as_of, history_days, ratio, newest=False):
    ...     return Window(as_of=as_of, history_days=history_days, customers=5000, purchases=4000 * ratio,
    ...                   expected_purchases=4000, value=1e5 * ratio, expected_value=1e5, churned_share=0.5,
    ...                   expected_churned_share=0.5, newest=newest)
    >>> a_year_earlier, newest = window(date(2023, 10, 2), 365, 1.5), window(date(2024, 7, 3), 640, 0.9, True)
    >>> level = Level.learn([a_year_earlier, newest], as_of=date(2024, 10, 1))
    >>> round(level.purchases, 2), round(level.value, 2)
    (1.4, 1.39)
    >>> Level.learn([newest], as_of=date(2024, 10, 1)).sentences()[0]
    'No matured window lies a year before 2024-10-01, so the season is not known and ...'
    """

    purchases: float = 1.0
    value: float = 1.0
    no_purchase: float = 0.0
    tree_share: float = 1.0
    log_odds: float = 0.0
    words: tuple[str, ...] = ()

    @classmethod
    def learn(cls, windows: Sequence[Window], as_of: date) -> Self:
        """The level of the horizon that begins after `as_of`.

        Parameters
        ----------
        windows
            matured ones, in any order: the newest, those in the same season of earlier years, and as
            many others as there are, which tell what the models usually miss
        as_of
            the last day known

        Returns
        -------
        Self
            Level; flat where there is no window with something expected in it
        """
        usable = [window for window in windows if window.expected_purchases > 0 and window.as_of < as_of]
        newest = next((window for window in usable if window.newest), None)
        earlier = [w for w in usable if _same_season(w.as_of, as_of) and w is not newest]
        if newest is None and not earlier:
            return cls(words=("No window has matured, so nothing is known of season and level.",))
        forecast = {
            name: _forecast(found, usable, earlier, newest, lumpy)
            for name, found, lumpy in (
                ("purchases", _purchases_found, LUMPY),
                ("value", _value_found, LUMPY_MONEY),
                ("log_odds", _log_odds_found, LUMPY),
            )
        }
        purchases, value = float(np.exp(forecast["purchases"])), float(np.exp(forecast["value"]))
        return cls(
            purchases=purchases,
            value=value,
            no_purchase=forecast["log_odds"],
            words=_words(earlier, newest, as_of, purchases, value),
        )

    def believing(self, cases: int) -> Self:
        """The same level, with the purchase model beside trees that have seen few cases.

        Parameters
        ----------
        cases
            leavers or stayers among the rows that grew the trees, whichever are fewer

        Examples
        --------
        >>> Level().believing(cases=250).tree_share
        0.25
        """
        share = min(cases / CASES_FOR_TREES, 1.0)
        if share == 1:
            return self
        said = (
            f"The probability of leaving is {share:.0%} trees and {1 - share:.0%} purchase model: trees saw "
            f"{cases:,} cases of the rarer outcome, and are believed alone from {CASES_FOR_TREES:,}."
        )
        return replace(self, tree_share=share, words=(*self.words, said))

    def churn(self, trees: npt.ArrayLike, no_purchase: npt.ArrayLike) -> Floats:
        """(n_customers,) probability of leaving: trees and purchase model, moved by `log_odds`.

        Parameters
        ----------
        trees
            (n_customers,) probability of leaving, as the trees have it
        no_purchase
            (n_customers,) probability of no purchase, as the purchase model has it

        Examples
        --------
        >>> Level(tree_share=0.25).churn([0.5, 0.9], [0.5, 0.1]).round(2)
        array([0.5, 0.3])
        """
        together = _column(trees)
        if self.tree_share < 1:
            together = self.tree_share * together + (1 - self.tree_share) * _column(no_purchase)
        moved: Floats = expit(logit(_inside(together)) + self.log_odds)
        return moved

    def anchored(self, trees: npt.ArrayLike, no_purchase: npt.ArrayLike) -> Self:
        """The same level, with the `log_odds` that move half the way to the forecast share of leavers.

        Parameters
        ----------
        trees, no_purchase
            as for `churn`

        Examples
        --------
        >>> trees, model = np.full(100, 0.5), np.full(100, 0.5)
        >>> quiet = Level(no_purchase=0.4).anchored(trees, model)
        >>> round(quiet.log_odds, 3)
        0.2
        """
        forecast = expit(logit(_inside(_column(no_purchase))) + self.no_purchase).mean()
        return replace(self, log_odds=_shift(self.churn(trees, no_purchase), float(forecast)) / 2)

    def sentences(self) -> list[str]:
        """What was found where, and what it comes to."""
        return list(self.words)

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON has it."""
        return {**asdict(self), "words": list(self.words)}

    @classmethod
    def from_dict(cls, parts: dict[str, Any]) -> Self:
        """The level that `to_dict` described.

        Examples
        --------
        >>> Level.from_dict(Level(purchases=1.2).to_dict()).purchases
        1.2
        """
        return cls(**{**parts, "words": tuple(parts["words"])})


def _column(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64).ravel()


def _shift(probability: Floats, share: float) -> float:
    """What has to be added to all log-odds for the mean probability to be `share`."""
    log_odds = logit(_inside(probability))

    def excess(shift: float) -> float:
        return float(expit(log_odds + shift).mean()) - share

    if excess(-FARTHEST) >= 0 or excess(FARTHEST) <= 0:
        return -FARTHEST if excess(-FARTHEST) >= 0 else FARTHEST
    return float(brentq(excess, -FARTHEST, FARTHEST))


def _inside(probability: Floats) -> Floats:
    return np.clip(probability, 1e-9, 1 - 1e-9)


def _purchases_found(window: Window) -> float:
    return _log_ratio(window.purchases, window.expected_purchases)


def _value_found(window: Window) -> float:
    return _log_ratio(window.value, window.expected_value)


def _log_odds_found(window: Window) -> float:
    return window.log_odds


def _log_ratio(actual: float, expected: float) -> float:
    if actual <= 0 or expected <= 0:
        return 0.0 if expected <= 0 else -FARTHEST
    return float(np.clip(np.log(actual / expected), -FARTHEST, FARTHEST))


def _forecast(
    found: Callable[[Window], float],
    windows: Sequence[Window],
    earlier: Sequence[Window],
    newest: Window | None,
    lumpy: float,
) -> float:
    usual = _usual(
        [found(window) for window in windows], [_voice(window, windows, lumpy) for window in windows]
    )
    trusts = [_trust(window, lumpy) for window in earlier]
    known = max(trusts, default=0.0)
    season = float(np.average([found(w) for w in earlier], weights=trusts)) - usual if known > 0 else 0.0
    now = NEWEST * (1 - known / 2) * _trust(newest, lumpy) * (found(newest) - usual) if newest else 0.0
    return usual + known * season + now


def _usual(found: Sequence[float], voices: Sequence[float]) -> float:
    """What the models usually miss: seasons average out over windows, which agree where there are none."""
    if sum(voices) == 0:
        return 0.0
    weights = np.array(voices) / sum(voices)
    mean = float(weights @ np.array(found))
    windows = 1 / float(weights @ weights)  # so many alike would tell as much
    spread = SEASONS / windows + float(weights @ (np.array(found) - mean) ** 2)
    return mean * MISFIT / (MISFIT + spread / windows)


def _voice(window: Window, windows: Sequence[Window], lumpy: float) -> float:
    """Models learn as history grows, so the newer a window, the more it says of what they miss today."""
    newest = max(other.as_of for other in windows)
    return _trust(window, lumpy) * float(np.exp(-(newest - window.as_of).days / DAYS_PER_YEAR))


def _trust(window: Window, lumpy: float) -> float:
    history = min(window.history_days / DAYS_PER_YEAR, 1.0)
    return history / (history + DOUBT + lumpy / window.expected_purchases / SEASONS) if history > 0 else 0.0


def _same_season(then: date, as_of: date) -> bool:
    days = (as_of - then).days
    years = round(days / DAYS_PER_YEAR)
    return years >= 1 and abs(days - years * DAYS_PER_YEAR) <= SAME_SEASON_DAYS


def _words(
    earlier: Sequence[Window], newest: Window | None, as_of: date, purchases: float, value: float
) -> tuple[str, ...]:
    said = [
        f"After {window.as_of}, with {window.history_days} days of history, there were {_times(window)}."
        for window in sorted(earlier, key=lambda window: window.as_of, reverse=True)
    ]
    if not earlier:
        said.append(
            f"No matured window lies a year before {as_of}, so the season is not known and the level is near "
            "that of the models."
        )
    if newest is not None:
        said.append(f"After {newest.as_of}, the newest matured window, there were {_times(newest)}.")
    return (*said, f"So purchases are taken {purchases:.2f} times and value {value:.2f} times as expected.")


def _times(window: Window) -> str:
    purchases = window.purchases / window.expected_purchases
    value = window.value / window.expected_value if window.expected_value > 0 else float("nan")
    return f"{purchases:.2f} times the purchases and {value:.2f} times the value that the models expected"
