"""The scorecard: one row per customer with predictions, potentials, stage, action and reasons.

::

    actions.py           contact threshold, maximum retention spend, recommended action
    arrow.py             scorecard rows as Arrow tables
    columns.py           the columns of a scorecard and their types
    decisions.py         the columns that follow from predictions: potentials, tier, stage, band, action
    headroom.py          growth headroom compared with similar customers
    learning.py          learning potential by a rate card
    lifecycle.py         lifecycle stage of a customer
    lookalikes.py        customers most similar to a seed group on their first day
    network.py           network potential of referrals, and customer equity
    not_scored.py        rows of customers without a score
    potentials.py        base, growth and total potential, value at risk
    reasons.py           the three strongest reasons of a risk
    scorable.py          validation rules of the purchase columns
    scorecard.py         `make_scorecard`: feature rows and a bundle → the scorecard
    stage_history.py     transitions between stages, and dwell times
    stages_over_time.py  the stage of each customer on several past days
"""
