"""Contracts that are renewed or not: the shifted beta-geometric model.

::

    contracts.py   contract rows, checked; made from subscriptions or from cohorts
    likelihood.py  the log-likelihood of contracts: the formula, compressed, with its gradient
    model.py       RenewalModel: fit, curve, residual lifetime
    survival.py    formulas: survival, retention rate, discounted residual lifetime
"""
