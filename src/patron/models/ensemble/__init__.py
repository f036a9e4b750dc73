"""Trees and BTYD models combined: churn probability, expected value, and their season.

::

    btyd_features.py   purchase and spend models of a training snapshot, and their expectations
    churn_blend.py     ChurnBlend: weight of the trees, and the shift to the expected base rate
    season_share.py    SeasonShare: the share of a year's purchases that falls into the horizon
    seasonal_index.py  SeasonalIndex: how far the coming horizon lies from what models expect
    stacking.py        ValueStacking: one expected value out of trees and BTYD models
    tree_columns.py    the columns that trees see: features, BTYD expectations, percentiles
    value_trees.py     ValueTrees: expected value by boosted trees
"""
