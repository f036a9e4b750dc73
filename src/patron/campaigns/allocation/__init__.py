"""Whom to contact with which offer under a budget, and who is held out.

::

    allocate.py         the most profitable list under a budget, channel capacities and segment minimums
    holdout.py          the random holdout of a list, its strata, and the effect it can detect
    integer_core.py     the core problem that shadow prices leave open, solved as a mixed-integer program
    offers.py           offers: cost, acceptance and channel; their expected profit per customer
    plan.py             the campaign plan: list, holdout, costs, expected profit and simpler alternatives
    profit_measures.py  profit curve of a ranked list; MPC and EMPC to compare models
    shadow_prices.py    the allocation problem, and shadow prices of its limits
"""
