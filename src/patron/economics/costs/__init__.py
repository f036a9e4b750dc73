"""What keeping customers costs, and where every cent of the cost ledger went.

::

    cents.py            Money that adds up: parts in whole cents whose sum is the whole, to the cent.
    cost_ledger.py      The ledger, line by line: what customers cause, what nobody used, and what has no
                        cause on record.
    cost_tables.py      Costs of keeping customers as tables: per customer, per segment, and the whale curve.
    journey.py          The journey: what is done for customers, in which stage, how long it takes, and what
                        a minute costs.
    monthly_base.py     Who is a customer in each month, in which tier, and what they bring: what costs are
                        compared with.
    retention_costs.py  What it costs to keep customers, and where the money goes: `retention_costs`.
"""
