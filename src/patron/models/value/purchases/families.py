"""Which family fits: BG/NBD, or MBG/NBD, in which one-time buyers may be gone."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from patron.models.inference.posterior import find_mode
from patron.models.value.purchases.expectation import FAMILIES
from patron.models.value.purchases.priors import purchase_posterior
from patron.models.value.rfm import read_customers

__all__ = ["FamilyComparison", "compare_families", "families_in_words"]

CLEARLY = 2.0
"""Difference in log-likelihood from which one family clearly fits better: odds of 7 to 1."""


_NAMES = {"bgnbd": "BG/NBD", "mbgnbd": "MBG/NBD"}


@dataclass(frozen=True, slots=True)
class FamilyComparison:
    """How well each family fits the same customers.

    Attributes
    ----------
    bgnbd, mbgnbd
        log-likelihoods at the mode, up to a constant; both families have four parameters, so they
        compare as they are
    one_time_buyers
        share of customers without a repeat purchase, in [0, 1]
    """

    bgnbd: float
    mbgnbd: float
    one_time_buyers: float

    @property
    def difference(self) -> float:
        """Log-likelihood of MBG/NBD less that of BG/NBD: positive where MBG/NBD fits better."""
        return self.mbgnbd - self.bgnbd

    @property
    def better(self) -> Literal["bgnbd", "mbgnbd"]:
        """The family to take: MBG/NBD only where it clearly fits better."""
        return "mbgnbd" if self.difference > CLEARLY else "bgnbd"

    def sentence(self) -> str:
        """The finding, for a report.

        Examples
        --------
        >>> FamilyComparison(bgnbd=-9582.4, mbgnbd=-9552.1, one_time_buyers=0.6).sentence()
        'MBG/NBD fits better than BG/NBD (log-likelihood +30.3; 60 % of customers bought once): use
        family="mbgnbd".'
        """
        once = f"{100 * self.one_time_buyers:.0f} % of customers bought once"
        share = f"log-likelihood {self.difference:+.1f}; {once}"
        if self.better == "mbgnbd":
            return f'MBG/NBD fits better than BG/NBD ({share}): use family="mbgnbd".'
        if self.difference < -CLEARLY:
            return f"BG/NBD fits better than MBG/NBD ({share})."
        return f"BG/NBD and MBG/NBD fit alike ({share})."


def families_in_words(family: str, gain: float) -> str:
    """How the other family would fit the customers that a model was fitted to.

    Parameters
    ----------
    family
        that of the model
    gain
        log-likelihood that the other one would gain, see
        :class:`patron.models.inference.diagnostics.Diagnostics`

    Examples
    --------
    >>> families_in_words("bgnbd", 30.8)
    'MBG/NBD fits better than BG/NBD (log-likelihood +30.8); purchase_family = "mbgnbd" takes it.'
    >>> families_in_words("bgnbd", -0.02)
    'MBG/NBD and BG/NBD fit alike (log-likelihood +0.0).'
    """
    other = "mbgnbd" if family == "bgnbd" else "bgnbd"
    ours, theirs = _NAMES[family], _NAMES[other]
    found = f"(log-likelihood {gain:+z.1f})"
    if gain > CLEARLY:
        return f'{theirs} fits better than {ours} {found}; purchase_family = "{other}" takes it.'
    if gain < -CLEARLY:
        return f"{ours} fits better than {theirs} {found}."
    return f"{theirs} and {ours} fit alike {found}."


def compare_families(rfm: pd.DataFrame) -> FamilyComparison:
    """How well BG/NBD and MBG/NBD fit these customers, by their modes: seconds even for a million.

    Parameters
    ----------
    rfm
        one row per customer: customer_id, frequency, recency, T; any time unit, which shifts both alike

    Raises
    ------
    TableError
        rfm lacks a column, has no row, or rows break a rule of RFM tables

    Examples
    --------
    >>> from patron.datasets.btyd import simulate_btyd
    >>> world = dict(r=1.0, alpha=20.0, a=1.5, b=2.0, p=6.0, q=4.0, v=15.0)
    >>> rfm = simulate_btyd(5000, **world, T=365.0, horizon=0.0, family="mbgnbd", seed=1).rfm
    >>> compare_families(rfm).better
    'mbgnbd'
    """
    customers = read_customers(rfm)
    bgnbd, mbgnbd = (
        find_mode(purchase_posterior(customers, None, family)[0]).log_likelihood for family in FAMILIES
    )
    return FamilyComparison(bgnbd, mbgnbd, float((customers.frequency == 0).mean()))
