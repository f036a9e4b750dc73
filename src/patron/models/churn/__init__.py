"""How likely a customer is to leave: small LightGBM trees, calibrated.

::

    boosted_trees.py     Boosted trees of LightGBM, grown so that the same rows always give the same trees.
    calibration.py       From what the trees say to how often it happens: calibration on a later snapshot.
    classifier.py        The chance that a customer leaves: `ChurnClassifier`, small LightGBM trees,
                         calibrated.
    percentile_ranks.py  Where a customer stands among the customers of the same day: `Percentiles`.
    rows.py              Feature rows as arrays: `Columns`, what predicting hands from part to part.
    seed_average.py      Several sums of trees that differ by their seed alone, averaged: `Forest`.
    tree_matrix.py       What trees see of customers, as one matrix: `tree_matrix`.
"""
