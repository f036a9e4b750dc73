"""What keeping customers costs and brings, from the tables of a business.

`kpis`, `costs` and `decisions` do not import each other; what they share is in the modules next to them.

::

    costs/           retention costs by time-driven activity-based costing
    decisions/       plans, retention spend, scenarios and what-if
    kpis/            indicators of the customer base by period, acquisition and simple CLV
    monthly_base.py  active and retained customers, revenue and margin by month and tier
    periods.py       whole months, quarters or years
    scorecards.py    growth potential and tiers of a scorecard
"""
