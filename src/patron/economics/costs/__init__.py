"""The cost of keeping customers, with every cent of the cost ledger accounted for.

::

    cost_ledger.py      each line of the ledger allocated, and the rates that follow
    cost_tables.py      costs by customer and segment, and the whale curve
    journey.py          touchpoints, time equations, capacities and unit costs
    retention_costs.py  `retention_costs`: all of it
    rounding.py         whole cents that add up to the total
"""
