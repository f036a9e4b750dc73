"""The probability of churn: small LightGBM trees, calibrated.

::

    boosted_trees.py     LightGBM ensembles, grown so that the same rows always give the same trees
    calibration.py       from the trees' log-odds to probabilities, fitted on a later snapshot
    classifier.py        ChurnClassifier: fit, predict, explain, take apart
    percentile_ranks.py  Percentiles: the rank of a customer among the customers of the same day
    rows.py              feature rows as arrays, to predict without frames
    seed_average.py      SeedAverage: the mean of boosted ensembles that differ by their seed
"""
