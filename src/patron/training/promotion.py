"""Whether a new version becomes champion, and why: `PromotionDecision`."""

from dataclasses import dataclass

__all__ = ["PromotionDecision"]


@dataclass(frozen=True, slots=True)
class PromotionDecision:
    """Whether the challenger becomes champion, and why.

    Attributes
    ----------
    promoted
        whether it becomes champion
    reason
        why, or why not: words that follow "because …"
    by_hand
        whether the user asked for the promotion, whatever the comparison shows
    remedy
        what to do about it, a sentence; "" where there is nothing to do

    Examples
    --------
    >>> PromotionDecision(True, "it was promoted by hand", by_hand=True).remedy
    ''
    """

    promoted: bool
    reason: str
    by_hand: bool = False
    remedy: str = ""
