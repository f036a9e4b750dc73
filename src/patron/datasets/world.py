"""The parameters of a simulated business."""

from dataclasses import dataclass, fields
from typing import Literal

from patron.checks import one_of
from patron.errors import RangeError

__all__ = ["World"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How the customers of a simulated business behave. Rates are per day, money is in one currency.

    Attributes
    ----------
    family
        when a customer may leave for good: after each repeat purchase ("bgnbd"), after every purchase,
        the first one too ("mbgnbd"), or at any moment ("paretonbd")
    r, alpha
        > 0, shape and rate (days) of the gamma distribution of purchase rates; their mean is r / alpha
    a, b
        > 0, of the beta distribution of the probability to leave after a purchase (families "bgnbd",
        "mbgnbd")
    s, beta
        > 0, shape and rate (days) of the gamma distribution of the rate of leaving (family "paretonbd")
    p, q, v
        > 0 and q > 1, gamma-gamma spend: an order is worth Gamma(p, ν) with ν ~ Gamma(q, v) for each
        customer; the mean order over all customers is p·v / (q - 1)
    acquisition_share
        (0, 1], the first part of the window over which new customers arrive
    yearly_amplitude, yearly_peak
        [0, 1) and the day of the year 1..366: in the peak, purchases and arrivals
        come at 1 + amplitude times their mean intensity, half a year later at 1 - amplitude times
    weekly_amplitude, weekly_peak
        [0, 1) and the weekday 0 (Monday) .. 6 (Sunday), likewise within the week
    lines_per_order
        ≥ 1, mean number of lines of an order
    products, categories
        counts, products ≥ categories ≥ 1
    refund_share
        [0, 1], share of the lines that are returned some days later
    discount_share
        [0, 1], share of the lines sold below their price
    cost_share
        [0, 1), mean cost of the goods as a share of their undiscounted price
    acquisition_cost
        ≥ 0, money, mean cost of winning a customer through paid search; other channels in
        proportion
    channel_effect
        ≥ 0, effect of the acquisition channel on the purchase rate: 0 for none; at 1 a referred
        customer buys e^0.5 times, one won through social media e^-0.5 times as often as one won through
        search
    referral_share
        [0, 1), share of the customers referred by another customer
    never_buy_share
        [0, 1), share of the people in the customers table who never buy
    contributions_per_year
        ≥ 0, mean reviews, ideas and interviews of a customer who has not left
    email_every_days
        ≥ 1, days between two newsletters
    email_consent
        [0, 1], share of the customers who receive them
    open_rate, click_rate
        [0, 1], mean share of newsletters opened, and of opened ones clicked, by active
        customers
    visits_per_day
        ≥ 0, mean visits to the site of an active customer
    fade_days
        > 0, days before leaving over which opens, clicks and visits fade
    lapsed_engagement
        [0, 1], share of opens and visits that remains after a customer has left

    Raises
    ------
    RangeError
        a parameter is outside the range given above, or NaN

    Examples
    --------
    >>> World(r=0.5, alpha=20.0).mean_purchase_rate
    0.025
    >>> World(refund_share=5)
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: World.refund_share must lie in [0, 1], got 5. Write 5 % as 0.05.
    """

    family: Literal["bgnbd", "mbgnbd", "paretonbd"] = "bgnbd"
    r: float = 0.8
    alpha: float = 40.0
    a: float = 0.8
    b: float = 3.2
    s: float = 0.8
    beta: float = 200.0
    p: float = 6.0
    q: float = 4.0
    v: float = 20.0
    acquisition_share: float = 0.9
    yearly_amplitude: float = 0.25
    yearly_peak: int = 340
    weekly_amplitude: float = 0.2
    weekly_peak: int = 5
    lines_per_order: float = 2.5
    products: int = 400
    categories: int = 8
    refund_share: float = 0.03
    discount_share: float = 0.2
    cost_share: float = 0.6
    acquisition_cost: float = 20.0
    channel_effect: float = 0.5
    referral_share: float = 0.12
    never_buy_share: float = 0.0
    contributions_per_year: float = 0.3
    email_every_days: int = 14
    email_consent: float = 0.8
    open_rate: float = 0.4
    click_rate: float = 0.25
    visits_per_day: float = 0.08
    fade_days: float = 60.0
    lapsed_engagement: float = 0.05

    def __post_init__(self) -> None:
        one_of("World.family", self.family, _FAMILIES)
        for name in (field.name for field in fields(self) if field.name in _RANGES):
            _require(name, getattr(self, name), _RANGES[name])
        for name in _COUNTS:
            if not isinstance(getattr(self, name), int):
                raise RangeError(f"World.{name} must be a whole number, got {getattr(self, name)!r}.")
        if self.products < self.categories:
            raise RangeError(
                f"World.products must be at least World.categories, got {self.products} products in "
                f"{self.categories} categories."
            )

    @property
    def mean_purchase_rate(self) -> float:
        """Purchases per day of the mean customer who has not left, before the effect of the channel.

        Examples
        --------
        >>> World(r=0.8, alpha=40.0).mean_purchase_rate
        0.02
        """
        return self.r / self.alpha

    @property
    def mean_order_value(self) -> float:
        """Money, the mean order over all customers.

        Examples
        --------
        >>> World(p=6.0, q=4.0, v=20.0).mean_order_value
        40.0
        """
        return self.p * self.v / (self.q - 1)


_COUNTS = ("products", "categories", "email_every_days", "yearly_peak", "weekly_peak")
_FAMILIES = ("bgnbd", "mbgnbd", "paretonbd")

# Brackets as in mathematics: "[0, 1)" includes 0 and leaves 1 out.
_RANGES = {
    **dict.fromkeys(("r", "alpha", "a", "b", "s", "beta", "p", "v", "fade_days"), "(0, inf)"),
    **dict.fromkeys(("refund_share", "discount_share", "email_consent", "open_rate", "click_rate"), "[0, 1]"),
    **dict.fromkeys(("yearly_amplitude", "weekly_amplitude", "cost_share"), "[0, 1)"),
    **dict.fromkeys(("referral_share", "never_buy_share"), "[0, 1)"),
    **dict.fromkeys(("acquisition_cost", "channel_effect", "visits_per_day"), "[0, inf)"),
    "contributions_per_year": "[0, inf)",
    **dict.fromkeys(("lines_per_order", "products", "categories", "email_every_days"), "[1, inf)"),
    "q": "(1, inf)",
    "acquisition_share": "(0, 1]",
    "lapsed_engagement": "[0, 1]",
    "yearly_peak": "[1, 366]",
    "weekly_peak": "[0, 6]",
}


def _require(name: str, value: float, span: str) -> None:
    low, high = (float(end) for end in span[1:-1].split(","))
    above = value >= low if span[0] == "[" else value > low
    below = value <= high if span[-1] == "]" else value < high
    if not (above and below):  # so that NaN fails too
        remedy = f" Write {value:g} % as {value / 100:g}." if high == 1 and 1 < value <= 100 else ""
        raise RangeError(f"World.{name} must lie in {span}, got {value!r}.{remedy}")
