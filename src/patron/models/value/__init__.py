"""What customers are worth: purchases × spend × margin, discounted.

::

    checks.py                  What to look at before a value model is trusted: each check is a function that
                               returns a tidy table.
    gamma_gamma.py             How much customers spend: `GammaGammaModel`.
    gamma_gamma_likelihood.py  What the data say about the parameters of Gamma-Gamma: `log_likelihood`, and
                               its sum with gradient.
    intervals.py               The interval that holds what a customer may really do, from weighted draws.
    model.py                   Customer lifetime value: purchases × spend × margin, discounted.
    next_purchase.py           When a customer who is still one buys next: days ahead, with a range.
    parameter_groups.py        Customers with equal covariates, who share their parameters: `segments_of`.
    pooled_spend.py            Spend models that need no fit: nobody has bought twice, or all orders are
                               worth the same.
    posterior_predictive.py    From parameters to every number of the scorecard: the engine of the value
                               model. Arrays in, arrays out.
    purchases/                 How often and how long customers buy: BG/NBD and MBG/NBD, one model with a
                               parameter.
    query.py                   Customers → an outlook on them: who shares parameters, and how far to look.
    rfm.py                     The customers of a value model: RFM rows, checked once, in the order in which
                               they came.
"""
