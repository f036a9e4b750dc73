"""Indicators of the customer base, each with its interval or the reason why there is none.

::

    acquisition.py    acquisition cost by period, and leads
    channels.py       acquisition cost and value by channel and cohort
    cohorts.py        the retention triangle
    customer_base.py  rules, periods, spells and sales that all indicators share
    estimates.py      shares, means and ratios with 95 % intervals
    indicators.py     `indicators`: one row per period and indicator
    roll_forward.py   new, lost and returned customers; churn, retention, growth, win-back
    sales.py          sales per customer, repeat rates, revenue retention
    satisfaction.py   CSAT, NPS and attitudinal loyalty
    simple_clv.py     simple CLV formulas compared with the model
    spells.py         when each customer was active
    tenure.py         Kaplan-Meier tenure
    up_sell.py        up-sell and cross-sell rates
"""
