"""What a model says about each customer, as one row: the scorecard.

================  ========================================================================================
scorable.py       which feature rows can be scored, and the rule that each other row breaks
not_scored.py     the customers who get no score, among those who do
potentials.py     what a customer has brought, may bring, and stands to be lost
network.py        what a customer's referrals have brought and will bring; what all are worth together
learning.py       what a customer's contributions are worth by a rate card
headroom.py       what similar customers are worth more
lifecycle.py      in which stage of life a customer is
stages_over_time.py the stage of each customer on several past days
stage_history.py  how customers move from stage to stage, and how long they stay
lookalikes.py     who resembles a group by what was known on the first day
actions.py        where contact starts to pay, what it may cost, and what to do
reasons.py        why the risk is what it is, in words
decisions.py      potentials, tier, stage, band, action and spend, put together
columns.py        the columns of a scorecard and their types
scorecard.py      `make_scorecard`: feature rows and a bundle → the scorecard
================  ========================================================================================
"""
