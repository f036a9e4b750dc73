"""How often and how long customers buy: BG/NBD and MBG/NBD, one model with a switch between them.

::

    by_age.py        expectations interpolated between a few ages: a million customers at low cost
    expectation.py   probabilities and expected purchases of one customer, as formulas of arrays
    families.py      which family fits better, as a sentence
    likelihood.py    the log-likelihood of purchases: the formula, compressed, with its gradient
    model.py         BetaGeoModel: fit, predict, simulate, save
    priors.py        prior distributions, and warnings about thin data
    rate.py          the expected purchase rate of a customer who is alive, and its integral
    simulate.py      simulated futures of customers

The field's symbols r, α, a, b, x, t_x, T are explained at the top of each file that uses them.
"""

__all__ = ["FAMILIES"]

FAMILIES = ("bgnbd", "mbgnbd")
"""In MBG/NBD a customer can drop out right after the first purchase, in BG/NBD only after a repeat one."""
