"""From features and purchases to predictions: who leaves, who buys how often and for how much.

Who leaves::

    churn.py          `ChurnClassifier`: small trees, calibrated
    encoding.py       feature frames → the matrix of the trees; categories by stored codes
    trees.py          LightGBM, grown reproducibly, and taken apart into contributions
    forest.py         several sums of trees that differ by their seed, and the plan they grow by
    percentiles.py    where a customer stands among those of the day
    expected.py       what purchase models expect, as columns; all that trees see of a customer
    calibration.py    from what the trees say to how often it happens
    estimator.py      settings by name, as scikit-learn asks for them
    leads.py          who becomes a customer: points by rule, and the same classifier

What customers are worth::

    purchases/        `BetaGeoModel`: how often and how long customers buy
    spend.py          `GammaGammaModel`: for how much; population_spend.py where nobody has bought twice
    value.py          `CustomerValueModel`: purchases × spend × margin, discounted
    renewal.py        `RenewalModel`: how long customers with a contract stay; renewal_likelihood.py,
                      renewal_posterior.py, lifetime.py (its formulas), contracts.py (what it is fitted to)
    predictive.py     parameters → every number of the scorecard, with intervals.py
    checks.py         what to look at before such a model is trusted
    value_trees.py    `ValueTrees`: the other opinion, by boosted trees
    level.py          `Level`: how far the coming season lies from what models expect; season_share.py
    combination.py    `ValueCombination`: one expected value out of all of these

How these are fitted::

    customers.py      RFM rows, checked once; compression.py and segments.py: those alike, counted once
    covariates.py     columns that move the parameters
    posterior.py      from a log-likelihood to draws: nuts.py, or laplace.py with importance.py
    diagnostics.py    whether to trust them
    functions.py      one formula for NumPy and for PyMC; spend_likelihood.py
    kernels.py        the same summed and compiled, with gradients
    draws.py          a model known by its draws

What is kept::

    tiers.py          where a customer stands among those of the training
    prediction.py     what its parts say together
    stored.py         one model in one file
    bundle.py         `Bundle`: everything that scoring needs, saved without pickle
"""
