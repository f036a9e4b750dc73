"""Potentials of a customer: money, one number per customer.

====================  ====================================================================================
past margin           net spend so far, less the cost of goods if known, else times the margin
base potential        past margin, less the costs to serve and to acquire
growth potential      discounted margin expected over the value horizon, by the value model
network potential     value of the customer's referrals; 0 without a referrals table
learning potential    value of the customer's contributions; 0 without a contributions table
customer value        the sum of the four
value at risk         expected loss of growth potential by churn
====================  ====================================================================================

NaN propagates: an unknown number makes everything that depends on it unknown.

References
----------
Kumar, Aksoy, Donkers, Venkatesan, Wiesel & Tillmanns (2010), Journal of Service Research 13(3), 297-310:
customer value as the sum of what customers buy, refer, influence and teach.
"""

import numpy as np

from patron.arrays import Floats

__all__ = ["base_potential", "customer_value", "past_margin", "value_at_risk"]


def past_margin(net_spend: Floats, cost_of_goods: Floats, margin: float) -> Floats:
    """The past margin of each customer.

    Parameters
    ----------
    net_spend
        (n_customers,) money, all amounts to date net of refunds
    cost_of_goods
        (n_customers,) money; 0 where unknown
    margin
        share of an amount that is kept, in (0, 1]

    Returns
    -------
    Floats
        (n_customers,) money: net spend − cost of goods where that cost is known, margin × net spend
        elsewhere; never both, which would subtract the cost twice

    Examples
    --------
    >>> past_margin(np.array([200.0, 200.0]), np.array([120.0, 0.0]), margin=0.5)
    array([ 80., 100.])
    """
    return np.where(cost_of_goods > 0, net_spend - cost_of_goods, margin * net_spend)


def base_potential(past_margin: Floats, cost_to_serve: Floats, acquisition_cost: Floats) -> Floats:
    """The base potential of each customer.

    Parameters
    ----------
    past_margin
        (n_customers,) money, see `past_margin`
    cost_to_serve
        (n_customers,) money, cost of calls, visits and so on; a credit is negative
    acquisition_cost
        (n_customers,) money ≥ 0

    Returns
    -------
    Floats
        (n_customers,) money; negative while the customer has not paid back the costs

    Examples
    --------
    >>> base_potential(np.array([100.0, 10.0]), np.array([10.0, 0.0]), np.array([0.0, 15.0]))
    array([90., -5.])
    """
    return past_margin - cost_to_serve - acquisition_cost


def customer_value(base: Floats, growth: Floats, network: Floats, learning: Floats) -> Floats:
    """The customer value: the sum of the four potentials.

    Parameters
    ----------
    base, growth, network, learning
        (n_customers,) money

    Returns
    -------
    Floats
        (n_customers,) money

    Examples
    --------
    >>> customer_value(np.array([90.0]), np.array([40.0]), np.array([0.0]), np.array([0.0]))
    array([130.])
    """
    return base + growth + network + learning


def value_at_risk(churn_probability: Floats, growth: Floats) -> Floats:
    """The expected loss by churn.

    Parameters
    ----------
    churn_probability
        (n_customers,) probability in [0, 1]
    growth
        (n_customers,) money, growth potential

    Returns
    -------
    Floats
        (n_customers,) money ≥ 0; 0 where the growth potential is negative

    Examples
    --------
    >>> value_at_risk(np.array([0.25, 0.25]), np.array([40.0, -4.0]))
    array([10.,  0.])
    """
    return churn_probability * np.maximum(growth, 0.0)
