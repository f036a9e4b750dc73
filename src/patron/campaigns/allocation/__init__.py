"""Whom to contact with which offer under a budget, and who is held out.

::

    allocate.py       The list worth contacting: the most profit under a budget and the limits of the
                      channels.
    greedy.py         Customers in an order, taken while there is room.
    holdout.py        Who of a list is left alone by lot, so that what the contact changed can be known
                      afterwards.
    integer_core.py   The part of a list that prices leave open, decided by an integer program.
    offers.py         What an offer costs, how often it works, and what making it to a customer is expected
                      to earn.
    plan.py           From scores and offers to a plan: who is contacted with what, who is held out, what it
                      costs and earns.
    profit.py         How deep into a ranked list to go, and what a ranking is worth: profit curve, MPC and
                      EMPC.
    shadow_prices.py  What the shared limits of a campaign are worth: a price for the budget, each channel
                      and each segment.
"""
