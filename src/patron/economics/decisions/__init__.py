"""What a plan, a saving or more retention would change.

::

    plan_cash.py        The cash of a plan, month by month, of one signed customer: payments, refunds, fees
                        and service.
    plans.py            A monthly plan against a discounted annual one: what a signed customer is worth, and
                        when the cash comes.
    rate_changes.py     Changes of a rate, said so that nobody can mistake them: `Points` and `Percent`.
    retention_spend.py  How much to spend on keeping customers, and what a saving costs in customers.
    what_if.py          What if more customers stayed, or cost less: paths of base, revenue and profit, with
                        intervals.
"""
