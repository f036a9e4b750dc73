"""The check that a trial has both treated and control customers: without both there is no uplift."""

import numpy as np

from patron.arrays import Floats
from patron.errors import InputError, TooFewCustomersError, counted, some

__all__ = ["MIN_GROUP_SIZE", "check_control_group"]


MIN_GROUP_SIZE = 50
"""Smallest number of treated, and of control customers, from which effects are learned."""


def check_control_group(treated: Floats) -> None:
    """Raise unless there are enough treated and control customers to compare.

    Parameters
    ----------
    treated
        (n_customers,) 1 treated, 0 control

    Raises
    ------
    InputError
        there is no control group, no treated customer, or another value
    TooFewCustomersError
        one of the groups is too small

    Examples
    --------
    >>> check_control_group(np.ones(500))
    Traceback (most recent call last):
        ...
    patron.errors.InputError: All 500 customers were treated, so nothing shows what they would have done
    without contact, and no effect may be called uplift. Hold out a random control group next time (treated =
    0); until then assume an acceptance.
    """
    if not np.isin(treated, (0.0, 1.0)).all():
        invalid = np.unique(treated[~np.isin(treated, (0.0, 1.0))])
        raise InputError(f"treated must be 1 (contacted) or 0 (control group), got {some(invalid)}.")
    n_treated = int(treated.sum())
    n_control = len(treated) - n_treated
    if n_control == 0 and n_treated > 1:
        raise InputError(
            f"All {n_treated:,} customers were treated, so nothing shows what they would have done without "
            "contact, and no effect may be called uplift. Hold out a random control group next time (treated "
            "= 0); until then assume an acceptance."
        )
    if n_treated == 0 and n_control > 1:
        raise InputError(
            f"None of the {n_control:,} customers was treated, so there is no effect to learn. Include the "
            "contacts with treated = 1 too."
        )
    if min(n_treated, n_control) < MIN_GROUP_SIZE:
        raise TooFewCustomersError(
            f"{counted(n_treated, 'customer was', 'customers were')} treated and "
            f"{counted(n_control, 'was', 'were')} not; effects need at least {MIN_GROUP_SIZE} "
            "of each. Pool campaigns with the same offer, or run a larger one."
        )
