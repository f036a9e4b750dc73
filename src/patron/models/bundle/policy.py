"""The decisions of the business that a scorecard needs: `Policy`, frozen with the model.

==============  =======================================================================================
typical offer   what it costs to keep a customer, and how often that works: where contact starts to pay
stage rules     when a customer counts as loyal, at risk, dormant or lost
==============  =======================================================================================

Decisions are not estimates. They are stored with the model version, so that a customer's band, stage and
action change only because the customer changed, or the decision.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from patron.checks import at_least, share
from patron.errors import RangeError

__all__ = ["Policy", "StageRules", "TypicalOffer"]

INCENTIVE_SHARE, CONTACT_SHARE = 0.10, 0.01
"""Default cost of an offer and of a contact, as shares of a typical order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypicalOffer:
    """A typical retention offer, assumed until there are real ones; numbers out of range are refused.

    Attributes
    ----------
    incentive
        money ≥ 0, paid if the offer is taken; customers who would have stayed take it, too
    contact_cost
        money ≥ 0, paid for every contact
    acceptance
        probability in [0, 1] that a customer who would have left takes it and stays

    Examples
    --------
    >>> TypicalOffer.of_orders(40.0)
    TypicalOffer(incentive=4.0, contact_cost=0.4, acceptance=0.3)
    """

    incentive: float
    contact_cost: float
    acceptance: float = 0.3

    def __post_init__(self) -> None:
        for name in ("incentive", "contact_cost"):
            at_least(f"offer.{name}", getattr(self, name), 0)
        share("offer.acceptance", self.acceptance)

    @classmethod
    def of_orders(cls, order_value: float) -> Self:
        """An offer in proportion to a typical order: a tenth of it, and a hundredth for the contact.

        Parameters
        ----------
        order_value
            money ≥ 0, what a typical order is worth
        """
        return cls(incentive=INCENTIVE_SHARE * order_value, contact_cost=CONTACT_SHARE * order_value)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRules:
    """Thresholds of the lifecycle stages.

    A silence counts as long if it exceeds both a number of days and a number of the customer's own usual
    gaps: a month without bread is long, a month without a sofa is not.

    Attributes
    ----------
    retention_from
        count ≥ 1 of repeat purchase days, from which a customer is no longer in development
    loyalty_from, loyalty_days
        count of repeat purchase days and age in days, both needed for loyalty
    at_risk_days, at_risk_gaps
        silence after which a customer is at risk
    dormant_days, dormant_gaps
        after which the customer is dormant
    lost_days, lost_gaps
        after which the customer is lost
    won_back_within, won_back_after
        days; won back is who bought in the last `won_back_within` days, not in
        the days before that up to `won_back_after`, and once before then; both are windows that features
        know (7, 30, 90, 180, 365)
    first_gap_days
        usual gap, in days, of customers who have bought on one day only

    Raises
    ------
    RangeError
        a number is too small, a later stage begins before an earlier one, or a window is none of
        the five

    Examples
    --------
    >>> StageRules(dormant_days=400)
    Traceback (most recent call last):
        ...
    patron.errors.RangeError: stages: dormant_days (400) must not exceed lost_days (365).
    """

    retention_from: int = 3
    loyalty_from: int = 8
    loyalty_days: int = 365
    at_risk_days: float = 30
    at_risk_gaps: float = 2.0
    dormant_days: float = 180
    dormant_gaps: float = 4.0
    lost_days: float = 365
    lost_gaps: float = 8.0
    won_back_within: int = 90
    won_back_after: int = 365
    first_gap_days: float = 90

    def __post_init__(self) -> None:
        for name in (one.name for one in fields(self)):
            lowest = 1 if name in ("retention_from", "first_gap_days") else 0
            at_least(f"stages.{name}", getattr(self, name), lowest)
        for first, then in _IN_ORDER:
            if getattr(self, first) > getattr(self, then):
                raise RangeError(
                    f"stages: {first} ({getattr(self, first)}) must not exceed {then} "
                    f"({getattr(self, then)})."
                )
        for name in ("won_back_within", "won_back_after"):
            if getattr(self, name) not in _WINDOWS:
                known = ", ".join(map(str, _WINDOWS))
                raise RangeError(f"stages.{name} must be one of {known}, got {getattr(self, name)!r}.")
        if self.won_back_within == self.won_back_after:
            raise RangeError(f"stages: won_back_within must be below won_back_after ({self.won_back_after}).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The decisions of a business that go into its scorecards.

    Attributes
    ----------
    offer
        None where the value of an order is unknown; there is then no band, no action and no spend
    stages
        the rules of lifecycle_stage

    Examples
    --------
    >>> policy = Policy(offer=TypicalOffer.of_orders(40.0))
    >>> Policy.from_dict(policy.to_dict()) == policy
    True
    """

    offer: TypicalOffer | None = None
    stages: StageRules = field(default_factory=StageRules)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> Self:
        """The policy that `to_dict` described.

        Parameters
        ----------
        described
            field → value, as `to_dict` returned it
        """
        offer = described["offer"]
        return cls(
            offer=None if offer is None else TypicalOffer(**offer), stages=StageRules(**described["stages"])
        )


_WINDOWS = (7, 30, 90, 180, 365)
_IN_ORDER = (
    ("retention_from", "loyalty_from"),
    ("at_risk_days", "dormant_days"),
    ("dormant_days", "lost_days"),
    ("at_risk_gaps", "dormant_gaps"),
    ("dormant_gaps", "lost_gaps"),
    ("won_back_within", "won_back_after"),
)
