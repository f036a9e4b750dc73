"""Indicators of the customer base, one row per period and indicator.

::

    acquisition.py   What customers cost to win and what comes of leads; by channel and cohort, what they are
                     worth beside it.
    cohorts.py       How many of each cohort are left after each renewal: the triangle that retention is read
                     from.
    estimates.py     One number of the business with what it was made from, its 95 % interval, or the reason
                     why it has none.
    indicators.py    The indicators of a customer base: one row per period and indicator.
    periods.py       Whole months, quarters or years: what the indicators are counted by.
    roll_forward.py  Who came, stayed, left and came back in each period, and the rates of the customer base.
    sales.py         What customers buy: sales per customer, repeat buying, and how much of the revenue
                     stays.
    satisfaction.py  What customers say: satisfaction, recommendation, and loyalty in attitude.
    simple_clv.py    The simple lifetime values of the average active customer, beside what the model says of
                     the same ones.
    spells.py        When each customer was active: one row per spell, by rule for shops and by contract
                     otherwise.
    tenure.py        How long customers stay: Kaplan-Meier over those who have left and those who are still
                     there.
    up_sell.py       Up-sell and cross-sell, each among those who could be sold more.
"""
