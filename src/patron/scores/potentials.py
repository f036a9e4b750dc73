"""What a customer has brought, may bring, and stands to be lost: money, one number per customer.

====================  ====================================================================================
past margin           what is left of everything bought so far: less the cost of the goods where that is
                      known, else the margin's share of it
base potential        past margin, less the costs to serve and to acquire
growth potential      discounted margin expected over the value horizon: the value model's
network potential     what the customer's referrals bring; 0 without a referrals table
learning potential    what the customer teaches the business; 0 without a contributions table
customer value        the sum of the four
value at risk         the part of the growth potential that is expected to be lost by churn
====================  ====================================================================================

An unknown number (NaN) makes everything that rests on it unknown.

References
----------
Kumar, Aksoy, Donkers, Venkatesan, Wiesel & Tillmanns (2010), Journal of Service Research 13(3), 297-310:
customer value as the sum of what customers buy, refer, influence and teach.
"""

import numpy as np

from patron.arrays import Floats

__all__ = ["base_potential", "customer_value", "past_margin", "value_at_risk"]


def past_margin(net_spend: Floats, cost_of_goods: Floats, margin: float) -> Floats:
    """What is left of all that each customer has bought.

    Parameters
    ----------
    net_spend
        (n_customers,) money, all amounts to date net of refunds
    cost_of_goods
        (n_customers,) money, what the goods cost the business; 0 where that is not known
    margin
        share of an amount that is kept, in (0, 1]

    Returns
    -------
    Floats
        (n_customers,) money: net spend − cost of goods where that cost is known, margin × net spend
        elsewhere; never both, which would take the cost off twice

    Examples
    --------
    >>> past_margin(np.array([200.0, 200.0]), np.array([120.0, 0.0]), margin=0.5)
    array([ 80., 100.])
    """
    return np.where(cost_of_goods > 0, net_spend - cost_of_goods, margin * net_spend)


def base_potential(past_margin: Floats, cost_to_serve: Floats, acquisition_cost: Floats) -> Floats:
    """What each customer has brought so far.

    Parameters
    ----------
    past_margin
        (n_customers,) money, see `past_margin`
    cost_to_serve
        (n_customers,) money, what calls, visits and the like took; a credit is negative
    acquisition_cost
        (n_customers,) money ≥ 0, what it took to win the customer

    Returns
    -------
    Floats
        (n_customers,) money; negative where the customer has not yet paid back what was spent

    Examples
    --------
    >>> base_potential(np.array([100.0, 10.0]), np.array([10.0, 0.0]), np.array([0.0, 15.0]))
    array([90., -5.])
    """
    return past_margin - cost_to_serve - acquisition_cost


def customer_value(base: Floats, growth: Floats, network: Floats, learning: Floats) -> Floats:
    """The four potentials together.

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
    """What is expected to be lost by churn.

    Parameters
    ----------
    churn_probability
        (n_customers,) probability in [0, 1]
    growth
        (n_customers,) money, growth potential

    Returns
    -------
    Floats
        (n_customers,) money ≥ 0; nobody can lose what is not there to come

    Examples
    --------
    >>> value_at_risk(np.array([0.25, 0.25]), np.array([40.0, -4.0]))
    array([10.,  0.])
    """
    return churn_probability * np.maximum(growth, 0.0)
