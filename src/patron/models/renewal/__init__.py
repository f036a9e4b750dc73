"""Contracts that are renewed or not: the shifted beta-geometric model.

::

    contracts.py   Contracts as a renewal model takes them: how often each was renewed, and whether it has
                   ended.
    likelihood.py  What contracts say about the shifted beta-geometric law: `log_likelihood`, and its sum
                   with gradient.
    model.py       How long customers with a contract stay: `RenewalModel`, the shifted beta-geometric law
                   (sBG).
    posterior.py   What the renewal model takes for plausible before it sees contracts, and when contracts
                   say little.
    survival.py    Formulas of the shifted beta-geometric law: survival, retention rate, discounted residual
                   lifetime.
"""
