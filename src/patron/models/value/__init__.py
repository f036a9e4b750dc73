"""What customers are worth: purchases × spend × margin, discounted.

::

    checks.py                  checks of a value model against the data, each a tidy table
    gamma_gamma.py             GammaGammaModel: the value of an order
    gamma_gamma_likelihood.py  its log-likelihood: the formula, compressed, with its gradient
    intervals.py               predictive intervals from weighted draws
    model.py                   CustomerValueModel: fit, predict, save
    next_purchase.py           days until the next purchase, with an interval
    parameter_groups.py        customers with equal covariates, who share parameter draws
    posterior_predictive.py    from parameter draws to expectations and intervals, arrays in and out
    purchases/                 BetaGeoModel: how often and how long customers buy
    rfm.py                     RFM rows, checked once
"""
