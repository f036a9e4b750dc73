"""Snapshots: the customers eligible on a day, what was visible then, and the outcome after it.

::

    asof.py         what was visible at as_of: the only place that compares a time with as_of
    spine.py        one row per eligible customer × as_of
    churn_window.py each customer's adaptive churn window: the days of silence that count as churn
    labels.py       churned, purchases and value in the horizon: the only code that looks ahead
    splits.py       train | stop | calibrate (| test) snapshots, at least one horizon apart

as_of is the last day known: what happened on or before it is history, and the horizon is the days after it.
"""
