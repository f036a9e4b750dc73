"""Contacted and left alone: without customers of both kinds nothing is uplift, and effects are assumed."""

from typing import Any

import numpy as np

from patron.arrays import Floats
from patron.errors import InputError, RangeError, TooFewCustomersError, counted, some

__all__ = ["FEWEST_IN_A_GROUP", "assumed_effects", "check_groups"]


FEWEST_IN_A_GROUP = 50
"""Customers contacted, and customers left alone, below which no effect is learned."""


def check_groups(treated: Floats) -> None:
    """Raise unless there are customers contacted and customers left alone to compare them with.

    Parameters
    ----------
    treated
        (n_customers,) 1 contacted, 0 not

    Raises
    ------
    InputError
        no control group, nobody contacted, or another value
    TooFewCustomersError
        one of the groups is too small

    Examples
    --------
    >>> check_groups(np.ones(500))
    Traceback (most recent call last):
        ...
    patron.errors.InputError: All 500 customers were contacted, so nothing shows what they would have done
    without it, and no effect may be called uplift. Leave a random control group alone next time (treated =
    0), and until then assume an acceptance.
    """
    if not np.isin(treated, (0.0, 1.0)).all():
        strange = np.unique(treated[~np.isin(treated, (0.0, 1.0))])
        raise InputError(f"treated must be 1 (contacted) or 0 (control group), got {some(strange)}.")
    contacted = int(treated.sum())
    alone = len(treated) - contacted
    if alone == 0 and contacted > 1:
        raise InputError(
            f"All {contacted:,} customers were contacted, so nothing shows what they would have done without "
            "it, and no effect may be called uplift. Leave a random control group alone next time (treated = "
            "0), and until then assume an acceptance."
        )
    if contacted == 0 and alone > 1:
        raise InputError(
            f"None of the {alone:,} customers was contacted, so there is no effect to learn. Give the "
            "contacts with treated = 1 too."
        )
    if min(contacted, alone) < FEWEST_IN_A_GROUP:
        raise TooFewCustomersError(
            f"{counted(contacted, 'customer was', 'customers were')} contacted and "
            f"{counted(alone, 'was', 'were')} not; effects need at least {FEWEST_IN_A_GROUP} "
            "of each. Pool campaigns with the same offer, or run a larger one."
        )


def assumed_effects(risk: Any, value: Any, acceptance: float) -> Floats:
    """Risk × value × acceptance: what is assumed of a contact while no trial has shown its effect.

    It is no uplift: it takes everybody at risk for equally open to the offer, and never finds harm.

    Parameters
    ----------
    risk
        (n_customers,) probability in [0, 1] of leaving when left alone
    value
        (n_customers,) money that is lost with the customer
    acceptance
        probability in [0, 1] that a would-be leaver stays for the offer; an assumption

    Returns
    -------
    Floats
        (n_customers,) money; 0 where there is nothing to lose

    Raises
    ------
    RangeError
        acceptance or a risk lies outside [0, 1]

    Examples
    --------
    >>> assumed_effects([0.5, 0.1], [200.0, -5.0], acceptance=0.3)
    array([30.,  0.])
    """
    chance = np.asarray(risk, dtype=np.float64)
    if not 0 <= acceptance <= 1:
        raise RangeError(
            f"acceptance must be a probability in [0, 1], got {acceptance!r}. Write 30 % as 0.30."
        )
    if not ((chance >= 0) & (chance <= 1)).all():  # written so that NaN fails too
        raise RangeError("every risk must be a probability in [0, 1]. Leave customers without a score out.")
    return chance * np.maximum(np.asarray(value, dtype=np.float64), 0.0) * acceptance
