"""Purchase models and trees joined to one expected value, with its seasonal level.

::

    btyd_features.py   What the laws of buying expect of each customer, as columns of a feature row.
    season_share.py    How much of a year's purchases falls into the coming horizon: `SeasonShare`, a check
                       of the level.
    seasonal_shift.py  How high the coming horizon lies above or below what purchase models expect: season
                       and level.
    stacking.py        One expected value out of two: what the purchase and spend models say, and what trees
                       say.
    value_trees.py     What a customer will bring, by boosted trees: `ValueTrees`.
"""
