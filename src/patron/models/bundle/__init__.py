"""Everything that scoring needs, in one value, saved and loaded without pickle.

::

    bundle.py            Bundle: the fitted parts, and their files
    policy.py            Policy: the decisions of the business that are frozen with the model
    population_ranks.py  percentile grids of a population too large for one frame
    prediction.py        the predictions of a bundle, its parts put together row by row
    reference.py         Reference: distributions in the training population, from which drift is measured
    tiers.py             Tiers: frozen quantiles of customer value
"""
