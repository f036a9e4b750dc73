"""The effect of a plan, of a saving, of more spending or of more retention.

::

    last_year.py        figures of the last twelve whole months
    plan_cash.py        terms and monthly cash flows of a plan
    plan_contracts.py   prices, failed payments and renewal models from contracts
    plans.py            `compare_plans`: a monthly against an annual plan
    rate_changes.py     `Points` and `Percent`
    retention_spend.py  the optimal retention spend
    scenarios.py        other channels, automation and personalisation
    what_if.py          `what_if`: customers, revenue and profit after a change
"""
