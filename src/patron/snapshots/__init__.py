"""Who is looked at when, what was visible then, and what came after.

::

    asof.py      what was visible at as_of: the only place that compares a time with as_of
    spine.py     one row per eligible customer × as_of
    churn_window.py  how long a silence means that a customer has left, for each of them
    labels.py    churned, purchases and value in the horizon: the only code that looks ahead
    splits.py    train | stop | calibrate (| test) by as_of, at least one horizon apart, a year ago among them

as_of is the last day known: what happened on or before it is history, and the horizon is the days after it.
"""
